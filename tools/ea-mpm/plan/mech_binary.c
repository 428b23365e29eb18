#include "plan/draft.h"

#include <string.h>

#include <apr_strings.h>

#include "host/binary.h"
#include "host/options.h"
#include "host/suse.h"

/* Each MPM is a program of its own, and a variable of a sysconfig file names
 * the one that is started: one edit. Everything that follows from it (other
 * modules compiled in, other directories of modules, cgi and cgid) is read
 * from the tree as it would be. */

#define MAX_FILE (1024 * 1024)

/* ---- what is there ---- */

static const char *install_text(const em_draft_t *draft)
{
    return strcmp(draft->facts->layout->id, "suse") == 0
           ? apr_pstrcat(draft->pool, "zypper install apache2-",
                         draft->want.mpm, NULL)
           : "yum install httpd";
}

/* The program of the wanted MPM, or NULL with the plan made impossible. */
static const em_installed_t *need_program(em_draft_t *draft)
{
    const em_installed_t *one = em_facts_installed(draft->facts,
                                                   draft->want.mpm);

    if (!one) {
        em_draft_impossible(draft, "mpm-not-installed", "No httpd program "
                            "of %s is installed. Install it: %s",
                            draft->want.mpm, install_text(draft));
    }
    else if (!one->verified) {
        em_draft_impossible(draft, "mpm-file-mismatch", "%s does not hold "
                            "the MPM %s, so it is not the file that its "
                            "package brings. Install it anew: %s", one->file,
                            draft->want.mpm, install_text(draft));
        one = NULL;
    }
    return one;
}

/* Is the configuration the one that the service of this sysconfig file
 * reads? Another server's MPM is not chosen there. */
static int is_services_own(em_draft_t *draft)
{
    const em_facts_t *facts = draft->facts;
    const char *const *files = em_options_values(facts->httpd.args, 'f',
                                                 draft->pool);
    const char *own = facts->layout->config_file, *given = facts->how.conf;

    if (!given) {
        return 1;
    }
    if (files[0] && files[1]) { /* ours was appended */
        own = files[0];
    }
    (void)em_view_real(&own, facts->view, own, draft->pool);
    (void)em_view_real(&given, facts->view, given, draft->pool);
    return strcmp(own, given) == 0;
}

/* Requests that no variable can fulfil. */
static int is_for_a_variable(em_draft_t *draft)
{
    const em_request_t *request = &draft->plan->request;
    const em_layout_t *layout = draft->facts->layout;

    if (draft->want.itk) {
        em_draft_impossible(draft, "mpm-not-installed", "Here %s names the "
                            "MPM's program, and itk is no program but "
                            "prefork with a module. Switch to prefork, then "
                            "load mod_mpm_itkish where this system loads "
                            "modules, and restart",
                            layout->mpm_variable);
        return 0;
    }
    if (request->with->nelts + request->without->nelts > 0) {
        em_draft_impossible(draft, "option-unsupported", "On this layout "
                            "ea-mpm changes the MPM alone; --with and "
                            "--without are not known here. %s",
                            strcmp(layout->id, "suse") == 0
                                ? "Modules are enabled and disabled with "
                                  "a2enmod and a2dismod"
                                : "Modules are LoadModule lines of the "
                                  "configuration");
        return 0;
    }
    if (!is_services_own(draft)) {
        em_draft_impossible(draft, "layout-unsupported", "%s is not the "
                            "configuration of the service that %s starts. "
                            "Name the instance instead: --instance NAME",
                            draft->facts->how.conf, layout->sysconfig);
        return 0;
    }
    if (strcmp(layout->id, "suse") == 0
        && em_suse_includes_generated(draft->facts->view,
                                      draft->facts->httpd.config_file,
                                      draft->pool)) {
        em_draft_impossible(draft, "layout-unsupported", "%s includes "
                            "sysconfig.d/loadmodule.conf, which this release "
                            "writes anew at each start, so what a switch "
                            "would load cannot be known. Stop the service, "
                            "set APACHE_MPM=\"%s\" in %s, and start it",
                            draft->facts->httpd.config_file,
                            draft->want.mpm, layout->sysconfig);
        return 0;
    }
    return 1;
}

