#ifndef EM_STEADY_H
#define EM_STEADY_H

/* Run a program that must come to its end whatever becomes of us: a package
 * manager in the middle of its transaction. It gets a session of its own, so
 * that no Ctrl-C and no lost terminal reaches it; it has no deadline; and its
 * output goes to a file without a name instead of a pipe, so that it does not
 * fail at its next line when we are killed. */

#include "base/exec.h"
#include "base/log.h"

/* Start argv[0] (looked up in PATH when it has no slash) and wait for its
 * end, signals or not. Both its outputs are in out->out; every line goes to
 * LOG (may be NULL) as it comes. ENV: whole environment, NULL: inherited.
 * Errors: why it could not be started (APR_ENOENT ...). */
apr_status_t em_steady(em_exec_out_t **pout, const char *const *argv,
                       const char *const *env, em_log_t *log, apr_pool_t *p);

#endif /* EM_STEADY_H */
