#ifndef EM_TEXT_PARTS_H
#define EM_TEXT_PARTS_H

/* The parts of text output. */

#include "out/out.h"

em_render_fn em_text_show, em_text_list, em_text_check, em_text_plan,
    em_text_switch, em_text_rehearse, em_text_history, em_text_rules,
    em_text_version, em_text_help;

/* Findings with reasons and what helps; LEAST is the mildest shown. */
void em_text_findings(em_out_t *out, const apr_array_header_t *findings,
                      em_severity_t least);
/* The switch that PLAN is of, as it would be typed. */
const char *em_text_switch_command(const em_plan_t *plan, apr_pool_t *p);
/* The steps and consequences of a plan. */
void em_text_steps(em_out_t *out, const em_plan_t *plan);
/* The vhosts, log lines and findings of a rehearsal. */
void em_text_rehearsal(em_out_t *out, const em_rehearsal_t *rehearsal);

#endif /* EM_TEXT_PARTS_H */
