#ifndef EM_SCRATCH_H
#define EM_SCRATCH_H

/* A private directory of this run, below TMPDIR. It goes with its pool. Who
 * is killed leaves it lying; but its owner holds a lock on it, which ends
 * with him, and the next one sweeps what nobody holds. */

#include <apr_errno.h>
#include <apr_pools.h>

apr_status_t em_scratch_make(const char **pdir, apr_pool_t *p);
/* Remove such directories of dead owners from TMPDIR, /tmp and /var/tmp: our
 * own user's alone, never through a link. */
void em_scratch_sweep(apr_pool_t *p);

#endif /* EM_SCRATCH_H */
