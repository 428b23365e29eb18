#include "package/manager.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

/* A transaction, carried out by whatever manager it names. What the database
 * says afterwards is what counts, not what a program returned. */

static const em_manager_t *manager_of(const em_transaction_t *txn,
                                      em_result_t *res)
{
    const em_manager_t *manager = em_manager_named(txn->manager);

    if (!manager) {
        (void)em_result_fail(res, APR_ENOTIMPL, EM_EXIT_FAILED,
                             "packages-unavailable", "there is no package "
                             "manager %s for ea-mpm", txn->manager);
    }
    return manager;
}

static const char *full(const em_package_t *package, apr_pool_t *p)
{
    return apr_pstrcat(p, package->name, "-", package->version, NULL);
}

/* ---- the manager's own opinion ---- */

static int same_version(const em_package_t *a, const em_package_t *b)
{
    return strcmp(a->version, b->version) == 0
           && strcmp(a->arch, b->arch) == 0;
}

/* What LIST has and OTHER has not, in words; BUT: names that do not count. */
static const char *beyond(const apr_array_header_t *list,
                          const apr_array_header_t *other,
                          const apr_array_header_t *but, apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < list->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);
        const em_package_t *twin = em_package_in(other, one->name);

        if ((!twin || !same_version(one, twin))
            && !(but && em_package_in(but, one->name))) {
            text = apr_pstrcat(p, text, *text ? ", " : "", full(one, p),
                               NULL);
        }
    }
    return text;
}

static const char *clause(const char *verb, const char *list, apr_pool_t *p)
{
    return *list ? apr_pstrcat(p, " ", verb, " ", list, ";", NULL) : "";
}

apr_status_t em_transaction_agree(const em_transaction_t *txn,
                                  const em_view_t *view, em_result_t *res,
                                  apr_pool_t *p)
{
    const em_manager_t *manager = manager_of(txn, res);
    em_transaction_t *its = NULL;
    const char *words = "", *more;
    apr_status_t rv;

    if (!manager) {
        return APR_ENOTIMPL;
    }
    em_result_activity(res, "asking %s for its opinion", manager->name);
    rv = em_package_busy(manager, view, res, p);
    if (rv == APR_SUCCESS) {
        rv = manager->dry_run(&its, &words, txn, view, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!its) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_REFUSED,
                              "transaction-differs",
                              "%s would not carry this transaction out: %s",
                              manager->name, words);
    }
    more = apr_pstrcat(
        p, clause("it would also install",
                  beyond(its->install, txn->install, NULL, p), p),
        clause("it would also remove",
               beyond(its->remove, txn->remove, NULL, p), p),
        clause("it would not install",
               beyond(txn->install, its->install, NULL, p), p),
        clause("it would not remove",
               beyond(txn->remove, its->remove, txn->install, p), p), NULL);
    if (*more) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_REFUSED,
                              "transaction-differs",
                              "%s sees another transaction than ea-mpm:%s "
                              "nothing was changed", manager->name, more);
    }
    return APR_SUCCESS;
}

/* ---- fetching ---- */

/* Name the packages that lie in DIR. */
static apr_status_t take_files(em_transaction_t *txn,
                               const em_manager_t *manager, const char *dir,
                               apr_pool_t *p)
{
    apr_size_t end = strlen(manager->suffix);
    apr_finfo_t info;
    apr_dir_t *d;
    apr_status_t rv = apr_dir_open(&d, dir, p);

    while (rv == APR_SUCCESS
           && apr_dir_read(&info, APR_FINFO_NAME, d) == APR_SUCCESS) {
        apr_size_t len = strlen(info.name);
        const char *file = apr_pstrcat(p, dir, "/", info.name, NULL);
        em_package_t *there = NULL;

        if (len > end && strcmp(info.name + len - end, manager->suffix) == 0) {
            there = manager->identify(file, p);
        }
        for (int back = 0; there && back < 2; back++) {
            em_package_t *one = em_package_in(back ? txn->remove
                                                   : txn->install,
                                              there->name);

            if (one && same_version(one, there)) {
                one->file = file;
            }
        }
    }
    if (rv == APR_SUCCESS) {
        (void)apr_dir_close(d);
    }
    return rv;
}

