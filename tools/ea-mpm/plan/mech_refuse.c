#include "plan/draft.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* Layouts whose MPM is no line of a configuration. What can be said of each
 * is data; editing lines there would be undone by the next package
 * transaction, or give "More than one MPM loaded". */

typedef struct refusal_t {
    em_mechanism_id_t id;
    const char *problem;
    const char *why, *tail;     /* sentences; the MPM, or what to type for
                                 * it, stands between them */
} refusal_t;

static const refusal_t rebuild = {
    EM_MECH_REBUILD, "static-mpm",
    "The MPM is compiled into this httpd (httpd -l shows it), and loading "
    "another one gives \"More than one MPM loaded\". It takes a rebuild: ", ""
};

#define MAX_NICE (1024 * 1024)

/* The configure line of this build with MPM instead, or NULL: configure
 * leaves it in the directory "build" beside the modules or the binary. */
static const char *configure_line(const em_draft_t *draft, const char *mpm)
{
    const em_facts_t *facts = draft->facts;
    const char *places[] = {facts->httpd.server_root, facts->modules_dir,
                            facts->httpd.binary};
    apr_pool_t *p = draft->pool;
    em_node_t *node;

    for (int i = 0; i < 3; i++) {
        const char *dir = places[i], *slash = dir ? strrchr(dir, '/') : NULL;

        if (slash && i > 0) {
            dir = apr_pstrmemdup(p, dir, (apr_size_t)(slash - dir));
            dir = i == 1 ? dir : apr_pstrcat(p, dir, "/..", NULL);
        }
        if (slash && em_view_read(&node, facts->view,
                                  apr_pstrcat(p, dir, "/build/config.nice",
                                              NULL), MAX_NICE, p)
                     == APR_SUCCESS) {
            return em_config_nice(node->data, mpm, p);
        }
    }
    return NULL;
}

/* What to type for a rebuild with the MPM, by how this httpd was built. */
static const char *rebuild_command(const em_draft_t *draft)
{
    const em_facts_t *facts = draft->facts;
    const char *mpm = draft->want.mpm, *line;
    char *upper = apr_pstrdup(draft->pool, mpm), *c;

    for (c = upper; *c; c++) {
        *c = (char)apr_toupper(*c);
    }
    if (strcmp(facts->layout->id, "gentoo") == 0) {
        return apr_psprintf(draft->pool, "put APACHE2_MPMS=\"%s\" into "
                            "/etc/portage/make.conf, then: emerge --ask "
                            "--changed-use www-servers/apache", mpm);
    }
    if (strcmp(facts->layout->id, "freebsd") == 0) {
        return apr_psprintf(draft->pool, "choose the option MPM_%s (or "
                            "MPM_SHARED once and for all) with make config "
                            "in /usr/ports/www/apache24, then: make "
                            "reinstall clean", upper);
    }
    line = configure_line(draft, mpm);
    if (line) {
        return apr_psprintf(draft->pool, "in httpd's source tree (with "
                            "--enable-mpms-shared=all at the end once and "
                            "for all): %s && make && make install", line);
    }
    return apr_psprintf(draft->pool, "configure --with-mpm=%s, or "
                        "--enable-mpms-shared=all once and for all", mpm);
}

static apr_status_t refuse(em_draft_t *draft, const refusal_t *refusal,
                           const char *name)
{
    const em_plan_t *plan = draft->plan;

    if (plan->from && strcmp(plan->from, plan->to) == 0
        && plan->request.with->nelts + plan->request.without->nelts == 0) {
        return APR_SUCCESS;     /* nothing to do needs no mechanism */
    }
    em_draft_impossible(draft, refusal->problem, "%s%s%s", refusal->why, name,
                        refusal->tail);
    return APR_SUCCESS;
}

/* The configuration as the rebuilt httpd would read it: what would break
 * under it is told with the refusal. */
static apr_status_t read_rebuilt(em_draft_t *draft, em_result_t *res)
{
    em_conf_how_t how = draft->facts->conf_how;
    apr_array_header_t *statics = apr_array_make(draft->pool, 16,
                                                 sizeof(const char *));
    const char *old = apr_pstrcat(draft->pool,
                                  draft->facts->httpd.static_mpm, ".c", NULL);
    em_conf_t *conf;
    apr_status_t rv;

    for (const char *const *one = how.static_modules; one && *one; one++) {
        APR_ARRAY_PUSH(statics, const char *) = strcmp(*one, old) == 0
            ? apr_pstrcat(draft->pool, draft->want.mpm, ".c", NULL) : *one;
    }
    APR_ARRAY_PUSH(statics, const char *) = NULL;
    how.static_modules = (const char *const *)statics->elts;
    rv = em_conf_read(&conf, &how, res, draft->pool);
    if (rv == APR_SUCCESS) {
        draft->plan->after = conf;
        draft->plan->rebuilt = draft->want.mpm;
    }
    return rv;
}

static apr_status_t make_rebuild(em_draft_t *draft, em_result_t *res)
{
    apr_status_t rv = refuse(draft, &rebuild, rebuild_command(draft));

    return rv == APR_SUCCESS && draft->plan->impossible
           && draft->facts->httpd.static_mpm ? read_rebuilt(draft, res) : rv;
}

const em_mechanism_t em_mech_rebuild = {EM_MECH_REBUILD, make_rebuild};
