#ifndef MOD_MPM_ITKISH_ROUTER_H
#define MOD_MPM_ITKISH_ROUTER_H

/* The router: which virtual host will answer a connection, decided before a
 * byte of it is consumed.
 *
 * It runs in an unprivileged prefork child, in pre_connection. It only peeks
 * (MSG_PEEK), so the process that serves the connection later reads the same
 * bytes again from the kernel and decides for itself; the router's answer
 * only picks *whose* process that is. Its answer must equal stock httpd's
 * choice for every input: plain HTTP goes through httpd's own parser, TLS
 * through the SNI of the ClientHello and ap_vhost_iterate_given_conn, and
 * whether TLS or the PROXY protocol is spoken on an address at all is asked
 * of the modules that will speak it.
 *
 * Where stock answers nobody (a broken head, a refused handshake), the answer
 * is the default vhost of the address, as that is whose log and error page
 * stock uses.
 */

#include "httpd.h"
#include "http_connection.h"

typedef enum {
    ITK_ROUTE_SERVER,       /* server is the vhost that stock httpd picks */
    ITK_ROUTE_UNDECIDED,    /* no name can be known (TLS without SNI on an
                             * address with names, a head larger than the
                             * router peeks): server is the best guess */
    ITK_ROUTE_DUMMY,        /* httpd's own wake-up connection: nothing else
                             * was sent on it, and nobody reads an answer */
    ITK_ROUTE_GONE          /* the client closed, or sent nothing in time */
} itk_route_kind_t;

typedef struct itk_route_t {
    itk_route_kind_t kind;
    server_rec *server;     /* never NULL for SERVER and UNDECIDED; else the
                             * default vhost of the address */
    int tls;                /* TLS is spoken on this connection */
    apr_size_t peeked;      /* bytes looked at, for the debug log */
    const char *why;        /* one phrase for the log: "sni", "host",
                             * "broken head", "closed" ... static text */
} itk_route_t;

/* The most bytes of a connection the router looks at. */
#define ITK_ROUTE_PEEK_MAX  (64 * 1024)

/* Route the connection C whose client socket is CSD (blocking, nothing read).
 * The client may be silent for TIMEOUT (httpd's Timeout), and take as long for
 * everything as mod_reqtimeout lets it. SO_RCVLOWAT is back at 1 when it
 * returns and no byte has been consumed. ROUTE is complete on APR_SUCCESS;
 * any other status means the socket failed. Scratch memory comes from
 * subpools of c->pool that are destroyed before returning.
 *
 * One recv() where the whole head is there already. A client that has sent
 * part of a head and runs out of time is given to the default vhost, as stock
 * answers 408 in its name. */
apr_status_t itk_route(itk_route_t *proute, conn_rec *c, apr_socket_t *csd,
                       apr_interval_time_t timeout);

#endif /* MOD_MPM_ITKISH_ROUTER_H */
