/* Text of switch, rollback and recover, of rehearse and of history. */

#include <string.h>
#include <apr_strings.h>
#include "out/fmt.h"
#include "out/text_parts.h"

#define COLUMN 14

static void row(em_out_t *out, const char *name, const char *value)
{
    em_fmt_item(out->f, apr_pstrcat(out->pool, "  ", name, NULL), COLUMN,
                value);
}

static em_paint_t paint_of(em_rehearsal_result_t r)
{
    switch (r) {
    case EM_REHEARSAL_PASSED:
        return EM_GREEN;
    case EM_REHEARSAL_FAILED:
        return EM_RED;
    case EM_REHEARSAL_INCONCLUSIVE:
    case EM_REHEARSAL_UNAVAILABLE:
        return EM_YELLOW;
    case EM_REHEARSAL_SKIPPED:
        break;
    }
    return EM_PLAIN;
}

static const char *status_text(int status, apr_pool_t *p)
{
    if (status < 0) {
        return "-";
    }
    return status == 0 ? "none" : apr_itoa(p, status);
}

/* Worth a line: it was asked, and something about it changed or is PHP. */
static int tells(const em_rehearsed_vhost_t *v, int few)
{
    return few || v->before != v->after
        || (v->php && strcmp(v->php, "none") && strcmp(v->php, "ok"));
}

static void vhosts(em_out_t *out, const em_rehearsal_t *r)
{
    int i, n = r->vhosts ? r->vhosts->nelts : 0, few = n <= 20, shown = 0;

    for (i = 0; i < n; ++i) {
        const em_rehearsed_vhost_t *v =
            APR_ARRAY_IDX(r->vhosts, i, em_rehearsed_vhost_t *);

        if (!tells(v, few)) {
            continue;
        }
        if (shown++ == 0) {
            fprintf(out->f, "\n  %-34s %-7s %-7s %s\n", "virtual host",
                    "before", "after", "PHP");
        }
        fprintf(out->f, "  %-34s %-7s %-7s %s\n",
                apr_psprintf(out->pool, "%s:%d%s",
                             em_fmt_or(v->name, "(main)"), v->port,
                             v->tls ? " TLS" : ""),
                status_text(v->before, out->pool),
                status_text(v->after, out->pool), em_fmt_or(v->php, "-"));
    }
    if (n > shown) {
        fprintf(out->f, "\n  %d more answer as before.\n", n - shown);
    }
}

void em_text_rehearsal(em_out_t *out, const em_rehearsal_t *r)
{
    int i;

    vhosts(out, r);
    if (r->log && r->log->nelts) {
        fputs("\n  from its error log:\n", out->f);
    }
    for (i = 0; r->log && i < r->log->nelts; ++i) {
        em_fmt_wrap(out->f, 4, APR_ARRAY_IDX(r->log, i, const char *));
    }
    em_text_findings(out, r->findings, EM_INFO);
}

static long total_ms(const em_rehearsal_t *r)
{
    long ms = 0;
    int i;

    for (i = 0; r->phases && i < r->phases->nelts; ++i) {
        ms += APR_ARRAY_IDX(r->phases, i, em_rehearsed_phase_t *)->ms;
    }
    return ms;
}

static const char *asked_text(const em_rehearsal_t *r, apr_pool_t *p)
{
    return apr_psprintf(p, "%d of %d virtual host%s asked, %s", r->asked,
                        r->of, r->of == 1 ? "" : "s",
                        em_fmt_ms(total_ms(r), p));
}

void em_text_rehearse(em_out_t *out, const em_report_t *report,
                      const em_result_t *res)
{
    const em_rehearsal_t *r = report->rehearsal;
    int i;

    (void)res;
    if (!r) {
        return;
    }
    fprintf(out->f, "Rehearsal of %s: %s (%s)\n", r->target,
            em_fmt_paint(out, paint_of(r->result),
                         em_rehearsal_name(r->result)),
            asked_text(r, out->pool));
    if (r->why && r->result != EM_REHEARSAL_PASSED
        && !(r->findings && r->findings->nelts)) {
        em_fmt_wrap(out->f, 2, r->why);
    }
    if (r->phases && r->phases->nelts) {
        fputc('\n', out->f);
    }
    for (i = 0; r->phases && i < r->phases->nelts; ++i) {
        const em_rehearsed_phase_t *ph =
            APR_ARRAY_IDX(r->phases, i, em_rehearsed_phase_t *);

        fprintf(out->f, "  %-34s %8s  %s\n", ph->name,
                em_fmt_ms(ph->ms, out->pool), em_fmt_or(ph->result, ""));
    }
    em_text_rehearsal(out, r);
    if (r->result == EM_REHEARSAL_PASSED && report->plan
        && !em_plan_is_empty(report->plan)) {
        fprintf(out->f, "\nNext: %s\n",
                em_text_switch_command(report->plan, out->pool));
    }
}

