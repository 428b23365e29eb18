#include "mod_mpm_itkish_worker.h"

#include "apr_portable.h"
#include "apr_signal.h"
#include "apr_strings.h"
#include "apr_thread_proc.h"
#include "ap_listen.h"
#include "ap_mpm.h"
#include "http_connection.h"
#include "http_core.h"
#include "mpm_common.h"
#include "scoreboard.h"
#include "unixd.h"

#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "itk_hunch.h"
#include "itk_ident.h"
#include "itk_sock.h"
#include "itk_title.h"
#include "mod_mpm_itkish_inits.h"
#include "mod_mpm_itkish_linger.h"

#define LOOK_MS 1000    /* how often old connections are looked after */

/* One worker per process; on the page of itk_self, which it writes too.
 * Volatile what the signal handlers touch. */
static struct {
    apr_pool_t *pchild;
    apr_pool_t *ptrans;
    apr_thread_t *thread;
    apr_bucket_alloc_t *buckets;
    ap_sb_handle_t *sbh;
    apr_uint32_t ident;
    apr_uint32_t serial;
    int slots;                  /* of the scoreboard */
    volatile int sock;
    volatile int draining;
    int timeout;                /* of SOCK, milliseconds */
    itk_hunch_t yield;          /* before waiting for the next job */
} me = {.sock = -1};

static void leave(int code) __attribute__((noreturn));

/* As prefork's clean_child_exit(): buffered logs are written by the pool's
 * cleanups. Should they hang, as they may when a signal handler got here,
 * the alarm ends the process. */
static void leave(int code)
{
    ap_unixd_mpm_get_retained_data()->mpm_state = AP_MPMQ_STOPPING;
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    (void)signal(SIGALRM, SIG_DFL);
    (void)alarm(2);
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 110)
    if (code == 0 && me.pchild) {
        ap_run_child_stopping(me.pchild, me.draining);
    }
#endif
    if (me.pchild) {
        apr_pool_destroy(me.pchild);
    }
    exit(code);
}

static void on_term(int sig)
{
    (void)sig;
    leave(0);
}

/* Finish what is under way, take nothing new. Shutting the pair down for
 * reading ends a wait that is about to begin, too; a connection that is
 * already in it is still read and served. */
static void on_drain(int sig)
{
    (void)sig;
    me.draining = 1;
    ap_unixd_mpm_get_retained_data()->mpm_state = AP_MPMQ_STOPPING;
    (void)shutdown(me.sock, SHUT_RD);
}

static void set_handler(int sig, void (*handler)(int))
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = handler;
    sa.sa_flags = SA_RESTART;
    sigemptyset(&sa.sa_mask);
    (void)sigaction(sig, &sa, NULL);
}

static void set_handlers(void)
{
    sigset_t drains;

    set_handler(SIGTERM, on_term);
    set_handler(SIGHUP, on_term);
    set_handler(SIGUSR1, on_drain);
    set_handler(SIGINT, SIG_IGN);
    set_handler(SIGPIPE, SIG_IGN);
    set_handler(SIGCHLD, SIG_DFL);
    set_handler(SIGWINCH, SIG_IGN);
    set_handler(SIGXCPU, SIG_DFL);
    set_handler(SIGXFSZ, SIG_IGN);
    ap_fatal_signal_child_setup(ap_server_conf);
    sigemptyset(&drains);
    sigaddset(&drains, SIGUSR1);        /* the zygote kept it back */
    (void)sigprocmask(SIG_UNBLOCK, &drains, NULL);
}

/* The first match makes what later ones use again: 20 KB of PCRE2's, which
 * httpd keeps with the thread. */
static void match_once(void)
{
    ap_regmatch_t found;
    ap_regex_t *re = ap_pregcomp(me.ptrans, "\\.[a-z]+$", 0);

    if (re) {
        (void)ap_regexec(re, "/index.html", 1, &found, 0);
    }
    apr_pool_clear(me.ptrans);
}

/* The pages that this writes are then shared by all workers, those of the
 * parent's pool and its neighbours among them. */
void itk_worker_prepare(apr_pool_t *parent)
{
    apr_allocator_t *allocator;

    apr_allocator_create(&allocator);
    apr_allocator_max_free_set(allocator, ap_max_mem_free);
    apr_pool_create_ex(&me.pchild, parent, NULL, allocator);
    apr_allocator_owner_set(allocator, me.pchild);
    apr_pool_tag(me.pchild, "pchild");
#if AP_HAS_THREAD_LOCAL
    ap_thread_current_after_fork();
    if (ap_thread_main_create(&me.thread, me.pchild) != APR_SUCCESS) {
        exit(1);
    }
#elif APR_HAS_THREADS
    {
        apr_os_thread_t os = apr_os_thread_current();

        apr_os_thread_put(&me.thread, &os, me.pchild);
    }
#endif
    apr_pool_create(&me.ptrans, me.pchild);
    apr_pool_tag(me.ptrans, "transaction");
    me.buckets = apr_bucket_alloc_create(me.pchild);
    (void)ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &me.slots);
    ap_create_sb_handle(&me.sbh, me.pchild, 0, 0);
    match_once();
    ap_unixd_mpm_get_retained_data()->mpm_state = AP_MPMQ_RUNNING;
}

/* Code of modules ran; still nobody else? */
static void prove_identity(void)
{
    const itk_ident_t *ident = &itk_self.policy->idents[me.ident];
    const char *what = "";
    apr_status_t rv = itk_ident_prove(ident, &what);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, ap_server_conf,
                     "itk-drop-failed: a worker of %s is not who it should "
                     "be (%s); ending it before it reads a request",
                     ident->name, what);
        leave(1);
    }
}

