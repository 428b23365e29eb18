#ifndef EM_SHELLVARS_H
#define EM_SHELLVARS_H

/* Variable assignments in the files that start httpd: sysconfig, conf.d,
 * envvars, EnvironmentFile. Read as data, never run: assignments with quotes
 * and parameters (${NAME}, ${NAME:-word}, ${NAME##text} ...), export, unset,
 * ": ${NAME:=word}" and if [ A != B ] are understood. Pure. */

#include <apr_tables.h>

typedef struct em_shellvars_t {
    apr_table_t *vars;          /* every variable, given ones too */
    apr_table_t *exported;      /* names that were exported ("" each) */
    int understood;             /* 1: a shell would have done just the same;
                                 * 0: some lines were passed over */
} em_shellvars_t;

/* Put every assignment of TEXT into sh->vars (values are copied) and set
 * understood. vars may hold what is known before; exported may be NULL. */
void em_shellvars_parse(em_shellvars_t *sh, const char *text, apr_pool_t *p);

/* Split like a shell would split an unquoted $VALUE whose content may hold
 * quotes (systemd's ExecStart and OPTIONS): words (const char *). */
apr_array_header_t *em_shellvars_split(const char *value, apr_pool_t *p);

#endif /* EM_SHELLVARS_H */
