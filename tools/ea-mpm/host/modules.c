#include "host/gather.h"

#include <string.h>
#include <strings.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

struct em_elf_cache_t {
    const em_view_t *view;
    apr_hash_t *elfs;           /* path -> em_elf_t *, or this as "none" */
    apr_pool_t *pool;
};

em_elf_cache_t *em_elf_cache_make(const em_view_t *view, apr_pool_t *p)
{
    em_elf_cache_t *cache = apr_palloc(p, sizeof(*cache));

    cache->view = view;
    cache->elfs = apr_hash_make(p);
    cache->pool = p;
    return cache;
}

const em_elf_t *em_elf_cache_get(em_elf_cache_t *cache, const char *so)
{
    void *known = apr_hash_get(cache->elfs, so, APR_HASH_KEY_STRING);
    em_elf_t *elf = NULL;

    if (known) {
        return known == cache ? NULL : known;
    }
    if (em_elf_in(&elf, cache->view, so, cache->pool) != APR_SUCCESS) {
        elf = NULL;
    }
    apr_hash_set(cache->elfs, apr_pstrdup(cache->pool, so),
                 APR_HASH_KEY_STRING, elf ? (void *)elf : (void *)cache);
    return elf;
}

const char *em_gather_path(const char *base, const char *path, apr_pool_t *p)
{
    return *path == '/' ? path : apr_pstrcat(p, base, "/", path, NULL);
}

const char *em_source_name(void *baton, const char *id, const char *so)
{
    em_source_names_t *names = baton;
    const em_elf_t *elf;

    if (!so) {
        return NULL;
    }
    elf = em_elf_cache_get(names->elfs,
                           em_gather_path(names->server_root, so,
                                          names->pool));
    return elf ? em_elf_source(elf, id) : NULL;
}

/* The id of a compiled-in module whose symbol is not known: the names in
 * httpd's own tree (config*.m4). */
static const char *id_of_source(const char *source, apr_pool_t *p)
{
    const char *mpm = em_httpd_mpm_of(source, p);
    const char *name = strncmp(source, "mod_", 4) == 0 ? source + 4 : source;

    if (mpm) {
        return apr_psprintf(p, "mpm_%s_module", mpm);
    }
    if (strcmp(source, "http_core.c") == 0) {
        return "http_module";
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, name, strcspn(name, ".")),
                       "_module", NULL);
}

/* Thread safety of mod_php, told by its own symbols: a ZTS build has offsets
 * where an NTS build has the globals themselves. */
static em_threads_t threads_of(const em_elf_t *elf, const char *id,
                               apr_pool_t *p)
{
    if (strncmp(id, "php", 3) != 0) {
        return EM_THREADS_UNKNOWN;
    }
    if (em_elf_exports(elf, "executor_globals_offset")
        || em_elf_exports(elf, "ts_resource_ex")) {
        return EM_THREADS_SAFE;
    }
    if (em_elf_exports(elf, "executor_globals")
        || em_elf_literal(elf, "your PHP Module is not compiled to be "
                          "threadsafe", NULL, p)) {
        return EM_THREADS_UNSAFE;
    }
    return EM_THREADS_UNKNOWN;
}

void em_gather_static(em_facts_t *facts, const em_probe_t *probe,
                      apr_pool_t *p)
{
    int i;

    facts->modules = apr_array_make(p, 64, sizeof(em_module_t *));
    for (i = 0; i < probe->modules->nelts; i++) {
        const em_elf_module_t *one = &APR_ARRAY_IDX(probe->modules, i,
                                                    em_elf_module_t);
        em_module_t *module = apr_pcalloc(p, sizeof(*module));

        module->id = one->id ? one->id : id_of_source(one->source, p);
        module->source = one->source;
        APR_ARRAY_PUSH(facts->modules, em_module_t *) = module;
    }
}

static void add_loaded(em_facts_t *facts, const em_directive_t *d,
                       const char *id, em_elf_cache_t *elfs, apr_pool_t *p)
{
    const char *so = em_conf_word(d->args, 1, p);
    em_module_t *module = apr_pcalloc(p, sizeof(*module));
    const em_elf_t *elf = NULL;

    module->id = id;
    module->file = d->file->path;
    module->line = d->line;
    if (so) {
        module->so = em_gather_path(facts->httpd.server_root, so, p);
        elf = em_elf_cache_get(elfs, module->so);
        module->missing = !elf && !em_view_exists(facts->view, module->so, p);
    }
    if (elf) {
        module->mismatch = !em_elf_exports(elf, id);
        module->source = em_elf_source(elf, id);
        module->threads = threads_of(elf, id, p);
    }
    APR_ARRAY_PUSH(facts->modules, em_module_t *) = module;
}

void em_gather_modules(em_facts_t *facts, const em_probe_t *probe,
                       em_elf_cache_t *elfs, apr_pool_t *p)
{
    const em_directive_t *d;
    int i = 0;

    em_gather_static(facts, probe, p);
    while ((d = em_conf_next(facts->conf, "LoadModule", &i))) {
        const char *id = em_conf_word(d->args, 0, p);

        if (id && apr_hash_get(facts->conf->modules, id, APR_HASH_KEY_STRING)
                  == d) {
            add_loaded(facts, d, id, elfs, p);
        }
    }
}

const em_module_t *em_facts_module(const em_facts_t *facts, const char *id)
{
    int i;

    for (i = 0; facts->modules && i < facts->modules->nelts; i++) {
        const em_module_t *module = APR_ARRAY_IDX(facts->modules, i,
                                                  em_module_t *);

        if (strcmp(module->id, id) == 0) {
            return module;
        }
    }
    return NULL;
}

em_threads_t em_facts_threads(const em_facts_t *facts, const char *id,
                              const char *so, apr_pool_t *p)
{
    em_elf_cache_t *elfs = em_elf_cache_make(facts->view, p);
    const em_elf_t *elf
        = em_elf_cache_get(elfs, em_gather_path(facts->httpd.server_root, so,
                                                p));

    return elf ? threads_of(elf, id, p) : EM_THREADS_UNKNOWN;
}
