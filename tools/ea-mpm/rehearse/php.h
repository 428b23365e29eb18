#ifndef EM_PHP_H
#define EM_PHP_H

/* How a configuration lets PHP be run, whoever runs it. */

#include "conf/conf.h"

typedef struct em_php_map_t {
    apr_array_header_t *extensions;     /* const char *: "php", "phtml";
                                         * empty: PHP is not mapped */
    apr_array_header_t *backends;       /* const char *: FastCGI listeners,
                                         * "/run/php/php8.2-fpm.sock" or
                                         * "127.0.0.1:9000" */
} em_php_map_t;

/* Read it from the active directives. Pure. */
em_php_map_t *em_php_map(const em_conf_t *conf, apr_pool_t *p);

/* Start, inside, the php-fpm whose own configuration listens where BACKENDS
 * say. *PMISSING counts the backends that nobody serves then. */
apr_status_t em_fpm_start(int *pmissing, const apr_array_header_t *backends,
                          apr_interval_time_t timeout, apr_pool_t *p);
/* Where the pools of a php-fpm configuration listen (const char *, as
 * backends are written), files that it includes too. */
apr_array_header_t *em_fpm_listens(const char *file, apr_pool_t *p);

/* The first of BACKENDS, not counting those in KNOWN, that nobody listens on;
 * NULL: none. Connects, and says nothing. */
const char *em_php_backend_down(const apr_array_header_t *backends,
                                const apr_array_header_t *known,
                                apr_pool_t *p);
/* The service that most likely listens there: "/run/php/php8.2-fpm.sock" is
 * "php8.2-fpm"; "php-fpm" otherwise. */
const char *em_php_unit(const char *backend, apr_pool_t *p);

#endif /* EM_PHP_H */
