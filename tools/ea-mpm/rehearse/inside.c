#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "base/exec.h"
#include "change/change.h"
#include "host/running.h"
#include "rehearse/props.h"
#include "rehearse/stage.h"
#include "rehearse/wire.h"
#include "service/errlog.h"
#include "service/proc.h"
#include "service/run.h"

#define OWN_ERROR_LOG "/dev/shm/ea-mpm-error.log"
#define STEP 5000               /* microseconds between two looks */
#define LOG_LINES 20
#define PID_PATIENCE apr_time_from_sec(5)
#define CRASHES 3               /* of children, without a single answer */

typedef struct inside_t {
    const em_stage_how_t *how;
    em_facts_t facts;           /* as they are in here */
    int fd;
    apr_time_t deadline;
    apr_pool_t *pool;
    apr_off_t log_from;
    em_exec_t *foreground;      /* a server that does not detach */
    char *writable;             /* of each question: its file is there */
    int fpm_missing;
    long asked, answered;
    apr_time_t look_again;      /* at the log, while nobody answers */
} inside_t;

static apr_interval_time_t time_left(const inside_t *in)
{
    apr_time_t left = in->deadline - apr_time_now();

    return left > 1000 ? left : 1000;
}

static void say_begin(inside_t *in, em_phase_t phase)
{
    em_json_t *message = em_wire_message("begin", in->pool);

    em_json_set_str(message, "name", em_phase_name(phase));
    em_wire_send(in->fd, message, in->pool);
}

static void say_end(inside_t *in, em_phase_t phase, int ok, apr_time_t begun)
{
    em_json_t *message = em_wire_message("end", in->pool);

    em_json_set_str(message, "name", em_phase_name(phase));
    em_json_set_int(message, "us", apr_time_now() - begun);
    em_json_set_str(message, "result", ok ? "ok" : "failed");
    em_wire_send(in->fd, message, in->pool);
}

static void say_note(inside_t *in, const char *text)
{
    em_json_t *message = em_wire_message("note", in->pool);

    em_wire_send(in->fd, em_json_set_str(message, "text", text), in->pool);
}

static int fault(inside_t *in, em_phase_t phase, int timed_out,
                 const char *detail)
{
    em_json_t *message = em_wire_message("fault", in->pool);
    const char *log = em_errlog_quote(&in->facts, in->log_from, in->pool);

    em_json_set_int(message, "phase", phase);
    em_json_set_bool(message, "timeout", timed_out);
    em_json_set_str(message, "detail", *log
                    ? apr_pstrcat(in->pool, detail, *detail ? "\n" : "",
                                  "Error log:\n", log, NULL) : detail);
    em_wire_send(in->fd, message, in->pool);
    return 0;
}

/* -- phases; each returns 1 to go on ------------------------------------- */

static int prepare(inside_t *in)
{
    const em_httpd_t *httpd = &in->how->facts->httpd;
    em_view_t *view;

    in->facts = *in->how->facts;
    if (em_view_open(&view, "/", in->pool) != APR_SUCCESS) {
        return fault(in, EM_PHASE_PREPARE, 0, "The root cannot be opened.");
    }
    in->facts.view = view;
    memset(&in->facts.running, 0, sizeof(in->facts.running));
    in->facts.service.kind = EM_SERVICE_NONE;
    /* The live server's pid means nothing in here, or another process. */
    if (httpd->pid_file) {
        (void)unlink(httpd->pid_file);
    }
    if (!httpd->error_log) {    /* syslog or a pipe: we want to read it */
        in->facts.httpd.error_log = OWN_ERROR_LOG;
    }
    em_props_empty_logs(&in->facts, in->how->conf, in->pool);
    in->writable = em_props_probe_files(in->how->questions, in->pool);
    return 1;
}

static int apply(inside_t *in)
{
    em_result_t *res = em_result_make(in->pool);

    if (!in->how->plan
        || em_steps_apply_raw(in->how->plan, in->facts.view, res, in->pool)
           == APR_SUCCESS) {
        return 1;
    }
    return fault(in, EM_PHASE_APPLY, 0, res->detail ? res->detail
                 : "The plan cannot be applied.");
}