/* ---- the edit ---- */

static const char *edit_why(em_draft_t *draft, const char *value)
{
    const em_layout_t *layout = draft->facts->layout;
    em_binary_t now;

    em_binary_choose(&now, draft->facts->view, layout, draft->pool);
    return apr_psprintf(draft->pool, "%s=%s%s%s", layout->mpm_variable,
                        value, now.by ? "; until now " : "",
                        now.by ? now.by : "");
}

static apr_status_t set_variable(em_draft_t *draft,
                                 const em_installed_t *program,
                                 em_result_t *res)
{
    const em_layout_t *layout = draft->facts->layout;
    const char *value = em_binary_value(layout, draft->want.mpm,
                                        program->file);
    const char *path;
    em_node_t *node;
    em_text_t text;
    apr_status_t rv = em_view_real(&path, draft->facts->view,
                                   layout->sysconfig, draft->pool);

    if (rv == APR_SUCCESS) {
        rv = em_view_read(&node, draft->facts->view, path, MAX_FILE,
                          draft->pool);
    }
    if (rv != APR_SUCCESS) {
        em_draft_impossible(draft, "sysconfig-unreadable", "%s, which would "
                            "choose the MPM, cannot be read. Make it, from "
                            "/usr/share/fillup-templates or by hand, with "
                            "the line %s=\"%s\"", layout->sysconfig,
                            layout->mpm_variable, value);
        return APR_SUCCESS;
    }
    text.data = node->data;
    text.len = node->len;
    rv = em_edit_setvar(&text, text, layout->mpm_variable, value,
                        draft->pool);
    if (rv == APR_SUCCESS) {
        node->data = text.data;
        node->len = text.len;
        rv = em_draft_put(draft, path, node, edit_why(draft, value));
    }
    return rv == APR_SUCCESS ? rv
           : em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                            "cannot edit %s in memory: ", path);
}

/* A plan that leads somewhere else than it says must not leave this room: a
 * shell may read the file in another way than the edit did. */
static void check_arrival(em_draft_t *draft, const em_installed_t *program,
                          const em_facts_t *under)
{
    const em_layout_t *layout = draft->facts->layout;

    if (under->httpd.missing
        || strcmp(under->httpd.binary, program->file) != 0
        || !under->httpd.static_mpm
        || strcmp(under->httpd.static_mpm, draft->want.mpm) != 0) {
        em_draft_impossible(draft, "mpm-not-reached", "%s does not simply "
                            "assign %s, so no edit of ea-mpm makes it say "
                            "%s; set it by hand, where it is set last",
                            layout->sysconfig, layout->mpm_variable,
                            em_binary_value(layout, draft->want.mpm,
                                            program->file));
    }
}

static apr_status_t make(em_draft_t *draft, em_result_t *res)
{
    const em_installed_t *program;
    em_facts_t *under;
    em_conf_t *conf;
    apr_status_t rv;

    if (draft->facts->configured
        && strcmp(draft->facts->configured, draft->plan->to) == 0
        && draft->plan->request.with->nelts
           + draft->plan->request.without->nelts == 0) {
        return APR_SUCCESS;     /* nothing to do needs no mechanism */
    }
    if (!is_for_a_variable(draft) || !(program = need_program(draft))) {
        return APR_SUCCESS;
    }
    rv = set_variable(draft, program, res);
    if (rv == APR_SUCCESS && !draft->plan->impossible) {
        rv = em_facts_under(&under, draft->facts, draft->view, res,
                            draft->pool);
    }
    if (rv != APR_SUCCESS || draft->plan->impossible) {
        return rv;
    }
    check_arrival(draft, program, under);
    draft->plan->under = under;
    draft->conf_how = under->conf_how;
    rv = em_draft_conf(&conf, draft, res);
    if (rv == APR_SUCCESS) {
        em_fpm_inherits(draft, conf);
        em_tell_followers(draft, conf);
    }
    return rv;
}

const em_mechanism_t em_mech_binary = {EM_MECH_BINARY, make};
