#include "mod_mpm_itkish_router.h"
#include "mod_mpm_itkish_head.h"
#include "mod_mpm_itkish_memo.h"
#include "mod_mpm_itkish_speaks.h"
#include "itk_clienthello.h"
#include "itk_head.h"
#include "itk_peek.h"
#include "itk_proxyproto.h"

#include "http_core.h"
#include "http_vhost.h"
#include "apr_lib.h"
#include "apr_portable.h"
#include "apr_strings.h"

#include <string.h>

/* Enough for nearly every head; on the stack. */
#define FIRST_PEEK  8192

/* A head that stands still for this long is parsed although its end is not in
 * sight: httpd may have found the fault already that it will answer 400 to. */
#define QUIET       apr_time_from_msec(100)

/* What mod_ssl has httpd parse when a client speaks HTTP on a TLS port. */
#define HTTP_ON_TLS "GET / HTTP/1.0\r\n\r\n"

typedef enum {
    STEP_DONE,      /* the route is decided */
    STEP_MORE,      /* router->need bytes are wanted */
    STEP_NEXT       /* go on behind the PROXY header */
} step_t;

typedef struct router_t {
    itk_route_t *route;
    conn_rec *c;
    apr_pool_t *scratch;        /* NULL until something needs it */
    itk_peek_t peek;
    const itk_stage_t *stage;   /* how long all may take */
    apr_size_t need;            /* bytes wanted, after STEP_MORE */
    int proxy;                  /* a PROXY header is still to be measured */
    apr_size_t skip;            /* its length */
    itk_clienthello_t hello;
    itk_head_t head;
    apr_size_t parsed;          /* bytes the last parse had */
} router_t;

static apr_pool_t *scratch_pool(router_t *router)
{
    if (router->scratch == NULL) {
        apr_pool_create(&router->scratch, router->c->pool);
        apr_pool_tag(router->scratch, "itkish_router");
    }
    return router->scratch;
}

static step_t decide(router_t *router, itk_route_kind_t kind,
                     server_rec *server, const char *why)
{
    router->route->kind = kind;
    router->route->server = server;
    router->route->why = why;
    return STEP_DONE;
}

static step_t decide_default(router_t *router, const char *why)
{
    return decide(router, ITK_ROUTE_SERVER, router->c->base_server, why);
}

static step_t want(router_t *router, apr_size_t need)
{
    router->need = need;
    return STEP_MORE;
}

/* ------------------------------------------------------------------ dummy */

/* START, printable characters, END, and nothing else. */
static int is_framed(const char *data, apr_size_t len, const char *start,
                     const char *end)
{
    apr_size_t i, n_start = strlen(start), n_end = strlen(end);

    if (len < n_start + n_end || memcmp(data, start, n_start)
        || memcmp(data + len - n_end, end, n_end)) {
        return 0;
    }
    for (i = n_start; i < len - n_end; ++i) {
        if (apr_iscntrl(data[i])) {
            return 0;
        }
    }
    return 1;
}

/* server/mpm_unix.c wakes idle children so: from the address it connects to,
 * with nothing behind these bytes. Every byte is looked at, as anybody on this
 * machine can send them, with more in between. */
static int is_dummy(conn_rec *c, const char *data, apr_size_t len)
{
    static const char alert[] = { 0x15, 0x03, 0x01, 0x00, 0x02, 0x01, 0x00 };

    if ((data[0] != 'O' && data[0] != alert[0])
        || !apr_sockaddr_equal(c->client_addr, c->local_addr)) {
        return 0;
    }
    return (len == sizeof(alert) && !memcmp(data, alert, sizeof(alert)))
        || is_framed(data, len, "OPTIONS * HTTP/1.0\r\nUser-Agent: ",
                     " (internal dummy connection)\r\n\r\n");
}

/* -------------------------------------------------------------------- tls */

typedef struct wanted_t {
    const char *name;
    server_rec *server;
} wanted_t;

static int is_named(const apr_array_header_t *names, const char *name,
                    int (*differ)(const char *, const char *))
{
    int i;

    for (i = 0; names != NULL && i < names->nelts; ++i) {
        const char *one = APR_ARRAY_IDX(names, i, const char *);

        if (one != NULL && !differ(name, one)) {
            return 1;
        }
    }
    return 0;
}

