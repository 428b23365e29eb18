#include "service/proc.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "host/httpd_probe.h"

/* State, parent and start time from /proc/PID/stat; 0 when it is gone. The
 * name in it may hold blanks and parentheses: the last ')' ends it. */
static int read_stat(int pid, char *pstate, int *pparent,
                     unsigned long long *pstart)
{
    char path[64], line[1024], *s;
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "re");
    if (!f) {
        return 0;
    }
    n = fread(line, 1, sizeof(line) - 1, f);
    fclose(f);
    line[n] = '\0';
    s = strrchr(line, ')');
    return s && sscanf(s + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                       "%*u %*u %*d %*d %*d %*d %*d %*d %llu",
                       pstate, pparent, pstart) == 3;
}

static apr_status_t close_fd(void *data)
{
    em_proc_t *proc = data;

    if (proc->fd >= 0) {
        close(proc->fd);
        proc->fd = -1;
    }
    return APR_SUCCESS;
}

apr_status_t em_proc_open(em_proc_t **pproc, int pid, apr_pool_t *p)
{
    em_proc_t *proc = apr_pcalloc(p, sizeof(*proc));
    int parent;
    char state;

    if (pid <= 0) {
        return APR_FROM_OS_ERROR(ESRCH);
    }
    proc->pid = pid;
    proc->fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!read_stat(pid, &state, &parent, &proc->start) || state == 'Z') {
        close_fd(proc);
        return APR_FROM_OS_ERROR(ESRCH);
    }
    apr_pool_cleanup_register(p, proc, close_fd, apr_pool_cleanup_null);
    *pproc = proc;
    return APR_SUCCESS;
}

int em_proc_alive(const em_proc_t *proc)
{
    unsigned long long start;
    int parent;
    char state;

    return read_stat(proc->pid, &state, &parent, &start)
           && start == proc->start && state != 'Z' && state != 'X';
}

int em_proc_wait(const em_proc_t *proc, apr_interval_time_t timeout)
{
    apr_time_t deadline = apr_time_now() + timeout;

    while (em_proc_alive(proc)) {
        if (apr_time_now() >= deadline) {
            return 0;
        }
        if (proc->fd >= 0) {
            struct pollfd pfd = {proc->fd, POLLIN, 0};

            (void)poll(&pfd, 1, 20);
        }
        else {
            apr_sleep(2000);
        }
    }
    return 1;
}

int em_proc_signal(const em_proc_t *proc, int signo)
{
    if (proc->fd >= 0
        && syscall(SYS_pidfd_send_signal, proc->fd, signo, NULL, 0) == 0) {
        return 0;
    }
    if (proc->fd >= 0 && errno != ENOSYS) {
        return errno;
    }
    if (!em_proc_alive(proc)) {
        return ESRCH;
    }
    return kill(proc->pid, signo) == 0 ? 0 : errno;
}

int em_proc_parent(int pid)
{
    unsigned long long start;
    int parent;
    char state;

    return read_stat(pid, &state, &parent, &start) ? parent : 0;
}

const char *em_proc_exe(int pid, apr_pool_t *p)
{
    static const char deleted[] = " (deleted)";
    char path[64], exe[4096];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    n = readlink(path, exe, sizeof(exe) - 1);
    if (n <= 0) {
        return NULL;
    }
    exe[n] = '\0';
    if ((size_t)n > sizeof(deleted)
        && strcmp(exe + n - (sizeof(deleted) - 1), deleted) == 0) {
        exe[n - (ssize_t)(sizeof(deleted) - 1)] = '\0';
    }
    return apr_pstrdup(p, exe);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* EXE is BINARY, or another binary of the same server: httpd-event beside
 * httpd-prefork, httpd.worker beside httpd. */
static int is_server(const char *exe, const char *binary)
{
    const char *name = exe ? last_part(exe) : "";
    char *real = binary ? realpath(binary, NULL) : NULL;
    int same = real && exe && strcmp(real, exe) == 0;

    free(real);
    return same || (binary && strcmp(name, last_part(binary)) == 0)
           || strncmp(name, "httpd", 5) == 0
           || strncmp(name, "apache2", 7) == 0;
}

int em_proc_is_main(int pid, const char *binary, apr_pool_t *p)
{
    const char *exe = em_proc_exe(pid, p);
    const char *parent = em_proc_exe(em_proc_parent(pid), p);

    return exe && is_server(exe, binary)
           && !(parent && strcmp(parent, exe) == 0);
}

apr_array_header_t *em_proc_children(int pid, apr_pool_t *p)
{
    apr_array_header_t *children = apr_array_make(p, 32, sizeof(em_proc_t *));
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    em_proc_t *proc;

    while (dir && (entry = readdir(dir)) != NULL) {
        if (apr_isdigit(entry->d_name[0])
            && em_proc_parent(atoi(entry->d_name)) == pid
            && em_proc_open(&proc, atoi(entry->d_name), p) == APR_SUCCESS) {
            APR_ARRAY_PUSH(children, em_proc_t *) = proc;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return children;
}

/* "event" when the path of LINE ends in mod_mpm_event.so, "itk" for one of
 * the modules that make prefork that, else NULL. */
static const char *mpm_of_map(char *line, const char **pfile, apr_pool_t *p)
{
    char *path = strchr(line, '/');
    const char *name;
    size_t n;

    if (!path) {
        return NULL;
    }
    path[strcspn(path, "\n")] = '\0';
    if ((n = strlen(path)) > 10 && strcmp(path + n - 10, " (deleted)") == 0) {
        path[n - 10] = '\0';
    }
    name = last_part(path);
    n = strlen(name);
    if (strcmp(name, "mpm_itk.so") == 0
        || strcmp(name, "mod_mpm_itk.so") == 0
        || strcmp(name, "mod_mpm_itkish.so") == 0) {
        *pfile = apr_pstrdup(p, name);
        return "itk";
    }
    if (n > 11 && strncmp(name, "mod_mpm_", 8) == 0
        && strcmp(name + n - 3, ".so") == 0) {
        *pfile = apr_pstrdup(p, name);
        return apr_pstrmemdup(p, name + 8, n - 11);
    }
    return NULL;
}

const char *em_proc_mpm(int pid, const char **pevidence, apr_pool_t *p)
{
    const char *path = apr_psprintf(p, "/proc/%d/maps", pid);
    const char *mpm = NULL, *found, *file = NULL, *exe;
    char line[8192];
    FILE *f = fopen(path, "re");

    while (f && fgets(line, sizeof(line), f)) {
        const char *name;

        found = mpm_of_map(line, &name, p);
        if (found && (!mpm || strcmp(found, "itk") == 0)) {
            mpm = found;
            file = name;
        }
    }
    if (f) {
        fclose(f);
    }
    if (mpm) {
        *pevidence = apr_psprintf(p, "%s in %s", file, path);
        return mpm;
    }
    exe = em_proc_exe(pid, p);
    mpm = em_probe_mpm(apr_psprintf(p, "/proc/%d/exe", pid), p);
    if (mpm) {
        *pevidence = apr_psprintf(p, "compiled into %s, which process %d "
                                  "runs", exe ? exe : "the program", pid);
    }
    return mpm;
}
