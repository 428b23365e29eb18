#include "change/change.h"

#include <string.h>

#include <apr_strings.h>

#include "change/part.h"

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

/* ---- what was edited since ---- */

/* Not even force replaces what is no file. */
static apr_status_t no_file(const em_txn_t *txn, const char *path,
                            em_result_t *res)
{
    path = em_view_outside(txn->view, path, txn->pool);
    em_result_hint(res, "mv %s %s.aside", path, path);
    return em_result_fail(res, APR_EBUSY, EM_EXIT_REFUSED,
                          "changed-since-switch",
                          "%s is neither a file nor a link any more; since "
                          "the change %s somebody put something else there. "
                          "Move it out of the way first", path,
                          txn->intent->info.id);
}

static void note_edit(em_plan_t *plan, const char *path)
{
    APR_ARRAY_PUSH(plan->edited, const char *) = path;
}

/* All of them, so that one look is enough. */
static apr_status_t refuse_edits(const em_plan_t *plan, const em_txn_t *txn,
                                 em_result_t *res)
{
    const char *id = txn->intent->info.id, *names = "";
    int n = plan->edited->nelts;

    for (int i = 0; i < n; i++) {
        names = apr_pstrcat(txn->pool, names,
                            i == 0 ? "" : i == n - 1 ? " and " : ", ",
                            em_view_outside(txn->view, APR_ARRAY_IDX(
                                plan->edited, i, const char *), txn->pool),
                            NULL);
    }
    em_result_hint(res, "ea-mpm rollback %s --force", id);
    return em_result_fail(res, APR_EBUSY, EM_EXIT_REFUSED,
                          "changed-since-switch",
                          "%s %s edited after the change %s, and rolling "
                          "back replaces %s. With --force it does, and keeps "
                          "what is in %s now below %s/journal", names,
                          n == 1 ? "was" : "were", id,
                          n == 1 ? "it" : "them", n == 1 ? "it" : "them",
                          txn->store->outside);
}

const char *em_txn_before_file(const em_txn_t *txn, const char *path)
{
    const em_intent_t *intent = txn->intent;
    const em_kept_t *kept = em_kept_at(intent->packages, path);
    const em_move_t *found = kept && kept->config ? &kept->move : NULL;

    for (int i = 0; !found && i < intent->moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(intent->moves, i, em_move_t *);

        found = !move->over && strcmp(move->step->path, path) == 0 ? move
                                                                   : NULL;
    }
    if (!found || found->before.node.kind != EM_NODE_FILE) {
        return NULL;
    }
    return apr_psprintf(txn->pool, "%s/journal/%s/%s/%d", txn->store->outside,
                        intent->info.id,
                        found->n >= EM_KEPT_FIRST ? "kept" : "before",
                        found->n % EM_KEPT_FIRST);
}

/* What the inverse transaction (NULL: there is none) leaves at PATH, where it
 * does anything. */
static const em_node_t *left_at(const em_step_t *step, const char *path,
                                const em_txn_t *txn)
{
    for (int i = 0; step && i < step->effects->nelts; i++) {
        const em_effect_t *effect
            = APR_ARRAY_IDX(step->effects, i, em_effect_t *);

        if (strcmp(em_part_real(txn, effect->path), path) == 0) {
            return &effect->after;
        }
    }
    return NULL;
}

/* The step back of MOVE; *PSTEP is NULL if the path is there already. */
static apr_status_t step_back(em_step_t **pstep, const em_txn_t *txn,
                              const em_move_t *move,
                              const em_step_t *packages, em_plan_t *plan,
                              em_result_t *res)
{
    em_step_t *step = apr_pcalloc(txn->pool, sizeof(*step));
    const em_node_t *left = left_at(packages, move->step->path, txn);
    em_image_t now;
    apr_status_t rv = em_move_now(&now, txn->store->root, move, txn->pool);

    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "read-failed", "look at", txn,
                                move->step->path);
    }
    *pstep = NULL;
    if (now.node.kind == EM_NODE_OTHER) {
        return no_file(txn, move->step->path, res);
    }
    if (!em_node_same(&now.node, &move->after.node)
        && !em_node_same(&now.node, &move->before.node)) {
        note_edit(plan, move->step->path);
    }
    if (em_node_same(left ? left : &now.node, &move->before.node)) {
        return APR_SUCCESS;
    }
    step->kind = EM_STEP_PATH;
    step->path = move->step->path;
    step->why = apr_psprintf(txn->pool, "take back: %s", move->step->why);
    step->before = left ? *left : now.node;
    step->after = move->before.node;
    *pstep = step;
    return APR_SUCCESS;
}

