#include "mod_mpm_itkish_head.h"

#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_vhost.h"
#include "util_filter.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include <limits.h>
#include <string.h>

/* 2.4.49 exported the parts of ap_read_request(). ITK_OLD_PARSER builds the
 * other way on any httpd, for the tests. */
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 107) && !defined(ITK_OLD_PARSER)
#define HAVE_REQUEST_PARSER 1
#else
#define HAVE_REQUEST_PARSER 0
#endif

/* The bytes the parser reads, in place of a connection's input filters. */
typedef struct source_t {
    const char *data;
    apr_size_t len;
    apr_size_t pos;
    int starved;            /* the parser asked for more than there is */
} source_t;

/* A partial line is handed out, too: httpd may find it too long already. */
static apr_status_t source_read(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes)
{
    source_t *source = f->ctx;
    const char *p = source->data + source->pos;
    apr_size_t left = source->len - source->pos;
    const char *lf;

    (void)block;
    (void)readbytes;
    if (left == 0 || mode != AP_MODE_GETLINE) {
        source->starved = 1;
        return APR_EOF;
    }
    lf = memchr(p, '\n', left);
    if (lf != NULL) {
        left = (apr_size_t)(lf - p) + 1;
    }
    source->pos += left;
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_immortal_create(p, left,
                                                           bb->bucket_alloc));
    return APR_SUCCESS;
}

static ap_filter_rec_t source_filter = {
    .name = "itkish_peeked",
    .filter_func.in_func = source_read,
    .ftype = AP_FTYPE_NETWORK
};

/* Below emergency: the worker's parser will say it all again. */
static const struct ap_logconf silence = { NULL, -1 };

#if HAVE_REQUEST_PARSER

static int parse_request_line(request_rec *r)
{
    return ap_parse_request_line(r);
}

static void check_request_header(request_rec *r)
{
    (void)ap_check_request_header(r);
}

#else /* before 2.4.49 */

/* End the word at *PS and go to the next one; false if it is not one word
 * followed by one space. */
static char *next_word(char **ps)
{
    char *word = *ps;
    char *end = word + strcspn(word, " \t\n\v\f\r");

    *ps = end;
    if (*end == ' ') {
        *end = '\0';
        *ps = end + 1;
    }
    return word;
}

/* What read_request_line() of these versions accepts and leaves in R, for
 * request lines it finds no fault with. All others end in an error before a
 * vhost is picked. (HttpProtocolOptions Unsafe lets more pass; such lines go
 * to the default vhost here.) */
static int parse_request_line(request_rec *r)
{
    core_server_config *conf =
        ap_get_core_module_config(r->server->module_config);
    char *p = r->the_request;
    const char *uri;

    r->method = next_word(&p);
    uri = next_word(&p);
    r->protocol = next_word(&p);
    if (*p || !*r->method || !*uri || *ap_scan_http_token(r->method)
        || *ap_scan_vchar_obstext(uri)) {
        return 0;
    }
    r->assbackwards = !*r->protocol;
    if (r->assbackwards) {
        r->protocol = "HTTP/0.9";
        r->proto_num = HTTP_VERSION(0, 9);
    }
    else if (strlen(r->protocol) == 8 && !strncmp(r->protocol, "HTTP/", 5)
             && apr_isdigit(r->protocol[5]) && r->protocol[5] != '0'
             && r->protocol[6] == '.' && apr_isdigit(r->protocol[7])) {
        r->proto_num = HTTP_VERSION(r->protocol[5] - '0',
                                    r->protocol[7] - '0');
    }
    else {
        return 0;
    }
    r->method_number = ap_method_number_of(r->method);
    r->header_only = !strcmp(r->method, "HEAD");
    ap_parse_uri(r, uri);
    if (r->status != HTTP_OK
        || (r->parsed_uri.path && r->parsed_uri.path[0] != '/'
            && (r->method_number != M_OPTIONS
                || strcmp(r->parsed_uri.path, "*")))) {
        return 0;
    }
    if (conf->http_methods == AP_HTTP_METHODS_REGISTERED
        && r->method_number == M_INVALID) {
        return 0;
    }
    if (conf->http_conformance != AP_HTTP_CONFORMANCE_UNSAFE
        && (r->parsed_uri.fragment || r->parsed_uri.user
            || r->parsed_uri.password)) {
        return 0;
    }
    return !r->assbackwards
        || (conf->http09_enable != AP_HTTP09_DISABLE
            && (conf->http_conformance == AP_HTTP_CONFORMANCE_UNSAFE
                || !strcmp(r->method, "GET")));
}

