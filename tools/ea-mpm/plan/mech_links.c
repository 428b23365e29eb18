#include "plan/links.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* Debian and Ubuntu: a module is a link in mods-enabled. A switch is what
 * a2dismod and a2enmod would do one after the other, without the moment in
 * between that has no MPM. */

/* ---- which names ---- */

static int any_id(const apr_array_header_t *ids,
                  int (*match)(const char *id, const void *baton,
                               apr_pool_t *p),
                  const void *baton, apr_pool_t *p)
{
    for (int i = 0; i < ids->nelts; i++) {
        if (match(APR_ARRAY_IDX(ids, i, const char *), baton, p)) {
            return 1;
        }
    }
    return 0;
}

static int id_is(const char *id, const void *baton, apr_pool_t *p)
{
    (void)p;
    return strcmp(id, baton) == 0;
}

static int id_is_php(const char *id, const void *baton, apr_pool_t *p)
{
    (void)baton;
    (void)p;
    return em_is_php_id(id);
}

/* An MPM or itk module that is not wanted. */
static int id_is_unwanted(const char *id, const void *baton, apr_pool_t *p)
{
    const em_want_t *want = baton;
    const char *mpm = em_mpm_of(id, p);

    if (!mpm) {
        return 0;
    }
    if (em_is_itk(mpm)) {
        return !want->itk
               || (want->itk_id && strcmp(id, want->itk_id) != 0);
    }
    return strcmp(mpm, want->mpm) != 0;
}

/* Names in mods-enabled whose .load loads an id that MATCHes. The name says
 * little: other tools link prefork.load for mpm_prefork_module. */
static apr_array_header_t *enabled_with(
    const em_links_t *links,
    int (*match)(const char *, const void *, apr_pool_t *),
    const void *baton)
{
    apr_pool_t *p = links->draft->pool;
    apr_array_header_t *names = em_links_names(links, links->mods_enabled);
    apr_array_header_t *out = apr_array_make(p, 2, sizeof(const char *));

    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (any_id(em_links_ids(links, links->mods_enabled, name), match,
                   baton, p)) {
            APR_ARRAY_PUSH(out, const char *) = name;
        }
    }
    return out;
}

/* The name in mods-available that loads ID: PREFERRED, or any. */
static const char *available_for(const em_links_t *links, const char *id,
                                 const char *preferred)
{
    apr_pool_t *p = links->draft->pool;
    apr_array_header_t *names;

    if (any_id(em_links_ids(links, links->mods_available, preferred), id_is,
               id, p)) {
        return preferred;
    }
    names = em_links_names(links, links->mods_available);
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (any_id(em_links_ids(links, links->mods_available, name), id_is,
                   id, p)) {
            return name;
        }
    }
    return NULL;
}

/* ---- disabling with words ---- */

/* The ids of a module are spoken for. */
static void mark_told(em_links_t *links, const char *name, const char *dir)
{
    apr_array_header_t *ids = em_links_ids(links, dir, name);

    for (int i = 0; i < ids->nelts; i++) {
        const char *id = APR_ARRAY_IDX(ids, i, const char *);

        apr_hash_set(links->draft->told, id, APR_HASH_KEY_STRING, id);
    }
}

static void tell(em_links_t *links, const char *name, const char *dir,
                 const char *what, const char *because)
{
    em_draft_tell(links->draft, name, NULL, what, because);
    mark_told(links, name, dir);
}

static apr_status_t disable(em_links_t *links, const char *name,
                            const char *because)
{
    tell(links, name, links->mods_enabled, "disabled", because);
    return em_links_disable(links, name);
}

static apr_status_t enable(em_links_t *links, const char *name,
                           const char *because)
{
    if (em_links_is_enabled(links, name)) {
        return em_links_enable(links, name);    /* its .conf, perhaps */
    }
    tell(links, name, links->mods_available, "enabled", because);
    return em_links_enable(links, name);
}

/* ---- --without ---- */

/* What depends on NAME would be disabled by a2dismod -f only. */
static void check_dependents(em_links_t *links, const char *name)
{
    apr_array_header_t *on = em_links_dependents(links, name);

    for (int i = 0; i < on->nelts; i++) {
        const char *other = APR_ARRAY_IDX(on, i, const char *);

        em_draft_impossible(links->draft, "module-needed",
                            "%s depends on %s: add --without %s", other, name,
                            other);
    }
}

/* The enabled names that a person may mean: the name of the .load, or a
 * module id. */
static apr_array_header_t *meant_by(const em_links_t *links,
                                    const char *typed)
{
    apr_pool_t *p = links->draft->pool;
    const char *name = em_module_name(typed, p);
    apr_array_header_t *out = apr_array_make(p, 1, sizeof(const char *));

    if (em_links_is_enabled(links, name)) {
        APR_ARRAY_PUSH(out, const char *) = name;
        return out;
    }
    if (strcmp(name, "php") == 0) {
        return enabled_with(links, id_is_php, NULL);
    }
    return enabled_with(links, id_is, apr_pstrcat(p, name, "_module", NULL));
}

