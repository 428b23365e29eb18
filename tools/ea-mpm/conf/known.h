#ifndef EM_KNOWN_H
#define EM_KNOWN_H

/* Which module provides which directive: what httpd's own modules of 2.4,
 * mod_php and mpm_itk register (read from their command tables), for
 * <IfDirective> and for telling which directives die with a module. Sections
 * stand with their "<". Directives of other modules are data: the
 * "directives" of rules.d. */

#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_tables.h>

/* Directive in lower case -> apr_array_header_t of module ids
 * (const char *); every MPM has Listen, so several may stand there. */
apr_hash_t *em_known_directives(apr_pool_t *p);

/* The source name of a module ("mod_ssl.c", "prefork.c"), from its id. */
const char *em_known_source(const char *id, apr_pool_t *p);
/* The id of a module ("so_module"), from its source name. */
const char *em_known_id(const char *source, apr_pool_t *p);

#endif /* EM_KNOWN_H */
