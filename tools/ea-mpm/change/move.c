#include "change/txn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"

/* The name starts with a dot, so that no pattern of an Include matches it. */
static const char *aside_name(const char *id, const em_move_t *move,
                              apr_pool_t *p)
{
    return apr_psprintf(p, ".ea-mpm-%s-%d", id, move->n);
}

apr_array_header_t *em_groups(const em_intent_t *intent, apr_pool_t *p)
{
    apr_array_header_t *groups = apr_array_make(p, 4, sizeof(em_group_t *));
    apr_hash_t *by_dir = apr_hash_make(p);

    for (int i = 0; i < intent->moves->nelts; i++) {
        em_move_t *move = APR_ARRAY_IDX(intent->moves, i, em_move_t *);
        const char *dir = em_path_parent(move->step->path, p);
        em_group_t *group = apr_hash_get(by_dir, dir, APR_HASH_KEY_STRING);

        if (!group) {
            group = apr_pcalloc(p, sizeof(*group));
            group->dir = dir;
            group->moves = apr_array_make(p, 4, sizeof(em_move_t *));
            apr_hash_set(by_dir, dir, APR_HASH_KEY_STRING, group);
            APR_ARRAY_PUSH(groups, em_group_t *) = group;
        }
        APR_ARRAY_PUSH(group->moves, em_move_t *) = move;
    }
    return groups;
}

apr_status_t em_move_now(em_image_t *pnow, int root, const em_move_t *move,
                         apr_pool_t *p)
{
    const char *name;
    int fd;
    apr_status_t rv = em_dir_parent(&fd, &name, root, move->step->path, p);

    if (APR_STATUS_IS_ENOENT(rv)) {
        memset(pnow, 0, sizeof(*pnow));
        pnow->node.kind = EM_NODE_ABSENT;
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) {
        rv = em_image_read(pnow, fd, name, p);
        close(fd);
    }
    return rv;
}

apr_status_t em_move_prepare(int root, const char *id, const em_move_t *move,
                             const em_image_t *image, apr_pool_t *p)
{
    const char *name, *aside = aside_name(id, move, p);
    int fd;
    apr_status_t rv = em_dir_parent(&fd, &name, root, move->step->path, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_file_remove(fd, aside);
    if (rv == APR_SUCCESS) {
        rv = em_image_write(fd, aside, image, p);
    }
    close(fd);
    return rv;
}

apr_status_t em_move_make(int root, const char *id, const em_move_t *move,
                          const em_image_t *image, apr_pool_t *p)
{
    const char *name;
    int fd;
    apr_status_t rv = em_dir_parent(&fd, &name, root, move->step->path, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (image->node.kind == EM_NODE_ABSENT) {
        rv = em_file_remove(fd, name);
    }
    else if (renameat(fd, aside_name(id, move, p), fd, name) != 0) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    close(fd);
    return rv;
}

apr_status_t em_move_sweep(int root, const char *id, const em_move_t *move,
                           apr_pool_t *p)
{
    const char *name;
    int fd;
    apr_status_t rv = em_dir_parent(&fd, &name, root, move->step->path, p);

    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_ENOENT(rv) ? APR_SUCCESS : rv;
    }
    rv = em_file_remove(fd, aside_name(id, move, p));
    close(fd);
    return rv;
}

/* What a bare "Operation not permitted" does not tell. */
static const char *usual_cause(apr_status_t rv)
{
    switch (APR_TO_OS_ERROR(rv)) {
    case EPERM:
        return " (the file or its directory may be immutable: see lsattr)";
    case EBUSY:
        return " (it may be a mount point of its own, as in a container)";
    case ELOOP:
    case ENOTDIR:
        return " (a directory on the way has become a link or a file)";
    default:
        return "";
    }
}

apr_status_t em_change_failed(em_result_t *res, apr_status_t rv,
                              const char *problem, const char *what,
                              const em_txn_t *txn, const char *path)
{
    char reason[160];

    apr_strerror(rv, reason, sizeof(reason));
    return em_result_fail(res, rv, EM_EXIT_FAILED, problem,
                          "cannot %s %s: %s%s", what,
                          em_view_outside(txn->view, path, txn->pool), reason,
                          usual_cause(rv));
}
