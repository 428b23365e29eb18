#include "plan/draft.h"

#include <string.h>

#include <apr_strings.h>

#include "host/binary.h"
#include "host/options.h"
#include "host/suse.h"
#include "plan/program_package.h"

/* Each MPM is a program of its own, and a variable of a sysconfig file names
 * the one that is started: one edit, and before it the package of a program
 * that is not there (SUSE). Everything that follows from it (other
 * modules compiled in, other directories of modules, cgi and cgid) is read
 * from the tree as it would be. */

#define MAX_FILE (1024 * 1024)

static int is_suse(const em_draft_t *draft)
{
    return strcmp(draft->facts->layout->id, "suse") == 0;
}

/* ---- what is there ---- */

static const char *install_text(const em_draft_t *draft)
{
    return is_suse(draft)
           ? apr_pstrcat(draft->pool, "zypper install apache2-",
                         draft->want.mpm, NULL)
           : "yum install httpd";
}

/* The program of the wanted MPM, and be it one that its package will bring.
 * NULL: the plan is impossible, or nobody was asked. */
static apr_status_t need_program(const em_installed_t **pone,
                                 em_draft_t *draft, em_result_t *res)
{
    const char *mpm = draft->want.mpm;
    const em_installed_t *one = em_facts_installed(draft->facts, mpm);

    if (!one && is_suse(draft)) {
        apr_status_t rv = em_program_package(draft, res);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        one = em_facts_program(draft->view, mpm, draft->pool);
    }
    if (!one && !draft->plan->unasked) {
        em_draft_impossible(draft, "mpm-not-installed", "No httpd program "
                            "of %s is installed. Install it: %s", mpm,
                            install_text(draft));
    }
    else if (one && !one->verified) {
        em_draft_impossible(draft, "mpm-file-mismatch", "%s does not hold "
                            "the MPM %s, so it is not the file that its "
                            "package brings. Install it anew: %s", one->file,
                            mpm, install_text(draft));
        one = NULL;
    }
    *pone = one;
    return APR_SUCCESS;
}

/* Is the configuration the one that the service of this sysconfig file
 * reads? Another server's MPM is not chosen there. */
static int is_services_own(em_draft_t *draft)
{
    const em_facts_t *facts = draft->facts;
    const char *const *files = em_options_values(facts->httpd.args, 'f',
                                                 draft->pool);
    const char *own = files[0], *given = facts->how.conf;
    const em_layout_row_t *row;

    if (!given) {
        return 1;
    }
    if (!files[0] || !files[1]) {   /* ours is appended to the service's */
        for (int i = 0; (row = em_layout_row(i)) != NULL; i++) {
            if (strcmp(row->layout.id, facts->layout->id) == 0) {
                own = row->layout.config_file;
            }
        }
    }
    (void)em_view_real(&own, facts->view, own, draft->pool);
    (void)em_view_real(&given, facts->view, given, draft->pool);
    return strcmp(own, given) == 0;
}

