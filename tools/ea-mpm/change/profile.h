#ifndef EM_PROFILE_H
#define EM_PROFILE_H

/* EasyApache 4 profiles: the whole set of packages as one file, which
 * cPanel's own tools can bring back. */

#include "change/txn.h"

/* Where cPanel's own tool is, let it write the profile of the present state
 * and note its file in the journal. That it fails is no reason to stop: the
 * journal brings back the packages without it. */
void em_profile_current(const em_txn_t *txn, em_log_t *log);
/* The file that was noted, or NULL. */
const char *em_profile_noted(const em_store_t *store, const char *id,
                             apr_pool_t *p);

#endif /* EM_PROFILE_H */
