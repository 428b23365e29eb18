#include "package/solve.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* ---- making ---- */

static void index_add(apr_hash_t *index, const char *name, int slot,
                      const em_package_t *package, apr_pool_t *p)
{
    apr_array_header_t *list = apr_hash_get(index, name, APR_HASH_KEY_STRING);
    em_entry_t *entry;

    if (!list) {
        list = apr_array_make(p, 2, sizeof(em_entry_t));
        apr_hash_set(index, name, APR_HASH_KEY_STRING, list);
    }
    entry = apr_array_push(list);
    entry->slot = slot;
    entry->package = package;
}

static void index_caps(apr_hash_t *index, const apr_array_header_t *caps,
                       int slot, const em_package_t *package, apr_pool_t *p)
{
    for (int i = 0; i < caps->nelts; i++) {
        index_add(index, APR_ARRAY_IDX(caps, i, em_cap_t).name, slot, package,
                  p);
    }
}

static void index_package(em_world_t *world, int slot,
                          const em_package_t *package)
{
    index_caps(world->providers, package->provides, slot, package,
               world->pool);
    index_caps(world->conflicters, package->conflicts, slot, package,
               world->pool);
    for (int i = 0; i < package->requires->nelts; i++) {
        index_caps(world->requirers,
                   APR_ARRAY_IDX(package->requires, i, apr_array_header_t *),
                   slot, package, world->pool);
    }
}

static void take_names(em_world_t *world, apr_hash_t *names)
{
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(world->pool, names); hi; hi = apr_hash_next(hi)) {
        const void *name;

        apr_hash_this(hi, &name, NULL, NULL);
        if (!apr_hash_get(world->by_name, name, APR_HASH_KEY_STRING)) {
            apr_hash_set(world->by_name, name, APR_HASH_KEY_STRING, name);
            world->slots[world->n++].name = name;
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const em_slot_t *)a)->name, ((const em_slot_t *)b)->name);
}

em_world_t *em_world_make(const em_package_db_t *db, apr_pool_t *p)
{
    em_world_t *world = apr_pcalloc(p, sizeof(*world));
    apr_size_t max = apr_hash_count(db->installed)
                     + apr_hash_count(db->available);

    world->pool = p;
    world->manager = db->manager;
    world->by_name = apr_hash_make(p);
    world->providers = apr_hash_make(p);
    world->requirers = apr_hash_make(p);
    world->conflicters = apr_hash_make(p);
    world->slots = apr_pcalloc(p, (max + 1) * sizeof(*world->slots));
    world->changed = apr_pcalloc(p, (max + 1) * sizeof(*world->changed));
    take_names(world, db->installed);
    take_names(world, db->available);
    qsort(world->slots, (size_t)world->n, sizeof(*world->slots), by_name);
    for (int i = 0; i < world->n; i++) {
        em_slot_t *slot = &world->slots[i];

        apr_hash_set(world->by_name, slot->name, APR_HASH_KEY_STRING, slot);
        slot->now = slot->then = apr_hash_get(db->installed, slot->name,
                                              APR_HASH_KEY_STRING);
        slot->others = apr_hash_get(db->available, slot->name,
                                    APR_HASH_KEY_STRING);
        if (slot->now) {
            index_package(world, i, slot->now);
        }
        for (int j = 0; slot->others && j < slot->others->nelts; j++) {
            index_package(world, i, APR_ARRAY_IDX(slot->others, j,
                                                  em_package_t *));
        }
    }
    return world;
}

em_slot_t *em_world_slot(const em_world_t *world, const char *name)
{
    return apr_hash_get(world->by_name, name, APR_HASH_KEY_STRING);
}

/* ---- judging ---- */

int em_package_provides(const em_package_t *package,
                        const apr_array_header_t *any,
                        const em_manager_t *manager)
{
    for (int i = 0; i < any->nelts; i++) {
        for (int j = 0; j < package->provides->nelts; j++) {
            if (em_cap_satisfies(&APR_ARRAY_IDX(package->provides, j,
                                                em_cap_t),
                                 &APR_ARRAY_IDX(any, i, em_cap_t), manager)) {
                return 1;
            }
        }
    }
    return 0;
}

const em_cap_t *em_package_conflict(const em_package_t *package,
                                    const em_package_t *with,
                                    const em_manager_t *manager)
{
    for (int i = 0; i < package->conflicts->nelts; i++) {
        const em_cap_t *cap = &APR_ARRAY_IDX(package->conflicts, i, em_cap_t);

        for (int j = 0; j < with->provides->nelts; j++) {
            if (em_cap_satisfies(&APR_ARRAY_IDX(with->provides, j, em_cap_t),
                                 cap, manager)) {
                return cap;
            }
        }
    }
    return NULL;
}

/* Is one of the capabilities provided then? One that no package here knows
 * (a library, a file) is the manager's own business. */
