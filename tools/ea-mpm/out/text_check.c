/* Text of check and rules. */

#include <string.h>
#include <apr_strings.h>
#include "out/fmt.h"
#include "out/text_parts.h"

static void resolutions(em_out_t *out, const apr_array_header_t *list)
{
    int i;

    for (i = 0; list && i < list->nelts; ++i) {
        em_fmt_item(out->f, i ? "        or: " : "      help: ", 12,
                    APR_ARRAY_IDX(list, i, const char *));
    }
}

void em_text_findings(em_out_t *out, const apr_array_header_t *findings,
                      em_severity_t least)
{
    int i;

    for (i = 0; findings && i < findings->nelts; ++i) {
        const em_finding_t *f = APR_ARRAY_IDX(findings, i, em_finding_t *);

        if (f->severity < least) {
            continue;
        }
        fprintf(out->f, "\n  %s  %s\n",
                em_fmt_paint(out, em_fmt_severity(f->severity),
                             em_severity_name(f->severity)), f->problem);
        if (f->file) {
            fprintf(out->f, "      %s\n",
                    em_fmt_place(f->file, f->line, out->pool));
        }
        em_fmt_wrap(out->f, 6, em_fmt_sentence(f->message, out->pool));
        resolutions(out, f->resolutions);
    }
}

static const char *verdict_text(const em_check_t *check)
{
    switch (check->verdict) {
    case EM_VERDICT_CURRENT:
        return "is what is configured; there is nothing to switch";
    case EM_VERDICT_READY:
        return "ready";
    case EM_VERDICT_NEEDS_CHANGES:
        return "needs changes, which ea-mpm can make when asked";
    case EM_VERDICT_REFUSED:
        return "refused";
    case EM_VERDICT_NOT_ASKED:
        return "takes other packages; their manager was not asked";
    case EM_VERDICT_IMPOSSIBLE:
        return "impossible here";
    }
    return "";
}

void em_text_check(em_out_t *out, const em_report_t *report,
                   const em_result_t *res)
{
    const em_check_t *check = report->check;

    if (!check) {
        return;
    }
    fprintf(out->f, "%s: %s\n", check->target,
            em_fmt_paint(out, em_fmt_verdict(check->verdict),
                         verdict_text(check)));
    if (report->plan && report->plan->impossible_why) {
        em_fmt_wrap(out->f, 2, report->plan->impossible_why);
    }
    em_text_findings(out, check->findings, EM_INFO);
    if (check->verdict == EM_VERDICT_READY) {
        fprintf(out->f, "\nNext: %s\n",
                em_text_switch_command(report->plan, out->pool));
    }
    else if (res->hint) {
        fprintf(out->f, "\nNext: %s\n", res->hint);
    }
}

/* As it would be typed, with the options that were asked for. */
const char *em_text_switch_command(const em_plan_t *plan, apr_pool_t *p)
{
    const char *text = apr_pstrcat(p, "ea-mpm switch ", plan->to, NULL);
    const em_request_t *r = &plan->request;
    int i;

    for (i = 0; r->with && i < r->with->nelts; ++i) {
        text = apr_pstrcat(p, text, " --with ",
                           APR_ARRAY_IDX(r->with, i, const char *), NULL);
    }
    for (i = 0; r->without && i < r->without->nelts; ++i) {
        text = apr_pstrcat(p, text, " --without ",
                           APR_ARRAY_IDX(r->without, i, const char *), NULL);
    }
    return text;
}

static const char *join(const apr_array_header_t *words, apr_pool_t *p)
{
    return words && words->nelts ? apr_array_pstrcat(p, words, ' ') : "none";
}

void em_text_rules(em_out_t *out, const em_report_t *report,
                   const em_result_t *res)
{
    int i;

    (void)res;
    if (!report->rules) {
        return;
    }
    for (i = 0; i < report->rules->nelts; ++i) {
        const em_rule_t *r = APR_ARRAY_IDX(report->rules, i, em_rule_t *);

        fprintf(out->f, "%s%s  %s\n", i ? "\n" : "",
                em_fmt_paint(out, EM_BOLD, r->problem),
                em_fmt_paint(out, em_fmt_severity(r->severity),
                             em_severity_name(r->severity)));
        em_fmt_item(out->f, "  module", 11, r->threads
            ? apr_psprintf(out->pool, "%s, if its file is thread-%s", r->id,
                           r->threads) : r->id);
        em_fmt_item(out->f, "  accepts", 11, join(r->mpms, out->pool));
        em_fmt_item(out->f, "  reason", 11,
                    em_fmt_sentence(r->reason, out->pool));
        if (r->source) {
            em_fmt_item(out->f, "  source", 11, r->source);
        }
        em_fmt_item(out->f, "  file", 11, em_fmt_or(r->origin, "-"));
    }
}
