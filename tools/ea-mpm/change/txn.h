#ifndef EM_TXN_H
#define EM_TXN_H

/* A change in progress, and the steps of the room's own trade: a move is
 * prepared aside (written and synced next to its target under a name that
 * says whose it is) and then made with one rename or unlink. */

#include "change/journal.h"

struct em_txn_t {
    apr_pool_t *pool;
    const em_view_t *view;
    em_store_t *store;
    em_intent_t *intent;
    apr_array_header_t *groups; /* em_group_t *, once it is prepared */
    int transacted;             /* the packages were exchanged, and */
    int applied;                /* every other step was made, by this run */
    int untouched;              /* the package manager refused to begin */
};

/* Moves of one directory, in the order of the plan. */
typedef struct em_group_t {
    const char *dir;
    apr_array_header_t *moves;      /* em_move_t * */
    struct em_swap_t *swap;         /* a prepared copy, or NULL */
    int ready;                      /* all that needs room is done */
} em_group_t;
apr_array_header_t *em_groups(const em_intent_t *intent, apr_pool_t *p);

/* What stands at the move's path now. A missing directory makes it absent. */
apr_status_t em_move_now(em_image_t *pnow, int root, const em_move_t *move,
                         apr_pool_t *p);
/* Write IMAGE aside. */
apr_status_t em_move_prepare(int root, const char *id, const em_move_t *move,
                             const em_image_t *image, apr_pool_t *p);
/* Put what was prepared for IMAGE in its place. Not yet synced. */
apr_status_t em_move_make(int root, const char *id, const em_move_t *move,
                          const em_image_t *image, apr_pool_t *p);
/* Remove what was prepared and not used. */
apr_status_t em_move_sweep(int root, const char *id, const em_move_t *move,
                           apr_pool_t *p);

/* The other way for several names in one directory: a copy of the directory
 * with all of them changed is prepared beside it, then the two are exchanged
 * in one go, so that nobody ever sees the one without the other.
 *
 * Prepare it. *PSWAP stays NULL where the directory cannot be replaced (a
 * mount point, a subdirectory in it, no hard links, a file system that cannot
 * exchange ...) or where it is not worth it; the moves are then made one by
 * one. */
apr_status_t em_swap_prepare(struct em_swap_t **pswap, int root,
                             const char *id, const em_group_t *group,
                             apr_pool_t *p);
/* Exchange; not yet synced. APR_ENOTIMPL: the file system cannot, nothing was
 * changed. APR_EBUSY: the directory is not what was copied, nothing was
 * changed. */
apr_status_t em_swap_make(struct em_swap_t *swap, apr_pool_t *p);
/* Remove the copy beside the directory, or the directory that it replaced.
 * An entry that is neither in the journal nor in the live directory stays,
 * with all that holds it: APR_ENOTEMPTY. */
apr_status_t em_swap_sweep(int root, const char *id, const em_group_t *group,
                           apr_pool_t *p);

/* Write aside all that the moves of GROUP need, as a swap with MAY_SWAP. */
apr_status_t em_group_prepare(const em_txn_t *txn, em_group_t *group,
                              int may_swap, em_result_t *res);

/* Remove everything of ours that is beside the moves' paths. Whatever makes
 * a directory copy hold more than it should is left there, with a warning. */
apr_status_t em_txn_sweep(const em_txn_t *txn, em_log_t *log,
                          em_result_t *res);
/* Remove the directories DIRS (const char *) that are empty, last first with
 * LAST_FIRST. One that is not, or is not there, is fine. */
apr_status_t em_txn_rmdirs(const em_txn_t *txn,
                           const apr_array_header_t *dirs, int last_first,
                           em_result_t *res);

/* Words for a failure at PATH, with what usually is behind it. */
apr_status_t em_change_failed(em_result_t *res, apr_status_t rv,
                              const char *problem, const char *what,
                              const em_txn_t *txn, const char *path);

#endif /* EM_TXN_H */
