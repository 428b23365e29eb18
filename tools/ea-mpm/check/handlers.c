#include "check/handlers.h"

#include <string.h>

#include <apr_strings.h>

/* A file whose handler goes with a module is sent as it lies there: source
 * code, with the passwords in it, status 200, and httpd -t says "Syntax OK".
 * Two ways lead there: the mapping stays and its module goes (EL7: LoadModule
 * of PHP inside <IfModule prefork.c>, SetHandler outside), or the mapping
 * goes with the module's own configuration file (Debian). */

/* Are files with this extension out of the reach of mapping M, because of
 * another one? httpd: SetHandler counts more than AddHandler and AddType; of
 * the same kind the later and narrower one. */
static int is_taken(const em_maps_t *maps, const em_map_t *m,
                    const char *extension)
{
    for (int i = 0; i < maps->list->nelts; i++) {
        const em_map_t *e = APR_ARRAY_IDX(maps->list, i, em_map_t *);
        int same = strcmp(e->scope, m->scope) == 0;

        if (e != m && e->works
            && em_scope_covers(e->scope, m->scope)
            && (e->strength > m->strength
                || (same && e->strength == m->strength
                    && e->index > m->index))
            && em_map_takes(maps, e->directive, extension)) {
            return 1;
        }
    }
    return 0;
}

/* Is mapping M made harmless by others, for all its files? */
static int is_overridden(em_maps_t *maps, const em_map_t *m)
{
    apr_pool_t *p = maps->judge->pool;
    const char *word;

    if (m->scope[0] == '\0' && m->strength == EM_MAP_WEAK && m->php
        && em_maps_cover_vhosts(maps, EM_MAP_STRONG)) {
        return 1;
    }
    if (!m->by_extension) {
        return m->php && is_taken(maps, m, "php");
    }
    for (int i = 1; (word = em_conf_word(m->directive->args, i, p)); i++) {
        if (!is_taken(maps, m, word + (*word == '.'))) {
            return 0;
        }
    }
    return 1;
}

static const char *other_places(const em_judge_t *j, int count)
{
    return count > 1 ? apr_psprintf(j->pool, " (and %d more like it)",
                                    count - 1) : "";
}

static int asked_for_fpm(const em_judge_t *j)
{
    const apr_array_header_t *with = j->plan->request.with;

    for (int i = 0; with && i < with->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(with, i, const char *), "php=fpm") == 0) {
            return 1;
        }
    }
    return 0;
}

static void resolve_php(em_judge_t *j, em_finding_t *f)
{
    if (!asked_for_fpm(j)) {
        em_judge_resolve(f, "--with php=fpm");
    }
    em_judge_resolve(f, "Give .php files another handler, or deny them: "
                     "<FilesMatch \"\\.php$\"> Require all denied "
                     "</FilesMatch>");
}

static void tell_leak(em_judge_t *j, const em_map_t *m, int count, int old)
{
    em_finding_t *f;

    f = em_judge_add(j, m->leak, old ? EM_WARN : EM_REFUSE,
                     "%s %s%s, but no module would be loaded that serves "
                     "this handler: the files would be sent as they are, "
                     "with their source code%s", m->directive->name,
                     m->directive->args, other_places(j, count),
                     old ? ". It is so now, unless a module that ea-mpm does "
                     "not know serves it" : "");
    f->file = m->directive->file->path;
    f->line = m->directive->line;
    f->source = "httpd server/core.c: default_handler sends what no other "
                "handler took";
    if (m->php) {
        resolve_php(j, f);
    }
    else {
        em_judge_resolve(f, "Keep the module, or take the mapping out "
                         "together with the files");
    }
}

