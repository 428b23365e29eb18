#ifndef EM_DRAFT_H
#define EM_DRAFT_H

/* A plan that is being written: nodes laid over the tree, and edits of lines
 * that are still told by their original numbers, so that any set of them can
 * be tried out on a walk of the configuration before it is chosen. */

#include "conf/edit.h"
#include "plan/plan.h"

typedef enum {
    EM_EDIT_COMMENT, EM_EDIT_UNCOMMENT, EM_EDIT_INSERT
} em_edit_op_t;

typedef struct em_edit_t {
    const char *path;           /* real */
    int line;                   /* of the file as it is now */
    em_edit_op_t op;
    const char *text;           /* of an insertion, before LINE */
    const char *why;
} em_edit_t;

/* What the request wants, parsed. */
typedef struct em_want_t {
    const char *mpm;            /* the MPM proper: prefork for itk */
    int itk;                    /* the itk module as well */
    const char *itk_id;         /* a certain one was asked for, or NULL */
    int php_fpm;
    int built_in;               /* the MPM proper is compiled in: no line may
                                 * load one, not even the same */
    int packages;               /* whatever else must be installed or get
                                 * another version */
} em_want_t;

typedef struct em_draft_t {
    apr_pool_t *pool;
    const em_facts_t *facts;
    em_plan_t *plan;
    em_want_t want;
    em_view_t *view;            /* the tree with the nodes put so far */
    apr_array_header_t *steps;  /* em_step_t *, of nodes put so far */
    apr_array_header_t *edits;  /* em_edit_t * */
    em_step_t *packages;        /* the transaction, or NULL */
    em_conf_how_t conf_how;     /* of every walk, but for its view */
    em_conf_t *conf;            /* the last walk; NULL: something changed
                                 * since */
    apr_hash_t *told;           /* ids of modules that a consequence names */
} em_draft_t;

em_draft_t *em_draft_make(em_plan_t *plan, const em_facts_t *facts,
                          apr_pool_t *p);

/* Put NODE at PATH (whose directory is real). */
apr_status_t em_draft_put(em_draft_t *draft, const char *path,
                          const em_node_t *node, const char *why);
/* Put a package transaction, and what it does to files. */
void em_draft_packages(em_draft_t *draft, em_transaction_t *txn,
                       apr_array_header_t *effects, const char *why);

/* Plan an edit; one that is planned already is fine. FILE is as httpd names
 * it. */
apr_status_t em_draft_edit(em_draft_t *draft, em_edit_op_t op,
                           const char *file, int line, const char *text,
                           const char *why);
/* Forget the edits from number N on. */
void em_draft_drop(em_draft_t *draft, int n);
/* The original number of line LINE of FILE as it is with the edits, or 0 for
 * a line that was inserted. */
int em_draft_original(const em_draft_t *draft, const char *file, int line);
/* The configuration with all nodes and edits. */
apr_status_t em_draft_conf(em_conf_t **pconf, em_draft_t *draft,
                           em_result_t *res);
/* Turn nodes and edits into the steps of the plan. */
apr_status_t em_draft_finish(em_draft_t *draft, em_result_t *res);

