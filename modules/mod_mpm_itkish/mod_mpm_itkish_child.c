#include "mod_mpm_itkish_child.h"

#include "apr_portable.h"
#include "apr_strings.h"
#include "http_core.h"
#include "http_vhost.h"
#include "mpm_common.h"

#include <unistd.h>

#include "itk_client.h"
#include "mod_mpm_itkish_router.h"
#include "mod_mpm_itkish_yield.h"

#define MAX_TRIES       16      /* workers that may die with one connection */
#define MAX_DEAD        4096    /* workers that may turn out to be dead */
#define STUCK_AFTER     2       /* seconds a worker may leave it unread */

/* What can be reached through one listening address, found once. */
typedef struct scope_t {
    const void *key;            /* the name chain, or the only server */
    apr_port_t port;
    apr_uint32_t ident;         /* if not mixed: everybody's identity */
    int mixed;                  /* several identities: the name decides */
    int limited;                /* some server has a MaxClientsVHost */
} scope_t;

#define N_SCOPES 64

static itk_client_t client;
static int connected_once;
static scope_t *scopes;
static int n_scopes;

/* Set in the connection's config when it must be answered 503. */
typedef struct refusal_t {
    int reason;
} refusal_t;

void itk_child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)pchild;
    if (itk_self.role == ITK_ROLE_WORKER || !itk_self.policy) {
        return;
    }
    itk_self.role = ITK_ROLE_CHILD;
    itk_self.ident = 0;
    if (geteuid() == 0 && itk_self.policy->idents[0].uid != 0) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "itk-child-is-root: a "
                     "prefork child kept uid 0 although User says otherwise; "
                     "ending it before it reads a request");
        exit(APEXIT_CHILDFATAL);
    }
    if (getpid() == itk_self.parent) {
        return;                 /* httpd -X: parent and child in one */
    }
    if (itk_self.common[0] >= 0) {
        (void)close(itk_self.common[0]);
        itk_self.common[0] = -1;
    }
    if (itk_self.life[1] >= 0) {
        (void)close(itk_self.life[1]);
        itk_self.life[1] = -1;
    }
}

/* --- scopes -------------------------------------------------------------- */

static void scope_add(scope_t *scope, server_rec *s, int first)
{
    const itk_sconf_t *sc = itk_sconf_get(s);

    if (first) {
        scope->ident = sc->ident;
    }
    else if (sc->ident != scope->ident) {
        scope->mixed = 1;
    }
    if (sc->max_clients_vhost > 0) {
        scope->limited = 1;
    }
}

static int scope_visit(void *baton, conn_rec *c, server_rec *s)
{
    (void)c;
    scope_add(baton, s, 0);
    return 0;
}

static const scope_t *find_scope(conn_rec *c, scope_t *scratch)
{
    const void *key = c->vhost_lookup_data ? c->vhost_lookup_data
                                           : (void *)c->base_server;
    scope_t *scope = scratch;
    int i;

    for (i = 0; i < n_scopes; i++) {
        if (scopes[i].key == key && scopes[i].port == c->local_addr->port) {
            return &scopes[i];
        }
    }
    if (!scopes) {
        scopes = calloc(N_SCOPES, sizeof(scope_t));
    }
    if (scopes && n_scopes < N_SCOPES) {
        scope = &scopes[n_scopes++];
    }
    memset(scope, 0, sizeof(*scope));
    scope->key = key;
    scope->port = c->local_addr->port;
    scope_add(scope, c->base_server, 1);
    (void)ap_vhost_iterate_given_conn(c, scope_visit, scope);
    return scope;
}

/* --- endings ------------------------------------------------------------- */

/* Go on as stock would, but every request of it is answered 503. */
static int refuse(conn_rec *c, int reason)
{
    refusal_t *refusal = apr_palloc(c->pool, sizeof(*refusal));

    refusal->reason = reason;
    ap_set_module_config(c->conn_config, &mpm_itkish_module, refusal);
    return DECLINED;
}

int itk_child_refuses(conn_rec *c)
{
    const refusal_t *refusal = ap_get_module_config(c->conn_config,
                                                    &mpm_itkish_module);

    return refusal ? refusal->reason : ITK_DENY_NONE;
}

/* The connection is no longer ours: close our copy without a word to the
 * client, and have httpd skip everything that is left to do with it. */
static int leave_to_other(conn_rec *c, apr_socket_t *csd)
{
    (void)apr_socket_close(csd);
    c->aborted = 1;
#if AP_SERVER_PATCHLEVEL_NUMBER >= 49 && AP_SERVER_PATCHLEVEL_NUMBER <= 51
    /* These do not expect a connection without a socket (PR 65627). */
    ap_set_core_module_config(c->conn_config, csd);
#endif
    return DONE;
}

