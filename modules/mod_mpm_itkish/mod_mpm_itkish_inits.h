#ifndef MOD_MPM_ITKISH_INITS_H
#define MOD_MPM_ITKISH_INITS_H

/* The modules' child_init hooks in a worker: which run at its birth, which
 * when a request needs them, which never. */

#include "mod_mpm_itkish.h"

/* Run those that every worker needs, with P as the process's pool. */
void itk_inits_run(apr_pool_t *p);

/* A handler hook before all others: run what was put off, if R needs it. */
int itk_inits_handler(request_rec *r);

#endif /* MOD_MPM_ITKISH_INITS_H */
