/* What check, plan and switch share: make the plan to a target and judge it. */

#include <string.h>
#include <apr_strings.h>
#include "cmd/cmd.h"

em_facts_how_t em_cmd_facts_how(const em_run_t *run)
{
    em_facts_how_t how = { 0 };

    how.root = run->opts.root ? run->opts.root : "/";
    how.httpd = run->opts.httpd;
    how.conf = run->opts.conf;
    how.instance = run->opts.instance;
    how.deep = run->opts.deep;
    how.defer = run->cmd->defers_test;
    how.available = run->opts.available;
    how.timeout = run->opts.timeout;
    how.log = run->log;
    return how;
}

em_switch_how_t em_cmd_switch_how(const em_run_t *run)
{
    em_switch_how_t how = { 0 };

    how.dry_run = run->opts.dry_run;
    how.no_restart = run->opts.no_restart;
    how.end_container = run->opts.end_container;
    how.no_rehearsal = run->opts.no_rehearsal;
    how.require_rehearsal = run->opts.require_rehearsal;
    how.timeout = run->opts.timeout;
    how.log = run->log;
    how.rehearse.allow_sockets = run->opts.allow_sockets;
    how.rehearse.ask_root = run->opts.ask_root;
    how.rehearse.deep = run->opts.deep;
    how.rehearse.timeout = run->opts.timeout;
    how.rehearse.log = run->log;
    return how;
}

apr_status_t em_cmd_judge(em_run_t *run, const char *target)
{
    em_request_t request = { 0 };
    em_plan_t *plan;
    em_check_t *check;
    apr_status_t rv;

    request.target = target;
    request.brief = run->cmd->report == EM_REPORT_SHOW;
    request.with = run->opts.with;
    request.without = run->opts.without;
    rv = em_plan_make(&plan, run->facts, &request, run->res, run->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    run->report.plan = plan;
    rv = em_check(&check, run->facts, plan, run->rules, run->res, run->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    run->report.check = check;
    return APR_SUCCESS;
}

/* The first finding that refuses, or NULL. Findings come worst first. */
static const em_finding_t *refusal(const em_check_t *check)
{
    int i;

    for (i = 0; i < check->findings->nelts; ++i) {
        const em_finding_t *f =
            APR_ARRAY_IDX(check->findings, i, em_finding_t *);

        if (f->severity == EM_REFUSE) {
            return f;
        }
    }
    return NULL;
}

static void hint_resolution(em_run_t *run, const em_finding_t *f)
{
    int i;

    for (i = 0; f->resolutions && i < f->resolutions->nelts; ++i) {
        const char *r = APR_ARRAY_IDX(f->resolutions, i, const char *);

        if (!strncmp(r, "ea-mpm ", 7)) {
            em_result_hint(run->res, "%s", r);
            return;
        }
    }
}

apr_status_t em_cmd_refuse(em_run_t *run)
{
    const em_check_t *check = run->report.check;
    const em_plan_t *plan = run->report.plan;
    const em_finding_t *f;

    if (check->verdict == EM_VERDICT_CURRENT
        || check->verdict == EM_VERDICT_READY) {
        return APR_SUCCESS;
    }
    f = refusal(check);
    if (f) {
        hint_resolution(run, f);
        if (f->file) {
            return em_result_fail(run->res, APR_EGENERAL, EM_EXIT_REFUSED,
                                  f->problem, "%s:%d: %s", f->file, f->line,
                                  f->message);
        }
        return em_result_fail(run->res, APR_EGENERAL, EM_EXIT_REFUSED,
                              f->problem, "%s", f->message);
    }
    return em_result_fail(run->res, APR_EGENERAL, EM_EXIT_REFUSED,
                          plan->impossible ? plan->impossible
                                           : "target-refused",
                          "%s", plan->impossible_why ? plan->impossible_why
                                : "This target cannot be reached.");
}

apr_status_t em_cmd_judge_target(em_run_t *run)
{
    apr_status_t rv;

    run->report.facts = run->facts;
    rv = em_cmd_judge(run, run->target);
    return rv == APR_SUCCESS ? em_cmd_refuse(run) : rv;
}
