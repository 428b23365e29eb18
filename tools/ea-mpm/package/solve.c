#include "package/solve.h"

#include <limits.h>
#include <string.h>

#include <apr_strings.h>

/* Depth first: take what is broken, try everything that mends it, cheapest
 * first, and never go where the best way so far is already cheaper. Each
 * decision locks a package, so no way is longer than there are packages. */

#define MAX_NODES 20000
#define COST_INSTALL 1
#define COST_CHANGE 20          /* another version of what is installed */
#define COST_REMOVE 1000

/* One way to mend. */
typedef struct option_t {
    int slot;
    const em_package_t *package;    /* NULL: remove it */
    int cost;
    const char *why;
} option_t;

typedef struct search_t {
    em_world_t *world;
    apr_pool_t *pool;
    em_slot_t *best;            /* a copy of the slots, or NULL */
    int best_cost;
    int nodes;
    const char *stuck;          /* the first dead end, a sentence */
} search_t;

/* ---- what it costs ---- */

static int rank(const em_slot_t *slot, const em_package_t *package)
{
    for (int i = 0; slot->others && i < slot->others->nelts; i++) {
        if (APR_ARRAY_IDX(slot->others, i, em_package_t *) == package) {
            return i;
        }
    }
    return 0;
}

static int cost_of(const em_slot_t *slot, const em_package_t *package)
{
    if (package == slot->now) {
        return 0;
    }
    if (!package) {
        return slot->asked ? 0 : COST_REMOVE;
    }
    return (slot->now ? COST_CHANGE : COST_INSTALL) + rank(slot, package);
}

/* ---- words ---- */

static const char *full(const em_package_t *package, apr_pool_t *p)
{
    return apr_pstrcat(p, package->name, "-", package->version, NULL);
}

static const char *any_text(const apr_array_header_t *any, apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < any->nelts; i++) {
        text = apr_pstrcat(p, text, *text ? " or " : "",
                           em_cap_text(&APR_ARRAY_IDX(any, i, em_cap_t), p),
                           NULL);
    }
    return text;
}

static void get_stuck(search_t *search, const em_broken_t *broken)
{
    const em_slot_t *slots = search->world->slots;
    apr_pool_t *p = search->pool;

    if (search->stuck) {
        return;
    }
    search->stuck = broken->requires
        ? apr_pstrcat(p, full(slots[broken->slot].then, p), " requires ",
                      any_text(broken->requires, p), ", and no package that "
                      "can be there together with the others provides it",
                      NULL)
        : apr_pstrcat(p, full(slots[broken->slot].then, p),
                      " conflicts with ",
                      full(slots[broken->other].then, p), ", and both are "
                      "needed", NULL);
}

/* ---- ways to mend ---- */

static void add_option(apr_array_header_t *list, const search_t *search,
                       int slot, const em_package_t *package,
                       const char *why)
{
    option_t option = {slot, package, 0, why};

    option.cost = cost_of(&search->world->slots[slot], package);
    for (int i = 0; i < list->nelts; i++) {
        const option_t *old = &APR_ARRAY_IDX(list, i, option_t);

        if (old->slot == slot && old->package == package) {
            return;
        }
    }
    APR_ARRAY_PUSH(list, option_t) = option;
    for (int i = list->nelts - 1; i > 0; i--) {
        option_t *o = &APR_ARRAY_IDX(list, i, option_t);

        if (o[-1].cost <= o->cost) {
            break;
        }
        option = o[-1];
        o[-1] = *o;
        *o = option;
    }
}

/* Another version of a package, or none at all. */
static void change_options(apr_array_header_t *list, const search_t *search,
                           int n, const char *why)
{
    const em_slot_t *slot = &search->world->slots[n];

    if (slot->locked) {
        return;
    }
    for (int i = 0; slot->others && i < slot->others->nelts; i++) {
        const em_package_t *other = APR_ARRAY_IDX(slot->others, i,
                                                  em_package_t *);

        if (!slot->then || strcmp(other->version, slot->then->version) != 0) {
            add_option(list, search, n, other, why);
        }
    }
    add_option(list, search, n, NULL, why);
}

