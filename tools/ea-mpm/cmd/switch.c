/* switch: change the MPM, or end exactly as it was. */

#include "cmd/cmd.h"

static apr_status_t run_switch(em_run_t *run)
{
    em_switch_how_t how = em_cmd_switch_how(run);
    em_switch_t *done = NULL;
    apr_status_t rv;

    run->report.dry_run = run->opts.dry_run;
    rv = em_cmd_judge_target(run);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_switch_run(&done, run->facts, run->report.plan,
                       run->report.check, &how, run->res, run->pool);
    run->report.done = done;
    return rv;
}

static const em_opt_id_t options[] = {
    EM_OPT_WITH, EM_OPT_WITHOUT, EM_OPT_DRY_RUN, EM_OPT_NO_RESTART,
    EM_OPT_NO_REHEARSAL, EM_OPT_REQUIRE_REHEARSAL, EM_OPT_ALLOW_SOCKET,
    EM_OPT_ASK_ROOT, EM_OPT_DEEP, EM_OPT_END_CONTAINER, 0
};

const em_cmd_t em_cmd_switch = {
    .name = "switch",
    .arg = EM_ARG_TARGET,
    .arg_required = 1,
    .summary = "switch to TARGET, or end exactly as it was",
    .description =
        "Checks, rehearses, changes the configuration under a journal, stops "
        "and starts the server, and verifies that it answers under TARGET. "
        "Whatever fails on the way, the old configuration is put back, the "
        "old server is started and verified, and the reason is told. Being "
        "there already is a success that changes nothing.",
    .needs = EM_NEED_FACTS | EM_NEED_RULES | EM_NEED_ROOT | EM_NEED_LOCK,
    .report = EM_REPORT_SWITCH,
    .options = options,
    .run = run_switch
};
