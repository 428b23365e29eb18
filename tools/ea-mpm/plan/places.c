#include "plan/draft.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* The right place for a LoadModule line. Of all the ways to get one - a
 * commented line to uncomment, of which there may be several, or a new line -
 * the first is taken that a walk of the configuration proves right. */

#define MAX_CONF (64 * 1024 * 1024)
#define MAX_TRIALS 24

/* A place for a line: uncomment it, or insert TEXT before it. */
typedef struct place_t {
    em_edit_op_t op;
    const char *file;           /* as httpd names it */
    int line;
    const char *text;
} place_t;

/* ---- lines that are commented out ---- */

/* "# LoadModule ID file": its file, or NULL. */
static const char *commented_so(const char *line, apr_size_t len,
                                const char *id, apr_pool_t *p)
{
    static const char directive[] = "LoadModule";
    const char *s = apr_pstrmemdup(p, line, len);

    s += strspn(s, " \t");
    if (*s != '#') {
        return NULL;
    }
    s += strspn(s, "# \t");
    if (strncasecmp(s, directive, sizeof(directive) - 1) != 0) {
        return NULL;
    }
    s += sizeof(directive) - 1;
    if (!apr_isspace(*s)) {
        return NULL;
    }
    s += strspn(s, " \t");
    if (strcmp(id, em_conf_word(s, 0, p) ? em_conf_word(s, 0, p) : "") != 0) {
        return NULL;
    }
    return em_conf_word(s, 1, p);
}

static void find_in_text(apr_array_header_t *out, const char *file,
                         const em_node_t *node, const em_draft_t *draft,
                         const char *id)
{
    const char *s = node->data, *end = node->data + node->len;

    for (int line = 1; s < end; line++) {
        const char *nl = memchr(s, '\n', (apr_size_t)(end - s));
        apr_size_t len = (apr_size_t)((nl ? nl : end) - s);
        const char *so = NULL;

        if (memchr(s, '#', len)) {
            so = commented_so(s, len, id, draft->pool);
        }
        if (so && em_view_exists(draft->facts->view,
                                 em_so_path(draft->facts, so, draft->pool),
                                 draft->pool)) {
            place_t *place = apr_array_push(out);

            place->op = EM_EDIT_UNCOMMENT;
            place->file = file;
            place->line = line;
            place->text = so;
        }
        s = nl ? nl + 1 : end;
    }
}

/* Every commented LoadModule line for ID whose file is there, in the order
 * of the walk (place_t). */
static apr_array_header_t *find_commented(const em_draft_t *draft,
                                          const char *id)
{
    const apr_array_header_t *files = draft->facts->conf->files;
    apr_array_header_t *out = apr_array_make(draft->pool, 4, sizeof(place_t));
    apr_hash_t *seen = apr_hash_make(draft->pool);

    for (int i = 0; i < files->nelts; i++) {
        const em_conf_file_t *file
            = APR_ARRAY_IDX(files, i, em_conf_file_t *);
        em_node_t *node;

        if (file->error
            || apr_hash_get(seen, file->path, APR_HASH_KEY_STRING)) {
            continue;
        }
        apr_hash_set(seen, file->path, APR_HASH_KEY_STRING, file);
        if (em_view_read(&node, draft->facts->view, file->path, MAX_CONF,
                         draft->pool) == APR_SUCCESS
            && memmem(node->data, node->len, id, strlen(id))) {
            find_in_text(out, file->path, node, draft, id);
        }
    }
    return out;
}

/* ---- where to put a line ---- */

/* The line that loads an MPM now: its neighbourhood is where httpd reads the
 * MPM before what depends on it (an <IfModule> above it would be false). */
static const em_mpm_line_t *find_anchor(const em_draft_t *draft)
{
    const apr_array_header_t *lines = draft->facts->conf->mpm_lines;

    for (int i = 0; i < lines->nelts; i++) {
        const em_mpm_line_t *line
            = APR_ARRAY_IDX(lines, i, const em_mpm_line_t *);

        if (line->state == EM_LINE_ACTIVE && em_is_mpm(line->mpm)) {
            return line;
        }
    }
    return NULL;
}

static place_t insertion(const em_draft_t *draft, const char *file, int line,
                         const char *id, const char *so, const char *like)
{
    place_t place = {EM_EDIT_INSERT, file, line, NULL};

    place.text = apr_pstrcat(draft->pool, "LoadModule ", id, " ",
                             em_so_text(draft, so, like), NULL);
    return place;
}

/* A place for a new line where no MPM is loaded at all: the layout's file
 * for it, else before the first module of the main file. */
static place_t fallback(const em_draft_t *draft, const char *id,
                        const char *so)
{
    const em_facts_t *facts = draft->facts;
    const char *file = facts->httpd.config_file;
    const em_directive_t *d;
    int i = 0;

    if (facts->layout->mpm_file
        && em_view_exists(facts->view, facts->layout->mpm_file,
                          draft->pool)) {
        for (int n = 0; n < facts->conf->files->nelts; n++) {
            const em_conf_file_t *f
                = APR_ARRAY_IDX(facts->conf->files, n, em_conf_file_t *);

            if (strcmp(f->path, facts->layout->mpm_file) == 0) {
                file = f->path;
            }
        }
    }
    while ((d = em_conf_next(facts->conf, "LoadModule", &i)) != NULL) {
        if (strcmp(d->file->path, file) == 0) {
            return insertion(draft, file, d->line, id, so,
                             em_conf_word(d->args, 1, draft->pool));
        }
    }
    return insertion(draft, file, 1, id, so, NULL);
}

