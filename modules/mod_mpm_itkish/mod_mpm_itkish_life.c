#include "mod_mpm_itkish_life.h"

#include "apr_portable.h"
#include "apr_strings.h"
#include "apr_thread_proc.h"
#include "ap_listen.h"
#include "ap_mpm.h"
#include "http_core.h"
#include "mpm_common.h"
#include "scoreboard.h"
#include "unixd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include "itk_broker.h"
#include "itk_heap.h"
#include "itk_log.h"
#include "itk_sandbox.h"
#include "itk_sock.h"
#include "itk_spawner.h"
#include "itk_title.h"
#include "mod_mpm_itkish_config.h"
#include "mod_mpm_itkish_inits.h"
#include "mod_mpm_itkish_worker.h"

#define RETAINED_KEY    "mpm_itkish"
#define MAX_OLD         256
#define STOP_SECONDS    8       /* the spawner itself gives up after 5 */

/* A spawner of this or an earlier generation, as the parent knows it. */
typedef struct watched_t {
    apr_proc_t proc;            /* proc.pid 0: gone */
    int current;
} watched_t;

/* What outlives the configuration and the module's own memory. */
typedef struct retained_t {
    pid_t spawner;              /* of the current generation, 0: none */
    int started;                /* common, life and area are valid */
    int common[2];
    int life[2];
    itk_area_t area;
    pid_t old[MAX_OLD];         /* spawners of earlier generations */
    int n_old;
    apr_time_t born;
    int deaths;                 /* in a row, each soon after its birth */
} retained_t;

static retained_t *retained;
static apr_pool_t *pconf;

itk_self_t itk_self = {.common = {-1, -1}, .life = {-1, -1}};

static retained_t *get_retained(void)
{
    if (!retained) {
        retained = ap_retained_data_get(RETAINED_KEY);
    }
    if (!retained) {
        retained = ap_retained_data_create(RETAINED_KEY, sizeof(*retained));
    }
    return retained;
}

/* --- in the new processes ------------------------------------------------ */

static void log_line(itk_log_level_t level, int status, const char *text)
{
    static const int levels[] = {APLOG_ERR, APLOG_WARNING, APLOG_INFO,
                                 APLOG_DEBUG};

    ap_log_error(APLOG_MARK, levels[level], status, ap_server_conf, "%s",
                 text);
}

static void close_fd(int *pfd)
{
    if (*pfd >= 0) {
        (void)close(*pfd);
        *pfd = -1;
    }
}

static void broker_main(void *baton, int sock)
{
    itk_broker_t setup = {
        .policy = itk_self.policy, .area = &itk_self.area,
        .common = itk_self.common[0], .life = itk_self.life[0],
        .spawner = sock, .error_log = -1, .label = "",
    };

    (void)baton;
    setup.keep_all = !ap_server_conf->error_log;
    if (ap_server_conf->error_log) {
        apr_os_file_t fd;

        if (apr_os_file_get(&fd, ap_server_conf->error_log) == APR_SUCCESS) {
            setup.error_log = fd;
        }
    }
    _exit(itk_broker_run(&setup));
}

static void worker_main(void *baton, uint32_t ident, uint32_t slot,
                        uint32_t serial, int sock)
{
    (void)baton;
    itk_worker_main(ident, slot, serial, sock);
}

static void shed(void *baton)
{
    (void)baton;
    close_fd(&itk_self.common[0]);
    close_fd(&itk_self.life[0]);
    itk_area_destroy(&itk_self.area);
}

static void spawner_main(void) __attribute__((noreturn));

static void spawner_main(void)
{
    itk_spawner_t sp = {
        .policy = itk_self.policy, .label = "", .life = itk_self.life[0],
        .broker = broker_main, .shed = shed, .worker = worker_main,
    };

    close_fd(&itk_self.common[1]);
    close_fd(&itk_self.life[1]);
    ap_close_listeners();
    itk_close_pods();
    itk_log_to(log_line);
    itk_heap_settle();
    itk_worker_prepare(pconf);
    _exit(itk_spawner_run(&sp));
}

/* --- the parent watches -------------------------------------------------- */

static apr_status_t start_spawner(void);

/* PID is reaped and may soon be somebody else's. */
static void forget_old(pid_t pid)
{
    int i;

    for (i = 0; i < retained->n_old; i++) {
        if (retained->old[i] == pid) {
            retained->old[i] = retained->old[--retained->n_old];
            return;
        }
    }
}

