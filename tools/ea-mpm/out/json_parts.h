#ifndef EM_JSON_PARTS_H
#define EM_JSON_PARTS_H

/* The parts of JSON output. Field names are part of the interface
 * (docs/schema): adding one is fine, renaming one raises "format". */

#include "out/out.h"

em_render_fn em_json_show, em_json_list, em_json_check, em_json_plan,
    em_json_switch, em_json_rehearse, em_json_history, em_json_rules,
    em_json_version, em_json_help;

/* Shared pieces. */
em_json_t *em_json_installed(const em_facts_t *facts, apr_pool_t *p);
em_json_t *em_json_findings(const apr_array_header_t *findings,
                            apr_pool_t *p);
em_json_t *em_json_strings(const apr_array_header_t *strings, apr_pool_t *p);
em_json_t *em_json_steps(const em_plan_t *plan, apr_pool_t *p);
em_json_t *em_json_rehearsal(const em_rehearsal_t *rehearsal, apr_pool_t *p);

#endif /* EM_JSON_PARTS_H */
