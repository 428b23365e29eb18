#include "conf/walk.h"

#include <stdarg.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "conf/known.h"

void em_walk_note(em_walk_t *w, const char *problem, const char *file,
                  int line, int fatal, const char *fmt, ...)
{
    em_conf_note_t *note = apr_pcalloc(w->pool, sizeof(*note));
    va_list ap;

    va_start(ap, fmt);
    note->message = apr_pvsprintf(w->pool, fmt, ap);
    va_end(ap);
    note->problem = problem;
    note->file = file;
    note->line = line;
    note->fatal = fatal;
    APR_ARRAY_PUSH(w->conf->notes, em_conf_note_t *) = note;
}

static const em_directive_t *add_directive(em_walk_t *w, em_lex_line_t *line,
                                           const em_conf_file_t *file)
{
    enum { BLOCK = 1024 };
    em_conf_cache_t *cache = w->cache;
    em_directive_t *d = (em_directive_t *)line->made;

    if (!d || d->file != file || d->section != w->section
        || d->active != w->active) {
        if (cache->slab_left == 0) {
            cache->slab = apr_palloc(cache->pool,
                                     BLOCK * sizeof(*cache->slab));
            cache->slab_left = BLOCK;
        }
        d = cache->slab++;
        cache->slab_left--;
        d->name = line->name;
        d->args = line->args;
        d->file = file;
        d->line = line->line;
        d->last_line = line->last_line;
        d->section = w->section;
        d->active = w->active;
        line->made = d;
    }
    APR_ARRAY_PUSH(w->conf->directives, const em_directive_t *) = d;
    return d;
}

static void add_mpm_line(em_walk_t *w, const em_lex_line_t *line,
                         const em_conf_file_t *file, em_line_state_t state)
{
    const char *id = em_conf_word(line->args, 0, w->pool);
    const char *so = em_conf_word(line->args, 1, w->pool);
    apr_size_t len = id ? strlen(id) : 0;
    em_mpm_line_t *mpm;

    if (!so || len < 12 || strncmp(id, "mpm_", 4) != 0
        || strcmp(id + len - 7, "_module") != 0) {
        return;
    }
    mpm = apr_pcalloc(w->pool, sizeof(*mpm));
    mpm->mpm = apr_pstrmemdup(w->pool, id + 4, len - 11);
    mpm->id = id;
    mpm->so = so;
    mpm->file = file;
    mpm->line = line->line;
    mpm->state = state;
    mpm->section = w->section;
    APR_ARRAY_PUSH(w->conf->mpm_lines, em_mpm_line_t *) = mpm;
}

static void load_module(em_walk_t *w, const em_directive_t *d)
{
    const char *id = em_conf_word(d->args, 0, w->pool);
    const char *so = em_conf_word(d->args, 1, w->pool);

    /* A second line of the same module is skipped by httpd. */
    if (so && !apr_hash_get(w->conf->modules, id, APR_HASH_KEY_STRING)) {
        apr_hash_set(w->conf->modules, id, APR_HASH_KEY_STRING, d);
        em_walk_loaded(w, id, so);
    }
}

static void set_server_root(em_walk_t *w, const em_directive_t *d)
{
    const char *dir = em_conf_word(d->args, 0, w->pool);
    char *path;

    if (dir && apr_filepath_merge(&path, "/", dir, 0, w->pool) == APR_SUCCESS
        && em_view_is_dir(w->how->view, path, w->pool)) {
        w->server_root = path;
        return;
    }
    em_walk_note(w, "server-root-missing", d->file->path, d->line, 1,
                 "ServerRoot %s is not a directory", d->args);
}

