#ifndef EM_PLAN_H
#define EM_PLAN_H

/* A plan: the ordered list of steps that takes this server to a target MPM.
 * The same object is printed, checked, rehearsed, applied and undone. Making
 * it writes nothing. */

#include "base/node.h"
#include "base/result.h"
#include "base/view.h"
#include "host/facts.h"
#include "package/package.h"

typedef enum {
    EM_STEP_PATH,               /* a path goes from one node to another */
    EM_STEP_PACKAGES            /* one package transaction */
} em_step_kind_t;

typedef struct em_step_t {
    em_step_kind_t kind;
    const char *why;            /* "enable mpm_event", for people */
    /* EM_STEP_PATH */
    const char *path;           /* absolute inside the root; of a file the
                                 * real one, never a link to it */
    em_node_t before, after;
    /* EM_STEP_PACKAGES */
    em_transaction_t *packages;
    apr_array_header_t *effects;    /* em_effect_t *: what it does to files,
                                     * laid over the view like PATH steps */
    em_json_t *profile_before, *profile_after;  /* the whole set of packages
                                     * as EasyApache profiles, or NULL */
} em_step_t;

/* What a switch does to modules, besides the MPM itself. */
typedef struct em_consequence_t {
    const char *module;         /* "php8.2", "cgid" or a module id */
    const char *what;           /* "disabled", "enabled", "replaced by X" */
    const char *because;        /* "asked by --with php=fpm", "follows the
                                 * MPM on this distribution" */
} em_consequence_t;

/* What the user asked for. */
typedef struct em_request_t {
    const char *target;         /* canonical: prefork worker event itk */
    apr_array_header_t *with;   /* const char *: "php=fpm" */
    apr_array_header_t *without;    /* const char *: module names or ids */
    int brief;                  /* do not ask a package manager: it takes
                                 * seconds and may download */
    struct em_fetched_t *fetched;   /* of an earlier plan of this run, made
                                     * with the same facts; NULL: there was
                                     * none */
} em_request_t;

typedef struct em_plan_t {
    const char *from;           /* configured MPM now, or NULL */
    const char *to;
    em_request_t request;
    apr_array_header_t *steps;          /* em_step_t * */
    apr_array_header_t *consequences;   /* em_consequence_t * */
    const char *impossible;     /* problem id when no steps can reach the
                                 * target: "mpm-not-installed",
                                 * "static-mpm", "layout-unsupported" ... */
    const char *impossible_why; /* the reason and what to do, sentences */
    int unasked;                /* brief: it takes packages, nobody asked */
    const em_facts_t *under;    /* em_plan_facts(), where making the plan had
                                 * to know it; or NULL */
    const em_conf_t *after;     /* the configuration after the plan, where
                                 * making the plan had to read it; or NULL */
    const char *rebuilt;        /* of an impossible plan: AFTER is what an
                                 * httpd that is rebuilt with this MPM would
                                 * read; or NULL */
    apr_array_header_t *restart_units;  /* const char *: further units that
                                         * share these files */
    const char *rolls_back;     /* id of the change that this one undoes, or
                                 * NULL */
    apr_array_header_t *edited; /* const char *, with rolls_back: paths that
                                 * somebody edited after that change, or NULL */
} em_plan_t;

/* Make the plan. An unreachable target is a plan with `impossible` set, not
 * an error; an unknown --with/--without is (EM_EXIT_USAGE). */
apr_status_t em_plan_make(em_plan_t **pplan, const em_facts_t *facts,
                          const em_request_t *request, em_result_t *res,
                          apr_pool_t *p);
/* The first path that the step changes and OTHER reads, or NULL. */
const char *em_step_shares(const em_step_t *step, const em_other_t *other);
/* Lay what a step does to files over VIEW (of em_view_over). */
void em_step_put(em_view_t *view, const em_step_t *step);
int em_plan_is_empty(const em_plan_t *plan);
/* The tree as it would be after the plan. */
em_view_t *em_plan_view(const em_plan_t *plan, const em_facts_t *facts,
                        apr_pool_t *p);
/* The facts as they would be after the plan, as far as em_facts_under()
 * knows; read the configuration by their conf_how. */
apr_status_t em_plan_facts(const em_facts_t **punder, const em_plan_t *plan,
                           const em_facts_t *facts, em_result_t *res,
                           apr_pool_t *p);
/* The configuration as it would be after the plan. */
apr_status_t em_plan_conf(em_conf_t **pconf, const em_plan_t *plan,
                          const em_facts_t *facts, em_result_t *res,
                          apr_pool_t *p);
/* Every step as a unified diff or one line ("link A -> B"), for people and
 * for the JSON `diff` field. */
const char *em_plan_diff(const em_step_t *step, apr_pool_t *p);
/* Name -> canonical target ("mpm_event", "Event" ...). NULL with a problem in
 * RES: unknown, or a legacy/foreign MPM with its explanation. */
const char *em_target_parse(const char *name, em_result_t *res,
                            apr_pool_t *p);

#endif /* EM_PLAN_H */
