#include "package/manager.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <apr_strings.h>

/* The kernel's own answer, for locks of fcntl; it also knows them where a
 * container's file system has other device numbers than /proc/locks. The
 * process may belong to another PID namespace, which has no number here. */
static int asked_holder(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int holder = 0;

    if (fd < 0) {
        return 0;
    }
    if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
        holder = lock.l_pid > 0 ? lock.l_pid : -1;
    }
    close(fd);
    return holder;
}

/* /proc/locks: "1: POSIX  ADVISORY  WRITE 123 fd:01:45678 0 EOF". A process
 * of another PID namespace is shown as 0 there. */
static int listed_holder(const char *path)
{
    char line[256], kind[32], mode[32], access[32];
    FILE *f = fopen("/proc/locks", "re");
    int holder = 0;
    struct stat st;

    if (!f) {
        return 0;
    }
    if (stat(path, &st) != 0) {
        fclose(f);
        return 0;
    }
    while (!holder && fgets(line, sizeof(line), f)) {
        unsigned long long inode;
        unsigned major, minor;
        int pid;

        if (sscanf(line, "%*d: %31s %31s %31s %d %x:%x:%llu", kind, mode,
                   access, &pid, &major, &minor, &inode) == 7
            && inode == st.st_ino && major == major(st.st_dev)
            && minor == minor(st.st_dev) && pid > 0) {
            holder = pid;
        }
    }
    fclose(f);
    return holder;
}

int em_lock_holder(const em_view_t *view, const char *path, apr_pool_t *p)
{
    const char *outside = em_view_outside(view, path, p);
    int holder = asked_holder(outside);

    return holder ? holder : listed_holder(outside);
}

const char *em_pid_command(int pid, apr_pool_t *p)
{
    char path[64], text[512];
    apr_size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    f = fopen(path, "re");
    if (!f) {
        return "?";
    }
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    while (n && text[n - 1] == '\0') {
        n--;
    }
    for (apr_size_t i = 0; i < n; i++) {
        text[i] = text[i] == '\0' || text[i] == '\n' ? ' ' : text[i];
    }
    return n ? apr_pstrmemdup(p, text, n) : "?";
}

/* The living process whose number is in the file, or 0. */
static int pid_in(const em_view_t *view, const char *path, apr_pool_t *p)
{
    em_node_t *node;
    int pid;

    if (em_view_read(&node, view, path, 64, p) != APR_SUCCESS) {
        return 0;
    }
    pid = atoi(node->data);
    return pid > 0 && pid != getpid()
           && access(apr_psprintf(p, "/proc/%d", pid), F_OK) == 0 ? pid : 0;
}

int em_locks_busy(const char **pcommand, const em_view_t *view,
                  const char *const *pids, const char *const *locks,
                  apr_pool_t *p)
{
    int pid = 0;

    for (; !pid && *pids; pids++) {
        pid = pid_in(view, *pids, p);
    }
    for (; !pid && *locks; locks++) {
        pid = em_lock_holder(view, *locks, p);
    }
    if (pid) {
        *pcommand = em_pid_command(pid, p);
    }
    return pid;
}