/* mod_ssl's rule for the SNI: unlike with Host, no trailing dot is cut. */
static int match_sni(void *baton, conn_rec *c, server_rec *s)
{
    wanted_t *wanted = baton;

    (void)c;
    if (strcasecmp(wanted->name, s->server_hostname)
        && !is_named(s->names, wanted->name, strcasecmp)
        && !is_named(s->wild_names, wanted->name, ap_strcasecmp_match)) {
        return 0;
    }
    wanted->server = s;
    return 1;
}

static step_t route_sni(router_t *router)
{
    wanted_t wanted = { router->hello.name, NULL };

    ap_vhost_iterate_given_conn(router->c, match_sni, &wanted);
    if (wanted.server == NULL) {
        return decide_default(router, "sni matches no vhost");
    }
    return decide(router, ITK_ROUTE_SERVER, wanted.server, "sni");
}

static step_t route_http_on_tls(router_t *router)
{
    server_rec *server;

    (void)itk_head_parse(&server, router->c, HTTP_ON_TLS,
                         strlen(HTTP_ON_TLS));
    return decide(router, ITK_ROUTE_SERVER, server, "no TLS on a TLS port");
}

static step_t route_tls(router_t *router, const char *data, apr_size_t len)
{
    switch (itk_clienthello_feed(&router->hello, (const unsigned char *)data,
                                 len)) {
    case ITK_HELLO_MORE:
        return want(router, router->skip + router->hello.need);
    case ITK_HELLO_NAME:
        return route_sni(router);
    case ITK_HELLO_NO_NAME:
        return decide(router, router->c->vhost_lookup_data
                      ? ITK_ROUTE_UNDECIDED : ITK_ROUTE_SERVER,
                      router->c->base_server, "no sni");
    case ITK_HELLO_NOT_TLS:
        return route_http_on_tls(router);
    case ITK_HELLO_BAD:
        break;
    }
    return decide_default(router, "broken ClientHello");
}

/* ------------------------------------------------------------------ plain */

static step_t parse_plain(router_t *router, const char *data, apr_size_t len)
{
    server_rec *server;
    itk_plain_t plain;
    int is_plain = itk_plain_head(&plain, data, len);

    if (is_plain && (server = itk_memo_find(router->c, &plain)) != NULL) {
        return decide(router, ITK_ROUTE_SERVER, server, "host seen before");
    }
    router->parsed = len;
    if (itk_head_parse(&server, router->c, data, len) == ITK_PARSE_STARVED) {
        return want(router, router->skip + len + 1);
    }
    if (is_plain) {
        itk_memo_keep(router->c, &plain, server);
    }
    return decide(router, ITK_ROUTE_SERVER, server, "head");
}

/* Parse at the first look, when the head may be whole, and when it stands
 * still (QUIET); not for every byte of one that trickles in. */
static step_t route_plain(router_t *router, const char *data, apr_size_t len,
                          int quiet)
{
    int whole = itk_head_scan(&router->head, data, len);

    if (!whole && !quiet && router->parsed > 0) {
        return want(router, router->skip + len + 1);
    }
    return parse_plain(router, data, len);
}

/* The head is larger than we look: what it says so far is the best guess, as
 * if it ended behind its last whole line. */
static void guess_plain(router_t *router, const char *data, apr_size_t len)
{
    server_rec *server = router->c->base_server;
    char *copy = apr_palloc(scratch_pool(router), len + 2);

    while (len > 0 && data[len - 1] != '\n') {
        --len;
    }
    memcpy(copy, data, len);
    memcpy(copy + len, "\r\n", 2);
    (void)itk_head_parse(&server, router->c, copy, len + 2);
    decide(router, ITK_ROUTE_UNDECIDED, server, "head too large");
}

/* ------------------------------------------------------------------- both */

/* Find where the bytes behind the PROXY header start. */
static step_t skip_proxy(router_t *router)
{
    apr_size_t n = 0;

    switch (itk_proxyproto_measure(&n, (unsigned char *)router->peek.data,
                                   router->peek.len)) {
    case ITK_PROXY_MORE:
        return want(router, n);
    case ITK_PROXY_NONE:
        return decide_default(router, "no PROXY header");
    case ITK_PROXY_HEADER:
        break;
    }
    router->proxy = 0;
    router->skip = n;
    return STEP_NEXT;
}

