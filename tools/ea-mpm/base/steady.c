#include "base/steady.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/child.h"

#define LOOK_MS 50              /* between two looks at the output */

/* A file without a name, in memory: a full disk must not fail the program's
 * next line either. Kernels before 3.17 have none. */
static int nameless_file(void)
{
    char name[] = "/tmp/.ea-mpm-XXXXXX";
    int fd = -1;

#ifdef SYS_memfd_create
    fd = (int)syscall(SYS_memfd_create, "output", 1U /* MFD_CLOEXEC */);
#endif
    if (fd < 0) {
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0) {
            (void)unlink(name);
        }
    }
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFL, O_APPEND);
    }
    return fd;
}

/* In the child; what fails is written to REPORT as an errno. */
static void child_main(const char *const *argv, const char *const *env,
                       int output, int report)
{
    int null = open("/dev/null", O_RDONLY);

    (void)setsid();
    em_child_signals();
    if (null >= 0 && dup2(null, 0) >= 0 && dup2(output, 1) >= 0
        && dup2(output, 2) >= 0 && chdir("/") == 0
        && (report == 3 || dup3(report, 3, O_CLOEXEC) == 3)) {
        report = 3;
        em_child_close_above(3);
        em_child_exec(argv, env);
    }
    em_child_fail(report);
}

static apr_status_t start(pid_t *ppid, const char *const *argv,
                          const char *const *env, int output)
{
    int report[2], error;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) != 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    pid = fork();
    if (pid == 0) {
        child_main(argv, env, output, report[1]);
    }
    error = pid < 0 ? errno : 0;
    close(report[1]);
    if (pid > 0) {
        error = em_child_await(report[0]);
        if (error) {
            while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
            }
        }
    }
    close(report[0]);
    *ppid = pid;
    return error ? APR_FROM_OS_ERROR(error) : APR_SUCCESS;
}

/* What was written so far. */
typedef struct output_t {
    int fd;
    off_t at;                   /* read so far; a script that opens
                                 * /dev/stderr anew empties the file */
    char *data;                 /* malloc, or NULL */
    apr_size_t len, size;
    apr_size_t told;            /* up to here the log has it */
} output_t;

static void tell(output_t *o, em_log_t *log, int last)
{
    while (o->told < o->len) {
        const char *line = o->data + o->told;
        const char *end = memchr(line, '\n', o->len - o->told);
        apr_size_t n = end ? (apr_size_t)(end - line) : o->len - o->told;

        if (!end && !last) {
            return;
        }
        if (n > 0) {
            em_log(log, EM_LOG_NOTE, "%.*s", (int)n, line);
        }
        o->told += n + (end != NULL);
    }
}

/* Read on; 0 where there is nothing more for now. */
static int take(output_t *o)
{
    struct stat st;
    ssize_t n;

    if (fstat(o->fd, &st) == 0 && st.st_size < o->at) {
        o->at = 0;
    }
    if (o->size - o->len < 4096) {
        apr_size_t size = o->size ? 2 * o->size : 65536;
        char *data = size > EM_EXEC_MAX ? NULL : realloc(o->data, size);

        if (!data) {
            return 0;
        }
        o->data = data;
        o->size = size;
    }
    n = pread(o->fd, o->data + o->len, o->size - o->len, o->at);
    if (n <= 0) {
        return 0;
    }
    o->at += n;
    o->len += (apr_size_t)n;
    return 1;
}

static int await_end(pid_t pid, output_t *o, em_log_t *log)
{
    int status = 0;
    pid_t ended;

    do {
        struct timespec pause = {0, LOOK_MS * 1000000L};

        ended = waitpid(pid, &status, WNOHANG);
        while (take(o)) {
        }
        tell(o, log, ended == pid);
        if (ended == 0) {
            (void)nanosleep(&pause, NULL);
        }
    } while (ended == 0 || (ended < 0 && errno == EINTR));
    return status;
}

apr_status_t em_steady(em_exec_out_t **pout, const char *const *argv,
                       const char *const *env, em_log_t *log, apr_pool_t *p)
{
    em_exec_out_t *out = apr_pcalloc(p, sizeof(*out));
    output_t output = {.fd = nameless_file()};
    apr_time_t begun = apr_time_now();
    apr_status_t rv;
    int status;
    pid_t pid = 0;

    if (output.fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    rv = start(&pid, argv, env, output.fd);
    if (rv == APR_SUCCESS) {
        status = await_end(pid, &output, log);
        out->exited = WIFEXITED(status);
        out->exit_code = out->exited ? WEXITSTATUS(status) : -1;
        out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        out->out = apr_pstrmemdup(p, output.data ? output.data : "",
                                  output.len);
        out->out_len = output.len;
        out->err = "";
        out->took = apr_time_now() - begun;
        *pout = out;
    }
    free(output.data);
    close(output.fd);
    return rv;
}