static int is_known(const em_links_t *links, const char *typed)
{
    apr_pool_t *p = links->draft->pool;
    const char *name = em_module_name(typed, p);

    return strncmp(name, "php", 3) == 0 || em_links_is_available(links, name)
           || available_for(links, apr_pstrcat(p, name, "_module", NULL),
                            name);
}

static apr_status_t go_without(em_links_t *links, const char *typed,
                               em_result_t *res)
{
    apr_array_header_t *names = meant_by(links, typed);
    const char *because = apr_pstrcat(links->draft->pool,
                                      "asked by --without ", typed, NULL);
    apr_status_t rv = APR_SUCCESS;

    if (names->nelts == 0 && !is_known(links, typed)) {
        em_result_hint(res, "ea-mpm show");
        return em_result_fail(res, APR_EINVAL, EM_EXIT_USAGE,
                              "module-unknown",
                              "--without %s: there is no such module in %s",
                              typed, links->mods_available);
    }
    for (int i = 0; rv == APR_SUCCESS && i < names->nelts; i++) {
        rv = disable(links, APR_ARRAY_IDX(names, i, const char *), because);
    }
    return rv;
}

/* Asked for at the end, when all of --without is gone. */
static void check_without(em_links_t *links)
{
    const apr_array_header_t *without
        = links->draft->plan->request.without;

    for (int i = 0; i < without->nelts; i++) {
        check_dependents(links, em_module_name(
            APR_ARRAY_IDX(without, i, const char *), links->draft->pool));
    }
}

/* ---- --with php=fpm ---- */

/* "8.2" of "php8.2", NULL if NAME is not one of mod_php's. */
static const char *php_version(const char *name)
{
    return strncmp(name, "php", 3) == 0 && apr_isdigit(name[3]) ? name + 3
                                                               : NULL;
}

static int newer(const char *a, const char *b)
{
    int major = atoi(a) - atoi(b);
    const char *x = strchr(a, '.'), *y = strchr(b, '.');

    return major ? major > 0 : (x ? atoi(x + 1) : 0) > (y ? atoi(y + 1) : 0);
}

/* The newest X.Y with a conf-available/phpX.Y-fpm.conf, or NULL. */
static const char *newest_fpm(const em_links_t *links)
{
    apr_pool_t *p = links->draft->pool;
    apr_array_header_t *names;
    const char *best = NULL;

    if (em_view_list(&names, links->draft->view, links->conf_available, p)
        != APR_SUCCESS) {
        return NULL;
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        const char *version = php_version(name);
        const char *end = version ? strstr(version, "-fpm.conf") : NULL;

        if (end && end[9] == '\0') {
            version = apr_pstrmemdup(p, version, (apr_size_t)(end - version));
            best = !best || newer(version, best) ? version : best;
        }
    }
    return best;
}

static void check_fpm(em_links_t *links, const char *version)
{
    apr_pool_t *p = links->draft->pool;
    const char *package = version ? apr_psprintf(p, "php%s-fpm", version)
                                  : "php-fpm";
    int conf = version
               && em_view_exists(links->draft->view,
                                 apr_psprintf(p, "%s/php%s-fpm.conf",
                                              links->conf_available,
                                              version), p);
    const char *program = version ? apr_psprintf(p, "/usr/sbin/php-fpm%s",
                                                 version) : NULL;

    if (!conf) {
        em_draft_impossible(links->draft, "php-fpm-missing",
                            "%s is not installed (there is no %s/%s.conf). "
                            "Install it: apt-get install %s", package,
                            links->conf_available, package, package);
    }
    else if (!em_view_exists(links->draft->view, program, p)) {
        em_draft_impossible(links->draft, "php-fpm-missing",
                            "%s is not there, only its configuration is. "
                            "Install it: apt-get install %s", program,
                            package);
    }
}

static apr_status_t go_php_fpm(em_links_t *links)
{
    static const char because[] = "asked by --with php=fpm";
    static const char *const needs[] = {"proxy", "proxy_fcgi", "setenvif"};
    apr_array_header_t *mods = enabled_with(links, id_is_php, NULL);
    const char *version = NULL;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; rv == APR_SUCCESS && i < mods->nelts; i++) {
        const char *name = APR_ARRAY_IDX(mods, i, const char *);

        version = php_version(name) ? php_version(name) : version;
        rv = disable(links, name, because);
    }
    if (!version) {
        version = newest_fpm(links);
    }
    check_fpm(links, version);
    if (links->draft->plan->impossible) {
        return rv;
    }
    for (size_t i = 0; rv == APR_SUCCESS && i < 3; i++) {
        rv = enable(links, needs[i], because);
    }
    return rv == APR_SUCCESS
               ? em_links_enable_conf(links,
                                      apr_psprintf(links->draft->pool,
                                                   "php%s-fpm", version))
               : rv;
}