/* Carry out a line that httpd carries out while it reads. */
static void execute(em_walk_t *w, em_keyword_t keyword,
                    const em_directive_t *d)
{
    const char *first = em_conf_word(d->args, 0, w->pool);

    if (!first) {
        return;
    }
    switch (keyword) {
    case EM_KW_INCLUDE:
    case EM_KW_INCLUDEOPTIONAL:
        (void)em_walk_include(w, first, keyword == EM_KW_INCLUDEOPTIONAL,
                              d->file, d->line);
        break;
    case EM_KW_LOADMODULE:
        load_module(w, d);
        break;
    case EM_KW_DEFINE:
        em_vars_define(w->vars, first, em_conf_word(d->args, 1, w->pool));
        break;
    case EM_KW_UNDEFINE:
        em_vars_undefine(w->vars, first);
        break;
    case EM_KW_SERVERROOT:
        set_server_root(w, d);
        break;
    default:
        break;
    }
}

/* The section record of LINE, opened now. */
static const em_conf_section_t *make_section(em_walk_t *w,
                                             em_lex_line_t *line,
                                             const em_conf_file_t *file,
                                             int condition, int holds)
{
    em_conf_section_t *s = (em_conf_section_t *)line->made;

    if (!s || s->file != file || s->parent != w->section
        || s->active != w->active || s->holds != holds) {
        s = apr_pcalloc(w->cache->pool, sizeof(*s));
        s->name = line->name;
        s->args = line->args;
        s->file = file;
        s->line = line->line;
        s->parent = w->section;
        s->active = w->active;
        s->condition = condition;
        s->holds = holds;
        line->made = s;
    }
    APR_ARRAY_PUSH(w->conf->sections, const em_conf_section_t *) = s;
    return s;
}

static void open_section(em_walk_t *w, em_lex_line_t *line,
                         const em_conf_file_t *file)
{
    em_walk_open_t *open = apr_array_push(w->open);
    const int condition = line->keyword >= EM_KW_IFMODULE
                          && line->keyword <= EM_KW_IFSECTION;
    const char *why = NULL;
    int holds = 0;

    if (condition && w->active) {
        holds = em_walk_holds(w, line->keyword, line->args, &why);
    }
    if (w->active && line->odd && !why) {
        why = "lacks its \">\"";
    }
    if (why) {
        em_walk_note(w, "section-malformed", file->path, line->line, 1,
                     "<%s %s> %s", line->name, line->args, why);
    }
    open->active_outside = w->active;
    open->section = make_section(w, line, file, condition, holds);
    w->section = open->section;
    if (condition) {
        w->active = holds;
    }
}

static void pop(em_walk_t *w)
{
    const em_walk_open_t *open = apr_array_pop(w->open);

    w->active = open->active_outside;
    w->section = open->section->parent;
}

static void close_section(em_walk_t *w, const em_lex_line_t *line,
                          const em_conf_file_t *file)
{
    int i;

    for (i = w->open->nelts - 1; i >= w->base; i--) {
        if (strcasecmp(APR_ARRAY_IDX(w->open, i, em_walk_open_t)
                       .section->name, line->name) == 0) {
            break;
        }
    }
    if (i < w->base) {
        em_walk_note(w, "section-unexpected", file->path, line->line, 1,
                     "</%s> closes nothing that this file opened",
                     line->name);
        return;
    }
    if (i != w->open->nelts - 1 || (line->odd && w->active)) {
        em_walk_note(w, "section-unexpected", file->path, line->line, 1,
                     "</%s> where </%s> must come, alone on its line",
                     line->name, w->section->name);
    }
    while (w->open->nelts > i) {
        pop(w);
    }
}

/* The index of the line that ends a section in another language. */
static int skip_foreign(em_walk_t *w, const em_lex_t *lex, int i,
                        const em_conf_file_t *file)
{
    const em_lex_line_t *open = &lex->lines[i];

    for (int end = i + 1; end < lex->count; end++) {
        const em_lex_line_t *line = &lex->lines[end];

        if (line->kind == EM_LEX_CLOSE
            && strcasecmp(line->name, open->name) == 0) {
            return end;
        }
    }
    em_walk_note(w, "section-unclosed", file->path, open->line, 1,
                 "<%s> is not closed", open->name);
    return lex->count;
}

