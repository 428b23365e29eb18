#ifndef EM_LINKS_H
#define EM_LINKS_H

/* What a2enmod, a2dismod and a2enconf do, on a draft: the same links, the
 * same markers (empty files that tell a2query and package scripts who
 * decided), the same refusals. Followed line by line from Debian's a2enmod,
 * without its questions and its force. */

#include "plan/draft.h"

typedef struct em_links_t {
    em_draft_t *draft;
    const char *mods_available, *mods_enabled;      /* real paths */
    const char *conf_available, *conf_enabled;
    const char *state;          /* /var/lib/apache2, real */
    /* The same unresolved: what a2enmod writes into its links. */
    const char *mods_from, *mods_to, *conf_from, *conf_to;
} em_links_t;

/* Fails where the directories are not there. */
apr_status_t em_links_make(em_links_t **plinks, em_draft_t *draft,
                           em_result_t *res);

/* Enable a module with what it depends on. Sets the plan impossible where
 * a2enmod refuses. */
apr_status_t em_links_enable(em_links_t *links, const char *module);
/* Disable a module. What depends on it is not looked at: see
 * em_links_dependents(). */
apr_status_t em_links_disable(em_links_t *links, const char *module);
/* As a2enconf. */
apr_status_t em_links_enable_conf(em_links_t *links, const char *conf);

int em_links_is_enabled(const em_links_t *links, const char *module);
int em_links_is_available(const em_links_t *links, const char *module);
/* Enabled modules whose .load says that they depend on MODULE. */
apr_array_header_t *em_links_dependents(const em_links_t *links,
                                        const char *module);
/* The module ids that NAME.load loads (const char *). */
apr_array_header_t *em_links_ids(const em_links_t *links, const char *dir,
                                 const char *name);
/* Names of all modules in a directory, "x" of x.load. */
apr_array_header_t *em_links_names(const em_links_t *links, const char *dir);

#endif /* EM_LINKS_H */
