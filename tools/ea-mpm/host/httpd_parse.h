#ifndef EM_HTTPD_PARSE_H
#define EM_HTTPD_PARSE_H

/* What httpd prints, as facts. Pure: text in, values out; any text at all is
 * accepted and what is not recognised stays NULL. The shapes are those of
 * httpd 2.0 to 2.4 (server/main.c, mod_so.c, core.c, vhost.c). */

#include <apr_tables.h>

/* Of -v and -V. */
typedef struct em_httpd_settings_t {
    const char *version;        /* "2.4.71" */
    int v[3];
    const char *vendor;         /* "Debian"; "" when none is printed */
    const char *mmn;            /* "20120211:142" */
    const char *mpm;            /* lower case; NULL: none known */
    const char *root;           /* HTTPD_ROOT */
    const char *config_file;    /* SERVER_CONFIG_FILE, as compiled */
    const char *pid_file;       /* DEFAULT_PIDLOG */
    const char *error_log;      /* DEFAULT_ERRORLOG */
    const char *suexec;         /* SUEXEC_BIN */
} em_httpd_settings_t;

typedef struct em_httpd_loaded_t {
    const char *id;             /* "php_module" */
    int is_static;
} em_httpd_loaded_t;

/* Of DUMP_RUN_CFG. */
typedef struct em_httpd_run_cfg_t {
    const char *server_root, *document_root, *error_log, *pid_file;
    const char *user, *group;
} em_httpd_run_cfg_t;

void em_httpd_parse_settings(em_httpd_settings_t *psettings,
                             const char *text, apr_pool_t *p);
/* "Apache/2.4.71 (Debian)" into version, v and vendor; 0: it is not that. */
int em_httpd_parse_banner(em_httpd_settings_t *psettings, const char *banner,
                          apr_pool_t *p);
/* Of -l: source names (const char *); NULL when it is no such list. */
apr_array_header_t *em_httpd_parse_static(const char *text, apr_pool_t *p);
/* Of DUMP_MODULES (em_httpd_loaded_t); NULL when no list is in TEXT. */
apr_array_header_t *em_httpd_parse_modules(const char *text, apr_pool_t *p);
void em_httpd_parse_run_cfg(em_httpd_run_cfg_t *pcfg, const char *text,
                            apr_pool_t *p);
/* The MPM's short name of a module id or source name: "event" of
 * "mpm_event_module", "event.c" and "mod_mpm_event.so". NULL: no MPM. The
 * itk modules count: "itk". */
const char *em_httpd_mpm_of(const char *name, apr_pool_t *p);

#endif /* EM_HTTPD_PARSE_H */
