/* JSON output: one envelope a run, on success and on failure. */

#include <apr_strings.h>
#include "cmd/cmd.h"
#include "out/fmt.h"
#include "out/json_parts.h"

#define EM_JSON_FORMAT 1

void em_json_version(em_out_t *out, const em_report_t *report,
                     const em_result_t *res)
{
    (void)report;
    (void)res;
    out->data = em_json_set_str(em_json_object(out->pool), "version",
                                EM_VERSION);
}

static em_json_t *command(const em_cmd_t *cmd, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);
    em_json_t *names = em_json_array(p);
    const em_opt_t *opt;

    em_json_set_str(o, "name", cmd->name);
    em_json_set_str(o, "arguments", em_cmd_synopsis(cmd));
    em_json_set_str(o, "summary", cmd->summary);
    em_json_set_str(o, "description", cmd->description);
    for (opt = em_opts; opt->name; ++opt) {
        if (em_cmd_takes(cmd, opt->id) && !opt->everywhere) {
            em_json_add_str(names, opt->name);
        }
    }
    return em_json_set(o, "options", names);
}

void em_json_help(em_out_t *out, const em_report_t *report,
                  const em_result_t *res)
{
    apr_pool_t *p = out->pool;
    em_json_t *o = em_json_object(p);
    em_json_t *cmds = em_json_array(p), *opts = em_json_array(p);
    const em_opt_t *opt;
    int i;

    (void)res;
    for (i = 0; em_cmds[i]; ++i) {
        if (!report->topic || report->topic == em_cmds[i]) {
            em_json_add(cmds, command(em_cmds[i], p));
        }
    }
    for (opt = em_opts; opt->name; ++opt) {
        em_json_t *v;

        if (report->topic && !em_cmd_takes(report->topic, opt->id)) {
            continue;
        }
        v = em_json_object(p);
        em_json_set_str(v, "name", opt->name);
        em_json_set_str(v, "value", opt->arg);
        em_json_set_str(v, "description", opt->description);
        em_json_add(opts, em_json_set_bool(v, "everywhere",
                                           opt->everywhere));
    }
    em_json_set(o, "commands", cmds);
    out->data = em_json_set(o, "options", opts);
}

/* What went wrong, and the next command: one text. */
static const char *detail(const em_result_t *res, apr_pool_t *p)
{
    if (!res->detail || !res->hint) {
        return res->detail;
    }
    return apr_pstrcat(p, em_fmt_sentence(res->detail, p), " Next: ",
                       res->hint, NULL);
}

static void finish(em_out_t *out, const char *name, em_report_kind_t kind,
                   const em_report_t *report, const em_result_t *res)
{
    em_json_t *o = em_json_object(out->pool);
    int ok = res->exit_code == EM_EXIT_OK;

    em_json_set_int(o, "format", EM_JSON_FORMAT);
    em_json_set_str(o, "command", name);
    em_json_set_bool(o, "ok", ok);
    em_json_set_str(o, "problem", ok ? NULL : res->problem);
    em_json_set_str(o, "detail", ok ? NULL : detail(res, out->pool));
    if (name) {
        em_out_json.render[kind](out, report, res);
    }
    if (out->data) {
        em_json_set(o, "data", out->data);
    }
    else {
        em_json_set_null(o, "data");
    }
    fprintf(out->f, "%s\n", em_json_text(o, 2, out->pool));
}

const struct em_output em_out_json = {
    .name = "json",
    .render = {
        [EM_REPORT_SHOW] = em_json_show,
        [EM_REPORT_LIST] = em_json_list,
        [EM_REPORT_CHECK] = em_json_check,
        [EM_REPORT_PLAN] = em_json_plan,
        [EM_REPORT_SWITCH] = em_json_switch,
        [EM_REPORT_REHEARSE] = em_json_rehearse,
        [EM_REPORT_HISTORY] = em_json_history,
        [EM_REPORT_RULES] = em_json_rules,
        [EM_REPORT_VERSION] = em_json_version,
        [EM_REPORT_HELP] = em_json_help
    },
    .finish = finish
};