/* ---- packages ---- */

/* The packages as the change left them, and those of before still here? */
static apr_status_t check_packages(const em_txn_t *txn, em_result_t *res)
{
    const em_part_t *part = txn->intent->packages;
    const em_txn_info_t *info = &txn->intent->info;
    const char *damaged;

    if (em_transaction_state(part->step->packages, txn->view, txn->pool)
        != 1) {
        em_result_hint(res, "ea-mpm switch %s", info->from);
        return em_result_fail(res, APR_EBUSY, EM_EXIT_REFUSED,
                              "changed-since-switch",
                              "The packages were changed after the change "
                              "%s (updated, perhaps), and those of before do "
                              "not belong to them any more. A switch leads "
                              "back with the packages of today", info->id);
    }
    damaged = em_part_damage(part);
    if (damaged) {
        em_result_hint(res, "ea-mpm switch %s", info->from);
        return em_result_fail(res, APR_ENOENT, EM_EXIT_REFUSED,
                              "packages-gone",
                              "The package %s of the change %s is not in its "
                              "journal any more: only the newest ones keep "
                              "theirs. A switch leads back with the packages "
                              "of today", damaged, info->id);
    }
    return APR_SUCCESS;
}

/* The links that scripts of the packages moved may move again when these go.
 */
static apr_status_t watch_links(em_step_t *step, const em_txn_t *txn,
                                em_result_t *res)
{
    const apr_array_header_t *kept = txn->intent->packages->kept;

    for (int i = 0; i < kept->nelts; i++) {
        const em_kept_t *one = APR_ARRAY_IDX(kept, i, em_kept_t *);
        em_effect_t *effect = apr_pcalloc(txn->pool, sizeof(*effect));
        em_image_t now;
        apr_status_t rv = em_move_now(&now, txn->store->root, &one->move,
                                      txn->pool);

        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "read-failed", "look at", txn,
                                    one->move.step->path);
        }
        if (em_kept_is_scripts(one, &now)) {
            effect->path = one->move.step->path;
            effect->after = now.node;
            effect->config = effect->script = 1;
            APR_ARRAY_PUSH(step->effects, em_effect_t *) = effect;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t packages_back(em_step_t **pstep, const em_txn_t *txn,
                                  em_result_t *res)
{
    const em_step_t *done = txn->intent->packages->step;
    em_step_t *step = apr_pcalloc(txn->pool, sizeof(*step));
    apr_status_t rv = check_packages(txn, res);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    step->kind = EM_STEP_PACKAGES;
    step->why = apr_psprintf(txn->pool, "take back: %s", done->why);
    step->packages = em_transaction_inverse(done->packages, txn->pool);
    (void)em_transaction_note(step->packages, txn->view, txn->pool);
    rv = em_transaction_effects(&step->effects, step->packages, txn->view,
                                res, txn->pool);
    *pstep = step;
    return rv == APR_SUCCESS ? watch_links(step, txn, res) : rv;
}

/* What the change as a whole left there, its steps after the packages
 * included. */
static const em_image_t *made_at(const em_txn_t *txn, const em_kept_t *kept)
{
    const apr_array_header_t *moves = txn->intent->moves;

    for (int i = 0; i < moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(moves, i, em_move_t *);

        if (strcmp(move->step->path, kept->move.step->path) == 0) {
            return &move->after;
        }
    }
    return kept->expected ? &kept->move.after : NULL;
}

static int same_file(const em_image_t *now, const em_image_t *then,
                     const char *sha1)
{
    char sum[EM_SHA1_HEX];

    if (then->node.data || then->node.kind != EM_NODE_FILE) {
        return em_node_same(&now->node, &then->node);
    }
    em_sha1(sum, now->node.data ? now->node.data : "", now->node.len);
    return now->node.kind == EM_NODE_FILE && sha1 && strcmp(sum, sha1) == 0;
}

/* What the path that KEPT's is beside of has now; NULL: it is beside none. */
static const em_node_t *edit_of(const em_txn_t *txn, const em_kept_t *kept)
{
    const em_part_t *part = txn->intent->packages;
    const char *const *suffix
        = em_kept_suffixes(part->step->packages->manager);
    const char *path = kept->move.step->path;
    apr_size_t len = strlen(path);

    for (; *suffix; suffix++) {
        apr_size_t n = strlen(*suffix);
        const em_kept_t *base = len > n
                                && strcmp(path + len - n, *suffix) == 0
            ? em_kept_at(part, apr_pstrmemdup(txn->pool, path, len - n))
            : NULL;
        em_image_t *now = apr_palloc(txn->pool, sizeof(*now));

        if (base && em_move_now(now, txn->store->root, &base->move,
                                txn->pool) == APR_SUCCESS) {
            return &now->node;
        }
    }
    return NULL;
}

/* An edit that the package manager puts beside the file it was made in: who
 * rolls back by force keeps it there, too. What is not the edit but a new
 * default goes. */
static int is_beside(const em_txn_t *txn, const em_kept_t *kept,
                     const em_node_t *left)
{
    em_image_t image = {.node = *left};
    const em_node_t *edit;

    if (kept->move.before.node.kind != EM_NODE_ABSENT
        || left->kind != EM_NODE_FILE
        || em_kept_knows(txn->intent->packages, &image)) {
        return 0;
    }
    edit = edit_of(txn, kept);
    return edit && em_node_same(edit, left);
}

/* *PSTEP is NULL where the packages alone bring back what was there. */
static apr_status_t kept_back(em_step_t **pstep, const em_txn_t *txn,
                              const em_kept_t *kept,
                              const em_step_t *packages, em_plan_t *plan,
                              em_result_t *res)
{
    em_step_t *step = apr_pcalloc(txn->pool, sizeof(*step));
    const char *path = kept->move.step->path;
    const em_image_t *made = made_at(txn, kept);
    const em_node_t *left = left_at(packages, path, txn);
    em_image_t now;
    apr_status_t rv = em_move_now(&now, txn->store->root, &kept->move,
                                  txn->pool);

    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "read-failed", "look at", txn,
                                path);
    }
    if (now.node.kind == EM_NODE_OTHER) {
        return no_file(txn, path, res);
    }
    if (!em_kept_is_back(kept, &now)
        && !(made ? same_file(&now, made, kept->move.after_sha1)
                  : em_kept_knows(txn->intent->packages, &now))) {
        note_edit(plan, path);
    }
    left = left ? left : &now.node;
    *pstep = NULL;
    if (em_node_same(left, &kept->move.before.node)
        || is_beside(txn, kept, left)) {
        return APR_SUCCESS;
    }
    step->kind = EM_STEP_PATH;
    step->path = path;
    step->why = "as it was before the change";
    step->before = *left;
    step->after = kept->move.before.node;
    *pstep = step;
    return APR_SUCCESS;
}

