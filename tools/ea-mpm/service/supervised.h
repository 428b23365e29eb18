#ifndef EM_SUPERVISED_H
#define EM_SUPERVISED_H

/* A server that a supervisor (runit, s6, daemontools, supervise-daemon) keeps
 * running. The supervisor is told first: it would answer a signal with a new
 * server, in the middle of the change. */

#include "base/result.h"
#include "host/facts.h"

/* The command that lets the server go (UP) or holds it, NULL-terminated;
 * NULL: the service's tool is not known. */
const char *const *em_supervised_argv(const em_service_t *service, int up,
                                      apr_pool_t *p);
/* Tell the supervisor that the server is to end and to stay so. Whether it
 * has ended is for the caller to see. */
apr_status_t em_supervised_hold(const em_facts_t *facts,
                                apr_interval_time_t timeout,
                                em_result_t *res, apr_pool_t *p);

/* Wait until the supervisor has taken note of a server that is gone. */
void em_supervised_settle(const em_facts_t *facts, apr_pool_t *p);

#endif /* EM_SUPERVISED_H */
