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

/* Let go what removed packages left, where it loads modules that are gone. */
void em_package_purge(em_transaction_t *txn, const em_package_db_t *db,
                      const em_draft_t *draft);

#endif /* EM_PACKAGE_REQUEST_H */
