#include "change/change.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "change/dir.h"
#include "change/part.h"

#define NEW_FILE_MODE 0644

/* "20261121T091502-1": the second it began, in UTC, and a number. */
static const char *new_id(const em_store_t *store, apr_time_t now,
                          apr_pool_t *p)
{
    const char *id;
    apr_time_exp_t t;
    int n = 1;

    apr_time_exp_gmt(&t, now);
    do {
        id = apr_psprintf(p, "%04d%02d%02dT%02d%02d%02d-%d",
                          t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                          t.tm_hour, t.tm_min, t.tm_sec, n++);
    } while (em_journal_exists(store, id));
    return id;
}

/* The image that a rollback brings back, from the journal it undoes. */
static const em_image_t *image_in(const em_intent_t *old, const char *path)
{
    const em_kept_t *kept;

    for (int i = 0; old && i < old->moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(old->moves, i, em_move_t *);

        if (!move->over && strcmp(move->step->path, path) == 0) {
            return &move->before;
        }
    }
    kept = old ? em_kept_at(old->packages, path) : NULL;
    return kept && kept->config ? &kept->move.before : NULL;
}

/* A file keeps all that is not its bytes; a new one gets what a new one gets
 * there. */
static void take_after(em_move_t *move, const em_intent_t *old)
{
    const em_step_t *step = move->step;
    const em_image_t *then = image_in(old, step->path);

    if (then && em_node_same(&then->node, &step->after)) {
        move->after = *then;
        return;
    }
    move->after.node = step->after;
    move->after.node.uid = EM_NO_ID;
    move->after.node.gid = (gid_t)EM_NO_ID;
    if (step->after.kind != EM_NODE_FILE) {
        return;
    }
    if (move->before.node.kind == EM_NODE_FILE) {
        move->after.node.mode = move->before.node.mode;
        move->after.node.uid = move->before.node.uid;
        move->after.node.gid = move->before.node.gid;
        move->after.xattrs = move->before.xattrs;
    }
    else if (move->after.node.mode == 0) {
        move->after.node.mode = NEW_FILE_MODE;
    }
}

static const char *sum_of(const em_image_t *image, apr_pool_t *p)
{
    char sum[EM_SHA1_HEX];

    if (image->node.kind != EM_NODE_FILE) {
        return NULL;
    }
    em_sha1(sum, image->node.data, image->node.len);
    return apr_pstrdup(p, sum);
}

/* What is there now; of a path that the packages change first, what they
 * will leave there. */
static apr_status_t take_before(em_txn_t *txn, em_move_t *move)
{
    const char *path = move->step->path;
    apr_status_t rv = em_path_is_plain(path) ? APR_SUCCESS : APR_EINVAL;

    move->over = em_kept_at(txn->intent->packages, path) != NULL;
    if (move->over) {
        move->before.node = move->step->before;
        return rv;
    }
    if (rv == APR_SUCCESS) {
        rv = em_dir_missing(txn->intent->made, txn->store->root, path,
                            txn->pool);
    }
    return rv == APR_SUCCESS ? em_move_now(&move->before, txn->store->root,
                                           move, txn->pool)
                             : rv;
}

static apr_status_t take_move(em_txn_t *txn, const em_step_t *step,
                              const em_intent_t *old, em_result_t *res)
{
    em_move_t *move = apr_pcalloc(txn->pool, sizeof(*move));
    apr_status_t rv;

    move->step = step;
    move->n = txn->intent->moves->nelts;
    rv = take_before(txn, move);
    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "read-failed", "read", txn,
                                step->path);
    }
    if (move->before.node.kind == EM_NODE_OTHER
        || step->after.kind == EM_NODE_OTHER
        || !em_node_same(&move->before.node, &step->before)) {
        return em_result_fail(res, APR_EBUSY, EM_EXIT_FAILED,
                              "changed-since-plan",
                              "%s is not as it was when the plan was made; "
                              "look at it and try again",
                              em_view_outside(txn->view, step->path,
                                              txn->pool));
    }
    take_after(move, old);
    move->before_sha1 = sum_of(&move->before, txn->pool);
    move->after_sha1 = sum_of(&move->after, txn->pool);
    APR_ARRAY_PUSH(txn->intent->moves, em_move_t *) = move;
    return APR_SUCCESS;
}

