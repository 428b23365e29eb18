#ifndef EM_STANZA_H
#define EM_STANZA_H

/* Text in DEB's own form: stanzas of "Field: value" lines, an empty line
 * between two; a line that begins with a blank goes on with the value before.
 * dpkg's status, apt's lists and control files are such. Pure; the text needs
 * no NUL at its end and is not copied. */

#include <apr_pools.h>

typedef struct em_stanza_t {
    const char *text;           /* its first line */
    const char *end;            /* behind its last */
} em_stanza_t;

/* The stanza at *PAT or after, and go behind it. 0: there is none before
 * END. */
int em_stanza_next(em_stanza_t *stanza, const char **pat, const char *end);
/* The value of FIELD (in any case), without the blanks around it, further
 * lines with their line ends; NULL: it has no such field. */
const char *em_stanza_value(const em_stanza_t *stanza, const char *field,
                            apr_pool_t *p);

#endif /* EM_STANZA_H */
