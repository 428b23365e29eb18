#include "check/judge.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>

const char *em_severity_name(em_severity_t s)
{
    static const char *const names[] = { "info", "warn", "refuse" };

    return names[s];
}

const char *em_verdict_name(em_verdict_t v)
{
    static const char *const names[] = {
        "current", "ready", "needs-changes", "refused", "not-asked",
        "impossible"
    };

    return names[v];
}

em_finding_t *em_judge_add(em_judge_t *j, const char *problem,
                           em_severity_t severity, const char *message, ...)
{
    em_finding_t *f = apr_pcalloc(j->pool, sizeof(*f));
    va_list ap;

    va_start(ap, message);
    f->message = apr_pvsprintf(j->pool, message, ap);
    va_end(ap);
    f->problem = problem;
    f->severity = severity;
    f->resolutions = apr_array_make(j->pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(j->findings, em_finding_t *) = f;
    return f;
}

void em_judge_resolve(em_finding_t *finding, const char *text)
{
    APR_ARRAY_PUSH(finding->resolutions, const char *) = text;
}

int em_judge_had(const em_judge_t *j, const char *id)
{
    return apr_hash_get(j->had, id, APR_HASH_KEY_STRING) != NULL;
}

int em_judge_has(const em_judge_t *j, const char *id)
{
    return apr_hash_get(j->has, id, APR_HASH_KEY_STRING) != NULL;
}

int em_judge_any(apr_hash_t *loaded, const char *pattern)
{
    apr_hash_index_t *hi;

    if (!apr_fnmatch_test(pattern)) {
        return apr_hash_get(loaded, pattern, APR_HASH_KEY_STRING) != NULL;
    }
    for (hi = apr_hash_first(NULL, loaded); hi; hi = apr_hash_next(hi)) {
        if (apr_fnmatch(pattern, apr_hash_this_key(hi), 0) == APR_SUCCESS) {
            return 1;
        }
    }
    return 0;
}

/* Ids of all modules that CONF loads, and of those compiled in. */
static apr_hash_t *loaded_modules(const em_judge_t *j,
                                  const em_facts_t *facts,
                                  const em_conf_t *conf)
{
    apr_hash_t *loaded = apr_hash_make(j->pool);
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(j->pool, conf->modules); hi;
         hi = apr_hash_next(hi)) {
        apr_hash_set(loaded, apr_hash_this_key(hi), APR_HASH_KEY_STRING, "");
    }
    for (int i = 0; i < facts->modules->nelts; i++) {
        const em_module_t *m = APR_ARRAY_IDX(facts->modules, i,
                                             em_module_t *);

        if (!m->so) {
            apr_hash_set(loaded, m->id, APR_HASH_KEY_STRING, "");
        }
    }
    apr_hash_set(loaded, "core_module", APR_HASH_KEY_STRING, "");
    return loaded;
}

/* A rebuilt httpd has another MPM compiled in than the one of the facts. */
static void take_rebuilt(em_judge_t *j)
{
    const char *mpm = j->plan->rebuilt;

    if (mpm) {
        apr_hash_set(j->has, apr_pstrcat(j->pool, "mpm_",
                                         j->facts->httpd.static_mpm,
                                         "_module", NULL),
                     APR_HASH_KEY_STRING, NULL);
        apr_hash_set(j->has, apr_pstrcat(j->pool, "mpm_", mpm, "_module",
                                         NULL), APR_HASH_KEY_STRING, "");
    }
}

#define WITH "With \""          /* how a finding about an option begins */

/* Worst first; of those that are equally bad the ones about options come
 * after the ones that call for them, else by name, file and line. */
