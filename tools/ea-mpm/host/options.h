#ifndef EM_OPTIONS_H
#define EM_OPTIONS_H

/* With which arguments and in which environment the service runs httpd: its
 * unit, Debian's envvars, sysconfig files. */

#include <apr_tables.h>
#include "base/log.h"
#include "base/view.h"
#include "host/layout.h"
#include "host/unit_file.h"

typedef struct em_options_t {
    apr_array_header_t *args;   /* const char *: -D X, -f F, -d D, -C, -c, -e
                                 * and what else the service passes, without
                                 * -k, -D FOREGROUND and the like */
    const char *const *env;     /* K=V, NULL-terminated */
    const char *const *test_env;    /* em_httpd_t.test_env */
    const em_unit_file_t *unit; /* NULL: no unit */
    const char *server_root;    /* of -d, or NULL */
    const char *config_file;    /* of -f as passed, or NULL */
    const char *binary;         /* APACHE_HTTPD, or NULL */
    apr_array_header_t *starter;    /* em_httpd_t.starter */
} em_options_t;

/* Find them out. BOOTED: systemd runs this machine, so the service does not
 * inherit our environment. */
void em_options_read(em_options_t **poptions, const em_view_t *view,
                     const em_layout_t *layout, const char *instance,
                     int booted, em_log_t *log, apr_pool_t *p);

/* The values of option LETTER in ARGS, joined or apart ("-DX", "-D" "X"),
 * NULL-terminated. */
const char *const *em_options_values(const apr_array_header_t *args,
                                     char letter, apr_pool_t *p);

#endif /* EM_OPTIONS_H */
