#ifndef EM_CMD_H
#define EM_CMD_H

/* The commands: one descriptor each, from which the command line is parsed
 * and help made, and against which manual, README and completions are
 * tested. A command fills a report and never prints. */

#include "out/report.h"

typedef struct em_cmd_t em_cmd_t;

/* Options as given. */
typedef struct em_options_t {
    const char *root;           /* NULL: "/" */
    const char *httpd, *conf, *instance;
    apr_array_header_t *with, *without, *allow_sockets; /* const char * */
    apr_interval_time_t timeout;        /* 0: each step's own default */
    int progress_fd;                    /* -1: none */
    int json, quiet, help;
    int available, deep;
    int dry_run, no_restart, no_rehearsal, require_rehearsal, ask_root;
    int end_container;
    int force;
} em_options_t;

typedef enum {
    EM_OPT_JSON = 256, EM_OPT_ROOT, EM_OPT_HTTPD, EM_OPT_CONF,
    EM_OPT_INSTANCE, EM_OPT_TIMEOUT, EM_OPT_QUIET, EM_OPT_PROGRESS_FD,
    EM_OPT_HELP,
    EM_OPT_AVAILABLE, EM_OPT_DEEP, EM_OPT_WITH, EM_OPT_WITHOUT,
    EM_OPT_DRY_RUN, EM_OPT_NO_RESTART, EM_OPT_NO_REHEARSAL,
    EM_OPT_REQUIRE_REHEARSAL, EM_OPT_ALLOW_SOCKET, EM_OPT_ASK_ROOT,
    EM_OPT_FORCE, EM_OPT_END_CONTAINER
} em_opt_id_t;

typedef struct em_opt_t {
    em_opt_id_t id;
    const char *name;           /* without the dashes */
    const char *arg;            /* "DIR", or NULL */
    const char *description;
    int everywhere;             /* every command takes it */
} em_opt_t;

/* The options, ended by a NULL name. */
extern const em_opt_t em_opts[];
const em_opt_t *em_opt_find(em_opt_id_t id);

/* What main opens for a command. */
typedef struct em_run_t {
    apr_pool_t *pool;
    const em_cmd_t *cmd;
    em_options_t opts;
    apr_array_header_t *args;   /* const char *: words behind the command */
    const char *target;         /* canonical, or NULL: none given */
    em_log_t *log;
    em_result_t *res;
    const em_view_t *view;      /* of --root */
    em_facts_t *facts;          /* with EM_NEED_FACTS */
    apr_array_header_t *rules;  /* with EM_NEED_RULES */
    em_report_t report;
} em_run_t;

enum {
    EM_NEED_VIEW = 1,
    EM_NEED_FACTS = 2 | EM_NEED_VIEW,
    EM_NEED_RULES = 4 | EM_NEED_VIEW,
    EM_NEED_ROOT = 8,           /* uid 0, unless --root names a tree */
    EM_NEED_LOCK = 16 | EM_NEED_VIEW    /* the only writer; what an
                                 * interrupted run left is finished first */
};

typedef enum { EM_ARG_NONE, EM_ARG_TARGET, EM_ARG_ID, EM_ARG_COMMAND }
    em_arg_t;

struct em_cmd_t {
    const char *name;
    em_arg_t arg;               /* the one word it may take */
    int arg_required;
    const char *summary;        /* one line */
    const char *description;    /* sentences, for help and manual */
    int needs;
    int defers_test;            /* calls em_facts_settle() itself */
    em_report_kind_t report;
    const em_opt_id_t *options; /* besides those for every command; ends
                                 * with 0, or NULL */
    apr_status_t (*run)(em_run_t *run);
};

/* The commands in the order of help, ended by NULL. */
extern const em_cmd_t *const em_cmds[];
const em_cmd_t *em_cmd_find(const char *name);
int em_cmd_takes(const em_cmd_t *cmd, em_opt_id_t id);
/* "TARGET", "[TARGET]", "" ... */
const char *em_cmd_synopsis(const em_cmd_t *cmd);

/* The words that name a target. */
extern const char *const em_targets[];

/* Fill RUN's cmd, opts and args from the command line. */
apr_status_t em_cmd_parse(em_run_t *run, int argc, const char *const *argv);

/* Shared by the commands (judge.c): make the plan to TARGET and judge it
 * into RUN's report. */
apr_status_t em_cmd_judge(em_run_t *run, const char *target);
/* Fail with the worst refusal of the report's check, if it has one. */
apr_status_t em_cmd_refuse(em_run_t *run);
/* Both, for the target on the command line: all that check and plan do, and
 * how switch begins. */
apr_status_t em_cmd_judge_target(em_run_t *run);
/* How to carry out a switch, from the options. */
em_switch_how_t em_cmd_switch_how(const em_run_t *run);
em_facts_how_t em_cmd_facts_how(const em_run_t *run);

extern const em_cmd_t em_cmd_show, em_cmd_list, em_cmd_check, em_cmd_plan,
    em_cmd_rehearse, em_cmd_switch, em_cmd_rollback, em_cmd_recover,
    em_cmd_history, em_cmd_rules, em_cmd_version, em_cmd_help;

#endif /* EM_CMD_H */
