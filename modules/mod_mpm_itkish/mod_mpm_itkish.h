#ifndef MOD_MPM_ITKISH_H
#define MOD_MPM_ITKISH_H

/* What the httpd side of the module shares: its configuration and what this
 * process is. */

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_main.h"

#include "itk_area.h"
#include "itk_policy.h"

extern module AP_MODULE_DECLARE_DATA mpm_itkish_module;
APLOG_USE_MODULE(mpm_itkish);

#define ITK_UNSET   (-1)

/* AssignUserID and NiceValue, per-directory so that they merge as mpm-itk's
 * do: a virtual host has them from the main server unless it sets its own. */
typedef struct itk_dconf_t {
    const char *user;       /* as written; NULL: no AssignUserID */
    const char *group;
    uid_t uid;
    gid_t gid;
    const char *file;       /* where it was written */
    int line;
    int nice;               /* ITK_NICE_UNSET: not set */
} itk_dconf_t;

/* Per server. The Itkish and Limit directives are read from the main server
 * only. ITK_UNSET where nothing was said. */
typedef struct itk_sconf_t {
    int max_clients_vhost;
    int max_workers;
    int idle_timeout;           /* seconds */
    int min_spare;
    int connections;            /* per worker, 0: no limit */
    apr_interval_time_t queue_timeout;
    apr_int64_t min_uid, max_uid, min_gid, max_gid;

    /* Computed after the configuration was read. */
    apr_uint32_t ident;         /* index of its identity, 0: the server's */
    apr_uint32_t vhost;         /* index of its counter */
} itk_sconf_t;

static APR_INLINE itk_sconf_t *itk_sconf_get(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &mpm_itkish_module);
}

typedef enum {
    ITK_ROLE_NONE,          /* the parent, or anything not ours */
    ITK_ROLE_CHILD,         /* a prefork child */
    ITK_ROLE_WORKER
} itk_role_t;

/* What this process is, and the frozen configuration it works with. */
typedef struct itk_self_t {
    itk_role_t role;
    apr_uint32_t ident;         /* who it is: 0 in children */
    itk_policy_t *policy;       /* NULL: no identity and no limit anywhere */
    itk_area_t area;
    int common[2];              /* introductions: [0] broker's, [1] children's
                                 * end */
    int life[2];                /* [1] is the parent's; closed, it ends the
                                 * generation */
    int connections;            /* per worker, 0: no limit */
    apr_pool_t *pconf;          /* of this configuration */
    pid_t parent;               /* the process that read it */
} itk_self_t;

extern itk_self_t itk_self;

#endif /* MOD_MPM_ITKISH_H */
