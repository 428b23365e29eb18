#include "package/manager.h"

#include <apr_strings.h>

/* Newest first. */
static void sort(apr_array_header_t *list, const em_manager_t *manager)
{
    em_package_t **e = (em_package_t **)list->elts;

    for (int i = 1; i < list->nelts; i++) {
        for (int j = i; j > 0 && manager->compare(e[j - 1]->version,
                                                  e[j]->version) < 0; j--) {
            em_package_t *swap = e[j];

            e[j] = e[j - 1];
            e[j - 1] = swap;
        }
    }
}

apr_status_t em_package_busy(const em_manager_t *manager,
                             const em_view_t *view, em_result_t *res,
                             apr_pool_t *p)
{
    const char *command = NULL;
    int pid = manager->busy(&command, view, p);

    if (!pid) {
        return APR_SUCCESS;
    }
    if (pid < 0) {
        em_result_hint(res, "wait until it has ended, then try again");
        return em_result_fail(res, APR_EBUSY, EM_EXIT_BUSY,
                              "package-manager-busy", "the packages are "
                              "being worked on from another container");
    }
    em_result_hint(res, "wait until it has ended (ps -p %d), then try again",
                   pid);
    return em_result_fail(res, APR_EBUSY, EM_EXIT_BUSY,
                          "package-manager-busy",
                          "the packages are being worked on by process %d "
                          "(%s)", pid, command);
}

apr_status_t em_package_db_read(em_package_db_t **pdb,
                                const em_manager_t *manager,
                                const em_view_t *view, const char *prefix,
                                em_result_t *res, apr_pool_t *p)
{
    em_package_db_t *db = apr_pcalloc(p, sizeof(*db));
    apr_hash_index_t *hi;
    apr_status_t rv;

    em_result_activity(res, "asking %s for its packages", manager->name);
    db->manager = manager;
    db->installed = apr_hash_make(p);
    db->available = apr_hash_make(p);
    db->left = apr_hash_make(p);
    rv = em_package_busy(manager, view, res, p);
    if (rv == APR_SUCCESS) {
        rv = manager->read_installed(db->installed, view, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = manager->read_available(db->available, view, prefix, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (manager->read_left) {
        manager->read_left(db->left, view, p);
    }
    for (hi = apr_hash_first(p, db->available); hi; hi = apr_hash_next(hi)) {
        void *list;

        apr_hash_this(hi, NULL, NULL, &list);
        sort(list, manager);
    }
    *pdb = db;
    return APR_SUCCESS;
}

apr_hash_t *em_package_left(const em_view_t *view, apr_pool_t *p)
{
    const em_manager_t *manager = em_manager_find(view, p);
    apr_hash_t *left = apr_hash_make(p);

    if (manager && manager->read_left) {
        manager->read_left(left, view, p);
    }
    return left;
}
