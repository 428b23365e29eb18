#include "service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/child.h"
#include "base/exec.h"
#include "service/errlog.h"
#include "service/orphans.h"
#include "service/proc.h"
#include "service/run.h"
#include "service/supervised.h"

/* "apache2.service" -> "apache2", as the older init systems call it. */
static const char *script_name(const char *unit, apr_pool_t *p)
{
    const char *dot = unit ? strrchr(unit, '.') : NULL;

    return dot && strcmp(dot, ".service") == 0
           ? apr_pstrmemdup(p, unit, (apr_size_t)(dot - unit)) : unit;
}

int em_httpd_foreground(const em_facts_t *facts)
{
    const apr_array_header_t *args = facts->httpd.args;

    for (int i = 0; args && i < args->nelts; i++) {
        const char *arg = APR_ARRAY_IDX(args, i, const char *);
        const char *next = i + 1 < args->nelts
                           ? APR_ARRAY_IDX(args, i + 1, const char *) : "";

        if (strcmp(arg, "-DFOREGROUND") == 0 || strcmp(arg, "-X") == 0
            || strcmp(arg, "-DNO_DETACH") == 0
            || (strcmp(arg, "-D") == 0 && (strcmp(next, "FOREGROUND") == 0
                                    || strcmp(next, "NO_DETACH") == 0))) {
            return 1;
        }
    }
    return 0;
}

static const char *const *join(const char *first,
                               const apr_array_header_t *args,
                               const char *const *more, apr_pool_t *p)
{
    apr_array_header_t *argv = apr_array_make(p, 16, sizeof(const char *));

    if (first) {
        APR_ARRAY_PUSH(argv, const char *) = first;
    }
    for (int i = 0; args && i < args->nelts; i++) {
        APR_ARRAY_PUSH(argv, const char *) =
            APR_ARRAY_IDX(args, i, const char *);
    }
    for (; more && *more; more++) {
        APR_ARRAY_PUSH(argv, const char *) = *more;
    }
    APR_ARRAY_PUSH(argv, const char *) = NULL;
    return (const char *const *)argv->elts;
}

const char *const *em_httpd_argv(const em_facts_t *facts,
                                 const char *const *more, apr_pool_t *p)
{
    return join(facts->httpd.binary, facts->httpd.args, more, p);
}

const char *const *em_httpd_start_argv(const em_facts_t *facts,
                                       const char *const *more,
                                       apr_pool_t *p)
{
    return facts->httpd.starter ? join(NULL, facts->httpd.starter, more, p)
                                : em_httpd_argv(facts, more, p);
}

const char *em_service_script(const em_facts_t *facts, apr_pool_t *p)
{
    static const char path[] = "/usr/local/cpanel/scripts/restartsrv_httpd";
    const em_service_t *service = &facts->service;

    return service->kind != EM_SERVICE_NONE && !service->plain
           && (!service->unit || strcmp(service->unit, "httpd.service") == 0)
           && strcmp(facts->layout->id, "ea4") == 0
           && em_view_exists(facts->view, path, p) ? path : NULL;
}

/* The command that starts this service, NULL when there is none. */
static const char *const *start_argv(const em_facts_t *facts, apr_pool_t *p)
{
    static const char *const k_start[] = {"-k", "start", NULL};
    const em_service_t *service = &facts->service;
    const char **argv = apr_pcalloc(p, 4 * sizeof(*argv));
    const char *script = script_name(service->unit, p);
    int by_unit = service->kind == EM_SERVICE_SYSTEMD
                  || service->kind == EM_SERVICE_OPENRC
                  || service->kind == EM_SERVICE_SYSV;

    argv[0] = em_service_script(facts, p);
    if (argv[0]) {
        return argv;
    }
    if ((by_unit && !script)
        || (service->kind == EM_SERVICE_CTL && !service->ctl)) {
        return NULL;
    }
    switch (service->kind) {
    case EM_SERVICE_SYSTEMD:
        argv[0] = "systemctl";
        argv[1] = "start";
        argv[2] = service->unit;
        return argv;
    case EM_SERVICE_OPENRC:
        argv[0] = "rc-service";
        argv[1] = script;
        argv[2] = "start";
        return argv;
    case EM_SERVICE_SYSV:
        argv[0] = apr_pstrcat(p, "/etc/init.d/", script, NULL);
        argv[1] = "start";
        return argv;
    case EM_SERVICE_CTL:
        return em_layout_command(facts->layout, service->ctl, 1, p);
    case EM_SERVICE_SUPERVISED:
        return em_supervised_argv(service, 1, p);
    case EM_SERVICE_SIGNAL:
        return em_httpd_start_argv(facts, em_httpd_foreground(facts) ? NULL
                                   : k_start, p);
    case EM_SERVICE_NONE:
        break;
    }
    return NULL;
}

