#include "rehearse/stage.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/signals.h"
#include "rehearse/ns.h"
#include "rehearse/props.h"
#include "rehearse/wire.h"
#include "service/errlog.h"

#define MARGIN apr_time_from_sec(5)     /* beyond the inside's own deadline */

typedef struct run_t {
    const em_stage_how_t *how;
    em_stage_t *stage;
    apr_array_header_t *phases;
    em_log_t *log;
    apr_pool_t *pool;
    const char *phase;          /* that runs now */
    apr_time_t begun;
    int done;
} run_t;

const char *em_phase_name(em_phase_t phase)
{
    static const char *const names[] = {"prepare", "apply", "configtest",
                                        "start", "listen", "ask", "none"};

    return names[phase];
}

static const char *full_name(const run_t *run, const char *phase)
{
    return apr_pstrcat(run->pool, run->how->name, ": ", phase, NULL);
}

static void begin(run_t *run, const char *phase)
{
    run->phase = full_name(run, phase);
    run->begun = em_phase_begin(run->log, run->phase);
}

/* TOOK as the inside measured it: messages may arrive late; -1: not told. */
static void end(run_t *run, const char *result, apr_interval_time_t took)
{
    em_rehearsed_phase_t *phase = apr_pcalloc(run->pool, sizeof(*phase));

    if (!run->phase) {
        return;
    }
    phase->name = run->phase;
    phase->ms = (long)((took >= 0 ? took : apr_time_now() - run->begun)
                       / 1000);
    phase->result = apr_pstrdup(run->pool, result);
    APR_ARRAY_PUSH(run->phases, em_rehearsed_phase_t *) = phase;
    em_phase_end(run->log, run->phase, took >= 0 ? apr_time_now() - took
                 : run->begun, phase->result);
    run->phase = NULL;
}

/* -- messages ------------------------------------------------------------ */

static void on_unavailable(run_t *run, const em_json_t *m)
{
    const char *path = em_json_get_str(m, "path");

    run->stage->unavailable = apr_psprintf(
        run->pool, "This machine does not permit %s%s%s: %s.",
        em_json_get_str(m, "step"), path ? " at " : "", path ? path : "",
        em_json_get_str(m, "error"));
}

static void on_fault(run_t *run, const em_json_t *m)
{
    long long phase = em_json_get_int(m, "phase", EM_PHASE_PREPARE);
    const char *detail = em_json_get_str(m, "detail");

    run->stage->fault = phase >= 0 && phase < EM_PHASE_NONE
                        ? (em_phase_t)phase : EM_PHASE_PREPARE;
    run->stage->timed_out = em_json_get_bool(m, "timeout", 0);
    run->stage->fault_detail = detail ? detail : "";
}

static void on_answer(run_t *run, const em_json_t *m)
{
    long long i = em_json_get_int(m, "i", -1);
    em_answer_t *answer;

    if (i < 0 || i >= run->how->questions->questions->nelts) {
        return;
    }
    answer = &run->stage->answers[i];
    answer->status = (int)em_json_get_int(m, "status", 0);
    answer->php = (em_php_t)em_json_get_int(m, "php", EM_PHP_NONE);
    answer->why = em_json_get_str(m, "why");
}

static void on_log(run_t *run, const em_json_t *m)
{
    long long level = em_json_get_int(m, "level", EM_LOGLINE_WARN);
    apr_array_header_t *lines = level == EM_LOGLINE_FATAL
        ? run->stage->fatal : level == EM_LOGLINE_CRASH
        ? run->stage->crashes : run->stage->warnings;

    APR_ARRAY_PUSH(lines, const char *) = em_json_get_str(m, "line");
}

static void on_message(run_t *run, const em_json_t *m)
{
    const char *kind = em_json_get_str(m, "t");

    if (!kind) {
        return;
    }
    if (strcmp(kind, "unavailable") == 0) {
        on_unavailable(run, m);
    }
    else if (strcmp(kind, "begin") == 0) {
        end(run, "ok", -1);
        begin(run, em_json_get_str(m, "name"));
    }
    else if (strcmp(kind, "end") == 0) {
        end(run, em_json_get_str(m, "result"),
            em_json_get_int(m, "us", -1));
    }
    else if (strcmp(kind, "count") == 0 && run->phase) {
        em_phase_count(run->log, run->phase, (long)em_json_get_int(m, "done",
                                                                   0),
                       (long)em_json_get_int(m, "of", 0));
    }
    else if (strcmp(kind, "fault") == 0) {
        on_fault(run, m);
    }
    else if (strcmp(kind, "answer") == 0) {
        on_answer(run, m);
    }
    else if (strcmp(kind, "log") == 0) {
        on_log(run, m);
    }
    else if (strcmp(kind, "note") == 0) {
        APR_ARRAY_PUSH(run->stage->notes, const char *) =
            em_json_get_str(m, "text");
    }
    else if (strcmp(kind, "done") == 0) {
        run->done = 1;
    }
}