static const char *rehearsal_row(const em_switch_t *done, apr_pool_t *p)
{
    const char *word = em_rehearsal_name(done->rehearsal_result);
    const em_rehearsal_t *r = done->rehearsal;

    if (!r) {
        return word;
    }
    if (r->result == EM_REHEARSAL_PASSED) {
        return apr_psprintf(p, "%s (%s)", word, asked_text(r, p));
    }
    return r->why ? apr_psprintf(p, "%s: %s", word, r->why) : word;
}

static const char *verified_row(const em_switch_t *done)
{
    const char *v = em_fmt_or(done->verified, "no");

    if (!strcmp(v, "running")) {
        return done->rolled_back
            ? "yes: the server answers as before"
            : "yes: the server runs under it and answers";
    }
    if (!strcmp(v, "configtest")) {
        return "by a config test; the server was not started";
    }
    return v;
}

static void facts_of(em_out_t *out, const em_switch_t *done)
{
    fputc('\n', out->f);
    if (done->id) {
        row(out, "id", done->id);
    }
    row(out, "rehearsal", rehearsal_row(done, out->pool));
    if (done->outage_ms >= 0) {
        row(out, "outage", em_fmt_ms(done->outage_ms, out->pool));
    }
    row(out, "verified", verified_row(done));
}

/* The modules that came and went. */
static void consequences(em_out_t *out, const em_plan_t *plan)
{
    const apr_array_header_t *c = plan ? plan->consequences : NULL;
    int i;

    for (i = 0; c && i < c->nelts; ++i) {
        const em_consequence_t *m = APR_ARRAY_IDX(c, i, em_consequence_t *);

        row(out, i ? "" : "modules",
            apr_psprintf(out->pool, "%s %s (%s)", m->module, m->what,
                         m->because));
    }
}

/* What was done, in a sentence: of the server, or of its files only. */
static const char *done_text(const em_switch_t *done, int back, apr_pool_t *p)
{
    const char *from = em_fmt_or(done->from, "no MPM");
    const char *to = em_fmt_or(done->to, "no MPM");

    if (back) {
        return apr_psprintf(p, "Rolled back from %s to %s.", from, to);
    }
    if (done->outage_ms < 0 && strcmp(em_fmt_or(done->verified, ""),
                                      "running")) {
        return apr_psprintf(p, "Configured %s instead of %s; the server was "
                            "not restarted.", to, from);
    }
    return apr_psprintf(p, "Switched from %s to %s.", from, to);
}

static void changed(em_out_t *out, const em_switch_t *done, int back)
{
    fprintf(out->f, "%s\n", em_fmt_paint(out, EM_GREEN,
                                         done_text(done, back, out->pool)));
    facts_of(out, done);
    consequences(out, done->plan);
    if (done->id && !back) {
        fprintf(out->f, "\nTo go back: ea-mpm rollback %s\n", done->id);
    }
}

/* The files needed no change, but perhaps the server did. */
static void unchanged(em_out_t *out, const em_switch_t *done)
{
    if (done->outage_ms < 0) {
        fprintf(out->f, "Nothing to do: %s is what is configured.\n",
                em_fmt_or(done->to, "it"));
        return;
    }
    fprintf(out->f, "%s\n", em_fmt_paint(out, EM_GREEN, apr_psprintf(
            out->pool, "The server was stopped and started and runs %s now.",
            em_fmt_or(done->to, "it"))));
    facts_of(out, done);
}

