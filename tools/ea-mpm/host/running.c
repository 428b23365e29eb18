#include "host/running.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "host/httpd_parse.h"
#include "host/httpd_probe.h"
#include "host/options.h"

#define MAX_PROC_FILE (4 * 1024 * 1024)

/* A whole file of /proc (its size is not known before). */
static char *proc_read(int pid, const char *name, apr_size_t *plen,
                       apr_pool_t *p)
{
    char *path = apr_psprintf(p, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    apr_size_t len = 0, size = 8192;
    char *data = apr_palloc(p, size + 1);
    ssize_t n;

    if (fd < 0) {
        return NULL;
    }
    while ((n = read(fd, data + len, size - len)) > 0) {
        len += (apr_size_t)n;
        if (len == size && size < MAX_PROC_FILE) {
            char *more = apr_palloc(p, size * 2 + 1);

            memcpy(more, data, len);
            data = more;
            size *= 2;
        }
    }
    close(fd);
    data[len] = '\0';
    if (plen) {
        *plen = len;
    }
    return n < 0 ? NULL : data;
}

static const char *proc_link(int pid, const char *name, apr_pool_t *p)
{
    char buf[PATH_MAX];
    ssize_t n = readlink(apr_psprintf(p, "/proc/%d/%s", pid, name), buf,
                         sizeof(buf));

    return n > 0 ? apr_pstrmemdup(p, buf, (apr_size_t)n) : NULL;
}

/* Fields of /proc/PID/stat from the third on, behind the last ')'. */
static const char *stat_fields(int pid, apr_pool_t *p)
{
    char *text = proc_read(pid, "stat", NULL, p);
    char *end = text ? strrchr(text, ')') : NULL;

    return end && end[1] == ' ' ? end + 2 : NULL;
}

int em_running_parent(int pid, apr_pool_t *p)
{
    const char *fields = stat_fields(pid, p);
    int parent = 0;

    return fields && sscanf(fields, "%*c %d", &parent) == 1 ? parent : 0;
}

const char *em_running_comm(int pid, apr_pool_t *p)
{
    char *text = proc_read(pid, "comm", NULL, p);

    return text ? apr_pstrmemdup(p, text, strcspn(text, "\n")) : NULL;
}

const char *em_running_cwd(int pid, apr_pool_t *p)
{
    return proc_link(pid, "cwd", p);
}

static int is_zombie(int pid, apr_pool_t *p)
{
    const char *fields = stat_fields(pid, p);

    return !fields || *fields == 'Z' || *fields == 'X';
}

/* When a process was started: boot time plus its field 22 (in ticks). */
static apr_time_t started(int pid, apr_pool_t *p)
{
    const char *fields = stat_fields(pid, p);
    char *boot = proc_read(pid, "../stat", NULL, p);
    long hz = sysconf(_SC_CLK_TCK);
    unsigned long long ticks;
    long long btime;

    boot = boot ? strstr(boot, "\nbtime ") : NULL;
    if (!fields || !boot || hz <= 0
        || sscanf(boot, "\nbtime %lld", &btime) != 1
        || sscanf(fields, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
                  "%*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1) {
        return 0;
    }
    return apr_time_from_sec(btime)
        + (apr_time_t)(ticks * APR_USEC_PER_SEC / (unsigned long long)hz);
}

/* Without the " (deleted)" of a file that was replaced meanwhile. */
static const char *exe_of(int pid, apr_pool_t *p)
{
    const char *exe = proc_link(pid, "exe", p);
    apr_size_t len = exe ? strlen(exe) : 0;

    if (len > 10 && strcmp(exe + len - 10, " (deleted)") == 0) {
        exe = apr_pstrmemdup(p, exe, len - 10);
    }
    return exe;
}

/* The NUL-separated strings of a file of /proc. */
static apr_array_header_t *strings_of(int pid, const char *file,
                                      apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(const char *));
    apr_size_t len = 0;
    char *data = proc_read(pid, file, &len, p);
    char *s;

    for (s = data; s && s < data + len; s += strlen(s) + 1) {
        APR_ARRAY_PUSH(list, const char *) = s;
    }
    return list;
}

apr_array_header_t *em_running_args(int pid, apr_pool_t *p)
{
    return strings_of(pid, "cmdline", p);
}

const char *const *em_running_env(int pid, apr_pool_t *p)
{
    apr_array_header_t *list = strings_of(pid, "environ", p);

    APR_ARRAY_PUSH(list, const char *) = NULL;
    return (const char *const *)list->elts;
}

/* Does PID run one of the facts' binaries (on SUSE and RHEL 6 each MPM has
 * its own beside the usual one)? */
int em_running_is_server(int pid, const em_facts_t *facts, apr_pool_t *p)
{
    const char *exe = exe_of(pid, p), *real = facts->httpd.binary;
    apr_size_t len;

    if (!exe) {                 /* not ours to look at: trust its argv[0] */
        apr_array_header_t *args = em_running_args(pid, p);

        exe = args->nelts ? APR_ARRAY_IDX(args, 0, const char *) : "";
    }
    (void)em_view_real(&real, facts->view, facts->httpd.binary, p);
    if (strcmp(exe, real) == 0 || strcmp(exe, facts->httpd.binary) == 0) {
        return 1;
    }
    len = strcspn(real, ".-");
    return facts->layout->mechanism == EM_MECH_BINARY
        && strncmp(exe, real, len) == 0
        && (exe[len] == '\0' || exe[len] == '.' || exe[len] == '-'
            || exe[len] == '2');
}

static const char *last_of(const char *const *values)
{
    const char *last = NULL;

    for (; *values; values++) {
        last = *values;
    }
    return last;
}

/* Does its command line name our configuration? An httpd that was started
 * without -f and -d uses the compiled-in one. */
int em_running_uses_conf(int pid, const em_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *args = em_running_args(pid, p);
    const char *f, *d, *ours_f, *ours_d;

    if (!args->nelts) {
        return 0;
    }
    f = last_of(em_options_values(args, 'f', p));
    d = last_of(em_options_values(args, 'd', p));
    ours_f = last_of(em_options_values(facts->httpd.args, 'f', p));
    ours_d = last_of(em_options_values(facts->httpd.args, 'd', p));
    if (f && *f != '/') {
        f = apr_pstrcat(p, d ? d : facts->conf_how.server_root, "/", f, NULL);
    }
    if (f || ours_f) {
        const char *real = f ? f : "", *ours = facts->httpd.config_file;

        if (f) {
            (void)em_view_real(&real, facts->view, f, p);
        }
        (void)em_view_real(&ours, facts->view, ours, p);
        return f && (strcmp(real, ours) == 0
                     || strcmp(f, facts->httpd.config_file) == 0);
    }
    return (!d && !ours_d) || (d && ours_d && strcmp(d, ours_d) == 0)
        || (d && !ours_d && strcmp(d, facts->conf_how.server_root) == 0)
        || (!d && ours_d && strcmp(ours_d, facts->conf_how.server_root) == 0
            && facts->how.instance == NULL);
}

int em_running_is_here(int pid, apr_pool_t *p)
{
    const char *ours = proc_link((int)getpid(), "ns/pid", p);
    const char *its = proc_link(pid, "ns/pid", p);

    return !its || !ours || strcmp(its, ours) == 0;
}

/* A run that only asks or tells something (httpd -t, -V, -k stop ...), such
 * as the one that the facts have going at this moment, is no server. */
static int is_passing(int pid, apr_pool_t *p)
{
    static const char *const asking[] = { "-t", "-v", "-V", "-l", "-L", "-S",
                                          "-M", "-h", NULL };
    apr_array_header_t *args = em_running_args(pid, p);
    const char *k = last_of(em_options_values(args, 'k', p));
    int i, j;

    for (i = 1; i < args->nelts; i++) {
        for (j = 0; asking[j]; j++) {
            if (!strcmp(APR_ARRAY_IDX(args, i, const char *), asking[j])) {
                return 1;
            }
        }
    }
    return k && strcmp(k, "start") != 0;
}

/* Forked and nothing executed since (PF_FORKNOEXEC of the kernel's flags). A
 * main process was executed, or leads the group that it made to detach. */
static int is_forked(int pid, apr_pool_t *p)
{
    const char *fields = stat_fields(pid, p);
    unsigned flags = 0;
    int group = pid;

    return fields && sscanf(fields, "%*c %*d %d %*d %*d %*d %u", &group,
                            &flags) == 2 && group != pid && (flags & 0x40);
}

/* A child that outlived its server, which may take a while to leave after a
 * stop: it has given root away, and the process that led its group, the main
 * one, is gone. Children that stay root (mpm-itk's) are told by the kernel. */
static int is_orphan(int pid, apr_pool_t *p)
{
    pid_t leader = getpgid(pid);
    struct stat st;

    if (is_forked(pid, p)) {
        return 1;
    }
    return leader > 0 && leader != pid && kill(leader, 0) != 0
        && errno == ESRCH && geteuid() == 0
        && stat(apr_psprintf(p, "/proc/%d", pid), &st) == 0
        && st.st_uid != 0;
}

int em_running_is_orphan(int pid, const em_facts_t *facts, apr_pool_t *p)
{
    int parent = em_running_parent(pid, p);

    return em_running_is_server(pid, facts, p) && parent > 0
        && !em_running_is_server(parent, facts, p) && !is_zombie(pid, p)
        && is_orphan(pid, p);
}

/* A main process: ours by binary, and its parent is not. There may be
 * hundreds of children, so what tells them comes first. */
static int is_main(int pid, const em_facts_t *facts, apr_pool_t *p)
{
    int parent;

    if (!em_running_is_server(pid, facts, p)) {
        return 0;
    }
    parent = em_running_parent(pid, p);
    return (parent <= 0 || !em_running_is_server(parent, facts, p))
        && !is_zombie(pid, p) && !is_passing(pid, p) && !is_orphan(pid, p);
}

/* The pid in the pid file, when that is a main process of ours. */
static int by_pid_file(const em_facts_t *facts, apr_pool_t *p)
{
    em_node_t *node;
    long pid;
    char *end;

    if (!facts->httpd.pid_file
        || em_view_read(&node, facts->view, facts->httpd.pid_file, 4096, p)
           != APR_SUCCESS) {
        return 0;
    }
    pid = strtol(node->data, &end, 10);
    if (end == node->data || pid <= 0 || pid > INT_MAX) {
        return 0;
    }
    return is_main((int)pid, facts, p) && em_running_is_here((int)pid, p)
        ? (int)pid : 0;
}

/* Every main process of our binary in our own pid namespace (int). */
static apr_array_header_t *all_mains(const em_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *pids = apr_array_make(p, 4, sizeof(int));
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    apr_pool_t *scratch;

    if (!dir) {
        return pids;
    }
    apr_pool_create(&scratch, p);
    while ((entry = readdir(dir))) {
        int pid = atoi(entry->d_name);

        if (pid > 0 && is_main(pid, facts, scratch)
            && em_running_is_here(pid, scratch)) {
            APR_ARRAY_PUSH(pids, int) = pid;
        }
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    closedir(dir);
    return pids;
}

static int by_scan(const em_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *pids = all_mains(facts, p);
    int i;

    for (i = 0; i < pids->nelts; i++) {
        if (em_running_uses_conf(APR_ARRAY_IDX(pids, i, int), facts, p)) {
            return APR_ARRAY_IDX(pids, i, int);
        }
    }
    return 0;
}

apr_array_header_t *em_running_others(const em_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *pids = all_mains(facts, p);
    apr_array_header_t *others = apr_array_make(p, 4, sizeof(int));
    int i;

    for (i = 0; i < pids->nelts; i++) {
        if (APR_ARRAY_IDX(pids, i, int) != facts->running.pid) {
            APR_ARRAY_PUSH(others, int) = APR_ARRAY_IDX(pids, i, int);
        }
    }
    return others;
}

/* The last path of a line of /proc/PID/maps, or NULL. */
static char *mapped_path(char *line)
{
    char *slash = strchr(line, '/');
    char *end;

    if (slash) {
        end = strstr(slash, " (deleted)");
        if (end) {
            *end = '\0';
        }
    }
    return slash;
}

void em_running_mpm(em_running_t *prunning, int pid, const char *static_mpm,
                    apr_pool_t *p)
{
    char *maps = proc_read(pid, "maps", NULL, p);
    const char *exe = exe_of(pid, p), *itk = NULL, *so = NULL;
    char *state, *line;

    prunning->mpm = NULL;
    if (!maps) {
        prunning->evidence = apr_psprintf(p, "/proc/%d/maps cannot be read "
                                          "(not root)", pid);
        return;
    }
    for (line = apr_strtok(maps, "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        char *path = mapped_path(line);
        const char *name = path ? strrchr(path, '/') + 1 : "";
        const char *mpm = strstr(name, "mpm_") && strstr(name, ".so")
            ? em_httpd_mpm_of(name, p) : NULL;

        if (mpm && strcmp(mpm, "itk") == 0) {
            itk = apr_pstrdup(p, name);
        }
        else if (mpm) {
            prunning->mpm = mpm;
            so = apr_pstrdup(p, name);
        }
    }
    if (so) {
        prunning->evidence = apr_psprintf(p, "%s in /proc/%d/maps", so, pid);
    }
    else {
        prunning->mpm = em_probe_mpm(apr_psprintf(p, "/proc/%d/exe", pid),
                                     p);
        prunning->evidence = apr_psprintf(p, "compiled into %s, which "
                                          "process %d runs",
                                          exe ? exe : "the program", pid);
    }
    if (!prunning->mpm && static_mpm) {
        prunning->mpm = static_mpm;
        prunning->evidence = apr_psprintf(p, "compiled into %s",
                                          exe ? exe : "the binary");
    }
    if (itk && prunning->mpm && strcmp(prunning->mpm, "prefork") == 0) {
        prunning->mpm = "itk";
        prunning->evidence = apr_psprintf(p, "%s in /proc/%d/maps", itk, pid);
    }
}

const char *em_running_unit(int pid, apr_pool_t *p)
{
    char *text = proc_read(pid, "cgroup", NULL, p);
    char *state, *line;

    for (line = text ? apr_strtok(text, "\n", &state) : NULL; line;
         line = apr_strtok(NULL, "\n", &state)) {
        char *end = strstr(line, ".service"), *s;

        if (end && (end[8] == '\0' || end[8] == '/')) {
            end[8] = '\0';
            s = strrchr(line, '/');
            return s ? apr_pstrdup(p, s + 1) : NULL;
        }
    }
    return NULL;
}

void em_running_find(em_running_t *prunning, const em_facts_t *facts,
                     apr_pool_t *p)
{
    int pid;

    memset(prunning, 0, sizeof(*prunning));
    if (strcmp(em_view_root(facts->view), "/") != 0) {
        return;
    }
    pid = by_pid_file(facts, p);
    if (!pid) {
        pid = by_scan(facts, p);
    }
    if (!pid) {
        return;
    }
    prunning->pid = pid;
    prunning->exe = exe_of(pid, p);
    prunning->since = started(pid, p);
    em_running_mpm(prunning, pid, facts->httpd.static_mpm, p);
}
