/* JSON of check and rules. */

#include "out/json_parts.h"

em_json_t *em_json_strings(const apr_array_header_t *strings, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; strings && i < strings->nelts; ++i) {
        em_json_add_str(a, APR_ARRAY_IDX(strings, i, const char *));
    }
    return a;
}

static em_json_t *finding(const em_finding_t *f, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "problem", f->problem);
    em_json_set_str(o, "severity", em_severity_name(f->severity));
    em_json_set_str(o, "module", f->module);
    em_json_set_str(o, "file", f->file);
    if (f->file && f->line > 0) {
        em_json_set_int(o, "line", f->line);
    }
    else {
        em_json_set_null(o, "line");
    }
    em_json_set_str(o, "message", f->message);
    em_json_set_str(o, "source", f->source);
    return em_json_set(o, "resolutions", em_json_strings(f->resolutions, p));
}

em_json_t *em_json_findings(const apr_array_header_t *findings,
                            apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; findings && i < findings->nelts; ++i) {
        em_json_add(a, finding(APR_ARRAY_IDX(findings, i, em_finding_t *),
                               p));
    }
    return a;
}

void em_json_check(em_out_t *out, const em_report_t *report,
                   const em_result_t *res)
{
    const em_check_t *check = report->check;
    em_json_t *o;

    (void)res;
    if (!check) {
        return;
    }
    o = em_json_object(out->pool);
    em_json_set_str(o, "target", check->target);
    em_json_set_str(o, "verdict", em_verdict_name(check->verdict));
    em_json_set(o, "findings", em_json_findings(check->findings, out->pool));
    out->data = o;
}

static const char *threads_demand(const em_rule_t *rule)
{
    return rule->threads && *rule->threads ? rule->threads : NULL;
}

void em_json_rules(em_out_t *out, const em_report_t *report,
                   const em_result_t *res)
{
    em_json_t *o, *a;
    int i;

    (void)res;
    if (!report->rules) {
        return;
    }
    a = em_json_array(out->pool);
    for (i = 0; i < report->rules->nelts; ++i) {
        const em_rule_t *rule = APR_ARRAY_IDX(report->rules, i, em_rule_t *);

        o = em_json_object(out->pool);
        em_json_set_str(o, "problem", rule->problem);
        em_json_set_str(o, "severity", em_severity_name(rule->severity));
        em_json_set_str(o, "module", rule->id);
        em_json_set_str(o, "threads", threads_demand(rule));
        em_json_set(o, "mpms", em_json_strings(rule->mpms, out->pool));
        em_json_set_str(o, "reason", rule->reason);
        em_json_set_str(o, "source", rule->source);
        em_json_set(o, "resolutions",
                    em_json_strings(rule->resolutions, out->pool));
        em_json_add(a, em_json_set_str(o, "origin", rule->origin));
    }
    out->data = em_json_set(em_json_object(out->pool), "rules", a);
}
