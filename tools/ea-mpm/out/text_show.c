/* Text of show and list. */

#include <string.h>
#include <apr_strings.h>
#include "out/fmt.h"
#include "out/text_parts.h"

#define COLUMN 14

static void row(em_out_t *out, const char *name, const char *value)
{
    if (value && *value) {
        em_fmt_item(out->f, apr_pstrcat(out->pool, "  ", name, NULL), COLUMN,
                    value);
    }
}

static const char *server_name(const em_facts_t *facts, apr_pool_t *p)
{
    const em_httpd_t *h = &facts->httpd;

    if (!h->version) {
        return "Apache httpd";
    }
    if (h->vendor && *h->vendor) {
        return apr_psprintf(p, "Apache %s (%s)", h->version, h->vendor);
    }
    return apr_psprintf(p, "Apache %s", h->version);
}

/* Two active lines, or none: what that means. */
static const char *unclear(const em_facts_t *facts, apr_pool_t *p)
{
    const char *names = NULL;
    int i, n = facts->configured_all ? facts->configured_all->nelts : 0;

    if (n == 0) {
        return "The configuration loads no MPM; the server cannot start.";
    }
    for (i = 0; i < n; ++i) {
        const char *mpm =
            APR_ARRAY_IDX(facts->configured_all, i, em_mpm_line_t *)->mpm;

        names = names ? apr_psprintf(p, "%s%s%s", names,
                                     i == n - 1 ? " and " : ", ", mpm) : mpm;
    }
    return apr_psprintf(p, "The configuration loads %s; the server starts "
                        "with one MPM only.", names);
}

/* The verdict: what runs and what is configured. */
static void headline(em_out_t *out, const em_facts_t *facts)
{
    const char *server = server_name(facts, out->pool);
    const char *text;

    if (facts->running.pid && facts->running.mpm) {
        text = apr_psprintf(out->pool, "%s runs %s.", server,
                            facts->running.mpm);
    }
    else if (facts->running.pid) {
        text = apr_psprintf(out->pool, "%s runs, under an MPM that cannot "
                            "be told.", server);
    }
    else if (facts->configured) {
        text = apr_psprintf(out->pool, "%s is configured for %s and not "
                            "running.", server, facts->configured);
    }
    else {
        text = apr_psprintf(out->pool, "%s is not running.", server);
    }
    fprintf(out->f, "%s\n", em_fmt_paint(out, EM_BOLD, text));
}

static void warn(em_out_t *out, const char *text)
{
    fputc('\n', out->f);
    if (out->colour) {
        fputs("\033[31m", out->f);
    }
    em_fmt_wrap(out->f, 0, text);
    if (out->colour) {
        fputs("\033[0m", out->f);
    }
}

static const char *restart_command(const em_facts_t *facts, apr_pool_t *p)
{
    if (facts->service.kind == EM_SERVICE_SYSTEMD && facts->service.unit) {
        return apr_psprintf(p, "systemctl restart %s", facts->service.unit);
    }
    if (facts->service.by_hand) {
        return facts->service.by_hand;
    }
    if (facts->service.ctl) {
        return apr_psprintf(p, "%s stop; %s start", facts->service.ctl,
                            facts->service.ctl);
    }
    return "a full stop and start";
}

/* What must not be overlooked. */
static void alarms(em_out_t *out, const em_report_t *report)
{
    const em_facts_t *facts = report->facts;
    apr_pool_t *p = out->pool;

    if (report->open) {
        warn(out, apr_psprintf(p, "A switch from %s to %s was interrupted "
             "(%s). Type: ea-mpm recover",
             em_fmt_or(report->open->from, "no MPM"),
             em_fmt_or(report->open->to, "no MPM"), report->open->id));
    }
    if (!facts->configured) {
        warn(out, unclear(facts, p));
    }
    if (facts->pending) {
        warn(out, apr_psprintf(p, "Pending: the configuration says %s, the "
             "server runs %s. The next reload (rotating logs does one) would "
             "end this server. To make it so: %s. To keep %s: ea-mpm switch "
             "%s", em_fmt_or(facts->configured, "no single MPM"),
             em_fmt_or(facts->running.mpm, "another"),
             restart_command(facts, p),
             em_fmt_or(facts->running.mpm, "it"),
             em_fmt_or(facts->running.mpm, "TARGET")));
    }
    if (facts->httpd.tested && !facts->httpd.test_ok) {
        warn(out, "httpd refuses the configuration:");
        em_fmt_wrap(out->f, 2,
                    em_fmt_or(facts->httpd.test_output, "(it says nothing)"));
    }
}

static const char *service_text(const em_facts_t *facts, apr_pool_t *p)
{
    const em_service_t *s = &facts->service;
    const char *state = s->running ? "running" : "stopped";

    switch (s->kind) {
    case EM_SERVICE_NONE:
        return s->by_hand ? apr_psprintf(p, "not restarted: %s. By hand: %s",
                                         s->why, s->by_hand)
                          : "none; nothing is restarted";
    case EM_SERVICE_SYSTEMD:
        return apr_psprintf(p, "%s (systemd), %s", s->unit, state);
    case EM_SERVICE_OPENRC:
        return apr_psprintf(p, "%s (OpenRC), %s", s->unit, state);
    case EM_SERVICE_SYSV:
        return apr_psprintf(p, "%s, %s", em_fmt_or(s->unit, s->ctl), state);
    case EM_SERVICE_CTL:
        return apr_psprintf(p, "%s, %s", s->ctl, state);
    case EM_SERVICE_SIGNAL:
        return apr_psprintf(p, "signals to the main process, %s", state);
    case EM_SERVICE_SUPERVISED:
        return apr_psprintf(p, "%s (%s), %s", s->unit, s->ctl, state);
    }
    return NULL;
}

