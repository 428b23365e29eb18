#ifndef EM_TLS_H
#define EM_TLS_H

/* The fence around OpenSSL: only tls.c includes its headers. */

#include <apr_pools.h>
#include <sys/types.h>

typedef struct em_tls_t em_tls_t;

/* A client session over the connected, non-blocking FD, naming HOST (SNI).
 * No certificate is checked. It goes with P. */
apr_status_t em_tls_open(em_tls_t **ptls, int fd, const char *host,
                         apr_pool_t *p);
/* As read() and write(): -1 with errno EAGAIN and *PWANT = the poll events
 * to wait for. EPROTO: the handshake or the session failed. */
ssize_t em_tls_read(em_tls_t *tls, void *data, size_t len, short *pwant);
ssize_t em_tls_write(em_tls_t *tls, const void *data, size_t len,
                     short *pwant);
/* Give it back before P goes. */
void em_tls_close(em_tls_t *tls);

#endif /* EM_TLS_H */