/* What this change undoes, if it is a rollback. Its made directories become
 * those to remove again. */
static apr_status_t take_old(em_intent_t **pold, em_txn_t *txn,
                             const em_plan_t *plan, em_result_t *res)
{
    em_intent_t *intent = txn->intent;
    apr_status_t rv;

    intent->made = apr_array_make(txn->pool, 2, sizeof(const char *));
    intent->unmade = apr_array_make(txn->pool, 2, sizeof(const char *));
    *pold = NULL;
    if (!plan->rolls_back) {
        return APR_SUCCESS;
    }
    rv = em_journal_read(pold, txn->store, plan->rolls_back, res, txn->pool);
    for (int i = rv == APR_SUCCESS ? (*pold)->made->nelts - 1 : -1; i >= 0;
         i--) {
        APR_ARRAY_PUSH(intent->unmade, const char *)
            = APR_ARRAY_IDX((*pold)->made, i, const char *);
    }
    return rv;
}

/* Packages come first: paths may be changed after them, never before. */
static apr_status_t take_packages(em_txn_t *txn, const em_step_t *step,
                                  em_result_t *res)
{
    if (txn->intent->packages || txn->intent->moves->nelts > 0) {
        return em_result_fail(res, APR_ENOTIMPL, EM_EXIT_FAILED,
                              "step-unsupported",
                              "a package transaction has to be the first "
                              "step of a plan, and the only one");
    }
    return em_part_take(&txn->intent->packages, txn, step, res);
}

static apr_status_t fill(em_txn_t *txn, const em_plan_t *plan,
                         const em_txn_service_t *service, em_result_t *res)
{
    em_intent_t *intent = txn->intent;
    em_txn_info_t *info = &intent->info;
    em_intent_t *old;
    apr_status_t rv = take_old(&old, txn, plan, res);

    info->from = plan->from;
    info->to = plan->to;
    info->rolls_back = plan->rolls_back;
    info->plan = apr_pmemdup(txn->pool, plan, sizeof(*plan));
    info->begun = apr_time_now();
    info->id = new_id(txn->store, info->begun, txn->pool);
    if (service) {
        info->service = *service;
    }
    intent->moves = apr_array_make(txn->pool, 8, sizeof(em_move_t *));
    info->plan->steps = apr_array_copy(txn->pool, plan->steps);
    for (int i = 0; rv == APR_SUCCESS && i < plan->steps->nelts; i++) {
        em_step_t *step = APR_ARRAY_IDX(plan->steps, i, em_step_t *);

        if (step->kind == EM_STEP_PATH) {
            rv = take_move(txn, step, old, res);
            continue;
        }
        rv = take_packages(txn, step, res);
        if (rv == APR_SUCCESS) {
            APR_ARRAY_IDX(info->plan->steps, i, em_step_t *)
                = intent->packages->step;
        }
    }
    return rv;
}

apr_status_t em_txn_begin(em_txn_t **ptxn, const em_view_t *view,
                          const em_plan_t *plan,
                          const em_txn_service_t *service, em_result_t *res,
                          apr_pool_t *p)
{
    em_txn_t *txn = apr_pcalloc(p, sizeof(*txn)), *open;
    apr_status_t rv = em_txn_open(&open, view, res, p);

    em_result_activity(res, "writing the journal");
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (open) {
        em_result_hint(res, "ea-mpm recover");
        return em_result_fail(res, APR_EBUSY, EM_EXIT_FAILED,
                              "recovery-needed",
                              "the change %s was interrupted (%s); it has "
                              "to be recovered first",
                              em_txn_info(open)->id,
                              em_txn_state_name(em_txn_info(open)->state));
    }
    txn->pool = p;
    txn->view = view;
    txn->intent = apr_pcalloc(p, sizeof(*txn->intent));
    rv = em_store_open(&txn->store, view, 1, res, p);
    if (rv == APR_SUCCESS) {
        rv = fill(txn, plan, service, res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_journal_write(txn->store, txn->intent, res, p);
    }
    if (rv == APR_SUCCESS) {
        if (txn->intent->packages) {
            em_part_point(txn->intent->packages, txn->store,
                          txn->intent->info.id, p);
        }
        *ptxn = txn;
    }
    return rv;
}
