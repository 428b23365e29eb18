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

static apr_status_t prepare_moves(const em_txn_t *txn,
                                  const em_group_t *group, em_result_t *res)
{
    for (int i = 0; i < group->moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(group->moves, i, em_move_t *);
        apr_status_t rv
            = em_move_prepare(txn->store->root, txn->intent->info.id, move,
                              &move->after, txn->pool);

        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed",
                                    "write next to", txn, move->step->path);
        }
    }
    return APR_SUCCESS;
}

/* All that needs room on the disk comes before the first visible change. */
static apr_status_t prepare(const em_txn_t *txn,
                            const apr_array_header_t *groups,
                            em_result_t *res)
{
    const apr_array_header_t *made = txn->intent->made;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; i < made->nelts; i++) {
        const char *dir = APR_ARRAY_IDX(made, i, const char *);

        rv = em_dir_make(txn->store->root, dir, 0755, txn->pool);
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed", "make", txn,
                                    dir);
        }
    }
    for (int i = 0; rv == APR_SUCCESS && i < groups->nelts; i++) {
        em_group_t *group = APR_ARRAY_IDX(groups, i, em_group_t *);

        rv = em_swap_prepare(&group->swap, txn->store->root,
                             txn->intent->info.id, group, txn->pool);
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed",
                                    "prepare a copy of", txn, group->dir);
        }
        if (!group->swap) {
            rv = prepare_moves(txn, group, res);
        }
    }
    return rv;
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
    return sync_dir(txn, group->dir, res);
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

static apr_status_t make_group(const em_txn_t *txn, em_group_t *group,
                               em_log_t *log, em_result_t *res)
{
    apr_status_t rv;
    int done = 0;

    if (group->swap) {
        rv = make_swap(&done, txn, group, log, res);
        if (rv != APR_SUCCESS || done) {
            return rv;
        }
        rv = em_swap_sweep(txn->store->root, txn->intent->info.id, group,
                           txn->pool);
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed",
                                    "remove the copy of", txn, group->dir);
        }
        rv = prepare_moves(txn, group, res);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return make_moves(txn, group, log, res);
}

static apr_status_t refuse_packages(const em_txn_t *txn, em_result_t *res)
{
    const apr_array_header_t *steps = txn->intent->info.plan->steps;

    for (int i = 0; i < steps->nelts; i++) {
        if (APR_ARRAY_IDX(steps, i, em_step_t *)->kind != EM_STEP_PATH) {
            return em_result_fail(res, APR_ENOTIMPL, EM_EXIT_FAILED,
                                  "step-unsupported",
                                  "step %d is a package transaction, which "
                                  "this build cannot carry out", i + 1);
        }
    }
    return APR_SUCCESS;
}

apr_status_t em_txn_apply(em_txn_t *txn, em_log_t *log, em_result_t *res)
{
    apr_array_header_t *groups = em_groups(txn->intent, txn->pool);
    em_txn_info_t *info = &txn->intent->info;
    apr_status_t rv;

    em_result_activity(res, "changing the configuration");
    if (info->state != EM_TXN_PREPARED) {
        return em_result_fail(res, APR_EINVAL, EM_EXIT_FAILED,
                              "journal-state", "the change %s is %s already",
                              info->id, em_txn_state_name(info->state));
    }
    rv = refuse_packages(txn, res);
    if (rv == APR_SUCCESS) {
        rv = em_journal_set_state(txn->store, info->id, EM_TXN_APPLYING, res,
                                  txn->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    info->state = EM_TXN_APPLYING;
    rv = prepare(txn, groups, res);
    for (int i = 0; rv == APR_SUCCESS && i < groups->nelts; i++) {
        rv = make_group(txn, APR_ARRAY_IDX(groups, i, em_group_t *), log,
                        res);
    }
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
