#include "mod_mpm_itkish_linger.h"

#include "apr_portable.h"
#include "http_connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "itk_wire.h"

#define ROOM        8
#define PATIENCE_MS 2000    /* as httpd waits for a silent client */

typedef struct parked_t {
    int fd;
    apr_uint32_t until;     /* of itk_wire_now() */
} parked_t;

static parked_t parked[ROOM];
static int n_parked;
static int silent;          /* the client has nothing left to send */

void itk_linger_pre_read(request_rec *r, conn_rec *c)
{
    (void)r;
    (void)c;
    silent = 0;
}

int itk_linger_post_read(request_rec *r)
{
    silent = r->method_number == M_GET && !r->connection->master
        && apr_table_get(r->headers_in, "Content-Length") == NULL
        && apr_table_get(r->headers_in, "Transfer-Encoding") == NULL
        && apr_table_get(r->headers_in, "Upgrade") == NULL;
    return DECLINED;
}

/* Has the client closed, or had time enough to do so? */
static int is_over(const parked_t *one)
{
    char unwanted[512];
    ssize_t n;

    do {
        n = recv(one->fd, unwanted, sizeof(unwanted), MSG_DONTWAIT);
    } while (n == (ssize_t)sizeof(unwanted));
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
        return (apr_int32_t)(itk_wire_now() - one->until) >= 0;
    }
    return 1;
}

int itk_linger_pending(void)
{
    return n_parked;
}

void itk_linger_look(void)
{
    int i, n = 0;

    for (i = 0; i < n_parked; ++i) {
        if (is_over(&parked[i])) {
            (void)close(parked[i].fd);
        }
        else {
            parked[n++] = parked[i];
        }
    }
    n_parked = n;
}

/* Take the descriptor away from CSD, whose pool is cleared soon. */
static void park(apr_socket_t *csd, apr_pool_t *p)
{
    apr_os_sock_t none = -1;
    apr_os_sock_t fd;

    if (apr_os_sock_get(&fd, csd) != APR_SUCCESS
        || apr_os_sock_put(&csd, &none, p) != APR_SUCCESS) {
        (void)apr_socket_close(csd);
        return;
    }
    parked[n_parked].fd = fd;
    parked[n_parked++].until = itk_wire_now() + PATIENCE_MS;
}

void itk_linger_close(conn_rec *c, apr_socket_t *csd, int patient)
{
    int later = silent && !patient && !c->aborted;

    silent = 0;
    if (later && n_parked == ROOM) {
        itk_linger_look();
    }
    if (!later || n_parked == ROOM) {
        ap_lingering_close(c);
    }
    else if (ap_start_lingering_close(c)) {
        (void)apr_socket_close(csd);
    }
    else {
        park(csd, c->pool);
    }
}
