#include "switch/way.h"

#include <string.h>

#include <apr_strings.h>

#include "base/exec.h"
#include "base/signals.h"
#include "rehearse/php.h"
#include "service/proc.h"
#include "service/run.h"

static int is_here(const em_facts_t *facts)
{
    return strcmp(em_view_root(facts->view), "/") == 0;
}

/* Checks that refuse stop a switch here as well, whoever calls. */
static apr_status_t heed_check(em_way_t *way, const em_check_t *check)
{
    if (way->plan->impossible) {
        return em_result_fail(way->res, APR_EGENERAL, EM_EXIT_REFUSED,
                              way->plan->impossible, "%s",
                              way->plan->impossible_why);
    }
    if (!check || check->verdict == EM_VERDICT_READY
        || check->verdict == EM_VERDICT_CURRENT) {
        return APR_SUCCESS;
    }
    for (int i = 0; i < check->findings->nelts; i++) {
        const em_finding_t *f = APR_ARRAY_IDX(check->findings, i,
                                              em_finding_t *);

        if (f->severity == EM_REFUSE) {
            return em_result_fail(way->res, APR_EGENERAL, EM_EXIT_REFUSED,
                                  f->problem, "%s", f->message);
        }
    }
    return em_result_fail(way->res, APR_EGENERAL, EM_EXIT_REFUSED,
                          "internal", "%s is refused.", way->plan->to);
}

static apr_status_t heed_rehearsal(em_way_t *way)
{
    const em_rehearsal_t *rehearsal = way->sw->rehearsal;
    em_rehearsal_result_t result = rehearsal->result;

    if (result == EM_REHEARSAL_FAILED) {
        const em_finding_t *f = rehearsal->findings->nelts
            ? APR_ARRAY_IDX(rehearsal->findings, 0, em_finding_t *) : NULL;

        return em_result_fail(way->res, APR_EGENERAL, EM_EXIT_REFUSED,
                              f ? f->problem : "rehearsal-failed",
                              "The rehearsal failed, so nothing was "
                              "changed: %s", rehearsal->why);
    }
    if (result != EM_REHEARSAL_PASSED && way->how->require_rehearsal) {
        return em_result_fail(way->res, APR_EGENERAL, EM_EXIT_REFUSED,
                              result == EM_REHEARSAL_UNAVAILABLE
                              ? "rehearsal-unavailable"
                              : "rehearsal-inconclusive",
                              "--require-rehearsal: %s", rehearsal->why);
    }
    if (result != EM_REHEARSAL_PASSED) {
        em_log(way->how->log, EM_LOG_WARN, "%s", rehearsal->why);
    }
    return APR_SUCCESS;
}