/* *PPACKAGES: the step, where there is one. */
static apr_status_t take_back_packages(em_step_t **ppackages,
                                       em_plan_t *plan, const em_txn_t *txn,
                                       em_result_t *res)
{
    const em_part_t *part = txn->intent->packages;
    em_step_t *packages = NULL;
    apr_status_t rv;

    *ppackages = NULL;
    if (!part) {
        return APR_SUCCESS;
    }
    rv = packages_back(&packages, txn, res);
    if (rv == APR_SUCCESS) {
        *ppackages = packages;
        APR_ARRAY_PUSH(plan->steps, em_step_t *) = packages;
    }
    for (int i = 0; rv == APR_SUCCESS && i < part->kept->nelts; i++) {
        const em_kept_t *kept = APR_ARRAY_IDX(part->kept, i, em_kept_t *);
        em_step_t *step = NULL;

        if (kept->config) {
            rv = kept_back(&step, txn, kept, packages, plan, res);
        }
        if (step) {
            APR_ARRAY_PUSH(plan->steps, em_step_t *) = step;
        }
    }
    return rv;
}

/* ---- the plan ---- */

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
    plan->edited = apr_array_make(p, 2, sizeof(const char *));
    return plan;
}

apr_status_t em_txn_rollback_plan(em_plan_t **pplan, const em_view_t *view,
                                  const char *id, int force,
                                  em_result_t *res, apr_pool_t *p)
{
    em_txn_t txn = {.pool = p, .view = view};
    const em_txn_info_t *info = NULL;
    em_step_t *packages = NULL;
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
    rv = take_back_packages(&packages, plan, &txn, res);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = txn.intent->moves->nelts - 1; i >= 0; i--) {
        const em_move_t *move = APR_ARRAY_IDX(txn.intent->moves, i,
                                              em_move_t *);
        em_step_t *step = NULL;

        if (move->over) {
            continue;
        }
        rv = step_back(&step, &txn, move, packages, plan, res);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (step) {
            APR_ARRAY_PUSH(plan->steps, em_step_t *) = step;
        }
    }
    if (plan->edited->nelts && !force) {
        return refuse_edits(plan, &txn, res);
    }
    *pplan = plan;
    return APR_SUCCESS;
}