static int is_provided(const em_world_t *world, const apr_array_header_t *any)
{
    for (int i = 0; i < any->nelts; i++) {
        const em_cap_t *cap = &APR_ARRAY_IDX(any, i, em_cap_t);
        const apr_array_header_t *list = apr_hash_get(
            world->providers, cap->name, APR_HASH_KEY_STRING);

        if (!list) {
            return 1;
        }
        for (int j = 0; j < list->nelts; j++) {
            const em_entry_t *entry = &APR_ARRAY_IDX(list, j, em_entry_t);

            if (world->slots[entry->slot].then == entry->package
                && em_package_provides(entry->package, any, world->manager)) {
                return 1;
            }
        }
    }
    return 0;
}

static void add_broken(apr_array_header_t *list, const em_broken_t *broken)
{
    for (int i = 0; i < list->nelts; i++) {
        const em_broken_t *old = &APR_ARRAY_IDX(list, i, em_broken_t);

        if (old->slot == broken->slot && old->requires == broken->requires
            && (broken->requires || old->other == broken->other)) {
            return;
        }
    }
    APR_ARRAY_PUSH(list, em_broken_t) = *broken;
}

/* What a package that comes asks for. */
static void judge_new(const em_world_t *world, int slot,
                      apr_array_header_t *list)
{
    const em_package_t *package = world->slots[slot].then;

    for (int i = 0; i < package->requires->nelts; i++) {
        em_broken_t broken = {.slot = slot};

        broken.requires = APR_ARRAY_IDX(package->requires, i,
                                        apr_array_header_t *);
        if (!is_provided(world, broken.requires)) {
            add_broken(list, &broken);
        }
    }
    for (int i = 0; i < package->conflicts->nelts; i++) {
        const em_cap_t *cap = &APR_ARRAY_IDX(package->conflicts, i, em_cap_t);
        const apr_array_header_t *with = apr_hash_get(
            world->providers, cap->name, APR_HASH_KEY_STRING);

        for (int j = 0; with && j < with->nelts; j++) {
            const em_entry_t *entry = &APR_ARRAY_IDX(with, j, em_entry_t);
            em_broken_t broken = {slot, NULL, entry->slot, cap};

            if (entry->slot != slot
                && world->slots[entry->slot].then == entry->package
                && em_package_conflict(package, entry->package,
                                       world->manager)) {
                add_broken(list, &broken);
            }
        }
    }
}

/* Who objects to a package that comes. */
static void judge_objections(const em_world_t *world, int slot,
                             apr_array_header_t *list)
{
    const em_package_t *package = world->slots[slot].then;

    for (int i = 0; i < package->provides->nelts; i++) {
        const apr_array_header_t *by = apr_hash_get(
            world->conflicters,
            APR_ARRAY_IDX(package->provides, i, em_cap_t).name,
            APR_HASH_KEY_STRING);

        for (int j = 0; by && j < by->nelts; j++) {
            const em_entry_t *entry = &APR_ARRAY_IDX(by, j, em_entry_t);
            em_broken_t broken = {entry->slot, NULL, slot, NULL};

            if (entry->slot != slot
                && world->slots[entry->slot].then == entry->package
                && (broken.conflict = em_package_conflict(
                        entry->package, package, world->manager)) != NULL) {
                add_broken(list, &broken);
            }
        }
    }
}

/* Who misses a package that goes. */
static void judge_missing(const em_world_t *world, const em_package_t *gone,
                          apr_array_header_t *list)
{
    for (int i = 0; i < gone->provides->nelts; i++) {
        const apr_array_header_t *by = apr_hash_get(
            world->requirers,
            APR_ARRAY_IDX(gone->provides, i, em_cap_t).name,
            APR_HASH_KEY_STRING);

        for (int j = 0; by && j < by->nelts; j++) {
            const em_entry_t *entry = &APR_ARRAY_IDX(by, j, em_entry_t);

            if (world->slots[entry->slot].then != entry->package) {
                continue;
            }
            for (int k = 0; k < entry->package->requires->nelts; k++) {
                em_broken_t broken = {.slot = entry->slot};

                broken.requires = APR_ARRAY_IDX(entry->package->requires, k,
                                                apr_array_header_t *);
                if (em_package_provides(gone, broken.requires,
                                        world->manager)
                    && !is_provided(world, broken.requires)) {
                    add_broken(list, &broken);
                }
            }
        }
    }
}

apr_array_header_t *em_world_broken(const em_world_t *world, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(em_broken_t));

    for (int i = 0; i < world->n_changed; i++) {
        const em_slot_t *slot = &world->slots[world->changed[i]];

        if (slot->then == slot->now) {
            continue;
        }
        if (slot->then) {
            judge_new(world, world->changed[i], list);
            judge_objections(world, world->changed[i], list);
        }
        if (slot->now) {
            judge_missing(world, slot->now, list);
        }
    }
    return list;
}
