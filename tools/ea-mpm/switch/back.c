#include "switch/way.h"

#include <string.h>

#include <apr_strings.h>

#include "service/errlog.h"
#include "service/proc.h"

/* The original reason stays the problem; what the way back did is added. */
static void conclude(em_way_t *way, em_exit_t code, const char *said)
{
    em_result_t *res = way->res;

    res->exit_code = code;
    res->detail = apr_pstrcat(res->pool, res->detail ? res->detail : "",
                              "\n", said, NULL);
}

/* The way back itself failed: say what the state is and what to type. */
static void needs_attention(em_way_t *way, const char *what,
                            const em_result_t *why)
{
    em_result_t *res = way->res;

    conclude(way, EM_EXIT_ATTENTION,
             apr_psprintf(res->pool, "%s %s", what,
                          why->detail ? why->detail : ""));
    res->hint = NULL;
    em_result_hint(res, "ea-mpm recover");
}

/* 1: the server that ran before still does, untouched. */
static int old_still_runs(em_way_t *way)
{
    em_running_t now;

    return em_service_look(&now, way->facts, way->pool) == APR_SUCCESS
           && now.pid == way->old_pid && now.pid != 0;
}

/* Start the server that ran before and see that it is well. A second try
 * does without the vhosts' answers: they may have changed by themselves, and
 * a server that runs is better than none. */
static apr_status_t start_old(em_way_t *way, em_result_t *why)
{
    return em_way_bring_up(way->facts, way->how->timeout, way->how->log, why,
                           way->pool);
}

static const char *now_runs(em_way_t *way)
{
    em_running_t now;

    (void)em_service_look(&now, way->facts, way->pool);
    return apr_psprintf(way->pool, "the server runs under %s as before "
                        "(process %d).", now.mpm ? now.mpm : "its MPM",
                        now.pid);
}

/* The new server must not hold the ports. That this fails is no reason not to
 * restore the files. */
static void stop_new(em_way_t *way)
{
    (void)em_service_stop(way->facts, way->how->timeout,
                          em_result_make(way->pool), way->pool);
}

/* Scripts of the packages that came back have started the old server. */
static int old_is_back(em_way_t *way)
{
    em_verify_t what = {.mpm = way->facts->configured,
                        .timeout = way->how->timeout};
    em_running_t now;

    what.log_from = em_errlog_size(way->facts, way->pool);
    return em_service_look(&now, way->facts, way->pool) == APR_SUCCESS
           && now.pid && now.mpm && what.mpm
           && strcmp(now.mpm, what.mpm) == 0
           && em_verify(way->facts, &what, em_result_make(way->pool),
                        way->pool) == APR_SUCCESS;
}

/* A server that serves, and be it the new one, is better than none while
 * packages come back, which takes its time. */
static apr_status_t restart_old(em_way_t *way, int packages, em_result_t *why)
{
    if (packages) {
        if (old_is_back(way)) {
            return APR_SUCCESS;
        }
        stop_new(way);
    }
    return start_old(way, why);
}

/* Those that share the files run what these say again, or WHY tells. */
static apr_status_t others_back(em_way_t *way, em_result_t *why)
{
    em_result_clear(why);
    return way->others && way->others_begun
           ? em_others_follow(way->others, 1, why) : APR_SUCCESS;
}

void em_way_back(em_way_t *way)
{
    em_result_t *why = em_result_make(way->pool);
    int live = way->old_pid != 0 && way->stopped;
    int untouched = way->old_pid != 0 && old_still_runs(way);
    int packages = way->txn && em_way_packages(way->plan);
    int busy = way->res->exit_code == EM_EXIT_BUSY;
    apr_time_t begun = em_phase_begin(way->how->log, "undo");

    if (live && !untouched && !packages) {
        stop_new(way);
    }
    if (way->txn && em_txn_undo(way->txn, way->how->log, why)
                    != APR_SUCCESS) {
        em_phase_end(way->how->log, "undo", begun, "failed");
        needs_attention(way, "Putting the files back failed too:", why);
        return;
    }
    em_phase_end(way->how->log, "undo", begun, "ok");
    way->sw->changed = 0;
    way->sw->rolled_back = way->txn != NULL && !busy;
    way->sw->verified = "no";
    untouched = way->old_pid != 0 && old_still_runs(way);
    if ((!live || untouched) && others_back(way, why) != APR_SUCCESS) {
        needs_attention(way, "Every file is as it was, but", why);
        return;
    }
    if (!live || untouched) {
        conclude(way, busy ? EM_EXIT_BUSY
                 : way->txn ? EM_EXIT_ROLLED_BACK : EM_EXIT_FAILED,
                 untouched ? "Every file is as it was, and the server was "
                 "not touched." : "Every file is as it was.");
        return;
    }
    if (restart_old(way, packages, why) != APR_SUCCESS) {
        (void)others_back(way, em_result_make(way->pool));
        needs_attention(way, way->txn ? "Every file is as it was, but the "
                        "old server does not come up:" : "The server does "
                        "not come up:", why);
        return;
    }
    way->sw->verified = "running";
    if (others_back(way, why) != APR_SUCCESS) {
        needs_attention(way, "Every file is as it was and the server runs "
                        "again, but", why);
        return;
    }
    conclude(way, EM_EXIT_ROLLED_BACK,
             apr_pstrcat(way->pool, "Every file is as it was, and ",
                         now_runs(way), NULL));
}
