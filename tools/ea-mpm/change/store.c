#include "change/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"

/* The directories on the way may be links, ours may not. */
static apr_status_t find_path(em_store_t *store, const em_view_t *view,
                              apr_pool_t *p)
{
    const char *parent = em_path_parent(EM_STATE_DIR, p), *real;
    apr_status_t rv = em_view_real(&real, view, parent, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    store->path = apr_pstrcat(p, strcmp(real, "/") == 0 ? "" : real,
                              strrchr(EM_STATE_DIR, '/'), NULL);
    store->outside = em_view_outside(view, store->path, p);
    return APR_SUCCESS;
}

static apr_status_t make(const em_store_t *store, apr_pool_t *p)
{
    apr_array_header_t *dirs = apr_array_make(p, 4, sizeof(const char *));
    apr_status_t rv = em_dir_missing(dirs, store->root, store->path, p);

    for (int i = 0; rv == APR_SUCCESS && i < dirs->nelts; i++) {
        rv = em_dir_make(store->root, APR_ARRAY_IDX(dirs, i, const char *),
                         0755, p);
    }
    return rv == APR_SUCCESS ? em_dir_make(store->root, store->path, 0700, p)
                             : rv;
}

/* Journals are obeyed as root: nobody else may have written them. */
static apr_status_t check_owner(const em_store_t *store, int fd,
                                em_result_t *res)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return em_result_fail(res, APR_FROM_OS_ERROR(errno), EM_EXIT_FAILED,
                              "state-dir-failed", "cannot look at %s: ",
                              store->outside);
    }
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
        em_result_hint(res, "chown %ld %s && chmod 700 %s",
                       (long)geteuid(), store->outside, store->outside);
        return em_result_fail(res, APR_EACCES, EM_EXIT_FAILED,
                              "state-dir-unsafe",
                              "%s belongs to uid %ld with mode %04o, so "
                              "others can write what ea-mpm would obey; "
                              "see who made it before you trust it",
                              store->outside, (long)st.st_uid,
                              (unsigned)st.st_mode & 07777);
    }
    if ((st.st_mode & 077) && fchmod(fd, 0700) != 0) {
        return em_result_fail(res, APR_FROM_OS_ERROR(errno), EM_EXIT_FAILED,
                              "state-dir-failed",
                              "cannot close %s to others: ", store->outside);
    }
    return APR_SUCCESS;
}

static apr_status_t open_dir(em_store_t *store, int create, em_result_t *res,
                             apr_pool_t *p)
{
    apr_status_t rv = em_dir_open(&store->dir, store->root, store->path);
    int fresh = 0;

    if (APR_STATUS_IS_ENOENT(rv) && !create) {
        store->dir = -1;
        return APR_SUCCESS;
    }
    if (APR_STATUS_IS_ENOENT(rv)) {
        fresh = 1;
        rv = make(store, p);
        if (rv == APR_SUCCESS) {
            rv = em_dir_open(&store->dir, store->root, store->path);
        }
    }
    if (rv != APR_SUCCESS) {
        store->dir = -1;
        return em_result_fail(res, rv, EM_EXIT_FAILED, "state-dir-failed",
                              "cannot %s the state directory %s: ",
                              fresh ? "make" : "open", store->outside);
    }
    em_fd_keep(store->dir, p);
    return check_owner(store, store->dir, res);
}

apr_status_t em_store_open(em_store_t **pstore, const em_view_t *view,
                           int create, em_result_t *res, apr_pool_t *p)
{
    em_store_t *store = apr_pcalloc(p, sizeof(*store));
    apr_status_t rv = find_path(store, view, p);

    store->pool = p;
    store->dir = -1;
    if (rv == APR_SUCCESS) {
        rv = em_dir_root(&store->root, view, p);
    }
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "state-dir-failed",
                              "cannot open %s: ", em_view_root(view));
    }
    rv = open_dir(store, create, res, p);
    if (rv == APR_SUCCESS) {
        *pstore = store;
    }
    return rv;
}
