#include "package/stanza.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* The line at AT, its end; *PNEXT is where the one after it begins. */
static const char *line_end(const char *at, const char *end,
                            const char **pnext)
{
    const char *stop = memchr(at, '\n', (apr_size_t)(end - at));

    *pnext = stop ? stop + 1 : end;
    return stop ? stop : end;
}

static int is_blank(const char *at, const char *end)
{
    while (at < end && apr_isspace(*at)) {
        at++;
    }
    return at == end;
}

int em_stanza_next(em_stanza_t *stanza, const char **pat, const char *end)
{
    const char *at = *pat, *next;

    while (at < end && is_blank(at, line_end(at, end, &next))) {
        at = next;
    }
    stanza->text = at;
    while (at < end && !is_blank(at, line_end(at, end, &next))) {
        at = next;
    }
    stanza->end = *pat = at;
    return stanza->end > stanza->text;
}

const char *em_stanza_value(const em_stanza_t *stanza, const char *field,
                            apr_pool_t *p)
{
    const char *at = stanza->text, *next, *from = NULL, *to = NULL;
    apr_size_t len = strlen(field);

    for (; at < stanza->end; at = next) {
        const char *stop = line_end(at, stanza->end, &next);

        if (*at == ' ' || *at == '\t') {
            to = from ? stop : NULL;
            continue;
        }
        if (from) {
            break;
        }
        if ((apr_size_t)(stop - at) > len && at[len] == ':'
            && strncasecmp(at, field, len) == 0) {
            from = at + len + 1;
            to = stop;
        }
    }
    if (!from) {
        return NULL;
    }
    while (from < to && apr_isspace(*from)) {
        from++;
    }
    while (to > from && apr_isspace(to[-1])) {
        to--;
    }
    return apr_pstrmemdup(p, from, (apr_size_t)(to - from));
}
