#include "host/gather.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* "[::1]:443", "*:80", "80", "127.0.0.1", "_default_:443". PORT_ALONE: a bare
 * number is a port (Listen), else an address (VirtualHost). */
static void split_address(const char **paddress, int *pport,
                          const char *word, int port_alone, apr_pool_t *p)
{
    const char *colon = strrchr(word, ':');
    const char *bracket = strrchr(word, ']');

    *paddress = "*";
    *pport = 0;
    if (port_alone && word[strspn(word, "0123456789")] == '\0') {
        *pport = atoi(word);
        return;
    }
    if (colon && (!bracket || colon > bracket)) {
        *pport = atoi(colon + 1);
        word = apr_pstrmemdup(p, word, (apr_size_t)(colon - word));
    }
    *paddress = strcmp(word, "_default_") == 0
        || strcmp(word, "0.0.0.0") == 0 ? "*" : word;
}

void em_gather_listens(em_facts_t *facts, apr_pool_t *p)
{
    const em_directive_t *d;
    int i = 0;

    facts->listens = apr_array_make(p, 4, sizeof(em_listen_t *));
    while ((d = em_conf_next(facts->conf, "Listen", &i))) {
        const char *where = em_conf_word(d->args, 0, p);
        em_listen_t *listen;

        if (!where) {
            continue;
        }
        listen = apr_pcalloc(p, sizeof(*listen));
        split_address(&listen->address, &listen->port, where, 1, p);
        listen->protocol = em_conf_word(d->args, 1, p);
        if (!listen->protocol) {        /* httpd's own default */
            listen->protocol = listen->port == 443 ? "https" : "http";
        }
        listen->file = d->file->path;
        listen->line = d->line;
        APR_ARRAY_PUSH(facts->listens, em_listen_t *) = listen;
    }
}

/* The <VirtualHost> around a directive. */
static const em_conf_section_t *vhost_section(const em_directive_t *d)
{
    const em_conf_section_t *s;

    for (s = d->section; s; s = s->parent) {
        if (strcasecmp(s->name, "VirtualHost") == 0) {
            return s;
        }
    }
    return NULL;
}

/* Inside the server or the vhost itself, not in a <Directory> of it. */
static int is_own(const em_directive_t *d)
{
    const em_conf_section_t *s;

    for (s = d->section; s && s->condition; s = s->parent) {
        ;
    }
    return !s || strcasecmp(s->name, "VirtualHost") == 0;
}

static em_vhost_t *add_vhost(em_facts_t *facts,
                             const em_conf_section_t *section, apr_pool_t *p)
{
    em_vhost_t *vhost = apr_pcalloc(p, sizeof(*vhost));
    const char *where;

    vhost->section = section;
    vhost->tls = -1;            /* not said yet */
    if (section) {
        where = em_conf_word(section->args, 0, p);
        split_address(&vhost->address, &vhost->port, where ? where : "*", 0,
                      p);
        vhost->file = section->file->path;
        vhost->line = section->line;
    }
    APR_ARRAY_PUSH(facts->vhosts, em_vhost_t *) = vhost;
    return vhost;
}

static void take_directive(em_facts_t *facts, em_vhost_t *vhost,
                           const em_directive_t *d, apr_pool_t *p)
{
    const char *value;

    if (strcasecmp(d->name, "ServerName") == 0) {
        const char *name = em_conf_word(d->args, 0, p);
        const char *scheme = name ? strstr(name, "://") : NULL;

        name = scheme ? scheme + 3 : name;
        vhost->name = name && *name != '['
            ? apr_pstrmemdup(p, name, strcspn(name, ":")) : name;
    }
    else if (strcasecmp(d->name, "DocumentRoot") == 0) {
        value = em_conf_word(d->args, 0, p);
        vhost->document_root = value
            ? em_gather_path(facts->httpd.server_root, value, p) : NULL;
    }
    else if (strcasecmp(d->name, "SSLEngine") == 0
             || strcasecmp(d->name, "GnuTLSEnable") == 0) {
        value = em_conf_word(d->args, 0, p);
        vhost->tls = value && strcasecmp(value, "off") != 0;
    }
    if (!vhost->file) {
        vhost->file = d->file->path;
        vhost->line = d->line;
    }
}

void em_gather_vhosts(em_facts_t *facts, apr_pool_t *p)
{
    apr_hash_t *known = apr_hash_make(p);
    em_vhost_t *main_server, *vhost = NULL;
    const em_conf_section_t *last = NULL;
    int i;

    facts->vhosts = apr_array_make(p, 16, sizeof(em_vhost_t *));
    main_server = add_vhost(facts, NULL, p);
    for (i = 0; i < facts->conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(facts->conf->directives, i,
                                                em_directive_t *);
        const em_conf_section_t *section;

        if (!d->active) {
            continue;
        }
        section = d->section ? vhost_section(d) : NULL;
        if (section && section != last) {
            vhost = apr_hash_get(known, &section, sizeof(section));
            if (!vhost) {
                vhost = add_vhost(facts, section, p);
                apr_hash_set(known, &vhost->section, sizeof(section), vhost);
            }
            last = section;
        }
        if (is_own(d)) {
            take_directive(facts, section ? vhost : main_server, d, p);
        }
    }
    if (main_server->tls < 0) {
        main_server->tls = 0;
    }
    for (i = 1; i < facts->vhosts->nelts; i++) {
        vhost = APR_ARRAY_IDX(facts->vhosts, i, em_vhost_t *);
        if (vhost->tls < 0) {   /* mod_ssl merges it down */
            vhost->tls = main_server->tls;
        }
    }
}

const char *em_gather_global(const em_facts_t *facts, const char *name,
                             apr_pool_t *p)
{
    const char *value = NULL, *word;
    const em_directive_t *d;
    int i = 0;

    while ((d = em_conf_next(facts->conf, name, &i))) {
        if (is_own(d) && !vhost_section(d)
            && (word = em_conf_word(d->args, 0, p))) {
            value = word;
        }
    }
    return value;
}
