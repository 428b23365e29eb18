/* check: would a switch to TARGET go through, and if not, why not. */

#include "cmd/cmd.h"

static const em_opt_id_t options[] = {
    EM_OPT_WITH, EM_OPT_WITHOUT, EM_OPT_DEEP, 0
};

const em_cmd_t em_cmd_check = {
    .name = "check",
    .arg = EM_ARG_TARGET,
    .arg_required = 1,
    .summary = "say what stands against a switch to TARGET",
    .description =
        "Judges a switch to TARGET by the rules (ea-mpm rules) and by the "
        "configuration as it would be afterwards. Every finding names file "
        "and line, the reason, and what makes it go away. Exits with 3 if "
        "the switch would be refused. Changes nothing.",
    .needs = EM_NEED_FACTS | EM_NEED_RULES,
    .report = EM_REPORT_CHECK,
    .options = options,
    .run = em_cmd_judge_target
};
