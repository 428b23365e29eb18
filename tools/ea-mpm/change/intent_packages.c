#include "change/intent.h"

#include <string.h>

#include <apr_strings.h>

/* The package step in the journal's JSON. */

#define MAX_KEPT 100000
#define MAX_PACKAGE (2LL * 1024 * 1024 * 1024)

const em_kept_t *em_kept_at(const em_part_t *part, const char *path)
{
    for (int i = 0; part && i < part->kept->nelts; i++) {
        const em_kept_t *kept = APR_ARRAY_IDX(part->kept, i, em_kept_t *);

        if (strcmp(kept->move.step->path, path) == 0) {
            return kept;
        }
    }
    return NULL;
}

/* ---- writing ---- */

static em_json_t *kept_json(const em_kept_t *kept, apr_pool_t *p)
{
    const char *path = kept->move.step->path;
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "path", em_bytes_escape(path, strlen(path), p));
    em_json_set_bool(o, "config", kept->config);
    em_json_set(o, "before", em_image_json(&kept->move.before,
                                           kept->move.before_sha1, p));
    if (kept->expected) {
        em_json_set(o, "after", em_image_json(&kept->move.after,
                                              kept->move.after_sha1, p));
    }
    return o;
}

static em_json_t *stored_json(const em_stored_t *stored, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "name", stored->name);
    em_json_set_int(o, "size", (long long)stored->size);
    return em_json_set_str(o, "sha1", stored->sha1);
}

em_json_t *em_part_json(const em_part_t *part, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p), *stored = em_json_array(p);
    em_json_t *kept = em_json_array(p);

    for (int i = 0; i < part->stored->nelts; i++) {
        em_json_add(stored, stored_json(
            APR_ARRAY_IDX(part->stored, i, em_stored_t *), p));
    }
    for (int i = 0; i < part->kept->nelts; i++) {
        em_json_add(kept, kept_json(
            APR_ARRAY_IDX(part->kept, i, em_kept_t *), p));
    }
    em_json_set_str(o, "kind", "packages");
    em_json_set_str(o, "why", part->step->why);
    em_json_set(o, "packages", em_transaction_json(part->step->packages, p));
    em_json_set(o, "remains", em_transaction_remains(part->step->packages,
                                                     p));
    em_json_set(o, "stored", stored);
    return em_json_set(o, "kept", kept);
}

/* ---- reading ---- */

/* A name in one directory, and not of something hidden. */
static int is_name(const char *name)
{
    apr_size_t len = name ? strlen(name) : 0;

    return len > 0 && len < 256 && name[0] != '.' && !strchr(name, '/');
}

static em_stored_t *stored_from(const em_json_t *o, apr_pool_t *p)
{
    em_stored_t *stored = apr_pcalloc(p, sizeof(*stored));

    stored->name = em_json_get_str(o, "name");
    stored->size = (apr_off_t)em_json_get_int(o, "size", -1);
    stored->sha1 = em_json_get_str(o, "sha1");
    return is_name(stored->name) && stored->size >= 0
           && stored->size <= MAX_PACKAGE && em_is_sha1(stored->sha1)
               ? stored : NULL;
}

/* One file for each package, which it names. */
static int take_stored(em_part_t *part, const em_json_t *array,
                       const apr_array_header_t *packages, apr_pool_t *p)
{
    for (int i = 0; i < packages->nelts; i++) {
        em_package_t *package = APR_ARRAY_IDX(packages, i, em_package_t *);
        em_stored_t *stored
            = stored_from(em_json_at(array, part->stored->nelts), p);

        if (!stored || !package->file
            || strcmp(package->file, stored->name) != 0) {
            return 0;
        }
        APR_ARRAY_PUSH(part->stored, em_stored_t *) = stored;
    }
    return 1;
}

static em_kept_t *kept_from(int n, const em_json_t *o, apr_pool_t *p)
{
    em_kept_t *kept = apr_pcalloc(p, sizeof(*kept));
    em_step_t *step = apr_pcalloc(p, sizeof(*step));
    em_move_t *move = &kept->move;
    const em_json_t *after = em_json_get(o, "after");

    move->n = EM_KEPT_FIRST + n;
    move->step = step;
    step->path = em_path_from(em_json_get_str(o, "path"), p);
    step->why = "";
    kept->config = em_json_get_bool(o, "config", 0);
    kept->expected = after != NULL;
    return step->path
           && em_image_from(&move->before, &move->before_sha1,
                            em_json_get(o, "before"), p)
           && (!after || em_image_from(&move->after, &move->after_sha1, after,
                                       p)) ? kept : NULL;
}

em_part_t *em_part_from(em_step_t *step, const em_json_t *o, apr_pool_t *p)
{
    const em_json_t *stored = em_json_get(o, "stored");
    const em_json_t *kept = em_json_get(o, "kept");
    em_part_t *part = apr_pcalloc(p, sizeof(*part));
    int n = em_json_size(kept);

    step->kind = EM_STEP_PACKAGES;
    step->packages = em_transaction_from(em_json_get(o, "packages"), p);
    part->step = step;
    part->stored = apr_array_make(p, 8, sizeof(em_stored_t *));
    part->kept = apr_array_make(p, n + 1, sizeof(em_kept_t *));
    if (!step->packages
        || !em_transaction_take_remains(step->packages,
                                        em_json_get(o, "remains"), p)
        || !em_json_is_array(stored)
        || !em_json_is_array(kept) || n > MAX_KEPT
        || !take_stored(part, stored, step->packages->install, p)
        || !take_stored(part, stored, step->packages->remove, p)
        || part->stored->nelts != em_json_size(stored)) {
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        em_kept_t *one = kept_from(i, em_json_at(kept, i), p);

        if (!one) {
            return NULL;
        }
        APR_ARRAY_PUSH(part->kept, em_kept_t *) = one;
    }
    return part;
}
