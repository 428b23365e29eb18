#include "plan/draft.h"

#include <string.h>
#include <strings.h>

/* mod_php and php-fpm: what loads the one, what hands scripts to the other. */

const char *const em_php_ids[] = {
    "php_module", "php7_module", "php5_module", "php8_module", "php4_module",
    NULL
};

int em_is_php_id(const char *id)
{
    return em_wrong_id(NULL, id, NULL, em_php_ids);
}

static int mentions(const char *text, const char *word)
{
    apr_size_t len = strlen(word);

    for (; text && *text; text++) {
        if (strncasecmp(text, word, len) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_about_php(const em_directive_t *d)
{
    int php = mentions(d->args, "php");

    for (const em_conf_section_t *s = d->section; s && !php; s = s->parent) {
        php = !s->condition && mentions(s->args, "php");
    }
    return php;
}

const char *em_fpm_handler(const em_conf_t *conf)
{
    static const char *const names[] = {
        "SetHandler", "ProxyPassMatch", "ProxyPass", "RewriteRule",
        "AddHandler", "FcgidWrapper"
    };

    for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
        const em_directive_t *d;
        int i = 0;

        while ((d = em_conf_next(conf, names[n], &i)) != NULL) {
            if (mentions(d->args, "fcgi://") && is_about_php(d)) {
                return d->args;
            }
        }
    }
    return NULL;
}

int em_fpm_installed(const em_facts_t *facts, apr_pool_t *p)
{
    static const char *const patterns[] = {
        "/usr/sbin/php-fpm*", "/usr/bin/php-fpm*", "/usr/local/sbin/php-fpm*",
        "/opt/remi/php*/root/usr/sbin/php-fpm", "/opt/lampp/sbin/php-fpm*",
        "/opt/bitnami/php/sbin/php-fpm*"
    };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        apr_array_header_t *paths;

        if (em_view_glob(&paths, facts->view, patterns[i], p) == APR_SUCCESS
            && paths->nelts > 0) {
            return 1;
        }
    }
    return 0;
}
