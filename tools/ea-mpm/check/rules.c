#include "check/check.h"

#include <string.h>

#include <apr_strings.h>

#define RULES_MAX (1024 * 1024)

typedef struct reader_t {
    apr_array_header_t *rules;
    const char *origin;
    em_result_t *res;
    apr_pool_t *pool;
} reader_t;

static apr_status_t broken(reader_t *r, int n, const char *why)
{
    em_result_hint(r->res, "man 5 ea-mpm-rules");
    return em_result_fail(r->res, APR_EINVAL, EM_EXIT_FAILED, "rules-broken",
                          "%s: rule %d: %s", r->origin, n, why);
}

/* The strings of KEY, or an empty list where it is absent. NULL: it is
 * something else than a list of strings. */
static apr_array_header_t *strings(const em_json_t *o, const char *key,
                                   apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 4, sizeof(const char *));
    em_json_t *json = em_json_get(o, key);

    if (!json) {
        return list;
    }
    if (!em_json_is_array(json)) {
        return NULL;
    }
    for (int i = 0; i < em_json_size(json); i++) {
        const char *s = em_json_str(em_json_at(json, i));

        if (!s || !*s) {
            return NULL;
        }
        APR_ARRAY_PUSH(list, const char *) = s;
    }
    return list;
}