static void check_request_header(request_rec *r)
{
    ap_update_vhost_from_headers(r);
}

#endif

/* A request as ap_create_request() makes it. Modules' create_request hooks
 * run with it where httpd offers the function. */
static request_rec *create_request(conn_rec *c)
{
#if HAVE_REQUEST_PARSER
    return ap_create_request(c);
#else
    apr_pool_t *p;
    request_rec *r;

    apr_pool_create(&p, c->pool);
    r = apr_pcalloc(p, sizeof(*r));
    r->pool = p;
    r->connection = c;
    r->server = c->base_server;
    r->per_dir_config = r->server->lookup_defaults;
    r->headers_in = apr_table_make(p, 25);
    r->trailers_in = apr_table_make(p, 1);
    r->headers_out = apr_table_make(p, 1);
    r->err_headers_out = apr_table_make(p, 1);
    r->subprocess_env = apr_table_make(p, 1);
    r->notes = apr_table_make(p, 1);
    r->request_config = ap_create_request_config(p);
    r->proto_input_filters = r->input_filters = c->input_filters;
    r->proto_output_filters = r->output_filters = c->output_filters;
    r->status = HTTP_OK;
    r->useragent_addr = c->client_addr;
    r->useragent_ip = c->client_ip;
    return r;
#endif
}

static int is_strict(const request_rec *r)
{
    core_server_config *conf =
        ap_get_core_module_config(r->server->module_config);

    return conf->http_conformance != AP_HTTP_CONFORMANCE_UNSAFE;
}

/* As httpd: the first line that is not empty, of the first eleven. */
static int read_request_line(request_rec *r, apr_bucket_brigade *bb)
{
    int blank = DEFAULT_LIMIT_BLANK_LINES;
    apr_size_t len;

    do {
        r->the_request = NULL;
        if (ap_rgetline(&r->the_request,
                        (apr_size_t)(r->server->limit_req_line + 2), &len, r,
                        is_strict(r) ? AP_GETLINE_CRLF : 0, bb)
            != APR_SUCCESS) {
            return 0;
        }
    } while (len == 0 && --blank >= 0);
    return 1;
}

/* Framing that ap_read_request() refuses before it looks for the vhost. */
static int has_bad_framing(const request_rec *r)
{
    const char *value;

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 93)
    value = apr_table_get(r->headers_in, "Content-Length");
    if (value != NULL) {
        apr_off_t n;

        if (!ap_parse_strict_length(&n, value)) {
            return 1;
        }
    }
#endif
    value = apr_table_get(r->headers_in, "Transfer-Encoding");
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 91)
    return value != NULL && !ap_is_chunked(r->pool, value);
#else
    return value != NULL && ap_cstr_casecmp(value, "chunked")
        && !ap_find_last_token(r->pool, value, "chunked");
#endif
}

/* ap_read_request() without its hooks and answers: true when it comes as far
 * as picking a vhost, which then is r->server. */
static int read_request(request_rec *r)
{
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);

    if (!read_request_line(r, bb) || !parse_request_line(r)) {
        return 0;
    }
    if (!r->assbackwards) {
        ap_get_mime_headers_core(r, bb);
        if (r->status != HTTP_OK || has_bad_framing(r)) {
            return 0;
        }
    }
    check_request_header(r);
    return 1;
}

itk_parse_t itk_head_parse(server_rec **pserver, conn_rec *c,
                           const char *data, apr_size_t len)
{
    source_t source = { data, len, 0, 0 };
    ap_filter_t filter = { .frec = &source_filter, .ctx = &source, .c = c };
    conn_rec saved = *c;
    request_rec *r;

    c->input_filters = &filter;
    c->output_filters = NULL;
    c->log = &silence;
    r = create_request(c);
    *pserver = read_request(r) ? r->server : c->base_server;
    apr_pool_destroy(r->pool);

    c->input_filters = saved.input_filters;
    c->output_filters = saved.output_filters;
    c->log = saved.log;
    c->keepalive = saved.keepalive;
    return source.starved ? ITK_PARSE_STARVED : ITK_PARSE_DONE;
}
