/* The command line: apr_getopt over the table of options, then the command
 * and its word. Every complaint names what was typed and what would work. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <apr_getopt.h>
#include <apr_strings.h>
#include "cmd/cmd.h"

#define MAX_OPTS 64

/* apr_getopt would print its complaints; ours say more. */
static void stay_silent(void *baton, const char *fmt, ...)
{
    (void)baton;
    (void)fmt;
}

static apr_status_t usage(em_run_t *run, const char *problem,
                          const char *detail)
{
    if (run->cmd) {
        em_result_hint(run->res, "ea-mpm help %s", run->cmd->name);
    }
    else {
        em_result_hint(run->res, "ea-mpm help");
    }
    return em_result_fail(run->res, APR_EINVAL, EM_EXIT_USAGE, problem, "%s",
                          detail);
}

/* How many letters differ, roughly: the size of the edit from A to B. */
static int distance(const char *a, const char *b)
{
    int row[32], i, j, la = (int)strlen(a), lb = (int)strlen(b);

    if (la > 30 || lb > 30) {
        return 99;
    }
    for (j = 0; j <= lb; ++j) {
        row[j] = j;
    }
    for (i = 1; i <= la; ++i) {
        int diagonal = row[0];

        row[0] = i;
        for (j = 1; j <= lb; ++j) {
            int best = diagonal + (a[i - 1] != b[j - 1]);

            if (row[j] + 1 < best) {
                best = row[j] + 1;
            }
            if (row[j - 1] + 1 < best) {
                best = row[j - 1] + 1;
            }
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[lb];
}

static const char *like_command(const char *word)
{
    const char *best = NULL;
    int i, least = 3;

    for (i = 0; em_cmds[i]; ++i) {
        int d = distance(word, em_cmds[i]->name);

        if (d < least) {
            least = d;
            best = em_cmds[i]->name;
        }
    }
    return best;
}

static const char *like_option(const char *word)
{
    const em_opt_t *opt;
    const char *best = NULL;
    int least = 4;

    word += strspn(word, "-");
    for (opt = em_opts; opt->name; ++opt) {
        int d = distance(word, opt->name);

        if (d < least) {
            least = d;
            best = opt->name;
        }
    }
    return best;
}

static apr_status_t bad_option(em_run_t *run, const char *word)
{
    const char *like = like_option(word);
    const char *name = apr_pstrndup(run->pool, word, strcspn(word, "="));

    return usage(run, "unknown-option", like
        ? apr_psprintf(run->pool, "There is no option %s; did you mean "
                       "--%s?", name, like)
        : apr_psprintf(run->pool, "There is no option %s.", name));
}

/* A whole number from 1 (or 0) to MAX, or -1. */
static long number(const char *text, long max)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < 0 || n > max) {
        return -1;
    }
    return n;
}

static apr_status_t set_timeout(em_run_t *run, const char *arg)
{
    long n = number(arg, 24 * 60 * 60);

    if (n < 1) {
        return usage(run, "bad-value", apr_psprintf(run->pool,
                     "--timeout takes whole seconds from 1 to 86400, "
                     "not \"%s\".", arg));
    }
    run->opts.timeout = apr_time_from_sec(n);
    return APR_SUCCESS;
}

static apr_status_t set_progress_fd(em_run_t *run, const char *arg)
{
    long n = number(arg, 1024 * 1024);

    if (n < 2 || fcntl((int)n, F_GETFD) < 0) {
        return usage(run, "bad-value", apr_psprintf(run->pool,
                     "--progress-fd takes the number of a file descriptor "
                     "that is open for writing, 2 or above, not \"%s\".",
                     arg));
    }
    run->opts.progress_fd = (int)n;
    return APR_SUCCESS;
}

static apr_status_t set_path(em_run_t *run, const char **pvalue,
                             const char *name, const char *arg)
{
    if (!*arg) {
        return usage(run, "bad-value", apr_psprintf(run->pool,
                     "--%s needs a value that is not empty.", name));
    }
    *pvalue = arg;
    return APR_SUCCESS;
}