static apr_array_header_t *without_file(const em_transaction_t *txn,
                                        apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_append(p, txn->install, txn->remove);
    apr_array_header_t *open = apr_array_make(p, 8, sizeof(em_package_t *));

    for (int i = 0; i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        if (!one->file) {
            APR_ARRAY_PUSH(open, em_package_t *) = one;
        }
    }
    return open;
}

static apr_status_t missing(const em_transaction_t *txn,
                            const apr_array_header_t *open, em_result_t *res,
                            apr_pool_t *p)
{
    const char *names = "", *plain = "";
    int back = 0;

    for (int i = 0; i < open->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(open, i, em_package_t *);

        if (one->installed) {
            names = apr_pstrcat(p, names, *names ? ", " : "", full(one, p),
                                NULL);
            plain = apr_pstrcat(p, plain, " ", one->name, NULL);
            back = 1;
        }
    }
    if (!back) {
        return em_result_fail(res, APR_ENOENT, EM_EXIT_FAILED,
                              "packages-unavailable",
                              "%s did not download %s", txn->manager,
                              full(APR_ARRAY_IDX(open, 0, em_package_t *),
                                   p));
    }
    em_result_hint(res, "%s%s", em_manager_named(txn->manager)->upgrade,
                   plain);
    return em_result_fail(res, APR_ENOENT, EM_EXIT_REFUSED, "no-way-back",
                          "%s cannot be had any more in the version that is "
                          "installed, so it could not be brought back. "
                          "Upgrade first", names);
}

apr_status_t em_transaction_fetch(em_transaction_t *txn,
                                  const em_view_t *view, const char *dir,
                                  em_result_t *res, apr_pool_t *p)
{
    const em_manager_t *manager = manager_of(txn, res);
    apr_array_header_t *open;
    apr_status_t rv;

    if (!manager) {
        return APR_ENOTIMPL;
    }
    em_result_activity(res, "fetching packages");
    rv = em_package_busy(manager, view, res, p);
    open = without_file(txn, p);
    if (rv == APR_SUCCESS && open->nelts) {
        rv = manager->fetch(txn, open, view, dir, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = take_files(txn, manager, dir, p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "packages-unavailable",
                              "cannot read %s: ", dir);
    }
    open = without_file(txn, p);
    return open->nelts ? missing(txn, open, res, p) : APR_SUCCESS;
}

/* ---- the state ---- */

static int is_there(const em_package_t *package,
                    const apr_array_header_t *found)
{
    int n = 0;

    for (int i = 0; i < found->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(found, i, em_package_t *);

        n += one->installed && strcmp(one->name, package->name) == 0
             && same_version(one, package);
    }
    return n == 1;
}

/* Is each of LIST (NULL: none) that shall be removed with its configuration
 * files left so, but for those of KEPT, which are installed? *PN counts them.
 * Of one without remains nobody knows: it may be there or not. */
static int are_left(const apr_array_header_t *list,
                    const apr_array_header_t *kept,
                    const apr_array_header_t *found, int *pn)
{
    for (int i = 0; list && i < list->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);
        const em_package_t *is = em_package_in(found, one->name);

        if (!one->left || em_package_in(kept, one->name)) {
            continue;
        }
        if (is && !is->left) {
            return 0;
        }
        if (one->remains
            && !(is && strcmp(is->version, one->remains->version) == 0)) {
            return 0;
        }
        *pn += is != NULL;
    }
    return 1;
}

/* Is it as after TXN (or before it), and nothing else? FOUND: what the
 * database has of all its packages. */
static int is_set(const em_transaction_t *txn, int after,
                  const apr_array_header_t *found)
{
    const apr_array_header_t *want = after ? txn->install : txn->remove;
    int n = want->nelts;

    for (int i = 0; i < want->nelts; i++) {
        if (!is_there(APR_ARRAY_IDX(want, i, em_package_t *), found)) {
            return 0;
        }
    }
    return are_left(after ? txn->remove : txn->install, want, found, &n)
           && are_left(after ? txn->leave : txn->purge, want, found, &n)
           && found->nelts == n;
}