static int has_module(const em_walk_t *w, const char *id)
{
    return apr_hash_get(w->sources, id, APR_HASH_KEY_STRING) != NULL;
}

/* Run line I; returns the index of the last line that was used up. */
static int run_line(em_walk_t *w, const em_lex_t *lex, int i,
                    em_lex_line_t *line, const em_conf_file_t *file)
{
    const em_directive_t *d;

    switch (line->kind) {
    case EM_LEX_MPM:
        add_mpm_line(w, line, file, EM_LINE_COMMENTED);
        return i;
    case EM_LEX_CLOSE:
        close_section(w, line, file);
        return i;
    case EM_LEX_OPEN:
        if (w->active && line->keyword == EM_KW_MACRO
            && has_module(w, "macro_module")) {
            return em_macro_define(w, lex, i, file, line->args);
        }
        if (w->active && line->keyword == EM_KW_FOREIGN) {
            return skip_foreign(w, lex, i, file);
        }
        open_section(w, line, file);
        return i;
    default:
        break;
    }
    d = add_directive(w, line, file);
    if (line->keyword == EM_KW_LOADMODULE) {
        add_mpm_line(w, line, file,
                     w->active ? EM_LINE_ACTIVE : EM_LINE_CONDITION);
    }
    if (!w->active || line->keyword == EM_KW_NONE) {
        return i;
    }
    if (line->keyword == EM_KW_USE && has_module(w, "macro_module")) {
        em_macro_use(w, line->args, file, line->line);
    }
    else if (line->keyword == EM_KW_UNDEFMACRO) {
        em_macro_undefine(w, line->args);
    }
    else {
        execute(w, line->keyword, d);
    }
    return i;
}

/* A line with variables, as it reads now; NULL: nothing is left of it. */
static em_lex_line_t *resolved_line(em_walk_t *w, em_lex_line_t *line,
                                    const em_conf_file_t *file)
{
    const char *text = em_vars_resolve(w->vars, line->args, w->scratch);

    if (text) {
        w->expanded += strlen(text);
    }
    if (!text || w->expanded > EM_WALK_EXPANDED) {
        w->stop = 1;
        em_walk_note(w, "line-too-long", file->path, line->line, 0,
                     "variables make more text than ea-mpm reads; what "
                     "follows is not known");
        return NULL;
    }
    if (!line->text || strcmp(line->text, text) != 0) {
        apr_pool_t *p = w->cache->pool;

        line->text = apr_pstrdup(p, text);
        line->resolved = apr_pmemdup(p, line, sizeof(*line));
        line->resolved->made = NULL;
        if (!em_lex_split(line->resolved, apr_pstrdup(p, text), p)) {
            line->resolved = NULL;
        }
    }
    apr_pool_clear(w->scratch);
    return line->resolved;
}

void em_walk_lines(em_walk_t *w, em_lex_t *lex, const em_conf_file_t *file)
{
    for (int i = 0; i < lex->count && !w->stop; i++) {
        em_lex_line_t *line = &lex->lines[i];

        if (line->kind == EM_LEX_VARS) {
            line = resolved_line(w, line, file);
        }
        if (line) {
            i = run_line(w, lex, i, line, file);
        }
        if (w->conf->directives->nelts >= EM_WALK_DIRECTIVES) {
            w->stop = 1;
            em_walk_note(w, "too-many-lines", file->path,
                         lex->lines[i < lex->count ? i : 0].line, 0,
                         "more directives than ea-mpm reads; what follows "
                         "is not known");
        }
    }
}

