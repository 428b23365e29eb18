/* ea-mpm: shows and switches the MPM of Apache httpd.
 *
 * One run: parse the command line, open what the command needs, run it,
 * render its report and result, exit with the code of the result. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "cmd/cmd.h"
#include "out/out.h"
#include "out/progress.h"

#define ADMIN_RULES "/etc/ea-mpm/rules.d"

static void note_signal(int sig)
{
    (void)sig;
}

/* A reader that goes away must not end a switch half-way. A handler, unlike
 * SIG_IGN, is not inherited by the programs that are run. */
static void survive_pipes(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = note_signal;
    sa.sa_flags = SA_RESTART;
    sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGPIPE, &sa, NULL);
}

/* Descriptors 0 to 2 are ours: a file opened later must not become one. */
static int fill_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0) {
            return 0;
        }
    } while (fd <= 2);
    close(fd);
    return 1;
}

/* sudo and cron often leave out where servers and their tools live. */
static void widen_path(apr_pool_t *p)
{
    const char *path = getenv("PATH");

    setenv("PATH", apr_pstrcat(p, path && *path ? path : "/usr/bin:/bin",
                               ":/usr/local/sbin:/usr/sbin:/sbin", NULL), 1);
}

static int wants_colour(FILE *f)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(f)) && !(no && *no)
        && term && strcmp(term, "dumb");
}

static em_log_t *make_log(const em_options_t *opts, apr_pool_t *p)
{
    em_progress_how_t how = { NULL, 0, 0, -1 };

    if (!opts->quiet) {
        how.err = stderr;
        how.terminal = isatty(STDERR_FILENO);
        how.colour = wants_colour(stderr);
    }
    how.fd = opts->progress_fd;
    if (how.fd > 2) {
        (void)fcntl(how.fd, F_SETFD, FD_CLOEXEC);
    }
    return em_progress_make(&how, p);
}

/* Where the shipped rules are: beside the program that runs, so that a build
 * tree, an installed package and a relocated one all find their own. */
static const char *shipped_rules(apr_pool_t *p)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash;
    int up;

    if (n > 0) {
        exe[n] = '\0';
        for (up = 0; up < 2 && (slash = strrchr(exe, '/')); ++up) {
            *slash = '\0';
        }
        if (up == 2) {
            const char *dir = apr_pstrcat(p, exe, "/share/ea-mpm/rules.d",
                                          NULL);

            if (access(dir, R_OK | X_OK) == 0) {
                return dir;
            }
        }
    }
    return EM_PREFIX "/share/ea-mpm/rules.d";
}

/* The shipped rules and the admin's. Without the shipped ones nothing would
 * be refused: that is no state to judge in. */
static apr_status_t need_rules(em_run_t *run)
{
    const char *shipped = shipped_rules(run->pool);

    if (access(shipped, R_OK | X_OK) != 0) {
        return em_result_fail(run->res, APR_FROM_OS_ERROR(errno),
                              EM_EXIT_FAILED, "rules-missing", "The rules "
                              "that belong to this program should be in %s; "
                              "install it whole: ", shipped);
    }
    return em_rules_read(&run->rules, run->view, shipped, ADMIN_RULES,
                         run->res, run->pool);
}

static int on_real_root(const em_run_t *run)
{
    return !run->opts.root || !strcmp(run->opts.root, "/");
}

static apr_status_t need_root(em_run_t *run)
{
    if (!on_real_root(run) || geteuid() == 0) {
        return APR_SUCCESS;
    }
    em_result_hint(run->res, "sudo ea-mpm %s%s%s", run->cmd->name,
                   run->target ? " " : "", run->target ? run->target : "");
    return em_result_fail(run->res, APR_EACCES, EM_EXIT_FAILED, "not-root",
                          "Only root can change the server.");
}

