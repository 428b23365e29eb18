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

static const refusal_t packages = {
    EM_MECH_PACKAGES, "layout-unsupported",
    "On this layout an MPM is a package, and mod_cgi, mod_http2, mod_ruid2 "
    "and PHP go with it; a LoadModule line that is edited by hand is undone "
    "by the next package transaction. Change it with the package manager or "
    "with WHM > EasyApache 4: choose ea-apache24-mod_mpm_", " there"
};
static const refusal_t rebuild = {
    EM_MECH_REBUILD, "static-mpm",
    "The MPM is compiled into this httpd (httpd -l shows it), and loading "
    "another one gives \"More than one MPM loaded\". It takes a rebuild: ", ""
};

/* What to type for a rebuild with the MPM, by how this httpd was built. */
static const char *rebuild_command(const em_draft_t *draft)
{
    const em_facts_t *facts = draft->facts;
    const char *mpm = draft->want.mpm;
    const char *nice = apr_pstrcat(draft->pool, facts->httpd.server_root,
                                   "/build/config.nice", NULL);
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
    if (em_view_exists(facts->view, nice, draft->pool)) {
        return apr_psprintf(draft->pool, "in httpd's source tree, %s "
                            "--with-mpm=%s (it repeats the configure line of "
                            "this build), make, make install; with "
                            "--enable-mpms-shared=all beside it once and for "
                            "all", nice, mpm);
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

static apr_status_t make_packages(em_draft_t *draft, em_result_t *res)
{
    (void)res;
    return refuse(draft, &packages, draft->want.mpm);
}

static apr_status_t make_rebuild(em_draft_t *draft, em_result_t *res)
{
    (void)res;
    return refuse(draft, &rebuild, rebuild_command(draft));
}

const em_mechanism_t em_mech_packages = {EM_MECH_PACKAGES, make_packages};
const em_mechanism_t em_mech_rebuild = {EM_MECH_REBUILD, make_rebuild};
