#include "change/change.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"
#include "change/part.h"

/* Undoing works from any state, any number of times: it looks at what is
 * there instead of remembering how far anybody came. */

/* The moves to take back, or a refusal if a path is neither as it was before
 * nor as it was to be: then somebody has been at work since, and knows
 * better. */
static apr_status_t find_todo(apr_array_header_t **ptodo,
                              const em_txn_t *txn, em_result_t *res)
{
    const apr_array_header_t *moves = txn->intent->moves;
    apr_array_header_t *todo
        = apr_array_make(txn->pool, moves->nelts + 1, sizeof(em_move_t *));

    for (int i = moves->nelts - 1; i >= 0; i--) {
        em_move_t *move = APR_ARRAY_IDX(moves, i, em_move_t *);
        const char *path = move->step->path;
        em_image_t now;
        apr_status_t rv;

        if (move->over) {
            continue;           /* it comes back with the packages */
        }
        rv = em_move_now(&now, txn->store->root, move, txn->pool);
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "undo-failed", "look at", txn,
                                    path);
        }
        if (em_node_same(&now.node, &move->before.node)) {
            continue;
        }
        if (!em_node_same(&now.node, &move->after.node)) {
            em_result_hint(res, "echo undone > %s/journal/%s/state",
                           txn->store->outside, txn->intent->info.id);
            return em_result_fail(
                res, APR_EBUSY, EM_EXIT_ATTENTION, "changed-since-switch",
                "%s is neither as it was before the interrupted change nor "
                "as the change leaves it; somebody edited it since, and "
                "nothing was touched. Its old content is %s/journal/%s/"
                "before/%d. Bring the files in order by hand; when they are "
                "as you want them, close the journal",
                em_view_outside(txn->view, path, txn->pool),
                txn->store->outside, txn->intent->info.id, move->n);
        }
        APR_ARRAY_PUSH(todo, em_move_t *) = move;
    }
    *ptodo = todo;
    return APR_SUCCESS;
}

/* The directories that a rollback removed come back first. */
static apr_status_t remake_dirs(const em_txn_t *txn, em_result_t *res)
{
    const apr_array_header_t *unmade = txn->intent->unmade;

    for (int i = unmade->nelts - 1; i >= 0; i--) {
        const char *dir = APR_ARRAY_IDX(unmade, i, const char *);
        apr_status_t rv = em_dir_make(txn->store->root, dir, 0755,
                                      txn->pool);

        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "undo-failed", "make", txn,
                                    dir);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t prepare(const em_txn_t *txn,
                            const apr_array_header_t *todo, em_result_t *res)
{
    for (int i = 0; i < todo->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(todo, i, em_move_t *);
        apr_status_t rv
            = em_move_prepare(txn->store->root, txn->intent->info.id, move,
                              &move->before, txn->pool);

        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "undo-failed", "write next to",
                                    txn, move->step->path);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t sync_parent(const em_txn_t *txn, const em_move_t *move)
{
    const char *name;
    int fd;
    apr_status_t rv = em_dir_parent(&fd, &name, txn->store->root,
                                    move->step->path, txn->pool);

    if (rv == APR_SUCCESS) {
        rv = em_dir_sync(fd);
        close(fd);
    }
    /* Taking back a file whose directory was never made. */
    return APR_STATUS_IS_ENOENT(rv) ? APR_SUCCESS : rv;
}

static apr_status_t make(const em_txn_t *txn, const apr_array_header_t *todo,
                         em_log_t *log, em_result_t *res)
{
    for (int i = 0; i < todo->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(todo, i, em_move_t *);
        apr_status_t rv
            = em_move_make(txn->store->root, txn->intent->info.id, move,
                           &move->before, txn->pool);

        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "undo-failed", "restore", txn,
                                    move->step->path);
        }
        em_log(log, EM_LOG_DEBUG, "%s: as it was", move->step->path);
    }
    /* All of them, also those that an earlier attempt had renamed. */
    for (int i = 0; i < txn->intent->moves->nelts; i++) {
        const em_move_t *move
            = APR_ARRAY_IDX(txn->intent->moves, i, em_move_t *);
        apr_status_t rv = sync_parent(txn, move);

        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "undo-failed",
                                    "bring to the disk what holds", txn,
                                    move->step->path);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t undo(em_txn_t *txn, em_log_t *log, em_result_t *res)
{
    em_txn_info_t *info = &txn->intent->info;
    int begun = info->state != EM_TXN_PREPARED;
    apr_array_header_t *todo = NULL;
    apr_status_t rv = find_todo(&todo, txn, res);

    if (rv == APR_SUCCESS && info->state != EM_TXN_UNDOING) {
        rv = em_journal_set_state(txn->store, info->id, EM_TXN_UNDOING, res,
                                  txn->pool);
    }
    if (rv == APR_SUCCESS) {
        info->state = EM_TXN_UNDOING;
        rv = remake_dirs(txn, res);
    }
    if (rv == APR_SUCCESS) {
        rv = prepare(txn, todo, res);
    }
    if (rv == APR_SUCCESS) {
        rv = make(txn, todo, log, res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_txn_sweep(txn, log, res);
    }
    if (rv == APR_SUCCESS && begun) {
        rv = em_part_back(txn, log, res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_txn_rmdirs(txn, txn->intent->made, 1, res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_journal_set_state(txn->store, info->id, EM_TXN_UNDONE, res,
                              txn->pool);
    if (rv == APR_SUCCESS) {
        info->state = EM_TXN_UNDONE;
        info->ended = apr_time_now();
        em_part_prune(txn->store, info->id, txn->pool);
    }
    return rv;
}

/* RES may carry the reason why there is something to undo; that stays in
 * front, and the failed way back decides the exit code. */
static void merge(em_result_t *res, const em_result_t *own)
{
    int busy = !res->problem && own->exit_code == EM_EXIT_BUSY;

    if (res->problem) {
        res->detail = apr_pstrcat(res->pool, res->detail,
                                  "; and the way back failed: ",
                                  own->detail, NULL);
    }
    else {
        res->status = own->status;
        res->problem = apr_pstrdup(res->pool, own->problem);
        res->detail = apr_pstrdup(res->pool, own->detail);
    }
    /* While somebody else is at work on the packages nothing is lost. */
    res->exit_code = busy ? EM_EXIT_BUSY : EM_EXIT_ATTENTION;
    res->hint = own->hint ? apr_pstrdup(res->pool, own->hint)
                          : "ea-mpm recover";
}

apr_status_t em_txn_undo(em_txn_t *txn, em_log_t *log, em_result_t *res)
{
    const em_txn_info_t *info = &txn->intent->info;
    em_result_t *own = em_result_make(txn->pool);
    apr_status_t rv;

    em_result_activity(res, "undoing the change %s", info->id);
    if (info->state == EM_TXN_UNDONE) {
        return APR_SUCCESS;
    }
    if (info->state == EM_TXN_COMMITTED) {
        return em_result_fail(res, APR_EINVAL, EM_EXIT_FAILED,
                              "journal-state",
                              "the change %s is committed; a rollback takes "
                              "it back", info->id);
    }
    rv = undo(txn, log, own);
    if (rv != APR_SUCCESS) {
        merge(res, own);
    }
    return rv;
}
