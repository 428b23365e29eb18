/* recover: finish or undo what an interrupted run left behind. */

#include "cmd/cmd.h"

static apr_status_t recover(em_run_t *run)
{
    em_facts_how_t how_facts = em_cmd_facts_how(run);
    em_switch_how_t how = em_cmd_switch_how(run);
    em_switch_t *done = NULL;
    apr_status_t rv;

    rv = em_recover_run(&done, &how_facts, &how, run->res, run->pool);
    run->report.done = done;
    return rv;
}

static const em_opt_id_t options[] = { EM_OPT_NO_RESTART, 0 };

const em_cmd_t em_cmd_recover = {
    .name = "recover",
    .arg = EM_ARG_NONE,
    .summary = "finish or undo a switch that was interrupted",
    .description =
        "After a crash, a kill or a power cut in the middle of a switch: "
        "makes every file either as it was before or as it should be after, "
        "and brings the server back to how it was. switch and rollback do "
        "this first by themselves; the packages do it at boot before the "
        "server starts. With nothing to recover it succeeds and changes "
        "nothing.",
    .needs = EM_NEED_ROOT,
    .report = EM_REPORT_SWITCH,
    .options = options,
    .run = recover
};
