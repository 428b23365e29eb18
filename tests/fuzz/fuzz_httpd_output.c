/* Everything that reads what httpd prints, over any text. Besides memory:
 * names found are never empty, and a name of an MPM leads back to itself. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "host/httpd_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_modules(const char *text, apr_pool_t *p)
{
    apr_array_header_t *list = em_httpd_parse_modules(text, p);

    for (int i = 0; list && i < list->nelts; i++) {
        const char *id = APR_ARRAY_IDX(list, i, em_httpd_loaded_t).id;
        const char *mpm = em_httpd_mpm_of(id, p);

        if (!*id) {
            abort();
        }
        if (mpm) {
            const char *again = em_httpd_mpm_of(
                apr_psprintf(p, "mpm_%s_module", mpm), p);

            if (!again || strcmp(again, mpm) != 0) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    em_httpd_settings_t set;
    em_httpd_run_cfg_t cfg;
    apr_array_header_t *list;
    const char *text;
    apr_pool_t *p;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    text = apr_pstrmemdup(p, (const char *)data, size);
    em_httpd_parse_settings(&set, text, p);
    if (set.version && !*set.version) {
        abort();
    }
    em_httpd_parse_run_cfg(&cfg, text, p);
    list = em_httpd_parse_static(text, p);
    for (int i = 0; list && i < list->nelts; i++) {
        if (!*APR_ARRAY_IDX(list, i, const char *)) {
            abort();
        }
    }
    check_modules(text, p);
    apr_pool_destroy(p);
    return 0;
}
