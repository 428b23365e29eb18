#include "change/change.h"

#include <string.h>

#include <apr_strings.h>

#include "change/txn.h"

/* The newest change in force that is not a rollback itself. */
static const em_txn_info_t *last_in_force(const apr_array_header_t *list)
{
    for (int i = list->nelts - 1; i >= 0; i--) {
        const em_txn_info_t *info = APR_ARRAY_IDX(list, i, em_txn_info_t *);

        if (info->state == EM_TXN_COMMITTED && !info->rolled_back_by
            && !info->rolls_back) {
            return info;
        }
    }
    return NULL;
}

static apr_status_t choose(const em_txn_info_t **pinfo, const em_view_t *view,
                           const char *id, em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *list;
    const em_txn_info_t *info = NULL;
    apr_status_t rv = em_txn_list(&list, view, res, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = 0; id && i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, em_txn_info_t *)->id, id) == 0) {
            info = APR_ARRAY_IDX(list, i, em_txn_info_t *);
        }
    }
    if (!id) {
        info = last_in_force(list);
    }
    if (!info) {
        em_result_hint(res, "ea-mpm history");
        return em_result_fail(res, APR_ENOENT, EM_EXIT_FAILED,
                              "nothing-to-roll-back",
                              id ? "there is no change %s"
                                 : "no change is in force that could be "
                                   "rolled back", id);
    }
    if (info->state != EM_TXN_COMMITTED || info->rolled_back_by) {
        em_result_hint(res, "ea-mpm history");
        return em_result_fail(res, APR_EINVAL, EM_EXIT_FAILED,
                              "nothing-to-roll-back",
                              "the change %s is not in force: it is %s",
                              info->id,
                              info->rolled_back_by
                                  ? apr_psprintf(p, "rolled back by %s",
                                                 info->rolled_back_by)
                                  : em_txn_state_name(info->state));
    }
    *pinfo = info;
    return APR_SUCCESS;
}

/* The step back of MOVE; *PSTEP is NULL if the path is there already. */
static apr_status_t step_back(em_step_t **pstep, const em_txn_t *txn,
                              const em_move_t *move, int force,
                              em_result_t *res)
{
    em_step_t *step = apr_pcalloc(txn->pool, sizeof(*step));
    em_image_t now;
    apr_status_t rv = em_move_now(&now, txn->store->root, move, txn->pool);

    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "read-failed", "look at", txn,
                                move->step->path);
    }
    *pstep = NULL;
    if (em_node_same(&now.node, &move->before.node)) {
        return APR_SUCCESS;
    }
    if (now.node.kind == EM_NODE_OTHER
        || (!force && !em_node_same(&now.node, &move->after.node))) {
        em_result_hint(res, "ea-mpm rollback %s --force",
                       txn->intent->info.id);
        return em_result_fail(res, APR_EBUSY, EM_EXIT_REFUSED,
                              "changed-since-switch",
                              "%s was edited after the change %s; rolling "
                              "back would lose that edit",
                              em_view_outside(txn->view, move->step->path,
                                              txn->pool),
                              txn->intent->info.id);
    }
    step->kind = EM_STEP_PATH;
    step->path = move->step->path;
    step->why = apr_psprintf(txn->pool, "take back: %s", move->step->why);
    step->before = now.node;
    step->after = move->before.node;
    *pstep = step;
    return APR_SUCCESS;
}

static em_plan_t *plan_back(const em_txn_info_t *info, apr_pool_t *p)
{
    em_plan_t *plan = apr_pcalloc(p, sizeof(*plan));

    plan->from = info->to;
    plan->to = info->from;
    plan->rolls_back = info->id;
    plan->request.target = info->from;
    plan->request.with = apr_array_make(p, 1, sizeof(const char *));
    plan->request.without = apr_array_make(p, 1, sizeof(const char *));
    plan->steps = apr_array_make(p, 8, sizeof(em_step_t *));
    plan->consequences = apr_array_make(p, 1, sizeof(em_consequence_t *));
    plan->restart_units = info->plan->restart_units;
    return plan;
}

apr_status_t em_txn_rollback_plan(em_plan_t **pplan, const em_view_t *view,
                                  const char *id, int force,
                                  em_result_t *res, apr_pool_t *p)
{
    em_txn_t txn = {.pool = p, .view = view};
    const em_txn_info_t *info = NULL;
    em_plan_t *plan;
    apr_status_t rv;

    em_result_activity(res, "looking for a change to roll back");
    rv = choose(&info, view, id, res, p);

    if (rv == APR_SUCCESS) {
        rv = em_store_open(&txn.store, view, 0, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = em_journal_read(&txn.intent, txn.store, info->id, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    plan = plan_back(info, p);
    for (int i = txn.intent->moves->nelts - 1; i >= 0; i--) {
        em_step_t *step = NULL;

        rv = step_back(&step, &txn,
                       APR_ARRAY_IDX(txn.intent->moves, i, em_move_t *),
                       force, res);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (step) {
            APR_ARRAY_PUSH(plan->steps, em_step_t *) = step;
        }
    }
    *pplan = plan;
    return APR_SUCCESS;
}
