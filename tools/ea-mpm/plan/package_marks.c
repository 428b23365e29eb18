#include "plan/package_request.h"

#include <string.h>

/* An autoremove after a switch shall take no more and no less than before
 * it: what was a dependency is one in its new form, too. */

/* The mark of what ONE takes the place of; unknown: of nothing. */
static em_mark_t inherited(const em_package_t *one,
                           const em_transaction_t *txn)
{
    const em_package_t *old = em_package_listed(txn->remove, one->name);
    em_mark_t mark = old ? old->mark : EM_MARK_UNKNOWN;

    for (int i = 0; !old && i < txn->remove->nelts; i++) {
        const em_package_t *gone = APR_ARRAY_IDX(txn->remove, i,
                                                 em_package_t *);

        if (gone->mark != EM_MARK_UNKNOWN && mark != EM_MARK_MANUAL
            && !em_package_listed(txn->install, gone->name)
            && em_package_alike(gone, one)) {
            mark = gone->mark;
        }
    }
    return mark;
}

static int provides(const em_package_t *package, const char *name)
{
    for (int i = 0; i < package->provides->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(package->provides, i, em_cap_t).name, name)
            == 0) {
            return 1;
        }
    }
    return 0;
}

static int needs(const em_package_t *by, const em_package_t *package)
{
    for (int i = 0; i < by->requires->nelts; i++) {
        const apr_array_header_t *any
            = APR_ARRAY_IDX(by->requires, i, apr_array_header_t *);

        for (int j = 0; j < any->nelts; j++) {
            if (provides(package, APR_ARRAY_IDX(any, j, em_cap_t).name)) {
                return 1;
            }
        }
    }
    return 0;
}

static int is_wanted(const em_package_t *package,
                     const em_package_request_t *request)
{
    for (int i = 0; i < request->wanted->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(request->wanted, i, const char *),
                   package->name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- what holds a package ---- */

static int needed_by_installed(const em_package_t *package,
                               const em_transaction_t *txn,
                               const em_package_db_t *db, apr_pool_t *p)
{
    apr_hash_index_t *hi = apr_hash_first(p, db->installed);

    for (; hi; hi = apr_hash_next(hi)) {
        const em_package_t *one;
        void *value;

        apr_hash_this(hi, NULL, NULL, &value);
        one = value;
        if (!em_package_listed(txn->remove, one->name)
            && needs(one, package)) {
            return 1;
        }
    }
    return 0;
}

/* HELD: whether each of what comes is one that no autoremove takes: asked
 * for, or needed by such a one. Two that only need each other are not. */
static void find_held(char *held, const em_transaction_t *txn,
                      const em_package_db_t *db, apr_pool_t *p)
{
    int n = txn->install->nelts, more = 1;

    for (int i = 0; i < n; i++) {
        const em_package_t *one = APR_ARRAY_IDX(txn->install, i,
                                                em_package_t *);

        held[i] = one->mark != EM_MARK_AUTO
                  || em_package_listed(txn->remove, one->name)
                  || needed_by_installed(one, txn, db, p);
    }
    while (more) {
        more = 0;
        for (int i = 0; i < n * n; i++) {
            if (held[i / n] && !held[i % n]
                && needs(APR_ARRAY_IDX(txn->install, i / n, em_package_t *),
                         APR_ARRAY_IDX(txn->install, i % n,
                                       em_package_t *))) {
                held[i % n] = 1;
                more = 1;
            }
        }
    }
}

/* One that nothing holds is asked for, what the request wants before the
 * rest. 0: there is none. */
static int hold_one(em_transaction_t *txn, const em_package_db_t *db,
                    const em_package_request_t *request, apr_pool_t *p)
{
    char *held = apr_pcalloc(p, (apr_size_t)txn->install->nelts + 1);
    em_package_t *found = NULL;

    find_held(held, txn, db, p);
    for (int i = 0; i < txn->install->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(txn->install, i, em_package_t *);

        if (!held[i] && (!found || (!is_wanted(found, request)
                                    && is_wanted(one, request)))) {
            found = one;
        }
    }
    if (found) {
        found->mark = EM_MARK_MANUAL;
    }
    return found != NULL;
}

void em_package_choose_marks(em_transaction_t *txn, const em_package_db_t *db,
                             const em_package_request_t *request,
                             apr_pool_t *p)
{
    for (int i = 0; i < txn->install->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(txn->install, i, em_package_t *);

        one->mark = inherited(one, txn);
        if (one->mark == EM_MARK_UNKNOWN) {
            one->mark = is_wanted(one, request) ? EM_MARK_MANUAL
                                                : EM_MARK_AUTO;
        }
    }
    while (hold_one(txn, db, request, p)) {
        /* it may hold others */
    }
}