static void on_other_child(int reason, void *data, int status)
{
    watched_t *w = data;
    int state = AP_MPMQ_STOPPING;

    (void)status;
    if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST) {
        return;
    }
    get_retained();
    forget_old(w->proc.pid);
    w->proc.pid = 0;
    apr_proc_other_child_unregister(w);
    if (!w->current) {
        return;
    }
    retained->spawner = 0;
    if (apr_time_now() - retained->born > apr_time_from_sec(2)) {
        retained->deaths = 0;
    }
    retained->deaths++;
    (void)ap_mpm_query(AP_MPMQ_MPM_STATE, &state);
    if (state == AP_MPMQ_STOPPING) {
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                 "itk-spawner-restart: the itk spawner ended%s",
                 retained->deaths < 3 ? ", starting another"
                                      : "; the next attempt is in 10 s");
    if (retained->deaths < 3) {
        (void)start_spawner();
    }
}

static void watch_pid(pid_t pid, int current)
{
    watched_t *w = apr_pcalloc(pconf, sizeof(*w));

    w->proc.pid = pid;
    w->current = current;
    apr_proc_other_child_register(&w->proc, on_other_child, w, NULL, pconf);
}

static apr_status_t start_spawner(void)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0) {
        spawner_main();
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, errno, ap_server_conf,
                     "itk-no-broker: cannot start the itk spawner; virtual "
                     "hosts with a user answer 503");
        return errno;
    }
    get_retained()->spawner = pid;
    retained->born = apr_time_now();
    watch_pid(pid, 1);
    return APR_SUCCESS;
}

int itk_life_monitor(apr_pool_t *p, server_rec *s)
{
    (void)p;
    (void)s;
    if (itk_config_has_identities(itk_self.policy) && retained &&
        retained->started && retained->spawner == 0) {
        retained->deaths = 0;
        (void)start_spawner();
    }
    return DECLINED;
}

void itk_life_child_gone(int slot)
{
    if (itk_self.area.base && slot >= 0) {
        itk_area_uncount(&itk_self.area, (apr_uint32_t)slot);
    }
}

/* --- generations --------------------------------------------------------- */

/* The generation before this one: whoever still serves for it goes on until
 * done; nobody can ask it for more. */
static void let_go_of_previous(void)
{
    int i;

    get_retained();
    if (retained->started) {
        for (i = 0; i < 2; i++) {
            close_fd(&retained->common[i]);
            close_fd(&retained->life[i]);
        }
        itk_area_destroy(&retained->area);
        retained->started = 0;
    }
    if (retained->spawner && retained->n_old < MAX_OLD) {
        retained->old[retained->n_old++] = retained->spawner;
    }
    retained->spawner = 0;
}

/* A spawner that ends later must not surprise prefork. */
static void watch_old_ones(void)
{
    int i, n = 0;

    for (i = 0; i < retained->n_old; i++) {
        if (waitpid(retained->old[i], NULL, WNOHANG) == 0) {
            watch_pid(retained->old[i], 0);
            retained->old[n++] = retained->old[i];
        }
    }
    retained->n_old = n;
}

static apr_status_t make_channels(void)
{
    apr_status_t rv;

    rv = itk_sock_pair(itk_self.common);
    if (rv == APR_SUCCESS) {
        rv = itk_sock_want_sender(itk_self.common[0]);
    }
    if (rv == APR_SUCCESS && pipe2(itk_self.life, O_CLOEXEC) != 0) {
        rv = errno;
    }
    return rv;
}

/* Everything this configuration needs: shared memory, channels, spawner. */
static apr_status_t start_generation(server_rec *s)
{
    const itk_policy_t *policy = itk_self.policy;
    apr_uint32_t slots = policy->max_workers + policy->max_workers / 4 + 16;
    apr_status_t rv;

    rv = itk_area_create(&itk_self.area, policy->n_idents,
                         (apr_uint32_t)sysconf(_SC_NPROCESSORS_CONF), slots,
                         policy->max_children, itk_config_count_servers(s));
    if (rv == APR_SUCCESS && itk_config_has_identities(policy)) {
        rv = make_channels();
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "itk-no-broker: cannot "
                     "set up the itk broker; virtual hosts with a user "
                     "answer 503");
        return rv;
    }
    retained->started = 1;
    retained->area = itk_self.area;
    memcpy(retained->common, itk_self.common, sizeof(itk_self.common));
    memcpy(retained->life, itk_self.life, sizeof(itk_self.life));
    retained->deaths = 0;
    return itk_config_has_identities(policy) ? start_spawner() : APR_SUCCESS;
}