/* A server that stays in the foreground: started as a session of its own,
 * with nobody waiting. Whether it comes up is what the verification sees. */
static apr_status_t start_detached(const em_facts_t *facts,
                                   const char *const *argv)
{
    pid_t pid = fork();
    int null;

    if (pid < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    if (pid > 0) {
        return APR_SUCCESS;
    }
    (void)setsid();
    em_child_signals();
    null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0
        || dup2(null, 2) < 0 || chdir("/") != 0) {
        _exit(127);
    }
    for (int fd = 3; fd < 256; fd++) {
        (void)close(fd);
    }
    if (facts->httpd.env) {
        execve(argv[0], (char *const *)argv,
               (char *const *)facts->httpd.env);
    }
    else {
        execv(argv[0], (char *const *)argv);
    }
    _exit(127);
}

apr_status_t em_httpd_test(int *pok, const char **poutput,
                           const em_facts_t *facts, em_argv_fn *argv,
                           apr_interval_time_t timeout, apr_pool_t *p)
{
    static const char *const t[] = {"-t", NULL};
    const char *root = em_view_root(facts->view);
    em_exec_how_t how = {.root = root, .env = facts->httpd.test_env,
                         .timeout = timeout};
    em_exec_out_t *out;
    apr_status_t rv;

    rv = em_exec(&out, argv(facts, t, p), &how, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *pok = out->exited && out->exit_code == 0;
    *poutput = out->timed_out ? "httpd -t gave no answer in time"
             : apr_pstrcat(p, out->err, out->out, NULL);
    return APR_SUCCESS;
}

/* "Job for apache2.service failed because ..." tells nobody why: ask httpd
 * and the error log. */
static apr_status_t explain(const em_facts_t *facts, const char *const *argv,
                            const em_exec_out_t *out, apr_off_t log_from,
                            em_result_t *res, apr_pool_t *p)
{
    const char *said = apr_pstrcat(p, out->err, out->out, NULL);
    const char *test = "", *log;
    int ok = 1;

    if (em_httpd_test(&ok, &test, facts, em_httpd_start_argv,
                      apr_time_from_sec(30), p) != APR_SUCCESS || ok) {
        test = "";
    }
    log = em_errlog_quote(facts, log_from, p);
    return em_result_fail(res, out->timed_out ? APR_TIMEUP : APR_EGENERAL,
                          EM_EXIT_FAILED, out->timed_out ? "start-timeout"
                          : "start-failed", "%s %s.\n%s%s%s",
                          em_exec_quote(argv, p), out->timed_out
                          ? "did not come back in time" : out->signal
                          ? apr_psprintf(p, "was ended by signal %d",
                                         out->signal) : "failed",
                          *test ? test : said, *log ? "Error log:\n" : "",
                          log);
}

/* systemd refuses the sixth start within ten seconds. */
static void forgive_starts(const em_facts_t *facts, apr_pool_t *p)
{
    const char *argv[] = {"systemctl", "reset-failed", facts->service.unit,
                          NULL};
    em_exec_out_t *out;

    (void)em_exec(&out, argv, NULL, p);
}

apr_status_t em_service_start(const em_facts_t *facts,
                              apr_interval_time_t timeout, em_result_t *res,
                              apr_pool_t *p)
{
    const char *const *argv = start_argv(facts, p);
    em_exec_how_t how = {.timeout = timeout};
    apr_off_t log_from = em_errlog_size(facts, p);
    em_exec_out_t *out;
    apr_status_t rv;

    em_result_activity(res, "starting the server");
    if (!argv || !argv[0]) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                              "no-service", "Nothing is known that starts "
                              "this server.");
    }
    em_orphans_end(facts, p);
    if (facts->service.kind == EM_SERVICE_SIGNAL
        && !em_service_script(facts, p)) {
        how.env = facts->httpd.env;
        if (em_httpd_foreground(facts)) {
            return start_detached(facts, argv);
        }
    }
    em_log(facts->how.log, EM_LOG_DEBUG, "%s", em_exec_quote(argv, p));
    rv = em_exec(&out, argv, &how, p);
    if (rv == APR_SUCCESS && facts->service.kind == EM_SERVICE_SYSTEMD
        && out->exited && out->exit_code != 0) {
        forgive_starts(facts, p);
        rv = em_exec(&out, argv, &how, p);
    }
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "start-failed",
                              "%s cannot be run: ", em_exec_quote(argv, p));
    }
    if (!out->exited || out->exit_code != 0) {
        return explain(facts, argv, out, log_from, res, p);
    }
    return APR_SUCCESS;
}
