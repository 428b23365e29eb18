/* Preloaded into the tool by the crash tests: counts every call that changes
 * a file system and, at the chosen one, kills the process or makes the call
 * fail. The product knows nothing of it.
 *
 *   FAULT_AT=N      the call, from 1; 0: only count
 *   FAULT_HOW=kill  SIGKILL instead of the call; a write is half done first
 *   FAULT_HOW=stop  SIGSTOP before the call
 *   FAULT_HOW=28    fail with that errno
 *   FAULT_ON=1      and so does every later call
 *   FAULT_LOG=FILE  one line a call, appended: its number, name and what on
 *
 * Calls by child processes, and on descriptors that are no regular files
 * (pipes, terminals), do not count. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static pid_t us;
static long at, count;
static int killing, stopping, fail_with, go_on, log_fd = -1;

__attribute__((constructor)) static void begin(void)
{
    const char *how = getenv("FAULT_HOW"), *n = getenv("FAULT_AT");
    const char *log = getenv("FAULT_LOG");

    us = getpid();
    at = n ? atol(n) : 0;
    killing = how && strcmp(how, "kill") == 0;
    stopping = how && strcmp(how, "stop") == 0;
    fail_with = how && !killing ? atoi(how) : 0;
    go_on = getenv("FAULT_ON") != NULL;
    if (log) {
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, log,
                              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0600);
        /* Out of the way of programs that close what they do not know. */
        if (log_fd >= 0) {
            int high = fcntl(log_fd, F_DUPFD_CLOEXEC, 700);

            if (high >= 0) {
                syscall(SYS_close, log_fd);
                log_fd = high;
            }
        }
    }
    unsetenv("LD_PRELOAD");
}

/* The call comes: 1 if it is to fail (errno is set), 0 to let it through,
 * -1 to do half of it and come back to die. */
static int arrives(const char *name, const char *what)
{
    if (getpid() != us) {
        return 0;
    }
    count++;
    if (log_fd >= 0) {
        char line[512];
        int n = snprintf(line, sizeof(line), "%ld %s %s\n", count, name,
                         what ? what : "");

        if (n > (int)sizeof(line) - 1) {
            n = (int)sizeof(line) - 1;
        }
        (void)!syscall(SYS_write, log_fd, line, (size_t)n);
    }
    if (at == 0 || count < at || (count > at && !go_on)) {
        return 0;
    }
    if (killing) {
        if (strcmp(name, "write") == 0) {
            return -1;
        }
        kill(us, SIGKILL);
    }
    if (stopping) {
        kill(us, SIGSTOP);
        return 0;
    }
    errno = fail_with;
    return 1;
}

static int is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* `next` is the function that this one stands in front of. */
#define NEXT(ret, params, name) \
    static ret (*next) params; \
    if (!next) { \
        next = (ret (*) params)dlsym(RTLD_NEXT, name); \
    }

/* A call of fixed arguments: COND says whether it counts. */
#define WRAP(ret, name, params, args, cond, what) \
    ret name params \
    { \
        NEXT(ret, params, #name) \
        if ((cond) && arrives(#name, what)) { \
            return (ret)-1; \
        } \
        return next args; \
    }

static ssize_t half_write(int fd, const void *buf, size_t n)
{
    (void)!syscall(SYS_write, fd, buf, n / 2);
    kill(us, SIGKILL);
    return -1;
}

ssize_t write(int fd, const void *buf, size_t n)
{
    NEXT(ssize_t, (int, const void *, size_t), "write")
    int r = is_file(fd) ? arrives("write", NULL) : 0;

    return r > 0 ? -1 : r < 0 ? half_write(fd, buf, n) : next(fd, buf, n);
}

WRAP(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o),
     (fd, b, n, o), is_file(fd), NULL)
WRAP(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o),
     (fd, b, n, o), is_file(fd), NULL)
WRAP(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n),
     is_file(fd), NULL)
