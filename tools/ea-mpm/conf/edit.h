#ifndef EM_EDIT_H
#define EM_EDIT_H

/* Changes to the text of a configuration file that leave every byte that is
 * not the point alone: line endings, a missing final newline, blanks, the
 * comment's own style. Pure: bytes in, bytes out. */

#include <apr_pools.h>
#include <apr_errno.h>

typedef struct em_text_t {
    const char *data;
    apr_size_t len;
} em_text_t;

/* All of these: APR_EINVAL, and *POUT untouched, where LINE is not there or
 * is not what the change is for (a comment, no comment, the middle of a
 * continued line). */

/* Comment line LINE (from 1; with its continuation lines) out: "#" before
 * its first non-blank. Uncommenting that gives the same bytes back. */
apr_status_t em_edit_comment(em_text_t *pout, em_text_t in, int line,
                             apr_pool_t *p);
/* Take the "#" (and the blanks that a distribution put behind it) off. */
apr_status_t em_edit_uncomment(em_text_t *pout, em_text_t in, int line,
                               apr_pool_t *p);
/* Insert TEXT as a line of its own before line LINE (1 .. lines+1), with the
 * file's line ending. */
apr_status_t em_edit_insert(em_text_t *pout, em_text_t in, int line,
                            const char *text, apr_pool_t *p);
/* Set NAME="VALUE" in a shell-style variable file (sysconfig), keeping
 * quotes, comments and order: in the last assignment, else in a commented one
 * ("#NAME=value", as shipped), which is uncommented where it says VALUE and
 * else followed by the new line; else at the end. */
apr_status_t em_edit_setvar(em_text_t *pout, em_text_t in, const char *name,
                            const char *value, apr_pool_t *p);

#endif /* EM_EDIT_H */
