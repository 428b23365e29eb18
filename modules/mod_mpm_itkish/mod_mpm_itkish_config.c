#include "mod_mpm_itkish_config.h"

#include "apr_lib.h"
#include "apr_strings.h"
#include "ap_mpm.h"
#include "http_core.h"
#include "mpm_common.h"
#include "unixd.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <unistd.h>

#define DEFAULT_IDLE_TIMEOUT    120
#define MAX_WARM                1024
#define DEFAULT_QUEUE_TIMEOUT   apr_time_from_sec(10)
#define MAX_ID                  ((apr_int64_t)UINT_MAX - 1)

/* --- create and merge ---------------------------------------------------- */

void *itk_dconf_create(apr_pool_t *p, char *dir)
{
    itk_dconf_t *dc = apr_pcalloc(p, sizeof(*dc));

    (void)dir;
    dc->uid = (uid_t)-1;
    dc->gid = (gid_t)-1;
    dc->nice = ITK_NICE_UNSET;
    return dc;
}

void *itk_dconf_merge(apr_pool_t *p, void *base, void *add)
{
    const itk_dconf_t *b = base;
    const itk_dconf_t *a = add;
    itk_dconf_t *dc = apr_pmemdup(p, a->user ? a : b, sizeof(*dc));

    dc->nice = a->nice != ITK_NICE_UNSET ? a->nice : b->nice;
    return dc;
}

void *itk_sconf_create(apr_pool_t *p, server_rec *s)
{
    itk_sconf_t *sc = apr_pcalloc(p, sizeof(*sc));

    (void)s;
    sc->max_clients_vhost = ITK_UNSET;
    sc->max_workers = ITK_UNSET;
    sc->idle_timeout = ITK_UNSET;
    sc->min_spare = ITK_UNSET;
    sc->connections = ITK_UNSET;
    sc->queue_timeout = ITK_UNSET;
    sc->min_uid = sc->max_uid = ITK_UNSET;
    sc->min_gid = sc->max_gid = ITK_UNSET;
    return sc;
}

/* Only MaxClientsVHost may differ between servers. */
void *itk_sconf_merge(apr_pool_t *p, void *base, void *add)
{
    const itk_sconf_t *a = add;
    itk_sconf_t *sc = apr_pmemdup(p, base, sizeof(*sc));

    if (a->max_clients_vhost != ITK_UNSET) {
        sc->max_clients_vhost = a->max_clients_vhost;
    }
    return sc;
}

/* --- directives ---------------------------------------------------------- */

/* "#1000" as a number; -1 if it is none. */
static apr_int64_t numeric_id(const char *name)
{
    char *end;
    apr_int64_t n;

    if (!apr_isdigit(name[1])) {
        return -1;
    }
    n = apr_strtoi64(name + 1, &end, 10);
    return *end || n > MAX_ID ? -1 : n;
}

static const char *find_user(uid_t *puid, const char *name)
{
    struct passwd *pw;
    apr_int64_t n;

    if (name[0] == '#') {
        n = numeric_id(name);
        *puid = (uid_t)n;
        return n < 0 ? "is not a user number" : NULL;
    }
    pw = getpwnam(name);
    if (!pw) {
        return "is not a user of this system: create it, or "
               "correct the name";
    }
    *puid = pw->pw_uid;
    return NULL;
}

static const char *find_group(gid_t *pgid, const char *name)
{
    struct group *gr;
    apr_int64_t n;

    if (name[0] == '#') {
        n = numeric_id(name);
        *pgid = (gid_t)n;
        return n < 0 ? "is not a group number" : NULL;
    }
    gr = getgrnam(name);
    if (!gr) {
        return "is not a group of this system: create it, or "
               "correct the name";
    }
    *pgid = gr->gr_gid;
    return NULL;
}

/* "Directive: "argument" is not ...". httpd puts file and line before it. */
static const char *complain(cmd_parms *cmd, const char *arg, const char *why)
{
    return apr_psprintf(cmd->pool, "%s: \"%s\" %s", cmd->cmd->name, arg,
                        why);
}

