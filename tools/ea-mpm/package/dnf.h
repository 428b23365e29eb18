#ifndef EM_DNF_H
#define EM_DNF_H

/* Which program is at /usr/bin/dnf or /usr/bin/yum. */

#include <apr_pools.h>
#include "base/view.h"

/* "dnf", or "yum" where that is all there is, or NULL. */
const char *em_dnf_program(const em_view_t *view, apr_pool_t *p);
/* NULL: it is dnf 4, which ea-mpm drives. Else what it is: "yum 3.4.3". */
const char *em_dnf_foreign(const em_view_t *view, apr_pool_t *p);
/* Is FOREIGN (or NULL) a yum 3? */
int em_foreign_is_yum(const char *foreign);

#endif /* EM_DNF_H */
