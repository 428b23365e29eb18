/* plan: the steps of a switch to TARGET, to the byte. */

#include "cmd/cmd.h"

static const em_opt_id_t options[] = {
    EM_OPT_WITH, EM_OPT_WITHOUT, EM_OPT_DEEP, 0
};

const em_cmd_t em_cmd_plan = {
    .name = "plan",
    .arg = EM_ARG_TARGET,
    .arg_required = 1,
    .summary = "print the steps of a switch to TARGET as diffs",
    .description =
        "Prints what a switch to TARGET would change: file contents as "
        "unified diffs, links, markers, and which modules come and go. "
        "The switch does exactly this. Exits with 3 if it would be refused. "
        "Changes nothing.",
    .needs = EM_NEED_FACTS | EM_NEED_RULES,
    .report = EM_REPORT_PLAN,
    .options = options,
    .run = em_cmd_judge_target
};
