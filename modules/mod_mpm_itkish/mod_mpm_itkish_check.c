#include "mod_mpm_itkish_check.h"

#include "apr_hash.h"
#include "apr_strings.h"
#include "ap_mpm.h"
#include "http_core.h"
#include "mpm_common.h"
#include "util_cfgtree.h"

#include <unistd.h>

#include "mod_mpm_itkish_config.h"

#define LEVEL(l) (APLOG_STARTUP | (l))

int itk_check_companions(apr_pool_t *p)
{
    static const char *const rivals[][2] = {
        {"mpm_itk.c", "mpm_itk"}, {"mod_ruid2.c", "mod_ruid2"}, {NULL, NULL}};
    const char *mpm = ap_show_mpm();
    int i;

    (void)p;
    if (strcasecmp(mpm ? mpm : "", "prefork") != 0) {
        ap_log_error(APLOG_MARK, LEVEL(APLOG_CRIT), 0, NULL,
                     "itk-mpm-not-prefork: mod_mpm_itkish works with the "
                     "prefork MPM only, but %s%s; to switch, type: ea-mpm "
                     "switch itk", mpm && *mpm ? "the loaded MPM is "
                                               : "no MPM is loaded",
                     mpm ? mpm : "");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (i = 0; rivals[i][0]; i++) {
        if (ap_find_linked_module(rivals[i][0])) {
            ap_log_error(APLOG_MARK, LEVEL(APLOG_CRIT), 0, NULL,
                         "itk-rival-module: %s and mod_mpm_itkish cannot "
                         "both change users; remove the LoadModule line of "
                         "%s", rivals[i][1], rivals[i][1]);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

/* The first directive NAME for which TEST holds, at NODE or below. */
static const ap_directive_t *find_directive(
    const ap_directive_t *node, const char *name,
    int (*test)(const ap_directive_t *, apr_pool_t *), apr_pool_t *p)
{
    const ap_directive_t *found;

    for (; node; node = node->next) {
        if (strcasecmp(node->directive, name) == 0 &&
            (!test || test(node, p))) {
            return node;
        }
        found = node->first_child
                    ? find_directive(node->first_child, name, test, p) : NULL;
        if (found) {
            return found;
        }
    }
    return NULL;
}

/* Note for each mutex that a Mutex line at NODE or below names which line is
 * the last one: that one counts (util_mutex.c, ap_set_mutex). */
static void collect_mutexes(apr_hash_t *last, const ap_directive_t *node,
                            apr_pool_t *p)
{
    for (; node; node = node->next) {
        const char *args = node->args, *name;

        collect_mutexes(last, node->first_child, p);
        if (strcasecmp(node->directive, "Mutex") != 0) {
            continue;
        }
        (void)ap_getword_conf(p, &args);
        name = ap_getword_conf(p, &args);
        do {
            char *key = apr_pstrdup(p, *name ? name : "default");

            ap_str_tolower(key);
            apr_hash_set(last, key, APR_HASH_KEY_STRING, node);
            name = ap_getword_conf(p, &args);
        } while (*name);
    }
}

/* The line in force that chooses a mechanism which opens its lock as User.
 * The accept mutex is taken by prefork's own children only. */
static const ap_directive_t *bad_mutex(apr_hash_t *last, apr_pool_t *p)
{
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(p, last); hi; hi = apr_hash_next(hi)) {
        const ap_directive_t *node = apr_hash_this_val(hi);
        const char *args = node->args;
        const char *how = ap_getword_conf(p, &args);

        if ((!strncasecmp(how, "flock", 5) || !strcasecmp(how, "sysvsem"))
            && strcmp(apr_hash_this_key(hi), "mpm-accept") != 0) {
            return node;
        }
    }
    return NULL;
}

static int check_mutexes(apr_pool_t *ptemp)
{
    const char *def = apr_proc_mutex_defname();
    apr_hash_t *last = apr_hash_make(ptemp);
    const ap_directive_t *bad;

    collect_mutexes(last, ap_conftree, ptemp);
    bad = bad_mutex(last, ptemp);
    if (bad) {
        ap_log_error(APLOG_MARK, LEVEL(APLOG_CRIT), 0, NULL,
                     "itk-mutex: line %d of %s: Mutex %s: other users than "
                     "User cannot take flock and sysvsem locks, so virtual "
                     "hosts with a user would fail; write Mutex posixsem or "
                     "Mutex fcntl:... instead, or after it", bad->line_num,
                     bad->filename, bad->args);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if ((!strcmp(def, "sysvsem") || !strcmp(def, "flock")) &&
        !apr_hash_get(last, "default", APR_HASH_KEY_STRING)) {
        ap_log_error(APLOG_MARK, LEVEL(APLOG_WARNING), 0, NULL,
                     "itk-mutex: this httpd uses %s locks unless told "
                     "otherwise, and other users than User cannot take them; "
                     "write: Mutex posixsem default", def);
    }
    return OK;
}

/* A <VirtualHost> that has both a user and suEXEC. */
static int has_user(const ap_directive_t *node, apr_pool_t *p)
{
    return find_directive(node->first_child, "AssignUserID", NULL, p) &&
           find_directive(node->first_child, "SuexecUserGroup", NULL, p);
}

static void check_suexec(apr_pool_t *ptemp)
{
    const ap_directive_t *vhost = find_directive(ap_conftree, "<VirtualHost",
                                                 has_user, ptemp);

    if (vhost && ap_find_linked_module("mod_suexec.c")) {
        ap_log_error(APLOG_MARK, LEVEL(APLOG_WARNING), 0, NULL,
                     "itk-suexec: line %d of %s: suEXEC refuses every caller "
                     "but User, so CGI scripts of a virtual host with "
                     "AssignUserID fail; they already run as its user: "
                     "remove SuexecUserGroup", vhost->line_num,
                     vhost->filename);
    }
}

int itk_check_config(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    itk_policy_t *policy = NULL;

    if (itk_config_freeze(&policy, s, 0, pconf) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!itk_config_has_identities(policy)) {
        return OK;
    }
    if (geteuid() != 0) {
        ap_log_error(APLOG_MARK, LEVEL(APLOG_WARNING), 0, NULL,
                     "itk-not-root: virtual hosts have users (AssignUserID); "
                     "the server will start only as root");
    }
    if (ap_coredumpdir_configured) {
        ap_log_error(APLOG_MARK, LEVEL(APLOG_WARNING), 0, NULL,
                     "itk-core-dumps: CoreDumpDirectory has no effect on "
                     "processes of virtual hosts with a user: they hold TLS "
                     "keys and never dump core");
    }
    check_suexec(ptemp);
    return check_mutexes(ptemp);
}
