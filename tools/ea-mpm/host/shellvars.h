#ifndef EM_SHELLVARS_H
#define EM_SHELLVARS_H

/* Variable assignments in the files that start httpd: sysconfig, conf.d,
 * envvars, EnvironmentFile. Read as data, never run: plain assignments with
 * quotes and ${NAME}, ${NAME:-word} and ": ${NAME:=word}" are understood,
 * what stands inside if or case is passed over. Pure. */

#include <apr_tables.h>

/* Put every assignment of TEXT into VARS (values are copied); later ones
 * win, and $NAME is looked up in VARS. */
void em_shellvars_parse(apr_table_t *vars, const char *text, apr_pool_t *p);

/* Split like a shell would split an unquoted $VALUE whose content may hold
 * quotes (systemd's ExecStart and OPTIONS): words (const char *). */
apr_array_header_t *em_shellvars_split(const char *value, apr_pool_t *p);

#endif /* EM_SHELLVARS_H */
