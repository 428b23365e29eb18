#ifndef EM_UNIT_FILE_H
#define EM_UNIT_FILE_H

/* What a systemd unit file and its drop-ins say about how httpd is started.
 * Read as files, so that it works below --root and without asking systemd. */

#include <apr_tables.h>
#include "base/view.h"

typedef struct em_unit_file_t {
    const char *name;           /* "httpd.service", "httpd@a.service" */
    const char *path;           /* of the main file */
    apr_table_t *env;           /* Environment= and EnvironmentFile= */
    apr_array_header_t *exec_start; /* words, $NAME and specifiers expanded */
    const char *pid_file;       /* PIDFile=, or NULL */
} em_unit_file_t;

/* Read unit NAME. APR_ENOENT where there is none. */
apr_status_t em_unit_file_read(em_unit_file_t **punit, const em_view_t *view,
                               const char *name, apr_pool_t *p);

#endif /* EM_UNIT_FILE_H */