static apr_status_t rehearse(em_way_t *way)
{
    em_rehearse_how_t how = way->how->rehearse;
    em_rehearsal_t *rehearsal;
    apr_status_t rv;

    way->sw->rehearsal_result = EM_REHEARSAL_SKIPPED;
    if (way->how->no_rehearsal
        || (!is_here(way->facts) && !way->how->require_rehearsal)) {
        return APR_SUCCESS;
    }
    how.log = how.log ? how.log : way->how->log;
    rv = em_rehearse(&rehearsal, way->facts, way->plan, &how, way->res,
                     way->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    way->sw->rehearsal = rehearsal;
    way->sw->rehearsal_result = rehearsal->result;
    return heed_rehearsal(way);
}

/* systemctl stop comes back before a graceful end is over, where it cannot
 * kill: a main process that its unit has given up is not a running server.
 * 1: it is gone, the server is a stopped one. */
static int was_stopping(em_way_t *way)
{
    const em_service_t *service = &way->facts->service;
    const char *argv[] = {"systemctl", "show", "--property=ActiveState",
                          "--value", service->unit, NULL};
    em_exec_out_t *out;
    em_proc_t *proc;

    if (service->kind != EM_SERVICE_SYSTEMD || !service->unit
        || em_exec(&out, argv, NULL, way->pool) != APR_SUCCESS
        || !(strncmp(out->out, "inactive", 8) == 0
             || strncmp(out->out, "deactivating", 12) == 0
             || strncmp(out->out, "failed", 6) == 0)) {
        return 0;
    }
    return em_proc_open(&proc, way->facts->running.pid, way->pool)
           != APR_SUCCESS
           || em_proc_wait(proc, way->how->timeout);
}

/* The rehearsal starts its own php-fpm; the real one must be there too. Only
 * what the plan brings in: a back end that is down already is not ours. */
static apr_status_t backends_listen(em_way_t *way)
{
    const em_php_map_t *now = em_php_map(way->facts->conf, way->pool);
    const char *down, *unit;
    em_conf_t *conf;
    apr_status_t rv;

    rv = em_plan_conf(&conf, way->plan, way->facts, way->res, way->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    down = em_php_backend_down(em_php_map(conf, way->pool)->backends,
                               now->backends, way->pool);
    if (!down) {
        return APR_SUCCESS;
    }
    unit = em_php_unit(down, way->pool);
    if (way->facts->service.kind == EM_SERVICE_SYSTEMD) {
        em_result_hint(way->res, "systemctl enable --now %s", unit);
    }
    return em_result_fail(way->res, APR_EGENERAL, EM_EXIT_REFUSED,
                          "php-fpm-not-running", "Under the new "
                          "configuration PHP is run by %s, but nobody "
                          "listens on %s now. Start it first; nothing was "
                          "changed.", unit, down);
}

/* A server whose files would not start it again must not be stopped unless
 * the new ones were seen to work: nothing could bring it back. */
static apr_status_t can_come_back(em_way_t *way)
{
    const em_httpd_t *httpd = &way->facts->httpd;

    if (!httpd->tested || httpd->test_ok
        || way->sw->rehearsal_result == EM_REHEARSAL_PASSED) {
        return APR_SUCCESS;
    }
    return em_result_fail(way->res, APR_EGENERAL, EM_EXIT_REFUSED,
                          "no-way-back", "The server runs, but httpd refuses "
                          "the configuration as it is now; once stopped it "
                          "could not be started again:\n%s",
                          httpd->test_output ? httpd->test_output : "");
}

/* Who rolls back by force learns where the edits are. */
static void tell_edits(const em_way_t *way)
{
    const apr_array_header_t *edited = way->plan->edited;

    for (int i = 0; edited && i < edited->nelts; i++) {
        const char *path = APR_ARRAY_IDX(edited, i, const char *);
        const char *kept = em_txn_before_file(way->txn, path);

        if (kept) {
            em_log(way->how->log, EM_LOG_WARN, "%s was edited since the "
                   "change %s; what was in it is kept as %s", path,
                   way->plan->rolls_back, kept);
        }
    }
}

static apr_status_t begin(em_way_t *way)
{
    em_txn_service_t service = {way->facts->running.pid != 0,
                                way->facts->service};
    apr_status_t rv;

    if (em_plan_is_empty(way->plan)) {
        return APR_SUCCESS;
    }
    em_result_activity(way->res, "preparing the change");
    rv = em_txn_begin(&way->txn, way->facts->view, way->plan, &service,
                      way->res, way->pool);
    if (rv == APR_SUCCESS) {
        way->sw->id = em_txn_info(way->txn)->id;
        tell_edits(way);
    }
    else {
        way->txn = NULL;
    }
    return rv;
}

/* Do it, and if it does not work out, undo it. */
static apr_status_t go(em_way_t *way, int live)
{
    apr_status_t rv = live ? em_way_live(way) : em_way_cold(way);

    if (rv == APR_SUCCESS && way->others) {
        way->others_begun = 1;
        rv = em_others_follow(way->others, 1, way->res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_way_interrupted(way);
    }
    if (rv == APR_SUCCESS && way->txn) {
        rv = em_txn_commit(way->txn, way->res);
    }
    if (rv == APR_SUCCESS) {
        way->sw->changed = way->txn != NULL;
    }
    else {
        em_way_back(way);
    }
    if (way->prober) {
        way->sw->outage_ms = em_prober_stop(way->prober);
        way->prober = NULL;
    }
    return rv;
}

static int has_others(const em_plan_t *plan)
{
    return plan->restart_units && plan->restart_units->nelts > 0;
}

/* What to type for a full restart. */
static const char *by_hand(const em_way_t *way)
{
    const em_service_t *service = &way->facts->service;
    apr_pool_t *p = way->pool;
    const char *script = em_service_script(way->facts, p);

    if (script) {
        return apr_psprintf(p, "%s --stop && %s", script, script);
    }
    if (service->by_hand) {
        return service->by_hand;
    }
    if (service->kind == EM_SERVICE_SYSTEMD && service->unit) {
        return apr_psprintf(p, "systemctl restart %s", service->unit);
    }
    return service->ctl ? apr_psprintf(p, "%s stop && %s start",
                                       service->ctl, service->ctl)
                        : "stop the server and start it again";
}

/* Changed files under a server that still runs the old MPM. */
static void hint_pending(em_way_t *way)
{
    const em_service_t *service = &way->facts->service;
    em_running_t now;

    if (has_others(way->plan) && !way->others) {
        em_log(way->how->log, EM_LOG_WARN, "servers that share the changed "
               "files still run as they did: any reload would end them");
        way->sw->by_hand = em_others_by_hand(way->plan->restart_units,
                                             way->pool);
    }
    if (service->container) {
        if (way->how->end_container) {
            em_container_end(way);
        }
        else {
            em_container_hint(way);
        }
        return;
    }
    /* Scripts of packages restart it even so. */
    if (!way->facts->running.pid
        || em_service_look(&now, way->facts, way->pool) != APR_SUCCESS
        || !now.pid
        || (now.mpm && strcmp(now.mpm, way->plan->to) == 0)) {
        if (way->sw->by_hand) {
            em_result_hint(way->res, "%s", way->sw->by_hand);
        }
        return;
    }
    em_log(way->how->log, EM_LOG_WARN, "the running server is still %s: any "
           "reload would end it; stop and start it",
           now.mpm ? now.mpm : "the old one");
    way->sw->by_hand = way->sw->by_hand
        ? apr_pstrcat(way->pool, by_hand(way), " && ", way->sw->by_hand, NULL)
        : by_hand(way);
    em_result_hint(way->res, "%s", way->sw->by_hand);
}

static int running_differs(const em_facts_t *facts, const char *to)
{
    return facts->running.pid && facts->running.mpm
           && strcmp(facts->running.mpm, to) != 0;
}

apr_status_t em_switch_run(em_switch_t **pswitch, const em_facts_t *facts,
                           const em_plan_t *plan, const em_check_t *check,
                           const em_switch_how_t *how, em_result_t *res,
                           apr_pool_t *p)
{
    em_switch_t *sw = apr_pcalloc(p, sizeof(*sw));
    em_switch_how_t mine = *how;
    em_way_t way = {.facts = facts, .plan = plan, .how = &mine, .res = res,
                    .pool = p, .sw = sw};
    int live = !how->no_restart && is_here(facts) && facts->running.pid
               && facts->service.kind != EM_SERVICE_NONE;
    em_facts_t stopped;
    apr_status_t rv;

    mine.timeout = how->timeout ? how->timeout : apr_time_from_sec(60);
    sw->from = plan->from;
    sw->to = plan->to;
    sw->plan = plan;
    sw->check = check;
    sw->outage_ms = -1;
    sw->verified = "no";
    sw->rehearsal_result = EM_REHEARSAL_SKIPPED;
    *pswitch = sw;
    em_signals_catch();
    rv = heed_check(&way, check);
    if (rv == APR_SUCCESS) {
        rv = em_container_check(&way);
    }
    if (rv != APR_SUCCESS || how->dry_run
        || (em_plan_is_empty(plan)
            && !((live || how->end_container)
                 && running_differs(facts, plan->to)))) {
        goto leave;
    }
    rv = rehearse(&way);
    if (rv == APR_SUCCESS && live && was_stopping(&way)) {
        stopped = *facts;
        memset(&stopped.running, 0, sizeof(stopped.running));
        way.facts = &stopped;
        live = 0;
    }
    if (rv == APR_SUCCESS && live) {
        rv = can_come_back(&way);
    }
    if (rv == APR_SUCCESS && live) {
        rv = backends_listen(&way);
    }
    if (rv == APR_SUCCESS) {
        rv = em_way_interrupted(&way);
    }
    if (rv == APR_SUCCESS && has_others(plan) && is_here(facts)
        && !how->no_restart) {
        rv = em_others_take(&way.others, facts, plan->restart_units,
                            mine.timeout, how->log, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = begin(&way);
    }
    if (rv != APR_SUCCESS) {
        goto leave;
    }
    way.old_pid = live ? way.facts->running.pid : 0;
    rv = go(&way, live);
    if (rv == APR_SUCCESS && !live) {
        hint_pending(&way);
    }

leave:
    em_signals_release();
    return rv;
}
