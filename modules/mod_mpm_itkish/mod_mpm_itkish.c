/* mod_mpm_itkish: each virtual host answered by processes of its own user.
 * The module's record and hooks; docs/mod_mpm_itkish.md tells the rest. */

#include "mod_mpm_itkish.h"

#include "ap_mpm.h"
#include "http_connection.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mpm_common.h"

#include "mod_mpm_itkish_check.h"
#include "mod_mpm_itkish_child.h"
#include "mod_mpm_itkish_config.h"
#include "mod_mpm_itkish_gate.h"
#include "mod_mpm_itkish_inits.h"
#include "mod_mpm_itkish_life.h"
#include "mod_mpm_itkish_linger.h"

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    return itk_check_companions(ptemp);
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog,
                        apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    return itk_check_config(pconf, ptemp, s);
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    (void)plog;
    (void)ptemp;
    ap_add_version_component(pconf, "mpm-itkish/" ITK_VERSION);
    return itk_life_post_config(pconf, s);
}

static int pre_mpm(apr_pool_t *p, ap_scoreboard_e sb_type)
{
    (void)sb_type;
    return itk_life_pre_mpm(p);
}

static void child_status(server_rec *s, pid_t pid, ap_generation_t gen,
                         int slot, mpm_child_status state)
{
    (void)s;
    (void)pid;
    (void)gen;
    if (state == MPM_CHILD_EXITED) {
        itk_life_child_gone(slot);
    }
}

static void register_hooks(apr_pool_t *p)
{
    static const char *const before_ssl[] = {"mod_ssl.c", "mod_logio.c",
                                             "mod_remoteip.c", NULL};

    (void)p;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_pre_mpm(pre_mpm, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_monitor(itk_life_monitor, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_status(child_status, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(itk_child_init, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_pre_connection(itk_child_pre_connection, NULL, before_ssl,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_pre_read_request(itk_linger_pre_read, NULL, NULL,
                             APR_HOOK_MIDDLE);
    ap_hook_post_read_request(itk_linger_post_read, NULL, NULL,
                              APR_HOOK_MIDDLE);
    ap_hook_post_read_request(itk_gate, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_post_perdir_config(itk_gate, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(itk_inits_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

module AP_MODULE_DECLARE_DATA mpm_itkish_module = {
    STANDARD20_MODULE_STUFF,
    itk_dconf_create,
    itk_dconf_merge,
    itk_sconf_create,
    itk_sconf_merge,
    itk_commands,
    register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE,
#endif
};
