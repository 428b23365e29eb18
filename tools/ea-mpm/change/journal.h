#ifndef EM_JOURNAL_H
#define EM_JOURNAL_H

/* The state directory and the journals in it.
 *
 *   journal/ID/intent.json   the change (intent.h), written once
 *   journal/ID/sum           its digest
 *   journal/ID/before/N      bytes of a file before, and
 *   journal/ID/after/N       after step N
 *   journal/ID/state         "applying": the state, reached at its mtime
 *   journal/ID/state.applied the states to come, written beforehand, so that
 *   journal/ID/state.undone  reaching one is a rename and needs no room
 *   ...
 *   journal/.new/            a journal being written; a rename makes it real,
 *                            so that journal/ID is always whole
 *   open -> journal/ID       while ID is neither committed nor undone: what
 *                            boot scripts and package scripts look for */

#include "change/intent.h"

typedef struct em_store_t {
    apr_pool_t *pool;
    int root;                   /* the view's root */
    int dir;                    /* the state directory, -1: not there */
    const char *path;           /* of the state directory, inside the root */
    const char *outside;        /* the same outside, for messages */
} em_store_t;

/* Open the state directory, which must be ours and closed to others. With
 * CREATE it is made when it is not there, else dir is -1 then. */
apr_status_t em_store_open(em_store_t **pstore, const em_view_t *view,
                           int create, em_result_t *res, apr_pool_t *p);

/* Ids of all journals (const char *), in no useful order. */
apr_status_t em_journal_ids(apr_array_header_t **pids,
                            const em_store_t *store, em_result_t *res,
                            apr_pool_t *p);
/* Take the mark `open` away. Only under the lock, with nothing open. */
void em_journal_unmark(const em_store_t *store);
/* "journal-corrupt": WHY (a clause), and what to do. */
apr_status_t em_journal_corrupt(em_result_t *res, const em_store_t *store,
                                const char *id, const char *why);
int em_journal_exists(const em_store_t *store, const char *id);
/* Write a journal in state "prepared", synced. */
apr_status_t em_journal_write(const em_store_t *store,
                              const em_intent_t *intent, em_result_t *res,
                              apr_pool_t *p);
/* Read one whole: intent, images with their bytes, state. */
apr_status_t em_journal_read(em_intent_t **pintent, const em_store_t *store,
                             const char *id, em_result_t *res,
                             apr_pool_t *p);
/* Only its state, and when it was reached. */
apr_status_t em_journal_state(em_txn_state_t *pstate, apr_time_t *pwhen,
                              const em_store_t *store, const char *id,
                              em_result_t *res, apr_pool_t *p);
apr_status_t em_journal_set_state(const em_store_t *store, const char *id,
                                  em_txn_state_t state, em_result_t *res,
                                  apr_pool_t *p);

#endif /* EM_JOURNAL_H */
