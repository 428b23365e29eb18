#include "package/package.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int goes(const em_transaction_t *txn, const char *name)
{
    for (int i = 0; txn && i < txn->remove->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(txn->remove, i, em_package_t *)->name, name)
            == 0) {
            return 1;
        }
    }
    return 0;
}

em_json_t *em_package_profile(const em_package_db_t *db,
                              const em_transaction_t *txn,
                              const char *prefix, const char *mpm,
                              apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 64, sizeof(const char *));
    em_json_t *o = em_json_object(p), *pkgs = em_json_array(p);
    em_json_t *tags = em_json_array(p);
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(p, db->installed); hi; hi = apr_hash_next(hi)) {
        const char *name = apr_hash_this_key(hi);

        if (strncmp(name, prefix, strlen(prefix)) == 0 && !goes(txn, name)) {
            APR_ARRAY_PUSH(names, const char *) = name;
        }
    }
    for (int i = 0; txn && i < txn->install->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *)
            = APR_ARRAY_IDX(txn->install, i, em_package_t *)->name;
    }
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), by_name);
    for (int i = 0; i < names->nelts; i++) {
        em_json_add_str(pkgs, APR_ARRAY_IDX(names, i, const char *));
    }
    em_json_add_str(tags, apr_pstrcat(p, "MPM 2.4 mpm_", mpm, " (ea)", NULL));
    em_json_set_str(o, "name", apr_pstrcat(p, "ea-mpm ", mpm, NULL));
    em_json_set_str(o, "desc", txn ? "The packages after a switch of the MPM"
                                   : "The packages before a switch of the "
                                     "MPM");
    em_json_set_str(o, "version", "1.0");
    em_json_set(o, "tags", tags);
    return em_json_set(o, "pkgs", pkgs);
}
