#include "service/service.h"

#include <string.h>

#include <apr_strings.h>

#include "host/running.h"
#include "service/answers.h"
#include "service/errlog.h"
#include "service/proc.h"

#define LOADING apr_time_from_sec(2)    /* of modules, after the first */
#define STEP 5000               /* microseconds between two looks */
#define GRACE apr_time_from_msec(300)   /* a fatal line and no process for so
                                         * long: nobody comes any more */
#define NOBODY apr_time_from_sec(2)     /* the same for a unit that systemd
                                         * holds for stopped */
#define ASK_AGAIN apr_time_from_msec(500)
#define TRIES 3                 /* to answer as before */
#define BETWEEN_TRIES apr_time_from_msec(500)
#define CRASHES_TOLERATED 2     /* a request may crash a child at any time;
                                 * more of them at a start is the start */

/* Has the server ended, and said why? */
static int is_lost(const em_facts_t *facts, const em_verify_t *what,
                   apr_time_t since, apr_pool_t *p)
{
    return apr_time_now() - since > GRACE
           && em_errlog_since(facts, what->log_from, EM_LOGLINE_FATAL, 1,
                              p)->nelts > 0;
}

/* Did whoever was to start it say that all is well, and did nothing? */
static int nobody_comes(const em_facts_t *facts, apr_time_t *pask,
                        apr_pool_t *p)
{
    em_running_t starting = {0};

    if (apr_time_now() < *pask) {
        return 0;
    }
    *pask = apr_time_now() + ASK_AGAIN;
    if (!em_service_is_down(facts, p)) {
        return 0;
    }
    em_running_find(&starting, facts, p);
    return starting.pid == 0;
}

/* Has the process shown its MPM? One that was only just started (a unit of
 * Type=simple, a supervisor) has loaded no module yet, or prefork and not itk
 * beside it. */
static int has_mpm(const em_running_t *now, const em_verify_t *what,
                   apr_time_t seen, apr_time_t deadline)
{
    apr_time_t t = apr_time_now();

    return !what->mpm || t >= deadline
           || (now->mpm && (strcmp(now->mpm, what->mpm) == 0
                            || t - seen > LOADING));
}

/* Wait for the new main process. A daemon writes its pid file last, so a pid
 * that is there is a server that got far. */
static apr_status_t await_main(em_running_t *pnow, const em_facts_t *facts,
                               const em_verify_t *what, apr_time_t deadline,
                               em_result_t *res, apr_pool_t *p)
{
    apr_time_t begun = apr_time_now(), seen = 0, ask = begun + NOBODY;
    apr_pool_t *turn;

    apr_pool_create(&turn, p);
    for (;;) {
        (void)em_service_look(pnow, facts, turn);
        if (pnow->pid && pnow->pid != what->old_pid) {
            seen = seen ? seen : apr_time_now();
            if (has_mpm(pnow, what, seen, deadline)) {
                break;
            }
        }
        else if (apr_time_now() >= deadline
            || (!pnow->pid && (is_lost(facts, what, begun, turn)
                               || nobody_comes(facts, &ask, turn)))) {
            return em_result_fail(res, APR_TIMEUP, EM_EXIT_FAILED,
                                  pnow->pid ? "old-server-runs"
                                  : "server-not-running", "%s\n%s",
                                  pnow->pid ? "The old main process is still "
                                  "there." : "The server does not run: no "
                                  "main process appeared.",
                                  em_errlog_quote(facts, what->log_from, p));
        }
        apr_pool_clear(turn);
        apr_sleep(STEP);
    }
    pnow->mpm = pnow->mpm ? apr_pstrdup(p, pnow->mpm) : NULL;
    pnow->evidence = pnow->evidence ? apr_pstrdup(p, pnow->evidence) : "";
    apr_pool_destroy(turn);
    return APR_SUCCESS;
}

