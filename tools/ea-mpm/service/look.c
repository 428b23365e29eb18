#include "service/service.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/exec.h"
#include "service/proc.h"

/* The number in a small file, 0 without one. */
static int number_in(const em_view_t *view, const char *path, apr_pool_t *p)
{
    em_node_t *node;

    if (!path || em_view_read(&node, view, path, 4096, p) != APR_SUCCESS) {
        return 0;
    }
    return atoi(node->data);
}

static int systemd_main_pid(const char *unit, apr_pool_t *p)
{
    const char *argv[] = {"systemctl", "show", "--property=MainPID",
                          "--value", unit, NULL};
    em_exec_how_t how = {.timeout = apr_time_from_sec(5)};
    em_exec_out_t *out;

    if (em_exec(&out, argv, &how, p) != APR_SUCCESS || !out->exited
        || out->exit_code != 0) {
        return 0;
    }
    return atoi(out->out);
}

int em_service_is_down(const em_facts_t *facts, apr_pool_t *p)
{
    const em_service_t *service = &facts->service;
    const char *argv[] = {"systemctl", "is-active", service->unit, NULL};
    em_exec_out_t *out;

    return service->kind == EM_SERVICE_SYSTEMD && service->unit
           && (em_exec(&out, argv, NULL, p) != APR_SUCCESS
               || strncmp(out->out, "inactive", 8) == 0
               || strncmp(out->out, "failed", 6) == 0);
}

/* Who is the main process: the pid file says it, and the process proves it.
 * Where the file is stale or lost, the process of the facts if it still
 * lives, and what systemd knows. */
static int find_main(const em_facts_t *facts, apr_pool_t *p)
{
    const char *binary = facts->httpd.binary;
    int pid = number_in(facts->view, facts->httpd.pid_file, p);

    if (pid > 0 && em_proc_is_main(pid, binary, p)) {
        return pid;
    }
    pid = facts->running.pid;
    if (pid > 0 && em_proc_is_main(pid, binary, p)) {
        return pid;
    }
    if (facts->service.kind == EM_SERVICE_SYSTEMD && facts->service.unit) {
        pid = systemd_main_pid(facts->service.unit, p);
        if (pid > 0 && em_proc_is_main(pid, binary, p)) {
            return pid;
        }
    }
    return 0;
}

apr_status_t em_service_look(em_running_t *prunning, const em_facts_t *facts,
                             apr_pool_t *p)
{
    em_running_t now = {0};
    struct stat st;

    if (strcmp(em_view_root(facts->view), "/") == 0) {
        now.pid = find_main(facts, p);
    }
    if (now.pid) {
        now.exe = em_proc_exe(now.pid, p);
        now.mpm = em_proc_mpm(now.pid, &now.evidence, p);
        if (!now.mpm && facts->httpd.static_mpm) {
            now.mpm = facts->httpd.static_mpm;
            now.evidence = apr_psprintf(p, "built into %s", now.exe);
        }
        if (stat(apr_psprintf(p, "/proc/%d", now.pid), &st) == 0) {
            now.since = apr_time_from_sec(st.st_mtime);
        }
    }
    *prunning = now;
    return APR_SUCCESS;
}
