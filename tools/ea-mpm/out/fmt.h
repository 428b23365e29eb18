#ifndef EM_FMT_H
#define EM_FMT_H

/* Small formatters for text output. */

#include "out/out.h"

typedef enum { EM_PLAIN, EM_BOLD, EM_GREEN, EM_YELLOW, EM_RED, EM_DIM }
    em_paint_t;

/* TEXT in a colour, where the output has colours. */
const char *em_fmt_paint(const em_out_t *out, em_paint_t paint,
                         const char *text);
/* Print TEXT in lines of at most 79 columns, every line after INDENT blanks.
 * Line ends in TEXT are kept. */
void em_fmt_wrap(FILE *f, int indent, const char *text);
/* The same with LEAD (no wider than INDENT) before the first line. */
void em_fmt_item(FILE *f, const char *lead, int indent, const char *text);
/* The same where something as wide as INDENT stands on the line already. */
void em_fmt_rest(FILE *f, int indent, const char *text);
/* "FILE:LINE", "FILE", or "" */
const char *em_fmt_place(const char *file, int line, apr_pool_t *p);
/* "2026-11-21T09:15:02Z", NULL for 0. */
const char *em_fmt_time(apr_time_t t, apr_pool_t *p);
/* "412 ms", "2.1 s" */
const char *em_fmt_ms(long ms, apr_pool_t *p);
/* TEXT, or "none" */
const char *em_fmt_or(const char *text, const char *otherwise);
/* TEXT with a full stop, unless it ends with a mark of its own. */
const char *em_fmt_sentence(const char *text, apr_pool_t *p);
em_paint_t em_fmt_severity(em_severity_t s);
em_paint_t em_fmt_verdict(em_verdict_t v);

#endif /* EM_FMT_H */
