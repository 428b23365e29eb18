#include "mod_mpm_itkish_memo.h"

#include "apr_lib.h"

#include <string.h>

/* 72 KiB if all is used; pages nobody writes to cost nothing. */
#define ENTRIES     1024
#define HOST_MAX    47

typedef struct entry_t {
    const void *names;      /* of the address: what the host is looked up in */
    server_rec *fallback;   /* the default vhost, whose settings apply */
    server_rec *server;     /* what httpd picked; NULL: entry not in use */
    apr_port_t port;
    char host[HOST_MAX + 1];    /* lower case */
} entry_t;

static entry_t entries[ENTRIES];

/* The heads that no LimitRequest* of the default vhost touches. A head shorter
 * than a field may be has no field, folded or merged, that is too long. */
static int is_within_limits(const server_rec *s, const itk_plain_t *plain)
{
    return s->limit_req_line > 0 && s->limit_req_fieldsize > 0
        && plain->line_len < (apr_size_t)s->limit_req_line
        && plain->len < (apr_size_t)s->limit_req_fieldsize
        && (s->limit_req_fields <= 0
            || plain->fields <= (apr_size_t)s->limit_req_fields)
        && plain->host_len <= HOST_MAX;
}

/* The place of a host, which is copied to KEY in lower case (FNV-1a). */
static entry_t *place(char key[HOST_MAX + 1], const conn_rec *c,
                      const itk_plain_t *plain)
{
    apr_uint32_t hash = 2166136261u ^ c->local_addr->port;
    apr_size_t i;

    for (i = 0; i < plain->host_len; ++i) {
        key[i] = (char)apr_tolower(plain->host[i]);
        hash = (hash ^ (unsigned char)key[i]) * 16777619u;
    }
    key[i] = '\0';
    return &entries[(hash ^ (hash >> 16)) % ENTRIES];
}

server_rec *itk_memo_find(const conn_rec *c, const itk_plain_t *plain)
{
    char key[HOST_MAX + 1];
    const entry_t *entry;

    if (!is_within_limits(c->base_server, plain)) {
        return NULL;
    }
    entry = place(key, c, plain);
    if (entry->server == NULL || entry->names != c->vhost_lookup_data
        || entry->fallback != c->base_server
        || entry->port != c->local_addr->port || strcmp(entry->host, key)) {
        return NULL;
    }
    return entry->server;
}

void itk_memo_keep(const conn_rec *c, const itk_plain_t *plain,
                   server_rec *s)
{
    char key[HOST_MAX + 1];
    entry_t *entry;

    if (!is_within_limits(c->base_server, plain)) {
        return;
    }
    entry = place(key, c, plain);
    entry->names = c->vhost_lookup_data;
    entry->fallback = c->base_server;
    entry->server = s;
    entry->port = c->local_addr->port;
    memcpy(entry->host, key, plain->host_len + 1);
}
