#ifndef EM_JUDGE_H
#define EM_JUDGE_H

/* The state of judging one plan, shared by the files of this room only. */

#include <apr_hash.h>

#include "check/check.h"

typedef struct em_judge_t {
    const em_facts_t *facts;
    const em_plan_t *plan;
    const apr_array_header_t *rules;
    const em_conf_t *before, *after;
    const em_view_t *then;      /* the tree after the plan */
    apr_hash_t *had;            /* module ids loaded now -> "" */
    apr_hash_t *has;            /* module ids loaded after the plan -> "" */
    apr_array_header_t *findings;   /* em_finding_t * */
    em_result_t *res;
    apr_pool_t *pool;
} em_judge_t;

/* Record a finding; MESSAGE is formatted. Resolutions that begin with "--"
 * are options of switch; the others are sentences. */
em_finding_t *em_judge_add(em_judge_t *j, const char *problem,
                           em_severity_t severity, const char *message, ...)
    __attribute__((format(printf, 4, 5)));
void em_judge_resolve(em_finding_t *finding, const char *text);
int em_judge_had(const em_judge_t *j, const char *id);
int em_judge_has(const em_judge_t *j, const char *id);
/* Is a module loaded (in the hash HAD or HAS) that the pattern matches? */
int em_judge_any(apr_hash_t *loaded, const char *pattern);

/* The checks, each adding what it finds. */
void em_judge_faults(em_judge_t *j);        /* what is wrong already */
void em_judge_modules(em_judge_t *j);       /* rules on modules */
void em_judge_directives(em_judge_t *j);    /* directives that die */
void em_judge_handlers(em_judge_t *j);      /* source code that is published */
void em_judge_consent(em_judge_t *j);       /* packages that come and go */
void em_judge_others(em_judge_t *j);        /* servers that share files */
void em_judge_leftovers(em_judge_t *j);     /* .pacnew, .rpmnew and the like */

#endif /* EM_JUDGE_H */
