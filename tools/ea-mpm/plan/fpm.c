#include "plan/draft.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

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

static int is_installed(const em_facts_t *facts, apr_pool_t *p)
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

/* Is it a host that is not this one? */
static int is_remote(const char *handler)
{
    return !strstr(handler, "unix:") && !strstr(handler, "//localhost")
           && !strstr(handler, "//127.") && !strstr(handler, "//[::1]");
}

static int has_socket(const em_facts_t *facts, const char *handler,
                      apr_pool_t *p)
{
    const char *path = strstr(handler, "unix:");

    return path
           && em_view_exists(facts->view,
                             apr_pstrmemdup(p, path + 5,
                                            strcspn(path + 5, "|\"' \t")),
                             p);
}

int em_fpm_is_there(const em_facts_t *facts, const char *handler,
                    apr_pool_t *p)
{
    return (handler
            && (is_remote(handler) || has_socket(facts, handler, p)))
           || is_installed(facts, p);
}

void em_fpm_demand(em_draft_t *draft)
{
    static const em_package_names_t names = {
        .apt = "php-fpm", .dnf = "php-fpm", .pacman = "php-fpm",
        .apk = "php-fpm", .zypper = "php8-fpm"
    };
    const char *command = em_install_command(draft->facts, &names,
                                             draft->pool);

    em_draft_impossible(draft, "php-fpm-missing",
                        "PHP would be run by php-fpm, which is not "
                        "installed. Install it%s%s, start it, and try again",
                        command ? ": " : " with your package manager",
                        command ? command : "");
}

static int has_php(const em_conf_t *conf)
{
    for (const char *const *id = em_php_ids; *id; id++) {
        if (apr_hash_get(conf->modules, *id, APR_HASH_KEY_STRING)) {
            return 1;
        }
    }
    return 0;
}

static int is_unwanted(const em_draft_t *draft)
{
    const apr_array_header_t *without = draft->plan->request.without;

    for (int i = 0; i < without->nelts; i++) {
        if (strncmp(em_module_name(APR_ARRAY_IDX(without, i, const char *),
                                   draft->pool), "php", 3) == 0) {
            return 1;
        }
    }
    return 0;
}

void em_fpm_inherits(em_draft_t *draft, const em_conf_t *after)
{
    const char *handler = em_fpm_handler(after);

    if (handler && has_php(draft->facts->conf) && !has_php(after)
        && !is_unwanted(draft)
        && !em_fpm_is_there(draft->facts, handler, draft->pool)) {
        em_fpm_demand(draft);
    }
}

void em_fpm_check(em_draft_t *draft, const em_conf_t *conf)
{
    const char *handler = em_fpm_handler(conf);

    if (!em_fpm_is_there(draft->facts, handler, draft->pool)) {
        em_fpm_demand(draft);
    }
    if (!handler) {
        em_draft_impossible(
            draft, "php-fpm-conf-missing",
            "Nothing in this configuration hands .php to php-fpm once "
            "mod_php is gone. Put this into a file that httpd includes "
            "(with the socket of your php-fpm pool), and try again: "
            "<IfModule !php_module> <FilesMatch \"\\.php$\"> SetHandler "
            "\"proxy:unix:/run/php-fpm/www.sock|fcgi://localhost\" "
            "</FilesMatch> </IfModule>, each directive on its own line");
    }
}
