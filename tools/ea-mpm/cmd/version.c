/* version: of this program. */

#include "cmd/cmd.h"

static apr_status_t version(em_run_t *run)
{
    (void)run;
    return APR_SUCCESS;
}

const em_cmd_t em_cmd_version = {
    .name = "version",
    .arg = EM_ARG_NONE,
    .summary = "print the version of ea-mpm",
    .description = "Prints the version of ea-mpm.",
    .report = EM_REPORT_VERSION,
    .run = version
};
