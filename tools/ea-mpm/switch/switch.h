#ifndef EM_SWITCH_H
#define EM_SWITCH_H

/* The way of a switch: rehearse, journal, stop, apply, start, verify,
 * commit; and on any failure undo from the journal, start the old server,
 * verify it. Rollback and recover go the same way with other plans. */

#include "change/change.h"
#include "check/check.h"
#include "rehearse/rehearse.h"
#include "service/service.h"

typedef struct em_switch_how_t {
    int dry_run;
    int no_restart;
    int no_rehearsal;
    int require_rehearsal;
    int end_container;          /* a server that is a container's first
                                 * process is told to end, at last */
    em_rehearse_how_t rehearse;
    apr_interval_time_t timeout;    /* of one stop or start */
    em_log_t *log;
} em_switch_how_t;

typedef struct em_switch_t {
    const char *from, *to;
    int changed;
    const char *id;             /* of the journal, NULL if nothing was done */
    const em_plan_t *plan;
    const em_check_t *check;    /* NULL for rollback and recover */
    const em_rehearsal_t *rehearsal;    /* or NULL */
    em_rehearsal_result_t rehearsal_result;
    long outage_ms;             /* -1: no restart */
    const char *verified;       /* "running", "configtest", "no" */
    int rolled_back;
    const char *by_hand;        /* what to type before the running server
                                 * follows the files, or NULL */
} em_switch_t;

/* The caller has taken the lock (em_lock_take) before it gathered the facts,
 * so that nobody else changes anything in between. SIGINT and SIGTERM undo
 * what was begun and end it with "interrupted"; they are safe at any time and
 * any number of times. */
apr_status_t em_switch_run(em_switch_t **pswitch, const em_facts_t *facts,
                           const em_plan_t *plan, const em_check_t *check,
                           const em_switch_how_t *how, em_result_t *res,
                           apr_pool_t *p);
/* Finish or undo what a killed run left; takes the lock itself. A change that
 * was whole and whose server runs well is finished, all else is undone
 * (rolled_back = 1) and the server brought back as it was; after a reboot,
 * with no_restart and below another root only the files are. APR_SUCCESS with
 * changed = 0 when there is nothing to recover. */
apr_status_t em_recover_run(em_switch_t **pswitch, const em_facts_how_t *how,
                            const em_switch_how_t *how_switch,
                            em_result_t *res, apr_pool_t *p);

#endif /* EM_SWITCH_H */
