#include "check/handlers.h"

#include <limits.h>
#include <string.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>

#include "conf/regex.h"

/* By what a directive says which files it means. */
typedef enum { BY_SECTION, BY_EXTENSION, BY_PATH } by_t;

typedef struct kind_t {
    const char *name;
    em_map_strength_t strength;
    by_t by;
} kind_t;

static int mentions_php(const char *text)
{
    return strcasestr(text, "php") != NULL || strstr(text, "ph(") != NULL;
}

/* ---- scopes ---- */

int em_scope_covers(const char *outer, const char *inner)
{
    apr_size_t len = strlen(outer);

    return strncmp(outer, inner, len) == 0
           && (len == 0 || inner[len] == '\0' || inner[len] == '\n');
}

static int is_place(const em_conf_section_t *s)
{
    static const char *const names[] = {
        "VirtualHost", "Directory", "DirectoryMatch", "Location",
        "LocationMatch", "Proxy", "ProxyMatch", NULL
    };

    if (s->condition || strcmp(s->args, "/") == 0) {
        return 0;               /* the root is everywhere */
    }
    for (int i = 0; names[i]; i++) {
        if (strcasecmp(s->name, names[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A virtual host's number in its file: a plan may move lines about, but no
 * virtual hosts. */
static int number_of(em_maps_t *maps, const em_conf_section_t *vhost)
{
    const int *number;

    if (!maps->numbers) {
        apr_hash_t *counts = apr_hash_make(maps->judge->pool);
        const apr_array_header_t *all = maps->conf->sections;

        maps->numbers = apr_hash_make(maps->judge->pool);
        for (int i = 0; i < all->nelts; i++) {
            const em_conf_section_t **key
                = &APR_ARRAY_IDX(all, i, const em_conf_section_t *);
            int *count, *mine;

            if (strcasecmp((*key)->name, "VirtualHost") != 0) {
                continue;
            }
            count = apr_hash_get(counts, (*key)->file->path,
                                 APR_HASH_KEY_STRING);
            if (!count) {
                count = apr_pcalloc(maps->judge->pool, sizeof(*count));
                apr_hash_set(counts, (*key)->file->path, APR_HASH_KEY_STRING,
                             count);
            }
            mine = apr_palloc(maps->judge->pool, sizeof(*mine));
            *mine = ++*count;
            apr_hash_set(maps->numbers, key, sizeof(*key), mine);
        }
    }
    number = apr_hash_get(maps->numbers, &vhost, sizeof(vhost));
    return number ? *number : 0;
}

/* The scope of what stands inside S. */
static const char *scope_of(em_maps_t *maps, const em_conf_section_t *s)
{
    apr_pool_t *p = maps->judge->pool;
    const char *scope;

    if (!s) {
        return "";
    }
    scope = scope_of(maps, s->parent);
    if (!is_place(s)) {
        return scope;
    }
    if (strcasecmp(s->name, "VirtualHost") == 0) {
        return apr_psprintf(p, "VirtualHost %s %d", s->file->path,
                            number_of(maps, s));
    }
    return apr_pstrcat(p, scope, *scope ? "\n" : "", s->name, " ", s->args,
                       NULL);
}

/* Scopes of the virtual hosts that httpd would serve -> "". */
static apr_hash_t *vhost_scopes(em_maps_t *maps)
{
    const apr_array_header_t *all = maps->conf->sections;

    if (maps->vhosts) {
        return maps->vhosts;
    }
    maps->vhosts = apr_hash_make(maps->judge->pool);
    for (int i = 0; i < all->nelts; i++) {
        const em_conf_section_t *s = APR_ARRAY_IDX(all, i,
                                                   em_conf_section_t *);

        if (s->active && strcasecmp(s->name, "VirtualHost") == 0) {
            apr_hash_set(maps->vhosts, scope_of(maps, s),
                         APR_HASH_KEY_STRING, "");
        }
    }
    return maps->vhosts;
}

int em_maps_have_scope(em_maps_t *maps, const char *scope)
{
    apr_size_t len = strcspn(scope, "\n");

    return strncmp(scope, "VirtualHost ", 12) != 0
           || apr_hash_get(vhost_scopes(maps), scope, (apr_ssize_t)len);
}

int em_maps_cover_vhosts(em_maps_t *maps, em_map_strength_t least)
{
    apr_hash_t *covered = apr_hash_make(maps->judge->pool);
    apr_hash_index_t *hi;

    for (int i = 0; i < maps->list->nelts; i++) {
        const em_map_t *m = APR_ARRAY_IDX(maps->list, i, em_map_t *);

        if (m->php && m->works && m->strength >= least) {
            apr_hash_set(covered, m->scope, APR_HASH_KEY_STRING, "");
        }
    }
    if (apr_hash_count(covered) == 0) {
        return 0;
    }
    for (hi = apr_hash_first(maps->judge->pool, vhost_scopes(maps)); hi;
         hi = apr_hash_next(hi)) {
        if (!apr_hash_get(covered, apr_hash_this_key(hi),
                          APR_HASH_KEY_STRING)) {
            return 0;
        }
    }
    return apr_hash_count(maps->vhosts) > 0;
}

/* ---- who serves what ---- */

static int has_handler(const em_rule_t *rule, const char *handler)
{
    for (int i = 0; i < rule->handlers->nelts; i++) {
        if (apr_fnmatch(APR_ARRAY_IDX(rule->handlers, i, const char *),
                        handler, APR_FNM_CASE_BLIND) == APR_SUCCESS) {
            return 1;
        }
    }
    return 0;
}

/* The first rule with a handler like that, and a leak if LEAK; or NULL. */
static const em_rule_t *rule_for(const em_maps_t *maps, const char *handler,
                                 int leak)
{
    const apr_array_header_t *rules = maps->judge->rules;

    for (int i = 0; i < rules->nelts; i++) {
        const em_rule_t *rule = APR_ARRAY_IDX(rules, i, em_rule_t *);

        if ((!leak || rule->leak) && has_handler(rule, handler)) {
            return rule;
        }
    }
    return NULL;
}

int em_maps_serve(const em_maps_t *maps, const char *handler)
{
    const apr_array_header_t *rules = maps->judge->rules;

    if (apr_hash_get(maps->actions, handler, APR_HASH_KEY_STRING)) {
        return 1;
    }
    for (int i = 0; i < rules->nelts; i++) {
        const em_rule_t *rule = APR_ARRAY_IDX(rules, i, em_rule_t *);

        if (has_handler(rule, handler)
            && em_judge_any(maps->loaded, rule->id)) {
            return 1;
        }
    }
    return 0;
}

/* ---- which files are meant ---- */

/* Does the <Files> or <FilesMatch> hold for a file NAME? -1: it is another
 * kind of section. */
static int section_takes(const em_conf_section_t *s, const char *name,
                         apr_pool_t *p)
{
    const char *word = em_conf_word(s->args, 0, p);
    int regex = strcasecmp(s->name, "FilesMatch") == 0, match;

    if ((!regex && strcasecmp(s->name, "Files") != 0) || !word) {
        return -1;
    }
    if (!regex && strcmp(word, "~") == 0) {
        word = em_conf_word(s->args, 1, p);
        regex = 1;
    }
    if (!word) {
        return 0;
    }
    if (!regex) {
        return apr_fnmatch(word, name, 0) == APR_SUCCESS;
    }
    match = em_regex_matches(word, name, p);
    return match < 0 ? mentions_php(word) : match;
}

static int extensions_have(const char *args, const char *extension,
                           apr_pool_t *p)
{
    const char *word;

    for (int i = 1; (word = em_conf_word(args, i, p)) != NULL; i++) {
        if (strcasecmp(word + (*word == '.'), extension) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Is the first word a pattern of paths that takes the file? */
static int path_takes(const char *args, const char *extension, apr_pool_t *p)
{
    const char *word = em_conf_word(args, 0, p);
    int match = word ? em_regex_matches(word, apr_pstrcat(p, "/index.",
                                                          extension, NULL),
                                        p) : 0;

    return match < 0 ? mentions_php(word) : match;
}

static const kind_t *kind_of(const char *name);

int em_map_takes(const em_maps_t *maps, const em_directive_t *d,
                 const char *extension)
{
    const kind_t *kind = kind_of(d->name);
    apr_pool_t *p = maps->judge->pool;
    int mentioned = mentions_php(d->args);

    if (kind->by == BY_EXTENSION) {
        return extensions_have(d->args, extension, p);
    }
    if (kind->by == BY_PATH) {
        return mentioned && path_takes(d->args, extension, p);
    }
    for (const em_conf_section_t *s = d->section; s; s = s->parent) {
        int takes = s->condition ? -1
                    : section_takes(s, apr_pstrcat(p, "index.", extension,
                                                   NULL), p);

        if (takes >= 0) {
            return takes;
        }
        mentioned |= !s->condition && is_place(s) && mentions_php(s->args);
    }
    return mentioned;
}

/* ---- the list ---- */

static const kind_t *kind_of(const char *name)
{
    static const kind_t kinds[] = {
        { "SetHandler", EM_MAP_STRONG, BY_SECTION },
        { "AddHandler", EM_MAP_WEAK, BY_EXTENSION },
        { "AddType", EM_MAP_WEAK, BY_EXTENSION },
        { "ForceType", EM_MAP_WEAK, BY_SECTION },
        { "ProxyPassMatch", EM_MAP_FIRST, BY_PATH },
        { "ProxyPass", EM_MAP_FIRST, BY_SECTION },
        { "RewriteRule", EM_MAP_FIRST, BY_PATH },
        { "Require", EM_MAP_FIRST, BY_SECTION },
        { "Deny", EM_MAP_FIRST, BY_SECTION },
        { NULL, EM_MAP_WEAK, BY_SECTION }
    };

    for (const kind_t *kind = kinds; kind->name; kind++) {
        if ((*kind->name | 0x20) == (*name | 0x20)
            && (kind->name[1] | 0x20) == (name[1] | 0x20)
            && strcasecmp(kind->name, name) == 0) {
            return kind;
        }
    }
    return NULL;
}

static int is_in_files(const em_directive_t *d)
{
    return em_conf_within(d, "FilesMatch") || em_conf_within(d, "Files");
}

/* What the directive hands its files to, or NULL: it says nothing of that.
 * *PDENIES: to nobody. */
static const char *handler_of(const em_directive_t *d, const kind_t *kind,
                              int *pdenies, apr_pool_t *p)
{
    const char *word;

    *pdenies = 0;
    if (kind->strength == EM_MAP_FIRST) {
        if (strcasecmp(kind->name, "Require") == 0) {
            *pdenies = strncasecmp(d->args, "all", 3) == 0
                       && strcasestr(d->args, "denied") && is_in_files(d);
        }
        else if (strcasecmp(kind->name, "Deny") == 0) {
            *pdenies = strcasestr(d->args, "all") && is_in_files(d);
        }
        else {
            return strstr(d->args, "fcgi://") ? "proxy:fcgi://" : NULL;
        }
        return *pdenies ? "" : NULL;
    }
    word = em_conf_word(d->args, 0, p);
    if (!word || strcasecmp(word, "none") == 0
        || strcasecmp(word, "default-handler") == 0) {
        return NULL;
    }
    /* Most types are what a browser is told, and no handler. */
    return strcasecmp(kind->name, "AddType") == 0 && !strcasestr(word, "php")
           ? NULL : word;
}

static em_map_t *make_map(em_maps_t *maps, const em_directive_t *d, int index,
                          const kind_t *kind)
{
    int denies;
    const char *handler = handler_of(d, kind, &denies, maps->judge->pool);
    const em_rule_t *rule;
    em_map_t *m;

    if (!handler) {
        return NULL;
    }
    m = apr_pcalloc(maps->judge->pool, sizeof(*m));
    m->directive = d;
    m->index = index;
    m->handler = handler;
    m->strength = kind->strength;
    m->scope = scope_of(maps, d->section);
    m->denies = denies;
    m->php = em_map_takes(maps, d, "php");
    m->by_extension = kind->by == BY_EXTENSION;
    m->works = denies || !rule_for(maps, handler, 0)
               || em_maps_serve(maps, handler);
    rule = rule_for(maps, handler, 1);
    if (rule && kind->strength != EM_MAP_FIRST) {
        m->leak = m->php ? "php-source-leak" : rule->leak;
    }
    return m;
}

em_map_t *em_maps_htaccess(em_maps_t *maps, const em_htaccess_t *x)
{
    const kind_t *kind = kind_of(x->name);
    em_conf_file_t *file;
    em_directive_t *d;

    if (!kind || kind->strength == EM_MAP_FIRST) {
        return NULL;
    }
    file = apr_pcalloc(maps->judge->pool, sizeof(*file));
    file->path = x->file;
    d = apr_pcalloc(maps->judge->pool, sizeof(*d));
    d->name = x->name;
    d->args = x->args;
    d->file = file;
    d->line = d->last_line = x->line;
    d->active = 1;
    return make_map(maps, d, INT_MAX, kind);
}

/* Action and suPHP_AddHandler: handlers that a program serves. */
static void find_actions(em_maps_t *maps, const em_conf_t *conf,
                         const char *directive, const char *module)
{
    const em_directive_t *d;
    int i = 0;

    if (!em_judge_any(maps->loaded, module)) {
        return;
    }
    while ((d = em_conf_next(conf, directive, &i)) != NULL) {
        const char *handler = em_conf_word(d->args, 0, maps->judge->pool);

        if (handler) {
            apr_hash_set(maps->actions, handler, APR_HASH_KEY_STRING, "");
        }
    }
}

em_maps_t *em_maps_make(const em_judge_t *j, const em_conf_t *conf,
                        apr_hash_t *loaded)
{
    em_maps_t *maps = apr_pcalloc(j->pool, sizeof(*maps));

    maps->judge = j;
    maps->conf = conf;
    maps->loaded = loaded;
    maps->list = apr_array_make(j->pool, 16, sizeof(em_map_t *));
    maps->actions = apr_hash_make(j->pool);
    find_actions(maps, conf, "Action", "actions_module");
    find_actions(maps, conf, "suPHP_AddHandler", "suphp_module");
    for (int i = 0; i < conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(conf->directives, i,
                                                em_directive_t *);
        const kind_t *kind = d->active ? kind_of(d->name) : NULL;

        em_map_t *m = kind ? make_map(maps, d, i, kind) : NULL;

        if (m) {
            APR_ARRAY_PUSH(maps->list, em_map_t *) = m;
        }
    }
    return maps;
}
