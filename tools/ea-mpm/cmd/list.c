/* list: the MPMs that are installed, or could be. */

#include "cmd/cmd.h"

static apr_status_t list(em_run_t *run)
{
    run->report.facts = run->facts;
    return APR_SUCCESS;
}

static const em_opt_id_t options[] = { EM_OPT_AVAILABLE, 0 };

const em_cmd_t em_cmd_list = {
    .name = "list",
    .arg = EM_ARG_NONE,
    .summary = "list the MPMs that are installed",
    .description =
        "Lists the MPMs that are installed: the file of each, whether it is "
        "what its name says, and the package that owns it. With --available "
        "the package manager is asked which others it could install.",
    .needs = EM_NEED_FACTS,
    .report = EM_REPORT_LIST,
    .options = options,
    .run = list
};