WRAP(int, fsync, (int fd), (fd), 1, NULL)
WRAP(int, fdatasync, (int fd), (fd), 1, NULL)
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), 1, NULL)
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n), 1, NULL)
WRAP(int, truncate, (const char *f, off_t n), (f, n), 1, f)
WRAP(int, rename, (const char *a, const char *b), (a, b), 1, b)
WRAP(int, renameat, (int x, const char *a, int y, const char *b),
     (x, a, y, b), 1, b)
WRAP(int, renameat2,
     (int x, const char *a, int y, const char *b, unsigned int f),
     (x, a, y, b, f), 1, b)
WRAP(int, link, (const char *a, const char *b), (a, b), 1, b)
WRAP(int, linkat, (int x, const char *a, int y, const char *b, int f),
     (x, a, y, b, f), 1, b)
WRAP(int, symlink, (const char *a, const char *b), (a, b), 1, b)
WRAP(int, symlinkat, (const char *a, int y, const char *b), (a, y, b), 1, b)
WRAP(int, unlink, (const char *f), (f), 1, f)
WRAP(int, unlinkat, (int d, const char *f, int fl), (d, f, fl), 1, f)
WRAP(int, rmdir, (const char *f), (f), 1, f)
WRAP(int, mkdir, (const char *f, mode_t m), (f, m), 1, f)
WRAP(int, mkdirat, (int d, const char *f, mode_t m), (d, f, m), 1, f)
WRAP(int, chmod, (const char *f, mode_t m), (f, m), 1, f)
WRAP(int, fchmod, (int fd, mode_t m), (fd, m), 1, NULL)
WRAP(int, fchmodat, (int d, const char *f, mode_t m, int fl),
     (d, f, m, fl), 1, f)
WRAP(int, chown, (const char *f, uid_t u, gid_t g), (f, u, g), 1, f)
WRAP(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), 1, NULL)
WRAP(int, fchownat, (int d, const char *f, uid_t u, gid_t g, int fl),
     (d, f, u, g, fl), 1, f)
WRAP(int, futimens, (int fd, const struct timespec t[2]), (fd, t), 1, NULL)
WRAP(int, utimensat,
     (int d, const char *f, const struct timespec t[2], int fl),
     (d, f, t, fl), 1, f)
WRAP(int, fsetxattr,
     (int fd, const char *n, const void *v, size_t s, int fl),
     (fd, n, v, s, fl), 1, n)

WRAP(int, fremovexattr, (int fd, const char *n), (fd, n), 1, n)

/* Opening counts when it may make or empty a file. */
#define WRAP_OPEN(name, first, args) \
    int name(first const char *f, int flags, ...) \
    { \
        NEXT(int, (first const char *, int, ...), #name) \
        mode_t mode = 0; \
        va_list ap; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_start(ap, flags); \
            mode = va_arg(ap, mode_t); \
            va_end(ap); \
        } \
        if ((flags & (O_CREAT | O_TRUNC)) && arrives(#name, f)) { \
            return -1; \
        } \
        return next args; \
    }
#define NOTHING
#define DIRFD int d,
WRAP_OPEN(open, NOTHING, (f, flags, mode))
WRAP_OPEN(open64, NOTHING, (f, flags, mode))
WRAP_OPEN(openat, DIRFD, (d, f, flags, mode))
WRAP_OPEN(openat64, DIRFD, (d, f, flags, mode))

/* The same calls made without their wrappers. */
long syscall(long n, ...)
{
    NEXT(long, (long, ...), "syscall")
    long a[6];
    va_list ap;
    int counts = n == SYS_renameat2 || n == SYS_renameat || n == SYS_rename
                 || n == SYS_linkat || n == SYS_unlinkat
                 || n == SYS_symlinkat || n == SYS_mkdirat || n == SYS_fsync;

    va_start(ap, n);
    for (int i = 0; i < 6; i++) {
        a[i] = va_arg(ap, long);
    }
    va_end(ap);
    if (counts && us && arrives("syscall", NULL)) {
        return -1;
    }
    return next(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}
