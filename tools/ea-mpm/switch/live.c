#include "switch/way.h"

#include <string.h>

#include <apr_strings.h>

#include "base/signals.h"
#include "service/addr.h"
#include "service/errlog.h"
#include "service/run.h"

#define ANSWERS_TIMEOUT apr_time_from_sec(5)

apr_status_t em_way_interrupted(em_way_t *way)
{
    int signo = em_signals_caught();

    if (!signo) {
        return APR_SUCCESS;
    }
    return em_result_fail(way->res, APR_EINTR, EM_EXIT_FAILED, "interrupted",
                          "Interrupted by signal %d.", signo);
}

static const char *end_of(apr_status_t rv)
{
    return rv == APR_SUCCESS ? "ok" : "failed";
}

static apr_status_t start(const em_facts_t *facts, em_verify_t *what,
                          em_log_t *log, em_result_t *res, apr_pool_t *p)
{
    apr_time_t begun = em_phase_begin(log, "start");
    apr_status_t rv;

    what->log_from = em_errlog_size(facts, p);
    rv = em_service_start(facts, what->timeout, res, p);
    em_phase_end(log, "start", begun, end_of(rv));
    return rv;
}

static apr_status_t verify(const em_facts_t *facts, const em_verify_t *what,
                           em_log_t *log, em_result_t *res, apr_pool_t *p)
{
    apr_time_t begun = em_phase_begin(log, "verify");
    apr_status_t rv = em_verify(facts, what, res, p);

    em_phase_end(log, "verify", begun, end_of(rv));
    return rv;
}

/* Where cPanel's script is in charge: what else starts the server. That is
 * the init system, whose unit may run the script but not wait for its lock,
 * then the command that all of them end up with. NULL: nothing more. */
static const em_facts_t *other_way(const em_facts_t *facts, apr_pool_t *p)
{
    em_facts_t *other = apr_pmemdup(p, facts, sizeof(*facts));

    if (em_service_script(facts, p)) {
        other->service.plain = 1;
        return other;
    }
    if (facts->service.plain && facts->service.kind != EM_SERVICE_CTL
        && facts->service.ctl) {
        other->service.kind = EM_SERVICE_CTL;
        return other;
    }
    return NULL;
}

static const char *starter(const em_facts_t *facts, apr_pool_t *p)
{
    const char *script = em_service_script(facts, p);

    return script ? script
           : facts->service.kind == EM_SERVICE_SYSTEMD ? facts->service.unit
           : facts->service.ctl ? facts->service.ctl : facts->httpd.binary;
}

static int is_running(const em_facts_t *facts, apr_pool_t *p)
{
    em_running_t now;

    return em_service_look(&now, facts, p) == APR_SUCCESS && now.pid != 0;
}

/* A server that runs is better than one that its script cannot start. */
apr_status_t em_way_bring_up(const em_facts_t *facts,
                             apr_interval_time_t timeout, em_log_t *log,
                             em_result_t *res, apr_pool_t *p)
{
    em_verify_t what = {.mpm = facts->configured, .timeout = timeout};
    apr_status_t rv;

    for (;;) {
        const em_facts_t *other = other_way(facts, p);

        rv = start(facts, &what, log, res, p);
        if (rv == APR_SUCCESS) {
            rv = verify(facts, &what, log, res, p);
        }
        if (rv == APR_SUCCESS || !other || is_running(facts, p)) {
            return rv;
        }
        em_log(log, EM_LOG_WARN, "%s did not bring the server back; "
               "trying %s", starter(facts, p), starter(other, p));
        em_result_clear(res);
        facts = other;
    }
}

static apr_status_t stop_old(em_way_t *way)
{
    apr_time_t begun = em_phase_begin(way->how->log, "stop");
    apr_status_t rv;

    way->stopped = 1;
    rv = em_service_stop(way->facts, way->how->timeout, way->res, way->pool);
    em_phase_end(way->how->log, "stop", begun, end_of(rv));
    return rv;
}

int em_way_packages(const em_plan_t *plan)
{
    return plan->steps->nelts > 0
           && APR_ARRAY_IDX(plan->steps, 0, em_step_t *)->kind
              == EM_STEP_PACKAGES;
}

/* The parts of the change (change.h), where there is one. */
static apr_status_t transact(em_way_t *way)
{
    apr_time_t begun;
    apr_status_t rv;

    if (!way->txn || !em_way_packages(way->plan)) {
        return APR_SUCCESS;
    }
    begun = em_phase_begin(way->how->log, "packages");
    way->stopped = 1;
    rv = em_txn_transact(way->txn, way->how->log, way->res);
    em_phase_end(way->how->log, "packages", begun, end_of(rv));
    return rv == APR_SUCCESS ? em_way_interrupted(way) : rv;
}

static apr_status_t prepare(em_way_t *way)
{
    apr_time_t begun;
    apr_status_t rv;

    if (!way->txn) {
        return APR_SUCCESS;
    }
    begun = em_phase_begin(way->how->log, "prepare");
    rv = em_txn_prepare(way->txn, way->facts->conf, way->res);
    em_phase_end(way->how->log, "prepare", begun, end_of(rv));
    return rv;
}

static apr_status_t apply(em_way_t *way)
{
    apr_time_t begun;
    apr_status_t rv;

    if (!way->txn) {
        return APR_SUCCESS;
    }
    begun = em_phase_begin(way->how->log, "apply");
    rv = em_txn_apply(way->txn, way->how->log, way->res);
    em_phase_end(way->how->log, "apply", begun, end_of(rv));
    return rv;
}

static apr_status_t settle(em_way_t *way)
{
    return way->txn ? em_txn_settle(way->txn, way->how->log, way->res)
                    : APR_SUCCESS;
}