void em_walk_file(em_walk_t *w, em_lex_t *lex, const em_conf_file_t *file)
{
    const int outer = w->base;

    w->base = w->open->nelts;
    em_walk_lines(w, lex, file);
    if (lex->too_long) {
        em_walk_note(w, "line-too-long", file->path, lex->too_long, 1,
                     "httpd reads lines of up to 16 MB");
    }
    if (lex->too_many) {
        em_walk_note(w, "too-many-lines", file->path, lex->last_line, 0,
                     "more lines than ea-mpm reads; what follows is not "
                     "known");
    }
    while (w->open->nelts > w->base) {
        const em_conf_section_t *s = w->section;

        /* httpd lets a condition that holds end with its file. */
        if (!w->stop) {
            em_walk_note(w, "section-unclosed", s->file->path, s->line,
                         !(s->condition && s->holds), "<%s %s> is not closed",
                         s->name, s->args);
        }
        pop(w);
    }
    w->base = outer;
}

/* -C and -c: each is a line of its own. */
static void run_options(em_walk_t *w, const char *const *lines)
{
    em_conf_file_t *file = apr_pcalloc(w->pool, sizeof(*file));
    char *text = apr_pstrdup(w->pool, "");
    em_lex_t *lex;

    if (!lines || !*lines) {
        return;
    }
    for (; *lines; lines++) {
        text = apr_pstrcat(w->pool, text, *lines, "\n", NULL);
    }
    file->path = "-c/-C directives";    /* as httpd names them */
    lex = em_lex(text, strlen(text), 1, w->pool);
    em_walk_file(w, lex, file);
}

void *em_conf_cache(apr_pool_t *p)
{
    em_conf_cache_t *cache = apr_pcalloc(p, sizeof(*cache));

    cache->pool = p;
    cache->memo = em_view_memo(p);
    cache->lexed = apr_hash_make(p);
    return cache;
}

static em_conf_t *make_conf(apr_pool_t *p)
{
    em_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    conf->files = apr_array_make(p, 64, sizeof(em_conf_file_t *));
    conf->directives = apr_array_make(p, 4096, sizeof(em_directive_t *));
    conf->sections = apr_array_make(p, 512, sizeof(em_conf_section_t *));
    conf->mpm_lines = apr_array_make(p, 8, sizeof(em_mpm_line_t *));
    conf->notes = apr_array_make(p, 8, sizeof(em_conf_note_t *));
    conf->open_dirs = apr_array_make(p, 4, sizeof(const char *));
    conf->modules = apr_hash_make(p);
    return conf;
}

apr_status_t em_conf_read(em_conf_t **pconf, const em_conf_how_t *how,
                          em_result_t *res, apr_pool_t *p)
{
    em_conf_cache_t *cache = how->cache ? how->cache : em_conf_cache(p);
    em_walk_t w = { 0 };
    apr_status_t rv;

    em_result_activity(res, "reading %s", how->config_file);
    rv = apr_pool_create(&w.scratch, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    w.how = how;
    w.pool = p;
    w.conf = make_conf(p);
    w.vars = em_vars_make(how->env, how->defines, p);
    w.server_root = how->server_root ? how->server_root : "/";
    w.sources = apr_hash_make(p);
    w.macros = apr_hash_make(p);
    w.cache = cache;
    w.open = apr_array_make(p, 16, sizeof(em_walk_open_t));
    w.active = 1;
    for (const char *const *m = how->static_modules; m && *m; m++) {
        const char *id = em_known_id(*m, p);

        apr_hash_set(w.sources, *m, APR_HASH_KEY_STRING, "");
        if (id) {
            apr_hash_set(w.sources, id, APR_HASH_KEY_STRING, "");
        }
    }
    run_options(&w, how->before);
    rv = em_walk_include(&w, how->config_file, 0, NULL, 0);
    if (rv != APR_SUCCESS && w.conf->files->nelts <= 1) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "config-unreadable",
                              "The main configuration file %s cannot be "
                              "read: ", how->config_file);
    }
    run_options(&w, how->after);
    w.conf->defines = em_vars_table(w.vars, p);
    w.conf->env_asked = em_vars_asked(w.vars);
    *pconf = w.conf;
    return APR_SUCCESS;
}