/* The same in .htaccess files: below each, files are sent as they are. */
static void dead_htaccess(em_judge_t *j, em_maps_t *before, em_maps_t *after)
{
    const apr_array_header_t *list = j->facts->htaccess;
    const em_map_t *first = NULL;
    em_finding_t *f;
    int count = 0;

    for (int i = 0; list && i < list->nelts; i++) {
        const em_map_t *m = em_maps_htaccess(after,
                                             APR_ARRAY_IDX(list, i,
                                                           em_htaccess_t *));

        if (!m || m->works || !m->leak || !em_maps_serve(before, m->handler)
            || is_overridden(after, m)) {
            continue;
        }
        first = first ? first : m;
        count++;
    }
    if (!first) {
        return;
    }
    f = em_judge_add(j, first->leak, EM_REFUSE,
                     "%s %s%s, but no module would be loaded that serves "
                     "this handler: files below this directory would be "
                     "sent as they are, with their source code",
                     first->directive->name, first->directive->args,
                     other_places(j, count));
    f->file = first->directive->file->path;
    f->line = first->directive->line;
    f->source = "httpd server/core.c: default_handler sends what no other "
                "handler took";
    em_judge_resolve(f, "Take the line out of the .htaccess file");
}

/* The first way: mappings without their module, told once a handler. */
static int dead_mappings(em_judge_t *j, em_maps_t *before,
                         em_maps_t *after)
{
    apr_hash_t *first = apr_hash_make(j->pool);
    apr_hash_t *counts = apr_hash_make(j->pool);
    apr_hash_index_t *hi;
    int refused = 0;

    for (int i = 0; i < after->list->nelts; i++) {
        em_map_t *m = APR_ARRAY_IDX(after->list, i, em_map_t *);
        int *count;

        if (m->works || !m->leak || is_overridden(after, m)) {
            continue;
        }
        count = apr_hash_get(counts, m->handler, APR_HASH_KEY_STRING);
        if (!count) {
            count = apr_pcalloc(j->pool, sizeof(*count));
            apr_hash_set(counts, m->handler, APR_HASH_KEY_STRING, count);
            apr_hash_set(first, m->handler, APR_HASH_KEY_STRING, m);
        }
        ++*count;
    }
    for (hi = apr_hash_first(j->pool, first); hi; hi = apr_hash_next(hi)) {
        const em_map_t *m = apr_hash_this_val(hi);
        const int *count = apr_hash_get(counts, m->handler,
                                        APR_HASH_KEY_STRING);
        int old = !em_maps_serve(before, m->handler);

        tell_leak(j, m, *count, old);
        refused |= !old && m->php;
    }
    return refused;
}

static int is_executed(em_maps_t *maps, const char *scope)
{
    for (int i = 0; i < maps->list->nelts; i++) {
        const em_map_t *e = APR_ARRAY_IDX(maps->list, i, em_map_t *);

        if (e->php && e->works && em_scope_covers(e->scope, scope)) {
            return 1;
        }
    }
    return scope[0] == '\0' && em_maps_cover_vhosts(maps, EM_MAP_WEAK);
}

/* The second way: PHP files are executed now, and nothing would take them
 * after the plan. */
static void lost_mappings(em_judge_t *j, em_maps_t *before,
                          em_maps_t *after)
{
    const em_map_t *first = NULL;
    em_finding_t *f;
    int count = 0;

    for (int i = 0; i < before->list->nelts; i++) {
        const em_map_t *m = APR_ARRAY_IDX(before->list, i, em_map_t *);

        if (!m->php || !m->works || m->denies
            || !em_maps_have_scope(after, m->scope)
            || is_executed(after, m->scope)) {
            continue;
        }
        first = first ? first : m;
        count++;
    }
    if (!first) {
        return;
    }
    f = em_judge_add(j, "php-source-leak", EM_REFUSE,
                     "PHP files are executed now because of %s %s%s; after "
                     "the switch nothing takes them, and they would be sent "
                     "as they are, with their source code",
                     first->directive->name, first->directive->args,
                     other_places(j, count));
    f->file = first->directive->file->path;
    f->line = first->directive->line;
    f->source = "httpd server/core.c: default_handler sends what no other "
                "handler took";
    resolve_php(j, f);
}

void em_judge_handlers(em_judge_t *j)
{
    em_maps_t *before = em_maps_make(j, j->before, j->had);
    em_maps_t *after = em_maps_make(j, j->after, j->has);

    if (!dead_mappings(j, before, after)) {
        lost_mappings(j, before, after);
    }
    dead_htaccess(j, before, after);
}
