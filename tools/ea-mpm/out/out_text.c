/* Text output: the report on standard output, what went wrong on standard
 * error. */

#include <string.h>
#include <apr_strings.h>
#include "cmd/cmd.h"
#include "out/fmt.h"
#include "out/text_parts.h"

void em_text_version(em_out_t *out, const em_report_t *report,
                     const em_result_t *res)
{
    (void)report;
    (void)res;
    fprintf(out->f, "ea-mpm %s\n", EM_VERSION);
}

static void option(em_out_t *out, const em_opt_t *opt)
{
    const char *lead = apr_psprintf(out->pool, "  --%s%s%s", opt->name,
                                    opt->arg ? " " : "",
                                    em_fmt_or(opt->arg, ""));

    if (strlen(lead) > 23) {
        fprintf(out->f, "%s\n", lead);
        lead = "";
    }
    em_fmt_item(out->f, lead, 24, opt->description);
}

static void options(em_out_t *out, const em_cmd_t *cmd, int everywhere)
{
    const em_opt_t *opt;

    for (opt = em_opts; opt->name; ++opt) {
        if (opt->everywhere == everywhere
            && (!cmd || em_cmd_takes(cmd, opt->id))) {
            option(out, opt);
        }
    }
}

static const char *call(const em_cmd_t *cmd, apr_pool_t *p)
{
    const char *words = em_cmd_synopsis(cmd);

    return apr_pstrcat(p, cmd->name, *words ? " " : "", words, NULL);
}

static void overview(em_out_t *out)
{
    int i;

    fputs("ea-mpm shows and switches the MPM of Apache httpd. A switch ends "
          "with the\nserver answering under the new MPM or exactly as it "
          "was.\n\nUsage: ea-mpm COMMAND [OPTION]...\n\n", out->f);
    for (i = 0; em_cmds[i]; ++i) {
        em_fmt_item(out->f, apr_pstrcat(out->pool, "  ",
                    call(em_cmds[i], out->pool), NULL), 24,
                    em_cmds[i]->summary);
    }
    fputs("\nTARGET is prefork, worker, event or itk.\n\nOptions of every "
          "command\n", out->f);
    options(out, NULL, 1);
    fputs("\nOptions of some\n", out->f);
    options(out, NULL, 0);
    fputs("\nExit codes: 0 done or nothing to do, 1 failed and nothing "
          "changed, 2 usage,\n3 refused by a check, 4 failed and the old "
          "state is back, 5 needs attention,\n6 busy.\n", out->f);
}

void em_text_help(em_out_t *out, const em_report_t *report,
                  const em_result_t *res)
{
    const em_cmd_t *cmd = report->topic;

    if (res->exit_code != EM_EXIT_OK) {
        return;
    }
    if (!cmd) {
        overview(out);
        return;
    }
    fprintf(out->f, "Usage: ea-mpm %s [OPTION]...\n\n", call(cmd, out->pool));
    em_fmt_wrap(out->f, 0, cmd->description);
    if (cmd->arg == EM_ARG_TARGET) {
        fputs("\nTARGET is prefork, worker, event or itk.\n", out->f);
    }
    if (cmd->options) {
        fputs("\nOptions\n", out->f);
        options(out, cmd, 0);
    }
    fputs("\nOptions of every command\n", out->f);
    options(out, cmd, 1);
}

static const char *outcome(em_exit_t code)
{
    switch (code) {
    case EM_EXIT_FAILED:
        return "Nothing was changed.";
    case EM_EXIT_REFUSED:
        return "Refused; nothing was changed.";
    case EM_EXIT_ROLLED_BACK:
        return "The old configuration is back and the old server answers.";
    case EM_EXIT_ATTENTION:
        return "The way back failed too: the server needs you now.";
    case EM_EXIT_OK:
    case EM_EXIT_USAGE:
    case EM_EXIT_BUSY:
        break;
    }
    return NULL;
}

/* Was the reason told by the report? */
static int told(const em_report_t *report, const em_result_t *res)
{
    const em_rehearsal_t *r = report->done ? report->done->rehearsal : NULL;

    if (report->rehearsal) {
        return 1;
    }
    return res->exit_code == EM_EXIT_REFUSED
        && (report->done ? r && r->result == EM_REHEARSAL_FAILED
                         : report->check != NULL);
}

/* Commands that change nothing anyway need not say so. */
static int only_looks(em_report_kind_t kind)
{
    return kind != EM_REPORT_SWITCH && kind != EM_REPORT_REHEARSE;
}

static void complain(em_out_t *out, em_report_kind_t kind,
                     const em_report_t *report, const em_result_t *res)
{
    em_out_t err = *out;
    const char *last = only_looks(kind) ? NULL : outcome(res->exit_code);

    err.f = out->err;
    err.colour = out->err_colour;
    if (!told(report, res)) {
        fprintf(err.f, "%s ", em_fmt_paint(&err, EM_RED, "ea-mpm:"));
        em_fmt_rest(err.f, 8, em_fmt_sentence(
                    em_fmt_or(res->detail, "failed"), out->pool));
        if (res->activity && res->exit_code != EM_EXIT_USAGE
            && res->exit_code != EM_EXIT_BUSY) {
            em_fmt_wrap(err.f, 8, apr_psprintf(out->pool, "while %s",
                                               res->activity));
        }
        if (res->hint) {
            fprintf(err.f, "Next: %s\n", res->hint);
        }
    }
    if (last) {
        fprintf(err.f, "%s\n", last);
    }
}

static void finish(em_out_t *out, const char *name, em_report_kind_t kind,
                   const em_report_t *report, const em_result_t *res)
{
    if (name) {
        em_out_text.render[kind](out, report, res);
    }
    fflush(out->f);
    if (res->exit_code != EM_EXIT_OK) {
        complain(out, kind, report, res);
    }
    else if (res->hint) {
        fprintf(out->f, "\nNext: %s\n", res->hint);
    }
}

const struct em_output em_out_text = {
    .name = "text",
    .render = {
        [EM_REPORT_SHOW] = em_text_show,
        [EM_REPORT_LIST] = em_text_list,
        [EM_REPORT_CHECK] = em_text_check,
        [EM_REPORT_PLAN] = em_text_plan,
        [EM_REPORT_SWITCH] = em_text_switch,
        [EM_REPORT_REHEARSE] = em_text_rehearse,
        [EM_REPORT_HISTORY] = em_text_history,
        [EM_REPORT_RULES] = em_text_rules,
        [EM_REPORT_VERSION] = em_text_version,
        [EM_REPORT_HELP] = em_text_help
    },
    .finish = finish
};