static int configtest(inside_t *in)
{
    const char *output = "";
    int ok = 0;
    apr_status_t rv = em_httpd_test(&ok, &output, &in->facts,
                                    em_httpd_start_argv, time_left(in),
                                    in->pool);

    if (rv != APR_SUCCESS) {
        char text[200];

        return fault(in, EM_PHASE_CONFIGTEST, 0,
                     apr_psprintf(in->pool, "%s cannot be run: %s",
                                  in->facts.httpd.binary,
                                  apr_strerror(rv, text, sizeof(text))));
    }
    in->log_from = em_errlog_size(&in->facts, in->pool);
    return ok ? 1 : fault(in, EM_PHASE_CONFIGTEST, 0, output);
}

static void start_fpm(inside_t *in)
{
    const apr_array_header_t *backends = in->how->php->backends;

    if (!backends->nelts) {
        return;
    }
    (void)em_fpm_start(&in->fpm_missing, backends,
                       apr_time_from_sec(10) < time_left(in)
                       ? apr_time_from_sec(10) : time_left(in), in->pool);
    if (in->fpm_missing) {
        say_note(in, apr_psprintf(in->pool, "%d of %d PHP back ends could "
                                  "not be started inside; virtual hosts "
                                  "that use them are not probed for PHP.",
                                  in->fpm_missing, backends->nelts));
    }
}

/* apache2ctl makes the run and lock directories before each start, which on
 * a server that was not started since boot are not there. */
static void make_run_dirs(const inside_t *in)
{
    static const char *const names[] = {"APACHE_RUN_DIR=", "APACHE_LOCK_DIR=",
                                        NULL};
    const char *const *env;
    int i;

    for (env = in->facts.httpd.env; env && *env; env++) {
        for (i = 0; names[i]; i++) {
            apr_size_t len = strlen(names[i]);

            if (strncmp(*env, names[i], len) == 0 && (*env)[len] == '/') {
                (void)apr_dir_make_recursive(*env + len, APR_OS_DEFAULT,
                                             in->pool);
            }
        }
    }
}

static int start(inside_t *in)
{
    static const char *const k_start[] = {"-k", "start", NULL};
    static const char *const with_log[] = {
        "-c", "ErrorLog \"" OWN_ERROR_LOG "\"", "-k", "start", NULL};
    const char *const *more = in->how->facts->httpd.error_log ? k_start
                                                              : with_log;
    em_exec_how_t how = {.env = in->facts.httpd.env,
                         .timeout = time_left(in)};
    em_exec_out_t *out;
    apr_status_t rv;

    make_run_dirs(in);
    if (em_httpd_foreground(&in->facts)) {
        const char *const log[] = {with_log[0], with_log[1], NULL};

        rv = em_exec_start(&in->foreground,
                           em_httpd_start_argv(&in->facts, more == k_start
                                               ? NULL : log, in->pool),
                           &how, in->pool);
        return rv == APR_SUCCESS ? 1 : fault(in, EM_PHASE_START, 0,
                                             "httpd cannot be run.");
    }
    rv = em_exec(&out, em_httpd_start_argv(&in->facts, more, in->pool), &how,
                 in->pool);
    if (rv != APR_SUCCESS) {
        return fault(in, EM_PHASE_START, 0, "httpd cannot be run.");
    }
    if (out->timed_out) {
        return fault(in, EM_PHASE_START, 1,
                     "The start did not end in time.");
    }
    if (out->signal) {
        return fault(in, EM_PHASE_START, 0,
                     apr_psprintf(in->pool, "httpd was ended by signal %d "
                                  "(%s).", out->signal,
                                  strsignal(out->signal)));
    }
    return out->exit_code == 0 ? 1
           : fault(in, EM_PHASE_START, 0, apr_pstrcat(in->pool, out->err,
                                                      out->out, NULL));
}

