/* rollback: undo a committed switch. */

#include "cmd/cmd.h"

static apr_status_t rollback(em_run_t *run)
{
    em_switch_how_t how = em_cmd_switch_how(run);
    em_switch_t *done = NULL;
    em_plan_t *plan;
    const char *id = NULL;
    apr_status_t rv;

    if (run->args->nelts) {
        id = APR_ARRAY_IDX(run->args, 0, const char *);
    }
    run->report.facts = run->facts;
    run->report.dry_run = run->opts.dry_run;
    rv = em_txn_rollback_plan(&plan, run->view, id, run->opts.force,
                              run->res, run->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    run->report.plan = plan;
    rv = em_switch_run(&done, run->facts, plan, NULL, &how, run->res,
                       run->pool);
    run->report.done = done;
    return rv;
}

static const em_opt_id_t options[] = {
    EM_OPT_DRY_RUN, EM_OPT_NO_RESTART, EM_OPT_NO_REHEARSAL,
    EM_OPT_REQUIRE_REHEARSAL, EM_OPT_ALLOW_SOCKET, EM_OPT_ASK_ROOT,
    EM_OPT_FORCE, EM_OPT_END_CONTAINER, 0
};

const em_cmd_t em_cmd_rollback = {
    .name = "rollback",
    .arg = EM_ARG_ID,
    .summary = "undo a switch (the last one, or ID of ea-mpm history)",
    .description =
        "Puts back the files as they were before a committed switch, in the "
        "same careful way as a switch: rehearsed, journalled, verified. "
        "Refuses where files were changed since, and names them; --force "
        "rolls back all the same, and what was in them stays in the journal "
        "under a name that is told.",
    .needs = EM_NEED_FACTS | EM_NEED_ROOT | EM_NEED_LOCK,
    .report = EM_REPORT_SWITCH,
    .options = options,
    .run = rollback
};