static void provider_options(apr_array_header_t *list, const search_t *search,
                             const em_broken_t *broken)
{
    const em_world_t *world = search->world;
    const char *why = apr_pstrcat(search->pool, "required by ",
                                  world->slots[broken->slot].name, NULL);

    for (int i = 0; i < broken->requires->nelts; i++) {
        const em_cap_t *cap = &APR_ARRAY_IDX(broken->requires, i, em_cap_t);
        const apr_array_header_t *by = apr_hash_get(
            world->providers, cap->name, APR_HASH_KEY_STRING);

        for (int j = 0; by && j < by->nelts; j++) {
            const em_entry_t *entry = &APR_ARRAY_IDX(by, j, em_entry_t);

            if (!world->slots[entry->slot].locked
                && em_package_provides(entry->package, broken->requires,
                                       world->manager)) {
                add_option(list, search, entry->slot, entry->package, why);
            }
        }
    }
}

static apr_array_header_t *options_for(const search_t *search,
                                       const em_broken_t *broken)
{
    apr_array_header_t *list = apr_array_make(search->pool, 8,
                                              sizeof(option_t));
    const em_slot_t *slots = search->world->slots;
    const char *why;

    if (broken->requires) {
        provider_options(list, search, broken);
        why = apr_pstrcat(search->pool, "requires ",
                          any_text(broken->requires, search->pool), NULL);
        change_options(list, search, broken->slot, why);
        return list;
    }
    why = apr_pstrcat(search->pool, slots[broken->slot].name,
                      " conflicts with ",
                      em_cap_text(broken->conflict, search->pool), NULL);
    change_options(list, search, broken->other, why);
    change_options(list, search, broken->slot,
                   apr_pstrcat(search->pool, "conflicts with ",
                               em_cap_text(broken->conflict, search->pool),
                               NULL));
    return list;
}

/* ---- the search ---- */

/* At least this much is still to be paid: what is broken with only one
 * package to change, each package once. */
static int still_to_pay(const apr_array_header_t *broken,
                        apr_array_header_t *const *options, apr_pool_t *p)
{
    apr_hash_t *counted = apr_hash_make(p);
    int cost = 0;

    for (int i = 0; i < broken->nelts; i++) {
        const apr_array_header_t *list = options[i];
        int *slot = &APR_ARRAY_IDX(broken, i, em_broken_t).slot;
        int same = 1;

        for (int j = 0; j < list->nelts; j++) {
            same &= APR_ARRAY_IDX(list, j, option_t).slot == *slot;
        }
        if (same && list->nelts && !apr_hash_get(counted, slot,
                                                 sizeof(*slot))) {
            apr_hash_set(counted, slot, sizeof(*slot), slot);
            cost += APR_ARRAY_IDX(list, 0, option_t).cost;
        }
    }
    return cost;
}

static void keep_best(search_t *search, int cost)
{
    const em_world_t *world = search->world;

    search->best_cost = cost;
    search->best = apr_pmemdup(world->pool, world->slots,
                               (apr_size_t)world->n * sizeof(em_slot_t));
}

static void decide(em_world_t *world, const option_t *option)
{
    em_slot_t *slot = &world->slots[option->slot];

    slot->then = option->package;
    slot->why = option->why;
    slot->locked = 1;
    world->changed[world->n_changed++] = option->slot;
}

static void walk(search_t *search, int cost);

static void try_options(search_t *search, const apr_array_header_t *options,
                        int cost)
{
    em_world_t *world = search->world;

    for (int i = 0; i < options->nelts; i++) {
        const option_t *option = &APR_ARRAY_IDX(options, i, option_t);
        em_slot_t before = world->slots[option->slot];

        decide(world, option);
        walk(search, cost + option->cost);
        world->slots[option->slot] = before;
        world->n_changed--;
    }
}

static void walk(search_t *search, int cost)
{
    apr_pool_t *outer = search->pool, *p;
    apr_array_header_t *broken, **options;
    int least = 0;

    if (cost >= search->best_cost || search->nodes++ > MAX_NODES) {
        return;
    }
    apr_pool_create(&p, search->world->pool);
    search->pool = p;
    broken = em_world_broken(search->world, p);
    options = apr_pcalloc(p, ((apr_size_t)broken->nelts + 1)
                             * sizeof(*options));
    for (int i = 0; i < broken->nelts; i++) {
        options[i] = options_for(search, &APR_ARRAY_IDX(broken, i,
                                                        em_broken_t));
        least = options[i]->nelts < options[least]->nelts ? i : least;
    }
    if (broken->nelts == 0) {
        keep_best(search, cost);
    }
    else if (options[least]->nelts == 0) {
        search->pool = search->world->pool;
        get_stuck(search, &APR_ARRAY_IDX(broken, least, em_broken_t));
    }
    else if (cost + still_to_pay(broken, options, p) < search->best_cost) {
        try_options(search, options[least], cost);
    }
    search->pool = outer;
    /* The best way keeps words of this pool: it ends with the world's. */
    if (!search->best) {
        apr_pool_destroy(p);
    }
}

