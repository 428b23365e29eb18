#include "change/change.h"

#include <string.h>

#include <apr_strings.h>

#include "change/dir.h"
#include "change/part.h"
#include "change/txn.h"

/* All that needs room on the disk, or time, while the server still runs: when
 * it stands, only renames are left.
 *
 * An aside is a dot file beside its target: there it gets the label that the
 * target would get, it surely is on the same file system, and no pattern of
 * an Include matches it. But an Include of a whole directory reads dot files
 * too, and two MPMs in a reload are the end of a server. So nothing is put
 * into a directory that the configuration reads whole; what belongs there is
 * prepared when the server stands. */

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

apr_status_t em_group_prepare(const em_txn_t *txn, em_group_t *group,
                              int may_swap, em_result_t *res)
{
    apr_status_t rv = APR_SUCCESS;

    if (may_swap) {
        rv = em_swap_prepare(&group->swap, txn->store->root,
                             txn->intent->info.id, group, txn->pool);
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed",
                                    "prepare a copy of", txn, group->dir);
        }
    }
    if (!group->swap) {
        rv = prepare_moves(txn, group, res);
    }
    group->ready = rv == APR_SUCCESS;
    return rv;
}

/* Is DIR, or a directory around it, one that is read whole? */
static int is_open(const em_txn_t *txn, const em_conf_t *conf,
                   const char *dir)
{
    for (int i = 0; conf && i < conf->open_dirs->nelts; i++) {
        const char *open = APR_ARRAY_IDX(conf->open_dirs, i, const char *);
        const char *real;
        apr_size_t len;

        if (em_view_real(&real, txn->view, open, txn->pool)
            != APR_SUCCESS) {
            real = open;
        }
        len = strcmp(real, "/") == 0 ? 0 : strlen(real);
        if (strncmp(dir, real, len) == 0
            && (dir[len] == '/' || dir[len] == '\0')) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t make_dirs(const em_txn_t *txn, em_result_t *res)
{
    const apr_array_header_t *made = txn->intent->made;

    for (int i = 0; i < made->nelts; i++) {
        const char *dir = APR_ARRAY_IDX(made, i, const char *);
        apr_status_t rv = em_dir_make(txn->store->root, dir, 0755,
                                      txn->pool);

        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed", "make", txn,
                                    dir);
        }
    }
    return APR_SUCCESS;
}

/* Of paths that the packages have changed, what stands there now: it must be
 * what they were expected to leave. */
static apr_status_t look_again(const em_txn_t *txn, em_result_t *res)
{
    for (int i = 0; i < txn->intent->moves->nelts; i++) {
        em_move_t *move = APR_ARRAY_IDX(txn->intent->moves, i, em_move_t *);
        const em_kept_t *kept = em_kept_at(txn->intent->packages,
                                           move->step->path);
        apr_status_t rv = APR_SUCCESS;
        em_image_t now;

        if (!move->over) {
            continue;
        }
        rv = em_move_now(&now, txn->store->root, move, txn->pool);
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "read-failed", "look at", txn,
                                    move->step->path);
        }
        if (!em_kept_is_scripts(kept, &now)
            && !em_node_same(&now.node, &move->before.node)) {
            return em_result_fail(res, APR_EBUSY, EM_EXIT_FAILED,
                                  "packages-not-as-planned",
                                  "%s is not as the package transaction was "
                                  "expected to leave it",
                                  em_view_outside(txn->view,
                                                  move->step->path,
                                                  txn->pool));
        }
        move->before = now;
    }
    return APR_SUCCESS;
}

static apr_status_t prepare_groups(const em_txn_t *txn,
                                   const em_conf_t *conf, em_result_t *res)
{
    for (int i = 0; i < txn->groups->nelts; i++) {
        em_group_t *group = APR_ARRAY_IDX(txn->groups, i, em_group_t *);
        const char *above = em_path_parent(group->dir, txn->pool);
        apr_status_t rv = APR_SUCCESS;

        if (!is_open(txn, conf, group->dir)) {
            rv = em_group_prepare(txn, group, !is_open(txn, conf, above),
                                  res);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

apr_status_t em_txn_prepare(em_txn_t *txn, const em_conf_t *conf,
                            em_result_t *res)
{
    em_txn_info_t *info = &txn->intent->info;
    apr_status_t rv;

    if (info->state == EM_TXN_PREPARED) {
        rv = em_txn_transact(txn, NULL, res);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    em_result_activity(res, "preparing the change");
    if (txn->groups || (info->state != EM_TXN_PREPARED
                        && !txn->transacted)) {
        return em_result_fail(res, APR_EINVAL, EM_EXIT_FAILED,
                              "journal-state", "the change %s is %s already",
                              info->id, em_txn_state_name(info->state));
    }
    rv = look_again(txn, res);
    if (rv == APR_SUCCESS) {
        rv = make_dirs(txn, res);
    }
    if (rv == APR_SUCCESS) {
        txn->groups = em_groups(txn->intent, txn->pool);
        rv = prepare_groups(txn, conf, res);
    }
    if (rv == APR_SUCCESS && info->state == EM_TXN_PREPARED) {
        rv = em_journal_set_state(txn->store, info->id, EM_TXN_APPLYING, res,
                                  txn->pool);
    }
    if (rv == APR_SUCCESS) {
        info->state = EM_TXN_APPLYING;
    }
    return rv;
}