/* NULL when the directive stands at server or virtual host level. */
static const char *only_at_server(cmd_parms *cmd)
{
    if (ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT) == NULL) {
        return NULL;
    }
    return apr_psprintf(cmd->pool, "%s cannot be used in %s: mod_mpm_itkish "
                        "gives a user to a whole virtual host. Put it "
                        "directly into the <VirtualHost>, or give that place "
                        "a virtual host of its own", cmd->cmd->name,
                        cmd->directive && cmd->directive->parent
                            ? apr_pstrcat(cmd->pool,
                                          cmd->directive->parent->directive,
                                          ">", NULL)
                            : ".htaccess files");
}

static const char *cmd_assign_user(cmd_parms *cmd, void *config,
                                   const char *user, const char *group)
{
    itk_dconf_t *dc = config;
    const char *err = only_at_server(cmd);

    if (err) {
        return err;
    }
    err = find_user(&dc->uid, user);
    if (err) {
        return complain(cmd, user, err);
    }
    err = find_group(&dc->gid, group);
    if (err) {
        return complain(cmd, group, err);
    }
    dc->user = user;
    dc->group = group;
    dc->file = cmd->directive->filename;
    dc->line = cmd->directive->line_num;
    return NULL;
}

static const char *cmd_assign_expr(cmd_parms *cmd, void *config,
                                   const char *args)
{
    (void)config;
    (void)args;
    return apr_psprintf(cmd->pool, "%s is not supported by mod_mpm_itkish: "
                        "the user must be known before the request is read. "
                        "Use AssignUserID in a <VirtualHost>",
                        cmd->cmd->name);
}

static const char *cmd_nice(cmd_parms *cmd, void *config, const char *arg)
{
    itk_dconf_t *dc = config;
    const char *err = only_at_server(cmd);
    char *end;
    long n;

    if (err) {
        return err;
    }
    n = strtol(arg, &end, 10);
    if (*end || end == arg) {
        return complain(cmd, arg, "is not a number");
    }
    if (n < -20 || n > 19) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_WARNING, 0, NULL,
                     "WARNING: NiceValue of %ld is outside of -20..19, using "
                     "%d", n, n < 0 ? -20 : 19);
        n = n < 0 ? -20 : 19;
    }
    dc->nice = (int)n;
    return NULL;
}

/* A whole number of at least MIN; more than INT_MAX becomes INT_MAX. */
static const char *take_number(int *pn, cmd_parms *cmd, const char *arg,
                               int min)
{
    char *end;
    apr_int64_t n = apr_strtoi64(arg, &end, 10);

    if (*end || end == arg || n < min) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is not a number of at "
                            "least %d", cmd->cmd->name, arg, min);
    }
    *pn = n > INT_MAX ? INT_MAX : (int)n;
    return NULL;
}

static const char *cmd_max_clients(cmd_parms *cmd, void *config,
                                   const char *arg)
{
    itk_sconf_t *sc = itk_sconf_get(cmd->server);
    const char *err = take_number(&sc->max_clients_vhost, cmd, arg, INT_MIN);

    (void)config;
    if (!err && sc->max_clients_vhost < 0) {
        sc->max_clients_vhost = 0;      /* as mpm-itk: <= 0 is no limit */
    }
    return err;
}

/* The directives below are the whole server's; cmd->info is the offset of an
 * int in itk_sconf_t. */
static const char *cmd_global_int(cmd_parms *cmd, void *config,
                                  const char *arg)
{
    char *sc = (char *)itk_sconf_get(cmd->server);
    apr_size_t offset = (apr_size_t)cmd->info;
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int min = offset == APR_OFFSETOF(itk_sconf_t, max_workers) ||
              offset == APR_OFFSETOF(itk_sconf_t, idle_timeout);

    (void)config;
    return err ? err : take_number((int *)(sc + offset), cmd, arg, min);
}

