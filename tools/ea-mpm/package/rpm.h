#ifndef EM_RPM_H
#define EM_RPM_H

/* The rpm database, asked through rpm itself. */

#include <apr_tables.h>
#include "base/result.h"
#include "base/view.h"

/* Where there is a database with something in it (sqlite, ndb or Berkeley
 * DB, at the new place or the old), or NULL. rpm is told, since its own idea
 * of the place is that of its distribution, not of the tree's. */
const char *em_rpm_database(const em_view_t *view, apr_pool_t *p);
/* "rpm --root R --dbpath D", to be continued (const char *). There must be a
 * database. */
apr_array_header_t *em_rpm_argv(const em_view_t *view, apr_pool_t *p);

#endif /* EM_RPM_H */