int em_transaction_state(const em_transaction_t *txn, const em_view_t *view,
                         apr_pool_t *p)
{
    const em_manager_t *manager = em_manager_named(txn->manager);
    apr_array_header_t *all = apr_array_append(p, txn->install, txn->remove);
    apr_array_header_t *names = apr_array_make(p, 8, sizeof(const char *));
    apr_array_header_t *found;

    if (txn->purge) {
        apr_array_cat(all, txn->purge);
    }
    if (txn->leave) {
        apr_array_cat(all, txn->leave);
    }
    for (int i = 0; i < all->nelts; i++) {
        const char *name = APR_ARRAY_IDX(all, i, em_package_t *)->name;
        int known = 0;

        for (int j = 0; j < names->nelts; j++) {
            known |= strcmp(APR_ARRAY_IDX(names, j, const char *), name) == 0;
        }
        if (!known) {
            APR_ARRAY_PUSH(names, const char *) = name;
        }
    }
    if (names->nelts == 0) {
        return 1;
    }
    found = manager ? manager->versions(names, view, p) : NULL;
    return !found ? -1
           : is_set(txn, 1, found) ? 1 : is_set(txn, 0, found) ? 0 : -1;
}

/* ---- there and back ---- */

em_transaction_t *em_transaction_inverse(const em_transaction_t *txn,
                                         apr_pool_t *p)
{
    em_transaction_t *back = apr_pcalloc(p, sizeof(*back));

    back->manager = txn->manager;
    back->install = txn->remove;
    back->remove = txn->install;
    back->purge = txn->leave;
    back->leave = txn->purge;
    return back;
}

apr_status_t em_transaction_run(const em_transaction_t *txn,
                                const em_view_t *view, em_log_t *log,
                                em_result_t *res, apr_pool_t *p)
{
    const em_manager_t *manager = manager_of(txn, res);
    const char *words = "";
    apr_status_t rv;
    int state;

    if (!manager) {
        return APR_ENOTIMPL;
    }
    em_result_activity(res, "running the package transaction");
    rv = em_package_busy(manager, view, res, p);
    if (rv == APR_SUCCESS) {
        rv = manager->run(txn, 0, view, log, &words, p);
        state = em_transaction_state(txn, view, p);
        if (state == 1 && rv != APR_INCOMPLETE) {
            em_marks_set(manager, txn->install, view, log, p);
            return APR_SUCCESS;
        }
        if (state == 0 && rv != APR_INCOMPLETE) {
            /* Somebody was faster with the lock. */
            rv = em_package_busy(manager, view, res, p);
        }
    }
    if (res->problem) {
        return rv;
    }
    return em_result_fail(res, rv ? rv : APR_EGENERAL, EM_EXIT_FAILED,
                          "transaction-failed",
                          "%s did not carry the package transaction out: %s",
                          manager->name, words);
}

apr_status_t em_transaction_back(const em_transaction_t *txn,
                                 const em_view_t *view, em_log_t *log,
                                 em_result_t *res, apr_pool_t *p)
{
    const em_manager_t *manager = manager_of(txn, res);
    const char *words = "";
    apr_status_t rv;

    if (!manager) {
        return APR_ENOTIMPL;
    }
    em_result_activity(res, "bringing the old packages back");
    rv = em_package_busy(manager, view, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (em_transaction_state(txn, view, p) == 1) {
        rv = manager->run(txn, 1, view, log, &words, p);
        if (rv == APR_INCOMPLETE
            && em_package_busy(manager, view, res, p) != APR_SUCCESS) {
            return rv;          /* what it began goes on */
        }
    }
    /* Also where nothing is to be done by the database: a manager that was
     * killed leaves files that no database knows of. */
    rv = manager->repair(txn, view, log, &words, p);
    if (rv == APR_SUCCESS && em_transaction_state(txn, view, p) == 0) {
        em_marks_set(manager, txn->remove, view, log, p);
        return APR_SUCCESS;
    }
    return em_result_fail(res, rv ? rv : APR_EGENERAL, EM_EXIT_ATTENTION,
                          "packages-not-back",
                          "%s did not bring the old packages back: %s",
                          manager->name, words);
}
