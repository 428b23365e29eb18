/* Text of plan. */

#include <string.h>
#include <apr_strings.h>
#include "out/fmt.h"
#include "out/text_parts.h"

/* A diff keeps its lines as they are; only colours are added. A change that
 * is told in one line is indented. */
static void diff(em_out_t *out, const char *text)
{
    const char *end = strchr(text, '\n');
    int one = !end || !end[1];

    while (*text) {
        apr_size_t len = strcspn(text, "\n");
        const char *line = apr_pstrndup(out->pool, text, len);
        em_paint_t paint = EM_PLAIN;

        if (*line == '+' && strncmp(line, "+++", 3)) {
            paint = EM_GREEN;
        }
        else if (*line == '-' && strncmp(line, "---", 3)) {
            paint = EM_RED;
        }
        fprintf(out->f, "%s%s\n", one ? "  " : "",
                em_fmt_paint(out, paint, line));
        text += len + (text[len] == '\n');
    }
}

void em_text_steps(em_out_t *out, const em_plan_t *plan)
{
    const char *why = "";
    int i;

    for (i = 0; plan->steps && i < plan->steps->nelts; ++i) {
        const em_step_t *s = APR_ARRAY_IDX(plan->steps, i, em_step_t *);

        /* Steps with one purpose stand under one heading. */
        if (strcmp(why, s->why)) {
            fprintf(out->f, "%s%s\n", i ? "" : "\n",
                    em_fmt_paint(out, EM_BOLD, s->why));
        }
        why = s->why;
        diff(out, em_plan_diff(s, out->pool));
    }
    if (plan->consequences && plan->consequences->nelts) {
        fputs("\nModules\n", out->f);
    }
    for (i = 0; plan->consequences && i < plan->consequences->nelts; ++i) {
        const em_consequence_t *c =
            APR_ARRAY_IDX(plan->consequences, i, em_consequence_t *);

        em_fmt_item(out->f, apr_psprintf(out->pool, "  %-14s  ", c->module),
                    18, apr_psprintf(out->pool, "%s: %s", c->what,
                                     c->because));
    }
    for (i = 0; plan->restart_units && i < plan->restart_units->nelts; ++i) {
        fprintf(out->f, "\nShares these files and must be restarted, too: "
                "%s\n", APR_ARRAY_IDX(plan->restart_units, i, const char *));
    }
}

void em_text_plan(em_out_t *out, const em_report_t *report,
                  const em_result_t *res)
{
    const em_plan_t *plan = report->plan;
    int n;

    if (!plan) {
        return;
    }
    n = plan->steps ? plan->steps->nelts : 0;
    if (plan->impossible) {
        fprintf(out->f, "%s: %s\n", plan->to,
                em_fmt_paint(out, EM_RED, "impossible here"));
        if (plan->impossible_why) {
            em_fmt_wrap(out->f, 2, plan->impossible_why);
        }
    }
    else if (em_plan_is_empty(plan)) {
        fprintf(out->f, "Nothing to do: %s is what is configured.\n",
                plan->to);
    }
    else {
        fprintf(out->f, "From %s to %s in %d step%s.\n",
                em_fmt_or(plan->from, "no MPM"), plan->to, n,
                n == 1 ? "" : "s");
        em_text_steps(out, plan);
    }
    if (report->check) {
        em_text_findings(out, report->check->findings, EM_WARN);
    }
    if (res->exit_code == EM_EXIT_REFUSED) {
        fprintf(out->f, "\n%s\n", em_fmt_paint(out, EM_RED,
                "A switch would be refused."));
        if (res->hint) {
            fprintf(out->f, "Next: %s\n", res->hint);
        }
    }
}
