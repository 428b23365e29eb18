#include "change/txn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"

apr_status_t em_txn_sweep(const em_txn_t *txn, em_log_t *log,
                          em_result_t *res)
{
    const apr_array_header_t *moves = txn->intent->moves;
    apr_array_header_t *groups = em_groups(txn->intent, txn->pool);
    const char *id = txn->intent->info.id;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; rv == APR_SUCCESS && i < moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(moves, i, em_move_t *);

        rv = em_move_sweep(txn->store->root, id, move, txn->pool);
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed",
                                    "clean up next to", txn,
                                    move->step->path);
        }
    }
    for (int i = 0; rv == APR_SUCCESS && i < groups->nelts; i++) {
        const em_group_t *group = APR_ARRAY_IDX(groups, i, em_group_t *);

        rv = em_swap_sweep(txn->store->root, id, group, txn->pool);
        if (APR_STATUS_IS_ENOTEMPTY(rv)) {
            em_log(log, EM_LOG_WARN, "a copy of %s stays beside it: it holds "
                   "something that ea-mpm does not know", group->dir);
            rv = APR_SUCCESS;
        }
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed",
                                    "remove the copy of", txn, group->dir);
        }
    }
    return rv;
}

static apr_status_t remove_empty(int root, const char *path, apr_pool_t *p)
{
    const char *name;
    int fd;
    apr_status_t rv = em_dir_parent(&fd, &name, root, path, p);

    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_ENOENT(rv) ? APR_SUCCESS : rv;
    }
    if (unlinkat(fd, name, AT_REMOVEDIR) == 0) {
        rv = em_dir_sync(fd);
    }
    else if (errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    close(fd);
    return rv;
}

apr_status_t em_txn_rmdirs(const em_txn_t *txn,
                           const apr_array_header_t *dirs, int last_first,
                           em_result_t *res)
{
    for (int i = 0; i < dirs->nelts; i++) {
        int at = last_first ? dirs->nelts - 1 - i : i;
        const char *dir = APR_ARRAY_IDX(dirs, at, const char *);
        apr_status_t rv = remove_empty(txn->store->root, dir, txn->pool);

        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "write-failed", "remove", txn,
                                    dir);
        }
    }
    return APR_SUCCESS;
}
