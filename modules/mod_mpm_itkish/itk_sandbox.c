#include "itk_sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

apr_status_t itk_caps_keep(const int *caps, int n)
{
    cap_t want = cap_init();
    cap_t have = NULL;
    cap_value_t values[8];
    apr_status_t rv = APR_EGENERAL;
    int i;

    if (!want || n > 8) {
        goto leave;
    }
    for (i = 0; i < n; i++) {
        values[i] = caps[i];
    }
    if (n > 0 &&
        (cap_set_flag(want, CAP_PERMITTED, n, values, CAP_SET) != 0 ||
         cap_set_flag(want, CAP_EFFECTIVE, n, values, CAP_SET) != 0)) {
        goto leave;
    }
    if (cap_set_proc(want) != 0) {
        rv = errno == EPERM ? APR_EMISMATCH : errno;
        goto leave;
    }
    have = cap_get_proc();
    rv = have && cap_compare(want, have) == 0 ? APR_SUCCESS : APR_EMISMATCH;
leave:
    (void)cap_free(want);
    (void)cap_free(have);
    return rv;
}

apr_status_t itk_caps_none(void)
{
    int cap;

    for (cap = 0; cap <= CAP_LAST_CAP + 32; cap++) {
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) {
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
        }
    }
#ifdef PR_CAP_AMBIENT
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
#endif
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return errno;
    }
    return itk_caps_keep(NULL, 0);
}

apr_status_t itk_seccomp_broker(void)
{
    static const int allowed[] = {
        SCMP_SYS(recvmsg),      SCMP_SYS(sendmsg),
        SCMP_SYS(recvfrom),     SCMP_SYS(sendto),
        SCMP_SYS(socketpair),   SCMP_SYS(setsockopt),
        SCMP_SYS(epoll_wait),   SCMP_SYS(epoll_pwait),
        SCMP_SYS(epoll_ctl),    SCMP_SYS(close),
        SCMP_SYS(read),         SCMP_SYS(write),
        SCMP_SYS(writev),       SCMP_SYS(fcntl),
        SCMP_SYS(fstat),        SCMP_SYS(newfstatat),
        SCMP_SYS(lseek),        SCMP_SYS(getpid),
        SCMP_SYS(gettid),       SCMP_SYS(clock_gettime),
        SCMP_SYS(gettimeofday), SCMP_SYS(mmap),
        SCMP_SYS(munmap),       SCMP_SYS(mremap),
        SCMP_SYS(madvise),      SCMP_SYS(brk),
        SCMP_SYS(futex),        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
        SCMP_SYS(exit),         SCMP_SYS(exit_group),
#ifdef __SANITIZE_ADDRESS__
        SCMP_SYS(sigaltstack),  /* its runtime calls it before any exit */
#endif
    };
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    size_t i;
    int rc = 0;

    if (!ctx) {
        return APR_ENOMEM;
    }
    for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && rc == 0; i++) {
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    if (rc == 0) {
        rc = seccomp_load(ctx);
    }
    seccomp_release(ctx);
    return rc == 0 ? APR_SUCCESS : -rc;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void close_between(int first, int last)
{
    if (first > last) {
        return;
    }
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) == 0) {
        return;
    }
#endif
    if (last > 65535) {
        last = (int)sysconf(_SC_OPEN_MAX);
    }
    for (; first <= last; first++) {
        (void)close(first);
    }
}

void itk_close_others(const int *keep, int n)
{
    int sorted[32];
    int next = 3;
    int i;

    if (n > 32) {
        n = 32;
    }
    memcpy(sorted, keep, (size_t)n * sizeof(int));
    qsort(sorted, (size_t)n, sizeof(int), compare_ints);
    for (i = 0; i < n; i++) {
        if (sorted[i] < next) {
            continue;
        }
        close_between(next, sorted[i] - 1);
        next = sorted[i] + 1;
    }
    close_between(next, 0x7fffffff);
}

/* An open pipe end: the pipe, and what this end looks like. */
typedef struct pipe_end_t {
    int fd;
    ino_t ino;
    int writes;
    int podlike;
} pipe_end_t;

static int look_at(pipe_end_t *pend, int fd)
{
    struct stat st;
    int fl, fdfl;

    if (fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode)) {
        return 0;
    }
    fl = fcntl(fd, F_GETFL);
    fdfl = fcntl(fd, F_GETFD);
    pend->fd = fd;
    pend->ino = st.st_ino;
    pend->writes = (fl & O_ACCMODE) == O_WRONLY;
    pend->podlike = (fdfl & FD_CLOEXEC) != 0 &&
                    ((fl & O_NONBLOCK) != 0) == !pend->writes;
    return 1;
}

static int collect_pipes(pipe_end_t *ends, int room)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *de;
    int n = 0;

    if (!dir) {
        return 0;
    }
    while (n < room && (de = readdir(dir)) != NULL) {
        int fd = atoi(de->d_name);

        if (fd > 2 && fd != dirfd(dir) && look_at(&ends[n], fd)) {
            n++;
        }
    }
    (void)closedir(dir);
    return n;
}

void itk_close_pods(void)
{
    pipe_end_t ends[512];
    int n = collect_pipes(ends, 512);
    int i, j;

    for (i = 0; i < n; i++) {
        for (j = 0; j < n; j++) {
            if (ends[i].ino == ends[j].ino && !ends[i].writes &&
                ends[j].writes && ends[i].podlike && ends[j].podlike) {
                (void)close(ends[i].fd);
                (void)close(ends[j].fd);
            }
        }
    }
}
