#ifndef EM_VARS_H
#define EM_VARS_H

/* Define, UnDefine, -D and ${VAR}. httpd keeps two things apart: the names
 * that are defined (case counts; <IfDefine> asks these) and the values
 * (case does not count; ${VAR} takes these before the environment). */

#include <apr_hash.h>
#include <apr_pools.h>

typedef struct em_vars_t em_vars_t;

/* ENV: K=V, DEFINES: -D names; both NULL-terminated or NULL. */
em_vars_t *em_vars_make(const char *const *env, const char *const *defines,
                        apr_pool_t *p);
void em_vars_define(em_vars_t *vars, const char *name, const char *value);
void em_vars_undefine(em_vars_t *vars, const char *name);
int em_vars_defined(const em_vars_t *vars, const char *name);
#define EM_VARS_MAX (1024 * 1024)
/* TEXT with every known ${VAR} replaced; unknown ones stay as they are.
 * NULL: more than EM_VARS_MAX bytes of values, which a variable that is
 * defined from itself over and over soon comes to. */
const char *em_vars_resolve(const em_vars_t *vars, const char *text,
                            apr_pool_t *p);
/* Name -> value ("" for a name without one). */
apr_hash_t *em_vars_table(const em_vars_t *vars, apr_pool_t *p);
/* Names (keys) that were taken from the environment, or looked for there. */
apr_hash_t *em_vars_asked(const em_vars_t *vars);

#endif /* EM_VARS_H */