/* ---- MPMs ---- */

static apr_status_t disable_mpms(em_links_t *links)
{
    const em_want_t *want = &links->draft->want;
    apr_array_header_t *names = enabled_with(links, id_is_unwanted, want);
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; rv == APR_SUCCESS && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        apr_array_header_t *on;

        rv = em_links_disable(links, name);
        on = em_links_dependents(links, name);
        for (int n = 0; n < on->nelts; n++) {
            const char *other = APR_ARRAY_IDX(on, n, const char *);

            /* Not disabled in silence: what it cannot live with is for the
             * checks to say. An itk module is next in NAMES. */
            if (!any_id(em_links_ids(links, links->mods_enabled, other),
                        id_is_unwanted, want, links->draft->pool)) {
                em_draft_tell(links->draft, other, NULL, "kept",
                              apr_psprintf(links->draft->pool,
                                           "though its .load says that it "
                                           "depends on %s", name));
            }
        }
    }
    return rv;
}

/* Enable the module that loads the MPM or itk, unless one does already. */
static apr_status_t enable_mpm(em_links_t *links, const char *mpm)
{
    em_draft_t *draft = links->draft;
    const em_installed_t *installed;
    const char *id, *name;

    if (strcmp(mpm, "itk") == 0 && !draft->want.itk_id) {
        if (enabled_with(links, id_is, "mpm_itkish_module")->nelts
            + enabled_with(links, id_is, "mpm_itk_module")->nelts) {
            return APR_SUCCESS;
        }
    }
    if (strcmp(mpm, "itk") != 0) {
        id = apr_pstrcat(draft->pool, "mpm_", mpm, "_module", NULL);
        if (enabled_with(links, id_is, id)->nelts) {
            return APR_SUCCESS;
        }
    }
    installed = em_need_installed(draft, mpm);
    if (!installed) {
        return APR_SUCCESS;
    }
    id = installed->id;
    name = available_for(links, id, em_module_name(id, draft->pool));
    if (!name) {
        em_draft_impossible(draft, "module-not-installed",
                            "%s is there, but no file in %s loads %s; is "
                            "the package apache2 installed?",
                            installed->file, links->mods_available, id);
        return APR_SUCCESS;
    }
    return em_links_enable(links, name);
}

/* a2enmod takes cgid for cgi under a threaded MPM. */
static apr_status_t pair_cgi(em_links_t *links)
{
    static const char because[] = "follows the MPM, as a2enmod chooses";
    int threaded = strcmp(links->draft->want.mpm, "prefork") != 0;
    const char *old = threaded ? "cgi" : "cgid";
    const char *new = threaded ? "cgid" : "cgi";
    apr_status_t rv;

    if (!em_links_is_enabled(links, old)
        || !em_links_is_available(links, new)) {
        return APR_SUCCESS;
    }
    mark_told(links, new, links->mods_available);
    tell(links, old, links->mods_enabled,
         apr_pstrcat(links->draft->pool, "replaced by ", new, NULL),
         because);
    rv = em_links_disable(links, old);
    return rv == APR_SUCCESS ? em_links_enable(links, new) : rv;
}

/* ---- the mechanism ---- */

static apr_status_t make(em_draft_t *draft, em_result_t *res)
{
    const em_request_t *request = &draft->plan->request;
    em_links_t *links;
    em_conf_t *conf;
    apr_status_t rv = em_links_make(&links, draft, res);

    for (int i = 0; rv == APR_SUCCESS && i < request->without->nelts; i++) {
        rv = go_without(links, APR_ARRAY_IDX(request->without, i,
                                             const char *), res);
    }
    if (rv == APR_SUCCESS && draft->want.php_fpm) {
        rv = go_php_fpm(links);
    }
    if (rv == APR_SUCCESS) {
        rv = disable_mpms(links);
    }
    if (rv == APR_SUCCESS) {
        rv = enable_mpm(links, draft->want.mpm);
    }
    if (rv == APR_SUCCESS && draft->want.itk) {
        rv = enable_mpm(links, "itk");
    }
    if (rv == APR_SUCCESS
        && (!draft->plan->from
            || strcmp(draft->plan->from, draft->plan->to) != 0)) {
        rv = pair_cgi(links);
    }
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                              "cannot read the modules of this server: ");
    }
    check_without(links);
    if (draft->plan->impossible) {
        return APR_SUCCESS;
    }
    /* An MPM that is loaded from elsewhere, apache2.conf for one. */
    return em_settle(&conf, draft, em_wrong_mpm, NULL, res);
}

const em_mechanism_t em_mech_links = {EM_MECH_LINKS, make};