/* -- the whole ----------------------------------------------------------- */

/* Read until the inside has said everything, ended, or took too long. */
static apr_status_t listen_to(run_t *run, em_wire_t *wire)
{
    apr_time_t deadline = apr_time_now() + run->how->timeout + MARGIN;

    while (!run->done && !wire->closed) {
        struct pollfd pfd = {wire->fd, POLLIN, 0};
        em_json_t *message;

        if (em_signals_caught()) {
            return APR_EINTR;
        }
        if (apr_time_now() >= deadline) {
            run->stage->fault = EM_PHASE_ASK;
            run->stage->timed_out = 1;
            run->stage->fault_detail = "The rehearsal did not end in time.";
            return APR_SUCCESS;
        }
        (void)poll(&pfd, 1, 100);
        while ((message = em_wire_next(wire, run->pool)) != NULL) {
            on_message(run, message);
        }
    }
    if (!run->done && !run->stage->unavailable
        && run->stage->fault == EM_PHASE_NONE) {
        run->stage->fault = EM_PHASE_PREPARE;
        run->stage->fault_detail = "The rehearsal's own process ended.";
    }
    return APR_SUCCESS;
}

static em_stage_t *make_stage(const em_stage_how_t *how, apr_pool_t *p)
{
    em_stage_t *stage = apr_pcalloc(p, sizeof(*stage));
    int n = how->questions->questions->nelts;

    stage->fault = EM_PHASE_NONE;
    stage->fatal = apr_array_make(p, 4, sizeof(const char *));
    stage->crashes = apr_array_make(p, 4, sizeof(const char *));
    stage->warnings = apr_array_make(p, 4, sizeof(const char *));
    stage->notes = apr_array_make(p, 4, sizeof(const char *));
    stage->answers = apr_pcalloc(p, (apr_size_t)(n + 1)
                                    * sizeof(*stage->answers));
    for (int i = 0; i < n; i++) {
        stage->answers[i].status = -1;
    }
    return stage;
}

static apr_array_header_t *bound_addresses(const em_facts_t *facts,
                                           apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(const char *));

    for (int i = 0; facts->listens && i < facts->listens->nelts; i++) {
        const em_listen_t *listen = APR_ARRAY_IDX(facts->listens, i,
                                                  em_listen_t *);

        if (listen->address) {
            APR_ARRAY_PUSH(list, const char *) = listen->address;
        }
    }
    return list;
}

apr_status_t em_stage_hold(em_stage_t **pstage, em_stage_how_t *how,
                           apr_array_header_t *phases, apr_pool_t *p)
{
    run_t run = {.how = how, .stage = make_stage(how, p), .phases = phases,
                 .log = how->rehearse->log, .pool = p};
    em_ns_how_t ns_how = {
        .needed = em_props_needed(how->facts, how->conf, p),
        .allow_sockets = how->rehearse->allow_sockets,
        .addresses = bound_addresses(how->facts, p)};
    em_wire_t wire = {0};
    em_ns_t *ns;
    apr_status_t rv;

    how->begun = apr_time_now();
    begin(&run, em_phase_name(EM_PHASE_PREPARE));
    rv = em_ns_start(&ns, &ns_how, em_stage_inside, how, p);
    if (rv != APR_SUCCESS) {
        end(&run, "failed", -1);
        return rv;
    }
    wire.fd = em_ns_fd(ns);
    rv = listen_to(&run, &wire);
    em_ns_end(ns);
    end(&run, run.stage->unavailable ? "unavailable"
        : rv == APR_SUCCESS && run.stage->fault == EM_PHASE_NONE ? "ok"
        : "failed", -1);
    free(wire.data);
    if (rv == APR_SUCCESS) {
        *pstage = run.stage;
    }
    return rv;
}
