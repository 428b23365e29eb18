#ifndef EM_CHECK_H
#define EM_CHECK_H

/* Reasons not to switch. Rules are data (rules.d); the checks that data
 * cannot express (handlers that disappear, directives that die) read the
 * configuration as it would be after the plan. Pure over facts and view. */

#include "base/json.h"
#include "base/result.h"
#include "host/facts.h"
#include "plan/plan.h"

typedef enum { EM_INFO, EM_WARN, EM_REFUSE } em_severity_t;

typedef struct em_finding_t {
    const char *problem;        /* stable id: "php-not-thread-safe" */
    em_severity_t severity;
    const char *module;         /* module id, or NULL */
    const char *file;           /* or NULL */
    int line;
    const char *message;        /* what and why, a sentence */
    const char *source;         /* where the claim comes from */
    apr_array_header_t *resolutions;    /* const char *: what makes it go
                                         * away; commands to type first */
} em_finding_t;

typedef enum {
    EM_VERDICT_CURRENT,         /* is the configured MPM, nothing to do */
    EM_VERDICT_READY,           /* would go through */
    EM_VERDICT_NEEDS_CHANGES,   /* refused now, but --with/--without helps */
    EM_VERDICT_REFUSED,         /* something only a person can change */
    EM_VERDICT_NOT_ASKED,       /* takes packages, whose manager was not
                                 * asked */
    EM_VERDICT_IMPOSSIBLE       /* not installed, or the layout cannot */
} em_verdict_t;

typedef struct em_rule_t {
    const char *problem;
    em_severity_t severity;
    const char *reason, *source;
    const char *origin;         /* the file it was read from */
    const char *id;             /* module id pattern (fnmatch) */
    const char *threads;        /* only when the file is "unsafe"/"safe" */
    const char *together;       /* only while this module is loaded too, or
                                 * NULL */
    apr_array_header_t *mpms;   /* const char *: MPMs it accepts */
    apr_array_header_t *resolutions;    /* const char *; "--..." is an
                                         * option of switch */
    apr_array_header_t *handlers;       /* const char *: patterns of handler
                                         * names that the module serves */
    apr_array_header_t *directives;     /* const char *: directives that the
                                         * module brings */
    const char *leak;           /* problem id where a handler is left without
                                 * its module, or NULL */
    const char *gone;           /* what it means that the module's directives
                                 * are gone, a sentence, or NULL */
} em_rule_t;

/* Read the shipped rules (SHIPPED_DIR is a path of this machine) and the
 * admin's (ADMIN_DIR is one inside VIEW): a file of the same name replaces,
 * others add. A directory that is not there is empty. A broken file is an
 * error ("rules-broken") that names file, line and column. */
apr_status_t em_rules_read(apr_array_header_t **prules, const em_view_t *view,
                           const char *shipped_dir, const char *admin_dir,
                           em_result_t *res, apr_pool_t *p);

typedef struct em_check_t {
    const char *target;
    em_verdict_t verdict;
    apr_array_header_t *findings;   /* em_finding_t *, worst first */
} em_check_t;

/* Judge a plan. PLAN may be one that could not be made (plan->impossible). */
apr_status_t em_check(em_check_t **pcheck, const em_facts_t *facts,
                      const em_plan_t *plan, const apr_array_header_t *rules,
                      em_result_t *res, apr_pool_t *p);

/* What is worth a look on this server whatever it is switched to
 * (em_finding_t *): files that package managers left beside and among its
 * configuration. No program is run. */
apr_array_header_t *em_check_notes(const em_facts_t *facts, apr_pool_t *p);

const char *em_severity_name(em_severity_t s);
const char *em_verdict_name(em_verdict_t v);

#endif /* EM_CHECK_H */