static apr_status_t uncount(void *data)
{
    (void)data;
    itk_area_uncount(&itk_self.area, client.seat);
    return APR_SUCCESS;
}

/* --- handing over -------------------------------------------------------- */

typedef enum {
    SERVED,         /* or lost beyond repair: nothing left to do here */
    AGAIN,          /* not a byte of it was read: another worker can have it */
    REFUSED
} outcome_t;

/* The worker is gone (ITK_DENY_LOST), or talks nonsense (ITK_DENY_BAD) and has
 * to go. */
static outcome_t worker_lost(conn_rec *c, server_rec *s, int fd,
                             const itk_lease_t *lease, int reason)
{
    const char *name = itk_self.policy->idents[lease->ident].name;
    int unread;

    itk_client_forget(&client, lease);
    if (itk_client_untouched(fd, &unread)) {
        ap_log_error(APLOG_MARK, reason == ITK_DENY_BAD ? APLOG_WARNING
                                                        : APLOG_DEBUG, 0, s,
                     "%s: a worker of %s %s before it read the connection of "
                     "%s; another one gets it",
                     reason == ITK_DENY_BAD ? itk_deny_id(reason)
                                            : "itk-retry", name,
                     reason == ITK_DENY_BAD ? "said what made no sense"
                                            : "went away", c->client_ip);
        return AGAIN;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "%s: a worker of %s: %s; "
                 "the connection of %s is closed", itk_deny_id(reason), name,
                 itk_deny_text(reason), c->client_ip);
    return SERVED;
}

/* The worker has answered. One that refuses is not what the broker said it
 * is, and would refuse the next connection too. */
static outcome_t worker_answered(int fd, const itk_msg_t *ans,
                                 const itk_lease_t *lease, int *preason)
{
    int unread;

    if (ans->type == ITK_ANS_REFUSED) {
        *preason = ans->value == ITK_DENY_NONE ? ITK_DENY_BAD : ans->value;
        itk_client_forget(&client, lease);
        return itk_client_untouched(fd, &unread) ? REFUSED : SERVED;
    }
    if (ans->flags & ITK_DONE_LAST) {
        itk_client_forget(&client, lease);
    }
    else {
        itk_client_release(&client, lease, (apr_uint32_t)ans->value);
    }
    return SERVED;
}

/* What a second without an answer means. 1 and *POUTCOME when the wait is over.
 * *PUNREAD are the seconds that the worker left bytes unread, -1 once it has
 * begun; before that it can be said to be stuck. */
static int is_over(outcome_t *poutcome, int *punread, int fd,
                   const itk_lease_t *lease, int *preason)
{
    int limit = (int)(itk_client_job_ms(&client) / 1000) + 1;
    int bytes = 0;

    if (*punread < 0 && itk_client_bereft(&client, lease)) {
        itk_client_forget(&client, lease);
        *poutcome = SERVED;             /* or it will be, without us */
        return 1;
    }
    if (*punread >= 0 && !itk_client_untouched(fd, &bytes)) {
        *punread = -1;                  /* it is being served: no more looks */
    }
    if (*punread < 0 || bytes == 0) {
        return 0;
    }
    if (++*punread > limit) {           /* nobody will begin any more */
        itk_client_forget(&client, lease);
        *preason = ITK_DENY_SPAWN;
        *poutcome = itk_client_untouched(fd, &bytes) ? REFUSED : SERVED;
        return 1;
    }
    if (*punread >= STUCK_AFTER) {
        itk_client_stuck(&client, lease);
    }
    return 0;
}

/* Wait for the worker to finish with connection FD. A worker that leaves
 * bytes unread for too long was stopped: it is killed, then its pair ends. */
static outcome_t wait_for_worker(conn_rec *c, server_rec *s, int fd,
                                 const itk_lease_t *lease, int *preason)
{
    outcome_t outcome;
    int unread = 0;
    apr_status_t rv;
    itk_msg_t ans;

    for (;;) {
        rv = itk_client_wait(&ans, lease);
        if (rv == APR_SUCCESS) {
            return worker_answered(fd, &ans, lease, preason);
        }
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return worker_lost(c, s, fd, lease, APR_STATUS_IS_EINVAL(rv)
                                                ? ITK_DENY_BAD
                                                : ITK_DENY_LOST);
        }
        if (is_over(&outcome, &unread, fd, lease, preason)) {
            return outcome;
        }
    }
}