static int distance(const place_t *place, const em_mpm_line_t *anchor)
{
    return place->line > anchor->line ? place->line - anchor->line
                                      : anchor->line - place->line;
}

/* Those in the anchor's own file first, the nearest first of all. */
static void sort_places(apr_array_header_t *places,
                        const em_mpm_line_t *anchor)
{
    place_t *at = (place_t *)places->elts;

    for (int i = 1; anchor && i < places->nelts; i++) {
        for (int j = i; j > 0; j--) {
            int here = strcmp(at[j].file, anchor->file->path) == 0;
            int there = strcmp(at[j - 1].file, anchor->file->path) == 0;
            place_t swap = at[j];

            if (here < there
                || (here == there
                    && (!here || distance(&at[j], anchor)
                                     >= distance(&at[j - 1], anchor)))) {
                break;
            }
            at[j] = at[j - 1];
            at[j - 1] = swap;
        }
    }
}

/* ---- trying ---- */

static apr_status_t plan_at(em_draft_t *draft, const place_t *place,
                            const char *why)
{
    return em_draft_edit(draft, place->op, place->file, place->line,
                         place->op == EM_EDIT_INSERT ? place->text : NULL,
                         why);
}

/* Try PLACE; *PCONF is the walk if it makes ID load, else NULL and the edits
 * are dropped again. */
static apr_status_t try_place(em_conf_t **pconf, em_draft_t *draft,
                              const place_t *place, const char *id,
                              const char *why, em_result_t *res)
{
    int mark = draft->edits->nelts;
    em_conf_t *conf;
    apr_status_t rv = plan_at(draft, place, why);

    *pconf = NULL;
    if (rv == APR_SUCCESS) {
        rv = em_settle(&conf, draft, em_wrong_mpm, NULL, res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (apr_hash_get(conf->modules, id, APR_HASH_KEY_STRING)) {
        *pconf = conf;
    }
    else {
        em_draft_drop(draft, mark);
    }
    return APR_SUCCESS;
}

/* Do both walks execute the same, but for where the MPM's line stands? */
static int same_effect(const em_conf_t *a, const em_conf_t *b, apr_pool_t *p)
{
    int i = 0, j = 0;

    for (;;) {
        const em_directive_t *x = NULL, *y = NULL;

        while (i < a->directives->nelts && !x) {
            x = APR_ARRAY_IDX(a->directives, i++, em_directive_t *);
            x = x->active
                && !(strcasecmp(x->name, "LoadModule") == 0
                     && em_mpm_of(em_conf_word(x->args, 0, p), p)) ? x : NULL;
        }
        while (j < b->directives->nelts && !y) {
            y = APR_ARRAY_IDX(b->directives, j++, em_directive_t *);
            y = y->active
                && !(strcasecmp(y->name, "LoadModule") == 0
                     && em_mpm_of(em_conf_word(y->args, 0, p), p)) ? y : NULL;
        }
        if (!x || !y) {
            return !x && !y;
        }
        if (strcasecmp(x->name, y->name) != 0
            || strcmp(x->args, y->args) != 0) {
            return 0;
        }
    }
}

typedef struct search_t {
    em_draft_t *draft;
    const char *id, *why;
    const em_mpm_line_t *anchor;
    apr_array_header_t *places; /* place_t: commented lines */
    place_t new_line;
    em_result_t *res;
} search_t;

/* Take the first commented line that works, with FAR also those in other
 * files than the anchor's; LIKE: only if the configuration then does what it
 * does with the new line. */
static apr_status_t take_commented(int *pdone, search_t *s, int far,
                                   const em_conf_t *like)
{
    for (int i = 0; i < s->places->nelts && i < MAX_TRIALS; i++) {
        const place_t *place = &APR_ARRAY_IDX(s->places, i, place_t);
        int near = !s->anchor
                   || strcmp(place->file, s->anchor->file->path) == 0;
        int mark = s->draft->edits->nelts;
        em_conf_t *conf;
        apr_status_t rv;

        if (near == far) {
            continue;
        }
        rv = try_place(&conf, s->draft, place, s->id, s->why, s->res);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (conf && like && !same_effect(conf, like, s->draft->pool)) {
            em_draft_drop(s->draft, mark);
            conf = NULL;
        }
        if (conf) {
            *pdone = 1;
            return APR_SUCCESS;
        }
    }
    return APR_SUCCESS;
}

/* The order of preference: a commented line beside the one that goes; one in
 * another file that has the same effect as a new line beside it; the new
 * line. */
static apr_status_t take_place(search_t *s)
{
    int mark = s->draft->edits->nelts, done = 0;
    em_conf_t *with_new;
    apr_status_t rv = take_commented(&done, s, 0, NULL);

    if (rv != APR_SUCCESS || done) {
        return rv;
    }
    rv = try_place(&with_new, s->draft, &s->new_line, s->id, s->why, s->res);
    em_draft_drop(s->draft, mark);
    if (rv == APR_SUCCESS) {
        rv = take_commented(&done, s, 1, with_new);
    }
    if (rv != APR_SUCCESS || done) {
        return rv;
    }
    return try_place(&with_new, s->draft, &s->new_line, s->id, s->why,
                     s->res);
}

apr_status_t em_load(em_draft_t *draft, const em_installed_t *installed,
                     const char *why, em_result_t *res)
{
    search_t s = {draft, installed->id, why, find_anchor(draft),
                  find_commented(draft, installed->id), {0}, res};

    sort_places(s.places, s.anchor);
    s.new_line = s.anchor
                     ? insertion(draft, s.anchor->file->path, s.anchor->line,
                                 installed->id, installed->file, s.anchor->so)
                     : fallback(draft, installed->id, installed->file);
    return take_place(&s);
}