static int worse(const void *a, const void *b)
{
    const em_finding_t *x = *(const em_finding_t *const *)a;
    const em_finding_t *y = *(const em_finding_t *const *)b;
    int x_with = strncmp(x->message, WITH, strlen(WITH)) == 0;
    int y_with = strncmp(y->message, WITH, strlen(WITH)) == 0;
    int cmp;

    if (x->severity != y->severity) {
        return (int)y->severity - (int)x->severity;
    }
    if (x_with != y_with) {
        return x_with - y_with;
    }
    cmp = strcmp(x->problem, y->problem);
    if (cmp == 0) {
        cmp = strcmp(x->file ? x->file : "", y->file ? y->file : "");
    }
    return cmp ? cmp : x->line != y->line ? x->line - y->line
           : strcmp(x->message, y->message);
}

static int refusals(const apr_array_header_t *findings)
{
    int n = 0;

    for (int i = 0; i < findings->nelts; i++) {
        n += APR_ARRAY_IDX(findings, i, em_finding_t *)->severity
             == EM_REFUSE;
    }
    return n;
}

/* All findings of a plan that can be made. */
static apr_status_t judge(em_judge_t *j)
{
    const em_facts_t *under = j->facts;
    em_conf_t *after;

    j->before = j->after = j->facts->conf;
    j->then = j->facts->view;
    if (!em_plan_is_empty(j->plan)) {
        j->then = em_plan_view(j->plan, j->facts, j->pool);
    }
    if (!em_plan_is_empty(j->plan) || j->plan->rebuilt) {
        apr_status_t rv = em_plan_facts(&under, j->plan, j->facts, j->res,
                                        j->pool);

        if (rv == APR_SUCCESS) {
            rv = em_plan_conf(&after, j->plan, j->facts, j->res, j->pool);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        j->after = after;
    }
    j->had = loaded_modules(j, j->facts, j->before);
    j->has = loaded_modules(j, under, j->after);
    take_rebuilt(j);
    j->findings = apr_array_make(j->pool, 8, sizeof(em_finding_t *));
    em_judge_faults(j);
    em_judge_others(j);
    em_judge_leftovers(j);
    em_judge_consent(j);
    em_judge_modules(j);
    em_judge_directives(j);
    em_judge_handlers(j);
    qsort(j->findings->elts, (size_t)j->findings->nelts,
          sizeof(em_finding_t *), worse);
    return APR_SUCCESS;
}

/* ---- resolutions ---- */

/* The first option among a finding's resolutions, or NULL. */
static const char *option_of(const em_finding_t *f)
{
    for (int i = 0; i < f->resolutions->nelts; i++) {
        const char *text = APR_ARRAY_IDX(f->resolutions, i, const char *);

        if (strncmp(text, "--", 2) == 0) {
            return text;
        }
    }
    return NULL;
}

static void push_new(apr_array_header_t *list, const char *text)
{
    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), text) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(list, const char *) = text;
}

/* The request with the options (const char *, "--with X") added. */
static em_request_t extended(const em_request_t *request,
                             const apr_array_header_t *options, apr_pool_t *p)
{
    em_request_t more = { .target = request->target,
                          .fetched = request->fetched };

    more.with = request->with ? apr_array_copy(p, request->with)
                : apr_array_make(p, 2, sizeof(const char *));
    more.without = request->without ? apr_array_copy(p, request->without)
                   : apr_array_make(p, 2, sizeof(const char *));
    for (int i = 0; i < options->nelts; i++) {
        const char *option = APR_ARRAY_IDX(options, i, const char *);

        if (strncmp(option, "--with ", 7) == 0) {
            push_new(more.with, option + 7);
        }
        else if (strncmp(option, "--without ", 10) == 0) {
            push_new(more.without, option + 10);
        }
    }
    return more;
}

static const char *command_for(const em_request_t *request, apr_pool_t *p)
{
    const char *text = apr_pstrcat(p, "ea-mpm switch ", request->target,
                                   NULL);

    for (int i = 0; i < request->with->nelts; i++) {
        text = apr_pstrcat(p, text, " --with ",
                           APR_ARRAY_IDX(request->with, i, const char *),
                           NULL);
    }
    for (int i = 0; i < request->without->nelts; i++) {
        text = apr_pstrcat(p, text, " --without ",
                           APR_ARRAY_IDX(request->without, i, const char *),
                           NULL);
    }
    return text;
}

