/* show: the MPM that is configured, the one that runs, and where one could
 * go from here. */

#include "cmd/cmd.h"

/* An interrupted switch. Who may not read the state directory, or finds it
 * damaged, gets the rest of the answer all the same. */
static void look_for_open(em_run_t *run)
{
    em_txn_t *open = NULL;
    apr_status_t rv = em_txn_open(&open, run->view, run->res, run->pool);

    if (rv == APR_SUCCESS && open) {
        run->report.open = em_txn_info(open);
    }
    else if (rv != APR_SUCCESS) {
        if (!APR_STATUS_IS_EACCES(rv) && run->res->detail) {
            em_log(run->log, EM_LOG_WARN, "%s", run->res->detail);
        }
        em_result_clear(run->res);
    }
}

static apr_status_t judge_all(em_run_t *run)
{
    apr_array_header_t *checks;
    apr_status_t rv = APR_SUCCESS;
    int i;

    checks = apr_array_make(run->pool, 4, sizeof(em_check_t *));
    for (i = 0; em_targets[i]; ++i) {
        rv = em_cmd_judge(run, em_targets[i]);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        APR_ARRAY_PUSH(checks, const em_check_t *) = run->report.check;
    }
    run->report.check = NULL;
    run->report.plan = NULL;
    run->report.checks = checks;
    return rv;
}

/* httpd tests its configuration while the targets are judged; only where it
 * does not simply accept it they are judged once more. */
static apr_status_t show(em_run_t *run)
{
    apr_status_t rv;

    run->report.facts = run->facts;
    rv = judge_all(run);
    if (rv == APR_SUCCESS && em_facts_settle(run->facts, run->pool)) {
        rv = judge_all(run);
    }
    if (rv == APR_SUCCESS) {
        run->report.notes = em_check_notes(run->facts, run->pool);
    }
    look_for_open(run);
    return rv;
}

static const em_opt_id_t options[] = { EM_OPT_DEEP, 0 };

const em_cmd_t em_cmd_show = {
    .name = "show",
    .arg = EM_ARG_NONE,
    .summary = "show the MPM: configured, running, and what could be next",
    .description =
        "Shows the server, the MPM its configuration names, the MPM that its "
        "main process really runs, the MPMs that are installed, and for each "
        "target whether a switch would go through. Works with a broken "
        "configuration as well. Changes nothing.",
    .needs = EM_NEED_FACTS | EM_NEED_RULES,
    .defers_test = 1,
    .report = EM_REPORT_SHOW,
    .options = options,
    .run = show
};
