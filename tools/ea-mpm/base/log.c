#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void em_log(em_log_t *log, em_log_level_t level, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    if (!log || !log->note) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log->note(log, level, text);
}

apr_time_t em_phase_begin(em_log_t *log, const char *name)
{
    if (log && log->phase) {
        log->phase(log, name, 0, NULL, 0);
    }
    return apr_time_now();
}

void em_phase_end(em_log_t *log, const char *name, apr_time_t begun,
                  const char *result)
{
    if (log && log->phase) {
        log->phase(log, name, 1, result, apr_time_now() - begun);
    }
}

void em_phase_count(em_log_t *log, const char *name, long count, long total)
{
    if (log && log->count) {
        log->count(log, name, count, total);
    }
}
