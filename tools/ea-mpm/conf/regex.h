#ifndef EM_REGEX_H
#define EM_REGEX_H

#include <apr_pools.h>

/* Does TEXT match a regular expression of a configuration? httpd's are
 * Perl's; what configurations use of that beyond POSIX - \d, \w, \s, \b,
 * groups "(?:", the flag "(?i)" - is understood. -1: not understood. */
int em_regex_matches(const char *pattern, const char *text, apr_pool_t *p);

#endif /* EM_REGEX_H */
