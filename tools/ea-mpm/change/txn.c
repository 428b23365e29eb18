#include "change/change.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "change/part.h"

const em_txn_info_t *em_txn_info(const em_txn_t *txn)
{
    return &txn->intent->info;
}

apr_status_t em_txn_commit(em_txn_t *txn, em_result_t *res)
{
    em_txn_info_t *info = &txn->intent->info;
    apr_status_t rv;

    if (info->state == EM_TXN_COMMITTED) {
        return APR_SUCCESS;
    }
    if (txn->applied && info->state == EM_TXN_APPLYING) {
        rv = em_txn_settle(txn, NULL, res);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (info->state != EM_TXN_APPLIED) {
        return em_result_fail(res, APR_EINVAL, EM_EXIT_FAILED,
                              "journal-state",
                              "the change %s is %s, which cannot be "
                              "committed", info->id,
                              em_txn_state_name(info->state));
    }
    em_result_activity(res, "closing the journal");
    rv = em_journal_set_state(txn->store, info->id, EM_TXN_COMMITTED, res,
                              txn->pool);
    if (rv == APR_SUCCESS) {
        info->state = EM_TXN_COMMITTED;
        info->ended = apr_time_now();
        em_part_prune(txn->store, NULL, txn->pool);
    }
    return rv;
}

/* ---- finding ---- */

static int by_time(const void *a, const void *b)
{
    const em_txn_info_t *x = *(em_txn_info_t *const *)a;
    const em_txn_info_t *y = *(em_txn_info_t *const *)b;

    if (x->begun != y->begun) {
        return x->begun < y->begun ? -1 : 1;
    }
    return strcmp(x->id, y->id);
}

static em_txn_info_t *find(const apr_array_header_t *list, const char *id)
{
    for (int i = 0; i < list->nelts; i++) {
        em_txn_info_t *info = APR_ARRAY_IDX(list, i, em_txn_info_t *);

        if (strcmp(info->id, id) == 0) {
            return info;
        }
    }
    return NULL;
}

/* A rollback that was itself rolled back leaves its object in force. */
static void tell_rollbacks(const apr_array_header_t *list)
{
    for (int i = 0; i < list->nelts; i++) {
        const em_txn_info_t *info = APR_ARRAY_IDX(list, i, em_txn_info_t *);
        em_txn_info_t *object, *inner;

        if (info->state != EM_TXN_COMMITTED || !info->rolls_back) {
            continue;
        }
        object = find(list, info->rolls_back);
        if (!object) {
            continue;
        }
        object->rolled_back_by = info->id;
        inner = object->rolls_back ? find(list, object->rolls_back) : NULL;
        if (inner) {
            inner->rolled_back_by = NULL;
        }
    }
}

apr_status_t em_txn_list(apr_array_header_t **plist, const em_view_t *view,
                         em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(em_txn_info_t *));
    apr_array_header_t *ids;
    em_store_t *store;
    apr_status_t rv = em_store_open(&store, view, 0, res, p);

    if (rv == APR_SUCCESS) {
        rv = em_journal_ids(&ids, store, res, p);
    }
    for (int i = 0; rv == APR_SUCCESS && i < ids->nelts; i++) {
        em_intent_t *intent;

        rv = em_journal_read(&intent, store,
                             APR_ARRAY_IDX(ids, i, const char *), res, p);
        if (rv == APR_SUCCESS) {
            APR_ARRAY_PUSH(list, em_txn_info_t *) = &intent->info;
        }
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    qsort(list->elts, (size_t)list->nelts, sizeof(em_txn_info_t *), by_time);
    tell_rollbacks(list);
    *plist = list;
    return APR_SUCCESS;
}

/* The id of the open journal. There is one at most: em_txn_begin sees to
 * that. Closed ones are not read, so that an old damaged one is in nobody's
 * way. */
static apr_status_t find_open(const char **pid, const em_store_t *store,
                              em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *ids;
    apr_status_t rv = em_journal_ids(&ids, store, res, p);

    *pid = NULL;
    for (int i = 0; rv == APR_SUCCESS && i < ids->nelts && !*pid; i++) {
        const char *id = APR_ARRAY_IDX(ids, i, const char *);
        em_txn_state_t state;
        apr_time_t when;

        rv = em_journal_state(&state, &when, store, id, res, p);
        if (rv == APR_SUCCESS && state != EM_TXN_COMMITTED
            && state != EM_TXN_UNDONE) {
            *pid = id;
        }
    }
    return rv;
}

apr_status_t em_txn_open(em_txn_t **ptxn, const em_view_t *view,
                         em_result_t *res, apr_pool_t *p)
{
    em_txn_t *txn = apr_pcalloc(p, sizeof(*txn));
    const char *id = NULL;
    apr_status_t rv = em_store_open(&txn->store, view, 0, res, p);

    txn->pool = p;
    txn->view = view;
    if (rv == APR_SUCCESS) {
        rv = find_open(&id, txn->store, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!id) {
        *ptxn = NULL;
        return APR_SUCCESS;
    }
    rv = em_journal_read(&txn->intent, txn->store, id, res, p);
    if (rv == APR_SUCCESS) {
        *ptxn = txn;
    }
    return rv;
}

void em_txn_tidy(const em_view_t *view, apr_pool_t *p)
{
    em_store_t *store;

    if (em_store_open(&store, view, 0, em_result_make(p), p)
        == APR_SUCCESS) {
        em_journal_unmark(store);
    }
}
