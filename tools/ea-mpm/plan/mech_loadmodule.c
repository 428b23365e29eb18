#include "plan/draft.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

/* LoadModule lines: those of other MPMs are commented, one of the wanted MPM
 * is brought to life (places.c). No file is ever removed or renamed: package
 * updates bring such files back, and then there are two MPMs. */

/* ---- MPMs ---- */

/* Is an MPM (or an itk module) as wanted active in CONF? */
static int is_loaded(const em_conf_t *conf, const char *mpm)
{
    for (int i = 0; i < conf->mpm_lines->nelts; i++) {
        const em_mpm_line_t *line
            = APR_ARRAY_IDX(conf->mpm_lines, i, em_mpm_line_t *);

        if (line->state == EM_LINE_ACTIVE
            && (strcmp(mpm, "itk") == 0 ? em_is_itk(line->mpm)
                                        : strcmp(line->mpm, mpm) == 0)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t need_mpm(em_draft_t *draft, const char *mpm,
                             em_result_t *res)
{
    const em_installed_t *installed;
    em_conf_t *conf;
    apr_status_t rv = em_settle(&conf, draft, em_wrong_mpm, NULL, res);

    if (rv != APR_SUCCESS || is_loaded(conf, mpm)
        || (draft->want.built_in && em_is_mpm(mpm))) {
        return rv;
    }
    installed = em_need_installed(draft, mpm);
    if (!installed) {
        return APR_SUCCESS;
    }
    return em_load(draft, installed,
                   apr_pstrcat(draft->pool, "enable ",
                               em_module_name(installed->id, draft->pool),
                               NULL), res);
}

/* ---- --without ---- */

/* The ids that a name may stand for, NULL-terminated. */
static const char *const *ids_of(const char *typed, apr_pool_t *p)
{
    const char *name = em_module_name(typed, p);
    const char **ids = apr_pcalloc(p, 2 * sizeof(*ids));

    if (strncmp(name, "php", 3) == 0) {
        return em_php_ids;
    }
    ids[0] = apr_pstrcat(p, name, "_module", NULL);
    return ids;
}

static int is_known(const em_draft_t *draft, const char *typed,
                    const char *const *ids)
{
    const em_conf_t *conf = draft->facts->conf;
    const char *name = em_module_name(typed, draft->pool);

    for (int i = 0; i < conf->directives->nelts; i++) {
        const em_directive_t *d
            = APR_ARRAY_IDX(conf->directives, i, em_directive_t *);
        const char *id = strcasecmp(d->name, "LoadModule") == 0
                             ? em_conf_word(d->args, 0, draft->pool) : NULL;

        if (id && em_wrong_id(draft, id, d, ids)) {
            return 1;
        }
    }
    return ids == em_php_ids
           || em_view_exists(draft->facts->view,
                             apr_pstrcat(draft->pool,
                                         draft->facts->modules_dir
                                             ? draft->facts->modules_dir
                                             : "",
                                         "/mod_", name, ".so", NULL),
                             draft->pool);
}

int em_is_compiled_in(const em_draft_t *draft, const char *typed)
{
    const apr_array_header_t *list = draft->facts->httpd.static_modules;
    const char *source = apr_pstrcat(draft->pool, "mod_",
                                     em_module_name(typed, draft->pool),
                                     ".c", NULL);

    for (int i = 0; list && i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), source) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Say which of IDS the request takes away. */
static void tell_gone(em_draft_t *draft, const char *const *ids,
                      const char *because)
{
    for (; *ids; ids++) {
        if (apr_hash_get(draft->facts->conf->modules, *ids,
                         APR_HASH_KEY_STRING)) {
            em_draft_tell(draft, *ids, *ids, "disabled", because);
        }
    }
}

static apr_status_t go_without(em_draft_t *draft, const char *typed,
                               em_result_t *res)
{
    const char *const *ids = ids_of(typed, draft->pool);
    em_conf_t *conf;

    if (em_is_compiled_in(draft, typed)) {
        em_draft_impossible(draft, "module-static",
                            "mod_%s is compiled into this httpd; --without "
                            "cannot take it away",
                            em_module_name(typed, draft->pool));
        return APR_SUCCESS;
    }
    if (!is_known(draft, typed, ids)) {
        em_result_hint(res, "ea-mpm show");
        return em_result_fail(res, APR_EINVAL, EM_EXIT_USAGE,
                              "module-unknown",
                              "--without %s: no such module is loaded or "
                              "installed", typed);
    }
    tell_gone(draft, ids, apr_pstrcat(draft->pool, "asked by --without ",
                                      typed, NULL));
    return em_settle(&conf, draft, em_wrong_id, ids, res);
}

/* ---- --with php=fpm ---- */

/* Make the configuration load a module that is no MPM. */
static apr_status_t need_module(em_draft_t *draft, const char *name,
                                em_result_t *res)
{
    const char *id = apr_pstrcat(draft->pool, name, "_module", NULL);
    em_installed_t installed = {.id = id};
    em_conf_t *conf;
    apr_status_t rv = em_draft_conf(&conf, draft, res);

    if (rv != APR_SUCCESS
        || apr_hash_get(conf->modules, id, APR_HASH_KEY_STRING)) {
        return rv;
    }
    installed.file = apr_pstrcat(draft->pool,
                                 draft->facts->modules_dir
                                     ? draft->facts->modules_dir : "",
                                 "/mod_", name, ".so", NULL);
    if (!em_view_exists(draft->facts->view, installed.file, draft->pool)) {
        em_draft_impossible(draft, "module-not-installed",
                            "%s is not there, and PHP cannot be handed to "
                            "php-fpm without it", installed.file);
        return APR_SUCCESS;
    }
    em_draft_tell(draft, id, id, "enabled", "asked by --with php=fpm");
    return em_load(draft, &installed,
                   apr_pstrcat(draft->pool, "enable ", name, NULL), res);
}

static apr_status_t go_php_fpm(em_draft_t *draft, em_result_t *res)
{
    em_conf_t *conf;
    apr_status_t rv;

    tell_gone(draft, em_php_ids, "asked by --with php=fpm");
    rv = em_settle(&conf, draft, em_wrong_id, em_php_ids, res);
    if (rv == APR_SUCCESS) {
        rv = need_module(draft, "proxy", res);
    }
    if (rv == APR_SUCCESS) {
        rv = need_module(draft, "proxy_fcgi", res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_draft_conf(&conf, draft, res);
    }
    if (rv == APR_SUCCESS) {
        em_fpm_check(draft, conf);
    }
    return rv;
}

/* ---- the mechanism ---- */

apr_status_t em_line_modules(em_draft_t *draft, em_result_t *res)
{
    const em_request_t *request = &draft->plan->request;
    apr_status_t rv = APR_SUCCESS;

    if (draft->want.itk) {
        rv = need_mpm(draft, "itk", res);
    }
    for (int i = 0; rv == APR_SUCCESS && i < request->without->nelts; i++) {
        rv = go_without(draft, APR_ARRAY_IDX(request->without, i,
                                             const char *), res);
    }
    if (rv == APR_SUCCESS && draft->want.php_fpm) {
        rv = go_php_fpm(draft, res);
    }
    return rv;
}

static apr_status_t make(em_draft_t *draft, em_result_t *res)
{
    apr_status_t rv = need_mpm(draft, draft->want.mpm, res);

    return rv == APR_SUCCESS ? em_line_modules(draft, res) : rv;
}

const em_mechanism_t em_mech_loadmodule = {EM_MECH_LOADMODULE, make};
