/* rehearse: start the server under TARGET where nothing can be harmed. */

#include "cmd/cmd.h"

/* The MPM to rehearse: the one asked for, else the configured one. */
static apr_status_t pick(const char **ptarget, em_run_t *run)
{
    if (run->target) {
        *ptarget = run->target;
        return APR_SUCCESS;
    }
    if (!run->facts->configured) {
        em_result_hint(run->res, "ea-mpm show");
        return em_result_fail(run->res, APR_EGENERAL, EM_EXIT_FAILED,
                              "mpm-unclear", "The configuration does not "
                              "name exactly one MPM; say which target to "
                              "rehearse.");
    }
    *ptarget = run->facts->configured;
    return APR_SUCCESS;
}

static apr_status_t judge_result(em_run_t *run, const em_rehearsal_t *r)
{
    const char *why = r->why ? r->why : "no reason known";

    switch (r->result) {
    case EM_REHEARSAL_PASSED:
    case EM_REHEARSAL_SKIPPED:
        return APR_SUCCESS;
    case EM_REHEARSAL_FAILED:
        if (r->findings && r->findings->nelts) {
            const em_finding_t *f =
                APR_ARRAY_IDX(r->findings, 0, em_finding_t *);

            return em_result_fail(run->res, APR_EGENERAL, EM_EXIT_REFUSED,
                                  f->problem, "%s", f->message);
        }
        return em_result_fail(run->res, APR_EGENERAL, EM_EXIT_REFUSED,
                              "rehearsal-failed", "%s", why);
    case EM_REHEARSAL_INCONCLUSIVE:
        return em_result_fail(run->res, APR_EGENERAL, EM_EXIT_FAILED,
                              "rehearsal-inconclusive", "%s", why);
    case EM_REHEARSAL_UNAVAILABLE:
        return em_result_fail(run->res, APR_ENOTIMPL, EM_EXIT_FAILED,
                              "rehearsal-unavailable", "%s", why);
    }
    return APR_SUCCESS;
}

static apr_status_t rehearse(em_run_t *run)
{
    const char *target = NULL;
    em_switch_how_t how = em_cmd_switch_how(run);
    em_rehearsal_t *rehearsal = NULL;
    apr_status_t rv;

    rv = pick(&target, run);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    run->report.facts = run->facts;
    rv = em_cmd_judge(run, target);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Findings do not keep a rehearsal from being held: it shows whether
     * they are true. Without steps to a target there is nothing to start. */
    if (run->report.plan->impossible) {
        return em_cmd_refuse(run);
    }
    rv = em_rehearse(&rehearsal, run->facts, run->report.plan, &how.rehearse,
                     run->res, run->pool);
    run->report.rehearsal = rehearsal;
    if (rv != APR_SUCCESS || !rehearsal) {
        return rv;
    }
    return judge_result(run, rehearsal);
}

static const em_opt_id_t options[] = {
    EM_OPT_WITH, EM_OPT_WITHOUT, EM_OPT_DEEP, EM_OPT_ALLOW_SOCKET,
    EM_OPT_ASK_ROOT, 0
};

const em_cmd_t em_cmd_rehearse = {
    .name = "rehearse",
    .arg = EM_ARG_TARGET,
    .summary = "start the server under TARGET where nothing can be harmed",
    .description =
        "Applies the plan and starts the server inside private namespaces, "
        "over throwaway copies, without any network: first as it is "
        "configured now, then under TARGET, and asks every virtual host both "
        "times. Without TARGET only the present configuration is rehearsed. "
        "Exits with 3 if the server does worse under TARGET, with 1 if this "
        "machine permits no rehearsal or the present configuration fails in "
        "there as well. Every switch does this by itself.",
    .needs = EM_NEED_FACTS | EM_NEED_RULES,
    .report = EM_REPORT_REHEARSE,
    .options = options,
    .run = rehearse
};
