/* A configuration of any bytes: the walk ends, stays in its bounds, and says
 * the same again when its cache is used. The input is the main file; what
 * follows a line "==" is a second one, included as "second". */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "conf/conf.h"

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

static void put(em_view_t *view, const char *path, const uint8_t *data,
                size_t len, apr_pool_t *p)
{
    em_node_t *node = apr_pcalloc(p, sizeof(*node));

    node->kind = EM_NODE_FILE;
    node->data = apr_pstrmemdup(p, (const char *)data, len);
    node->len = len;
    em_view_put(view, path, node);
}

static void check(const em_conf_t *conf)
{
    apr_size_t sum = 0;

    for (int i = 0; i < conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(conf->directives, i,
                                                em_directive_t *);

        if (!*d->name || d->line < 1 || d->last_line < d->line || !d->file) {
            abort();
        }
        sum += strlen(d->args) + (apr_size_t)em_conf_guarded(d);
        for (const em_conf_section_t *s = d->section; s; s = s->parent) {
            if (d->active && s->condition && !s->holds) {
                abort();
            }
        }
    }
    for (int i = 0; i < conf->mpm_lines->nelts; i++) {
        sum += strlen(APR_ARRAY_IDX(conf->mpm_lines, i,
                                    em_mpm_line_t *)->mpm);
    }
    if (sum == (apr_size_t)-1) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const env[] = { "HOME=/root", "A=b c", NULL };
    static const char *const statics[] = { "core.c", "mod_so.c", NULL };
    static const char *const defines[] = { "D", NULL };
    em_conf_how_t how = { 0 };
    const uint8_t *cut = size ? memmem(data, size, "\n==\n", 4) : NULL;
    em_view_t *base, *view;
    em_conf_t *one, *two;
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    if (em_view_open(&base, root, p) != APR_SUCCESS) {
        abort();
    }
    view = em_view_over(base, p);
    put(view, "/main", data, cut ? (size_t)(cut - data) + 1 : size, p);
    if (cut) {
        put(view, "/second", cut + 4, size - (size_t)(cut - data) - 4, p);
    }
    how.view = view;
    how.server_root = "/";
    how.config_file = "/main";
    how.version[0] = 2;
    how.version[1] = 4;
    how.env = env;
    how.static_modules = statics;
    how.defines = defines;
    how.cache = em_conf_cache(p);
    if (em_conf_read(&one, &how, em_result_make(p), p) != APR_SUCCESS
        || em_conf_read(&two, &how, em_result_make(p), p) != APR_SUCCESS) {
        abort();
    }
    check(one);
    check(two);
    if (one->directives->nelts != two->directives->nelts
        || one->notes->nelts != two->notes->nelts
        || one->sections->nelts != two->sections->nelts) {
        abort();
    }
    apr_pool_destroy(p);
    return 0;
}
