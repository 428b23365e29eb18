#include "change/part.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"

/* What a change takes of its transaction before the journal is written. */

const char *const *em_kept_suffixes(const char *manager)
{
    static const char *const rpm[] = {".rpmsave", ".rpmnew", ".rpmorig",
                                      NULL};
    static const char *const dpkg[] = {".dpkg-old", ".dpkg-dist",
                                       ".dpkg-new", ".dpkg-bak",
                                       ".dpkg-remove", NULL};

    return strcmp(manager, "apt") == 0 ? dpkg : rpm;
}

/* ---- packages ---- */

static em_stored_t *store_of(em_package_t *package, apr_pool_t *p)
{
    em_stored_t *stored = apr_pcalloc(p, sizeof(*stored));
    const char *slash = strrchr(package->file, '/');

    stored->path = package->file;
    stored->name = slash ? slash + 1 : package->file;
    package->file = stored->name;
    return stored;
}

/* A copy of LIST whose packages name their files in the journal. */
static apr_status_t take_list(apr_array_header_t **pcopy, em_part_t *part,
                              const apr_array_header_t *list,
                              em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *copy = apr_array_make(p, list->nelts + 1,
                                              sizeof(em_package_t *));

    for (int i = 0; i < list->nelts; i++) {
        const em_package_t *from = APR_ARRAY_IDX(list, i, em_package_t *);
        em_package_t *package = apr_pmemdup(p, from, sizeof(*from));
        em_stored_t *stored;
        apr_status_t rv;

        if (!package->file) {
            return em_result_fail(res, APR_ENOENT, EM_EXIT_FAILED,
                                  "packages-unavailable",
                                  "the package %s-%s was not fetched",
                                  package->name, package->version);
        }
        stored = store_of(package, p);
        rv = em_sha1_file(&stored->sha1, &stored->size, stored->path, p);
        if (rv != APR_SUCCESS) {
            return em_result_fail(res, rv, EM_EXIT_FAILED, "read-failed",
                                  "cannot read the package %s: ",
                                  stored->path);
        }
        APR_ARRAY_PUSH(part->stored, em_stored_t *) = stored;
        APR_ARRAY_PUSH(copy, em_package_t *) = package;
    }
    *pcopy = copy;
    return APR_SUCCESS;
}

static apr_status_t take_packages(em_part_t *part, const em_step_t *step,
                                  em_result_t *res, apr_pool_t *p)
{
    em_transaction_t *packages = apr_pmemdup(p, step->packages,
                                             sizeof(*packages));
    apr_status_t rv;

    part->step = apr_pmemdup(p, step, sizeof(*step));
    part->step->packages = packages;
    part->stored = apr_array_make(p, 8, sizeof(em_stored_t *));
    rv = take_list(&packages->install, part, step->packages->install, res,
                   p);
    return rv == APR_SUCCESS ? take_list(&packages->remove, part,
                                         step->packages->remove, res, p)
                             : rv;
}

/* ---- paths ---- */

static const char *sum_of(const em_image_t *image, apr_pool_t *p)
{
    char sum[EM_SHA1_HEX];

    if (image->node.kind != EM_NODE_FILE) {
        return NULL;
    }
    em_sha1(sum, image->node.data, image->node.len);
    return apr_pstrdup(p, sum);
}

/* Packages name paths as they like; ours are real. */
const char *em_part_real(const em_txn_t *txn, const char *path)
{
    const char *dir = em_path_parent(path, txn->pool);

    if (em_view_real(&dir, txn->view, dir, txn->pool) != APR_SUCCESS) {
        return path;            /* the directory comes with the package */
    }
    return apr_pstrcat(txn->pool, strcmp(dir, "/") == 0 ? "" : dir,
                       strrchr(path, '/'), NULL);
}

