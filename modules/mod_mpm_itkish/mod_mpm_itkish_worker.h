#ifndef MOD_MPM_ITKISH_WORKER_H
#define MOD_MPM_ITKISH_WORKER_H

/* The worker: httpd's own code, as the virtual host's user. */

#include "mod_mpm_itkish.h"

/* Make what every worker needs, below PARENT, in the process that they are
 * forked from. */
void itk_worker_prepare(apr_pool_t *parent);

/* Serve the connections that come over SOCK as identity IDENT, which this
 * process already is, until told to leave. Does not return. */
void itk_worker_main(apr_uint32_t ident, apr_uint32_t slot,
                     apr_uint32_t serial, int sock);

#endif /* MOD_MPM_ITKISH_WORKER_H */
