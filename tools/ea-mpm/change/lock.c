#include "change/change.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/journal.h"

#define LOCK_MAX 4096           /* of the holder's JSON */

struct em_lock_t {
    int fd;
    pid_t owner;                /* a forked child cleans up its pools too */
};

/* The lock is the kernel's, on the open file: it goes with the process, so
 * that a killed run never blocks the next one. What the file says only tells
 * people who it is. It is never unlinked: a second run could hold a lock on
 * a file that has no name any more. */

static apr_status_t release(void *data)
{
    em_lock_t *lock = data;

    if (lock->fd >= 0) {
        if (lock->owner == getpid() && ftruncate(lock->fd, 0) != 0) {
            /* Old words about a lock that nobody holds: who_holds() is not
             * asked then. */
        }
        close(lock->fd);
        lock->fd = -1;
    }
    return APR_SUCCESS;
}

/* The start time of a process, field 22 of its stat, or 0: with the pid it
 * names a process for good. */
static long long start_of(long long pid)
{
    char path[64], buf[2048];
    const char *s;
    long long start;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%lld/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    n = read(fd, buf, sizeof(buf) - 1);
    close(fd);
    if (n <= 0) {
        return 0;
    }
    buf[n] = '\0';
    s = strrchr(buf, ')');      /* the name before it may hold anything */
    return s && sscanf(s + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
                       " %*s %*s %*s %*s %*s %*s %*s %*s %lld", &start) == 1
               ? start : 0;
}

static const char *holder_text(const char *command, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);
    char since[APR_RFC822_DATE_LEN];

    apr_rfc822_date(since, apr_time_now());
    em_json_set_int(o, "pid", getpid());
    em_json_set_int(o, "start", start_of(getpid()));
    em_json_set_str(o, "command", command);
    em_json_set_str(o, "since", since);
    return apr_pstrcat(p, em_json_text(o, 0, p), "\n", NULL);
}

static apr_status_t tell_holder(int fd, const char *command, apr_pool_t *p)
{
    const char *text = holder_text(command, p);
    apr_size_t len = strlen(text);
    ssize_t n;

    if (ftruncate(fd, 0) != 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    n = pwrite(fd, text, len, 0);
    if (n < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    return (apr_size_t)n == len ? APR_SUCCESS : APR_FROM_OS_ERROR(ENOSPC);
}

/* "by pid 42 (ea-mpm switch event) since ...", as far as it can be known. */
static const char *who_holds(int fd, apr_pool_t *p)
{
    char buf[LOCK_MAX];
    ssize_t n = pread(fd, buf, sizeof(buf), 0);
    const char *error, *command;
    em_json_t *o;
    long long pid;

    if (n <= 0
        || em_json_parse(&o, &error, buf, (apr_size_t)n, p) != APR_SUCCESS) {
        return "by a process that did not write down its name";
    }
    pid = em_json_get_int(o, "pid", 0);
    command = em_json_get_str(o, "command");
    if (start_of(pid) != em_json_get_int(o, "start", -1)) {
        return apr_psprintf(p, "by a process in another container or by a "
                            "child of pid %ld (%s), which has ended",
                            (long)pid,
                            command ? command : "?");
    }
    return apr_psprintf(p, "by pid %ld (%s) since %s", (long)pid,
                        command ? command : "?",
                        em_json_get_str(o, "since"));
}

/* Is FD still what stands at "lock", a plain file of ours? */
static int is_genuine(int fd, const em_store_t *store)
{
    struct stat open_st, name_st;

    return fstat(fd, &open_st) == 0
           && fstatat(store->dir, "lock", &name_st, AT_SYMLINK_NOFOLLOW) == 0
           && open_st.st_dev == name_st.st_dev
           && open_st.st_ino == name_st.st_ino
           && S_ISREG(open_st.st_mode) && open_st.st_uid == geteuid();
}

static apr_status_t take(em_lock_t *lock, const em_store_t *store,
                         const char *command, em_result_t *res, apr_pool_t *p)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    apr_status_t rv;

    lock->fd = openat(store->dir, "lock",
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock->fd < 0) {
        return em_result_fail(res, APR_FROM_OS_ERROR(errno), EM_EXIT_FAILED,
                              "lock-failed", "cannot open %s/lock: ",
                              store->outside);
    }
    if (fcntl(lock->fd, F_OFD_SETLK, &fl) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            return em_result_fail(res, APR_FROM_OS_ERROR(errno),
                                  EM_EXIT_FAILED, "lock-failed",
                                  "cannot lock %s/lock: ", store->outside);
        }
        return em_result_fail(res, APR_EBUSY, EM_EXIT_BUSY, "lock-held",
                              "%s/lock is held %s; wait until it ends",
                              store->outside, who_holds(lock->fd, p));
    }
    if (!is_genuine(lock->fd, store)) {
        return em_result_fail(res, APR_EACCES, EM_EXIT_FAILED, "lock-failed",
                              "%s/lock is not a file of ours, or was "
                              "replaced while it was being locked",
                              store->outside);
    }
    rv = tell_holder(lock->fd, command, p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "lock-failed",
                              "cannot write %s/lock: ", store->outside);
    }
    return APR_SUCCESS;
}

apr_status_t em_lock_take(em_lock_t **plock, const em_view_t *view,
                          const char *command, em_result_t *res,
                          apr_pool_t *p)
{
    em_lock_t *lock = apr_pcalloc(p, sizeof(*lock));
    em_store_t *store;
    apr_status_t rv = em_store_open(&store, view, 1, res, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    lock->fd = -1;
    lock->owner = getpid();
    rv = take(lock, store, command, res, p);
    if (rv != APR_SUCCESS) {
        if (lock->fd >= 0) {
            close(lock->fd);    /* the holder's words stay */
        }
        return rv;
    }
    apr_pool_cleanup_register(p, lock, release, apr_pool_cleanup_null);
    *plock = lock;
    return APR_SUCCESS;
}
