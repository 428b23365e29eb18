#include "base/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/child.h"

#define DEFAULT_TIMEOUT apr_time_from_sec(30)

typedef struct buffer_t {
    int fd;                 /* -1 at end of file */
    char *data;             /* malloc: grows without littering the pool */
    apr_size_t len, size;
    apr_size_t told;        /* of len: what the log has */
    em_log_t *log;
    int truncated;
} buffer_t;

struct em_exec_t {
    apr_pool_t *pool;
    pid_t pid;              /* 0 once reaped */
    buffer_t out, err;
    apr_time_t begun, deadline;
};

static void kill_group(em_exec_t *exec)
{
    (void)kill(-exec->pid, SIGKILL);
    (void)kill(exec->pid, SIGKILL);
}

/* A run that nobody waited for must not outlive its pool. */
static apr_status_t abandon(void *data)
{
    em_exec_t *exec = data;

    if (exec->pid > 0) {
        kill_group(exec);
        while (waitpid(exec->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        exec->pid = 0;
    }
    if (exec->out.fd >= 0) {
        close(exec->out.fd);
    }
    if (exec->err.fd >= 0) {
        close(exec->err.fd);
    }
    free(exec->out.data);
    free(exec->err.data);
    return APR_SUCCESS;
}

/* In the child: everything that can fail reports its errno through FD. */
static void child_main(const char *const *argv, const em_exec_how_t *how,
                       int out, int err, int fd)
{
    int null;

    (void)setpgid(0, 0);
    em_child_signals();
    null = open("/dev/null", O_RDONLY);
    if (null < 0) {
        null = open("/", O_RDONLY | O_DIRECTORY);   /* reads fail: fine */
    }
    if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) {
        goto failed;
    }
    if (how->root && strcmp(how->root, "/") != 0 && chroot(how->root) != 0) {
        goto failed;
    }
    if (chdir(how->dir ? how->dir : "/") != 0) {
        goto failed;
    }
    if (fd != 3) {
        if (dup3(fd, 3, O_CLOEXEC) < 0) {
            goto failed;
        }
        fd = 3;
    }
    em_child_close_above(3);
    em_child_exec(argv, how->env);
failed:
    em_child_fail(fd);
}

apr_status_t em_exec_start(em_exec_t **pexec, const char *const *argv,
                           const em_exec_how_t *how, apr_pool_t *p)
{
    static const em_exec_how_t defaults;
    int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1};
    apr_status_t rv = APR_SUCCESS;
    em_exec_t *exec;
    int error;

    how = how ? how : &defaults;
    exec = apr_pcalloc(p, sizeof(*exec));
    exec->pool = p;
    exec->out.fd = exec->err.fd = -1;
    exec->out.log = exec->err.log = how->log;
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0
        || pipe2(report, O_CLOEXEC) != 0) {
        rv = APR_FROM_OS_ERROR(errno);
        goto leave;
    }
    exec->begun = apr_time_now();
    exec->deadline = exec->begun
                     + (how->timeout ? how->timeout : DEFAULT_TIMEOUT);
    exec->pid = fork();
    if (exec->pid < 0) {
        rv = APR_FROM_OS_ERROR(errno);
        exec->pid = 0;
        goto leave;
    }
    if (exec->pid == 0) {
        child_main(argv, how, out[1], err[1], report[1]);
    }
    (void)setpgid(exec->pid, exec->pid);    /* whoever comes first */
    close(report[1]);
    report[1] = -1;
    error = em_child_await(report[0]);
    if (error) {
        while (waitpid(exec->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        exec->pid = 0;
        rv = APR_FROM_OS_ERROR(error);
        goto leave;
    }
    exec->out.fd = out[0];
    exec->err.fd = err[0];
    out[0] = err[0] = -1;
    apr_pool_cleanup_register(p, exec, abandon, apr_pool_cleanup_null);
    *pexec = exec;

leave:
    for (int i = 0; i < 2; i++) {
        if (out[i] >= 0) {
            close(out[i]);
        }
        if (err[i] >= 0) {
            close(err[i]);
        }
        if (report[i] >= 0) {
            close(report[i]);
        }
    }
    return rv;
}

/* Pass on whole lines that came. */
static void tell_lines(buffer_t *b)
{
    while (b->log && b->told < b->len) {
        const char *line = b->data + b->told;
        const char *end = memchr(line, '\n', b->len - b->told);
        apr_size_t len = end ? (apr_size_t)(end - line) : 0;

        if (!end) {
            return;
        }
        b->told += len + 1;
        if (len > 0) {
            em_log(b->log, EM_LOG_NOTE, "%.*s", (int)len, line);
        }
    }
}

/* Take what is there; closes the descriptor at end of file. */
static void drain(buffer_t *b)
{
    char scratch[16384];
    ssize_t n = read(b->fd, scratch, sizeof(scratch));
    apr_size_t take;

    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        close(b->fd);
        b->fd = -1;
        return;
    }
    take = (apr_size_t)n;
    if (b->len + take > EM_EXEC_MAX) {
        take = EM_EXEC_MAX - b->len;
        b->truncated = 1;
    }
    if (b->len + take + 1 > b->size) {
        apr_size_t size = b->size ? b->size * 2 : 65536;
        char *data = realloc(b->data, size);

        if (!data) {
            b->truncated = 1;
            return;
        }
        b->data = data;
        b->size = size;
    }
    memcpy(b->data + b->len, scratch, take);
    b->len += take;
    tell_lines(b);
}

