/* history: the switches so far. */

#include "cmd/cmd.h"

static apr_status_t history(em_run_t *run)
{
    apr_array_header_t *list;
    apr_status_t rv;

    rv = em_txn_list(&list, run->view, run->res, run->pool);
    if (rv == APR_SUCCESS) {
        run->report.history = list;
    }
    return rv;
}

const em_cmd_t em_cmd_history = {
    .name = "history",
    .arg = EM_ARG_NONE,
    .summary = "list the switches made so far",
    .description =
        "Lists the switches made on this system, the latest first: when, "
        "from what to what, how each ended, and the ID that rollback takes.",
    .needs = EM_NEED_VIEW,
    .report = EM_REPORT_HISTORY,
    .run = history
};