/* Every Listen, while the main process lives. */
static apr_status_t await_ports(const em_facts_t *facts,
                                const em_verify_t *what,
                                const em_proc_t *proc, apr_time_t deadline,
                                em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *addrs = em_addr_listens(facts, p);

    for (int i = 0; i < addrs->nelts; i++) {
        const em_addr_t *addr = APR_ARRAY_IDX(addrs, i, em_addr_t *);

        while (!em_addr_accepts(addr, apr_time_from_sec(1))) {
            if (!em_proc_alive(proc)) {
                return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                                      "server-died", "The server ended again "
                                      "right after its start.\n%s",
                                      em_errlog_quote(facts, what->log_from,
                                                      p));
            }
            if (apr_time_now() >= deadline) {
                return em_result_fail(res, APR_TIMEUP, EM_EXIT_FAILED,
                                      "port-silent", "Nobody accepts "
                                      "connections on %s.\n%s", addr->text,
                                      em_errlog_quote(facts, what->log_from,
                                                      p));
            }
            apr_sleep(STEP);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t check_log(const em_facts_t *facts,
                              const em_verify_t *what, em_result_t *res,
                              apr_pool_t *p)
{
    apr_array_header_t *fatal = em_errlog_since(facts, what->log_from,
                                                EM_LOGLINE_FATAL, 8, p);
    apr_array_header_t *crashes = em_errlog_since(facts, what->log_from,
                                                  EM_LOGLINE_CRASH, 8, p);

    if (fatal->nelts == 0 && crashes->nelts <= CRASHES_TOLERATED) {
        return APR_SUCCESS;
    }
    return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED, "log-fatal",
                          "The error log tells of a fault since the "
                          "start:\n  %s",
                          apr_array_pstrcat(p, fatal->nelts ? fatal
                                            : crashes, '\n'));
}

/* A server that has just started may be slow or turn somebody away; a fault
 * of the switch stays, so a difference has to show several times. */
static const char *lasting_difference(const em_facts_t *facts,
                                      const em_verify_t *what,
                                      apr_pool_t *p)
{
    int own_users = what->mpm && strcmp(what->mpm, "itk") == 0;
    const char *difference = NULL;
    em_answers_t *after;

    for (int i = 0; i < TRIES; i++) {
        if (i > 0) {
            apr_sleep(BETWEEN_TRIES);
        }
        (void)em_answers_take(&after, facts, apr_time_from_sec(10), p);
        difference = em_answers_differ(what->before, after, own_users, p);
        if (!difference) {
            break;
        }
    }
    return difference;
}

static apr_status_t check_answers(const em_facts_t *facts,
                                  const em_verify_t *what, em_result_t *res,
                                  apr_pool_t *p)
{
    const char *difference = what->before
        ? lasting_difference(facts, what, p) : NULL;

    if (!difference) {
        return APR_SUCCESS;
    }
    return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                          "vhost-answers-differ", "%s\n%s", difference,
                          em_errlog_quote(facts, what->log_from, p));
}

apr_status_t em_verify(const em_facts_t *facts, const em_verify_t *what,
                       em_result_t *res, apr_pool_t *p)
{
    apr_time_t deadline = apr_time_now() + what->timeout;
    em_running_t now;
    em_proc_t *proc;
    apr_status_t rv;

    em_result_activity(res, "verifying the running server");
    rv = await_main(&now, facts, what, deadline, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_proc_open(&proc, now.pid, p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "server-died",
                              "The server ended again right after its "
                              "start.\n%s",
                              em_errlog_quote(facts, what->log_from, p));
    }
    if (what->mpm && (!now.mpm || strcmp(now.mpm, what->mpm) != 0)) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED, "wrong-mpm",
                              "The server runs, but under %s instead of %s "
                              "(%s).", now.mpm ? now.mpm : "an unknown MPM",
                              what->mpm, now.evidence ? now.evidence : "");
    }
    rv = await_ports(facts, what, proc, deadline, res, p);
    if (rv == APR_SUCCESS) {
        rv = check_answers(facts, what, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = check_log(facts, what, res, p);
    }
    if (rv == APR_SUCCESS && !em_proc_alive(proc)) {
        rv = em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED, "server-died",
                            "The server ended again right after its start."
                            "\n%s", em_errlog_quote(facts, what->log_from,
                                                    p));
    }
    return rv;
}
