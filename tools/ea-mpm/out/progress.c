#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <apr_strings.h>
#include <apr_time.h>
#include "base/json.h"
#include "out/fmt.h"
#include "out/progress.h"

typedef struct progress_t {
    em_progress_how_t how;
    apr_pool_t *pool;           /* cleared after every line */
    apr_time_t began;           /* of the run */
    apr_time_t phase_began;
    apr_time_t last_count;      /* when a count was shown last */
    int on_line;                /* an unfinished line is on the terminal */
} progress_t;

static void end_line(progress_t *pr)
{
    if (pr->on_line) {
        fputs("\r\033[K", pr->how.err);
        pr->on_line = 0;
    }
}

/* One JSON line, written whole or not at all. */
static void send_line(progress_t *pr, em_json_t *o)
{
    const char *text;
    apr_size_t len;

    em_json_set_int(o, "elapsed_ms",
                    (long long)apr_time_as_msec(apr_time_now() - pr->began));
    text = apr_pstrcat(pr->pool, em_json_text(o, 0, pr->pool), "\n", NULL);
    len = strlen(text);
    while (len > 0) {
        ssize_t n = write(pr->how.fd, text, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            pr->how.fd = -1;    /* the reader is gone; go on without */
            return;
        }
        text += n;
        len -= (apr_size_t)n;
    }
}

static em_json_t *event(progress_t *pr, const char *kind)
{
    return em_json_set_str(em_json_object(pr->pool), "event", kind);
}

static const char *level_name(em_log_level_t level)
{
    switch (level) {
    case EM_LOG_DEBUG:
        return "debug";
    case EM_LOG_NOTE:
        return "note";
    case EM_LOG_WARN:
        break;
    }
    return "warning";
}

static void note(em_log_t *log, em_log_level_t level, const char *text)
{
    progress_t *pr = log->baton;

    if (pr->how.fd >= 0) {
        em_json_t *o = event(pr, "note");

        em_json_set_str(o, "level", level_name(level));
        send_line(pr, em_json_set_str(o, "text", text));
    }
    if (pr->how.err && level != EM_LOG_DEBUG) {
        end_line(pr);
        em_fmt_item(pr->how.err, level == EM_LOG_WARN ? "warning:" : "note:",
                    level == EM_LOG_WARN ? 9 : 6, text);
    }
    apr_pool_clear(pr->pool);
}

static void show_begin(progress_t *pr, const char *name)
{
    if (pr->how.err && pr->how.terminal) {
        end_line(pr);
        fprintf(pr->how.err, "  %-34s ...", name);
        fflush(pr->how.err);
        pr->on_line = 1;
    }
}

static void show_end(progress_t *pr, const char *name, const char *result,
                     apr_interval_time_t took)
{
    if (pr->how.err && pr->how.terminal) {
        end_line(pr);
        fprintf(pr->how.err, "  %-34s %8s  %s\n", name,
                em_fmt_ms((long)apr_time_as_msec(took), pr->pool),
                em_fmt_or(result, ""));
    }
}

static void phase(em_log_t *log, const char *name, int done,
                  const char *result, apr_interval_time_t took)
{
    progress_t *pr = log->baton;

    if (pr->how.fd >= 0) {
        em_json_t *o = event(pr, "phase");

        em_json_set_str(o, "name", name);
        em_json_set_str(o, "state", done ? "end" : "begin");
        if (done) {
            em_json_set_str(o, "result", result);
            em_json_set_int(o, "ms", (long long)apr_time_as_msec(took));
        }
        send_line(pr, o);
    }
    if (done) {
        show_end(pr, name, result, took);
    }
    else {
        pr->phase_began = apr_time_now();
        show_begin(pr, name);
    }
    apr_pool_clear(pr->pool);
}

static void count(em_log_t *log, const char *name, long n, long total)
{
    progress_t *pr = log->baton;
    apr_time_t now = apr_time_now();

    /* Ten a second are enough, and the last one. */
    if (n != total && now - pr->last_count < apr_time_from_msec(100)) {
        return;
    }
    pr->last_count = now;
    if (pr->how.fd >= 0) {
        em_json_t *o = event(pr, "count");

        em_json_set_str(o, "name", name);
        em_json_set_int(o, "count", n);
        if (total > 0) {
            em_json_set_int(o, "total", total);
        }
        else {
            em_json_set_null(o, "total");
        }
        send_line(pr, o);
    }
    if (pr->how.err && pr->how.terminal) {
        end_line(pr);
        fprintf(pr->how.err, "  %-34s %8s  %ld%s", name,
                em_fmt_ms((long)apr_time_as_msec(now - pr->phase_began),
                          pr->pool), n,
                total > 0 ? apr_psprintf(pr->pool, " of %ld", total) : "");
        fflush(pr->how.err);
        pr->on_line = 1;
    }
    apr_pool_clear(pr->pool);
}

em_log_t *em_progress_make(const em_progress_how_t *how, apr_pool_t *p)
{
    em_log_t *log = apr_pcalloc(p, sizeof(*log));
    progress_t *pr = apr_pcalloc(p, sizeof(*pr));

    pr->how = *how;
    pr->began = pr->phase_began = apr_time_now();
    if (apr_pool_create(&pr->pool, p) != APR_SUCCESS) {
        return NULL;
    }
    log->baton = pr;
    log->note = note;
    log->phase = phase;
    log->count = count;
    return log;
}

void em_progress_done(em_log_t *log)
{
    if (log) {
        end_line(log->baton);
    }
}
