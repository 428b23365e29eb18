#ifndef EM_OTHERS_H
#define EM_OTHERS_H

/* Servers that read the same files as the one that is switched (instances:
 * apache2@NAME, httpd@NAME). Each is gathered, stopped, started and verified
 * like the server itself; one that kept the old MPM would end at its next
 * reload. */

#include "switch/switch.h"

typedef struct em_others_t {
    const em_facts_t *facts;    /* of the server that is switched */
    const apr_array_header_t *units;    /* const char *: theirs */
    apr_array_header_t *before; /* of each unit em_answers_t *, or NULL */
    apr_interval_time_t timeout;        /* of one stop or start */
    em_log_t *log;
    apr_pool_t *pool;
} em_others_t;

/* Look at each before anything changes. Fails where one cannot be looked at:
 * then nothing could be said of it afterwards either. */
apr_status_t em_others_take(em_others_t **pothers, const em_facts_t *facts,
                            const apr_array_header_t *units,
                            apr_interval_time_t timeout, em_log_t *log,
                            em_result_t *res, apr_pool_t *p);
/* Make each run what its files say now: those that run something else, and
 * with STOPPED those that do not run, are stopped, started and verified.
 * Goes on behind a failure; the first one is told. */
apr_status_t em_others_follow(const em_others_t *others, int stopped,
                              em_result_t *res);
/* "systemctl restart A B", for when they are left alone. */
const char *em_others_by_hand(const apr_array_header_t *units,
                              apr_pool_t *p);

#endif /* EM_OTHERS_H */
