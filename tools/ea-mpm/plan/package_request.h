#ifndef EM_PACKAGE_REQUEST_H
#define EM_PACKAGE_REQUEST_H

/* What a request means in packages. */

#include "plan/draft.h"

typedef struct em_package_request_t {
    apr_array_header_t *wanted;     /* names (const char *); the MPM's is the
                                     * first */
    apr_array_header_t *unwanted;
    int others;                 /* what else must come is agreed to */
} em_package_request_t;

/* What plans of one run share, so that the manager is asked and packages are
 * fetched once however many requests are tried: the databases, what
 * em_transaction_note() does for TXN, and whatever TXN does to files, for
 * which its packages are fetched and the manager's own solver is asked
 * whether it agrees. */
apr_status_t em_fetched_db(em_package_db_t **pdb, em_draft_t *draft,
                           const em_manager_t *manager, const char *prefix,
                           em_result_t *res);
int em_fetched_note(em_transaction_t *txn, em_draft_t *draft);
apr_status_t em_fetched_effects(apr_array_header_t **peffects,
                                em_transaction_t *txn, em_draft_t *draft,
                                em_result_t *res);

/* The package of the draft's MPM as the layout has it, for people. */
const char *em_package_name(const em_draft_t *draft);
/* The names of the packages that the draft's request wants and does not
 * want, in the spelling of the manager. An unknown module is EM_EXIT_USAGE. */
apr_status_t em_package_request(em_package_request_t *request,
                                em_draft_t *draft, const em_package_db_t *db,
                                em_result_t *res);
/* Mark as asked for what an MPM cannot be changed without: the MPMs and the
 * CGI modules that belong to them. */
void em_package_mark(em_transaction_t *txn,
                     const em_package_request_t *request);

/* The package of a list (em_package_t *) by its name, or NULL. */
em_package_t *em_package_listed(const apr_array_header_t *list,
                                const char *name);
/* Do the two provide the same thing, other than themselves? */
int em_package_alike(const em_package_t *a, const em_package_t *b);
/* Choose how what comes is marked: as what it takes the place of is, else as
 * asked for where the request wants it, and as there for others where they
 * brought it. em_transaction_note() has told the marks of what goes. */
void em_package_choose_marks(em_transaction_t *txn, const em_package_db_t *db,
                             const em_package_request_t *request,
                             apr_pool_t *p);

/* ---- steps on the way ---- */

/* Each may make the plan impossible. */

/* The databases, of what is available PREFIX (em_package_db_read). */
apr_status_t em_package_read(em_package_db_t **pdb, em_draft_t *draft,
                             const em_manager_t *manager, const char *prefix,
                             em_result_t *res);
/* The transaction for REQUEST, marked. */
apr_status_t em_package_solve(em_transaction_t **ptxn, em_draft_t *draft,
                              const em_package_db_t *db,
                              const em_package_request_t *request,
                              em_result_t *res);
/* Choose how its packages are marked; a manager that is not driven, but told
 * by hand, ends the plan with what to type. */
void em_package_settle(em_transaction_t *txn, em_draft_t *draft,
                       const em_package_db_t *db,
                       const em_package_request_t *request);
/* Fetch TXN, let the manager's own solver agree, and put it into the draft as
 * its package transaction. */
apr_status_t em_package_put(em_draft_t *draft, em_transaction_t *txn,
                            em_result_t *res);

/* Let go what removed packages left, where it loads modules that are gone. */
void em_package_purge(em_transaction_t *txn, const em_package_db_t *db,
                      const em_draft_t *draft);

#endif /* EM_PACKAGE_REQUEST_H */
