#ifndef MOD_MPM_ITKISH_SPEAKS_H
#define MOD_MPM_ITKISH_SPEAKS_H

/* What is spoken on a new connection before HTTP: the PROXY protocol, TLS,
 * both or neither.
 *
 * The configuration of mod_remoteip and of the TLS modules is private to
 * them, so they are asked: their own pre_connection hook is called with a
 * copy of the connection, and what it does to the copy is the answer. */

#include "httpd.h"

/* True if mod_remoteip will expect a PROXY header on C (it depends on both
 * addresses). Scratch memory from a subpool that is destroyed. */
int itk_speaks_proxy(conn_rec *c);

/* True if a TLS module will take C. It depends on c->base_server only, and is
 * remembered for the life of the process. */
int itk_speaks_tls(conn_rec *c);

#endif /* MOD_MPM_ITKISH_SPEAKS_H */
