#include "plan/package_request.h"

#include <apr_strings.h>

/* From what is wanted to the step of a plan, whatever the layout. */

/* A plan that the package manager cannot provide for is an answer, not a
 * failure; one that is at work is (6). */
static apr_status_t no_packages(em_draft_t *draft, em_result_t *res,
                                apr_status_t rv)
{
    if (res->exit_code == EM_EXIT_BUSY || !res->problem) {
        return rv;
    }
    em_draft_impossible(draft, res->problem, "%s%s%s",
                        res->detail ? res->detail : "",
                        res->hint ? ". Next: " : "",
                        res->hint ? res->hint : "");
    em_result_clear(res);
    return APR_SUCCESS;
}

apr_status_t em_package_read(em_package_db_t **pdb, em_draft_t *draft,
                             const em_manager_t *manager, const char *prefix,
                             em_result_t *res)
{
    apr_status_t rv = em_fetched_db(pdb, draft, manager, prefix, res);

    return rv == APR_SUCCESS ? rv : no_packages(draft, res, rv);
}

apr_status_t em_package_solve(em_transaction_t **ptxn, em_draft_t *draft,
                              const em_package_db_t *db,
                              const em_package_request_t *request,
                              em_result_t *res)
{
    apr_status_t rv = em_transaction_solve(ptxn, db, request->wanted,
                                           request->unwanted, res,
                                           draft->pool);

    if (rv == APR_SUCCESS && (*ptxn)->impossible) {
        em_draft_impossible(draft, "packages-conflict", "%s",
                            (*ptxn)->impossible);
    }
    else if (rv == APR_SUCCESS) {
        em_package_mark(*ptxn, request);
    }
    return rv;
}

void em_package_settle(em_transaction_t *txn, em_draft_t *draft,
                       const em_package_db_t *db,
                       const em_package_request_t *request)
{
    const em_view_t *view = draft->facts->view;
    const em_plan_t *plan = draft->plan;
    const char *foreign = em_package_foreign(db->manager, view, draft->pool);

    if (foreign && txn->install->nelts + txn->remove->nelts) {
        em_draft_impossible(draft, "packages-by-hand", "%s",
                            em_transaction_by_hand(
                                txn, foreign, plan->from ? plan->from : "none",
                                plan->to, draft->pool));
    }
    else if (em_fetched_note(txn, draft)) {
        em_package_choose_marks(txn, db, request, draft->pool);
    }
}

static apr_status_t fetch(apr_array_header_t **peffects,
                          em_transaction_t *txn, em_draft_t *draft,
                          em_result_t *res)
{
    em_log_t *log = draft->facts->how.log;
    apr_time_t begun = em_phase_begin(log, "fetching packages");
    apr_status_t rv = em_fetched_effects(peffects, txn, draft, res);

    em_phase_end(log, "fetching packages", begun,
                 rv == APR_SUCCESS ? "ok" : "failed");
    return rv == APR_SUCCESS ? rv : no_packages(draft, res, rv);
}

apr_status_t em_package_put(em_draft_t *draft, em_transaction_t *txn,
                            em_result_t *res)
{
    apr_array_header_t *effects = NULL;
    apr_status_t rv = fetch(&effects, txn, draft, res);

    if (rv == APR_SUCCESS && !draft->plan->impossible) {
        em_draft_packages(draft, txn, effects,
                          apr_pstrcat(draft->pool, "change packages for ",
                                      draft->plan->to, NULL));
    }
    return rv;
}