static outcome_t hand_over(conn_rec *c, server_rec *s, int fd,
                           apr_uint32_t ident, int *preason)
{
    outcome_t outcome;
    itk_lease_t lease;
    int tries = 0;
    int dead = 0;

    while (tries < MAX_TRIES && dead < MAX_DEAD) {
        *preason = itk_client_lease(&lease, &client, ident);
        if (*preason == ITK_DENY_GENERATION || *preason == ITK_DENY_GONE) {
            tries++;
            continue;
        }
        if (*preason != ITK_DENY_NONE) {
            return REFUSED;
        }
        if (itk_client_send(&client, &lease, fd) != APR_SUCCESS) {
            itk_client_forget(&client, &lease);
            dead++;
            continue;
        }
        tries++;
        itk_client_settle(&client);
        itk_yield();
        outcome = wait_for_worker(c, s, fd, &lease, preason);
        if (outcome != AGAIN) {
            return outcome;
        }
    }
    *preason = ITK_DENY_SPAWN;
    return REFUSED;
}

static int give_away(conn_rec *c, apr_socket_t *csd, server_rec *s,
                     apr_uint32_t ident)
{
    apr_os_sock_t fd = -1;
    int reason = ITK_DENY_NONE;

    (void)apr_os_sock_get(&fd, csd);
    if (hand_over(c, s, fd, ident, &reason) == SERVED) {
        return leave_to_other(c, csd);
    }
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "%s: no worker of %s for %s: "
                 "%s; answering 503", itk_deny_id(reason),
                 itk_self.policy->idents[ident].name, c->client_ip,
                 itk_deny_text(reason));
    return refuse(c, reason);
}

/* MaxClientsVHost of S. 0 when it is reached. */
static int count_in(conn_rec *c, server_rec *s)
{
    const itk_sconf_t *sc = itk_sconf_get(s);

    if (sc->max_clients_vhost <= 0) {
        return 1;
    }
    if (!itk_area_count(&itk_self.area, client.seat, sc->vhost,
                        (apr_uint32_t)sc->max_clients_vhost)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "MaxClientsVhost "
                     "reached for %s, refusing client.",
                     s->server_hostname ? s->server_hostname : "-");
        return 0;
    }
    apr_pool_cleanup_register(c->pool, NULL, uncount, apr_pool_cleanup_null);
    return 1;
}

static int take(conn_rec *c, apr_socket_t *csd, server_rec *s)
{
    apr_uint32_t ident = itk_sconf_get(s)->ident;

    if (!count_in(c, s)) {
        return refuse(c, ITK_DENY_LIMIT);
    }
    if (ident == 0) {
        return DECLINED;
    }
    return give_away(c, csd, s, ident);
}

/* Whose connection is it? */
static int route_and_take(conn_rec *c, apr_socket_t *csd)
{
    itk_route_t route;
    apr_status_t rv;

    memset(&route, 0, sizeof(route));
    rv = itk_route(&route, c, csd, c->base_server->timeout);
    if (rv != APR_SUCCESS) {
        route.kind = ITK_ROUTE_GONE;
    }
    switch (route.kind) {
    case ITK_ROUTE_SERVER:
    case ITK_ROUTE_UNDECIDED:
        ap_log_error(APLOG_MARK, APLOG_TRACE3, 0, route.server, "routed by "
                     "%s after %" APR_SIZE_T_FMT " bytes to %s",
                     route.why ? route.why : "-", route.peeked,
                     itk_self.policy->idents[itk_sconf_get(route.server)
                                                 ->ident].name);
        return take(c, csd, route.server);
    case ITK_ROUTE_DUMMY:   /* nobody reads an answer; we are awake now */
    case ITK_ROUTE_GONE:
        break;
    }
    return leave_to_other(c, csd);
}

/* The client's record is made with the first connection: before that, httpd
 * does not say which slot this child has. */
static int is_ready(conn_rec *c)
{
    if (!connected_once) {
        if (itk_client_init(&client, itk_self.policy, &itk_self.area,
                            itk_self.common[1], (apr_uint32_t)c->id) !=
            APR_SUCCESS) {
            return 0;
        }
        connected_once = 1;
    }
    return 1;
}

int itk_child_pre_connection(conn_rec *c, void *csd)
{
    const scope_t *scope;
    scope_t scratch;

    if (itk_self.role != ITK_ROLE_CHILD || c->master || !c->sbh) {
        return DECLINED;
    }
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 116)
    if (c->outgoing) {
        return DECLINED;
    }
#endif
    scope = find_scope(c, &scratch);
    if (!scope->mixed && !scope->limited && scope->ident == 0) {
        return DECLINED;
    }
    if (!is_ready(c)) {
        return refuse(c, ITK_DENY_SPAWN);
    }
    if (scope->mixed || scope->limited) {
        return route_and_take(c, csd);
    }
    return take(c, csd, c->base_server);
}
