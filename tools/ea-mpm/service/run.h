#ifndef EM_RUN_H
#define EM_RUN_H

/* The httpd of the facts as a command: its binary with the service's own
 * options, in the service's environment. */

#include "host/facts.h"

/* binary, the service's options, MORE (NULL-terminated, may be NULL). */
const char *const *em_httpd_argv(const em_facts_t *facts,
                                 const char *const *more, apr_pool_t *p);
/* The same through the service's own starter, where it has one: that writes
 * the files which a start writes. */
const char *const *em_httpd_start_argv(const em_facts_t *facts,
                                       const char *const *more,
                                       apr_pool_t *p);
/* cPanel's own script that starts and, with --stop, stops the server, where
 * it is in charge; else NULL. */
const char *em_service_script(const em_facts_t *facts, apr_pool_t *p);
/* Do the service's options keep the server in the foreground? */
int em_httpd_foreground(const em_facts_t *facts);
/* httpd -t on the files as they are now, run in the way of ARGV (one of the
 * two above). Fails only where httpd cannot be run at all. */
typedef const char *const *em_argv_fn(const em_facts_t *facts,
                                      const char *const *more,
                                      apr_pool_t *p);
apr_status_t em_httpd_test(int *pok, const char **poutput,
                           const em_facts_t *facts, em_argv_fn *argv,
                           apr_interval_time_t timeout, apr_pool_t *p);

#endif /* EM_RUN_H */