static const char *text_of(buffer_t *b, apr_pool_t *p)
{
    const char *text = b->len ? apr_pstrmemdup(p, b->data, b->len) : "";

    free(b->data);
    b->data = NULL;
    return text;
}

/* What is still in the pipes after the program's end. A daemon that it left
 * behind may hold them open, so do not wait for their end. */
static void drain_rest(buffer_t *b)
{
    if (b->fd >= 0) {
        (void)fcntl(b->fd, F_SETFL, O_NONBLOCK);
    }
    while (b->fd >= 0) {
        struct pollfd pfd = {b->fd, POLLIN, 0};

        if (poll(&pfd, 1, 0) <= 0) {
            break;
        }
        drain(b);
    }
}

/* A descriptor that wakes us at the program's very end, or -1: before Linux
 * 5.3 there is none, and we look again and again. */
static int watch_end(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

/* How long to wait for something to happen, in milliseconds. */
static int patience(const em_exec_t *exec, int watch)
{
    apr_time_t left = exec->deadline - apr_time_now();

    if (watch < 0) {
        return exec->out.fd < 0 && exec->err.fd < 0 ? 1 : 10;
    }
    return left < 0 ? 0
           : left < apr_time_from_sec(1) ? (int)apr_time_as_msec(left) + 1
           : 1000;
}

/* Read both pipes until the program is gone. Returns its wait status;
 * *PLATE is set when the deadline came first and the group was killed. */
static int collect(em_exec_t *exec, int *plate)
{
    int status = 0, watch = watch_end(exec->pid);

    for (;;) {
        struct pollfd fds[3] = {{exec->out.fd, POLLIN, 0},
                                {exec->err.fd, POLLIN, 0},
                                {watch, POLLIN, 0}};
        pid_t pid = waitpid(exec->pid, &status, *plate ? 0 : WNOHANG);

        if (pid == exec->pid || (pid < 0 && errno != EINTR)) {
            break;
        }
        if (!*plate && apr_time_now() >= exec->deadline) {
            kill_group(exec);
            *plate = 1;
            continue;
        }
        if (poll(fds, 3, patience(exec, watch)) <= 0) {
            continue;
        }
        if (fds[0].revents) {
            drain(&exec->out);
        }
        if (fds[1].revents) {
            drain(&exec->err);
        }
    }
    if (watch >= 0) {
        close(watch);
    }
    drain_rest(&exec->out);
    drain_rest(&exec->err);
    return status;
}

apr_status_t em_exec_wait(em_exec_out_t **pout, em_exec_t *exec)
{
    em_exec_out_t *out = apr_pcalloc(exec->pool, sizeof(*out));
    int status = collect(exec, &out->timed_out);

    exec->pid = 0;
    out->exited = !out->timed_out && WIFEXITED(status);
    out->exit_code = out->exited ? WEXITSTATUS(status) : -1;
    out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    out->truncated = exec->out.truncated || exec->err.truncated;
    out->out_len = exec->out.len;
    out->err_len = exec->err.len;
    out->out = text_of(&exec->out, exec->pool);
    out->err = text_of(&exec->err, exec->pool);
    out->took = apr_time_now() - exec->begun;
    *pout = out;
    return APR_SUCCESS;
}

apr_status_t em_exec(em_exec_out_t **pout, const char *const *argv,
                     const em_exec_how_t *how, apr_pool_t *p)
{
    em_exec_t *exec;
    apr_status_t rv = em_exec_start(&exec, argv, how, p);

    return rv == APR_SUCCESS ? em_exec_wait(pout, exec) : rv;
}

static int plain_word(const char *s)
{
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789_@%+=:,./-")] == '\0';
}

const char *em_exec_quote(const char *const *argv, apr_pool_t *p)
{
    const char *line = "";

    for (; *argv; argv++) {
        const char *word = *argv;

        if (!plain_word(word)) {
            const char *s, *quoted = "";

            while ((s = strchr(word, '\'')) != NULL) {
                quoted = apr_pstrcat(p, quoted,
                                     apr_pstrmemdup(p, word,
                                                    (apr_size_t)(s - word)),
                                     "'\\''", NULL);
                word = s + 1;
            }
            word = apr_pstrcat(p, "'", quoted, word, "'", NULL);
        }
        line = apr_pstrcat(p, line, *line ? " " : "", word, NULL);
    }
    return line;
}