static const char *cmd_queue_timeout(cmd_parms *cmd, void *config,
                                     const char *arg)
{
    itk_sconf_t *sc = itk_sconf_get(cmd->server);
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_interval_time_t t;

    (void)config;
    if (err) {
        return err;
    }
    if (ap_timeout_parameter_parse(arg, &t, "s") != APR_SUCCESS ||
        t < apr_time_from_msec(1) || t > apr_time_from_sec(3600)) {
        return complain(cmd, arg, "is not a time between 1ms and 1h");
    }
    sc->queue_timeout = t;
    return NULL;
}

/* mpm-itk reads the numbers with atoi(); configurations in the wild have
 * more digits than an id can have. */
static const char *take_range(apr_int64_t *pmin, apr_int64_t *pmax,
                              cmd_parms *cmd, const char *min,
                              const char *max)
{
    char *end1, *end2;
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    if (err) {
        return err;
    }
    *pmin = apr_strtoi64(min, &end1, 10);
    *pmax = apr_strtoi64(max, &end2, 10);
    if (*end1 || *end2 || end1 == min || end2 == max || *pmin < 0 ||
        *pmax < *pmin) {
        return apr_psprintf(cmd->pool, "%s: \"%s %s\" is not a range of ids; "
                            "write the lower number first", cmd->cmd->name,
                            min, max);
    }
    *pmin = *pmin > MAX_ID ? MAX_ID : *pmin;
    *pmax = *pmax > MAX_ID ? MAX_ID : *pmax;
    return NULL;
}

static const char *cmd_limit_uid(cmd_parms *cmd, void *config,
                                 const char *min, const char *max)
{
    itk_sconf_t *sc = itk_sconf_get(cmd->server);

    (void)config;
    return take_range(&sc->min_uid, &sc->max_uid, cmd, min, max);
}

static const char *cmd_limit_gid(cmd_parms *cmd, void *config,
                                 const char *min, const char *max)
{
    itk_sconf_t *sc = itk_sconf_get(cmd->server);

    (void)config;
    return take_range(&sc->min_gid, &sc->max_gid, cmd, min, max);
}

