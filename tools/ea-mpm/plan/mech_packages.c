#include "plan/draft.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "plan/package_request.h"

/* EasyApache 4: an MPM is a package, and one transaction takes the server
 * from one to the other. Which packages come and go, their own databases
 * say; what they do to files is read out of the packages themselves. */

/* ---- the private directory of packages ---- */

/* It ends with the pool; a change keeps copies of its own. */
static apr_status_t remove_dir(void *data)
{
    const char *dir = data;
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            (void)unlinkat(dirfd(d), e->d_name, 0);
        }
    }
    if (d) {
        closedir(d);
    }
    (void)rmdir(dir);
    return APR_SUCCESS;
}

static apr_status_t make_dir(const char **pdir, apr_pool_t *p)
{
    const char *temp = "/tmp";
    char *dir;

    (void)apr_temp_dir_get(&temp, p);
    dir = apr_pstrcat(p, temp, "/ea-mpm-packages-XXXXXX", NULL);
    if (!mkdtemp(dir)) {
        return APR_FROM_OS_ERROR(errno);
    }
    apr_pool_cleanup_register(p, dir, remove_dir, apr_pool_cleanup_null);
    *pdir = dir;
    return APR_SUCCESS;
}

/* ---- the transaction ---- */

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

static apr_status_t choose(em_transaction_t **ptxn, em_package_db_t **pdb,
                           em_draft_t *draft, em_result_t *res)
{
    const em_manager_t *manager = em_manager_find(draft->facts->view,
                                                  draft->pool);
    em_package_request_t request;
    em_package_db_t *db;
    const char *foreign;
    apr_status_t rv;

    if (!manager) {
        em_draft_impossible(draft, "packages-unavailable", "On this layout "
                            "an MPM is a package, and there is no package "
                            "database of dpkg or rpm with apt-get, dnf or "
                            "yum to change it by. There, choose %s",
                            em_package_name(draft));
        return APR_SUCCESS;
    }
    rv = em_package_db_read(&db, manager, draft->facts->view, "ea-", res,
                            draft->pool);
    if (rv != APR_SUCCESS) {
        return no_packages(draft, res, rv);
    }
    rv = em_package_request(&request, draft, db, res);
    if (rv != APR_SUCCESS || draft->plan->impossible) {
        return rv;
    }
    rv = em_transaction_solve(ptxn, db, request.wanted, request.unwanted, res,
                              draft->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if ((*ptxn)->impossible) {
        em_draft_impossible(draft, "packages-conflict", "%s",
                            (*ptxn)->impossible);
        return APR_SUCCESS;
    }
    em_package_mark(*ptxn, &request);
    em_package_purge(*ptxn, db, draft);
    foreign = em_package_foreign(manager, draft->facts->view, draft->pool);
    if (foreign && (*ptxn)->install->nelts + (*ptxn)->remove->nelts) {
        em_draft_impossible(draft, "packages-by-hand", "%s",
                            em_transaction_by_hand(
                                *ptxn, foreign, draft->plan->from
                                                ? draft->plan->from : "none",
                                draft->plan->to, draft->pool));
    }
    else if (em_transaction_note(*ptxn, draft->facts->view, draft->pool)) {
        em_package_choose_marks(*ptxn, db, &request, draft->pool);
    }
    *pdb = db;
    return APR_SUCCESS;
}

static apr_status_t fetch(apr_array_header_t **peffects,
                          em_transaction_t *txn, em_draft_t *draft,
                          em_result_t *res)
{
    const em_view_t *view = draft->facts->view;
    em_log_t *log = draft->facts->how.log;
    apr_time_t begun = em_phase_begin(log, "fetching packages");
    const char *dir = NULL;
    apr_status_t rv = make_dir(&dir, draft->pool);

    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                              "cannot make a directory for packages: ");
    }
    rv = em_transaction_fetch(txn, view, dir, res, draft->pool);
    if (rv == APR_SUCCESS) {
        rv = em_transaction_agree(txn, view, res, draft->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = em_transaction_effects(peffects, txn, view, res, draft->pool);
    }
    em_phase_end(log, "fetching packages", begun,
                 rv == APR_SUCCESS ? "ok" : "failed");
    return rv == APR_SUCCESS ? rv : no_packages(draft, res, rv);
}

static apr_status_t make(em_draft_t *draft, em_result_t *res)
{
    const em_plan_t *plan = draft->plan;
    em_transaction_t *txn = NULL;
    apr_array_header_t *effects = NULL;
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
    rv = fetch(&effects, txn, draft, res);
    if (rv != APR_SUCCESS || plan->impossible) {
        return rv;
    }
    em_draft_packages(draft, txn, effects,
                      apr_pstrcat(draft->pool, "change packages for ",
                                  plan->to, NULL));
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
