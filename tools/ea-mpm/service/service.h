#ifndef EM_SERVICE_H
#define EM_SERVICE_H

/* Stop, start and look at the server, and tell whether it is well. Stopping
 * never depends on the configuration being valid: signals to the main pid or
 * the init system's own kill, never `httpd -k stop`. */

#include "base/log.h"
#include "base/result.h"
#include "host/facts.h"

apr_status_t em_service_stop(const em_facts_t *facts,
                             apr_interval_time_t timeout, em_result_t *res,
                             apr_pool_t *p);
apr_status_t em_service_start(const em_facts_t *facts,
                              apr_interval_time_t timeout, em_result_t *res,
                              apr_pool_t *p);
/* Has systemd given its unit up, whatever became of the process? 0 where it
 * is not systemd's. */
int em_service_is_down(const em_facts_t *facts, apr_pool_t *p);
/* The main process now (looked up again, not from the facts). */
apr_status_t em_service_look(em_running_t *prunning, const em_facts_t *facts,
                             apr_pool_t *p);

/* A prober of the listening ports, in a process of its own, that measures an
 * outage: from the first connection refused to the first accepted again. */
typedef struct em_prober_t em_prober_t;
apr_status_t em_prober_start(em_prober_t **pprober, const em_facts_t *facts,
                             apr_pool_t *p);
/* Stop it; outage in milliseconds (longest of all ports), -1: still down. */
long em_prober_stop(em_prober_t *prober);

/* What the vhosts answer (status classes), to compare before and after. */
typedef struct em_answers_t em_answers_t;
apr_status_t em_answers_take(em_answers_t **panswers, const em_facts_t *facts,
                             apr_interval_time_t timeout, apr_pool_t *p);

typedef struct em_verify_t {
    const char *mpm;            /* that must be running */
    int old_pid;                /* that must be gone */
    apr_off_t log_from;         /* where in the error log to begin */
    const em_answers_t *before; /* or NULL */
    apr_interval_time_t timeout;
} em_verify_t;
/* New main pid, its maps name the MPM, every Listen accepts, no fatal line
 * in the error log, the vhosts answer as before. Fails with the first reason
 * and quotes the log. */
apr_status_t em_verify(const em_facts_t *facts, const em_verify_t *what,
                       em_result_t *res, apr_pool_t *p);

#endif /* EM_SERVICE_H */
