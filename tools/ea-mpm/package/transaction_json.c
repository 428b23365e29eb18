#include "package/package.h"

#include <string.h>

static em_json_t *package_json(const em_package_t *package, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "name", package->name);
    em_json_set_str(o, "version", package->version);
    em_json_set_str(o, "arch", package->arch);
    em_json_set_str(o, "file", package->file);
    em_json_set_str(o, "why", package->why);
    em_json_set_bool(o, "asked", package->asked);
    if (package->left) {
        em_json_set_bool(o, "left", 1);
    }
    if (package->mark != EM_MARK_UNKNOWN) {
        em_json_set_bool(o, "auto", package->mark == EM_MARK_AUTO);
    }
    return o;
}

static em_json_t *packages_json(const apr_array_header_t *list, apr_pool_t *p)
{
    em_json_t *array = em_json_array(p);

    for (int i = 0; i < list->nelts; i++) {
        em_json_add(array, package_json(
            APR_ARRAY_IDX(list, i, em_package_t *), p));
    }
    return array;
}

em_json_t *em_transaction_json(const em_transaction_t *txn, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "manager", txn->manager);
    em_json_set(o, "install", packages_json(txn->install, p));
    em_json_set(o, "remove", packages_json(txn->remove, p));
    if (txn->purge) {
        em_json_set(o, "purge", packages_json(txn->purge, p));
    }
    if (txn->leave) {
        em_json_set(o, "leave", packages_json(txn->leave, p));
    }
    return o;
}

static em_package_t *package_from(const em_json_t *o, apr_pool_t *p)
{
    em_package_t *package = apr_pcalloc(p, sizeof(*package));

    package->name = em_json_get_str(o, "name");
    package->version = em_json_get_str(o, "version");
    package->arch = em_json_get_str(o, "arch");
    package->file = em_json_get_str(o, "file");
    package->why = em_json_get_str(o, "why");
    package->asked = em_json_get_bool(o, "asked", 0);
    package->left = em_json_get_bool(o, "left", 0);
    package->mark = !em_json_get(o, "auto") ? EM_MARK_UNKNOWN
                    : em_json_get_bool(o, "auto", 0) ? EM_MARK_AUTO
                    : EM_MARK_MANUAL;
    return package->name && package->version && package->arch ? package
                                                              : NULL;
}

static apr_array_header_t *packages_from(const em_json_t *array,
                                         apr_pool_t *p)
{
    int n = em_json_size(array);
    apr_array_header_t *list;

    if (!em_json_is_array(array)) {
        return NULL;
    }
    list = apr_array_make(p, n + 1, sizeof(em_package_t *));
    for (int i = 0; i < n; i++) {
        em_package_t *package = package_from(em_json_at(array, i), p);

        if (!package) {
            return NULL;
        }
        APR_ARRAY_PUSH(list, em_package_t *) = package;
    }
    return list;
}

em_transaction_t *em_transaction_from(const em_json_t *o, apr_pool_t *p)
{
    em_transaction_t *txn = apr_pcalloc(p, sizeof(*txn));
    const em_json_t *purge = em_json_get(o, "purge");
    const em_json_t *leave = em_json_get(o, "leave");

    txn->manager = em_json_get_str(o, "manager");
    txn->install = packages_from(em_json_get(o, "install"), p);
    txn->remove = packages_from(em_json_get(o, "remove"), p);
    txn->purge = purge ? packages_from(purge, p) : NULL;
    txn->leave = leave ? packages_from(leave, p) : NULL;
    return txn->manager && txn->install && txn->remove
           && (txn->purge || !purge) && (txn->leave || !leave) ? txn : NULL;
}
