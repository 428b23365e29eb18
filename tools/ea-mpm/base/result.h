#ifndef EM_RESULT_H
#define EM_RESULT_H

/* The human side of a status: what was being done, what went wrong, what to
 * type next. A function that can fail for a reason that a user must act on
 * takes an em_result_t, sets the activity when it starts and the problem
 * where the cause is known. Callers add nothing. */

#include <apr_errno.h>
#include <apr_pools.h>

/* Exit codes, part of the interface (README.md). */
typedef enum {
    EM_EXIT_OK = 0,             /* done, or nothing to do */
    EM_EXIT_FAILED = 1,         /* failed, nothing was changed */
    EM_EXIT_USAGE = 2,
    EM_EXIT_REFUSED = 3,        /* a check refused, nothing was changed */
    EM_EXIT_ROLLED_BACK = 4,    /* failed, and the old state is back */
    EM_EXIT_ATTENTION = 5,      /* the way back failed too */
    EM_EXIT_BUSY = 6            /* somebody else holds the lock */
} em_exit_t;

typedef struct em_result_t {
    apr_pool_t *pool;           /* owns the strings below */
    apr_status_t status;        /* APR_SUCCESS until a problem is set */
    em_exit_t exit_code;
    const char *problem;        /* stable kebab-case id, NULL when ok */
    const char *detail;         /* one or more sentences, with file:line */
    const char *activity;       /* what is being done, for "while ..." */
    const char *hint;           /* the next command to type, or NULL */
} em_result_t;

em_result_t *em_result_make(apr_pool_t *p);

/* Say what is about to be done ("reading /etc/httpd/conf/httpd.conf"). */
void em_result_activity(em_result_t *res, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Record a problem; the first one stays (later ones are its echoes). RV must
 * not be APR_SUCCESS. Returns RV, so that callers can
 * `return em_result_fail(...)`. A detail that ends in ": " gets the text of
 * RV appended. */
apr_status_t em_result_fail(em_result_t *res, apr_status_t rv,
                            em_exit_t code, const char *problem,
                            const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The next command to type. The first one stays. */
void em_result_hint(em_result_t *res, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Forget the problem, when a caller has dealt with it. */
void em_result_clear(em_result_t *res);

#endif /* EM_RESULT_H */