/* Make options into the command to type. NEEDED: what the refusals ask for
 * together; a finding's first option stands for itself in it. */
static void write_commands(em_judge_t *j, const apr_array_header_t *needed)
{
    for (int i = 0; i < j->findings->nelts; i++) {
        em_finding_t *f = APR_ARRAY_IDX(j->findings, i, em_finding_t *);
        const char *first = option_of(f);

        for (int k = 0; k < f->resolutions->nelts; k++) {
            const char **text = &APR_ARRAY_IDX(f->resolutions, k,
                                               const char *);
            apr_array_header_t *options
                = apr_array_make(j->pool, 4, sizeof(const char *));
            em_request_t more;

            if (strncmp(*text, "--", 2) != 0) {
                continue;
            }
            for (int n = 0; n < needed->nelts; n++) {
                const char *one = APR_ARRAY_IDX(needed, n, const char *);

                if (strcmp(one, first) != 0) {
                    push_new(options, one);
                }
            }
            push_new(options, *text);
            more = extended(&j->plan->request, options, j->pool);
            *text = command_for(&more, j->pool);
        }
    }
}

/* Take the options out where the mechanism cannot carry them out. */
static void drop_options(em_judge_t *j)
{
    for (int i = 0; i < j->findings->nelts; i++) {
        em_finding_t *f = APR_ARRAY_IDX(j->findings, i, em_finding_t *);
        apr_array_header_t *kept = apr_array_make(j->pool, 2,
                                                  sizeof(const char *));

        for (int k = 0; k < f->resolutions->nelts; k++) {
            const char *text = APR_ARRAY_IDX(f->resolutions, k, const char *);

            if (strncmp(text, "--", 2) != 0) {
                APR_ARRAY_PUSH(kept, const char *) = text;
            }
        }
        f->resolutions = kept;
    }
}

/* Would the switch go through with the options that the refusals name? What
 * still stands against it then is added to the findings, so that a person
 * sees all there is to do at once. */
static apr_status_t try_options(int *phelps, em_judge_t *j,
                                apr_array_header_t *needed)
{
    em_result_t *res = em_result_make(j->pool);
    em_judge_t next = *j;
    em_request_t more = extended(&j->plan->request, needed, j->pool);
    em_plan_t *plan;
    apr_status_t rv = em_plan_make(&plan, j->facts, &more, res, j->pool);

    *phelps = 0;
    if (rv != APR_SUCCESS) {
        return APR_SUCCESS;     /* not an option on this server */
    }
    if (plan->impossible) {
        em_finding_t *f = em_judge_add(j, plan->impossible, EM_REFUSE, "%s",
                                       plan->impossible_why
                                       ? plan->impossible_why : "");

        em_judge_resolve(f, apr_pstrcat(j->pool, "When that is done: ",
                                        command_for(&more, j->pool), NULL));
        return APR_SUCCESS;
    }
    next.plan = plan;
    rv = judge(&next);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *phelps = refusals(next.findings) == 0;
    for (int i = 0; i < next.findings->nelts; i++) {
        em_finding_t *f = APR_ARRAY_IDX(next.findings, i, em_finding_t *);
        int known = 0;

        for (int k = 0; k < j->findings->nelts; k++) {
            const em_finding_t *g = APR_ARRAY_IDX(j->findings, k,
                                                  em_finding_t *);

            known |= strcmp(f->problem, g->problem) == 0
                     && strcmp(f->message, g->message) == 0;
        }
        if (!known && f->severity == EM_REFUSE) {
            f->message = apr_pstrcat(j->pool, WITH,
                                     command_for(&more, j->pool) + 14,
                                     "\": ", f->message, NULL);
            APR_ARRAY_PUSH(j->findings, em_finding_t *) = f;
        }
    }
    return APR_SUCCESS;
}

