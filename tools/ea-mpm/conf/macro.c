#include "conf/walk.h"

#include <string.h>

#include <apr_strings.h>

/* mod_macro: a named text whose arguments are replaced where it is used. The
 * lines count where they stand in the definition, so that a message names
 * the place that a person would edit. */
typedef struct em_macro_t {
    const char *name;
    apr_array_header_t *args;   /* const char * */
    const char *body;
    apr_size_t len;
    int line;                   /* of the body's first line */
    const em_conf_file_t *file;
    int in_use;
} em_macro_t;

#define MACRO_TEXT_MAX (16 * 1024 * 1024)   /* one use, with its arguments */

static const char *lower(const char *s, apr_pool_t *p)
{
    char *low = apr_pstrdup(p, s);

    for (char *c = low; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    return low;
}

static apr_array_header_t *words(const char *args, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 4, sizeof(const char *));

    for (args = em_conf_rest(args, 0); *args; args = em_conf_rest(args, 1)) {
        APR_ARRAY_PUSH(list, const char *) = em_conf_word(args, 0, p);
    }
    return list;
}

int em_macro_define(em_walk_t *w, const em_lex_t *lex, int i,
                    const em_conf_file_t *file, const char *args)
{
    const em_lex_line_t *at = &lex->lines[i];
    em_macro_t *macro = apr_pcalloc(w->pool, sizeof(*macro));
    const char *name = em_conf_word(args, 0, w->pool);
    int end, nested = 1;

    for (end = i + 1; end < lex->count; end++) {
        const em_lex_line_t *line = &lex->lines[end];

        if (line->kind == EM_LEX_OPEN && line->keyword == EM_KW_MACRO) {
            nested++;
        }
        else if (line->kind == EM_LEX_CLOSE
                 && strcasecmp(line->name, "Macro") == 0 && --nested == 0) {
            break;
        }
    }
    if (!name || end == lex->count) {
        em_walk_note(w, "section-unclosed", file->path, at->line, 1,
                     "<Macro %s> %s", args,
                     name ? "is not closed" : "has no name");
        return end;
    }
    macro->name = lower(name, w->pool);
    macro->args = words(em_conf_rest(args, 1), w->pool);
    macro->body = lex->src + at->end;
    macro->len = lex->lines[end].begin - at->end;
    macro->line = at->last_line + 1;
    macro->file = file;
    apr_hash_set(w->macros, macro->name, APR_HASH_KEY_STRING, macro);
    return end;
}

void em_macro_undefine(em_walk_t *w, const char *args)
{
    const char *name = em_conf_word(args, 0, w->pool);

    if (name) {
        apr_hash_set(w->macros, lower(name, w->pool), APR_HASH_KEY_STRING,
                     NULL);
    }
}

/* What an argument becomes: "@x" ones are quoted. */
static const char *replacement(const char *arg, const char *value,
                               apr_pool_t *p)
{
    char *quoted, *out;

    if (*arg != '@') {
        return value;
    }
    quoted = out = apr_palloc(p, 2 * strlen(value) + 3);
    *out++ = '"';
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') {
            *out++ = '\\';
        }
        *out++ = *value;
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}

/* The argument that stands at S, the longest if several do; -1: none. */
static int arg_at(const em_macro_t *macro, const char *s, apr_size_t left)
{
    apr_size_t longest = 0;
    int found = -1;

    for (int i = 0; i < macro->args->nelts; i++) {
        const char *arg = APR_ARRAY_IDX(macro->args, i, const char *);
        apr_size_t len = strlen(arg);

        if (len > longest && len <= left && memcmp(s, arg, len) == 0) {
            longest = len;
            found = i;
        }
    }
    return found;
}

/* The body with its arguments replaced, or NULL: it would be too long. */
static char *expand(const em_macro_t *macro, apr_array_header_t *values,
                    apr_size_t *plen, apr_pool_t *p)
{
    apr_size_t room = macro->len + 256, len = 0, i = 0;
    char *text = apr_palloc(p, room);

    while (i < macro->len) {
        int arg = arg_at(macro, macro->body + i, macro->len - i);
        const char *piece = macro->body + i;
        apr_size_t piece_len = 1;

        if (arg >= 0) {
            piece = APR_ARRAY_IDX(values, arg, const char *);
            piece_len = strlen(piece);
            i += strlen(APR_ARRAY_IDX(macro->args, arg, const char *));
        }
        else {
            i++;
        }
        if (len + piece_len > room) {
            char *more;

            room = 2 * (len + piece_len);
            if (room > MACRO_TEXT_MAX) {
                return NULL;
            }
            more = apr_palloc(p, room);
            memcpy(more, text, len);
            text = more;
        }
        memcpy(text + len, piece, piece_len);
        len += piece_len;
    }
    *plen = len;
    return text;
}

/* The lines that a use becomes, or NULL: too much text. */
static em_lexed_t *expanded(em_walk_t *w, const em_macro_t *macro,
                            const char *args, apr_array_header_t *values)
{
    em_conf_cache_t *cache = w->cache;
    const char *key = apr_psprintf(cache->pool, "%pp %d %s", macro->body,
                                   macro->line, args);
    em_lexed_t *known = apr_hash_get(cache->lexed, key, APR_HASH_KEY_STRING);
    apr_size_t len;
    char *text;

    if (known) {
        return known;
    }
    for (int i = 0; i < macro->args->nelts; i++) {
        APR_ARRAY_IDX(values, i, const char *)
            = replacement(APR_ARRAY_IDX(macro->args, i, const char *),
                          APR_ARRAY_IDX(values, i + 1, const char *),
                          w->pool);
    }
    text = expand(macro, values, &len, cache->pool);
    if (!text || (w->expanded += len) > EM_WALK_EXPANDED) {
        return NULL;
    }
    known = apr_pcalloc(cache->pool, sizeof(*known));
    known->lex = em_lex(text, len, macro->line, cache->pool);
    apr_hash_set(cache->lexed, key, APR_HASH_KEY_STRING, known);
    return known;
}

void em_macro_use(em_walk_t *w, const char *args, const em_conf_file_t *file,
                  int line)
{
    apr_array_header_t *values = words(args, w->pool);
    em_macro_t *macro = NULL;
    em_lexed_t *known;

    if (values->nelts > 0) {
        macro = apr_hash_get(w->macros,
                             lower(APR_ARRAY_IDX(values, 0, const char *),
                                   w->pool), APR_HASH_KEY_STRING);
    }
    if (!macro || macro->in_use
        || macro->args->nelts != values->nelts - 1) {
        em_walk_note(w, "macro-refused", file->path, line, 1, "Use %s: %s",
                     args, !macro ? "no such macro" : macro->in_use
                     ? "the macro uses itself"
                     : "another number of arguments than its definition");
        return;
    }
    known = ++w->reads > EM_WALK_FILES ? NULL
            : expanded(w, macro, args, values);
    if (!known) {
        w->stop = 1;
        em_walk_note(w, "too-many-files", file->path, line, 0,
                     "the macros of this configuration become longer than "
                     "ea-mpm reads; what follows is not known");
        return;
    }
    macro->in_use = 1;
    em_walk_lines(w, known->lex,
                  em_walk_file_from(w, known, macro->file->path, file, line));
    macro->in_use = 0;
}