/* AFTER: NULL where nobody knows. */
static apr_status_t keep(em_part_t *part, const em_txn_t *txn,
                         const char *path, int config,
                         const em_node_t *after, em_result_t *res)
{
    apr_pool_t *p = txn->pool;
    em_kept_t *kept = apr_pcalloc(p, sizeof(*kept));
    em_step_t *step = apr_pcalloc(p, sizeof(*step));
    em_move_t *move = &kept->move;
    apr_status_t rv;

    step->path = path;
    step->why = "";
    move->step = step;
    move->n = EM_KEPT_FIRST + part->kept->nelts;
    rv = em_path_is_plain(path) ? em_move_now(&move->before,
                                              txn->store->root, move, p)
                                : APR_EINVAL;
    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "read-failed", "read", txn, path);
    }
    if (move->before.node.kind == EM_NODE_OTHER
        || (after && after->kind == EM_NODE_OTHER)) {
        return APR_SUCCESS;
    }
    move->before_sha1 = sum_of(&move->before, p);
    kept->config = config;
    kept->expected = after != NULL;
    if (after) {
        move->after.node = *after;
        move->after_sha1 = sum_of(&move->after, p);
    }
    if (!config && move->before.node.kind == EM_NODE_FILE) {
        move->before.node.data = NULL;
    }
    APR_ARRAY_PUSH(part->kept, em_kept_t *) = kept;
    return APR_SUCCESS;
}

static const em_effect_t *effect_at(const em_step_t *step, const char *path)
{
    for (int i = 0; i < step->effects->nelts; i++) {
        const em_effect_t *effect
            = APR_ARRAY_IDX(step->effects, i, em_effect_t *);

        if (strcmp(effect->path, path) == 0) {
            return effect;
        }
    }
    return NULL;
}

/* What the manager may put beside a configuration file. */
static apr_status_t keep_siblings(em_part_t *part, const em_txn_t *txn,
                                  const em_effect_t *effect,
                                  em_result_t *res)
{
    const char *const *suffix
        = em_kept_suffixes(part->step->packages->manager);
    apr_status_t rv = APR_SUCCESS;

    for (; rv == APR_SUCCESS && *suffix; suffix++) {
        const char *path = apr_pstrcat(txn->pool, effect->path, *suffix,
                                       NULL);
        const em_effect_t *own = effect_at(part->step, path);

        rv = keep(part, txn, em_part_real(txn, path), 1,
                  own ? &own->after : NULL, res);
    }
    return rv;
}

/* Is it one that keep_siblings() takes? */
static int is_sibling(const em_part_t *part, const em_effect_t *effect,
                      apr_pool_t *p)
{
    const char *const *suffix
        = em_kept_suffixes(part->step->packages->manager);
    apr_size_t len = strlen(effect->path);

    for (; *suffix; suffix++) {
        apr_size_t n = strlen(*suffix);

        if (len > n && strcmp(effect->path + len - n, *suffix) == 0) {
            const em_effect_t *base = effect_at(
                part->step, apr_pstrmemdup(p, effect->path, len - n));

            return base && base->config;
        }
    }
    return 0;
}

apr_status_t em_part_take(em_part_t **ppart, const em_txn_t *txn,
                          const em_step_t *step, em_result_t *res)
{
    em_part_t *part = apr_pcalloc(txn->pool, sizeof(*part));
    apr_status_t rv = take_packages(part, step, res, txn->pool);
    const apr_array_header_t *effects = step->effects;

    part->kept = apr_array_make(txn->pool, 16, sizeof(em_kept_t *));
    for (int i = 0; rv == APR_SUCCESS && i < effects->nelts; i++) {
        const em_effect_t *effect = APR_ARRAY_IDX(effects, i, em_effect_t *);

        if (is_sibling(part, effect, txn->pool)) {
            continue;
        }
        rv = keep(part, txn, em_part_real(txn, effect->path), effect->config,
                  effect->script ? NULL : &effect->after, res);
        if (rv == APR_SUCCESS && effect->config && !effect->script) {
            rv = keep_siblings(part, txn, effect, res);
        }
    }
    *ppart = part;
    return rv;
}