/* One that cannot answer leaves, so that nobody waits for it. */
static void answer(itk_type_t type, const itk_msg_t *req, int flags,
                   int value)
{
    itk_msg_t msg;

    itk_wire_init(&msg, type, itk_self.policy->gen);
    msg.ident = me.ident;
    msg.slot = req->slot;
    msg.serial = me.serial;
    msg.nonce = req->nonce;
    msg.flags = (apr_uint16_t)flags;
    msg.value = value;
    if (itk_sock_send(me.sock, &msg, -1, MSG_DONTWAIT) != APR_SUCCESS) {
        leave(0);
    }
}

/* Make an APR socket of FD. The addresses are the kernel's, whoever sent it
 * (the client's is asked for later, by httpd itself); anything but an internet
 * socket is refused. */
static apr_status_t adopt_socket(apr_socket_t **pcsd, int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in6 in6;
    } local;
    socklen_t len = sizeof(local);
    apr_os_sock_info_t info;

    if (getsockname(fd, &local.any, &len) != 0 ||
        (local.any.sa_family != AF_INET && local.any.sa_family != AF_INET6)) {
        return APR_EINVAL;
    }
    memset(&info, 0, sizeof(info));
    info.os_sock = &fd;
    info.local = &local.any;
    info.family = local.any.sa_family;
    info.type = SOCK_STREAM;
    return apr_os_sock_make(pcsd, &info, me.ptrans);
}

static void serve(apr_socket_t *csd, int slot, int last)
{
    conn_rec *c;

    ap_update_sb_handle(me.sbh, slot, 0);
    c = ap_run_create_connection(me.ptrans, ap_server_conf, csd, slot,
                                 me.sbh, me.buckets);
    if (c) {
#if APR_HAS_THREADS
        c->current_thread = me.thread;
#endif
        ap_process_connection(c, csd);
        itk_linger_close(c, csd, last || me.draining);
    }
}

/* One connection from whoever has our pair: a child of this generation, or
 * it is not served. */
static void take_job(const itk_msg_t *job, int fd, int last)
{
    apr_socket_t *csd = NULL;
    int flags;

    if (job->gen != itk_self.policy->gen || job->ident != me.ident ||
        job->serial != me.serial || (int)job->slot < 0 ||
        (int)job->slot >= me.slots ||
        (apr_int32_t)(job->until - itk_wire_now()) < 0) {
        answer(ITK_ANS_REFUSED, job, 0, ITK_DENY_GENERATION);
        (void)close(fd);
        return;
    }
    if (adopt_socket(&csd, fd) != APR_SUCCESS) {
        (void)close(fd);
        answer(ITK_ANS_DONE, job, 0, sched_getcpu());
        return;
    }
    serve(csd, (int)job->slot, last);
    apr_pool_clear(me.ptrans);
    flags = last || me.draining ? ITK_DONE_LAST : 0;
    answer(ITK_ANS_DONE, job, flags, sched_getcpu());
}

/* Under load the child that is answered has the next connection for us in a
 * moment: let it run before we go to sleep. */
static apr_status_t look_before_sleep(itk_msg_t *pmsg, int *pfd)
{
    apr_status_t rv = APR_EAGAIN;

    if (itk_hunch_try(&me.yield)) {
        (void)sched_yield();
        rv = itk_sock_recv(pmsg, pfd, me.sock, MSG_DONTWAIT);
        itk_hunch_learn(&me.yield, !APR_STATUS_IS_EAGAIN(rv));
    }
    return rv;
}

/* Wait for what is next; not for long (APR_EAGAIN) while old connections want
 * to be looked after. */
static apr_status_t next_message(itk_msg_t *pmsg, int *pfd)
{
    int wanted = itk_linger_pending() ? LOOK_MS : 0;
    apr_status_t rv;

    if (wanted != me.timeout) {
        (void)itk_sock_timeout(me.sock, wanted);
        me.timeout = wanted;
    }
    *pfd = -1;
    rv = look_before_sleep(pmsg, pfd);
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        return rv;
    }
    rv = itk_sock_recv(pmsg, pfd, me.sock, 0);
    if (APR_STATUS_IS_EAGAIN(rv)) {
        itk_linger_look();
    }
    return rv;
}

static void work(int connections)
{
    apr_status_t rv;
    itk_msg_t msg;
    int n = 0;
    int fd;

    while (!connections || n < connections) {
        rv = next_message(&msg, &fd);
        if (APR_STATUS_IS_EINTR(rv) || APR_STATUS_IS_EAGAIN(rv)) {
            continue;
        }
        if (rv == APR_EINVAL) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                         "itk-bad-message: a worker of %s got half a message "
                         "(too many open files?) and leaves",
                         itk_self.policy->idents[me.ident].name);
        }
        if (rv != APR_SUCCESS) {
            break;
        }
        if (msg.type == ITK_REQ_JOB) {
            n++;
            take_job(&msg, fd, connections && n >= connections);
        }
        else if (msg.type == ITK_REQ_PING) {
            answer(ITK_ANS_PONG, &msg, 0, sched_getcpu());
        }
        else {
            break;
        }
    }
}

void itk_worker_main(apr_uint32_t ident, apr_uint32_t slot,
                     apr_uint32_t serial, int sock)
{
    (void)slot;
    itk_self.role = ITK_ROLE_WORKER;
    itk_self.ident = ident;
    me.ident = ident;
    me.serial = serial;
    me.sock = sock;
    itk_title_set("httpd: itk worker %s",
                  itk_self.policy->idents[ident].name);
    set_handlers();
    itk_inits_run(me.pchild);
    prove_identity();
    work(itk_self.connections);
    leave(0);
}