/* The pid in the pid file; 0: none there yet. */
static int main_pid(const inside_t *in, apr_pool_t *p)
{
    em_node_t *node;

    return in->facts.httpd.pid_file
           && em_view_read(&node, in->facts.view, in->facts.httpd.pid_file,
                           4096, p) == APR_SUCCESS ? atoi(node->data) : 0;
}

/* Is there no server any more, or will none come? */
static int is_lost(const inside_t *in, apr_time_t since, apr_pool_t *p)
{
    int pid = main_pid(in, p);
    em_proc_t *proc;

    if (pid > 0) {
        return em_proc_open(&proc, pid, p) != APR_SUCCESS;
    }
    return apr_time_now() - since > apr_time_from_msec(300)
           && em_errlog_since(&in->facts, in->log_from, EM_LOGLINE_FATAL, 1,
                              p)->nelts > 0;
}

static int await_listen(inside_t *in)
{
    apr_array_header_t *addrs = em_addr_listens(&in->facts, in->pool);
    apr_time_t since = apr_time_now();
    apr_pool_t *turn;

    apr_pool_create(&turn, in->pool);
    for (int i = 0; i < addrs->nelts; i++) {
        const em_addr_t *addr = APR_ARRAY_IDX(addrs, i, em_addr_t *);

        while (!em_addr_accepts(addr, apr_time_from_sec(1))) {
            apr_pool_clear(turn);
            if (is_lost(in, since, turn)) {
                return fault(in, EM_PHASE_LISTEN, 0,
                             "The server ended right after its start.");
            }
            if (apr_time_now() >= in->deadline) {
                return fault(in, EM_PHASE_LISTEN, 1,
                             apr_psprintf(in->pool, "Nobody accepts "
                                          "connections on %s.",
                                          addr->text));
            }
            apr_sleep(STEP);
        }
    }
    apr_pool_destroy(turn);
    return 1;
}

/* The ports are open before the pid file is written. 0: none was. */
static int await_pid(inside_t *in)
{
    apr_time_t until = apr_time_now() + PID_PATIENCE;
    int pid = main_pid(in, in->pool);

    while (!pid && in->facts.httpd.pid_file && apr_time_now() < until
           && apr_time_now() < in->deadline) {
        apr_sleep(STEP);
        pid = main_pid(in, in->pool);
    }
    return pid;
}

static int right_mpm(inside_t *in)
{
    const char *to = in->how->plan ? in->how->plan->to : NULL;
    int pid = to ? await_pid(in) : 0;
    em_running_t now = {0};

    if (!pid) {
        return 1;
    }
    em_running_mpm(&now, pid, in->facts.httpd.static_mpm, in->pool);
    if (!now.mpm || strcmp(now.mpm, to) == 0) {
        return 1;
    }
    return fault(in, EM_PHASE_LISTEN, 0,
                 apr_psprintf(in->pool, "The server came up under %s instead "
                              "of %s (%s).", now.mpm, to, now.evidence));
}

/* -- asking -------------------------------------------------------------- */

static void say_answer(void *baton, em_ask_t *ask)
{
    inside_t *in = baton;
    int i = (int)(intptr_t)ask->baton;
    const em_question_t *question =
        APR_ARRAY_IDX(in->how->questions->questions, i, em_question_t *);
    em_json_t *message = em_wire_message("answer", in->pool);
    em_php_t php = EM_PHP_NONE;

    in->answered += ask->status != 0;
    if (question->kind == EM_ASK_PHP) {
        php = em_php_judge(in->how->questions->token, ask->status, ask->body,
                           ask->body_len);
        if (php == EM_PHP_FAILED && in->fpm_missing) {
            php = EM_PHP_NOT_PROBED;
        }
    }
    em_json_set_int(message, "i", i);
    em_json_set_int(message, "status", ask->status);
    em_json_set_int(message, "php", php);
    em_json_set_str(message, "why", ask->status ? NULL : ask->why);
    em_wire_send(in->fd, message, in->pool);
    if (++in->asked % 100 == 0) {
        message = em_wire_message("count", in->pool);
        em_json_set_int(message, "done", in->asked);
        em_wire_send(in->fd, em_json_set_int(message, "of",
                         in->how->questions->questions->nelts), in->pool);
    }
}

