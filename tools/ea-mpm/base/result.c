#include "base/result.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

em_result_t *em_result_make(apr_pool_t *p)
{
    em_result_t *res = apr_pcalloc(p, sizeof(*res));

    res->pool = p;
    return res;
}

void em_result_activity(em_result_t *res, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    res->activity = apr_pvsprintf(res->pool, fmt, ap);
    va_end(ap);
}

/* "cannot open x: " wants the system's reason behind it. */
static int wants_reason(const char *detail)
{
    apr_size_t len = strlen(detail);

    return len >= 2 && strcmp(detail + len - 2, ": ") == 0;
}

apr_status_t em_result_fail(em_result_t *res, apr_status_t rv,
                            em_exit_t code, const char *problem,
                            const char *fmt, ...)
{
    char reason[160];
    va_list ap;

    if (res->problem) {
        return rv;
    }
    res->status = rv;
    res->exit_code = code;
    res->problem = apr_pstrdup(res->pool, problem);
    va_start(ap, fmt);
    res->detail = apr_pvsprintf(res->pool, fmt, ap);
    va_end(ap);
    if (wants_reason(res->detail)) {
        apr_strerror(rv, reason, sizeof(reason));
        res->detail = apr_pstrcat(res->pool, res->detail, reason, NULL);
    }
    return rv;
}

void em_result_hint(em_result_t *res, const char *fmt, ...)
{
    va_list ap;

    if (res->hint) {
        return;
    }
    va_start(ap, fmt);
    res->hint = apr_pvsprintf(res->pool, fmt, ap);
    va_end(ap);
}

void em_result_clear(em_result_t *res)
{
    res->status = APR_SUCCESS;
    res->exit_code = EM_EXIT_OK;
    res->problem = res->detail = res->activity = res->hint = NULL;
}
