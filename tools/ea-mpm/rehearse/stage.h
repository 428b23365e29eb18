#ifndef EM_STAGE_H
#define EM_STAGE_H

/* One performance: the server started inside under one configuration, and
 * what came of it. */

#include "rehearse/ask.h"
#include "rehearse/php.h"

/* In their order: an earlier fault than the other configuration's is a fault
 * of this configuration. */
typedef enum {
    EM_PHASE_PREPARE,           /* the tree, the namespaces, the probe files */
    EM_PHASE_APPLY,
    EM_PHASE_CONFIGTEST,
    EM_PHASE_START,
    EM_PHASE_LISTEN,
    EM_PHASE_ASK,
    EM_PHASE_NONE
} em_phase_t;

const char *em_phase_name(em_phase_t phase);

/* What it is given. */
typedef struct em_stage_how_t {
    const char *name;                   /* "current", or the target */
    const em_facts_t *facts;
    const em_plan_t *plan;              /* NULL: the current configuration */
    const em_conf_t *conf;              /* as it is with the plan */
    const em_php_map_t *php;
    const em_questions_t *questions;
    const em_rehearse_how_t *rehearse;
    apr_interval_time_t timeout;        /* of everything */
    apr_time_t begun;                   /* set by em_stage_hold() */
} em_stage_how_t;

typedef struct em_answer_t {
    int status;                 /* -1: not asked, 0: no answer */
    em_php_t php;
    const char *why;            /* of status 0 */
} em_answer_t;

/* What came of it. */
typedef struct em_stage_t {
    const char *unavailable;    /* a sentence, NULL: it was held */
    em_phase_t fault;           /* EM_PHASE_NONE: the server came up */
    int timed_out;
    const char *fault_detail;
    em_answer_t *answers;       /* one for each question */
    apr_array_header_t *fatal;  /* const char *: lines of the error log */
    apr_array_header_t *crashes;
    apr_array_header_t *warnings;
    apr_array_header_t *notes;  /* const char *: what could not be done */
} em_stage_t;

/* Hold it and wait for its end. Phases are reported to the log of the
 * rehearsal and appended to PHASES (em_rehearsed_phase_t *). APR_EINTR when
 * a signal asked to stop. Everything inside is gone when this returns. */
apr_status_t em_stage_hold(em_stage_t **pstage, em_stage_how_t *how,
                           apr_array_header_t *phases, apr_pool_t *p);

/* inside.c: what runs as pid 1 inside; BATON is an em_stage_how_t. */
void em_stage_inside(void *baton, int fd);

#endif /* EM_STAGE_H */
