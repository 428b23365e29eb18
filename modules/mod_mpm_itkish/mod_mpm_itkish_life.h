#ifndef MOD_MPM_ITKISH_LIFE_H
#define MOD_MPM_ITKISH_LIFE_H

/* The parent's part: a spawner and a broker for each generation that has
 * identities, kept running, told to leave when the generation is over. */

#include "mod_mpm_itkish.h"

/* post_config: freeze the configuration; on a restart also start what it
 * needs. OK, or an HTTP status that keeps the server from starting. */
int itk_life_post_config(apr_pool_t *pconf, server_rec *s);

/* pre_mpm: start what the configuration needs, on a cold start. */
int itk_life_pre_mpm(apr_pool_t *p);

/* monitor: start the spawner again if it had died too often too fast. */
int itk_life_monitor(apr_pool_t *p, server_rec *s);

/* child_status: a prefork child of the parent's is gone. */
void itk_life_child_gone(int slot);

#endif /* MOD_MPM_ITKISH_LIFE_H */
