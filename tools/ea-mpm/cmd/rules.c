/* rules: what check judges by. */

#include "cmd/cmd.h"

static apr_status_t rules(em_run_t *run)
{
    run->report.rules = run->rules;
    return APR_SUCCESS;
}

const em_cmd_t em_cmd_rules = {
    .name = "rules",
    .arg = EM_ARG_NONE,
    .summary = "list the rules that check judges by",
    .description =
        "Lists the rules: the module each is about, the MPMs that the module "
        "accepts, the reason and where that is known from. Files in "
        "/etc/ea-mpm/rules.d replace shipped ones of the same name or add to "
        "them; see ea-mpm-rules(5).",
    .needs = EM_NEED_RULES,
    .report = EM_REPORT_RULES,
    .run = rules
};
