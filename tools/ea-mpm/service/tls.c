#include "service/tls.h"

#include <errno.h>
#include <poll.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct em_tls_t {
    apr_pool_t *pool;
    SSL *ssl;
};

/* One for the whole process; lives until its end. */
static SSL_CTX *context(void)
{
    static SSL_CTX *ctx;

    if (!ctx) {
        ctx = SSL_CTX_new(TLS_client_method());
        if (ctx) {
            SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
            SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                                  | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
            /* Old servers are asked too: the widest offer there is. */
            SSL_CTX_set_security_level(ctx, 0);
        }
    }
    return ctx;
}

static apr_status_t give_back(void *data)
{
    em_tls_t *tls = data;

    SSL_free(tls->ssl);
    return APR_SUCCESS;
}

apr_status_t em_tls_open(em_tls_t **ptls, int fd, const char *host,
                         apr_pool_t *p)
{
    em_tls_t *tls = apr_pcalloc(p, sizeof(*tls));

    tls->pool = p;
    tls->ssl = context() ? SSL_new(context()) : NULL;
    if (!tls->ssl) {
        return APR_ENOMEM;
    }
    apr_pool_cleanup_register(p, tls, give_back, apr_pool_cleanup_null);
    if (SSL_set_fd(tls->ssl, fd) != 1
        || (host && *host && SSL_set_tlsext_host_name(tls->ssl, host) != 1)) {
        em_tls_close(tls);
        return APR_EGENERAL;
    }
    SSL_set_connect_state(tls->ssl);
    *ptls = tls;
    return APR_SUCCESS;
}

/* OpenSSL's result as that of read() or write(). */
static ssize_t outcome(em_tls_t *tls, int n, short *pwant)
{
    int error = n > 0 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, n);

    ERR_clear_error();
    switch (error) {
    case SSL_ERROR_NONE:
        return n;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
        *pwant = POLLIN;
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_WANT_WRITE:
        *pwant = POLLOUT;
        errno = EAGAIN;
        return -1;
    default:
        errno = EPROTO;
        return -1;
    }
}

ssize_t em_tls_read(em_tls_t *tls, void *data, size_t len, short *pwant)
{
    ERR_clear_error();
    return outcome(tls, SSL_read(tls->ssl, data, (int)len), pwant);
}

ssize_t em_tls_write(em_tls_t *tls, const void *data, size_t len,
                     short *pwant)
{
    ERR_clear_error();
    return outcome(tls, SSL_write(tls->ssl, data, (int)len), pwant);
}

void em_tls_close(em_tls_t *tls)
{
    apr_pool_cleanup_run(tls->pool, tls, give_back);
}
