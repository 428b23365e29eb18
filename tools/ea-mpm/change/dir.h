#ifndef EM_DIR_H
#define EM_DIR_H

/* Directories by descriptor. Everything in this room is done relative to a
 * descriptor of the view's root, one component at a time and never through a
 * symbolic link: the plan holds real paths, so a link on the way means that
 * somebody changed the tree since (ELOOP or ENOTDIR). That holds on kernels
 * without openat2 as well. */

#include <apr_pools.h>
#include <apr_errno.h>
#include <apr_tables.h>
#include "base/view.h"

/* Close FD when P goes. */
void em_fd_keep(int fd, apr_pool_t *p);

/* A descriptor of the view's root, closed with P. */
apr_status_t em_dir_root(int *pfd, const em_view_t *view, apr_pool_t *p);

/* Open the directory PATH (absolute inside ROOT, real). The caller closes. */
apr_status_t em_dir_open(int *pfd, int root, const char *path);

/* Open the directory that PATH stands in; *PNAME is the last component and
 * points into PATH. */
apr_status_t em_dir_parent(int *pfd, const char **pname, int root,
                           const char *path, apr_pool_t *p);

/* Make PATH, whose parent is there, and sync the parent. An existing
 * directory is fine. */
apr_status_t em_dir_make(int root, const char *path, mode_t mode,
                         apr_pool_t *p);

/* The directories to make (const char *, outermost first) so that PATH's
 * parent exists. */
apr_status_t em_dir_missing(apr_array_header_t *out, int root,
                            const char *path, apr_pool_t *p);

/* Names in the directory FD, sorted by bytes, no "." and "..". */
apr_status_t em_dir_list(apr_array_header_t **pnames, int fd, apr_pool_t *p);

apr_status_t em_dir_sync(int fd);

/* Absolute, at least one component, none of them empty, "." or "..". */
int em_path_is_plain(const char *path);
/* The path without its last component ("/" at least). */
const char *em_path_parent(const char *path, apr_pool_t *p);

#endif /* EM_DIR_H */
