#include "check/judge.h"

#include <stdlib.h>
#include <string.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>

#include "conf/known.h"

/* Directives that die: active after the plan, when no module that knows them
 * is loaded any more. In the configuration httpd does not start with one
 * (AH00526), in a .htaccess file every request below it is answered 500. */

#define PLACES 3                /* how many a message names */

typedef struct dead_t {
    const char *name;           /* as written at the first place */
    const apr_array_header_t *ids;  /* who knows it */
    int alive_before;
    int count, htaccess_count;
    const char *file[PLACES], *htaccess_file[PLACES];
    int line[PLACES], htaccess_line[PLACES];
} dead_t;

typedef struct dying_t {
    em_judge_t *j;
    apr_hash_t *dead;           /* lower case name -> dead_t * */
    apr_array_header_t *found;  /* dead_t *, those that occur */
    unsigned char seen[256][64];    /* [first letter][length]: some name */
} dying_t;

typedef struct known_t {
    const apr_array_header_t *rules;
    apr_hash_t *known;
} known_t;

/* Who knows what: httpd's own table and what rules say of other modules. Made
 * once for a set of rules, for all targets. */
static apr_hash_t *all_known(const em_judge_t *j)
{
    static const char key[] = "em_known_directives";
    apr_pool_t *p = j->rules->pool;
    apr_hash_t *known;
    known_t *keep;
    void *kept;

    if (apr_pool_userdata_get(&kept, key, p) == APR_SUCCESS && kept
        && ((const known_t *)kept)->rules == j->rules) {
        return ((const known_t *)kept)->known;
    }
    known = em_known_directives(p);
    for (int i = 0; i < j->rules->nelts; i++) {
        const em_rule_t *rule = APR_ARRAY_IDX(j->rules, i, em_rule_t *);

        for (int k = 0; k < rule->directives->nelts; k++) {
            char *name = apr_pstrdup(p, APR_ARRAY_IDX(rule->directives, k,
                                                      const char *));
            apr_array_header_t *ids;

            for (char *c = name; *c; c++) {
                *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
            }
            ids = apr_hash_get(known, name, APR_HASH_KEY_STRING);
            if (!ids) {
                ids = apr_array_make(p, 2, sizeof(const char *));
                apr_hash_set(known, name, APR_HASH_KEY_STRING, ids);
            }
            APR_ARRAY_PUSH(ids, const char *) = rule->id;
        }
    }
    keep = apr_palloc(p, sizeof(*keep));
    keep->rules = j->rules;
    keep->known = known;
    (void)apr_pool_userdata_setn(keep, key, NULL, p);
    return known;
}

