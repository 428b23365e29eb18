#ifndef EM_DNF_H
#define EM_DNF_H

/* Which program is at /usr/bin/dnf or /usr/bin/yum, and its marks. */

#include "package/package.h"
#include "base/view.h"

/* "dnf", or "yum" where that is all there is, or NULL. */
const char *em_dnf_program(const em_view_t *view, apr_pool_t *p);
/* NULL: it is dnf 4, which ea-mpm drives. Else what it is: "yum 3.4.3". */
const char *em_dnf_foreign(const em_view_t *view, apr_pool_t *p);
/* Is FOREIGN (or NULL) a yum 3? */
int em_foreign_is_yum(const char *foreign);
/* Its own reasons for what is installed (manager.h says what each does). */
apr_status_t em_dnf_read_marks(apr_hash_t *packages, const em_view_t *view,
                               apr_pool_t *p);
apr_status_t em_dnf_set_mark(const apr_array_header_t *list, em_mark_t mark,
                             const em_view_t *view, em_log_t *log,
                             const char **pwords, apr_pool_t *p);

#endif /* EM_DNF_H */
