#ifndef MOD_MPM_ITKISH_INITS_H
#define MOD_MPM_ITKISH_INITS_H

/* The modules' child_init hooks: which run at the birth of a process, which
 * when a request needs them, which never in a worker. */

#include "mod_mpm_itkish.h"

/* In the parent, for children and workers of this configuration: what few of
 * them need is put off until a request does. */
void itk_inits_put_off(void);

/* In a worker: run those that belong there, with P as the process's pool. */
void itk_inits_run(apr_pool_t *p);

/* A handler hook before all others: run what was put off, if R needs it. */
int itk_inits_handler(request_rec *r);

#endif /* MOD_MPM_ITKISH_INITS_H */