static int is_one_of(const char *word, const char *const *words)
{
    for (; word && *words; words++) {
        if (strcmp(word, *words) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A key that nobody knows is a typing error: the rule would say less than its
 * author meant. */
static const char *unknown_key(const em_json_t *o)
{
    static const char *const keys[] = {
        "problem", "severity", "module", "threads", "together", "mpms",
        "reason", "source", "resolutions", "handlers", "directives", "leak",
        "gone", NULL
    };
    const char *key;

    for (int i = 0; (key = em_json_key(o, i)) != NULL; i++) {
        if (!is_one_of(key, keys)) {
            return key;
        }
    }
    return NULL;
}

static const char *const severities[] = { "info", "warn", "refuse", NULL };

static const char *check_words(const em_rule_t *rule, const char *severity)
{
    static const char *const threads[] = { "safe", "unsafe", "unknown", NULL };
    static const char *const mpms[] = {
        "prefork", "worker", "event", "itk", NULL
    };

    if (!is_one_of(severity, severities)) {
        return "\"severity\" is not info, warn or refuse";
    }
    if (rule->threads && !is_one_of(rule->threads, threads)) {
        return "\"threads\" is not safe, unsafe or unknown";
    }
    for (int i = 0; i < rule->mpms->nelts; i++) {
        if (!is_one_of(APR_ARRAY_IDX(rule->mpms, i, const char *), mpms)) {
            return "\"mpms\" names something else than prefork, worker, "
                   "event and itk";
        }
    }
    return NULL;
}

static apr_status_t take_rule(reader_t *r, const em_json_t *o, int n)
{
    em_rule_t *rule = apr_pcalloc(r->pool, sizeof(*rule));
    const char *severity = em_json_get_str(o, "severity"), *key, *why;

    if (!em_json_is_object(o)) {
        return broken(r, n, "is not an object");
    }
    if ((key = unknown_key(o)) != NULL) {
        return broken(r, n, apr_psprintf(r->pool, "there is no key \"%s\"",
                                         key));
    }
    rule->origin = r->origin;
    rule->problem = em_json_get_str(o, "problem");
    rule->id = em_json_get_str(o, "module");
    rule->reason = em_json_get_str(o, "reason");
    rule->source = em_json_get_str(o, "source");
    rule->threads = em_json_get_str(o, "threads");
    rule->together = em_json_get_str(o, "together");
    rule->leak = em_json_get_str(o, "leak");
    rule->gone = em_json_get_str(o, "gone");
    rule->mpms = strings(o, "mpms", r->pool);
    rule->resolutions = strings(o, "resolutions", r->pool);
    rule->handlers = strings(o, "handlers", r->pool);
    rule->directives = strings(o, "directives", r->pool);
    if (!rule->problem || !rule->id || !rule->reason || !rule->source
        || !em_json_get(o, "mpms")) {
        return broken(r, n, "\"problem\", \"module\", \"mpms\", \"reason\" "
                      "and \"source\" are needed, as text and a list");
    }
    if (!rule->mpms || !rule->resolutions || !rule->handlers
        || !rule->directives) {
        return broken(r, n, "\"mpms\", \"resolutions\", \"handlers\" and "
                      "\"directives\" are lists of texts");
    }
    why = check_words(rule, severity);
    if (why) {
        return broken(r, n, why);
    }
    while (strcmp(severities[rule->severity], severity) != 0) {
        rule->severity++;
    }
    APR_ARRAY_PUSH(r->rules, em_rule_t *) = rule;
    return APR_SUCCESS;
}

static apr_status_t take_text(reader_t *r, const char *text, apr_size_t len)
{
    em_json_t *json, *list;
    const char *error, *key;
    apr_status_t rv = em_json_parse(&json, &error, text, len, r->pool);

    if (rv != APR_SUCCESS) {
        em_result_hint(r->res, "man 5 ea-mpm-rules");
        return em_result_fail(r->res, rv, EM_EXIT_FAILED, "rules-broken",
                              "%s: %s", r->origin, error);
    }
    list = em_json_get(json, "rules");
    key = em_json_is_object(json) ? em_json_key(json, 0) : NULL;
    if (!em_json_is_array(list) || strcmp(key, "rules") != 0
        || em_json_key(json, 1)) {
        return em_result_fail(r->res, APR_EINVAL, EM_EXIT_FAILED,
                              "rules-broken", "%s: is not an object with "
                              "\"rules\", a list, and nothing else",
                              r->origin);
    }
    for (int i = 0; rv == APR_SUCCESS && i < em_json_size(list); i++) {
        rv = take_rule(r, em_json_at(list, i), i + 1);
    }
    return rv;
}

static int is_rules_file(const char *name)
{
    const apr_size_t len = strlen(name);

    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".json") == 0;
}

static int has(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; names && i < names->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(names, i, const char *), name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Read the files of DIR, but for those that BUT has as well. */
static apr_status_t take_dir(reader_t *r, const em_view_t *view,
                             const char *dir, const apr_array_header_t *but)
{
    apr_array_header_t *names;
    apr_status_t rv = em_view_list(&names, view, dir, r->pool);

    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_ENOTDIR(rv)
               ? APR_SUCCESS
               : em_result_fail(r->res, rv, EM_EXIT_FAILED, "rules-broken",
                                "%s cannot be read: ", dir);
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        em_node_t *node;

        if (!is_rules_file(name) || has(but, name)) {
            continue;
        }
        r->origin = apr_pstrcat(r->pool, dir, "/", name, NULL);
        rv = em_view_read(&node, view, r->origin, RULES_MAX, r->pool);
        if (rv != APR_SUCCESS) {
            return em_result_fail(r->res, rv, EM_EXIT_FAILED, "rules-broken",
                                  "%s cannot be read: ", r->origin);
        }
        rv = take_text(r, node->data, node->len);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

apr_status_t em_rules_read(apr_array_header_t **prules, const em_view_t *view,
                           const char *shipped_dir, const char *admin_dir,
                           em_result_t *res, apr_pool_t *p)
{
    reader_t r = { apr_array_make(p, 64, sizeof(em_rule_t *)), NULL, res, p };
    apr_array_header_t *admins = NULL;
    em_view_t *machine;
    apr_status_t rv;

    em_result_activity(res, "reading the rules");
    if (em_view_list(&admins, view, admin_dir, p) != APR_SUCCESS) {
        admins = NULL;
    }
    rv = em_view_open(&machine, "/", p);
    if (rv == APR_SUCCESS) {
        rv = take_dir(&r, machine, shipped_dir, admins);
    }
    if (rv == APR_SUCCESS) {
        rv = take_dir(&r, view, admin_dir, NULL);
    }
    if (rv == APR_SUCCESS) {
        *prules = r.rules;
    }
    return rv;
}
