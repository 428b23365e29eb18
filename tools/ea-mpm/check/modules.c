#include "check/judge.h"

#include <string.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>

/* Modules that would be loaded after the plan, against the rules. */

static int lists(const apr_array_header_t *list, const char *word)
{
    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), word) == 0) {
            return 1;
        }
    }
    return 0;
}

/* What the file that would be loaded says of threads: the plan may load
 * another file for the same module (libphp5.so, libphp5-zts.so). */
static const char *threads_of(const em_judge_t *j, const char *id,
                              const em_directive_t *line)
{
    static const char *const names[] = { "unknown", "safe", "unsafe" };
    const em_module_t *now = em_facts_module(j->facts, id);
    const em_directive_t *was
        = apr_hash_get(j->before->modules, id, APR_HASH_KEY_STRING);
    const char *so = line ? em_conf_word(line->args, 1, j->pool) : NULL;
    const char *old = was ? em_conf_word(was->args, 1, j->pool) : NULL;

    if (now && (!so || (old && strcmp(so, old) == 0))) {
        return names[now->threads];
    }
    return so ? names[em_facts_threads(j->facts, id, so, j->pool)]
              : names[EM_THREADS_UNKNOWN];
}

static void apply_rule(em_judge_t *j, const em_rule_t *rule, const char *id,
                       const em_directive_t *line)
{
    const em_directive_t *was
        = apr_hash_get(j->before->modules, id, APR_HASH_KEY_STRING);
    em_finding_t *f;

    if (apr_fnmatch(rule->id, id, 0) != APR_SUCCESS
        || lists(rule->mpms, j->plan->to)
        || (rule->together && !em_judge_has(j, rule->together))
        || (rule->threads
            && strcmp(rule->threads, threads_of(j, id, line)) != 0)) {
        return;
    }
    f = em_judge_add(j, rule->problem, rule->severity, "%s", rule->reason);
    f->module = id;
    f->source = rule->source;
    if (was || line) {
        f->file = (was ? was : line)->file->path;
        f->line = (was ? was : line)->line;
    }
    for (int i = 0; i < rule->resolutions->nelts; i++) {
        const char *text = APR_ARRAY_IDX(rule->resolutions, i, const char *);

        /* What is compiled in has no line that could be taken out. */
        if (line || strncmp(text, "--", 2) != 0) {
            em_judge_resolve(f, text);
        }
    }
}

/* A module whose file is not there stops the start. One that is missing now
 * is a fault that em_judge_faults tells. */
static void check_file(em_judge_t *j, const char *id,
                       const em_directive_t *line)
{
    const char *so = em_conf_word(line->args, 1, j->pool), *path;
    em_finding_t *f;

    if (em_judge_had(j, id) || !so) {
        return;
    }
    path = *so == '/' ? so : apr_pstrcat(j->pool, j->facts->httpd.server_root,
                                         "/", so, NULL);
    if (em_view_exists(j->then, path, j->pool)) {
        return;
    }
    f = em_judge_add(j, "module-file-missing", EM_REFUSE,
                     "After the switch this line would be read, but %s is "
                     "not there; httpd would not start", path);
    f->module = id;
    f->file = line->file->path;
    f->line = line->line;
    em_judge_resolve(f, "Install the package that brings the file, or take "
                     "the line out");
}

void em_judge_modules(em_judge_t *j)
{
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(j->pool, j->has); hi; hi = apr_hash_next(hi)) {
        const char *id = apr_hash_this_key(hi);
        const em_directive_t *line
            = apr_hash_get(j->after->modules, id, APR_HASH_KEY_STRING);

        for (int i = 0; i < j->rules->nelts; i++) {
            apply_rule(j, APR_ARRAY_IDX(j->rules, i, em_rule_t *), id, line);
        }
        if (line) {
            check_file(j, id, line);
        }
    }
}
