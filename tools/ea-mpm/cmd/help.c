/* help: the table of commands, or one of them. */

#include <string.h>
#include "cmd/cmd.h"

static apr_status_t help(em_run_t *run)
{
    const char *name;

    if (run->args->nelts == 0) {
        return APR_SUCCESS;
    }
    name = APR_ARRAY_IDX(run->args, 0, const char *);
    run->report.topic = em_cmd_find(name);
    if (!run->report.topic) {
        em_result_hint(run->res, "ea-mpm help");
        return em_result_fail(run->res, APR_EINVAL, EM_EXIT_USAGE,
                              "unknown-command", "There is no command "
                              "\"%s\".", name);
    }
    return APR_SUCCESS;
}

const em_cmd_t em_cmd_help = {
    .name = "help",
    .arg = EM_ARG_COMMAND,
    .summary = "explain a command",
    .description = "Lists the commands and options, or explains COMMAND.",
    .report = EM_REPORT_HELP,
    .run = help
};