static const char *cmd_enable_caps(cmd_parms *cmd, void *config, int on)
{
    (void)config;
    (void)on;
    return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

#define GLOBAL_INT(name, field, help)                                         \
    AP_INIT_TAKE1(name, cmd_global_int,                                       \
                  (void *)APR_OFFSETOF(itk_sconf_t, field), RSRC_CONF, help)

const command_rec itk_commands[] = {
    AP_INIT_TAKE2("AssignUserID", cmd_assign_user, NULL,
                  RSRC_CONF | ACCESS_CONF,
                  "user and group that answer this virtual host"),
    AP_INIT_RAW_ARGS("AssignUserIDExpr", cmd_assign_expr, NULL,
                     RSRC_CONF | ACCESS_CONF, "not supported"),
    AP_INIT_RAW_ARGS("AssignGroupIDExpr", cmd_assign_expr, NULL,
                     RSRC_CONF | ACCESS_CONF, "not supported"),
    AP_INIT_TAKE2("LimitUIDRange", cmd_limit_uid, NULL, RSRC_CONF,
                  "lowest and highest uid a virtual host may have"),
    AP_INIT_TAKE2("LimitGIDRange", cmd_limit_gid, NULL, RSRC_CONF,
                  "lowest and highest gid a virtual host may have"),
    AP_INIT_FLAG("EnableCapabilities", cmd_enable_caps, NULL, RSRC_CONF,
                 "accepted for mpm-itk's sake, without effect: no process "
                 "that reads requests has a capability"),
    AP_INIT_TAKE1("MaxClientsVHost", cmd_max_clients, NULL, RSRC_CONF,
                  "connections that this virtual host may have at a time"),
    AP_INIT_TAKE1("NiceValue", cmd_nice, NULL, RSRC_CONF | ACCESS_CONF,
                  "scheduling priority of this virtual host, -20 to 19"),
    GLOBAL_INT("ItkishMaxWorkers", max_workers,
               "workers of all users together, idle ones included"),
    GLOBAL_INT("ItkishIdleTimeout", idle_timeout,
               "seconds after which an idle worker leaves"),
    GLOBAL_INT("ItkishMinSpare", min_spare,
               "idle workers to keep ready for each user"),
    GLOBAL_INT("ItkishConnectionsPerWorker", connections,
               "connections after which a worker is replaced, 0: never"),
    AP_INIT_TAKE1("ItkishQueueTimeout", cmd_queue_timeout, NULL, RSRC_CONF,
                  "how long a request waits for a worker before 503"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};

/* --- the frozen table ---------------------------------------------------- */

apr_uint32_t itk_config_count_servers(const server_rec *s)
{
    apr_uint32_t n = 0;

    for (; s; s = s->next) {
        n++;
    }
    return n;
}

int itk_config_has_identities(const itk_policy_t *policy)
{
    return policy && policy->n_idents > 1;
}

/* The supplementary groups USER has; a user given by number has none, as
 * with mpm-itk. */
static void find_groups(itk_ident_t *ident, const char *user, apr_pool_t *p)
{
    int room = 32;
    gid_t *groups = NULL;
    int n;

    if (user[0] == '#') {
        groups = apr_pmemdup(p, &ident->gid, sizeof(gid_t));
        ident->groups = groups;
        ident->n_groups = 1;
        return;
    }
    for (;;) {
        n = room;
        groups = apr_palloc(p, (apr_size_t)room * sizeof(gid_t));
        if (getgrouplist(user, ident->gid, groups, &n) >= 0) {
            break;
        }
        room = n > room ? n : 2 * room;
    }
    ident->groups = groups;
    ident->n_groups = n;
}

static void server_identity(itk_ident_t *ident, int with_groups,
                            apr_pool_t *p)
{
    ident->name = ap_unixd_config.user_name ? ap_unixd_config.user_name
                                            : "#-1";
    ident->uid = geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
    ident->gid = geteuid() == 0 ? ap_unixd_config.group_id : getegid();
    ident->nice = ITK_NICE_UNSET;
    if (with_groups) {
        find_groups(ident, ident->name, p);
    }
}

/* Which identity server S asks for, filled into IDENT; 0: the server's own. */
static int wanted_identity(itk_ident_t *ident, const itk_dconf_t *dc,
                           const itk_ident_t *own, int with_groups,
                           apr_pool_t *p)
{
    *ident = *own;
    ident->nice = dc->nice;
    if (dc->user) {
        ident->name = dc->user;
        ident->uid = dc->uid;
        ident->gid = dc->gid;
        if (with_groups) {
            find_groups(ident, dc->user, p);
        }
    }
    return !itk_policy_same(ident, own);
}

static apr_uint32_t index_of(apr_array_header_t *idents,
                             const itk_ident_t *ident)
{
    int i;

    for (i = 1; i < idents->nelts; i++) {
        if (itk_policy_same(&APR_ARRAY_IDX(idents, i, itk_ident_t), ident)) {
            return (apr_uint32_t)i;
        }
    }
    APR_ARRAY_PUSH(idents, itk_ident_t) = *ident;
    return (apr_uint32_t)i;
}

static void set_range(apr_uint32_t *pmin, apr_uint32_t *pmax, apr_int64_t min,
                      apr_int64_t max)
{
    *pmin = min == ITK_UNSET ? 1 : (apr_uint32_t)min;
    *pmax = max == ITK_UNSET ? (apr_uint32_t)MAX_ID : (apr_uint32_t)max;
}

/* Unless told: twice what can be busy at a time, and enough for every user
 * to keep one warm, up to a number that costs some 200 MB. With fewer workers
 * than users that come in turn, each request would start one. */
static void set_max_workers(itk_policy_t *policy, const itk_sconf_t *sc)
{
    apr_uint32_t warm;
    int children = 0;

    (void)ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
    policy->max_workers = 2 * (apr_uint32_t)(children > 32 ? children : 32);
    warm = (apr_uint32_t)children + policy->n_idents - 1;
    warm = warm > MAX_WARM ? MAX_WARM : warm;
    if (policy->max_workers < warm) {
        policy->max_workers = warm;
    }
    if (sc->max_workers != ITK_UNSET) {
        policy->max_workers = (apr_uint32_t)sc->max_workers;
    }
    if (policy->max_workers > 65536) {
        policy->max_workers = 65536;
    }
}

static void set_limits(itk_policy_t *policy, const itk_sconf_t *sc)
{
    apr_interval_time_t queue = sc->queue_timeout == ITK_UNSET
                                    ? DEFAULT_QUEUE_TIMEOUT
                                    : sc->queue_timeout;
    int children = 0;
    int slots = 0;

    (void)ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
    (void)ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &slots);
    set_range(&policy->min_uid, &policy->max_uid, sc->min_uid, sc->max_uid);
    set_range(&policy->min_gid, &policy->max_gid, sc->min_gid, sc->max_gid);
    policy->max_children = slots > children ? (apr_uint32_t)slots
                                            : (apr_uint32_t)children;
    policy->chroot_dir = ap_unixd_config.chroot_dir;
    policy->min_spare = sc->min_spare > 0 ? (apr_uint32_t)sc->min_spare : 0;
    policy->idle_timeout = sc->idle_timeout == ITK_UNSET
                               ? DEFAULT_IDLE_TIMEOUT
                               : (apr_uint32_t)sc->idle_timeout;
    policy->queue_timeout = (apr_uint32_t)apr_time_as_msec(queue);
}

static apr_status_t add_server(server_rec *s, apr_array_header_t *idents,
                               const itk_policy_t *policy, apr_uint32_t n,
                               int *plimits, int with_groups, apr_pool_t *p)
{
    const itk_dconf_t *dc = ap_get_module_config(s->lookup_defaults,
                                                 &mpm_itkish_module);
    itk_sconf_t *sc = apr_pmemdup(p, itk_sconf_get(s), sizeof(*sc));
    const itk_ident_t *own = &APR_ARRAY_IDX(idents, 0, itk_ident_t);
    itk_ident_t ident;
    const char *why;

    /* Servers without a directive of ours share the main server's record. */
    ap_set_module_config(s->module_config, &mpm_itkish_module, sc);
    sc->vhost = n;
    sc->ident = 0;
    if (sc->max_clients_vhost > 0) {
        *plimits = 1;
    }
    if (!wanted_identity(&ident, dc, own, with_groups, p)) {
        return APR_SUCCESS;
    }
    why = dc->user ? itk_policy_refuse(policy, &ident) : NULL;
    if (why) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, s,
                     "itk-id-refused: on line %d of %s: AssignUserID %s %s "
                     "(uid %lu, gid %lu): %s", dc->line, dc->file, dc->user,
                     dc->group,
                     (unsigned long)ident.uid, (unsigned long)ident.gid, why);
        return APR_EINVAL;
    }
    sc->ident = index_of(idents, &ident);
    return APR_SUCCESS;
}

