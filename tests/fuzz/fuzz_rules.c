/* A rules file of any bytes is read or refused with a reason that names it. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "check/check.h"

int LLVMFuzzerInitialize(int *pargc, char ***pargv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/em-fuzz-XXXXXX";    /* stays empty */

static void remove_root(void)
{
    (void)rmdir(root);
}

int LLVMFuzzerInitialize(int *pargc, char ***pargv)
{
    (void)pargc;
    (void)pargv;
    return mkdtemp(root) ? atexit(remove_root) : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_array_header_t *rules;
    em_view_t *base, *view;
    em_node_t *node;
    em_result_t *res;
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    if (em_view_open(&base, root, p) != APR_SUCCESS) {
        abort();
    }
    view = em_view_over(base, p);
    node = apr_pcalloc(p, sizeof(*node));
    node->kind = EM_NODE_FILE;
    node->data = apr_pstrmemdup(p, (const char *)data, size);
    node->len = size;
    em_view_put(view, "/rules.json", node);
    res = em_result_make(p);
    if (em_rules_read(&rules, view, "/nonexistent", "/", res, p)
        == APR_SUCCESS) {
        for (int i = 0; i < rules->nelts; i++) {
            const em_rule_t *rule = APR_ARRAY_IDX(rules, i, em_rule_t *);

            if (!*em_severity_name(rule->severity) || !rule->problem
                || !rule->id || !rule->mpms || !rule->directives) {
                abort();
            }
        }
    }
    else if (!res->problem || strcmp(res->problem, "rules-broken") != 0
             || !strstr(res->detail, "rules.json")) {
        abort();
    }
    apr_pool_destroy(p);
    return 0;
}
