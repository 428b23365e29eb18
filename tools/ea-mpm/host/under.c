#include "host/gather.h"

#include <string.h>

#include <apr_strings.h>

#include "host/binary.h"

/* How httpd is run, as far as files say it: what is gathered once for the
 * present, and again for the tree that a plan would leave. */

const char *em_gather_choice(em_facts_t *facts, const em_view_t *view,
                             apr_pool_t *p)
{
    em_binary_t choice;

    em_binary_choose(&choice, view, facts->layout, p);
    facts->httpd.missing = choice.missing;
    if (choice.by) {
        facts->layout_evidence = apr_pstrcat(p, facts->layout_evidence, "; ",
                                             choice.by, NULL);
    }
    return choice.file;
}

void em_gather_compiled(em_facts_t *facts, const em_probe_t *probe,
                        apr_pool_t *p)
{
    em_httpd_t *httpd = &facts->httpd;
    int i;

    httpd->static_mpm = NULL;
    httpd->static_modules = apr_array_make(p, probe->modules->nelts,
                                           sizeof(const char *));
    for (i = 0; i < probe->modules->nelts; i++) {
        const char *source = APR_ARRAY_IDX(probe->modules, i,
                                           em_elf_module_t).source;
        const char *mpm = em_httpd_mpm_of(source, p);

        APR_ARRAY_PUSH(httpd->static_modules, const char *) = source;
        if (mpm && strcmp(mpm, "itk") != 0) {
            httpd->static_mpm = mpm;
        }
    }
}

void em_gather_conf_how(em_facts_t *facts, apr_pool_t *p)
{
    em_conf_how_t *how = &facts->conf_how;
    apr_array_header_t *statics = apr_array_copy(
        p, facts->httpd.static_modules);

    APR_ARRAY_PUSH(statics, const char *) = NULL;
    how->server_root = facts->httpd.server_root;
    how->config_file = facts->httpd.config_file;
    memcpy(how->version, facts->httpd.v, sizeof(how->version));
    how->env = facts->httpd.env;
    how->defines = em_options_values(facts->httpd.args, 'D', p);
    how->before = em_options_values(facts->httpd.args, 'C', p);
    how->after = em_options_values(facts->httpd.args, 'c', p);
    how->static_modules = (const char *const *)statics->elts;
}

/* The modules that are compiled in, instead of those of the program that is
 * chosen now. */
static void replace_compiled(em_facts_t *under, const em_probe_t *probe,
                             apr_pool_t *p)
{
    const apr_array_header_t *was = under->modules;
    em_facts_t only = { .conf = NULL };
    int i;

    em_gather_static(&only, probe, p);
    under->modules = only.modules;
    for (i = 0; i < was->nelts; i++) {
        em_module_t *module = APR_ARRAY_IDX(was, i, em_module_t *);

        if (module->so) {
            APR_ARRAY_PUSH(under->modules, em_module_t *) = module;
        }
    }
}

apr_status_t em_facts_under(em_facts_t **punder, const em_facts_t *facts,
                            const em_view_t *view, em_result_t *res,
                            apr_pool_t *p)
{
    em_facts_t *under = apr_pmemdup(p, facts, sizeof(*facts));
    em_exec_how_t how = { .env = facts->httpd.test_env,
                          .timeout = facts->how.timeout };
    const char *root = facts->conf_how.server_root;
    em_options_t *options;
    em_probe_t *probe;
    apr_status_t rv;

    *punder = under;
    under->conf_how.view = view;
    if (!facts->layout->mpm_variable) {
        return APR_SUCCESS;
    }
    em_options_read(&options, view, facts->layout, facts->how.instance, 0,
                    facts->how.log, p);
    under->httpd.args = options->args;
    under->httpd.starter = options->starter;
    under->httpd.binary = em_gather_choice(under, view, p);
    under->layout_evidence = facts->layout_evidence;
    if (!under->httpd.binary) {
        under->httpd.binary = facts->layout->binary;
    }
    rv = em_probe_binary(&probe, view, under->httpd.binary, &how, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (facts->how.conf) {
        APR_ARRAY_PUSH(under->httpd.args, const char *) = "-f";
        APR_ARRAY_PUSH(under->httpd.args, const char *) = facts->how.conf;
    }
    em_gather_compiled(under, probe, p);
    replace_compiled(under, probe, p);
    em_gather_conf_how(under, p);
    under->conf_how.server_root = root;
    return APR_SUCCESS;
}
