#ifndef EM_WAY_H
#define EM_WAY_H

/* What the steps of one switch share. Internal to this room. */

#include "switch/others.h"
#include "switch/switch.h"

typedef struct em_way_t {
    const em_facts_t *facts;
    const em_plan_t *plan;
    const em_switch_how_t *how;
    em_result_t *res;
    apr_pool_t *pool;
    em_switch_t *sw;
    em_txn_t *txn;              /* NULL: nothing on disk changes */
    int old_pid;                /* main process before, 0: stopped server */
    int stopped;                /* the old server was told to end, or may
                                 * have been by scripts of packages */
    const em_answers_t *before;
    em_prober_t *prober;
    em_others_t *others;        /* NULL: left alone */
    int others_begun;           /* some of them may have been restarted */
} em_way_t;

/* APR_SUCCESS, or the problem "interrupted" when a signal asked to stop. */
apr_status_t em_way_interrupted(em_way_t *way);
/* Does the plan exchange packages? */
int em_way_packages(const em_plan_t *plan);
/* Stop, apply, start, verify: the server ran, and runs again. */
apr_status_t em_way_live(em_way_t *way);
/* Apply, and httpd -t where it can be run: the server stays as it is. */
apr_status_t em_way_cold(em_way_t *way);
/* The change failed and way->res says why: put everything back, start and
 * verify the old server, and say so in way->res with its exit code. */
void em_way_back(em_way_t *way);
/* For a server that a container ends with (container.c): refuse
 * --end-container where there is none; say that the server was left alone;
 * end it once everything is told, when the pool is destroyed. */
apr_status_t em_container_check(em_way_t *way);
void em_container_hint(em_way_t *way);
void em_container_end(em_way_t *way);
/* Start a server as FACTS say it is configured, and verify it. */
apr_status_t em_way_bring_up(const em_facts_t *facts,
                             apr_interval_time_t timeout, em_log_t *log,
                             em_result_t *res, apr_pool_t *p);

#endif /* EM_WAY_H */
