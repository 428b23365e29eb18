#ifndef EM_LOG_H
#define EM_LOG_H

/* What engines tell the outside while they work: phases and notes, through
 * one callback that main sets. Engines never print. */

#include <apr_time.h>

typedef enum { EM_LOG_DEBUG, EM_LOG_NOTE, EM_LOG_WARN } em_log_level_t;

typedef struct em_log_t em_log_t;
struct em_log_t {
    void *baton;
    /* A note for the person who watches. */
    void (*note)(em_log_t *log, em_log_level_t level, const char *text);
    /* A long step begins (DONE 0, RESULT NULL) or ends (DONE 1, with its
     * result word: "ok", "failed", "skipped" ... and how long it took). */
    void (*phase)(em_log_t *log, const char *name, int done,
                  const char *result, apr_interval_time_t took);
    /* COUNT of TOTAL of the running phase; TOTAL 0 = unknown. */
    void (*count)(em_log_t *log, const char *name, long count, long total);
};

/* All three accept a NULL log. */
void em_log(em_log_t *log, em_log_level_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
apr_time_t em_phase_begin(em_log_t *log, const char *name);
void em_phase_end(em_log_t *log, const char *name, apr_time_t begun,
                  const char *result);
void em_phase_count(em_log_t *log, const char *name, long count, long total);

#endif /* EM_LOG_H */
