#include "base/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* close_range() came with Linux 5.9; EL 8 runs 4.18. */
void em_child_close_above(int last)
{
    long max;

    if (syscall(SYS_close_range, (unsigned)last + 1, ~0U, 0U) == 0) {
        return;
    }
    max = sysconf(_SC_OPEN_MAX);
    for (int fd = last + 1; fd < (max > 0 && max < 65536 ? max : 65536);
         fd++) {
        (void)close(fd);
    }
}

void em_child_signals(void)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE,
                               SIGTSTP, SIGTTIN, SIGTTOU};
    sigset_t none;

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
        (void)signal(ours[i], SIG_DFL);
    }
}

void em_child_exec(const char *const *argv, const char *const *env)
{
    if (env) {
        execvpe(argv[0], (char *const *)argv, (char *const *)env);
    }
    else {
        execvp(argv[0], (char *const *)argv);
    }
}

void em_child_fail(int report)
{
    int error = errno;

    _exit(write(report, &error, sizeof(error)) == sizeof(error) ? 127 : 126);
}

int em_child_await(int fd)
{
    int error = 0;
    ssize_t n;

    do {
        n = read(fd, &error, sizeof(error));
    } while (n < 0 && errno == EINTR);
    return n == sizeof(error) ? error : 0;
}
