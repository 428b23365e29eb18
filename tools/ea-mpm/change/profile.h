#ifndef EM_PROFILE_H
#define EM_PROFILE_H

/* EasyApache 4 profiles: the whole set of packages as one file, which
 * cPanel's own tools can bring back. */

#include "change/txn.h"

/* Write the profile of the state before the change and note its file in the
 * journal: by cPanel's own tool where that is, else into the journal itself.
 * That it fails is no reason to stop: the journal brings back the packages
 * without it. */
void em_profile_current(const em_txn_t *txn, em_log_t *log);
/* The file that was noted, or NULL. */
const char *em_profile_noted(const em_store_t *store, const char *id,
                             apr_pool_t *p);

#endif /* EM_PROFILE_H */
