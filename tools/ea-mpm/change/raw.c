#include "change/change.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"
#include "change/txn.h"

/* Where the path really is in this tree: its directory may be reached
 * through links that the overlay has and the host has not. */
static apr_status_t real_path(const char **preal, const em_view_t *view,
                              const char *path, apr_pool_t *p)
{
    const char *dir;
    apr_status_t rv = em_view_real(&dir, view, em_path_parent(path, p), p);

    if (rv == APR_SUCCESS) {
        *preal = apr_pstrcat(p, strcmp(dir, "/") == 0 ? "" : dir,
                             strrchr(path, '/'), NULL);
    }
    return rv;
}

static apr_status_t make_parents(int root, const char *path, apr_pool_t *p)
{
    apr_array_header_t *dirs = apr_array_make(p, 2, sizeof(const char *));
    apr_status_t rv = em_dir_missing(dirs, root, path, p);

    for (int i = 0; rv == APR_SUCCESS && i < dirs->nelts; i++) {
        rv = em_dir_make(root, APR_ARRAY_IDX(dirs, i, const char *), 0755, p);
    }
    return rv;
}

/* Write NODE at PATH; with KEEP a file that is there keeps its mode, owner
 * and attributes. */
static apr_status_t put(int root, const char *path, const em_node_t *node,
                        int keep, const em_view_t *view, apr_pool_t *p)
{
    em_step_t here = {.kind = EM_STEP_PATH};
    em_move_t move = {.step = &here};
    apr_status_t rv = real_path(&here.path, view, path, p);

    if (rv == APR_SUCCESS) {
        rv = make_parents(root, here.path, p);
    }
    if (rv == APR_SUCCESS) {
        rv = em_move_now(&move.before, root, &move, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    move.after.node = *node;
    if (keep && move.before.node.kind == EM_NODE_FILE) {
        move.after.node.mode = move.before.node.mode;
        move.after.node.uid = move.before.node.uid;
        move.after.node.gid = move.before.node.gid;
        move.after.xattrs = move.before.xattrs;
    }
    else {
        move.after.node.uid = EM_NO_ID;
        move.after.node.gid = (gid_t)EM_NO_ID;
        move.after.node.mode = node->mode ? node->mode : 0644;
    }
    rv = em_move_prepare(root, "raw", &move, &move.after, p);
    return rv == APR_SUCCESS ? em_move_make(root, "raw", &move, &move.after,
                                            p)
                             : rv;
}

/* The packages as they would be unpacked, and nothing of their scripts. */
static apr_status_t put_effects(int root, const em_step_t *step,
                                const em_view_t *view, em_result_t *res,
                                apr_pool_t *p)
{
    for (int i = 0; step->effects && i < step->effects->nelts; i++) {
        const em_effect_t *effect
            = APR_ARRAY_IDX(step->effects, i, em_effect_t *);
        apr_status_t rv = APR_SUCCESS;

        if (effect->after.kind != EM_NODE_OTHER) {
            rv = put(root, effect->path, &effect->after, 0, view, p);
        }
        if (rv != APR_SUCCESS) {
            return em_result_fail(res, rv, EM_EXIT_FAILED, "write-failed",
                                  "cannot change %s: ",
                                  em_view_outside(view, effect->path, p));
        }
    }
    return APR_SUCCESS;
}

apr_status_t em_steps_apply_raw(const em_plan_t *plan, const em_view_t *view,
                                em_result_t *res, apr_pool_t *p)
{
    apr_status_t rv;
    int root;

    rv = em_dir_root(&root, view, p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "write-failed",
                              "cannot open %s: ", em_view_root(view));
    }
    for (int i = 0; i < plan->steps->nelts; i++) {
        const em_step_t *step = APR_ARRAY_IDX(plan->steps, i, em_step_t *);

        if (step->kind == EM_STEP_PACKAGES) {
            rv = put_effects(root, step, view, res, p);
            if (rv != APR_SUCCESS) {
                return rv;
            }
            continue;
        }
        rv = put(root, step->path, &step->after, 1, view, p);
        if (rv != APR_SUCCESS) {
            return em_result_fail(res, rv, EM_EXIT_FAILED, "write-failed",
                                  "cannot change %s: ",
                                  em_view_outside(view, step->path, p));
        }
    }
    return APR_SUCCESS;
}
