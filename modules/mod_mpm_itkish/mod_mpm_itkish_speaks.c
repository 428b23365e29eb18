#include "mod_mpm_itkish_speaks.h"

#include "http_config.h"
#include "http_connection.h"
#include "http_log.h"
#include "util_filter.h"
#include "apr_hash.h"
#include "apr_strings.h"

#include <string.h>

static const char *const proxy_modules[] = { "mod_remoteip.c", NULL };
static const char *const tls_modules[] = {
    "mod_ssl.c", "mod_tls.c", "mod_gnutls.c", "mod_nss.c", NULL
};

/* Below emergency: the hooks run again for the real connection. */
static const struct ap_logconf silence = { NULL, -1 };

static int is_listed(const char *name, const char *const *names)
{
    while (*names && strcmp(name, *names)) {
        ++names;
    }
    return *names != NULL;
}

/* Call the hooks of the modules NAMES with a copy of C; true if one of them
 * put an input filter on it. All of them work by input filters. */
static int hooks_take(conn_rec *c, const char *const *names)
{
    apr_array_header_t *hooks = ap_hook_get_pre_connection();
    ap_LINK_pre_connection_t *hook;
    apr_pool_t *scratch = NULL;
    conn_rec copy;
    int i;

    if (hooks == NULL) {
        return 0;
    }
    hook = (ap_LINK_pre_connection_t *)hooks->elts;
    for (i = 0; i < hooks->nelts; ++i) {
        if (!is_listed(hook[i].szName, names)) {
            continue;
        }
        if (scratch == NULL) {
            apr_pool_create(&scratch, c->pool);
            copy = *c;
            copy.pool = scratch;
            copy.conn_config = ap_create_conn_config(scratch);
            copy.notes = apr_table_make(scratch, 1);
            copy.input_filters = copy.output_filters = NULL;
            copy.log = &silence;
        }
        (void)hook[i].pFunc(&copy, NULL);
    }
    if (scratch == NULL) {
        return 0;
    }
    i = copy.input_filters != NULL;
    apr_pool_destroy(scratch);
    return i;
}

/* Whether one of the modules NAMES has such a hook at all. */
static int have_hooks(const char *const *names)
{
    apr_array_header_t *hooks = ap_hook_get_pre_connection();
    int i;

    for (i = 0; hooks != NULL && i < hooks->nelts; ++i) {
        if (is_listed(APR_ARRAY_IDX(hooks, i, ap_LINK_pre_connection_t).szName,
                      names)) {
            return 1;
        }
    }
    return 0;
}

int itk_speaks_proxy(conn_rec *c)
{
    static int possible = -1;   /* hooks do not change in a child's life */

    if (possible < 0) {
        possible = have_hooks(proxy_modules);
    }
    return possible && hooks_take(c, proxy_modules);
}

const itk_speaks_t *itk_speaks_get(conn_rec *c)
{
    static apr_hash_t *known;   /* server_rec * -> itk_speaks_t * */
    struct {
        server_rec *server;     /* the key must outlive the connection */
        itk_speaks_t speaks;
    } *entry;
    itk_speaks_t *speaks;
    apr_pool_t *p;

    if (known == NULL) {
        apr_pool_create(&p, NULL);
        apr_pool_tag(p, "itkish_speaks");
        known = apr_hash_make(p);
    }
    speaks = apr_hash_get(known, &c->base_server, sizeof(c->base_server));
    if (speaks == NULL) {
        p = apr_hash_pool_get(known);
        entry = apr_pcalloc(p, sizeof(*entry));
        entry->server = c->base_server;
        speaks = &entry->speaks;
        speaks->tls = hooks_take(c, tls_modules);
        itk_patience_get(&speaks->handshake, &speaks->head, c->base_server,
                         c->pool);
        apr_hash_set(known, &entry->server, sizeof(entry->server), speaks);
    }
    return speaks;
}
