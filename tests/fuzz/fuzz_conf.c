/* A configuration of any bytes: the walk ends, stays in its bounds, and says
 * with a cache that other walks filled what it says without. The input is the
 * main file; what follows a line "==" is a second one, included as "second",
 * and in the tree of a plan the main file's own text stands there. */

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

static int differ(const char *a, const char *b)
{
    return strcmp(a, b) != 0;
}

static void same_sections(const em_conf_section_t *a,
                          const em_conf_section_t *b)
{
    for (; a && b; a = a->parent, b = b->parent) {
        if (differ(a->name, b->name) || differ(a->args, b->args)
            || a->line != b->line || a->holds != b->holds
            || a->active != b->active || differ(a->file->path, b->file->path)
            || a->file->from_line != b->file->from_line) {
            abort();
        }
    }
    if (a || b) {
        abort();
    }
}

static void same(const em_conf_t *a, const em_conf_t *b)
{
    if (a->directives->nelts != b->directives->nelts
        || a->sections->nelts != b->sections->nelts
        || a->files->nelts != b->files->nelts
        || a->mpm_lines->nelts != b->mpm_lines->nelts
        || a->notes->nelts != b->notes->nelts
        || apr_hash_count(a->modules) != apr_hash_count(b->modules)) {
        abort();
    }
    for (int i = 0; i < a->directives->nelts; i++) {
        const em_directive_t *x = APR_ARRAY_IDX(a->directives, i,
                                                em_directive_t *);
        const em_directive_t *y = APR_ARRAY_IDX(b->directives, i,
                                                em_directive_t *);

        if (differ(x->name, y->name) || differ(x->args, y->args)
            || x->line != y->line || x->active != y->active
            || differ(x->file->path, y->file->path)) {
            abort();
        }
        same_sections(x->section, y->section);
    }
}

static em_conf_t *walk(em_conf_how_t *how, const em_view_t *view, void *cache,
                       apr_pool_t *p)
{
    em_conf_t *conf;

    how->view = view;
    how->cache = cache;
    if (em_conf_read(&conf, how, em_result_make(p), p) != APR_SUCCESS) {
        abort();
    }
    check(conf);
    return conf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const env[] = { "HOME=/root", "A=b c", NULL };
    static const char *const statics[] = { "core.c", "mod_so.c", NULL };
    static const char *const defines[] = { "D", NULL };
    em_conf_how_t how = { 0 };
    const uint8_t *cut = size ? memmem(data, size, "\n==\n", 4) : NULL;
    const size_t first = cut ? (size_t)(cut - data) + 1 : size;
    em_view_t *base, *view, *future;
    em_conf_t *one;
    void *cache;
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    if (em_view_open(&base, root, p) != APR_SUCCESS) {
        abort();
    }
    view = em_view_over(base, p);
    put(view, "/main", data, first, p);
    if (cut) {
        put(view, "/second", cut + 4, size - first - 3, p);
    }
    future = em_view_over(view, p);
    put(future, "/second", data, first, p);
    how.server_root = "/";
    how.config_file = "/main";
    how.version[0] = 2;
    how.version[1] = 4;
    how.env = env;
    how.static_modules = statics;
    how.defines = defines;
    cache = em_conf_cache(p);
    one = walk(&how, view, cache, p);
    same(walk(&how, future, cache, p), walk(&how, future, NULL, p));
    same(one, walk(&how, view, cache, p));
    same(one, walk(&how, view, NULL, p));
    apr_pool_destroy(p);
    return 0;
}
