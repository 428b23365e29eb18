#ifndef EM_SUSE_H
#define EM_SUSE_H

/* What SUSE's start_apache2 passes to httpd. It writes APACHE_MODULES and
 * other variables of /etc/sysconfig/apache2 into files and includes them by
 * -C and -c; here they are directives of their own, so that nobody has to
 * write a file in order to ask httpd. Pure: reads only through the view. */

#include "base/view.h"
#include "host/layout.h"

#define EM_SUSE_STARTER "/usr/sbin/start_apache2"

/* Append the arguments. VARS: of the sysconfig file; INSTANCE or NULL. */
void em_suse_args(apr_array_header_t *args, const em_view_t *view,
                  const em_layout_t *layout, const apr_table_t *vars,
                  const char *instance, apr_pool_t *p);
/* Does the main configuration include what a start writes, as in releases
 * before start_apache2 passed it by -C? */
int em_suse_includes_generated(const em_view_t *view, const char *conf,
                               apr_pool_t *p);

#endif /* EM_SUSE_H */
