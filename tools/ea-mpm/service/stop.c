#include "service/service.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/exec.h"
#include "host/running.h"
#include "service/orphans.h"
#include "service/proc.h"
#include "service/run.h"
#include "service/supervised.h"

/* How long children may outlive the main process, and how long the kernel
 * may take to bury what was killed. */
#define CHILD_GRACE apr_time_from_sec(5)
#define KILL_GRACE apr_time_from_sec(5)
/* Between two questions whether systemd is still about it. */
#define LOOK_AGAIN apr_time_from_msec(100)

/* Run a tool of the init system; 1: it says that all is well. Its failure is
 * no failure of ours: what counts is whether the process is gone. */
static int tell_init(const em_facts_t *facts, const char *const *argv,
                     apr_interval_time_t timeout, apr_pool_t *p)
{
    em_exec_how_t how = {.timeout = timeout};
    em_exec_out_t *out;

    em_log(facts->how.log, EM_LOG_DEBUG, "%s", em_exec_quote(argv, p));
    if (em_exec(&out, argv, &how, p) != APR_SUCCESS) {
        return 0;
    }
    if (!out->exited || out->exit_code != 0) {
        em_log(facts->how.log, EM_LOG_DEBUG, "%s: %s%s",
               em_exec_quote(argv, p), out->err,
               out->timed_out ? " (no answer in time)" : "");
        return 0;
    }
    return 1;
}

/* systemctl stop rather than a signal of our own: systemd then knows that
 * the end is wanted (Restart=), and it ends the unit whatever ExecStop=
 * (Debian: apachectl graceful-stop, which reads the configuration) says.
 *
 * We wait for the process, not for systemd to close its books on the unit:
 * that takes as long again as all we do before the start, and a start that
 * comes meanwhile is carried out right after it. */
static void stop_unit(const em_facts_t *facts, const em_proc_t *proc,
                      apr_interval_time_t timeout, apr_pool_t *p)
{
    const char *unit = facts->service.unit;
    const char *argv[] = {"systemctl", "--no-block", "stop", unit, NULL};
    apr_time_t until = apr_time_now() + timeout;

    if (!tell_init(facts, argv, timeout, p)) {
        return;
    }
    while (!em_proc_wait(proc, LOOK_AGAIN) && !em_service_is_down(facts, p)
           && apr_time_now() < until) {
    }
}

static void ask_to_end(const em_facts_t *facts, const em_proc_t *proc,
                       apr_interval_time_t timeout, apr_pool_t *p)
{
    const em_service_t *service = &facts->service;
    const char *script = em_service_script(facts, p);

    if (script) {
        const char *argv[] = {script, "--stop", NULL};

        (void)tell_init(facts, argv, timeout, p);
    }
    if (service->kind == EM_SERVICE_SYSTEMD && service->unit
        && (!script || em_proc_alive(proc))) {
        stop_unit(facts, proc, timeout, p);
    }
    else if (service->kind == EM_SERVICE_CTL && service->ctl) {
        const char *const *argv = em_layout_command(facts->layout,
                                                    service->ctl, 0, p);

        if (argv) {             /* it keeps books of its own */
            tell_init(facts, argv, timeout, p);
        }
    }
    else if (service->kind == EM_SERVICE_SUPERVISED) {
        return;                 /* was told before */
    }
    /* Not systemd, or a server that somebody started outside its unit. */
    if (em_proc_alive(proc)) {
        (void)em_proc_signal(proc, SIGTERM);
    }
}

/* OpenRC's own books, now that the process is gone. systemd needs no telling:
 * it starts a failed unit as well as a stopped one, and every call here is
 * time that nobody is served. */
static void settle_books(const em_facts_t *facts, apr_pool_t *p)
{
    const em_service_t *service = &facts->service;
    const char *argv[] = {"rc-service", service->unit, "zap", NULL};

    if (service->kind == EM_SERVICE_OPENRC && service->unit) {
        (void)tell_init(facts, argv, apr_time_from_sec(10), p);
    }
    else if (service->kind == EM_SERVICE_SUPERVISED) {
        em_supervised_settle(facts, p);
    }
}