/* Deal with what an interrupted run left, then become the only writer. */
static apr_status_t need_lock(em_run_t *run)
{
    em_facts_how_t facts_how = em_cmd_facts_how(run);
    em_switch_how_t how = em_cmd_switch_how(run);
    em_switch_t *recovered;
    em_lock_t *lock;
    apr_pool_t *sub;        /* the lock of the recovery goes with it */
    apr_status_t rv;

    rv = apr_pool_create(&sub, run->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_recover_run(&recovered, &facts_how, &how, run->res, sub);
    if (rv == APR_SUCCESS && recovered->changed) {
        em_log(run->log, EM_LOG_WARN, "an interrupted switch (%s) was %s "
               "first", recovered->id,
               recovered->rolled_back ? "undone" : "finished");
    }
    apr_pool_destroy(sub);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return em_lock_take(&lock, run->view, run->target
                        ? apr_pstrcat(run->pool, run->cmd->name, " ",
                                      run->target, NULL)
                        : run->cmd->name, run->res, run->pool);
}

static apr_status_t open_needs(em_run_t *run)
{
    int needs = run->cmd->needs;
    em_facts_how_t how = em_cmd_facts_how(run);
    em_view_t *view;
    apr_status_t rv = APR_SUCCESS;

    if (run->opts.dry_run) {
        needs &= ~EM_NEED_ROOT & ~(EM_NEED_LOCK & ~EM_NEED_VIEW);
    }
    if (needs & EM_NEED_ROOT) {
        rv = need_root(run);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (needs & EM_NEED_VIEW) {
        rv = em_view_open(&view, how.root, run->pool);
        if (rv != APR_SUCCESS) {
            return em_result_fail(run->res, rv, EM_EXIT_FAILED, "root-unusable",
                                  "Opening the root directory %s: ",
                                  how.root);
        }
        run->view = view;
    }
    if ((needs & EM_NEED_LOCK) == EM_NEED_LOCK) {
        rv = need_lock(run);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if ((needs & EM_NEED_FACTS) == EM_NEED_FACTS) {
        rv = em_facts_gather(&run->facts, &how, run->res, run->pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if ((needs & EM_NEED_RULES) == EM_NEED_RULES) {
        rv = need_rules(run);       /* while httpd tests, if it still does */
    }
    return rv;
}

/* A failure whose cause nobody told is told at least as such. */
static void settle(em_run_t *run, apr_status_t rv)
{
    if (rv != APR_SUCCESS && run->res->exit_code == EM_EXIT_OK) {
        em_result_fail(run->res, rv, EM_EXIT_FAILED, "internal",
                       "Something failed: ");
    }
}

static int render(const em_run_t *run)
{
    const struct em_output *output =
        run->opts.json ? &em_out_json : &em_out_text;
    em_out_t out = { 0 };

    out.f = stdout;
    out.err = stderr;
    out.colour = wants_colour(stdout);
    out.err_colour = wants_colour(stderr);
    out.pool = run->pool;
    output->finish(&out, run->cmd ? run->cmd->name : NULL,
                   run->cmd ? run->cmd->report : EM_REPORT_HELP,
                   &run->report, run->res);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno != EPIPE) {       /* `| head` has seen enough */
            fprintf(stderr, "ea-mpm: standard output: %s\n",
                    strerror(errno));
        }
        return run->res->exit_code == EM_EXIT_OK ? EM_EXIT_FAILED
                                                 : run->res->exit_code;
    }
    return run->res->exit_code;
}

int main(int argc, const char *const *argv)
{
    em_run_t run = { 0 };
    apr_status_t rv;
    int code;

    if (!fill_descriptors() || apr_initialize() != APR_SUCCESS
        || apr_pool_create(&run.pool, NULL) != APR_SUCCESS) {
        return EM_EXIT_FAILED;
    }
    survive_pipes();
    widen_path(run.pool);
    run.res = em_result_make(run.pool);
    rv = em_cmd_parse(&run, argc, argv);
    if (rv == APR_SUCCESS) {
        run.log = make_log(&run.opts, run.pool);
        rv = open_needs(&run);
    }
    if (rv == APR_SUCCESS) {
        rv = run.cmd->run(&run);
    }
    settle(&run, rv);
    em_progress_done(run.log);
    code = render(&run);
    /* All cleanups run. The memory itself is the kernel's to take back, in
     * one go: apr_terminate() would unmap it 8 kB at a time. */
    apr_pool_destroy(run.pool);
    return code;
}
