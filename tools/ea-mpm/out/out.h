#ifndef EM_OUT_H
#define EM_OUT_H

/* The two ways to render a report. Nothing else prints on stdout. */

#include <stdio.h>
#include "base/json.h"
#include "out/report.h"

/* Where to and how. */
typedef struct em_out_t {
    FILE *f;                    /* reports */
    FILE *err;                  /* of text output: what went wrong */
    int colour;
    int err_colour;
    em_json_t *data;            /* of JSON output: what render made */
    apr_pool_t *pool;
} em_out_t;

/* Render one kind of report; members that are NULL are passed over. */
typedef void em_render_fn(em_out_t *out, const em_report_t *report,
                          const em_result_t *res);

struct em_output {
    const char *name;
    /* One function a kind of report; every slot is filled. */
    em_render_fn *render[EM_REPORT_COUNT];
    /* The whole output of a run: report and result. COMMAND is NULL when
     * the command line was not understood; KIND then does not count. */
    void (*finish)(em_out_t *out, const char *command, em_report_kind_t kind,
                   const em_report_t *report, const em_result_t *res);
};

extern const struct em_output em_out_text;
extern const struct em_output em_out_json;

#endif /* EM_OUT_H */
