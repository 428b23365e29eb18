#ifndef EM_REHEARSE_H
#define EM_REHEARSE_H

/* The dress rehearsal: the plan applied and the server really started inside
 * private namespaces over throwaway overlays, every vhost asked, and all of
 * it torn down. Nothing written inside exists outside. */

#include "base/log.h"
#include "base/result.h"
#include "check/check.h"
#include "plan/plan.h"

typedef enum {
    EM_REHEARSAL_PASSED,
    EM_REHEARSAL_FAILED,
    EM_REHEARSAL_INCONCLUSIVE,  /* the current configuration fails in there
                                 * as well */
    EM_REHEARSAL_UNAVAILABLE,   /* this machine does not permit it */
    EM_REHEARSAL_SKIPPED        /* --no-rehearsal */
} em_rehearsal_result_t;

typedef struct em_rehearse_how_t {
    apr_array_header_t *allow_sockets;  /* const char *: --allow-socket */
    int ask_root;                       /* --ask-root */
    int deep;
    apr_interval_time_t timeout;
    em_log_t *log;
} em_rehearse_how_t;

typedef struct em_rehearsed_vhost_t {
    const char *name;
    int port;
    int tls;
    int before, after;          /* HTTP status, 0: no answer, -1: not asked */
    const char *php;            /* "ok", "source", "failed", "none",
                                 * "not-probed" */
} em_rehearsed_vhost_t;

typedef struct em_rehearsed_phase_t {
    const char *name;
    long ms;
    const char *result;
} em_rehearsed_phase_t;

typedef struct em_rehearsal_t {
    const char *target;
    em_rehearsal_result_t result;
    const char *why;            /* one sentence */
    apr_array_header_t *phases;     /* em_rehearsed_phase_t * */
    apr_array_header_t *vhosts;     /* em_rehearsed_vhost_t * */
    int asked, of;                  /* how many vhosts of how many */
    apr_array_header_t *log;        /* const char *: quoted error log lines */
    apr_array_header_t *findings;   /* em_finding_t * */
} em_rehearsal_t;

apr_status_t em_rehearse(em_rehearsal_t **prehearsal, const em_facts_t *facts,
                         const em_plan_t *plan, const em_rehearse_how_t *how,
                         em_result_t *res, apr_pool_t *p);
const char *em_rehearsal_name(em_rehearsal_result_t r);

#endif /* EM_REHEARSE_H */
