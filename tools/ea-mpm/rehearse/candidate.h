#ifndef EM_CANDIDATE_H
#define EM_CANDIDATE_H

/* Where no rehearsal can be held: the configuration as it would be after the
 * plan, written as one file, and httpd -t asked about it. Nothing is started
 * and no privilege is needed. */

#include "conf/conf.h"
#include "plan/plan.h"

/* The active directives of CONF as the text of one file: sections kept,
 * conditions resolved, Includes gone (DefaultRuntimeDir and Mutex too: their
 * directories may not be there before a start). (*PORIGINS)[N - 1] is the
 * directive that line N comes from; NULL for a section's own line. Pure. */
const char *em_candidate_text(const em_conf_t *conf,
                              apr_array_header_t **porigins, apr_pool_t *p);
/* httpd -t of that. Fails where httpd or a temporary file cannot be had.
 * Places in *POUTPUT are those of the real files. */
apr_status_t em_candidate_test(int *pok, const char **poutput,
                               const em_facts_t *facts,
                               const em_conf_t *conf,
                               apr_interval_time_t timeout, apr_pool_t *p);

#endif /* EM_CANDIDATE_H */
