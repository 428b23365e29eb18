#include "plan/draft.h"

#include <string.h>

#include "plan/package_request.h"

/* EasyApache 4: an MPM is a package, and one transaction takes the server
 * from one to the other. Which packages come and go, their own databases
 * say; what they do to files is read out of the packages themselves. */

static apr_status_t choose(em_transaction_t **ptxn, em_package_db_t **pdb,
                           em_draft_t *draft, em_result_t *res)
{
    const em_manager_t *manager = em_manager_find(draft->facts->view,
                                                  draft->pool);
    em_package_request_t request;
    apr_status_t rv;

    if (!manager) {
        em_draft_impossible(draft, "packages-unavailable", "On this layout "
                            "an MPM is a package, and there is no package "
                            "database of dpkg or rpm with apt-get, dnf or "
                            "yum to change it by. There, choose %s",
                            em_package_name(draft));
        return APR_SUCCESS;
    }
    rv = em_package_read(pdb, draft, manager, "ea-", res);
    if (rv == APR_SUCCESS && !draft->plan->impossible) {
        rv = em_package_request(&request, draft, *pdb, res);
    }
    if (rv == APR_SUCCESS && !draft->plan->impossible) {
        rv = em_package_solve(ptxn, draft, *pdb, &request, res);
    }
    if (rv == APR_SUCCESS && !draft->plan->impossible) {
        em_package_purge(*ptxn, *pdb, draft);
        em_package_settle(*ptxn, draft, *pdb, &request);
    }
    return rv;
}

static apr_status_t make(em_draft_t *draft, em_result_t *res)
{
    const em_plan_t *plan = draft->plan;
    em_transaction_t *txn = NULL;
    em_package_db_t *db = NULL;
    em_conf_t *conf;
    apr_status_t rv;

    if (plan->from && strcmp(plan->from, plan->to) == 0
        && plan->request.with->nelts + plan->request.without->nelts == 0) {
        return APR_SUCCESS;     /* nothing to do needs no mechanism */
    }
    if (plan->request.brief) {
        draft->plan->unasked = 1;
        return APR_SUCCESS;
    }
    rv = choose(&txn, &db, draft, res);
    if (rv != APR_SUCCESS || plan->impossible
        || txn->install->nelts + txn->remove->nelts == 0) {
        return rv;
    }
    rv = em_package_put(draft, txn, res);
    if (rv != APR_SUCCESS || plan->impossible) {
        return rv;
    }
    draft->packages->profile_before = em_package_profile(
        db, NULL, "ea-", plan->from ? plan->from : "none", draft->pool);
    draft->packages->profile_after = em_package_profile(
        db, txn, "ea-", draft->want.mpm, draft->pool);
    if (draft->want.php_fpm) {
        rv = em_draft_conf(&conf, draft, res);
        if (rv == APR_SUCCESS) {
            em_fpm_check(draft, conf);
        }
    }
    return rv;
}

const em_mechanism_t em_mech_packages = {EM_MECH_PACKAGES, make};
