#ifndef MOD_MPM_ITKISH_HEAD_H
#define MOD_MPM_ITKISH_HEAD_H

/* Which vhost httpd picks for the head of a plain HTTP request: httpd's own
 * parser, run over bytes in memory, without logs, answers or side effects. */

#include "httpd.h"

typedef enum {
    ITK_PARSE_DONE,         /* *pserver is what httpd picks, whatever follows */
    ITK_PARSE_STARVED       /* the parser wants more bytes; *pserver is what
                             * it picks if none come */
} itk_parse_t;

/* Parse the LEN bytes at DATA as the first request on C. Memory comes from a
 * subpool of c->pool that is destroyed before returning. */
itk_parse_t itk_head_parse(server_rec **pserver, conn_rec *c,
                           const char *data, apr_size_t len);

#endif /* MOD_MPM_ITKISH_HEAD_H */
