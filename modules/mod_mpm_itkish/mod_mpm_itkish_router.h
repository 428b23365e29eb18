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
 * through the SNI of the ClientHello and ap_vhost_iterate_given_conn.
 */

#include "httpd.h"
#include "http_connection.h"

typedef enum {
    ITK_ROUTE_SERVER,       /* server is the vhost that stock httpd picks */
    ITK_ROUTE_UNDECIDED,    /* no name can be known (TLS without SNI on an
                             * address with names): server is the default
                             * vhost of the address */
    ITK_ROUTE_DUMMY,        /* httpd's own wake-up connection: serve it here */
    ITK_ROUTE_GONE          /* the client closed, or sent nothing in time */
} itk_route_kind_t;

typedef struct itk_route_t {
    itk_route_kind_t kind;
    server_rec *server;     /* never NULL for SERVER and UNDECIDED */
    int tls;                /* the first bytes are a TLS ClientHello */
    apr_size_t peeked;      /* bytes looked at, for the debug log */
    const char *why;        /* one phrase for the log: "sni", "host",
                             * "malformed head", "head too large" ... */
} itk_route_t;

/* Route the connection C whose client socket is CSD (blocking, nothing read).
 * TIMEOUT bounds the whole wait for bytes. SO_RCVLOWAT is back at 1 when it
 * returns and no byte has been consumed. ROUTE is complete on APR_SUCCESS;
 * any other status means the socket failed. Scratch memory comes from a
 * subpool of c->pool that is destroyed before returning. */
apr_status_t itk_route(itk_route_t *proute, conn_rec *c, apr_socket_t *csd,
                       apr_interval_time_t timeout);

#endif /* MOD_MPM_ITKISH_ROUTER_H */
