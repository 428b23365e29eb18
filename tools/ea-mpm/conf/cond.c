#include "conf/walk.h"

#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "conf/known.h"
#include "conf/regex.h"

void em_walk_loaded(em_walk_t *w, const char *id, const char *so)
{
    const char *source = w->how->source_name
                         ? w->how->source_name(w->how->baton, id, so) : NULL;

    if (!source) {
        source = em_known_source(id, w->pool);
    }
    apr_hash_set(w->sources, id, APR_HASH_KEY_STRING, "");
    apr_hash_set(w->sources, source, APR_HASH_KEY_STRING, "");
}

static int module_loaded(const em_walk_t *w, const char *name)
{
    return apr_hash_get(w->sources, name, APR_HASH_KEY_STRING) != NULL;
}

/* server/core.c test_iffile_section: relative to ServerRoot. */
static int file_exists(em_walk_t *w, const char *name)
{
    char *path;

    return apr_filepath_merge(&path, w->server_root, name, 0, w->pool)
           == APR_SUCCESS && em_view_exists(w->how->view, path, w->pool);
}

static int directive_exists(em_walk_t *w, const char *name)
{
    const apr_array_header_t *ids;
    char *low = apr_pstrdup(w->pool, name);

    for (char *c = low; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    if (!w->known) {
        w->known = em_known_directives(w->pool);
    }
    ids = apr_hash_get(w->known, low, APR_HASH_KEY_STRING);
    for (int i = 0; ids && i < ids->nelts; i++) {
        const char *id = APR_ARRAY_IDX(ids, i, const char *);

        if (strcmp(id, "core_module") == 0 || module_loaded(w, id)) {
            return 1;
        }
    }
    return 0;
}

/* Compare our version with TEXT ("2.4" is 2.4.0): -1, 0, 1; 2: no version
 * (modules/metadata/mod_version.c compare_version). */
static int version_compare(const int v[3], const char *text)
{
    int given[3] = { 0, 0, 0 };

    for (int i = 0; i < 3; i++) {
        char *end;

        if (*text < '0' || *text > '9') {
            return 2;
        }
        given[i] = (int)strtol(text, &end, 10);
        text = end;
        if (*text != '.') {
            break;
        }
        text++;
        if (!*text && i < 2) {
            break;
        }
    }
    if (*text) {
        return 2;
    }
    for (int i = 0; i < 3; i++) {
        if (v[i] != given[i]) {
            return v[i] > given[i] ? 1 : -1;
        }
    }
    return 0;
}

/* <IfVersion [[!]operator] version>; a version between slashes, or the "~"
 * operator, is a pattern (mod_version.c start_ifversion). */
static int version_holds(em_walk_t *w, const char *args, const char **pwhy)
{
    const char *one = em_conf_word(args, 0, w->pool);
    const char *two = em_conf_word(args, 1, w->pool);
    const char *op = two ? one : "=", *text = two ? two : one;
    const int *v = w->how->version;
    int not = op[0] == '!' && op[1], cmp, holds;
    apr_size_t len = text ? strlen(text) : 0;

    op += not;
    if (!text || (op[1] && (op[1] != '=' || op[2] || op[0] == '~'))
        || !op[0] || !strchr("=~<>", op[0])) {
        *pwhy = "is not \"[operator] version\"";
        return 0;
    }
    if (op[0] == '~' || (op[0] == '=' && text[0] == '/')) {
        if (op[0] == '=' && (len < 2 || text[len - 1] != '/')) {
            *pwhy = "has a pattern without its last \"/\"";
            return 0;
        }
        holds = em_regex_matches(op[0] == '~' ? text
                                 : apr_pstrmemdup(w->pool, text + 1, len - 2),
                                 apr_psprintf(w->pool, "%d.%d.%d", v[0], v[1],
                                              v[2]), w->pool);
        if (holds < 0) {
            *pwhy = "has a pattern that is not a regular expression";
            return 0;
        }
        return holds != not;
    }
    cmp = version_compare(v, text);
    if (cmp == 2) {
        *pwhy = "has something else than a version number";
        return 0;
    }
    holds = (cmp == 0 && (op[0] == '=' || op[1] == '='))
            || (cmp < 0 && op[0] == '<') || (cmp > 0 && op[0] == '>');
    return holds != not;
}

int em_walk_holds(em_walk_t *w, em_keyword_t keyword, const char *args,
                  const char **pwhy)
{
    const char *name;
    int not, holds;

    *pwhy = NULL;
    if (keyword == EM_KW_IFVERSION) {
        return version_holds(w, args, pwhy);
    }
    not = *args == '!';
    name = em_conf_word(args + not, 0, w->pool);
    if (!name || !*name) {
        *pwhy = "has no argument";
        return 0;
    }
    switch (keyword) {
    case EM_KW_IFMODULE:
        holds = module_loaded(w, name);
        break;
    case EM_KW_IFDEFINE:
        holds = em_vars_defined(w->vars, name);
        break;
    case EM_KW_IFFILE:
        holds = file_exists(w, name);
        break;
    case EM_KW_IFDIRECTIVE:
        holds = directive_exists(w, name);
        break;
    case EM_KW_IFSECTION:
        holds = directive_exists(w, apr_pstrcat(w->pool, "<", name, NULL));
        break;
    default:
        holds = 0;
        break;
    }
    return holds != not;
}