static void recovered(em_out_t *out, const em_switch_t *done)
{
    if (!done->id) {
        fputs("Nothing to recover.\n", out->f);
        return;
    }
    fprintf(out->f, "%s\n", em_fmt_paint(out, EM_GREEN, apr_psprintf(
            out->pool, "%s the interrupted switch from %s to %s.",
            done->rolled_back ? "Undone:" : "Finished:",
            em_fmt_or(done->from, "no MPM"), em_fmt_or(done->to, "no MPM"))));
    row(out, "id", done->id);
    row(out, "verified", verified_row(done));
}

/* A switch that a check refused, or that only was to be told. */
static void not_carried_out(em_out_t *out, const em_report_t *report,
                            const em_result_t *res)
{
    if (res->exit_code == EM_EXIT_REFUSED && report->check
        && !report->done) {
        em_text_check(out, report, res);
    }
    else if (report->dry_run && res->exit_code == EM_EXIT_OK) {
        em_text_plan(out, report, res);
        fputs("\nNothing was changed (--dry-run).\n", out->f);
    }
}

/* It was begun and did not work out. */
static void not_switched(em_out_t *out, const em_switch_t *done,
                         const em_result_t *res)
{
    const char *text = apr_psprintf(out->pool, "Not switched to %s%s.",
        em_fmt_or(done->to, "it"),
        res->exit_code == EM_EXIT_ROLLED_BACK
            ? "; everything is as it was" : "");

    fprintf(out->f, "%s\n", em_fmt_paint(out, EM_RED, text));
    facts_of(out, done);
}

static int rehearsal_failed(const em_switch_t *done)
{
    return done->rehearsal
        && done->rehearsal->result == EM_REHEARSAL_FAILED;
}

void em_text_switch(em_out_t *out, const em_report_t *report,
                    const em_result_t *res)
{
    const em_switch_t *done = report->done;
    int recovering = !report->plan;

    if (!done || report->dry_run) {
        not_carried_out(out, report, res);
        return;
    }
    if (res->exit_code != EM_EXIT_OK) {
        if (rehearsal_failed(done)) {
            fprintf(out->f, "Rehearsal of %s: %s\n", em_fmt_or(done->to, ""),
                    em_fmt_paint(out, EM_RED, "failed"));
            em_text_rehearsal(out, done->rehearsal);
        }
        if (done->id) {
            not_switched(out, done, res);
        }
        return;
    }
    if (recovering) {
        recovered(out, done);
    }
    else if (done->changed) {
        changed(out, done, !report->check);
        if (report->check) {
            em_text_findings(out, report->check->findings, EM_WARN);
        }
    }
    else {
        unchanged(out, done);
    }
}

/* How it stands with a switch. */
static const char *state_text(const em_txn_info_t *t, apr_pool_t *p)
{
    if (t->rolled_back_by) {
        return "rolled back";
    }
    return apr_pstrcat(p, em_txn_state_name(t->state),
                       t->rolls_back ? " (rollback)" : "", NULL);
}

/* What its packages take on the disk, where it has some. */
static const char *size_text(const em_txn_info_t *t, apr_pool_t *p)
{
    char size[5];

    return t->packages_size == 0
               ? "" : apr_pstrcat(p, ", packages:",
                                  apr_strfsize(t->packages_size, size),
                                  NULL);
}

void em_text_history(em_out_t *out, const em_report_t *report,
                     const em_result_t *res)
{
    const apr_array_header_t *list = report->history;
    apr_pool_t *p = out->pool;
    int i;

    (void)res;
    if (!list) {
        return;
    }
    if (list->nelts == 0) {
        fputs("No switch was made on this system yet.\n", out->f);
        return;
    }
    fprintf(out->f, "%-19s %-20s %-20s %s\n", "ID", "begun", "switch",
            "state");
    for (i = list->nelts - 1; i >= 0; --i) {
        const em_txn_info_t *t = APR_ARRAY_IDX(list, i, em_txn_info_t *);

        fprintf(out->f, "%-19s %-20s %-20s %s%s\n", t->id,
                em_fmt_or(em_fmt_time(t->begun, p), "?"),
                apr_psprintf(p, "%s -> %s", em_fmt_or(t->from, "none"),
                             em_fmt_or(t->to, "none")), state_text(t, p),
                size_text(t, p));
    }
}
