#ifndef EM_REPORT_H
#define EM_REPORT_H

/* What a command found out or did: plain data that the outputs render. A
 * member is NULL where the command did not come so far. */

#include <apr_tables.h>
#include "switch/switch.h"

typedef enum {
    EM_REPORT_SHOW,
    EM_REPORT_LIST,
    EM_REPORT_CHECK,
    EM_REPORT_PLAN,
    EM_REPORT_SWITCH,           /* switch, rollback and recover */
    EM_REPORT_REHEARSE,
    EM_REPORT_HISTORY,
    EM_REPORT_RULES,
    EM_REPORT_VERSION,
    EM_REPORT_HELP,
    EM_REPORT_COUNT
} em_report_kind_t;

struct em_cmd_t;
struct em_opt_t;

typedef struct em_report_t {
    const em_facts_t *facts;
    const apr_array_header_t *checks;   /* em_check_t *, one a target */
    const em_check_t *check;
    const em_plan_t *plan;
    const em_switch_t *done;
    const em_rehearsal_t *rehearsal;
    const apr_array_header_t *history;  /* em_txn_info_t *, oldest first */
    const em_txn_info_t *open;          /* an interrupted switch, or NULL */
    const apr_array_header_t *notes;    /* em_finding_t *, of show */
    const apr_array_header_t *rules;    /* em_rule_t * */
    const struct em_cmd_t *topic;       /* of help; NULL: overview */
    int dry_run;
} em_report_t;

#endif /* EM_REPORT_H */
