/* JSON of plan. */

#include "out/json_parts.h"

static em_json_t *node(const em_node_t *n, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    switch (n->kind) {
    case EM_NODE_ABSENT:
        return em_json_set_str(o, "kind", "absent");
    case EM_NODE_FILE:
        em_json_set_str(o, "kind", "file");
        return em_json_set_int(o, "size", (long long)n->len);
    case EM_NODE_LINK:
        em_json_set_str(o, "kind", "link");
        return em_json_set_str(o, "target", n->data);
    case EM_NODE_OTHER:
        return em_json_set_str(o, "kind", "other");
    }
    return o;
}

static em_json_t *effects(const apr_array_header_t *list, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; list && i < list->nelts; ++i) {
        const em_effect_t *e = APR_ARRAY_IDX(list, i, em_effect_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "path", e->path);
        em_json_set(o, "after", node(&e->after, p));
        em_json_set_bool(o, "config", e->config);
        em_json_add(a, em_json_set_bool(o, "script", e->script));
    }
    return a;
}

static em_json_t *step(const em_step_t *s, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    if (s->kind == EM_STEP_PACKAGES) {
        em_json_set_str(o, "kind", "packages");
        em_json_set_str(o, "why", s->why);
        em_json_set(o, "packages", em_transaction_json(s->packages, p));
        em_json_set(o, "effects", effects(s->effects, p));
        if (s->profile_before && s->profile_after) {
            em_json_set(o, "profile_before", s->profile_before);
            em_json_set(o, "profile_after", s->profile_after);
        }
    }
    else {
        em_json_set_str(o, "kind", "path");
        em_json_set_str(o, "why", s->why);
        em_json_set_str(o, "path", s->path);
        em_json_set(o, "before", node(&s->before, p));
        em_json_set(o, "after", node(&s->after, p));
    }
    return em_json_set_str(o, "diff", em_plan_diff(s, p));
}

em_json_t *em_json_steps(const em_plan_t *plan, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; plan && plan->steps && i < plan->steps->nelts; ++i) {
        em_json_add(a, step(APR_ARRAY_IDX(plan->steps, i, em_step_t *), p));
    }
    return a;
}

static em_json_t *consequences(const em_plan_t *plan, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; plan->consequences && i < plan->consequences->nelts; ++i) {
        const em_consequence_t *c =
            APR_ARRAY_IDX(plan->consequences, i, em_consequence_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "module", c->module);
        em_json_set_str(o, "what", c->what);
        em_json_add(a, em_json_set_str(o, "because", c->because));
    }
    return a;
}

void em_json_plan(em_out_t *out, const em_report_t *report,
                  const em_result_t *res)
{
    const em_plan_t *plan = report->plan;
    const em_check_t *check = report->check;
    apr_pool_t *p = out->pool;
    em_json_t *o;

    (void)res;
    if (!plan) {
        return;
    }
    o = em_json_object(p);
    em_json_set_str(o, "from", plan->from);
    em_json_set_str(o, "to", plan->to);
    em_json_set_str(o, "verdict",
                    check ? em_verdict_name(check->verdict) : NULL);
    em_json_set_str(o, "impossible", plan->impossible);
    em_json_set(o, "steps", em_json_steps(plan, p));
    em_json_set(o, "consequences", consequences(plan, p));
    em_json_set(o, "restart_units", em_json_strings(plan->restart_units, p));
    em_json_set(o, "findings",
                em_json_findings(check ? check->findings : NULL, p));
    out->data = o;
}
