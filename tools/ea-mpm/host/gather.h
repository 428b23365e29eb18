#ifndef EM_GATHER_H
#define EM_GATHER_H

/* The parts of em_facts_gather(), each filling its fields of the facts from
 * what the parts before it found. */

#include "host/facts.h"
#include "host/httpd_probe.h"
#include "host/options.h"
#include "host/packages.h"

/* ELF files that were opened, by their path inside the root. */
typedef struct em_elf_cache_t em_elf_cache_t;
em_elf_cache_t *em_elf_cache_make(const em_view_t *view, apr_pool_t *p);
/* The file SO (absolute), or NULL: it is not there or no ELF file. */
const em_elf_t *em_elf_cache_get(em_elf_cache_t *cache, const char *so);

/* em_conf_how_t.source_name over a cache whose relative names are below
 * SERVER_ROOT. */
typedef struct em_source_names_t {
    em_elf_cache_t *elfs;
    const char *server_root;
    apr_pool_t *pool;
} em_source_names_t;
const char *em_source_name(void *baton, const char *id, const char *so);

/* facts->httpd.static_modules and static_mpm. */
void em_gather_compiled(em_facts_t *facts, const em_probe_t *probe,
                        apr_pool_t *p);
/* facts->conf_how, but for its view and names of modules' sources, from
 * facts->httpd. */
void em_gather_conf_how(em_facts_t *facts, apr_pool_t *p);
/* The program that the layout's variable chooses in VIEW, and
 * facts->httpd.missing; NULL: there is none. */
const char *em_gather_choice(em_facts_t *facts, const em_view_t *view,
                             apr_pool_t *p);
/* facts->modules, from the walk and the compiled-in list. */
void em_gather_modules(em_facts_t *facts, const em_probe_t *probe,
                       em_elf_cache_t *elfs, apr_pool_t *p);
/* facts->modules: the compiled-in ones alone. */
void em_gather_static(em_facts_t *facts, const em_probe_t *probe,
                      apr_pool_t *p);
/* facts->modules_dir and facts->installed. */
void em_gather_installed(em_facts_t *facts, em_elf_cache_t *elfs,
                         apr_pool_t *p);
/* facts->configured, configured_all; LOADED is httpd's own list or NULL. */
void em_gather_mpm(em_facts_t *facts, const apr_array_header_t *loaded,
                   apr_pool_t *p);
/* facts->others, with the files that each of them reads. */
void em_gather_others(em_facts_t *facts, const em_probe_t *probe,
                      apr_pool_t *p);
/* facts->listens and facts->vhosts. */
void em_gather_listens(em_facts_t *facts, apr_pool_t *p);
void em_gather_vhosts(em_facts_t *facts, apr_pool_t *p);
/* facts->htaccess: every document root is read. */
void em_gather_htaccess(em_facts_t *facts, apr_pool_t *p);
/* facts->available: the package manager is asked (not below another root). */
void em_gather_available(em_facts_t *facts, apr_pool_t *p);
/* facts->available: what the package manager offers beyond the installed;
 * stays NULL where it cannot be asked. */
void em_gather_available(em_facts_t *facts, apr_pool_t *p);
/* facts->service. */
void em_gather_service(em_facts_t *facts, const em_options_t *options,
                       int booted, apr_pool_t *p);

/* Adds to facts->httpd.args what only the running server's command line says,
 * where the layout's own command starts it. */
void em_adopt_defines(em_facts_t *facts, apr_pool_t *p);
/* facts->service, where a supervisor or a container depends on the running
 * server. 1: it is so. */
int em_gather_supervisor(em_facts_t *facts, apr_pool_t *p);

/* The value of the last active top-level directive NAME (its first word), or
 * NULL. */
const char *em_gather_global(const em_facts_t *facts, const char *name,
                             apr_pool_t *p);
/* PATH below BASE unless it is absolute. */
const char *em_gather_path(const char *base, const char *path,
                           apr_pool_t *p);

#endif /* EM_GATHER_H */
