#include "itk_zygote.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "itk_birth.h"
#include "itk_log.h"
#include "itk_sock.h"
#include "itk_title.h"

typedef struct kid_t {
    pid_t pid;
    uint32_t slot;
    uint32_t serial;
} kid_t;

typedef struct state_t {
    const itk_zygote_t *z;
    int sock;               /* -1: the broker is gone */
    int signals;
    int draining;
    int terminated;
    kid_t *kids;
    int n_kids;
    int room;
} state_t;

static void take_signals(state_t *st)
{
    sigset_t all, ours;

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)signal(SIGCHLD, SIG_DFL);
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    st->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Their user may have stopped some; these wake up to hear it. */
static void signal_kids(const state_t *st, int sig)
{
    int i;

    for (i = 0; i < st->n_kids; i++) {
        (void)kill(st->kids[i].pid, sig);
        (void)kill(st->kids[i].pid, SIGCONT);
    }
}

static void drain(state_t *st)
{
    if (!st->draining) {
        st->draining = 1;
        signal_kids(st, SIGUSR1);
    }
}

/* The broker is gone or mad: nobody will ask for workers any more. */
static void lose_broker(state_t *st)
{
    if (st->sock >= 0) {
        (void)close(st->sock);
        st->sock = -1;
    }
    drain(st);
}

static void answer(state_t *st, itk_type_t type, uint32_t slot,
                   uint32_t serial, int value)
{
    itk_msg_t msg;

    if (st->sock < 0) {
        return;
    }
    itk_wire_init(&msg, type, st->z->gen);
    msg.ident = st->z->ident;
    msg.slot = slot;
    msg.serial = serial;
    msg.value = value;
    if (itk_sock_send(st->sock, &msg, -1, 0) != APR_SUCCESS) {
        lose_broker(st);
    }
}

static int make_room(state_t *st)
{
    kid_t *more;

    if (st->n_kids < st->room) {
        return 1;
    }
    more = realloc(st->kids, (size_t)(st->room + 16) * sizeof(kid_t));
    if (!more) {
        return 0;
    }
    st->kids = more;
    st->room += 16;
    return 1;
}

static void become_worker(state_t *st, const itk_msg_t *msg, int fd,
                          pid_t zygote)
{
    itk_birth_worker(zygote);
    (void)close(st->sock);
    (void)close(st->signals);
    st->z->worker(st->z->baton, st->z->ident, msg->slot, msg->serial, fd);
    _exit(1);
}

static void spawn(state_t *st, const itk_msg_t *msg, int fd)
{
    pid_t self = getpid();
    pid_t pid = -1;

    errno = ENOMEM;
    if (make_room(st)) {
        pid = fork();
    }
    if (pid == 0) {
        become_worker(st, msg, fd, self);
    }
    if (pid < 0) {
        int err = errno;

        itk_log(ITK_LOG_ERR, err, "itk-spawn-failed: cannot fork a worker as "
                "%s", st->z->name);
        answer(st, ITK_ANS_UNBORN, msg->slot, msg->serial, err);
        return;
    }
    st->kids[st->n_kids].pid = pid;
    st->kids[st->n_kids].slot = msg->slot;
    st->kids[st->n_kids].serial = msg->serial;
    st->n_kids++;
    answer(st, ITK_ANS_SPAWNED, msg->slot, msg->serial, pid);
}

static void serve(state_t *st)
{
    apr_status_t rv;
    itk_msg_t msg;
    int fd = -1;

    rv = itk_sock_recv(&msg, &fd, st->sock, MSG_DONTWAIT);
    if (APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EINTR(rv)) {
        return;
    }
    if (rv != APR_SUCCESS || msg.gen != st->z->gen ||
        msg.ident != st->z->ident) {
        msg.type = 0;
    }
    switch (msg.type) {
    case ITK_REQ_SPAWN:
        spawn(st, &msg, fd);
        break;
    case ITK_REQ_DRAIN:
        drain(st);
        break;
    default:
        if (rv == APR_SUCCESS || rv == APR_EINVAL) {
            itk_log(ITK_LOG_ERR, 0, "itk-bad-message: the zygote of %s was "
                    "asked for something it does not do, and leaves",
                    st->z->name);
        }
        lose_broker(st);
        break;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void reap(state_t *st)
{
    int status;
    pid_t pid;
    int i;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (i = 0; i < st->n_kids && st->kids[i].pid != pid; i++) {
            continue;
        }
        if (i == st->n_kids) {
            continue;
        }
        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM) {
            itk_log(ITK_LOG_WARN, 0, "itk-worker-died: worker pid %ld of %s "
                    "died of signal %d", (long)pid, st->z->name,
                    WTERMSIG(status));
        }
        answer(st, ITK_ANS_DIED, st->kids[i].slot, st->kids[i].serial,
               status);
        st->kids[i] = st->kids[--st->n_kids];
    }
}

static void take_signal(state_t *st)
{
    struct signalfd_siginfo si;

    while (read(st->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
        if (si.ssi_signo == SIGCHLD) {
            reap(st);
        }
        else {
            st->terminated = 1;
        }
    }
}

static void wait_for_something(state_t *st, int ms)
{
    struct pollfd pfd[2] = {{.fd = st->signals, .events = POLLIN},
                            {.fd = st->sock, .events = POLLIN}};

    if (poll(pfd, st->sock >= 0 ? 2 : 1, ms) <= 0) {
        return;
    }
    if (pfd[0].revents) {
        take_signal(st);
    }
    if (st->sock >= 0 && pfd[1].revents) {
        serve(st);
    }
}

static long now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000L + ts.tv_nsec / 1000000L;
}

/* Workers may have left the process group (a script may call setsid), so the
 * zygote ends them one by one. */
static void end_kids(state_t *st)
{
    long limit = now_ms() + 2500;

    if (st->sock >= 0) {
        (void)close(st->sock);
        st->sock = -1;
    }
    signal_kids(st, SIGTERM);
    while (st->n_kids > 0 && now_ms() < limit) {
        wait_for_something(st, 100);
    }
    signal_kids(st, SIGKILL);
}

int itk_zygote_run(const itk_zygote_t *z, int sock)
{
    state_t st;

    memset(&st, 0, sizeof(st));
    st.z = z;
    st.sock = sock;
    itk_title_set("httpd: itk zygote %s", z->name);
    take_signals(&st);
    if (st.signals < 0) {
        return 1;
    }
    while (!st.terminated && !(st.draining && st.n_kids == 0)) {
        wait_for_something(&st, -1);
    }
    if (st.terminated) {
        end_kids(&st);
    }
    return 0;
}
