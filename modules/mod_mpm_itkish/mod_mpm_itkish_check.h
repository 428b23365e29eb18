#ifndef MOD_MPM_ITKISH_CHECK_H
#define MOD_MPM_ITKISH_CHECK_H

/* What is refused or warned about before the server starts. */

#include "mod_mpm_itkish.h"

/* pre_config: OK only under prefork and without mpm_itk or mod_ruid2. By
 * then every LoadModule was read, whatever its place. */
int itk_check_companions(apr_pool_t *p);

/* check_config: users and limits, mutexes, core dumps, suEXEC. This runs in
 * a configtest, too. */
int itk_check_config(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);

#endif /* MOD_MPM_ITKISH_CHECK_H */
