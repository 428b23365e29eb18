#include "switch/way.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "base/scratch.h"
#include "base/signals.h"
#include "service/errlog.h"

typedef struct recover_t {
    const em_facts_how_t *facts_how;
    const em_switch_how_t *how;
    em_result_t *res;
    apr_pool_t *pool;
    em_switch_t *sw;
    em_view_t *view;
    em_txn_t *txn;
    const em_txn_info_t *info;
    apr_interval_time_t timeout;
} recover_t;

/* When this system was started; 0 when that cannot be read. */
static apr_time_t boot_time(void)
{
    long long seconds = 0;
    char line[256];
    FILE *f = fopen("/proc/stat", "re");

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "btime %lld", &seconds) == 1) {
            break;
        }
    }
    if (f) {
        fclose(f);
    }
    return apr_time_from_sec(seconds);
}

/* After a power loss the init system starts the server, or not, as it always
 * does; at boot, before the server, only the files are ours. */
static int server_is_ours(const recover_t *rec)
{
    return !rec->how->no_restart
           && strcmp(em_view_root(rec->view), "/") == 0
           && rec->info->service.was_running
           && rec->info->service.service.kind != EM_SERVICE_NONE
           && rec->info->begun > boot_time();
}

/* The facts as they are now, with the service as it was found when it ran:
 * a stopped server does not tell how it was started. */
static apr_status_t facts_now(em_facts_t **pfacts, const recover_t *rec)
{
    apr_status_t rv = em_facts_gather(pfacts, rec->facts_how, rec->res,
                                      rec->pool);

    if (rv == APR_SUCCESS && rec->info->service.was_running) {
        (*pfacts)->service = rec->info->service.service;
    }
    return rv;
}

/* The change is whole and the server runs well under the new MPM: finishing
 * it costs nothing, undoing it would be one more outage. */
static int is_done(const recover_t *rec, const em_facts_t *facts)
{
    em_verify_t what = {.mpm = rec->info->to,
                        .timeout = apr_time_from_sec(5)};

    what.log_from = em_errlog_size(facts, rec->pool);
    return rec->info->state == EM_TXN_APPLIED && rec->info->to
           && facts->running.pid && facts->running.mpm
           && strcmp(facts->running.mpm, rec->info->to) == 0
           && em_verify(facts, &what, em_result_make(rec->pool), rec->pool)
              == APR_SUCCESS;
}

static int runs_new(const recover_t *rec, const em_facts_t *facts)
{
    return facts->running.pid && facts->running.mpm && rec->info->to
           && strcmp(facts->running.mpm, rec->info->to) == 0
           && !(rec->info->from
                && strcmp(rec->info->from, rec->info->to) == 0);
}

/* Those that share the files run what these say. */
static apr_status_t others_follow(recover_t *rec, const em_facts_t *facts,
                                  em_result_t *res)
{
    em_others_t *others;
    apr_status_t rv = em_others_take(&others, facts,
                                     rec->info->plan->restart_units,
                                     rec->timeout, rec->how->log, res,
                                     rec->pool);

    return rv == APR_SUCCESS ? em_others_follow(others, 1, res) : rv;
}

/* The server that ran when the change began runs again. */
static apr_status_t bring_back(recover_t *rec)
{
    em_running_t now;
    em_facts_t *facts;
    apr_status_t rv = facts_now(&facts, rec);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    (void)em_service_look(&now, facts, rec->pool);
    if (!now.pid) {
        rv = em_way_bring_up(facts, rec->timeout, rec->how->log, rec->res,
                             rec->pool);
    }
    if (rv == APR_SUCCESS) {
        rec->sw->verified = "running";
        rv = others_follow(rec, facts, rec->res);
    }
    return rv;
}

/* A server that was started on files that will not be there any more, or are
 * not: packages take their time, and any server is better than none. */
