#ifndef MOD_MPM_ITKISH_SPEAKS_H
#define MOD_MPM_ITKISH_SPEAKS_H

/* What is spoken on a new connection before HTTP: the PROXY protocol, TLS,
 * both or neither.
 *
 * The configuration of mod_remoteip and of the TLS modules is private to
 * them, so they are asked: their own pre_connection hook is called with a
 * copy of the connection, and what it does to the copy is the answer. */

#include "httpd.h"

#include "mod_mpm_itkish_patience.h"

/* What holds for all connections with the same default vhost. */
typedef struct itk_speaks_t {
    int tls;                    /* a TLS module will take them */
    itk_stage_t handshake;      /* how long a ClientHello may take */
    itk_stage_t head;           /* how long a request's head may take */
} itk_speaks_t;

/* Found for the first connection of each default vhost, and remembered for
 * the life of the process. */
const itk_speaks_t *itk_speaks_get(conn_rec *c);

/* True if mod_remoteip will expect a PROXY header on C (it depends on both
 * addresses). Scratch memory from a subpool that is destroyed. */
int itk_speaks_proxy(conn_rec *c);

#endif /* MOD_MPM_ITKISH_SPEAKS_H */
