#ifndef EM_CHANGE_H
#define EM_CHANGE_H

/* The only room that writes to the system. A change is a plan under a
 * journal: intent and before-images are on disk before the first byte of
 * anything else changes, so that whatever happens, the old or the new state
 * can be finished, byte for byte.
 *
 * State directory (root only, below the view's root):
 *   /var/lib/ea-mpm/lock              who is writing
 *   /var/lib/ea-mpm/journal/ID/       intent.json, before/N, after/N, state,
 *                                     packages/, kept/N
 *   /var/lib/ea-mpm/open              there while a change is open
 *
 * States: prepared -> applying -> applied -> committed
 *             \___________\_________\-> undoing -> undone
 *
 *   prepared   the journal is whole; asides are being written
 *   applying   all is at hand; steps may have been made
 *   applied    every step was made and is on the disk
 */

#include "base/log.h"
#include "base/result.h"
#include "base/view.h"
#include "plan/plan.h"

#define EM_STATE_DIR "/var/lib/ea-mpm"

typedef struct em_lock_t em_lock_t;
/* One writer at a time. EM_EXIT_BUSY with "lock-held" and who holds it (pid,
 * command, since). Released when P is destroyed or the process ends. */
apr_status_t em_lock_take(em_lock_t **plock, const em_view_t *view,
                          const char *command, em_result_t *res,
                          apr_pool_t *p);

typedef enum {
    EM_TXN_PREPARED, EM_TXN_APPLYING, EM_TXN_APPLIED, EM_TXN_COMMITTED,
    EM_TXN_UNDOING, EM_TXN_UNDONE
} em_txn_state_t;

/* How the server was when the change began: what recover brings back. */
typedef struct em_txn_service_t {
    int was_running;
    em_service_t service;
} em_txn_service_t;

typedef struct em_txn_t em_txn_t;

typedef struct em_txn_info_t {
    const char *id;             /* "20261121T091502-1" */
    const char *from, *to;
    em_txn_state_t state;
    apr_time_t begun, ended;
    const char *rolled_back_by; /* id of the rollback, or NULL */
    const char *rolls_back;     /* id of what this one undid, or NULL */
    em_plan_t *plan;            /* steps as they were */
    apr_off_t packages_size;    /* bytes of packages kept for the way back */
    const char *profile;        /* file with the EasyApache 4 profile of the
                                 * state before, or NULL */
    em_txn_service_t service;
} em_txn_info_t;

/* Write intent, before-images and after-images, all synced. Refuses
 * ("changed-since-plan") where a path is no longer as the plan saw it.
 * Nothing outside the state directory has changed when it returns. */
apr_status_t em_txn_begin(em_txn_t **ptxn, const em_view_t *view,
                          const em_plan_t *plan,
                          const em_txn_service_t *service, em_result_t *res,
                          apr_pool_t *p);
/* The change itself, in parts, so that the server stands still for one of
 * them only:
 *
 *   transact  the package transaction, where there is one. While the server
 *             still runs; scripts of the packages may restart it.
 *   prepare   all that needs room, bytes and syncs: written beside its
 *             target. While the server still runs.
 *   apply     the steps: renames and removals. Between stop and start.
 *   settle    bring them to the disk, clean up. After the start.
 *   commit    the change is good.
 *
 * Who leaves one but apply out has it done by the next. On a failure
 * everything that was done is still in the journal: call em_txn_undo.
 *
 * CONF is what a server would read that was told to reload meanwhile: where
 * it would read asides too (Include of a whole directory), they are left for
 * apply. NULL: there is no such server. */
apr_status_t em_txn_transact(em_txn_t *txn, em_log_t *log, em_result_t *res);
apr_status_t em_txn_prepare(em_txn_t *txn, const em_conf_t *conf,
                            em_result_t *res);
apr_status_t em_txn_apply(em_txn_t *txn, em_log_t *log, em_result_t *res);
apr_status_t em_txn_settle(em_txn_t *txn, em_log_t *log, em_result_t *res);
apr_status_t em_txn_commit(em_txn_t *txn, em_result_t *res);
apr_status_t em_txn_undo(em_txn_t *txn, em_log_t *log, em_result_t *res);
const em_txn_info_t *em_txn_info(const em_txn_t *txn);

/* The file of the journal with what stood at PATH when the change began, or
 * NULL. */
const char *em_txn_before_file(const em_txn_t *txn, const char *path);

/* Journals, oldest first (em_txn_info_t *). A journal that cannot be read is
 * a problem ("journal-corrupt") that says what to do; nothing is changed. */
apr_status_t em_txn_list(apr_array_header_t **plist, const em_view_t *view,
                         em_result_t *res, apr_pool_t *p);
/* The open one (neither committed nor undone), or NULL. */
apr_status_t em_txn_open(em_txn_t **ptxn, const em_view_t *view,
                         em_result_t *res, apr_pool_t *p);
/* Nothing is open (the caller holds the lock and looked): take the mark away
 * that a power loss may have left. */
void em_txn_tidy(const em_view_t *view, apr_pool_t *p);
/* The plan that undoes a committed change ID (NULL: the last one). Refuses
 * ("changed-since-switch") where files changed since, unless FORCE. */
apr_status_t em_txn_rollback_plan(em_plan_t **pplan, const em_view_t *view,
                                  const char *id, int force,
                                  em_result_t *res, apr_pool_t *p);

/* Put the steps of a plan straight into a tree, without a journal: for the
 * rehearsal's overlay only, where nothing is real. */
apr_status_t em_steps_apply_raw(const em_plan_t *plan, const em_view_t *view,
                                em_result_t *res, apr_pool_t *p);

const char *em_txn_state_name(em_txn_state_t s);

#endif /* EM_CHANGE_H */
