#include "itk_spawner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "itk_birth.h"
#include "itk_ident.h"
#include "itk_kids.h"
#include "itk_log.h"
#include "itk_outbox.h"
#include "itk_sandbox.h"
#include "itk_sock.h"
#include "itk_spare.h"
#include "itk_title.h"

/* Why this is safe, in one place:
 *
 * - It is reachable from one process only, the broker, over a socket pair
 *   that no other process ever held. Children, zygotes and workers cannot
 *   speak to it, and no byte of a request ever comes near it.
 * - It knows three requests (the switch in serve()). Anything else, any wrong
 *   size, stray descriptor, other generation or unknown index ends the
 *   broker, not the rule.
 * - A request names an identity by its index in the table this process was
 *   forked with. No id, path or name is ever taken from a message; the limits
 *   of the configuration are checked again here.
 * - "Start a zygote", or a first worker, forks and takes on the identity
 *   before anything else happens; itk_ident_assume() proves it or the process
 *   exits. The fork may have happened before the request: a spare waits for
 *   one message of this process and for nothing else (itk_spare.h).
 * - "Signal" is done by a short-lived process that has become the identity
 *   itself, so the kernel refuses what that user might not do. Only SIGKILL.
 *   What the spawner sends of its own accord goes to its own children, from
 *   a process that takes on one effective uid after the other (itk_kids.c).
 * - It never looks into the shared memory of the children, never resolves a
 *   name, never executes a program. Its capabilities are SETUID and SETGID
 *   (SYS_NICE and SYS_CHROOT only where the configuration needs them).
 */

#define ORPHAN_MS   10000   /* how often those who should leave are told */
#define SPARE_WAIT_S 10     /* after one failed */

typedef struct state_t {
    const itk_spawner_t *sp;
    itk_kids_t kids;
    int signals;            /* signalfd */
    int broker;             /* our end of its pair, -1: none */
    itk_outbox_t outbox;    /* for it, who may be sending to us */
    pid_t broker_pid;
    time_t broker_born;
    itk_spare_t spare;
    time_t spare_after;     /* no spare before then */
    int ending;             /* the generation ends: no spare any more */
    int finished;           /* the broker left of its own accord */
    int terminated;         /* SIGTERM or SIGHUP */
} state_t;

static time_t now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

static apr_status_t limit_self(const itk_policy_t *policy)
{
    int caps[4] = {CAP_SETUID, CAP_SETGID};
    int nice = getpriority(PRIO_PROCESS, 0);
    int n = 2;

    if (policy->chroot_dir) {
        caps[n++] = CAP_SYS_CHROOT;
    }
    if (itk_policy_needs_nice(policy, nice)) {
        caps[n] = CAP_SYS_NICE;
        if (itk_caps_keep(caps, n + 1) == APR_SUCCESS) {
            return APR_SUCCESS;
        }
        itk_log(ITK_LOG_WARN, 0, "itk-no-capability: without CAP_SYS_NICE "
                "virtual hosts whose NiceValue is below %d answer 503", nice);
    }
    return itk_caps_keep(caps, n);
}

static apr_status_t take_signals(state_t *st)
{
    sigset_t all, ours;

    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) != 0) {
        return errno;
    }
    (void)signal(SIGCHLD, SIG_DFL);
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGINT);
    st->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    return st->signals < 0 ? errno : APR_SUCCESS;
}

