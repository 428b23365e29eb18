#ifndef EM_PART_H
#define EM_PART_H

/* The package transaction of a change, and what the journal holds of it:
 *
 *   journal/ID/packages/     the packages that come and those that go, so
 *                            that neither way needs a network
 *   journal/ID/kept/N        configuration files that it may change, as they
 *                            were before
 *   journal/ID/found/N       what the way back found in their place and
 *                            nobody knows; it is never thrown away */

#include "change/txn.h"

/* Take STEP into *PPART: its packages with their digests, and how every path
 * is that it may change. Nothing is written. */
apr_status_t em_part_take(em_part_t **ppart, const em_txn_t *txn,
                          const em_step_t *step, em_result_t *res);
/* Write it into the new journal whose directory is FD, synced. */
apr_status_t em_part_write(int fd, const em_part_t *part, apr_pool_t *p);
/* The packages are those in the journal ID from now on. */
void em_part_point(em_part_t *part, const em_store_t *store, const char *id,
                   apr_pool_t *p);
/* Lend the kept images their bytes from the journal in FD. NULL, or why it
 * cannot be used. */
const char *em_part_read(em_part_t *part, int fd, apr_pool_t *p);
/* NULL, or the name of a package that is not there, or not what was put
 * there. */
const char *em_part_damage(const em_part_t *part);

/* The package transaction of a change undone, wherever it stands, and every
 * kept path as it was. */
apr_status_t em_part_back(em_txn_t *txn, em_log_t *log, em_result_t *res);
/* Put what nobody knows of the configuration files into the journal, before
 * the packages come back. */
apr_status_t em_kept_save(const em_txn_t *txn, em_log_t *log,
                          em_result_t *res);
/* Is it one of the links that only a script of a package moves, so that
 * nobody could expect where it leads NOW? */
int em_kept_is_scripts(const em_kept_t *kept, const em_image_t *now);
/* The paths as they were, once the packages are back. */
apr_status_t em_kept_restore(const em_txn_t *txn, em_log_t *log,
                             em_result_t *res);
/* What stands at the kept path is what somebody knows: as it was before, as
 * the transaction leaves it, or the one moved beside the other. */
int em_kept_knows(const em_part_t *part, const em_image_t *now);
/* Is NOW what stood there before? Times count only for configuration. */
int em_kept_is_back(const em_kept_t *kept, const em_image_t *now);

/* The real path of one that a package names. */
const char *em_part_real(const em_txn_t *txn, const char *path);
/* Suffixes that a package manager gives to files beside configuration files,
 * NULL-terminated. */
const char *const *em_kept_suffixes(const char *manager);

/* Bytes that the packages of journal ID take on the disk; 0: none there. */
apr_off_t em_part_size(const em_store_t *store, const char *id,
                       apr_pool_t *p);
/* Give back the room of packages that no way back needs: of the journal ID
 * (NULL: of all but the newest journals that are in force). */
void em_part_prune(const em_store_t *store, const char *id, apr_pool_t *p);

#endif /* EM_PART_H */
