#ifndef EM_SOLVE_H
#define EM_SOLVE_H

/* The solver's picture of the packages: one slot a name, with what is there
 * now and what would be there then. Internal to solve*.c. */

#include "package/manager.h"

typedef struct em_slot_t {
    const char *name;
    const em_package_t *now, *then;     /* NULL: not installed */
    const apr_array_header_t *others;   /* em_package_t *: available ones,
                                         * newest first */
    int locked;                 /* decided on the way to here */
    int asked;
    const char *why;
} em_slot_t;

/* A package and its place. */
typedef struct em_entry_t {
    int slot;
    const em_package_t *package;
} em_entry_t;

typedef struct em_world_t {
    apr_pool_t *pool;
    const em_manager_t *manager;
    em_slot_t *slots;           /* by name */
    int n;
    apr_hash_t *by_name;        /* name -> em_slot_t * */
    /* capability's name -> array of em_entry_t */
    apr_hash_t *providers, *requirers, *conflicters;
    int *changed, n_changed;    /* slots that were decided, in that order */
} em_world_t;

em_world_t *em_world_make(const em_package_db_t *db, apr_pool_t *p);
em_slot_t *em_world_slot(const em_world_t *world, const char *name);

/* What is wrong with the packages of then. */
typedef struct em_broken_t {
    int slot;                           /* of the one that complains */
    const apr_array_header_t *requires; /* em_cap_t; or NULL: */
    int other;                          /* the slot that it conflicts with */
    const em_cap_t *conflict;
} em_broken_t;

/* All that the decisions so far broke (em_broken_t). */
apr_array_header_t *em_world_broken(const em_world_t *world, apr_pool_t *p);
/* Does PACKAGE provide one of the capabilities? */
int em_package_provides(const em_package_t *package,
                        const apr_array_header_t *any,
                        const em_manager_t *manager);
const em_cap_t *em_package_conflict(const em_package_t *package,
                                    const em_package_t *with,
                                    const em_manager_t *manager);

#endif /* EM_SOLVE_H */