/* In a process just forked: default handlers for what we took, no mask. */
static void give_signals_back(const state_t *st)
{
    sigset_t none;

    (void)close(st->signals);
    sigemptyset(&none);
    itk_birth_signals();
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static apr_status_t start_broker(state_t *st)
{
    int pair[2];
    apr_status_t rv;

    rv = itk_sock_pair(pair);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    st->broker_pid = fork();
    if (st->broker_pid < 0) {
        rv = errno;
        st->broker_pid = 0;
        (void)close(pair[0]);
        (void)close(pair[1]);
        return rv;
    }
    if (st->broker_pid == 0) {
        (void)close(pair[0]);
        give_signals_back(st);
        (void)signal(SIGTERM, SIG_IGN);     /* it ends when we do */
        (void)signal(SIGHUP, SIG_IGN);
        st->sp->broker(st->sp->baton, pair[1]);
        _exit(1);
    }
    (void)close(pair[1]);
    st->broker = pair[0];
    st->broker_born = now_s();
    return APR_SUCCESS;
}

/* The broker is gone, or talks nonsense and has to go. Its zygotes see the
 * end of their sockets and drain by themselves; first workers have nobody to
 * tell them. */
static void lose_broker(state_t *st)
{
    if (st->broker >= 0) {
        (void)close(st->broker);
        st->broker = -1;
        itk_outbox_clear(&st->outbox);
    }
    itk_kids_orphan(&st->kids);
    itk_kids_drain_orphans(&st->kids, -1);
    if (st->broker_pid > 0) {
        (void)kill(st->broker_pid, SIGKILL);
    }
}

/* KID has come (VALUE: its pid) or gone (a wait status, or an errno of fork()
 * made negative). */
static void tell(state_t *st, const itk_kid_t *kid, int up, int value)
{
    static const itk_type_t types[2][2] = {
        {ITK_ANS_ZYGOTE_DOWN, ITK_ANS_ZYGOTE_UP},
        {ITK_ANS_FIRST_DOWN, ITK_ANS_FIRST_UP},
    };
    itk_msg_t msg;

    if (st->broker < 0) {
        return;
    }
    itk_wire_init(&msg, types[kid->first][up], st->sp->policy->gen);
    msg.ident = kid->ident;
    msg.slot = kid->slot;
    msg.serial = kid->first ? kid->serial : (uint32_t)kid->pid;
    msg.value = value;
    if (itk_outbox_send(&st->outbox, st->broker, &msg) != APR_SUCCESS) {
        lose_broker(st);
    }
}

/* The spare if there is one, else a fork. */
static pid_t make_kid(state_t *st, const itk_msg_t *req, int sock)
{
    pid_t self = getpid();
    pid_t pid = itk_spare_use(&st->spare, req, sock);

    if (pid == 0) {
        pid = fork();
    }
    if (pid == 0) {
        (void)close(st->broker);
        (void)close(st->signals);
        st->sp->shed(st->sp->baton);
        itk_birth(st->sp, req, sock, self);
    }
    return pid;
}

static void start_kid(state_t *st, const itk_msg_t *req, int sock)
{
    itk_kid_t kid = {.first = req->type == ITK_REQ_FIRST, .slot = req->slot,
                 .serial = req->serial, .ident = req->ident};
    itk_kid_t *place = itk_kids_find(&st->kids, 0);
    pid_t pid = -1;

    errno = EAGAIN;
    if (place) {
        pid = make_kid(st, req, sock);
    }
    if (pid < 0) {
        int err = errno;

        itk_log(ITK_LOG_ERR, err, "itk-spawn-failed: cannot fork a process "
                "for %s", st->sp->policy->idents[req->ident].name);
        tell(st, &kid, 0, -err);
        return;
    }
    kid.pid = pid;
    *place = kid;
    tell(st, &kid, 1, pid);
}

/* Signal PID in the name of IDENT, in a process that is IDENT. */
static void kill_as(state_t *st, const itk_ident_t *ident, pid_t pid, int sig)
{
    const char *what;

    if (pid <= 1) {
        return;
    }
    if (fork() == 0) {
        (void)close(st->broker);
        if (itk_ident_assume(ident, &what) != APR_SUCCESS) {
            _exit(1);
        }
        _exit(kill(pid, sig) == 0 ? 0 : 1);
    }
}

static void serve(state_t *st)
{
    const itk_policy_t *policy = st->sp->policy;
    const itk_ident_t *ident = NULL;
    apr_status_t rv;
    itk_msg_t msg;
    int fd = -1;

    rv = itk_sock_recv(&msg, &fd, st->broker, MSG_DONTWAIT);
    if (APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EINTR(rv)) {
        return;
    }
    if (rv != APR_SUCCESS && rv != APR_EINVAL) {
        lose_broker(st);
        return;
    }
    if (rv == APR_SUCCESS && msg.gen == policy->gen) {
        ident = itk_policy_ident(policy, msg.ident);
    }
    if (!ident || itk_policy_refuse(policy, ident)) {
        msg.type = 0;
    }
    switch (msg.type) {
    case ITK_REQ_ZYGOTE:
    case ITK_REQ_FIRST:
        start_kid(st, &msg, fd);
        break;
    case ITK_REQ_SIGNAL:
        kill_as(st, ident, msg.slot == SIGKILL ? msg.value : 0, SIGKILL);
        break;
    default:
        itk_log(ITK_LOG_ERR, 0, "itk-bad-message: the spawner was asked for "
                "something it does not do; restarting the broker");
        lose_broker(st);
        break;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* As zygotes do for their workers. */
static void note_death(const state_t *st, const itk_kid_t *kid, int status)
{
    if (kid->first && WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM) {
        itk_log(ITK_LOG_WARN, 0, "itk-worker-died: worker pid %ld of %s "
                "died of signal %d", (long)kid->pid,
                st->sp->policy->idents[kid->ident].name, WTERMSIG(status));
    }
}

static void reap(state_t *st)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        itk_kid_t *kid = itk_kids_find(&st->kids, pid);

        if (pid == st->broker_pid) {
            st->finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
            if (!st->finished && !st->terminated) {
                itk_log(ITK_LOG_WARN, 0, "itk-broker-restart: the broker "
                        "(pid %ld) ended with status 0x%x, starting another",
                        (long)pid, (unsigned)status);
            }
            st->broker_pid = 0;
            lose_broker(st);
            itk_kids_wake_orphans(&st->kids);
        }
        else if (itk_spare_ended(&st->spare, pid)) {
            st->spare_after = now_s() + SPARE_WAIT_S;
        }
        else if (kid) {
            itk_kid_t gone = *kid;

            kid->pid = 0;       /* it is nobody's, or soon somebody else's */
            note_death(st, &gone, status);
            tell(st, &gone, 0, status);
        }
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

/* Returns whether there was something before MS had passed. */
static int wait_for_something(state_t *st, int ms)
{
    struct pollfd pfd[3] = {
        {.fd = st->signals, .events = POLLIN},
        {.fd = st->ending ? -1 : st->sp->life, .events = POLLIN},
        {.fd = st->broker, .events = POLLIN},
    };

    if (itk_outbox_waits(&st->outbox)) {
        pfd[2].events |= POLLOUT;
    }

    if (poll(pfd, 3, ms) <= 0) {
        return 0;
    }
    if (pfd[0].revents) {
        take_signal(st);
    }
    if (pfd[1].revents) {
        st->ending = 1;
        itk_spare_drop(&st->spare);
        itk_kids_orphan(&st->kids);
        itk_kids_drain_orphans(&st->kids, st->broker);
    }
    if (st->broker >= 0 && pfd[2].revents & POLLOUT &&
        itk_outbox_flush(&st->outbox, st->broker) != APR_SUCCESS) {
        lose_broker(st);
    }
    if (st->broker >= 0 && pfd[2].revents & ~POLLOUT) {
        serve(st);
    }
    return 1;
}

static void wait_for_kids(state_t *st, int tenths)
{
    while (itk_kids_left(&st->kids, 0) && tenths-- > 0) {
        wait_for_something(st, 100);
    }
}

/* The server stops: all get SIGTERM with the process group, and zygotes end
 * their workers. Who missed it is told, who does not leave then is killed. */
static void end_all(state_t *st)
{
    lose_broker(st);
    wait_for_kids(st, 5);
    itk_kids_signal(&st->kids, SIGTERM, st->broker);
    wait_for_kids(st, 35);
    itk_kids_signal(&st->kids, SIGKILL, st->broker);
    wait_for_kids(st, 10);
}

static apr_status_t setup(state_t *st, const itk_spawner_t *sp)
{
    apr_status_t rv;

    memset(st, 0, sizeof(*st));
    st->sp = sp;
    st->broker = -1;
    if (!itk_kids_create(&st->kids, sp->policy)) {
        return APR_ENOMEM;
    }
    rv = take_signals(st);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = limit_self(sp->policy);
    if (rv != APR_SUCCESS) {
        itk_log(ITK_LOG_ERR, rv, "itk-no-capability: virtual hosts cannot "
                "have users: the server's processes have no CAP_SETUID and "
                "CAP_SETGID. Give the service or container these");
    }
    return rv;
}

static int wants_spare(const state_t *st)
{
    return st->spare.pid == 0 && st->broker >= 0 && !st->ending &&
           !st->terminated && now_s() >= st->spare_after;
}

static void keep_spare(state_t *st)
{
    int close_these[2] = {st->broker, st->signals};

    if (wants_spare(st) &&
        itk_spare_start(&st->spare, st->sp, close_these, 2) != APR_SUCCESS) {
        st->spare_after = now_s() + SPARE_WAIT_S;
    }
}

/* Another broker, not more than one in two seconds. */
static void keep_broker(state_t *st)
{
    apr_status_t rv;

    if (st->finished || st->broker_pid != 0) {
        return;
    }
    if (now_s() - st->broker_born < 2 && st->broker_born) {
        (void)wait_for_something(st, 200);
    }
    rv = start_broker(st);
    if (rv != APR_SUCCESS) {
        itk_log(ITK_LOG_ERR, rv, "itk-spawn-failed: cannot start the broker");
        (void)wait_for_something(st, 1000);
    }
}

int itk_spawner_run(const itk_spawner_t *sp)
{
    state_t st;

    itk_title_set("httpd: itk spawner%s", sp->label);
    if (setup(&st, sp) != APR_SUCCESS) {
        return 1;
    }
    while (!st.terminated && !(st.finished && !itk_kids_left(&st.kids, 0))) {
        int ms = itk_kids_left(&st.kids, 1) ? ORPHAN_MS : -1;

        keep_broker(&st);
        if (!wait_for_something(&st, wants_spare(&st) ? 0 : ms)) {
            keep_spare(&st);
            itk_kids_drain_orphans(&st.kids, st.broker);
        }
        itk_kids_wake_orphans(&st.kids);
    }
    itk_spare_drop(&st.spare);
    if (st.terminated) {
        end_all(&st);
    }
    return 0;
}
