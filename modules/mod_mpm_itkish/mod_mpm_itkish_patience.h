#ifndef MOD_MPM_ITKISH_PATIENCE_H
#define MOD_MPM_ITKISH_PATIENCE_H

/* How long mod_reqtimeout lets a client take for its first bytes.
 *
 * Its timer starts in the process that serves the connection, after the
 * router. The router keeps the same limits, or a client that dawdles could
 * hold a child for longer than under stock. The module's configuration is
 * private to it, so RequestReadTimeout is read from the configuration tree. */

#include "httpd.h"

/* One stage of RequestReadTimeout; all zero: no limit. */
typedef struct itk_stage_t {
    apr_interval_time_t first;      /* allowed before any byte */
    apr_interval_time_t most;       /* however many bytes come; 0: no end */
    apr_interval_time_t per_byte;   /* allowed more for each byte */
} itk_stage_t;

/* The stages that apply to connections whose default vhost is S: of the TLS
 * handshake, and of the head. No limits where mod_reqtimeout is not loaded.
 * Scratch memory from P. */
void itk_patience_get(itk_stage_t *phandshake, itk_stage_t *phead,
                      const server_rec *s, apr_pool_t *p);

/* How long a client that has sent LEN bytes may take in all; 0: no limit. */
apr_interval_time_t itk_stage_limit(const itk_stage_t *stage, apr_size_t len);

#endif /* MOD_MPM_ITKISH_PATIENCE_H */