static void stop_new(recover_t *rec, em_facts_t *facts, int undone)
{
    int packages = em_way_packages(rec->info->plan);

    if (packages != undone) {
        return;
    }
    if (undone && facts_now(&facts, rec) != APR_SUCCESS) {
        facts = NULL;
    }
    if (facts && runs_new(rec, facts)) {
        (void)em_service_stop(facts, rec->timeout, rec->res, rec->pool);
    }
    em_result_clear(rec->res);
}

static apr_status_t undo(recover_t *rec, em_facts_t *facts)
{
    em_log_t *log = rec->how->log;
    int ours = server_is_ours(rec);
    apr_time_t begun;
    apr_status_t rv;

    if (ours) {
        stop_new(rec, facts, 0);
    }
    begun = em_phase_begin(log, "undo");
    rv = em_txn_undo(rec->txn, log, rec->res);
    em_phase_end(log, "undo", begun, rv == APR_SUCCESS ? "ok" : "failed");
    if (rv != APR_SUCCESS) {
        if (rec->res->exit_code != EM_EXIT_BUSY) {
            rec->res->exit_code = EM_EXIT_ATTENTION;
        }
        return rv;
    }
    rec->sw->rolled_back = 1;
    rec->sw->changed = 1;
    if (ours) {
        stop_new(rec, facts, 1);
    }
    rv = ours ? bring_back(rec) : APR_SUCCESS;
    if (rv != APR_SUCCESS) {
        rec->res->exit_code = EM_EXIT_ATTENTION;
        rec->res->detail = apr_pstrcat(rec->res->pool, "Every file is as it "
                                       "was, but the server does not come "
                                       "up: ", rec->res->detail, NULL);
    }
    return rv;
}

static apr_status_t finish_or_undo(recover_t *rec)
{
    em_facts_t *facts = NULL;
    apr_status_t rv;

    rec->info = em_txn_info(rec->txn);
    rec->sw->id = rec->info->id;
    rec->sw->from = rec->info->from;
    rec->sw->to = rec->info->to;
    rec->sw->plan = rec->info->plan;
    /* No facts, no look at the server: the files come first anyway. */
    if (facts_now(&facts, rec) != APR_SUCCESS) {
        em_result_clear(rec->res);
        facts = NULL;
    }
    if (facts && server_is_ours(rec) && is_done(rec, facts)
        && others_follow(rec, facts, em_result_make(rec->pool))
           == APR_SUCCESS) {
        rv = em_txn_commit(rec->txn, rec->res);
        if (rv == APR_SUCCESS) {
            rec->sw->changed = 1;
            rec->sw->verified = "running";
        }
        return rv;
    }
    return undo(rec, facts);
}

apr_status_t em_recover_run(em_switch_t **pswitch, const em_facts_how_t *how,
                            const em_switch_how_t *how_switch,
                            em_result_t *res, apr_pool_t *p)
{
    recover_t rec = {.facts_how = how, .how = how_switch, .res = res,
                     .pool = p};
    em_lock_t *lock;
    apr_status_t rv;

    rec.sw = apr_pcalloc(p, sizeof(*rec.sw));
    rec.sw->outage_ms = -1;
    rec.sw->verified = "no";
    rec.sw->rehearsal_result = EM_REHEARSAL_SKIPPED;
    rec.timeout = how_switch->timeout ? how_switch->timeout
                                      : apr_time_from_sec(60);
    *pswitch = rec.sw;
    rv = em_view_open(&rec.view, how->root ? how->root : "/", p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "root-unreadable",
                              "%s: ", how->root ? how->root : "/");
    }
    em_signals_catch();         /* noted, not obeyed: this must end */
    rv = em_lock_take(&lock, rec.view, "recover", res, p);
    if (rv == APR_SUCCESS) {
        em_scratch_sweep(p);
        rv = em_txn_open(&rec.txn, rec.view, res, p);
    }
    if (rv == APR_SUCCESS && rec.txn) {
        rv = finish_or_undo(&rec);
    }
    else if (rv == APR_SUCCESS) {
        em_txn_tidy(rec.view, p);
    }
    em_signals_release();
    return rv;
}
