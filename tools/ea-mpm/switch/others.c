#include "switch/others.h"

#include <string.h>

#include <apr_strings.h>

#include "service/errlog.h"

#define ANSWERS_TIMEOUT apr_time_from_sec(5)

/* "shop" of "apache2@shop.service", or NULL. */
static const char *instance_of(const char *unit, apr_pool_t *p)
{
    const char *at = strchr(unit, '@');
    const char *end = at ? strstr(at, ".service") : NULL;

    return end ? apr_pstrmemdup(p, at + 1, (apr_size_t)(end - at) - 1) : NULL;
}

/* The configuration that the unit's running server was started with. */
static const char *conf_of(const em_facts_t *facts, const char *unit)
{
    for (int i = 0; facts->others && i < facts->others->nelts; i++) {
        const em_other_t *other = APR_ARRAY_IDX(facts->others, i,
                                                em_other_t *);

        if (other->unit && strcmp(other->unit, unit) == 0) {
            return other->config_file;
        }
    }
    return NULL;
}

/* The facts of the server that UNIT runs, as they are now. */
static apr_status_t look(em_facts_t **pfacts, const em_others_t *others,
                         const char *unit, em_result_t *res)
{
    em_facts_how_t how = {.root = "/", .log = others->log};
    em_result_t *why = em_result_make(res->pool);
    apr_status_t rv = APR_EGENERAL;

    how.httpd = others->facts->how.httpd;
    how.timeout = others->facts->how.timeout;
    how.instance = instance_of(unit, others->pool);
    if (!how.instance) {
        how.conf = conf_of(others->facts, unit);
    }
    if (how.instance || how.conf) {
        rv = em_facts_gather(pfacts, &how, why, others->pool);
    }
    if (rv != APR_SUCCESS) {
        em_result_hint(res, "systemctl restart %s", unit);
        return em_result_fail(res, rv, EM_EXIT_FAILED, "other-unclear",
                              "%s shares the files of this server, but "
                              "cannot be looked at: %s", unit,
                              why->detail ? why->detail
                              : "its configuration is not known.");
    }
    (*pfacts)->service.kind = EM_SERVICE_SYSTEMD;
    (*pfacts)->service.unit = unit;
    return APR_SUCCESS;
}

apr_status_t em_others_take(em_others_t **pothers, const em_facts_t *facts,
                            const apr_array_header_t *units,
                            apr_interval_time_t timeout, em_log_t *log,
                            em_result_t *res, apr_pool_t *p)
{
    em_others_t *others = apr_pcalloc(p, sizeof(*others));
    int n = units ? units->nelts : 0;

    others->facts = facts;
    others->units = units ? units : apr_array_make(p, 1,
                                                   sizeof(const char *));
    others->before = apr_array_make(p, n + 1, sizeof(em_answers_t *));
    others->timeout = timeout;
    others->log = log;
    others->pool = p;
    for (int i = 0; i < n; i++) {
        em_answers_t *answers = NULL;
        em_facts_t *its;
        apr_status_t rv = look(&its, others,
                               APR_ARRAY_IDX(units, i, const char *), res);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        (void)em_answers_take(&answers, its, ANSWERS_TIMEOUT, p);
        APR_ARRAY_PUSH(others->before, em_answers_t *) = answers;
    }
    *pothers = others;
    return APR_SUCCESS;
}

static apr_status_t restart(const em_others_t *others,
                            const em_facts_t *facts,
                            const em_answers_t *before, em_result_t *res)
{
    em_verify_t what = {.mpm = facts->configured,
                        .old_pid = facts->running.pid, .before = before,
                        .timeout = others->timeout};
    apr_status_t rv = em_service_stop(facts, others->timeout, res,
                                      others->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    what.log_from = em_errlog_size(facts, others->pool);
    rv = em_service_start(facts, others->timeout, res, others->pool);
    return rv == APR_SUCCESS ? em_verify(facts, &what, res, others->pool)
                             : rv;
}

/* One of them. Its failure bears the name of the unit. */
static apr_status_t follow(const em_others_t *others, const char *unit,
                           const em_answers_t *before, int stopped,
                           em_result_t *res)
{
    em_facts_t *facts;
    apr_status_t rv = look(&facts, others, unit, res);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!facts->configured) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                              "other-unclear", "%s shares these files, and "
                              "its configuration (%s) loads no single MPM "
                              "with them.", unit, facts->httpd.config_file);
    }
    if (facts->running.pid ? !facts->pending : !stopped) {
        return APR_SUCCESS;
    }
    rv = restart(others, facts, before, res);
    if (rv != APR_SUCCESS) {
        res->detail = apr_psprintf(res->pool, "%s, which shares these files: "
                                   "%s", unit, res->detail ? res->detail
                                   : "it did not restart.");
    }
    return rv;
}

apr_status_t em_others_follow(const em_others_t *others, int stopped,
                              em_result_t *res)
{
    apr_status_t first = APR_SUCCESS;
    apr_time_t begun;

    if (others->units->nelts == 0) {
        return APR_SUCCESS;
    }
    begun = em_phase_begin(others->log, "restarting what shares the files");
    for (int i = 0; i < others->units->nelts; i++) {
        const em_answers_t *before = i < others->before->nelts
            ? APR_ARRAY_IDX(others->before, i, em_answers_t *) : NULL;
        em_result_t *one = em_result_make(res->pool);
        apr_status_t rv;

        em_result_activity(one, "restarting a server that shares the files");
        rv = follow(others, APR_ARRAY_IDX(others->units, i, const char *),
                    before, stopped, one);
        if (rv != APR_SUCCESS && first == APR_SUCCESS) {
            first = rv;
            *res = *one;
        }
    }
    em_phase_end(others->log, "restarting what shares the files", begun,
                 first == APR_SUCCESS ? "ok" : "failed");
    return first;
}

const char *em_others_by_hand(const apr_array_header_t *units, apr_pool_t *p)
{
    return apr_pstrcat(p, "systemctl restart ",
                       apr_array_pstrcat(p, units, ' '), NULL);
}
