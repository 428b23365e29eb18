#include "itk_birth.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "itk_ident.h"
#include "itk_log.h"
#include "itk_zygote.h"

void itk_birth_tie(pid_t parent, int sig)
{
    (void)prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0);
    if (getppid() != parent) {
        _exit(0);
    }
}

void itk_birth_worker(pid_t parent)
{
    sigset_t drains;

    itk_birth_tie(parent, SIGUSR1);
    sigemptyset(&drains);
    sigaddset(&drains, SIGUSR1);
    (void)sigprocmask(SIG_SETMASK, &drains, NULL);
}

void itk_birth_signals(void)
{
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    (void)signal(SIGWINCH, SIG_IGN);
}

/* ChrootDir holds for every process that serves requests. */
static apr_status_t enter_chroot(const char *dir, const char **pwhat)
{
    *pwhat = "chroot";
    if (dir && (chdir(dir) != 0 || chroot(dir) != 0 || chdir("/") != 0)) {
        return errno;
    }
    return APR_SUCCESS;
}

/* IDENT and nobody else, or the end. */
static void assume(const itk_policy_t *policy, const itk_ident_t *ident)
{
    const char *what = "";
    apr_status_t rv = enter_chroot(policy->chroot_dir, &what);

    if (rv == APR_SUCCESS) {
        rv = itk_ident_assume(ident, &what);
    }
    if (rv != APR_SUCCESS) {
        itk_log(ITK_LOG_ERR, rv, "itk-drop-failed: cannot become %s (uid %lu,"
                " gid %lu): %s failed. Its virtual hosts answer 503. The "
                "server needs CAP_SETUID and CAP_SETGID, and CAP_SYS_NICE "
                "for a NiceValue below its own",
                ident->name, (unsigned long)ident->uid,
                (unsigned long)ident->gid, what);
        _exit(ITK_EXIT_IDENT);
    }
}

/* Its parent is the spawner; what a zygote sees to for its workers, the
 * spawner does for this one. */
static void be_worker(const itk_spawner_t *sp, const itk_msg_t *req, int sock,
                      pid_t spawner) __attribute__((noreturn));

static void be_worker(const itk_spawner_t *sp, const itk_msg_t *req, int sock,
                      pid_t spawner)
{
    itk_birth_worker(spawner);
    sp->worker(sp->baton, req->ident, req->slot, req->serial, sock);
    _exit(1);
}

void itk_birth(const itk_spawner_t *sp, const itk_msg_t *req, int sock,
               pid_t spawner)
{
    const itk_ident_t *ident = &sp->policy->idents[req->ident];
    itk_zygote_t z = {
        .gen = sp->policy->gen, .ident = req->ident, .name = ident->name,
        .baton = sp->baton, .worker = sp->worker,
    };

    assume(sp->policy, ident);
    itk_birth_signals();
    if (req->type == ITK_REQ_FIRST) {
        be_worker(sp, req, sock, spawner);
    }
    _exit(itk_zygote_run(&z, sock));
}