/* An MPM and where that is known from. */
static void mpm_row(em_out_t *out, const char *name, const char *mpm,
                    const char *evidence)
{
    fprintf(out->f, "  %-*s%-8s %s\n", COLUMN - 2, name, mpm, evidence);
}

static void configured_rows(em_out_t *out, const em_facts_t *facts)
{
    const apr_array_header_t *all = facts->configured_all;
    int i;

    if (facts->httpd.static_mpm) {
        row(out, "configured", apr_psprintf(out->pool, "%s, built into the "
            "binary", facts->httpd.static_mpm));
    }
    for (i = 0; all && i < all->nelts; ++i) {
        const em_mpm_line_t *line = APR_ARRAY_IDX(all, i, em_mpm_line_t *);

        mpm_row(out, i ? "" : "configured", line->mpm,
                em_fmt_place(line->file->path, line->line, out->pool));
    }
}

static void details(em_out_t *out, const em_facts_t *facts)
{
    apr_pool_t *p = out->pool;

    fputc('\n', out->f);
    configured_rows(out, facts);
    if (facts->running.pid) {
        mpm_row(out, "running", em_fmt_or(facts->running.mpm, "?"),
                em_fmt_or(facts->running.evidence,
                          apr_psprintf(p, "process %d", facts->running.pid)));
    }
    row(out, "binary", facts->httpd.binary);
    row(out, "main file", facts->httpd.config_file);
    row(out, "layout", apr_psprintf(p, "%s (%s)", facts->layout->title,
        em_mechanism_name(facts->layout->mechanism)));
    row(out, "service", service_text(facts, p));
}

/* The first problem of a target, for its line in the overview. */
static const char *first_problem(const em_check_t *c)
{
    if (c->verdict == EM_VERDICT_CURRENT || !c->findings->nelts) {
        return "";
    }
    return APR_ARRAY_IDX(c->findings, 0, em_finding_t *)->problem;
}

static void targets(em_out_t *out, const apr_array_header_t *checks)
{
    const em_check_t *ask = NULL;
    int i;

    fputs("\nTargets\n", out->f);
    for (i = 0; i < checks->nelts; ++i) {
        const em_check_t *c = APR_ARRAY_IDX(checks, i, em_check_t *);
        const char *word = apr_psprintf(out->pool, "%-14s",
                                        em_verdict_name(c->verdict));
        const char *problem = first_problem(c);

        if (!*problem) {
            word = em_verdict_name(c->verdict);
        }
        fprintf(out->f, "  %-10s  %s%s%s\n", c->target,
                em_fmt_paint(out, em_fmt_verdict(c->verdict), word),
                *problem ? "  " : "", problem);
        if (!ask && c->verdict != EM_VERDICT_CURRENT
            && c->verdict != EM_VERDICT_IMPOSSIBLE) {
            ask = c;
        }
    }
    for (i = 0; i < checks->nelts; ++i) {
        const em_check_t *c = APR_ARRAY_IDX(checks, i, em_check_t *);

        /* event is what most people are after. */
        if (!strcmp(c->target, "event") && c->verdict != EM_VERDICT_CURRENT
            && c->verdict != EM_VERDICT_IMPOSSIBLE) {
            ask = c;
        }
    }
    if (ask) {
        fprintf(out->f, "\nNext: ea-mpm check %s\n", ask->target);
    }
}

void em_text_show(em_out_t *out, const em_report_t *report,
                  const em_result_t *res)
{
    (void)res;
    if (!report->facts || !report->checks) {
        return;
    }
    headline(out, report->facts);
    alarms(out, report);
    details(out, report->facts);
    em_text_findings(out, report->notes, EM_INFO);
    targets(out, report->checks);
}

static void available(em_out_t *out, const apr_array_header_t *list)
{
    int i;

    fputs("\nThe package manager offers\n", out->f);
    for (i = 0; i < list->nelts; ++i) {
        const em_available_t *a = APR_ARRAY_IDX(list, i, em_available_t *);

        fprintf(out->f, "  %-8s  %s %s\n", a->mpm, a->package,
                em_fmt_or(a->version, ""));
    }
    if (list->nelts == 0) {
        fputs("  nothing more\n", out->f);
    }
}

void em_text_list(em_out_t *out, const em_report_t *report,
                  const em_result_t *res)
{
    const em_facts_t *facts = report->facts;
    int i;

    (void)res;
    if (!facts) {
        return;
    }
    if (facts->installed->nelts == 0) {
        fputs("No MPM module is installed.\n", out->f);
    }
    for (i = 0; i < facts->installed->nelts; ++i) {
        const em_installed_t *m =
            APR_ARRAY_IDX(facts->installed, i, em_installed_t *);
        const char *mark = "";

        if (facts->configured && !strcmp(m->mpm, facts->configured)) {
            mark = "configured";
        }
        fprintf(out->f, "%-8s  %-10s  %s", m->mpm, mark, m->file);
        if (m->package) {
            fprintf(out->f, "  (%s %s)", m->package,
                    em_fmt_or(m->version, ""));
        }
        fputs(m->verified ? "\n" : "  not the module its name says\n",
              out->f);
    }
    if (facts->available) {
        available(out, facts->available);
    }
}
