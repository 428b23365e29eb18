#include "itk_spare.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "itk_birth.h"
#include "itk_sock.h"
#include "itk_title.h"

/* Where a user may have so few processes that a single one counts, the zygote
 * forks its first worker itself, and the kernel decides. */
#define FEW_PROCESSES   256

/* --- in the spare -------------------------------------------------------- */

/* Die with the parent; it may have died before this could be said. */
static void die_with(pid_t parent, int sig)
{
    (void)prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0);
    if (getppid() != parent) {
        _exit(0);
    }
}

/* The one message: whose this process is. Everything else ends it. */
static const itk_ident_t *be_told(const itk_spawner_t *sp, itk_msg_t *pmsg,
                                  int *pfd, int sock, itk_type_t type)
{
    const itk_ident_t *ident = NULL;
    apr_status_t rv;

    do {
        rv = itk_sock_recv(pmsg, pfd, sock, 0);
    } while (APR_STATUS_IS_EINTR(rv));
    if (rv == APR_SUCCESS && pmsg->type == type &&
        pmsg->gen == sp->policy->gen) {
        ident = itk_policy_ident(sp->policy, pmsg->ident);
    }
    return ident && !itk_policy_refuse(sp->policy, ident) ? ident : NULL;
}

/* The first worker. SOCK is the spawner's, ORDERS its zygote's. What fails
 * here the zygote sees and says. */
static void be_first(const itk_spawner_t *sp, int sock, int orders,
                     pid_t zygote) __attribute__((noreturn));

static void be_first(const itk_spawner_t *sp, int sock, int orders,
                     pid_t zygote)
{
    const itk_ident_t *ident;
    const char *what;
    sigset_t drains;
    itk_msg_t msg;
    uint32_t n;
    int fd = -1;

    die_with(zygote, SIGKILL);
    ident = be_told(sp, &msg, &fd, sock, ITK_REQ_BECOME);
    if (!ident) {
        _exit(0);
    }
    n = msg.ident;
    (void)close(sock);
    if (itk_birth_assume(sp->policy, ident, &what) != APR_SUCCESS) {
        _exit(ITK_EXIT_IDENT);
    }
    itk_birth_signals();
    die_with(zygote, SIGUSR1);
    sigemptyset(&drains);
    sigaddset(&drains, SIGUSR1);
    (void)sigprocmask(SIG_SETMASK, &drains, NULL);
    if (itk_sock_recv(&msg, &fd, orders, 0) != APR_SUCCESS ||
        msg.type != ITK_REQ_SPAWN || msg.ident != n) {
        _exit(0);
    }
    (void)close(orders);
    sp->worker(sp->baton, n, msg.slot, msg.serial, fd);
    _exit(1);
}

/* Fork the first worker, if that can be. SOCK will be its only word from the
 * spawner, and is closed here; MINE is not for it. */
static void fork_first(itk_first_t *first, const itk_spawner_t *sp, int sock,
                       int mine)
{
    struct rlimit most;
    pid_t self = getpid();
    int pair[2];

    if ((getrlimit(RLIMIT_NPROC, &most) == 0 &&
         most.rlim_cur < FEW_PROCESSES) ||
        itk_sock_pair(pair) != APR_SUCCESS) {
        (void)close(sock);
        return;
    }
    first->pid = fork();
    if (first->pid == 0) {
        (void)close(mine);
        (void)close(pair[0]);
        be_first(sp, sock, pair[1], self);
    }
    (void)close(sock);
    (void)close(pair[1]);
    first->sock = pair[0];
    if (first->pid < 0) {
        first->pid = 0;
    }
}

/* SOCKS: the zygote's and the worker's. */
static void be_spare(const itk_spawner_t *sp, const int socks[2],
                     pid_t spawner) __attribute__((noreturn));

static void be_spare(const itk_spawner_t *sp, const int socks[2],
                     pid_t spawner)
{
    itk_first_t first = {0, -1};
    itk_msg_t msg;
    int fd = -1;

    die_with(spawner, SIGKILL);
    itk_title_set("httpd: itk spare");
    sp->shed(sp->baton);
    fork_first(&first, sp, socks[1], socks[0]);
    if (!be_told(sp, &msg, &fd, socks[0], ITK_REQ_ZYGOTE)) {
        _exit(0);
    }
    (void)close(socks[0]);
    itk_birth_zygote(sp, msg.ident, fd, &first);
}

/* --- in the spawner ------------------------------------------------------ */

apr_status_t itk_spare_start(itk_spare_t *spare, const itk_spawner_t *sp,
                             const int *close_these, int n)
{
    pid_t self = getpid();
    int zygote[2], worker[2];
    apr_status_t rv;

    rv = itk_sock_pair(zygote);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = itk_sock_pair(worker);
    if (rv != APR_SUCCESS) {
        (void)close(zygote[0]);
        (void)close(zygote[1]);
        return rv;
    }
    spare->pid = fork();
    if (spare->pid == 0) {
        int socks[2] = {zygote[1], worker[1]};

        while (n-- > 0) {
            (void)close(close_these[n]);
        }
        (void)close(zygote[0]);
        (void)close(worker[0]);
        be_spare(sp, socks, self);
    }
    rv = spare->pid < 0 ? errno : APR_SUCCESS;
    (void)close(zygote[1]);
    (void)close(worker[1]);
    spare->zygote = zygote[0];
    spare->worker = worker[0];
    if (rv != APR_SUCCESS) {
        (void)itk_spare_ended(spare, spare->pid);
    }
    return rv;
}

int itk_spare_ended(itk_spare_t *spare, pid_t pid)
{
    if (spare->pid == 0 || spare->pid != pid) {
        return 0;
    }
    (void)close(spare->zygote);
    (void)close(spare->worker);
    spare->pid = 0;
    return 1;
}

pid_t itk_spare_use(itk_spare_t *spare, const itk_spawner_t *sp,
                    uint32_t ident, int sock)
{
    pid_t pid = spare->pid;
    itk_msg_t msg;
    apr_status_t rv;

    if (pid == 0) {
        return 0;
    }
    /* The worker may be missing; its zygote knows. */
    itk_wire_init(&msg, ITK_REQ_BECOME, sp->policy->gen);
    msg.ident = ident;
    (void)itk_sock_send(spare->worker, &msg, -1, 0);
    msg.type = ITK_REQ_ZYGOTE;
    rv = itk_sock_send(spare->zygote, &msg, sock, 0);
    (void)itk_spare_ended(spare, pid);
    return rv == APR_SUCCESS ? pid : 0;
}

void itk_spare_drop(itk_spare_t *spare)
{
    pid_t pid = spare->pid;

    if (itk_spare_ended(spare, pid)) {
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
            continue;
        }
    }
}