/* Children that crash as they start never answer; waiting for each question's
 * own deadline would take long. */
static int only_crashes(void *baton)
{
    inside_t *in = baton;
    apr_time_t now = apr_time_now();
    apr_pool_t *p;
    int n;

    if (in->answered || now < in->look_again) {
        return 0;
    }
    in->look_again = now + apr_time_from_msec(200);
    apr_pool_create(&p, in->pool);
    n = em_errlog_since(&in->facts, in->log_from, EM_LOGLINE_CRASH,
                        LOG_LINES, p)->nelts;
    apr_pool_destroy(p);
    return n >= CRASHES;
}

static void ask_all(inside_t *in)
{
    const em_questions_t *questions = in->how->questions;
    apr_array_header_t *asks = apr_array_make(in->pool, 64,
                                              sizeof(em_ask_t *));
    em_http_how_t how = {.at_once = 8, .each = apr_time_from_sec(10),
                         .total = time_left(in), .done = say_answer,
                         .hopeless = only_crashes, .baton = in};

    for (int i = 0; i < questions->questions->nelts; i++) {
        const em_question_t *question =
            APR_ARRAY_IDX(questions->questions, i, em_question_t *);
        const em_asked_vhost_t *vhost =
            APR_ARRAY_IDX(questions->vhosts, question->vhost,
                          em_asked_vhost_t *);
        em_ask_t *ask;

        if (question->file && !in->writable[i]) {
            continue;
        }
        ask = apr_pcalloc(in->pool, sizeof(*ask));
        ask->addr = vhost->addr;
        ask->tls = vhost->vhost->tls;
        ask->host = vhost->vhost->name;
        ask->method = "GET";
        ask->path = question->path;
        ask->baton = (void *)(intptr_t)i;
        APR_ARRAY_PUSH(asks, em_ask_t *) = ask;
    }
    em_http_ask(asks, &how, in->pool);
}

static void say_log(inside_t *in)
{
    apr_array_header_t *lines = em_errlog_since(&in->facts, in->log_from,
                                                EM_LOGLINE_WARN, LOG_LINES,
                                                in->pool);

    for (int i = 0; i < lines->nelts; i++) {
        const char *line = APR_ARRAY_IDX(lines, i, const char *);
        em_json_t *message = em_wire_message("log", in->pool);

        em_json_set_int(message, "level", em_errlog_judge(line,
                                                          strlen(line)));
        em_wire_send(in->fd, em_json_set_str(message, "line", line),
                     in->pool);
    }
}

static int in_phase(inside_t *in, em_phase_t phase, int (*work)(inside_t *))
{
    apr_time_t begun = apr_time_now();
    int ok;

    say_begin(in, phase);
    ok = work(in);
    say_end(in, phase, ok, begun);
    return ok;
}

static int start_all(inside_t *in)
{
    start_fpm(in);
    return start(in);
}

static int listen_all(inside_t *in)
{
    return await_listen(in) && right_mpm(in);
}

static int ask_phase(inside_t *in)
{
    ask_all(in);
    say_log(in);
    return 1;
}

void em_stage_inside(void *baton, int fd)
{
    inside_t *in;
    apr_pool_t *p;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return;
    }
    in = apr_pcalloc(p, sizeof(*in));
    in->how = baton;
    in->fd = fd;
    in->pool = p;
    in->deadline = apr_time_now() + in->how->timeout;
    if (prepare(in)) {
        say_end(in, EM_PHASE_PREPARE, 1, in->how->begun);
        if (in_phase(in, EM_PHASE_APPLY, apply)
            && in_phase(in, EM_PHASE_CONFIGTEST, configtest)
            && in_phase(in, EM_PHASE_START, start_all)
            && in_phase(in, EM_PHASE_LISTEN, listen_all)) {
            (void)in_phase(in, EM_PHASE_ASK, ask_phase);
        }
    }
    em_wire_send(fd, em_wire_message("done", p), p);
}