static void wait_for_end(pid_t pid)
{
    int tenths = STOP_SECONDS * 100;

    (void)kill(pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (tenths-- == 0) {
            (void)kill(pid, SIGKILL);
        }
        if (tenths < -100) {
            break;
        }
        apr_sleep(apr_time_from_msec(10));
    }
}

/* A graceful restart: idle workers leave and write their buffered logs while
 * the piped loggers of this configuration still live. That takes a moment;
 * who is busy is not waited for. */
static void begin_drain(void)
{
    int tries = 150;

    close_fd(&itk_self.life[1]);
    retained->life[1] = -1;
    while (tries-- > 0 &&
           !atomic_load(&itk_self.area.shared->drained)) {
        apr_sleep(apr_time_from_msec(2));
    }
}

/* The configuration goes. Unless that is for a graceful restart, nothing may
 * be left behind: wait until all our processes have ended. */
static apr_status_t end_generation(void *data)
{
    ap_unixd_mpm_retained_data *mpm = ap_unixd_mpm_get_retained_data();
    int i;

    (void)data;
    if (getpid() != itk_self.parent) {
        return APR_SUCCESS;
    }
    if (mpm->restart_pending && !mpm->is_ungraceful) {
        if (get_retained()->started && retained->spawner) {
            begin_drain();
        }
        return APR_SUCCESS;
    }
    let_go_of_previous();
    for (i = 0; i < retained->n_old; i++) {
        wait_for_end(retained->old[i]);
    }
    retained->n_old = 0;
    return APR_SUCCESS;
}

static int has_capabilities(void)
{
    cap_t mine = cap_get_proc();
    cap_flag_value_t uid = CAP_CLEAR;
    cap_flag_value_t gid = CAP_CLEAR;

    if (mine) {
        (void)cap_get_flag(mine, CAP_SETUID, CAP_EFFECTIVE, &uid);
        (void)cap_get_flag(mine, CAP_SETGID, CAP_EFFECTIVE, &gid);
        (void)cap_free(mine);
    }
    return uid == CAP_SET && gid == CAP_SET;
}

/* May this process give users to virtual hosts at all? */
static int may_change_users(server_rec *s)
{
    if (geteuid() != 0) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, s,
                     "itk-not-root: virtual hosts have users (AssignUserID), "
                     "but the server is not started by root. Start it as "
                     "root, or remove AssignUserID");
        return 0;
    }
    if (!has_capabilities()) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, s,
                     "itk-no-capability: virtual hosts have users "
                     "(AssignUserID), but the server has no CAP_SETUID and "
                     "CAP_SETGID. Give these to its service or container");
        return 0;
    }
    return 1;
}

int itk_life_post_config(apr_pool_t *p, server_rec *s)
{
    int in_use = ap_state_query(AP_SQ_MAIN_STATE) !=
                 AP_SQ_MS_CREATE_PRE_CONFIG;

    pconf = p;
    itk_self.parent = getpid();
    itk_self.pconf = p;
    itk_self.role = ITK_ROLE_NONE;
    if (itk_config_freeze(&itk_self.policy, s, in_use, p) != APR_SUCCESS ||
        (itk_config_has_identities(itk_self.policy) && !may_change_users(s))) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (itk_config_has_identities(itk_self.policy)) {
        itk_inits_put_off();
    }
    itk_self.connections = itk_sconf_get(s)->connections;
    if (itk_self.connections == ITK_UNSET) {
        itk_self.connections = ap_max_requests_per_child;
    }
    itk_title_init();
    let_go_of_previous();
    watch_old_ones();
    /* Early: prefork's own cleanup of pconf forgets why it is cleaned. */
    apr_pool_pre_cleanup_register(p, NULL, end_generation);
    if (itk_self.policy && ap_exists_scoreboard_image()) {
        /* A restart: better up with 503 for some than down for all. */
        (void)start_generation(s);
    }
    return OK;
}

int itk_life_pre_mpm(apr_pool_t *p)
{
    (void)p;
    if (!itk_self.policy || get_retained()->started) {
        return OK;
    }
    return start_generation(ap_server_conf) == APR_SUCCESS
               ? OK : HTTP_INTERNAL_SERVER_ERROR;
}
