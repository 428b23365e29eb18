#include "rehearse/php.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

static int speaks_of_php(const char *text)
{
    for (; text && *text; text++) {
        if (strncasecmp(text, "php", 3) == 0) {
            return 1;
        }
    }
    return 0;
}

static void add_once(apr_array_header_t *list, const char *word)
{
    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), word) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(list, const char *) = word;
}

/* "AddHandler application/x-httpd-php .php .phtml": words from the second
 * on. Only names that can be a file's ending become one. */
static void add_extensions(em_php_map_t *map, const char *args,
                           apr_pool_t *p)
{
    const char *word;

    for (int i = 1; (word = em_conf_word(args, i, p)) != NULL; i++) {
        word += *word == '.';
        if (*word && word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")]
            == '\0' && map->extensions->nelts < 4) {
            add_once(map->extensions, word);
        }
    }
}

/* "proxy:unix:/run/x.sock|fcgi://localhost/" or "fcgi://127.0.0.1:9000/..."
 * anywhere in ARGS. */
static void add_backend(em_php_map_t *map, const char *args, apr_pool_t *p)
{
    const char *unix_ = strstr(args, "unix:");
    const char *fcgi = strstr(args, "fcgi://");
    apr_size_t n;

    if (!fcgi) {
        return;
    }
    if (unix_ && unix_ < fcgi) {
        unix_ += strlen("unix:");
        n = strcspn(unix_, "|\"' ");
        add_once(map->backends, apr_pstrmemdup(p, unix_, n));
        return;
    }
    fcgi += strlen("fcgi://");
    n = strcspn(fcgi, "/\"' ");
    if (n > 0) {
        add_once(map->backends, apr_pstrmemdup(p, fcgi, n));
    }
}

static int is_any_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcasecmp(name, *names) == 0) {
            return 1;
        }
    }
    return 0;
}

em_php_map_t *em_php_map(const em_conf_t *conf, apr_pool_t *p)
{
    static const char *const lists[] = {"AddHandler", "AddType", NULL};
    static const char *const mappers[] = {"SetHandler", "ForceType",
                                          "ProxyPassMatch", "ProxyPass",
                                          "Action", "FcgidWrapper",
                                          "RewriteRule", NULL};
    em_php_map_t *map = apr_pcalloc(p, sizeof(*map));

    map->extensions = apr_array_make(p, 4, sizeof(const char *));
    map->backends = apr_array_make(p, 4, sizeof(const char *));
    for (int i = 0; conf && i < conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(conf->directives, i,
                                                em_directive_t *);

        if (!d->active || !d->args) {
            continue;
        }
        if (is_any_of(d->name, lists)) {
            if (speaks_of_php(em_conf_word(d->args, 0, p))) {
                add_extensions(map, d->args, p);
            }
        }
        else if (is_any_of(d->name, mappers)) {
            /* "SetHandler proxy:unix:/x.sock|fcgi://" without the word is
             * PHP as well, most of the time, and harmless to ask. */
            if (speaks_of_php(d->args) || strstr(d->args, "fcgi://")) {
                add_once(map->extensions, "php");
                add_backend(map, d->args, p);
            }
        }
    }
    return map;
}
