#include "service/supervised.h"

#include <string.h>

#include <apr_strings.h>

#include "base/exec.h"

#define NOTE_TAKEN apr_time_from_sec(5)
#define STEP apr_time_from_msec(50)

/* How each tool is told: its words, and what it is told about behind them or
 * before them. */
typedef struct tool_t {
    const char *name, *up, *down;
    int target_first;
} tool_t;

static const tool_t tools[] = {
    {"sv", "up", "down", 0},
    {"s6-svc", "-u", "-d", 0},
    {"svc", "-u", "-d", 0},
    {"rc-service", "start", "stop", 1},
};

const char *const *em_supervised_argv(const em_service_t *service, int up,
                                      apr_pool_t *p)
{
    const char *slash = service->ctl ? strrchr(service->ctl, '/') : NULL;
    const char **argv = apr_pcalloc(p, 4 * sizeof(*argv));

    for (size_t i = 0; slash && service->unit
                       && i < sizeof(tools) / sizeof(*tools); i++) {
        const tool_t *tool = &tools[i];

        if (strcmp(slash + 1, tool->name) == 0) {
            argv[0] = service->ctl;
            argv[2 - tool->target_first] = service->unit;
            argv[1 + tool->target_first] = up ? tool->up : tool->down;
            return argv;
        }
    }
    return NULL;
}

/* runit's sv does nothing when the service is wanted as it is to become, and
 * runsv takes note of "down" late where a server ended as soon as it was
 * started: "up" right behind it would be lost. */
void em_supervised_settle(const em_facts_t *facts, apr_pool_t *p)
{
    const em_service_t *service = &facts->service;
    const char *slash = service->ctl ? strrchr(service->ctl, '/') : NULL;
    const char *argv[] = {service->ctl, "status", service->unit, NULL};
    apr_time_t until = apr_time_now() + NOTE_TAKEN;
    em_exec_out_t *out;

    if (!slash || strcmp(slash + 1, "sv") != 0) {
        return;                 /* the others obey in order */
    }
    while (em_exec(&out, argv, NULL, p) == APR_SUCCESS && out->exited
           && out->exit_code == 0
           && (strncmp(out->out, "down:", 5) != 0
               || strstr(out->out, "want up")) && apr_time_now() < until) {
        apr_sleep(STEP);
    }
}

apr_status_t em_supervised_hold(const em_facts_t *facts,
                                apr_interval_time_t timeout,
                                em_result_t *res, apr_pool_t *p)
{
    const char *const *argv = em_supervised_argv(&facts->service, 0, p);
    em_exec_how_t how = {.timeout = timeout};
    em_exec_out_t *out;
    apr_status_t rv;

    if (!argv) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                              "stop-failed", "Nothing is known that tells "
                              "the server's supervisor to stop it.");
    }
    em_log(facts->how.log, EM_LOG_DEBUG, "%s", em_exec_quote(argv, p));
    rv = em_exec(&out, argv, &how, p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "stop-failed",
                              "%s cannot be run: ", em_exec_quote(argv, p));
    }
    if (!out->exited || out->exit_code != 0) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                              "stop-failed", "%s failed, and the supervisor "
                              "would start a server that only gets a signal "
                              "at once again: %s%s", em_exec_quote(argv, p),
                              out->err, out->out);
    }
    return APR_SUCCESS;
}
