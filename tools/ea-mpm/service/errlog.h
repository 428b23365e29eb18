#ifndef EM_ERRLOG_H
#define EM_ERRLOG_H

/* The server's error log: where it ends now, and what it says since. */

#include "host/facts.h"

typedef enum {
    EM_LOGLINE_QUIET,
    EM_LOGLINE_WARN,            /* worth quoting: AH10034 (no HTTP/2) */
    EM_LOGLINE_CRASH,           /* a child ended by a signal */
    EM_LOGLINE_FATAL            /* crit, alert, emerg, or an id that ends a
                                 * start */
} em_logline_t;

/* What one line means for a server that was just started. Lines about a
 * client's request are quiet unless they tell of a crash: they say nothing
 * about the start, and a server with a broken .htaccess writes "crit" at any
 * time. LEN without the newline. */
em_logline_t em_errlog_judge(const char *line, apr_size_t len);

/* Length of the error log, 0 where it is none or no file. */
apr_off_t em_errlog_size(const em_facts_t *facts, apr_pool_t *p);
/* The lines since FROM that are at least WORST, at most MAX of them
 * (const char *). A log that got shorter is read from its start. */
apr_array_header_t *em_errlog_since(const em_facts_t *facts, apr_off_t from,
                                    em_logline_t worst, int max,
                                    apr_pool_t *p);
/* The same as em_errlog_since over text that is at hand. */
apr_array_header_t *em_errlog_pick(const char *text, apr_size_t len,
                                   em_logline_t worst, int max,
                                   apr_pool_t *p);
/* Fatal lines since FROM, else its last lines, each with two blanks before
 * and a newline behind; "" without any. For messages. */
const char *em_errlog_quote(const em_facts_t *facts, apr_off_t from,
                            apr_pool_t *p);

#endif /* EM_ERRLOG_H */
