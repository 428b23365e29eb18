#include "itk_birth.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "itk_ident.h"
#include "itk_log.h"
#include "itk_wire.h"

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

apr_status_t itk_birth_assume(const itk_policy_t *policy,
                              const itk_ident_t *ident, const char **pwhat)
{
    apr_status_t rv = enter_chroot(policy->chroot_dir, pwhat);

    return rv == APR_SUCCESS ? itk_ident_assume(ident, pwhat) : rv;
}

void itk_birth_zygote(const itk_spawner_t *sp, uint32_t n, int sock,
                      const itk_first_t *first)
{
    const itk_ident_t *ident = &sp->policy->idents[n];
    itk_zygote_t z = {
        .gen = sp->policy->gen, .ident = n, .name = ident->name,
        .first = first, .baton = sp->baton, .worker = sp->worker,
    };
    const char *what = "";
    apr_status_t rv = itk_birth_assume(sp->policy, ident, &what);

    if (rv != APR_SUCCESS) {
        itk_log(ITK_LOG_ERR, rv, "itk-drop-failed: cannot become %s (uid %lu,"
                " gid %lu): %s failed. Its virtual hosts answer 503. The "
                "server needs CAP_SETUID and CAP_SETGID, and CAP_SYS_NICE "
                "for a NiceValue below its own",
                ident->name, (unsigned long)ident->uid,
                (unsigned long)ident->gid, what);
        _exit(ITK_EXIT_IDENT);
    }
    itk_birth_signals();
    _exit(itk_zygote_run(&z, sock));
}
