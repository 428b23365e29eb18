#ifndef EM_EXEC_H
#define EM_EXEC_H

/* Run a program: an argv (no shell), a deadline, captured output. The child
 * gets its own process group, /dev/null as stdin, no descriptor above 2, and
 * is killed with its whole group at the deadline. A daemon that the program
 * leaves behind lives on and is not waited for. */

#include <apr_pools.h>
#include <apr_time.h>
#include <apr_tables.h>
#include "base/log.h"

typedef struct em_exec_t em_exec_t;     /* a run in progress */

typedef struct em_exec_out_t {
    int exited;             /* 1: exit_code is valid; 0: signal or timeout */
    int exit_code;
    int signal;             /* the signal that ended it, or 0 */
    int timed_out;
    int truncated;          /* more than EM_EXEC_MAX of output */
    const char *out;        /* NUL-terminated, may hold more NULs inside */
    apr_size_t out_len;
    const char *err;
    apr_size_t err_len;
    apr_interval_time_t took;
} em_exec_out_t;

typedef struct em_exec_how_t {
    const char *root;               /* chroot here first; NULL or "/": none */
    const char *dir;                /* working directory, NULL: "/" */
    const char *const *env;         /* whole environment, NULL: inherited */
    apr_interval_time_t timeout;    /* microseconds, 0: 30 seconds */
    em_log_t *log;                  /* notes of its lines as they come; NULL:
                                     * none */
} em_exec_how_t;

#define EM_EXEC_MAX (64 * 1024 * 1024)

/* Start argv[0] (looked up in PATH when it has no slash). HOW may be NULL.
 * Errors: why it could not be started (APR_ENOENT ...). */
apr_status_t em_exec_start(em_exec_t **pexec, const char *const *argv,
                           const em_exec_how_t *how, apr_pool_t *p);
/* Wait for the end or the deadline. Always reaps. */
apr_status_t em_exec_wait(em_exec_out_t **pout, em_exec_t *exec);
/* Both in one. */
apr_status_t em_exec(em_exec_out_t **pout, const char *const *argv,
                     const em_exec_how_t *how, apr_pool_t *p);
/* A shell-quoted rendering of argv, for messages. */
const char *em_exec_quote(const char *const *argv, apr_pool_t *p);

#endif /* EM_EXEC_H */
