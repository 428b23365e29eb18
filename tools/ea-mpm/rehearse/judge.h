#ifndef EM_JUDGE_H
#define EM_JUDGE_H

/* What two performances say about the switch. Pure. */

#include "rehearse/stage.h"

/* Fill result, why, vhosts, log and findings of R from the performance of
 * the current configuration and of the target's; the same one twice where
 * there is nothing to change. */
void em_judge(em_rehearsal_t *r, const em_questions_t *questions,
              const em_stage_t *current, const em_stage_t *target,
              apr_pool_t *p);

#endif /* EM_JUDGE_H */