/* Layouts of this kind that an edit of the file does not change alone. */
static int is_known_kind(em_draft_t *draft)
{
    const em_layout_t *layout = draft->facts->layout;

    if (!is_services_own(draft)) {
        em_draft_impossible(draft, "layout-unsupported", "%s is not the "
                            "configuration of the service that %s starts. "
                            "Name the instance instead: --instance NAME",
                            draft->facts->how.conf, layout->sysconfig);
        return 0;
    }
    if (is_suse(draft)
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

/* Why the step: the variable, and what it meant so far. */
static const char *edit_why(em_draft_t *draft, const char *value, int set)
{
    const em_layout_t *layout = draft->facts->layout;
    em_binary_t now;

    if (!set) {
        return "modules that go and come (APACHE_MODULES)";
    }
    em_binary_choose(&now, draft->facts->view, layout, draft->pool);
    return apr_psprintf(draft->pool, "%s=%s%s%s", layout->mpm_variable,
                        value, now.by ? "; until now " : "",
                        now.by ? now.by : "");
}

static apr_status_t edit(em_draft_t *draft, const char *path, em_node_t *node,
                         const em_installed_t *program, em_result_t *res)
{
    const em_httpd_t *httpd = &draft->facts->httpd;
    const em_layout_t *layout = draft->facts->layout;
    const char *value = em_binary_value(layout, draft->want.mpm,
                                        program->file);
    int set = httpd->missing || strcmp(httpd->binary, program->file) != 0;
    em_text_t text = {node->data, node->len};
    apr_status_t rv = APR_SUCCESS;

    if (set) {
        rv = em_edit_setvar(&text, text, layout->mpm_variable, value,
                            draft->pool);
    }
    if (rv == APR_SUCCESS && is_suse(draft)) {
        rv = em_word_modules(&text, draft, res);
        if (rv != APR_SUCCESS && res->problem) {
            return rv;
        }
    }
    if (rv == APR_SUCCESS) {
        node->data = text.data;
        node->len = text.len;
        rv = em_draft_put(draft, path, node, edit_why(draft, value, set));
    }
    return rv == APR_SUCCESS ? rv
           : em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                            "cannot edit %s in memory: ", path);
}

static apr_status_t edit_sysconfig(em_draft_t *draft,
                                   const em_installed_t *program,
                                   em_result_t *res)
{
    const em_layout_t *layout = draft->facts->layout;
    const char *path;
    em_node_t *node;
    apr_status_t rv = em_view_real(&path, draft->facts->view,
                                   layout->sysconfig, draft->pool);

    if (rv == APR_SUCCESS) {
        rv = em_view_read(&node, draft->facts->view, path, MAX_FILE,
                          draft->pool);
    }
    if (rv == APR_SUCCESS) {
        return edit(draft, path, node, program, res);
    }
    em_draft_impossible(draft, "sysconfig-unreadable", "%s, which would "
                        "choose the MPM, cannot be read. Make it, from "
                        "/usr/share/fillup-templates or by hand, with the "
                        "line %s=\"%s\"", layout->sysconfig,
                        layout->mpm_variable,
                        em_binary_value(layout, draft->want.mpm,
                                        program->file));
    return APR_SUCCESS;
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

/* Lines that load an MPM beside the program's own stop every start. */
static void check_lines(em_draft_t *draft, const em_conf_t *conf)
{
    int itk = 0;

    for (int i = 0; i < conf->mpm_lines->nelts; i++) {
        const em_mpm_line_t *line
            = APR_ARRAY_IDX(conf->mpm_lines, i, em_mpm_line_t *);

        if (line->state != EM_LINE_ACTIVE) {
            continue;
        }
        itk |= em_is_itk(line->mpm);
        if (em_is_mpm(line->mpm)) {
            em_draft_impossible(draft, "mpm-not-reached", "%s:%d loads %s "
                                "beside the MPM that is compiled into the "
                                "program; take the line out",
                                line->file->path, line->line, line->mpm);
        }
    }
    if (itk != draft->want.itk) {
        em_draft_impossible(draft, "mpm-not-reached", "No change that ea-mpm "
                            "knows makes this configuration load %s; look "
                            "at what loads it: ea-mpm show",
                            itk ? "no itk module" : "an itk module");
    }
}

/* The draft's walks are those of the chosen program from here on. */
static apr_status_t look_ahead(em_draft_t *draft,
                               const em_installed_t *program,
                               em_result_t *res)
{
    em_facts_t *under;
    apr_status_t rv = em_facts_under(&under, draft->facts, draft->view, res,
                                     draft->pool);

    if (rv == APR_SUCCESS) {
        check_arrival(draft, program, under);
        draft->plan->under = under;
        draft->conf_how = under->conf_how;
        draft->conf = NULL;
    }
    return rv;
}

static apr_status_t make(em_draft_t *draft, em_result_t *res)
{
    const em_request_t *request = &draft->plan->request;
    const em_installed_t *program;
    em_conf_t *conf;
    apr_status_t rv;

    if (draft->facts->configured
        && strcmp(draft->facts->configured, draft->plan->to) == 0
        && request->with->nelts + request->without->nelts == 0) {
        return APR_SUCCESS;     /* nothing to do needs no mechanism */
    }
    if (!is_known_kind(draft)) {
        return APR_SUCCESS;
    }
    rv = need_program(&program, draft, res);
    if (rv != APR_SUCCESS || !program || draft->plan->impossible) {
        return rv;
    }
    rv = edit_sysconfig(draft, program, res);
    if (rv != APR_SUCCESS || draft->plan->impossible) {
        return rv;
    }
    rv = look_ahead(draft, program, res);
    if (rv == APR_SUCCESS && !is_suse(draft)) {
        rv = em_settle(&conf, draft, em_wrong_mpm, NULL, res);
        if (rv == APR_SUCCESS) {
            rv = em_line_modules(draft, res);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = em_draft_conf(&conf, draft, res);
    }
    if (rv != APR_SUCCESS || draft->plan->impossible) {
        return rv;
    }
    if (is_suse(draft) && draft->want.php_fpm) {
        em_fpm_check(draft, conf);
    }
    check_lines(draft, conf);
    em_fpm_inherits(draft, conf);
    em_tell_followers(draft, conf);
    return APR_SUCCESS;
}

const em_mechanism_t em_mech_binary = {EM_MECH_BINARY, make};