/* The plan cannot be made: why and what to do. The first reason stays. */
void em_draft_impossible(em_draft_t *draft, const char *problem,
                         const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* ID (or NULL) is the module id that the consequence is about. */
void em_draft_tell(em_draft_t *draft, const char *module, const char *id,
                   const char *what, const char *because);

/* ---- words ---- */

/* "apt-get install X" in the words of the host's package manager; names per
 * manager, NULL where it has no such package. NULL where none is known. */
typedef struct em_package_names_t {
    const char *apt, *dnf, *pacman, *apk, *zypper;
} em_package_names_t;
const char *em_install_command(const em_facts_t *facts,
                               const em_package_names_t *names,
                               apr_pool_t *p);

/* The configure line of build/config.nice (its text) with MPM as the one that
 * is compiled in; NULL where it has no command. */
const char *em_config_nice(const char *script, const char *mpm,
                           apr_pool_t *p);

/* Is it an MPM proper (and not the itk module)? */
int em_is_mpm(const char *mpm);
int em_is_itk(const char *mpm);

/* ---- mechanisms ---- */

typedef struct em_mechanism_t {
    em_mechanism_id_t id;
    /* Fill the draft; sets plan->impossible where it cannot be done. */
    apr_status_t (*make)(em_draft_t *draft, em_result_t *res);
} em_mechanism_t;

extern const em_mechanism_t em_mech_loadmodule;
extern const em_mechanism_t em_mech_links;
extern const em_mechanism_t em_mech_packages;
extern const em_mechanism_t em_mech_binary;
extern const em_mechanism_t em_mech_rebuild;

/* ---- shared by the mechanisms ---- */

/* The installed MPM (or itk module, for "itk"), or NULL with the plan made
 * impossible. */
const em_installed_t *em_need_installed(em_draft_t *draft, const char *mpm);
/* Is a module that LINE loads out of place? */
typedef int em_wrong_fn(const em_draft_t *draft, const char *id,
                        const em_directive_t *line, const void *baton);
/* Comment the lines of all modules that WRONG says, until a walk of the
 * configuration has none left (a condition may bring others to life).
 * *PCONF is that walk. */
apr_status_t em_settle(em_conf_t **pconf, em_draft_t *draft,
                       em_wrong_fn *wrong, const void *baton,
                       em_result_t *res);
/* Other MPMs than the wanted one, itk modules that are not wanted, and lines
 * for the wanted one that cannot work. */
em_wrong_fn em_wrong_mpm;
/* One of the NULL-terminated ids of BATON. */
em_wrong_fn em_wrong_id;
/* "event" of "mpm_event_module", or NULL. */
const char *em_mpm_of(const char *id, apr_pool_t *p);
/* The same path or file name for httpd as INSTALLED, written in the way of a
 * line that is there (LIKE may be NULL). */
const char *em_so_text(const em_draft_t *draft, const char *file,
                       const char *like);
/* Where a module file of a LoadModule line is: absolute inside the root. */
const char *em_so_path(const em_facts_t *facts, const char *so,
                       apr_pool_t *p);
/* A module's id and bare name from what people type: "http2", "mod_http2",
 * "http2_module", "mod_http2.so". */
const char *em_module_name(const char *typed, apr_pool_t *p);
/* Does CONF load exactly what is wanted? */
int em_conf_reaches(const em_conf_t *conf, const em_want_t *want);
/* Make the configuration load INSTALLED (any module): uncomment the right
 * line, or insert one. */
apr_status_t em_load(em_draft_t *draft, const em_installed_t *installed,
                     const char *why, em_result_t *res);
/* The request's modules (itk, --without, --with php=fpm) by LoadModule
 * lines, under an MPM that is settled. */
apr_status_t em_line_modules(em_draft_t *draft, em_result_t *res);
/* The same by words of APACHE_MODULES in SUSE's sysconfig file, TEXT. */
apr_status_t em_word_modules(em_text_t *text, em_draft_t *draft,
                             em_result_t *res);
/* Is the module compiled into the httpd that runs now? */
int em_is_compiled_in(const em_draft_t *draft, const char *typed);
/* Modules that come and go without having been asked for. */
void em_tell_followers(em_draft_t *draft, const em_conf_t *after);
/* The module ids of mod_php, NULL-terminated. */
extern const char *const em_php_ids[];
int em_is_php_id(const char *id);
/* Where php-fpm is said to listen in CONF ("proxy:unix:/run/..."), NULL: no
 * handler hands anything to it. */
const char *em_fpm_handler(const em_conf_t *conf);
/* Is the other end of a HANDLER there: on another host, as a socket, or as an
 * installed program that can be started? HANDLER may be NULL. */
int em_fpm_is_there(const em_facts_t *facts, const char *handler,
                    apr_pool_t *p);
/* The plan needs a php-fpm that is not there. */
void em_fpm_demand(em_draft_t *draft);
/* Does CONF hand scripts to a php-fpm that is there? */
void em_fpm_check(em_draft_t *draft, const em_conf_t *conf);
/* Where mod_php goes with the MPM, by its guard, and scripts would be handed
 * to php-fpm, that must be there; unless php was to go anyway. */
void em_fpm_inherits(em_draft_t *draft, const em_conf_t *after);

#endif /* EM_DRAFT_H */