/* A server that was killed leaves its pid file, and httpd refuses to start
 * when another process has got that number since. */
static void drop_pid_file(const em_facts_t *facts, int pid, apr_pool_t *p)
{
    em_node_t *node;

    if (facts->httpd.pid_file
        && em_view_read(&node, facts->view, facts->httpd.pid_file, 4096, p)
           == APR_SUCCESS
        && atoi(node->data) == pid) {
        (void)unlink(em_view_outside(facts->view, facts->httpd.pid_file, p));
    }
}

/* Children that outlive the main process still hold the ports. Only those
 * that are the server itself: a log program may finish its work. */
static apr_status_t end_children(const em_facts_t *facts, const char *exe,
                                 const apr_array_header_t *children,
                                 em_result_t *res, apr_pool_t *p)
{
    apr_time_t until = apr_time_now() + CHILD_GRACE;

    for (int i = 0; i < children->nelts; i++) {
        const em_proc_t *child = APR_ARRAY_IDX(children, i, em_proc_t *);
        apr_time_t left = until - apr_time_now();
        const char *its = em_proc_exe(child->pid, p);

        if (!its || !exe || strcmp(its, exe) != 0
            || em_proc_wait(child, left > 0 ? left : 0)) {
            continue;
        }
        em_log(facts->how.log, EM_LOG_WARN, "child %d outlived the server: "
               "killing it", child->pid);
        (void)em_proc_signal(child, SIGKILL);
        if (!em_proc_wait(child, KILL_GRACE)) {
            return em_result_fail(res, APR_TIMEUP, EM_EXIT_FAILED,
                                  "stop-failed", "Process %d of the server "
                                  "does not end, not even by SIGKILL.",
                                  child->pid);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t kill_main(const em_facts_t *facts, const em_proc_t *proc,
                              em_result_t *res, apr_interval_time_t waited)
{
    em_log(facts->how.log, EM_LOG_WARN, "the server (process %d) did not "
           "stop within %d seconds: killing it", proc->pid,
           (int)apr_time_sec(waited));
    (void)em_proc_signal(proc, SIGKILL);
    if (em_proc_wait(proc, KILL_GRACE)) {
        return APR_SUCCESS;
    }
    return em_result_fail(res, APR_TIMEUP, EM_EXIT_FAILED, "stop-failed",
                          "The server (process %d) does not end, not even by "
                          "SIGKILL.", proc->pid);
}

/* The main process, also one that is still starting: it may hold the ports
 * for long before it writes its pid file. */
static apr_status_t find_main(em_running_t *pnow, const em_facts_t *facts,
                              apr_pool_t *p)
{
    apr_status_t rv = em_service_look(pnow, facts, p);

    if (rv == APR_SUCCESS && pnow->pid == 0) {
        em_running_find(pnow, facts, p);
        if (pnow->pid && !em_orphans_blocks(pnow->pid, facts, p)) {
            memset(pnow, 0, sizeof(*pnow));
        }
    }
    return rv;
}

apr_status_t em_service_stop(const em_facts_t *facts,
                             apr_interval_time_t timeout, em_result_t *res,
                             apr_pool_t *p)
{
    apr_array_header_t *children;
    em_running_t now;
    em_proc_t *proc;
    apr_status_t rv;

    em_result_activity(res, "stopping the server");
    if (facts->service.kind == EM_SERVICE_SUPERVISED) {
        rv = em_supervised_hold(facts, timeout, res, p);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    rv = find_main(&now, facts, p);
    if (rv != APR_SUCCESS || now.pid == 0) {
        settle_books(facts, p);
        return rv;
    }
    if (em_proc_open(&proc, now.pid, p) != APR_SUCCESS) {
        return APR_SUCCESS;     /* gone in between */
    }
    children = em_proc_children(now.pid, p);
    ask_to_end(facts, proc, timeout, p);
    if (!em_proc_wait(proc, timeout)) {
        rv = kill_main(facts, proc, res, timeout);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    rv = end_children(facts, now.exe, children, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    drop_pid_file(facts, now.pid, p);
    settle_books(facts, p);
    return APR_SUCCESS;
}
