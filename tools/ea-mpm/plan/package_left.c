#include "plan/package_request.h"

#include <string.h>

#include <apr_strings.h>

/* A removed DEB leaves its configuration files, and a LoadModule line among
 * them ends the start of httpd: its module is gone. */

void em_package_purge(em_transaction_t *txn, const em_package_db_t *db,
                      const em_draft_t *draft)
{
    const apr_array_header_t *modules = draft->facts->modules;
    apr_array_header_t *purge = apr_array_make(draft->pool, 2,
                                               sizeof(em_package_t *));

    for (int i = 0; i < modules->nelts; i++) {
        const em_module_t *m = APR_ARRAY_IDX(modules, i, em_module_t *);
        em_package_t *left = m->missing && m->file
                                 ? apr_hash_get(db->left, m->file,
                                                APR_HASH_KEY_STRING) : NULL;

        if (left && !em_package_listed(purge, left->name)
            && !em_package_listed(txn->install, left->name)) {
            left->asked = 1;
            left->why = apr_pstrcat(draft->pool, "it was removed, but left ",
                                    m->file, ", which loads ", m->so,
                                    NULL);
            APR_ARRAY_PUSH(purge, em_package_t *) = left;
        }
    }
    txn->purge = purge->nelts ? purge : NULL;
}