/* Decide on what was peeked. */
static step_t examine(router_t *router, int quiet)
{
    const char *data = router->peek.data;
    apr_size_t len = router->peek.len;
    step_t step = router->proxy ? skip_proxy(router) : STEP_NEXT;

    if (is_dummy(router->c, data, len)) {
        return decide(router, ITK_ROUTE_DUMMY, router->c->base_server,
                      "dummy connection");
    }
    if (step != STEP_NEXT) {
        return step;
    }
    if (len <= router->skip) {
        return want(router, router->skip + 1);
    }
    data += router->skip;
    len -= router->skip;
    if (router->route->tls) {
        return route_tls(router, data, len);
    }
    if (router->c->vhost_lookup_data == NULL) {
        return decide_default(router, "only vhost of the address");
    }
    return route_plain(router, data, len, quiet);
}

/* More bytes were wanted, and RV came instead. */
static apr_status_t give_up(router_t *router, apr_status_t rv)
{
    apr_size_t len = router->peek.len;

    if (rv != APR_EOF && rv != APR_TIMEUP && rv != APR_ENOSPC
        && !APR_STATUS_IS_ECONNRESET(rv)) {
        return rv;
    }
    if (len == 0 || APR_STATUS_IS_ECONNRESET(rv)) {
        decide(router, ITK_ROUTE_GONE, router->c->base_server,
               rv == APR_TIMEUP ? "silent" : "closed");
    }
    else if (rv != APR_ENOSPC || router->proxy) {
        decide_default(router, rv == APR_TIMEUP ? "incomplete in time"
                       : "incomplete");
    }
    else if (router->route->tls) {
        decide(router, ITK_ROUTE_UNDECIDED, router->c->base_server,
               "ClientHello too large");
    }
    else {
        guess_plain(router, router->peek.data + router->skip,
                    len - router->skip);
    }
    return APR_SUCCESS;
}

/* Look once more: wait for news, but where the first buffer is full look into
 * the largest one at once. */
static apr_status_t look_again(router_t *router)
{
    itk_peek_t *peek = &router->peek;
    int unparsed = router->parsed > 0
        && router->parsed + router->skip < peek->len;

    if (peek->len == peek->size && peek->size < ITK_ROUTE_PEEK_MAX) {
        peek->data = apr_palloc(scratch_pool(router), ITK_ROUTE_PEEK_MAX);
        peek->size = ITK_ROUTE_PEEK_MAX;
        return itk_peek_now(peek);
    }
    peek->total = itk_stage_limit(router->stage, peek->len);
    return itk_peek_wait(peek, router->need, unparsed ? QUIET : 0);
}

static apr_status_t run(router_t *router)
{
    apr_status_t rv = itk_peek_now(&router->peek);

    router->need = 1;
    while (rv == APR_SUCCESS || rv == APR_EAGAIN) {
        if (router->peek.len > 0
            && examine(router, rv == APR_EAGAIN) == STEP_DONE) {
            return APR_SUCCESS;
        }
        rv = look_again(router);
    }
    return give_up(router, rv);
}

apr_status_t itk_route(itk_route_t *proute, conn_rec *c, apr_socket_t *csd,
                       apr_interval_time_t timeout)
{
    const itk_speaks_t *speaks = itk_speaks_get(c);
    char first[FIRST_PEEK];
    router_t router;
    apr_os_sock_t fd;
    apr_status_t rv;

    rv = apr_os_sock_get(&fd, csd);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    memset(&router, 0, sizeof(router));
    router.route = proute;
    router.c = c;
    router.proxy = itk_speaks_proxy(c);
    proute->why = NULL;
    proute->tls = speaks->tls;
    router.stage = speaks->tls ? &speaks->handshake : &speaks->head;
    itk_clienthello_init(&router.hello);
    itk_peek_init(&router.peek, fd, first, sizeof(first), timeout);

    rv = run(&router);

    itk_peek_done(&router.peek);
    proute->peeked = router.peek.len;
    if (router.scratch != NULL) {
        apr_pool_destroy(router.scratch);
    }
    return rv;
}