static int any_loaded(apr_hash_t *loaded, const apr_array_header_t *ids)
{
    for (int i = 0; i < ids->nelts; i++) {
        if (em_judge_any(loaded, APR_ARRAY_IDX(ids, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

static int is_2_2(const em_facts_t *facts)
{
    return facts->httpd.v[0] == 2 && facts->httpd.v[1] < 4;
}

static void find_dead(dying_t *d)
{
    apr_hash_t *known = all_known(d->j);
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(d->j->pool, known); hi; hi = apr_hash_next(hi)) {
        const char *name = apr_hash_this_key(hi);
        const apr_array_header_t *ids = apr_hash_this_val(hi);
        dead_t *dead;

        if (any_loaded(d->j->has, ids)) {
            continue;
        }
        dead = apr_pcalloc(d->j->pool, sizeof(*dead));
        dead->ids = ids;
        dead->alive_before = any_loaded(d->j->had, ids);
        /* What nobody knew before and httpd accepted all the same comes from
         * a module that we know nothing of; and the table is 2.4's. */
        if (!dead->alive_before
            && (is_2_2(d->j->facts)
                || (d->j->facts->httpd.tested
                    && d->j->facts->httpd.test_ok))) {
            continue;
        }
        apr_hash_set(d->dead, name, APR_HASH_KEY_STRING, dead);
        d->seen[(unsigned char)*name][strlen(name) & 63] = 1;
    }
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static dead_t *is_dead(dying_t *d, const char *prefix, const char *name)
{
    apr_size_t n = strlen(prefix) + strlen(name), at = 0;
    char low[64];

    if (n >= sizeof(low)
        || !d->seen[(unsigned char)lower(*prefix ? *prefix : *name)][n]) {
        return NULL;            /* most lines, without a closer look */
    }
    for (; *prefix; prefix++) {
        low[at++] = *prefix;
    }
    for (; *name; name++) {
        low[at++] = lower(*name);
    }
    return apr_hash_get(d->dead, low, (apr_ssize_t)n);
}

static void note_place(dying_t *d, dead_t *dead, const char *name,
                       const char *file, int line)
{
    if (!dead->name) {
        dead->name = name;
        APR_ARRAY_PUSH(d->found, dead_t *) = dead;
    }
    if (dead->count < PLACES) {
        dead->file[dead->count] = file;
        dead->line[dead->count] = line;
    }
    dead->count++;
}

static void look_through(dying_t *d)
{
    const em_conf_t *conf = d->j->after;

    for (int i = 0; i < conf->directives->nelts; i++) {
        const em_directive_t *x = APR_ARRAY_IDX(conf->directives, i,
                                                em_directive_t *);
        dead_t *dead = x->active ? is_dead(d, "", x->name) : NULL;

        if (dead) {
            note_place(d, dead, x->name, x->file->path, x->line);
        }
    }
    for (int i = 0; i < conf->sections->nelts; i++) {
        const em_conf_section_t *s = APR_ARRAY_IDX(conf->sections, i,
                                                   em_conf_section_t *);
        dead_t *dead = s->active && !s->condition
                       ? is_dead(d, "<", s->name) : NULL;

        if (dead) {
            note_place(d, dead, apr_pstrcat(d->j->pool, "<", s->name, ">",
                                            NULL), s->file->path, s->line);
        }
    }
}

static void look_through_htaccess(dying_t *d)
{
    const apr_array_header_t *list = d->j->facts->htaccess;

    for (int i = 0; list && i < list->nelts; i++) {
        const em_htaccess_t *x = APR_ARRAY_IDX(list, i, em_htaccess_t *);
        dead_t *dead = is_dead(d, "", x->name);

        if (!dead || !dead->alive_before) {
            continue;
        }
        if (!dead->name) {
            dead->name = x->name;
            APR_ARRAY_PUSH(d->found, dead_t *) = dead;
        }
        if (dead->htaccess_count < PLACES) {
            dead->htaccess_file[dead->htaccess_count] = x->file;
            dead->htaccess_line[dead->htaccess_count] = x->line;
        }
        dead->htaccess_count++;
    }
}

/* " It also stands at F:L, F:L and in 12 other places." */
static const char *other_places(const char *const *file, const int *line,
                                int count, apr_pool_t *p)
{
    const char *text = "";
    int shown = count < PLACES ? count : PLACES;

    for (int i = 1; i < shown; i++) {
        text = apr_psprintf(p, "%s%s%s:%d", text, i > 1 ? ", " : "", file[i],
                            line[i]);
    }
    if (shown < 2) {
        return "";
    }
    return count > PLACES
           ? apr_psprintf(p, " It also stands at %s and in %d other places.",
                          text, count - PLACES)
           : apr_psprintf(p, " It also stands at %s.", text);
}

static const char *mpm_of(const char *id, apr_pool_t *p)
{
    apr_size_t len = strlen(id);

    return strncmp(id, "mpm_", 4) == 0 && len > 11
           && strncmp(id, "mpm_itk", 7) != 0
           ? apr_pstrmemdup(p, id + 4, len - 11) : NULL;
}

/* The names of the MPMs that know it ("worker and event"), or NULL if it
 * belongs to another kind of module. */
static const char *known_to(const dead_t *dead, apr_pool_t *p)
{
    const char *text = NULL;

    for (int i = 0; i < dead->ids->nelts; i++) {
        const char *mpm = mpm_of(APR_ARRAY_IDX(dead->ids, i, const char *),
                                 p);

        if (!mpm) {
            return NULL;
        }
        text = text ? apr_pstrcat(p, text, " and ", mpm, NULL) : mpm;
    }
    return text;
}

/* The condition under which all who know it, or the MPM that does not, can
 * be told apart. */
static const char *guard_for(const em_judge_t *j, const dead_t *dead)
{
    const char *id = NULL;

    if (dead->ids->nelts > 1 && mpm_of(APR_ARRAY_IDX(dead->ids, 0,
                                                     const char *), j->pool)) {
        return "!mpm_prefork_module";
    }
    for (int i = 0; i < dead->ids->nelts; i++) {
        apr_hash_index_t *hi;

        id = APR_ARRAY_IDX(dead->ids, i, const char *);
        for (hi = apr_hash_first(j->pool, j->had); hi;
             hi = apr_hash_next(hi)) {
            const char *had = apr_hash_this_key(hi);

            if (apr_fnmatch(id, had, 0) == APR_SUCCESS) {
                return had;
            }
        }
    }
    return id;
}

/* What a rule says about the loss of the module's directives, or NULL. */
static const char *gone(const em_judge_t *j, const char *id)
{
    for (int i = 0; i < j->rules->nelts; i++) {
        const em_rule_t *rule = APR_ARRAY_IDX(j->rules, i, em_rule_t *);

        if (rule->gone && apr_fnmatch(rule->id, id, 0) == APR_SUCCESS) {
            return rule->gone;
        }
    }
    return NULL;
}

static void tell(em_judge_t *j, const dead_t *dead)
{
    const char *mpms = known_to(dead, j->pool);
    const char *guard = guard_for(j, dead);
    const char *also = other_places(dead->file, dead->line, dead->count,
                                    j->pool);
    const char *loss = mpms ? NULL : gone(j, guard);
    em_finding_t *f;

    if (mpms) {
        f = em_judge_add(j, "directive-of-other-mpm", EM_REFUSE,
                         "%s is known to %s only: with %s httpd does not "
                         "start (AH00526 Invalid command).%s", dead->name,
                         mpms, j->plan->to, also);
    }
    else {
        f = em_judge_add(j, "directive-without-module",
                         dead->alive_before ? EM_REFUSE : EM_WARN,
                         "%s needs %s, which %s loaded: httpd does not start "
                         "(AH00526 Invalid command)%s.%s%s%s", dead->name,
                         guard, dead->alive_before ? "would not be"
                         : "is not", dead->alive_before ? ""
                         : ", unless a module that ea-mpm does not know "
                         "brings it", loss ? " " : "", loss ? loss : "",
                         also);
        f->module = guard;
    }
    f->file = dead->file[0];
    f->line = dead->line[0];
    f->source = "httpd server/config.c: ap_walk_config refuses a directive "
                "that no module registered";
    em_judge_resolve(f, apr_psprintf(j->pool, "Put <IfModule %s> before %s "
                                     "and </IfModule> after it%s", guard,
                                     dead->name, mpms ? "" : ", or take it "
                                     "out"));
}

static void tell_htaccess(em_judge_t *j, const dead_t *dead)
{
    const char *guard = guard_for(j, dead);
    em_finding_t *f;

    f = em_judge_add(j, "htaccess-directive-dies", EM_REFUSE,
                     "%s needs %s, which would not be loaded: every request "
                     "below this file would be answered 500.%s", dead->name,
                     guard, other_places(dead->htaccess_file,
                                         dead->htaccess_line,
                                         dead->htaccess_count, j->pool));
    f->module = guard;
    f->file = dead->htaccess_file[0];
    f->line = dead->htaccess_line[0];
    f->source = "httpd server/config.c: ap_parse_htaccess answers 500";
    em_judge_resolve(f, apr_psprintf(j->pool, "Put <IfModule %s> before it "
                                     "and </IfModule> after it%s", guard,
                                     strncmp(guard, "php", 3) == 0
                                     ? "; php-fpm reads such settings from "
                                     ".user.ini" : ""));
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const dead_t *const *)a)->name,
                  (*(const dead_t *const *)b)->name);
}

void em_judge_directives(em_judge_t *j)
{
    dying_t d = { .j = j, .dead = apr_hash_make(j->pool) };

    d.found = apr_array_make(j->pool, 8, sizeof(dead_t *));
    find_dead(&d);
    look_through(&d);
    look_through_htaccess(&d);
    qsort(d.found->elts, (size_t)d.found->nelts, sizeof(dead_t *), by_name);
    for (int i = 0; i < d.found->nelts; i++) {
        const dead_t *dead = APR_ARRAY_IDX(d.found, i, dead_t *);

        if (dead->count > 0) {
            tell(j, dead);
        }
        if (dead->htaccess_count > 0) {
            tell_htaccess(j, dead);
        }
    }
}
