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
