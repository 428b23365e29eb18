#ifndef EM_HANDLERS_H
#define EM_HANDLERS_H

/* Which directives of a configuration say who handles which files, and
 * whether whoever that is would be there. Which module serves which handler
 * is data: the "handlers" of the rules. */

#include "check/judge.h"

typedef enum {
    EM_MAP_WEAK,                /* AddHandler, AddType, ForceType */
    EM_MAP_STRONG,              /* SetHandler */
    EM_MAP_FIRST                /* ProxyPassMatch, RewriteRule [P], deny */
} em_map_strength_t;

typedef struct em_map_t {
    const em_directive_t *directive;
    int index;                  /* its place in the configuration */
    const char *handler;
    em_map_strength_t strength;
    const char *scope;          /* where it holds: "" is everywhere, else a
                                 * path of virtual hosts and directories */
    int php;                    /* .php files are meant */
    int by_extension;           /* the arguments name the files */
    int works;                  /* who serves the handler is loaded, or is
                                 * unknown to the rules */
    int denies;                 /* no handler: nobody gets these files */
    const char *leak;           /* problem id where it does not work, NULL:
                                 * no harm */
} em_map_t;

typedef struct em_maps_t {
    apr_array_header_t *list;   /* em_map_t *, in order */
    const em_judge_t *judge;
    const em_conf_t *conf;
    apr_hash_t *loaded;
    apr_hash_t *actions;        /* handlers that a script or suPHP serves */
    apr_hash_t *vhosts;         /* their scopes, made when first asked for */
    apr_hash_t *numbers;        /* the same: their numbers */
} em_maps_t;

em_maps_t *em_maps_make(const em_judge_t *j, const em_conf_t *conf,
                        apr_hash_t *loaded);
/* What a directive of a .htaccess file maps, or NULL. */
em_map_t *em_maps_htaccess(em_maps_t *maps, const em_htaccess_t *x);
/* Does the directive of a map mean files with this extension ("php")? */
int em_map_takes(const em_maps_t *maps, const em_directive_t *d,
                 const char *extension);
/* Is HANDLER served in this configuration? */
int em_maps_serve(const em_maps_t *maps, const char *handler);
/* Does what holds in OUTER hold in INNER? */
int em_scope_covers(const char *outer, const char *inner);
/* Is the virtual host of SCOPE still there? */
int em_maps_have_scope(em_maps_t *maps, const char *scope);
/* Are there virtual hosts, and does each execute PHP by a mapping of at least
 * this strength of its own? */
int em_maps_cover_vhosts(em_maps_t *maps, em_map_strength_t least);

#endif /* EM_HANDLERS_H */
