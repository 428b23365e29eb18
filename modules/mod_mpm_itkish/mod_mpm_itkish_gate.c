#include "mod_mpm_itkish_gate.h"

#include "apr_strings.h"
#include "http_connection.h"
#include "http_protocol.h"
#include "http_request.h"

#include "itk_wire.h"
#include "mod_mpm_itkish_child.h"

#define RETRY_AFTER "5"

/* Said and logged by pre_connection already. */
static int unavailable(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Retry-After", RETRY_AFTER);
    r->connection->keepalive = AP_CONN_CLOSE;
    return HTTP_SERVICE_UNAVAILABLE;
}

/* The request turned out to be somebody else's: on a connection that has
 * served requests before, close it without an answer, which clients take as
 * an idle connection that timed out and try again; otherwise 421. */
static int misdirected(request_rec *r)
{
    conn_rec *c = r->connection;

    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "itk-misdirected: %s is not "
                  "served by processes of %s; the connection is closed",
                  r->server->server_hostname ? r->server->server_hostname
                                             : "-",
                  itk_self.policy->idents[itk_self.ident].name);
    c->keepalive = AP_CONN_CLOSE;
    if (c->keepalives > 0 && ap_is_initial_req(r)) {
        /* Requests came in one go: earlier answers may still wait here. */
        ap_flush_conn(c);
        c->aborted = 1;
        return HTTP_MISDIRECTED_REQUEST;
    }
    apr_table_setn(r->notes, "error-notes",
                   "This connection was opened for another virtual host "
                   "with another user. Please try again on a new "
                   "connection.");
    return HTTP_MISDIRECTED_REQUEST;
}

int itk_gate(request_rec *r)
{
    if (itk_self.role == ITK_ROLE_NONE || !itk_self.policy) {
        return DECLINED;
    }
    if (itk_self.role == ITK_ROLE_CHILD &&
        itk_child_refuses(r->connection) != ITK_DENY_NONE) {
        return unavailable(r);
    }
    if (itk_sconf_get(r->server)->ident == itk_self.ident) {
        return DECLINED;
    }
    return misdirected(r);
}
