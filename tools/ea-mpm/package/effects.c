#include "package/manager.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define MAX_FILE (256 * 1024 * 1024)

typedef struct effects_t {
    apr_pool_t *pool;
    const em_manager_t *manager;
    const em_view_t *view;
    apr_array_header_t *list;   /* em_effect_t * */
    apr_hash_t *goes;           /* path -> em_owned_t * of what goes */
    apr_hash_t *comes;          /* the same of what comes */
} effects_t;

static const em_node_t absent = {.kind = EM_NODE_ABSENT};

/* What stands at PATH now, with its bytes. */
static apr_status_t look(em_node_t *pnode, const effects_t *fx,
                         const char *path)
{
    em_node_t *node;
    apr_status_t rv = em_view_lstat(&node, fx->view, path, fx->pool);

    if (rv == APR_SUCCESS && node->kind == EM_NODE_FILE) {
        rv = em_view_read(&node, fx->view, path, MAX_FILE, fx->pool);
    }
    if (rv == APR_SUCCESS) {
        *pnode = *node;
    }
    return rv;
}

static void add(effects_t *fx, const char *path, const em_node_t *after,
                int config)
{
    em_effect_t *effect = apr_pcalloc(fx->pool, sizeof(*effect));

    effect->path = path;
    effect->after = *after;
    effect->config = config || strncmp(path, "/etc/", 5) == 0;
    APR_ARRAY_PUSH(fx->list, em_effect_t *) = effect;
}

static const char *beside(const effects_t *fx, const char *path,
                          const char *suffix)
{
    return apr_pstrcat(fx->pool, path, suffix, NULL);
}

/* ---- what goes ---- */

static apr_status_t take_gone(effects_t *fx, const em_owned_t *owned)
{
    em_node_t now;
    apr_status_t rv;

    if (apr_hash_get(fx->comes, owned->path, APR_HASH_KEY_STRING)) {
        return APR_SUCCESS;
    }
    rv = look(&now, fx, owned->path);
    if (rv != APR_SUCCESS || now.kind == EM_NODE_ABSENT
        || now.kind == EM_NODE_OTHER) {
        return rv;
    }
    if (owned->config && owned->edited && fx->manager->saved) {
        add(fx, beside(fx, owned->path, fx->manager->saved), &now, 1);
    }
    add(fx, owned->path, &absent, owned->config);
    return APR_SUCCESS;
}

/* ---- what comes ---- */

/* A configuration file that stands there already, with other content. */
static void take_edited(effects_t *fx, const em_owned_t *new,
                        const em_node_t *now)
{
    const em_owned_t *old = apr_hash_get(fx->goes, new->path,
                                         APR_HASH_KEY_STRING);

    if (old && !old->edited) {
        add(fx, new->path, &new->node, 1);
    }
    else if (old && old->digest && new->digest
             && strcmp(old->digest, new->digest) == 0) {
        return;                 /* nothing new for it */
    }
    else if (new->noreplace) {
        add(fx, beside(fx, new->path, fx->manager->news), &new->node, 1);
    }
    else {
        add(fx, beside(fx, new->path, old ? ".rpmsave" : ".rpmorig"), now, 1);
        add(fx, new->path, &new->node, 1);
    }
}

static apr_status_t take_new(effects_t *fx, const em_owned_t *new)
{
    em_node_t now;
    apr_status_t rv = look(&now, fx, new->path);

    if (rv != APR_SUCCESS || em_node_same(&now, &new->node)) {
        return rv;
    }
    if (new->config && now.kind != EM_NODE_ABSENT) {
        take_edited(fx, new, &now);
    }
    else {
        add(fx, new->path, &new->node, new->config);
    }
    return APR_SUCCESS;
}

/* ---- all ---- */

static void take_names(apr_hash_t *hash, const apr_array_header_t *list)
{
    for (int i = 0; i < list->nelts; i++) {
        const em_owned_t *owned = APR_ARRAY_IDX(list, i, em_owned_t *);

        apr_hash_set(hash, owned->path, APR_HASH_KEY_STRING, owned);
    }
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(em_effect_t *const *)a)->path,
                  (*(em_effect_t *const *)b)->path);
}

/* Of what goes: the files that go with it. *PSTAY: configuration files of
 * packages that are, or will be, removed and not purged. */
static apr_status_t old_files(apr_array_header_t **pold,
                              apr_array_header_t **pstay,
                              const em_transaction_t *txn, effects_t *fx,
                              em_result_t *res)
{
    apr_array_header_t *all = apr_array_append(fx->pool, txn->remove,
                                               txn->install);
    apr_array_header_t *gone = apr_array_make(fx->pool, 8,
                                              sizeof(em_package_t *));
    apr_array_header_t *left = apr_array_make(fx->pool, 4,
                                              sizeof(em_package_t *));
    apr_array_header_t *files;
    apr_status_t rv;

    for (int i = 0; i < all->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(all, i, em_package_t *);

        if (one->left || i < txn->remove->nelts) {
            APR_ARRAY_PUSH(one->left ? left : gone, em_package_t *) = one;
        }
    }
    if (txn->purge) {
        apr_array_cat(gone, txn->purge);
    }
    rv = fx->manager->owned(pold, gone, fx->view, res, fx->pool);
    *pstay = apr_array_make(fx->pool, 4, sizeof(em_owned_t *));
    if (rv != APR_SUCCESS || left->nelts == 0) {
        return rv;
    }
    rv = fx->manager->owned(&files, left, fx->view, res, fx->pool);
    for (int i = 0; rv == APR_SUCCESS && i < files->nelts; i++) {
        em_owned_t *one = APR_ARRAY_IDX(files, i, em_owned_t *);

        APR_ARRAY_PUSH(one->config ? *pstay : *pold, em_owned_t *) = one;
    }
    return rv;
}

apr_status_t em_transaction_effects(apr_array_header_t **peffects,
                                    const em_transaction_t *txn,
                                    const em_view_t *view, em_result_t *res,
                                    apr_pool_t *p)
{
    effects_t fx = {p, em_manager_named(txn->manager), view, NULL, NULL,
                    NULL};
    apr_array_header_t *new = apr_array_make(p, 32, sizeof(em_owned_t *));
    apr_array_header_t *old, *stay = NULL;
    apr_status_t rv;

    em_result_activity(res, "reading the packages");
    fx.list = apr_array_make(p, 32, sizeof(em_effect_t *));
    fx.goes = apr_hash_make(p);
    fx.comes = apr_hash_make(p);
    rv = old_files(&old, &stay, txn, &fx, res);
    for (int i = 0; rv == APR_SUCCESS && i < txn->install->nelts; i++) {
        apr_array_header_t *files;

        rv = fx.manager->unpack(&files,
                                APR_ARRAY_IDX(txn->install, i,
                                              em_package_t *), res, p);
        if (rv == APR_SUCCESS) {
            apr_array_cat(new, files);
        }
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    take_names(fx.goes, stay);
    take_names(fx.goes, old);
    take_names(fx.comes, new);
    for (int i = 0; rv == APR_SUCCESS && i < old->nelts; i++) {
        rv = take_gone(&fx, APR_ARRAY_IDX(old, i, em_owned_t *));
    }
    for (int i = 0; rv == APR_SUCCESS && i < new->nelts; i++) {
        rv = take_new(&fx, APR_ARRAY_IDX(new, i, em_owned_t *));
    }
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                              "cannot read a file of these packages: ");
    }
    qsort(fx.list->elts, (size_t)fx.list->nelts, sizeof(em_effect_t *),
          by_path);
    *peffects = fx.list;
    return APR_SUCCESS;
}