apr_status_t itk_config_freeze(itk_policy_t **ppolicy, server_rec *main,
                               int with_groups, apr_pool_t *p)
{
    itk_policy_t *policy = apr_pcalloc(p, sizeof(*policy));
    apr_array_header_t *idents = apr_array_make(p, 16, sizeof(itk_ident_t));
    apr_status_t rv = APR_SUCCESS;
    apr_status_t worst = APR_SUCCESS;
    apr_uint32_t n = 0;
    int generation = 0;
    int limits = 0;
    server_rec *s;

    set_limits(policy, itk_sconf_get(main));
    server_identity(apr_array_push(idents), with_groups, p);
    for (s = main; s; s = s->next) {
        rv = add_server(s, idents, policy, n++, &limits, with_groups, p);
        worst = rv == APR_SUCCESS ? worst : rv;
    }
    if (worst != APR_SUCCESS) {
        return worst;
    }
    (void)ap_mpm_query(AP_MPMQ_GENERATION, &generation);
    policy->gen = (apr_uint32_t)generation;
    policy->n_idents = (apr_uint32_t)idents->nelts;
    set_max_workers(policy, itk_sconf_get(main));
    policy->idents = (itk_ident_t *)idents->elts;
    *ppolicy = idents->nelts > 1 || limits ? policy : NULL;
    return APR_SUCCESS;
}
