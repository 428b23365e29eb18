#include "conf/regex.h"

#include <regex.h>
#include <string.h>

#include <apr_strings.h>

static const struct {
    const char *perl, *posix;
} spellings[] = {
    { "(?:", "(" }, { "\\d", "[0-9]" }, { "\\D", "[^0-9]" },
    { "\\\\", "\\\\" }, { "\\/", "/" },
};

/* The pattern as POSIX and glibc spell it. */
static const char *to_posix(const char *perl, apr_pool_t *p)
{
    const size_t n = sizeof(spellings) / sizeof(spellings[0]);
    char *posix = apr_palloc(p, 6 * strlen(perl) + 1), *out = posix;

    while (*perl) {
        size_t i;

        for (i = 0; i < n; i++) {
            apr_size_t len = strlen(spellings[i].perl);

            if (strncmp(perl, spellings[i].perl, len) == 0) {
                strcpy(out, spellings[i].posix);
                out += strlen(out);
                perl += len;
                break;
            }
        }
        if (i == n) {
            *out++ = *perl++;
        }
    }
    *out = '\0';
    return posix;
}

int em_regex_matches(const char *pattern, const char *text, apr_pool_t *p)
{
    int flags = REG_EXTENDED | REG_NOSUB, rc;
    regex_t re;

    if (strncmp(pattern, "(?i)", 4) == 0) {
        flags |= REG_ICASE;
        pattern += 4;
    }
    if (strlen(pattern) > 10000
        || regcomp(&re, to_posix(pattern, p), flags) != 0) {
        return -1;
    }
    rc = regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    return rc == 0;
}
