#include "change/change.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"
#include "change/txn.h"

static apr_status_t changed_since(const em_txn_t *txn, em_result_t *res,
                                  const char *path)
{
    return em_result_fail(res, APR_EBUSY, EM_EXIT_FAILED,
                          "changed-since-plan",
                          "%s was changed by somebody else after the plan "
                          "was made; look at it and try again",
                          em_view_outside(txn->view, path, txn->pool));
}

static apr_status_t check_before(const em_txn_t *txn, const em_move_t *move,
                                 em_result_t *res)
{
    em_image_t now;
    apr_status_t rv = em_move_now(&now, txn->store->root, move, txn->pool);

    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "read-failed", "look at", txn,
                                move->step->path);
    }
    return em_image_same(&now, &move->before)
               ? APR_SUCCESS : changed_since(txn, res, move->step->path);
}

static apr_status_t make_moves(const em_txn_t *txn, const em_group_t *group,
                               em_log_t *log, em_result_t *res)
{
    for (int i = 0; i < group->moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(group->moves, i, em_move_t *);
        apr_status_t rv = check_before(txn, move, res);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        rv = em_move_make(txn->store->root, txn->intent->info.id, move,
                          &move->after, txn->pool);
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed", "change", txn,
                                    move->step->path);
        }
        em_log(log, EM_LOG_DEBUG, "%s: %s", move->step->path,
               move->step->why);
    }
    return APR_SUCCESS;
}

/* 1: the exchange is done, 0: it cannot be done here. */
static apr_status_t make_swap(int *pdone, const em_txn_t *txn,
                              em_group_t *group, em_log_t *log,
                              em_result_t *res)
{
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; rv == APR_SUCCESS && i < group->moves->nelts; i++) {
        rv = check_before(txn, APR_ARRAY_IDX(group->moves, i, em_move_t *),
                          res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_swap_make(group->swap, txn->pool);
    *pdone = rv == APR_SUCCESS;
    if (rv == APR_SUCCESS) {
        em_log(log, EM_LOG_DEBUG, "%s: %d entries changed in one exchange",
               group->dir, group->moves->nelts);
        return rv;
    }
    if (rv == APR_ENOTIMPL) {
        return APR_SUCCESS;
    }
    return APR_STATUS_IS_EBUSY(rv)
               ? changed_since(txn, res, group->dir)
               : em_change_failed(res, rv, "write-failed", "exchange", txn,
                                  group->dir);
}

/* The exchange was possible when it was prepared; if it is not any more, the
 * moves are still there. */
static apr_status_t prepare_again(const em_txn_t *txn, em_group_t *group,
                                  em_result_t *res)
{
    apr_status_t rv = em_swap_sweep(txn->store->root, txn->intent->info.id,
                                    group, txn->pool);

    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "write-failed",
                                "remove the copy of", txn, group->dir);
    }
    group->swap = NULL;
    return em_group_prepare(txn, group, 0, res);
}

static apr_status_t make_group(const em_txn_t *txn, em_group_t *group,
                               em_log_t *log, em_result_t *res)
{
    apr_status_t rv = APR_SUCCESS;
    int done = 0;

    if (!group->ready) {
        rv = em_group_prepare(txn, group, 0, res);
    }
    if (rv == APR_SUCCESS && group->swap) {
        rv = make_swap(&done, txn, group, log, res);
        if (rv == APR_SUCCESS && !done) {
            rv = prepare_again(txn, group, res);
        }
    }
    return rv == APR_SUCCESS && !done ? make_moves(txn, group, log, res)
                                      : rv;
}

apr_status_t em_txn_apply(em_txn_t *txn, em_log_t *log, em_result_t *res)
{
    const em_txn_info_t *info = &txn->intent->info;
    apr_status_t rv = APR_SUCCESS;

    if (info->state == EM_TXN_PREPARED) {
        rv = em_txn_transact(txn, log, res);
    }
    if (rv == APR_SUCCESS && !txn->groups) {
        rv = em_txn_prepare(txn, NULL, res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    em_result_activity(res, "changing the configuration");
    if (info->state != EM_TXN_APPLYING || txn->applied) {
        return em_result_fail(res, APR_EINVAL, EM_EXIT_FAILED,
                              "journal-state", "the change %s is %s already",
                              info->id, em_txn_state_name(info->state));
    }
    for (int i = 0; rv == APR_SUCCESS && i < txn->groups->nelts; i++) {
        rv = make_group(txn, APR_ARRAY_IDX(txn->groups, i, em_group_t *),
                        log, res);
    }
    txn->applied = rv == APR_SUCCESS;
    return rv;
}

static apr_status_t sync_dir(const em_txn_t *txn, const char *path,
                             em_result_t *res)
{
    int fd;
    apr_status_t rv = em_dir_open(&fd, txn->store->root, path);

    if (rv == APR_SUCCESS) {
        rv = em_dir_sync(fd);
        close(fd);
    }
    return rv == APR_SUCCESS
               ? rv : em_change_failed(res, rv, "write-failed",
                                       "bring to the disk", txn, path);
}

/* An exchange is synced by the sweep, before the old directory goes. */
static apr_status_t sync_groups(const em_txn_t *txn, em_result_t *res)
{
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; rv == APR_SUCCESS && i < txn->groups->nelts; i++) {
        const em_group_t *group = APR_ARRAY_IDX(txn->groups, i,
                                                em_group_t *);

        if (!group->swap) {
            rv = sync_dir(txn, group->dir, res);
        }
    }
    return rv;
}

apr_status_t em_txn_settle(em_txn_t *txn, em_log_t *log, em_result_t *res)
{
    em_txn_info_t *info = &txn->intent->info;
    apr_status_t rv;

    if (info->state == EM_TXN_APPLIED) {
        return APR_SUCCESS;
    }
    em_result_activity(res, "bringing the change to the disk");
    if (!txn->applied) {
        return em_result_fail(res, APR_EINVAL, EM_EXIT_FAILED,
                              "journal-state", "the change %s is %s, not "
                              "made", info->id,
                              em_txn_state_name(info->state));
    }
    /* The old files go only when the new ones are sure to stay. */
    rv = sync_groups(txn, res);
    if (rv == APR_SUCCESS) {
        rv = em_txn_sweep(txn, log, res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_txn_rmdirs(txn, txn->intent->unmade, 0, res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_journal_set_state(txn->store, info->id, EM_TXN_APPLIED, res,
                                  txn->pool);
    }
    if (rv == APR_SUCCESS) {
        info->state = EM_TXN_APPLIED;
    }
    return rv;
}
