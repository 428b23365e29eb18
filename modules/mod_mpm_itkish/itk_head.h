#ifndef ITK_HEAD_H
#define ITK_HEAD_H

/* When is the head of an HTTP request worth parsing?
 *
 * The router parses with httpd's own parser, from the start each time. So
 * that a head that trickles in does not cost a parse for each byte, this
 * scanner walks the new bytes only and says when the parser could come to an
 * end. It errs on the early side: saying so too early costs one parse, saying
 * it too late would keep the client waiting. */

#include <stddef.h>

typedef struct itk_head_t {
    size_t line;        /* offset of the line being read */
    size_t seen;        /* bytes looked at */
    int in_headers;     /* the request line is behind us */
} itk_head_t;

/* Look at the first LEN bytes of a request, always the same ones with more
 * behind them; H starts zeroed. True when the empty line after the headers is
 * there, or a request line without a version (HTTP/0.9 has no headers). */
int itk_head_scan(itk_head_t *h, const char *data, size_t len);

#endif /* ITK_HEAD_H */