/* The facts to verify the new server by. */
static const em_facts_t *facts_after(em_way_t *way)
{
    em_result_t *res = em_result_make(way->pool);
    const em_facts_t *under;
    em_conf_t *conf;

    if (em_plan_facts(&under, way->plan, way->facts, res, way->pool)
        != APR_SUCCESS) {
        return way->facts;
    }
    return em_plan_conf(&conf, way->plan, way->facts, res, way->pool)
           == APR_SUCCESS
           ? em_addr_facts_under(under, conf, way->pool) : under;
}

static void probe(em_way_t *way, const em_facts_t *after)
{
    if (!way->prober
        && em_prober_start(&way->prober, after, way->pool) != APR_SUCCESS) {
        way->prober = NULL;     /* no Listen we could reach: not measured */
    }
}

/* Scripts of the packages, or cPanel's hooks, have restarted the server, and
 * it runs as it should. That is enough where packages are all that changed. */
static int was_restarted(em_way_t *way)
{
    em_running_t now;

    return way->plan->steps->nelts == 1 && em_way_packages(way->plan)
           && em_service_look(&now, way->facts, way->pool) == APR_SUCCESS
           && now.pid && now.pid != way->old_pid && now.mpm
           && strcmp(now.mpm, way->plan->to) == 0;
}

static apr_status_t take_over(em_way_t *way, em_verify_t *what)
{
    apr_status_t rv = apply(way);

    em_log(way->how->log, EM_LOG_NOTE, "scripts of the packages have "
           "restarted the server already");
    what->log_from = em_errlog_size(way->facts, way->pool);
    return rv;
}

/* The server stands from here to the end of start(). */
static apr_status_t stop_and_start(em_way_t *way, const em_facts_t *after,
                                   em_verify_t *what)
{
    apr_status_t rv = stop_old(way);

    if (rv == APR_SUCCESS) {
        rv = em_way_interrupted(way);
    }
    if (rv == APR_SUCCESS) {
        rv = apply(way);
    }
    if (rv == APR_SUCCESS) {
        rv = em_way_interrupted(way);
    }
    return rv == APR_SUCCESS ? start(after, what, way->how->log, way->res,
                                     way->pool)
                             : rv;
}

static apr_status_t restart(em_way_t *way, const em_facts_t *after)
{
    em_verify_t what = {.mpm = way->plan->to, .old_pid = way->old_pid,
                        .before = way->before, .timeout = way->how->timeout};
    apr_status_t rv = was_restarted(way) ? take_over(way, &what)
                                         : stop_and_start(way, after, &what);

    if (rv == APR_SUCCESS) {
        rv = settle(way);
    }
    return rv == APR_SUCCESS ? verify(after, &what, way->how->log, way->res,
                                      way->pool)
                             : rv;
}

/* Everything slow (rehearsal, journal, after-images, asking the vhosts) lies
 * before the stop, and what only makes the change last behind the start:
 * between them there are only the renames. */
apr_status_t em_way_live(em_way_t *way)
{
    apr_status_t rv = em_way_interrupted(way);
    const em_facts_t *after;
    em_answers_t *before;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    after = facts_after(way);
    (void)em_answers_take(&before, way->facts, ANSWERS_TIMEOUT, way->pool);
    way->before = before;
    if (em_way_packages(way->plan)) {
        probe(way, after);
    }
    rv = transact(way);
    if (rv == APR_SUCCESS) {
        rv = prepare(way);
    }
    if (rv == APR_SUCCESS) {
        rv = em_way_interrupted(way);
    }
    if (rv == APR_SUCCESS) {
        probe(way, after);
        rv = restart(way, after);
    }
    if (rv == APR_SUCCESS) {
        rv = em_way_interrupted(way);
    }
    if (rv == APR_SUCCESS) {
        way->sw->verified = "running";
    }
    return rv;
}

apr_status_t em_way_cold(em_way_t *way)
{
    const em_facts_t *after = facts_after(way);
    const char *output = "";
    apr_time_t begun;
    apr_status_t rv;
    int ok;

    rv = em_way_interrupted(way);
    if (rv == APR_SUCCESS) {
        rv = transact(way);
    }
    if (rv == APR_SUCCESS) {
        rv = prepare(way);
    }
    if (rv == APR_SUCCESS) {
        rv = apply(way);
    }
    if (rv == APR_SUCCESS) {
        rv = settle(way);
    }
    if (rv != APR_SUCCESS || !after->httpd.tested || after->httpd.missing) {
        return rv;
    }
    begun = em_phase_begin(way->how->log, "configtest");
    em_result_activity(way->res, "testing the new configuration");
    rv = em_httpd_test(&ok, &output, after, em_httpd_argv,
                       way->how->timeout, way->pool);
    if (rv != APR_SUCCESS) {
        (void)em_result_fail(way->res, rv, EM_EXIT_FAILED,
                             "config-test-failed", "%s cannot be run: ",
                             after->httpd.binary);
    }
    else if (!ok) {
        rv = em_result_fail(way->res, APR_EGENERAL, EM_EXIT_FAILED,
                            "config-test-failed", "httpd -t refuses the "
                            "configuration%s:\n%s",
                            way->facts->httpd.test_ok ? " after the change"
                            : ", as it did before the change", output);
    }
    em_phase_end(way->how->log, "configtest", begun,
                 rv == APR_SUCCESS ? "ok" : "failed");
    if (rv == APR_SUCCESS) {
        rv = em_way_interrupted(way);
    }
    if (rv == APR_SUCCESS) {
        way->sw->verified = "configtest";
    }
    return rv;
}
