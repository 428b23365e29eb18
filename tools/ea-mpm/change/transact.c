#include "change/change.h"

#include <string.h>

#include <apr_strings.h>

#include "change/part.h"
#include "change/profile.h"

#define BUSY_WAIT apr_time_from_sec(120)
#define BUSY_STEP apr_time_from_msec(200)

/* The package transaction of a change, there and back. */

/* ---- there ---- */

static apr_status_t not_as_planned(const em_txn_t *txn, em_result_t *res,
                                   const em_kept_t *kept, const char *what)
{
    return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                          "packages-not-as-planned",
                          "After the package transaction %s %s, which the "
                          "plan and its rehearsal did not expect",
                          em_view_outside(txn->view, kept->move.step->path,
                                          txn->pool), what);
}

/* Hooks of the package manager may write configuration; everything else is
 * as the packages have it, or was not rehearsed. */
static apr_status_t check_path(const em_txn_t *txn, const em_kept_t *kept,
                               em_log_t *log, em_result_t *res)
{
    const em_move_t *move = &kept->move;
    char sum[EM_SHA1_HEX] = "";
    em_image_t now;
    apr_status_t rv = em_move_now(&now, txn->store->root, move, txn->pool);

    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "read-failed", "look at", txn,
                                move->step->path);
    }
    if (now.node.kind != move->after.node.kind) {
        return not_as_planned(txn, res, kept,
                              now.node.kind == EM_NODE_ABSENT
                                  ? "is missing" : "is there");
    }
    if (now.node.kind == EM_NODE_FILE) {
        em_sha1(sum, now.node.data, now.node.len);
    }
    if (move->after_sha1 && strcmp(sum, move->after_sha1) != 0) {
        if (!kept->config) {
            return not_as_planned(txn, res, kept, "has other content");
        }
        em_log(log, EM_LOG_WARN, "%s was changed by a script of the package "
               "manager", move->step->path);
    }
    return APR_SUCCESS;
}

static apr_status_t check_paths(const em_txn_t *txn, em_log_t *log,
                                em_result_t *res)
{
    const apr_array_header_t *kept = txn->intent->packages->kept;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; rv == APR_SUCCESS && i < kept->nelts; i++) {
        const em_kept_t *one = APR_ARRAY_IDX(kept, i, em_kept_t *);

        if (one->expected) {
            rv = check_path(txn, one, log, res);
        }
    }
    return rv;
}

apr_status_t em_txn_transact(em_txn_t *txn, em_log_t *log, em_result_t *res)
{
    em_part_t *part = txn->intent->packages;
    em_txn_info_t *info = &txn->intent->info;
    apr_status_t rv;

    if (!part || txn->transacted) {
        return APR_SUCCESS;
    }
    em_result_activity(res, "exchanging packages");
    if (info->state != EM_TXN_PREPARED) {
        return em_result_fail(res, APR_EINVAL, EM_EXIT_FAILED,
                              "journal-state", "the change %s is %s already",
                              info->id, em_txn_state_name(info->state));
    }
    if (em_transaction_state(part->step->packages, txn->view, txn->pool)
        != 0) {
        return em_result_fail(res, APR_EBUSY, EM_EXIT_FAILED,
                              "changed-since-plan",
                              "The installed packages are not as they were "
                              "when the plan was made; look at them and try "
                              "again");
    }
    em_profile_current(txn, log);
    rv = em_journal_set_state(txn->store, info->id, EM_TXN_APPLYING, res,
                              txn->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    info->state = EM_TXN_APPLYING;
    rv = em_transaction_run(part->step->packages, txn->view, log, res,
                            txn->pool);
    txn->untouched = rv != APR_SUCCESS && res->exit_code == EM_EXIT_BUSY;
    if (rv == APR_SUCCESS) {
        rv = check_paths(txn, log, res);
    }
    txn->transacted = rv == APR_SUCCESS;
    return rv;
}

/* ---- back ---- */

/* A package manager that outlived a killed run of ours still works on what
 * is to be undone: wait for its end. */
static apr_status_t back_when_free(em_txn_t *txn, em_log_t *log,
                                   em_result_t *res)
{
    const em_transaction_t *packages = txn->intent->packages->step->packages;
    apr_time_t until = apr_time_now() + BUSY_WAIT;
    apr_status_t rv;
    int told = 0;

    for (;;) {
        rv = em_transaction_back(packages, txn->view, log, res, txn->pool);
        if (rv == APR_SUCCESS || res->exit_code != EM_EXIT_BUSY
            || apr_time_now() >= until) {
            return rv;
        }
        if (!told++) {
            em_log(log, EM_LOG_NOTE, "waiting: %s", res->detail);
        }
        em_result_clear(res);
        apr_sleep(BUSY_STEP);
    }
}

apr_status_t em_part_back(em_txn_t *txn, em_log_t *log, em_result_t *res)
{
    const em_part_t *part = txn->intent->packages;
    const char *damaged;
    apr_status_t rv;

    if (!part || txn->untouched) {
        return APR_SUCCESS;
    }
    damaged = em_part_damage(part);
    if (damaged) {
        return em_journal_corrupt(
            res, txn->store, txn->intent->info.id,
            apr_psprintf(txn->pool, "its packages/%s is not what was put "
                         "there", damaged));
    }
    em_result_activity(res, "bringing back the packages");
    rv = em_kept_save(txn, log, res);
    if (rv == APR_SUCCESS) {
        rv = back_when_free(txn, log, res);
    }
    return rv == APR_SUCCESS ? em_kept_restore(txn, log, res) : rv;
}