static apr_status_t set_root(em_run_t *run, const char *arg)
{
    char *real = realpath(arg, NULL);

    if (!real) {
        return usage(run, "bad-value", apr_psprintf(run->pool,
                     "--root %s: %s.", arg, strerror(errno)));
    }
    run->opts.root = apr_pstrdup(run->pool, real);
    free(real);
    return APR_SUCCESS;
}

static void add(apr_array_header_t *list, const char *arg)
{
    APR_ARRAY_PUSH(list, const char *) = arg;
}

static apr_status_t set_option(em_run_t *run, em_opt_id_t id,
                               const char *arg)
{
    em_options_t *o = &run->opts;

    switch (id) {
    case EM_OPT_JSON: o->json = 1; break;
    case EM_OPT_ROOT: return set_root(run, arg);
    case EM_OPT_HTTPD: return set_path(run, &o->httpd, "httpd", arg);
    case EM_OPT_CONF: return set_path(run, &o->conf, "conf", arg);
    case EM_OPT_INSTANCE:
        return set_path(run, &o->instance, "instance", arg);
    case EM_OPT_TIMEOUT: return set_timeout(run, arg);
    case EM_OPT_QUIET: o->quiet = 1; break;
    case EM_OPT_PROGRESS_FD: return set_progress_fd(run, arg);
    case EM_OPT_HELP: o->help = 1; break;
    case EM_OPT_AVAILABLE: o->available = 1; break;
    case EM_OPT_DEEP: o->deep = 1; break;
    case EM_OPT_WITH: add(o->with, arg); break;
    case EM_OPT_WITHOUT: add(o->without, arg); break;
    case EM_OPT_DRY_RUN: o->dry_run = 1; break;
    case EM_OPT_NO_RESTART: o->no_restart = 1; break;
    case EM_OPT_END_CONTAINER: o->end_container = 1; break;
    case EM_OPT_NO_REHEARSAL: o->no_rehearsal = 1; break;
    case EM_OPT_REQUIRE_REHEARSAL: o->require_rehearsal = 1; break;
    case EM_OPT_ALLOW_SOCKET: add(o->allow_sockets, arg); break;
    case EM_OPT_ASK_ROOT: o->ask_root = 1; break;
    case EM_OPT_FORCE: o->force = 1; break;
    }
    return APR_SUCCESS;
}

/* The table of options in apr_getopt's form. */
static void fill_getopt(apr_getopt_option_t *table)
{
    const em_opt_t *opt;
    int n = 0;

    for (opt = em_opts; opt->name && n < MAX_OPTS - 3; ++opt, ++n) {
        table[n].name = opt->name;
        table[n].optch = (int)opt->id;
        table[n].has_arg = opt->arg != NULL;
        table[n].description = opt->description;
    }
    table[n].name = "help";
    table[n].optch = 'h';
    table[n].has_arg = 0;
    table[n + 1].name = "version";
    table[n + 1].optch = 'V';
    table[n + 1].has_arg = 0;
}

/* The command and its words. */
static apr_status_t take_words(em_run_t *run, int from, int argc,
                               const char *const *argv, int version)
{
    const char *word = from < argc ? argv[from] : NULL;
    int i;

    if (!word) {
        run->cmd = version ? &em_cmd_version : &em_cmd_help;
        if (!version && !run->opts.help) {
            run->cmd = NULL;
            return usage(run, "missing-command", "Tell what to do.");
        }
        return APR_SUCCESS;
    }
    run->cmd = em_cmd_find(word);
    if (!run->cmd) {
        const char *like = like_command(word);

        return usage(run, "unknown-command", like
            ? apr_psprintf(run->pool, "There is no command \"%s\"; did you "
                           "mean %s?", word, like)
            : apr_psprintf(run->pool, "There is no command \"%s\".", word));
    }
    for (i = from + 1; i < argc; ++i) {
        APR_ARRAY_PUSH(run->args, const char *) = argv[i];
    }
    return APR_SUCCESS;
}