/* ---- the request ---- */

static void lock_out(em_world_t *world, const apr_array_header_t *unwanted)
{
    for (int i = 0; unwanted && i < unwanted->nelts; i++) {
        em_slot_t *slot = em_world_slot(world, APR_ARRAY_IDX(unwanted, i,
                                                             const char *));
        option_t option = {0, NULL, 0, "asked to go"};

        if (slot && !slot->locked) {
            slot->asked = 1;
            option.slot = (int)(slot - world->slots);
            decide(world, &option);
        }
    }
}

/* The versions of the wanted packages are tried one after another. */
static void want(search_t *search, const apr_array_header_t *wanted, int i,
                 int cost)
{
    em_world_t *world = search->world;
    apr_array_header_t *options;
    em_slot_t *slot;
    int n;

    if (i == wanted->nelts) {
        walk(search, cost);
        return;
    }
    slot = em_world_slot(world, APR_ARRAY_IDX(wanted, i, const char *));
    n = (int)(slot - world->slots);
    slot->asked = 1;
    options = apr_array_make(world->pool, 4, sizeof(option_t));
    if (slot->now) {
        add_option(options, search, n, slot->now, "asked for");
    }
    for (int j = 0; slot->others && j < slot->others->nelts; j++) {
        add_option(options, search, n, APR_ARRAY_IDX(slot->others, j,
                                                     em_package_t *),
                   "asked for");
    }
    for (int j = 0; j < options->nelts; j++) {
        const option_t *option = &APR_ARRAY_IDX(options, j, option_t);
        em_slot_t before = *slot;

        decide(world, option);
        want(search, wanted, i + 1, cost + option->cost);
        *slot = before;
        world->n_changed--;
    }
}

static const char *unknown(const em_world_t *world,
                           const apr_array_header_t *wanted)
{
    for (int i = 0; i < wanted->nelts; i++) {
        const char *name = APR_ARRAY_IDX(wanted, i, const char *);
        const em_slot_t *slot = em_world_slot(world, name);

        if (!slot) {
            return apr_psprintf(world->pool, "There is no package %s, "
                                "neither installed nor available", name);
        }
        if (slot->locked) {
            return apr_psprintf(world->pool, "%s is wanted and unwanted at "
                                "once", name);
        }
    }
    return NULL;
}

static em_package_t *chosen(const em_package_t *package,
                            const em_slot_t *slot, apr_pool_t *p)
{
    em_package_t *copy = apr_pmemdup(p, package, sizeof(*copy));

    copy->why = slot->why;
    copy->asked = slot->asked;
    return copy;
}

static void collect(em_transaction_t *txn, const em_slot_t *slots, int n,
                    apr_pool_t *p)
{
    for (int i = 0; i < n; i++) {
        const em_slot_t *slot = &slots[i];

        if (slot->then == slot->now) {
            continue;
        }
        if (slot->then) {
            APR_ARRAY_PUSH(txn->install, em_package_t *)
                = chosen(slot->then, slot, p);
        }
        if (slot->now) {
            APR_ARRAY_PUSH(txn->remove, em_package_t *)
                = chosen(slot->now, slot, p);
        }
    }
}

apr_status_t em_transaction_solve(em_transaction_t **ptxn,
                                  const em_package_db_t *db,
                                  const apr_array_header_t *wanted,
                                  const apr_array_header_t *unwanted,
                                  em_result_t *res, apr_pool_t *p)
{
    em_transaction_t *txn = apr_pcalloc(p, sizeof(*txn));
    search_t search = {.best_cost = INT_MAX};

    em_result_activity(res, "choosing packages");
    txn->manager = db->manager->name;
    txn->install = apr_array_make(p, 4, sizeof(em_package_t *));
    txn->remove = apr_array_make(p, 4, sizeof(em_package_t *));
    search.world = em_world_make(db, p);
    search.pool = p;
    lock_out(search.world, unwanted);
    txn->impossible = unknown(search.world, wanted);
    if (!txn->impossible) {
        want(&search, wanted, 0, 0);
        if (search.best) {
            collect(txn, search.best, search.world->n, p);
        }
        else {
            txn->impossible = search.stuck
                ? search.stuck : "No set of packages fits within reason";
        }
    }
    *ptxn = txn;
    return APR_SUCCESS;
}
