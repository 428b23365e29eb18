#ifndef EM_VIEW_H
#define EM_VIEW_H

/* A file tree as it is, or as it would be.
 *
 * A view reads below a root directory (--root; "/" normally); all paths given
 * to it are absolute *inside* that root, and symbolic links never lead out of
 * it. On top lies an overlay of nodes: a plan laid
 * over the real tree gives the tree after the plan, so that the checks read
 * the future with the same code as the present. Reading never writes.
 *
 * A view of the real tree asks it every time. The overlays of one such view
 * show one moment of it: what one of them read (links, files, directories'
 * names), all of them remember as long as that view lives. */

#include <apr_hash.h>
#include <apr_tables.h>
#include "base/node.h"

typedef struct em_view_t em_view_t;

/* A view of the tree below ROOT, which must be a directory. */
apr_status_t em_view_open(em_view_t **pview, const char *root, apr_pool_t *p);
/* A view that sees BELOW with nodes put over it (em_view_put). */
em_view_t *em_view_over(const em_view_t *below, apr_pool_t *p);
/* PATH is NODE in this view (view must come from em_view_over). */
void em_view_put(em_view_t *view, const char *path, const em_node_t *node);

const char *em_view_root(const em_view_t *view);        /* "/" or the dir */
/* The path outside: root + path. */
const char *em_view_outside(const em_view_t *view, const char *path,
                            apr_pool_t *p);

/* What stands at PATH; the last component is not followed. Absent is a node,
 * not an error. Parents that are links are followed. Files are read whole
 * only by em_view_read; here data stays NULL for a file. */
apr_status_t em_view_lstat(em_node_t **pnode, const em_view_t *view,
                           const char *path, apr_pool_t *p);
/* The bytes of the file that PATH leads to, links followed. NUL-terminated
 * after len. APR_ENOENT, APR_EACCES, EISDIR, APR_EGENERAL (not a
 * regular file), EFBIG (larger than MAX). */
apr_status_t em_view_read(em_node_t **pnode, const em_view_t *view,
                          const char *path, apr_size_t max, apr_pool_t *p);
/* What was read so far, for reading the same tree again under other overlays
 * (one gathering looks at the present and at several futures): the real
 * tree's links and files are asked once per memo, the overlays every time. */
typedef struct em_view_memo_t em_view_memo_t;
em_view_memo_t *em_view_memo(apr_pool_t *p);
/* As em_view_read. The same bytes have the same address within a memo; they
 * live as long as the memo, or as the overlay's node. */
apr_status_t em_view_read_memo(const em_node_t **pnode, const em_view_t *view,
                               const char *path, apr_size_t max,
                               em_view_memo_t *memo);
/* The path with every link in it resolved (inside the root). */
apr_status_t em_view_real(const char **preal, const em_view_t *view,
                          const char *path, apr_pool_t *p);
int em_view_is_dir(const em_view_t *view, const char *path, apr_pool_t *p);
int em_view_exists(const em_view_t *view, const char *path, apr_pool_t *p);
/* Names (const char *) in a directory, sorted by bytes, no "." and "..". */
apr_status_t em_view_list(apr_array_header_t **pnames, const em_view_t *view,
                          const char *path, apr_pool_t *p);
/* Paths that match a shell pattern in any component (fnmatch, as httpd's
 * Include does: FNM_PERIOD), sorted as httpd sorts them. */
apr_status_t em_view_glob(apr_array_header_t **ppaths, const em_view_t *view,
                          const char *pattern, apr_pool_t *p);

#endif /* EM_VIEW_H */