/* Is every option one of the command's, and is its word there? */
static apr_status_t check_command(em_run_t *run, const char *given)
{
    const em_cmd_t *cmd = run->cmd;
    const em_opt_t *opt;
    int max = cmd->arg != EM_ARG_NONE;

    for (opt = em_opts; opt->name; ++opt) {
        if (given[opt - em_opts] && !em_cmd_takes(cmd, opt->id)) {
            return usage(run, "option-not-here", apr_psprintf(run->pool,
                         "The command %s has no option --%s.", cmd->name,
                         opt->name));
        }
    }
    if (run->opts.no_rehearsal && run->opts.require_rehearsal) {
        return usage(run, "bad-value", "--no-rehearsal and "
                     "--require-rehearsal exclude each other.");
    }
    if (run->args->nelts > max) {
        return usage(run, "extra-argument", apr_psprintf(run->pool,
                     "\"%s\" is one word too many.",
                     APR_ARRAY_IDX(run->args, max, const char *)));
    }
    if (cmd->arg_required && run->args->nelts == 0) {
        return usage(run, "missing-argument", apr_psprintf(run->pool,
                     "%s needs a target: prefork, worker, event or itk.",
                     cmd->name));
    }
    if (cmd->arg == EM_ARG_TARGET && run->args->nelts) {
        run->target = em_target_parse(APR_ARRAY_IDX(run->args, 0,
                                                    const char *),
                                      run->res, run->pool);
        return run->target ? APR_SUCCESS : run->res->status;
    }
    return APR_SUCCESS;
}

/* `ea-mpm COMMAND --help` is `ea-mpm help COMMAND`. */
static void turn_to_help(em_run_t *run)
{
    if (run->cmd != &em_cmd_help) {
        apr_array_clear(run->args);
        APR_ARRAY_PUSH(run->args, const char *) = run->cmd->name;
    }
    run->cmd = &em_cmd_help;
}

static void init(em_run_t *run, int argc, const char *const *argv)
{
    int i;

    run->opts.progress_fd = -1;
    run->opts.with = apr_array_make(run->pool, 2, sizeof(char *));
    run->opts.without = apr_array_make(run->pool, 2, sizeof(char *));
    run->opts.allow_sockets = apr_array_make(run->pool, 2, sizeof(char *));
    run->args = apr_array_make(run->pool, 2, sizeof(char *));
    /* Complaints about the rest must be JSON already. */
    for (i = 1; i < argc && strcmp(argv[i], "--"); ++i) {
        run->opts.json |= !strcmp(argv[i], "--json");
    }
}

apr_status_t em_cmd_parse(em_run_t *run, int argc, const char *const *argv)
{
    apr_getopt_option_t table[MAX_OPTS] = { { NULL, 0, 0, NULL } };
    char given[MAX_OPTS] = { 0 };
    apr_getopt_t *os;
    apr_status_t rv;
    int version = 0;

    init(run, argc, argv);
    fill_getopt(table);
    rv = apr_getopt_init(&os, run->pool, argc, argv);
    if (rv != APR_SUCCESS) {
        return em_result_fail(run->res, rv, EM_EXIT_FAILED, "internal",
                              "Reading the command line: ");
    }
    os->interleave = 1;
    os->errfn = stay_silent;
    for (;;) {
        const char *arg, *word;
        int ch;

        rv = apr_getopt_long(os, table, &ch, &arg);
        if (rv == APR_EOF) {
            break;
        }
        /* The word it choked on is the one it just stepped over. */
        word = os->argv[os->ind - 1];
        if (rv == APR_BADARG) {
            return usage(run, "bad-value", apr_psprintf(run->pool,
                         strchr(word, '=') ? "The option %s takes no value."
                                           : "The option %s needs a value.",
                         word));
        }
        if (rv != APR_SUCCESS) {
            return bad_option(run, word);
        }
        if (ch == 'V') {
            version = 1;
        }
        else if (ch == 'h') {
            run->opts.help = 1;
        }
        else {
            rv = set_option(run, (em_opt_id_t)ch, arg);
            given[em_opt_find((em_opt_id_t)ch) - em_opts] = 1;
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    rv = take_words(run, os->ind, argc, os->argv, version);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (run->opts.help) {
        turn_to_help(run);
        return APR_SUCCESS;
    }
    return check_command(run, given);
}
