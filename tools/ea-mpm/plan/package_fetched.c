#include "plan/package_request.h"

#include <string.h>

#include <apr_strings.h>

#include "base/scratch.h"

typedef struct em_fetched_t {
    apr_hash_t *dbs;            /* prefix -> em_package_db_t * */
    const char *dir;            /* of package files; goes with the pool */
    apr_hash_t *files;          /* package in its version -> its file there */
    apr_hash_t *effects;        /* transaction -> its effects */
    apr_hash_t *noted;          /* the same -> an em_transaction_t like it */
} em_fetched_t;

static em_fetched_t *fetched_of(em_draft_t *draft)
{
    em_request_t *request = &draft->plan->request;

    if (!request->fetched) {
        request->fetched = apr_pcalloc(draft->pool, sizeof(em_fetched_t));
        request->fetched->dbs = apr_hash_make(draft->pool);
        request->fetched->files = apr_hash_make(draft->pool);
        request->fetched->effects = apr_hash_make(draft->pool);
        request->fetched->noted = apr_hash_make(draft->pool);
    }
    return request->fetched;
}

apr_status_t em_fetched_db(em_package_db_t **pdb, em_draft_t *draft,
                           const em_manager_t *manager, const char *prefix,
                           em_result_t *res)
{
    em_fetched_t *fetched = fetched_of(draft);
    apr_status_t rv;

    *pdb = apr_hash_get(fetched->dbs, prefix, APR_HASH_KEY_STRING);
    if (*pdb) {
        return APR_SUCCESS;
    }
    rv = em_package_db_read(pdb, manager, draft->facts->view, prefix, res,
                            draft->pool);
    if (rv == APR_SUCCESS) {
        apr_hash_set(fetched->dbs, prefix, APR_HASH_KEY_STRING, *pdb);
    }
    return rv;
}

/* ---- packages ---- */

static const char *key_of(const em_package_t *package, apr_pool_t *p)
{
    return apr_pstrcat(p, package->name, " ", package->version, " ",
                       package->arch, NULL);
}

static const char *list_key(const char *what, const apr_array_header_t *list,
                            apr_pool_t *p)
{
    const char *key = what;

    for (int i = 0; list && i < list->nelts; i++) {
        key = apr_pstrcat(p, key, "\n",
                          key_of(APR_ARRAY_IDX(list, i, em_package_t *), p),
                          NULL);
    }
    return key;
}

/* Everything that the effects of TXN depend on. */
static const char *txn_key(const em_transaction_t *txn, apr_pool_t *p)
{
    return apr_pstrcat(p, list_key("install", txn->install, p),
                       list_key("\nremove", txn->remove, p),
                       list_key("\npurge", txn->purge, p), NULL);
}

static void copy_notes(const apr_array_header_t *to,
                       const apr_array_header_t *from)
{
    for (int i = 0; to && i < to->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(to, i, em_package_t *);
        const em_package_t *like = em_package_listed(from, one->name);

        one->mark = like->mark;
        one->remains = like->remains;
    }
}

int em_fetched_note(em_transaction_t *txn, em_draft_t *draft)
{
    em_fetched_t *fetched = fetched_of(draft);
    const char *key = txn_key(txn, draft->pool);
    const em_transaction_t *like = apr_hash_get(fetched->noted, key,
                                                APR_HASH_KEY_STRING);

    if (like) {
        copy_notes(txn->install, like->install);
        copy_notes(txn->remove, like->remove);
        copy_notes(txn->purge, like->purge);
        return 1;
    }
    if (!em_transaction_note(txn, draft->facts->view, draft->pool)) {
        return 0;
    }
    apr_hash_set(fetched->noted, key, APR_HASH_KEY_STRING, txn);
    return 1;
}

/* Give LIST's packages the files that are here already, or note theirs. */
static void share_files(em_fetched_t *fetched, const apr_array_header_t *list,
                        apr_pool_t *p)
{
    for (int i = 0; i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);
        const char *key = key_of(one, p);

        if (one->file) {
            apr_hash_set(fetched->files, key, APR_HASH_KEY_STRING, one->file);
        }
        else {
            one->file = apr_hash_get(fetched->files, key,
                                     APR_HASH_KEY_STRING);
        }
    }
}

static apr_status_t fetch(em_fetched_t *fetched, em_transaction_t *txn,
                          em_draft_t *draft, em_result_t *res)
{
    const em_view_t *view = draft->facts->view;
    apr_status_t rv = fetched->dir ? APR_SUCCESS
                                   : em_scratch_make(&fetched->dir,
                                                     draft->pool);

    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                              "cannot make a directory for packages: ");
    }
    rv = em_transaction_fetch(txn, view, fetched->dir, res, draft->pool);
    share_files(fetched, txn->install, draft->pool);
    share_files(fetched, txn->remove, draft->pool);
    return rv == APR_SUCCESS ? em_transaction_agree(txn, view, res,
                                                    draft->pool) : rv;
}

apr_status_t em_fetched_effects(apr_array_header_t **peffects,
                                em_transaction_t *txn, em_draft_t *draft,
                                em_result_t *res)
{
    em_fetched_t *fetched = fetched_of(draft);
    const char *key = txn_key(txn, draft->pool);
    apr_status_t rv;

    share_files(fetched, txn->install, draft->pool);
    share_files(fetched, txn->remove, draft->pool);
    *peffects = apr_hash_get(fetched->effects, key, APR_HASH_KEY_STRING);
    if (*peffects) {
        return APR_SUCCESS;
    }
    rv = fetch(fetched, txn, draft, res);
    if (rv == APR_SUCCESS) {
        rv = em_transaction_effects(peffects, txn, draft->facts->view, res,
                                    draft->pool);
    }
    if (rv == APR_SUCCESS) {
        apr_hash_set(fetched->effects, key, APR_HASH_KEY_STRING, *peffects);
    }
    return rv;
}
