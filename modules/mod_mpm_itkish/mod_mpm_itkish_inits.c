#include "mod_mpm_itkish_inits.h"

#include "apr_thread_proc.h"
#include "http_config.h"
#include "mpm_common.h"

#include <signal.h>
#include <string.h>

/* Work that must be done as the server's own user, once: a worker that won
 * mod_watchdog's lock would renew certificates as somebody who cannot write
 * them. */
static const char *const not_here[] = {"mod_watchdog.c", "mod_heartmonitor.c",
                                       NULL};

/* mod_proxy makes pools for each backend of all virtual hosts together, which
 * it touches in its handler only. Most workers never get there, nor does a
 * child that hands its connections over. */
#define LATE    "mod_proxy.c"

static ap_HOOK_child_init_t *late;
static apr_pool_t *due;         /* LATE was to run with this pool */

static ap_LINK_child_init_t *each_hook(int i)
{
    apr_array_header_t *hooks = ap_hook_get_child_init();

    return hooks && i < hooks->nelts
               ? &APR_ARRAY_IDX(hooks, i, ap_LINK_child_init_t) : NULL;
}

static void remember(apr_pool_t *p, server_rec *s)
{
    (void)s;
    due = p;
}

void itk_inits_put_off(void)
{
    ap_LINK_child_init_t *hook;
    int i;

    for (i = 0; (hook = each_hook(i)); i++) {
        if (strcmp(hook->szName, LATE) == 0 && hook->pFunc != remember) {
            late = hook->pFunc;
            hook->pFunc = remember;
        }
    }
}

static int is_one_of(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name)) {
        names++;
    }
    return *names != NULL;
}

static void run_most(apr_pool_t *p)
{
    ap_LINK_child_init_t *hook;
    int i;

    for (i = 0; (hook = each_hook(i)); i++) {
        if (!is_one_of(not_here, hook->szName)) {
            hook->pFunc(p, ap_server_conf);
        }
    }
}

static void run_late(apr_pool_t *p)
{
    due = NULL;
    late(p, ap_server_conf);
}

/* Threads that a module starts there must not get our signals. */
static void run_masked(void (*run)(apr_pool_t *), apr_pool_t *p)
{
#if APR_HAS_THREADS
    sigset_t before;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    (void)apr_setup_signal_thread();
    run(p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
#else
    run(p);
#endif
}

void itk_inits_run(apr_pool_t *p)
{
    run_masked(run_most, p);
}

int itk_inits_handler(request_rec *r)
{
    if (due && (r->proxyreq ||
                (r->handler && strncmp(r->handler, "proxy", 5) == 0))) {
        run_masked(run_late, due);
    }
    return DECLINED;
}
