#include "itk_spare.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "itk_birth.h"
#include "itk_sock.h"
#include "itk_title.h"

/* --- in the spare -------------------------------------------------------- */

/* Is this the one message, and may its identity be taken on? */
static int is_order(const itk_spawner_t *sp, const itk_msg_t *msg)
{
    const itk_ident_t *ident;

    if ((msg->type != ITK_REQ_ZYGOTE && msg->type != ITK_REQ_FIRST) ||
        msg->gen != sp->policy->gen) {
        return 0;
    }
    ident = itk_policy_ident(sp->policy, msg->ident);
    return ident && !itk_policy_refuse(sp->policy, ident);
}

static void be_spare(const itk_spawner_t *sp, int sock, pid_t spawner)
    __attribute__((noreturn));

static void be_spare(const itk_spawner_t *sp, int sock, pid_t spawner)
{
    apr_status_t rv;
    itk_msg_t msg;
    int fd = -1;

    itk_birth_tie(spawner, SIGKILL);
    itk_title_set("httpd: itk spare");
    sp->shed(sp->baton);
    do {
        rv = itk_sock_recv(&msg, &fd, sock, 0);
    } while (APR_STATUS_IS_EINTR(rv));
    if (rv != APR_SUCCESS || !is_order(sp, &msg)) {
        _exit(0);
    }
    (void)close(sock);
    itk_birth(sp, &msg, fd, spawner);
}

/* --- in the spawner ------------------------------------------------------ */

apr_status_t itk_spare_start(itk_spare_t *spare, const itk_spawner_t *sp,
                             const int *close_these, int n)
{
    pid_t self = getpid();
    apr_status_t rv;
    int pair[2];

    rv = itk_sock_pair(pair);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    spare->pid = fork();
    if (spare->pid == 0) {
        while (n-- > 0) {
            (void)close(close_these[n]);
        }
        (void)close(pair[0]);
        be_spare(sp, pair[1], self);
    }
    rv = spare->pid < 0 ? errno : APR_SUCCESS;
    (void)close(pair[1]);
    spare->sock = pair[0];
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
    (void)close(spare->sock);
    spare->pid = 0;
    return 1;
}

pid_t itk_spare_use(itk_spare_t *spare, const itk_msg_t *req, int sock)
{
    pid_t pid = spare->pid;
    apr_status_t rv;

    if (pid == 0) {
        return 0;
    }
    rv = itk_sock_send(spare->sock, req, sock, 0);
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