/* Do all refusals name an option? *PNEEDED: the options, once each. */
static int all_have_options(em_judge_t *j, apr_array_header_t **pneeded)
{
    apr_array_header_t *needed = apr_array_make(j->pool, 4,
                                                sizeof(const char *));
    int all = 1;

    for (int i = 0; i < j->findings->nelts; i++) {
        const em_finding_t *f = APR_ARRAY_IDX(j->findings, i, em_finding_t *);
        const char *option = option_of(f);

        if (f->severity != EM_REFUSE) {
            continue;
        }
        if (option) {
            push_new(needed, option);
        }
        all &= option != NULL;
    }
    *pneeded = needed;
    return all;
}

/* ---- the verdict ---- */

/* Can the mechanism change modules besides the MPM? */
static int takes_options(const em_facts_t *facts)
{
    em_mechanism_id_t id = facts->layout ? facts->layout->mechanism
                                         : EM_MECH_REBUILD;

    return id == EM_MECH_BINARY || id == EM_MECH_PACKAGES
           || (!facts->httpd.static_mpm
               && (id == EM_MECH_LOADMODULE || id == EM_MECH_LINKS));
}

static apr_status_t decide(em_verdict_t *pverdict, em_judge_t *j)
{
    const em_plan_t *plan = j->plan;
    apr_array_header_t *needed;
    apr_status_t rv = APR_SUCCESS;
    int all, helps = 0;

    all = all_have_options(j, &needed);
    if (!takes_options(j->facts)) {
        drop_options(j);
    }
    else if (needed->nelts > 0) {
        rv = try_options(&helps, j, needed);
        write_commands(j, needed);
        qsort(j->findings->elts, (size_t)j->findings->nelts,
              sizeof(em_finding_t *), worse);
    }
    else {
        write_commands(j, needed);
    }
    if (em_plan_is_empty(plan) && j->facts->configured
        && strcmp(j->facts->configured, plan->to) == 0
        && !(j->facts->pending && refusals(j->findings))) {
        *pverdict = EM_VERDICT_CURRENT;
    }
    else if (!refusals(j->findings)) {
        *pverdict = EM_VERDICT_READY;
    }
    else {
        *pverdict = all && helps ? EM_VERDICT_NEEDS_CHANGES
                    : EM_VERDICT_REFUSED;
    }
    return rv;
}

/* The reason first, then what would break once a rebuild is done. */
static apr_status_t judge_impossible(em_judge_t *j)
{
    const em_plan_t *plan = j->plan;
    apr_array_header_t *then;
    apr_status_t rv;

    j->findings = apr_array_make(j->pool, 1, sizeof(em_finding_t *));
    if (plan->rebuilt) {
        rv = judge(j);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        drop_options(j);
    }
    then = j->findings;
    j->findings = apr_array_make(j->pool, 1 + then->nelts,
                                 sizeof(em_finding_t *));
    (void)em_judge_add(j, plan->impossible, EM_REFUSE, "%s",
                       plan->impossible_why ? plan->impossible_why : "");
    apr_array_cat(j->findings, then);
    return APR_SUCCESS;
}

apr_status_t em_check(em_check_t **pcheck, const em_facts_t *facts,
                      const em_plan_t *plan, const apr_array_header_t *rules,
                      em_result_t *res, apr_pool_t *p)
{
    em_check_t *check = apr_pcalloc(p, sizeof(*check));
    em_judge_t j = { .facts = facts, .plan = plan, .rules = rules,
                     .res = res, .pool = p };
    apr_status_t rv;

    em_result_activity(res, "checking the switch to %s", plan->to);
    check->target = plan->to;
    if (plan->impossible) {
        rv = judge_impossible(&j);
        check->verdict = EM_VERDICT_IMPOSSIBLE;
    }
    else if (plan->unasked) {
        j.findings = apr_array_make(p, 1, sizeof(em_finding_t *));
        check->verdict = EM_VERDICT_NOT_ASKED;
        rv = APR_SUCCESS;
    }
    else {
        rv = judge(&j);
        if (rv == APR_SUCCESS) {
            rv = decide(&check->verdict, &j);
        }
    }
    if (rv == APR_SUCCESS) {
        check->findings = j.findings;
        *pcheck = check;
    }
    return rv;
}
