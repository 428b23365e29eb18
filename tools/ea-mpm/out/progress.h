#ifndef EM_PROGRESS_H
#define EM_PROGRESS_H

/* What the person, or the program, in front sees while an engine works. */

#include <stdio.h>
#include <apr_pools.h>
#include "base/log.h"

typedef struct em_progress_how_t {
    FILE *err;          /* notes and phases for people, or NULL: none */
    int terminal;       /* it is one: phases are shown as they run */
    int colour;
    int fd;             /* JSON lines go here, -1: nowhere */
} em_progress_how_t;

/* A log that shows progress. It lives in P. */
em_log_t *em_progress_make(const em_progress_how_t *how, apr_pool_t *p);
/* Leave the line of a running phase, before anything else is printed. */
void em_progress_done(em_log_t *log);

#endif /* EM_PROGRESS_H */
