#ifndef ITK_PLAIN_H
#define ITK_PLAIN_H

/* Recognises request heads so plain that their virtual host depends on
 * nothing but the value of Host.
 *
 * This is no parser: it accepts what any parser of HTTP/1 reads in the same
 * way under any of httpd's settings, and leaves the rest to httpd's own. A
 * head is plain if it is whole and is made of
 *   - GET, HEAD or POST, a path of visible characters that starts with one
 *     slash and has no fragment, HTTP/1.0 or HTTP/1.1;
 *   - fields with a name of letters, digits, "-" and "_", a value without
 *     control characters, none of them folded;
 *   - one Host that is a domain name, perhaps with a port; no
 *     Transfer-Encoding; at most one Content-Length, of digits;
 * all with single spaces and CRLF. */

#include <stddef.h>

typedef struct itk_plain_t {
    const char *host;       /* the value of Host, in the caller's bytes */
    size_t host_len;
    size_t line_len;        /* of the request line, without CRLF */
    size_t fields;          /* how many */
    size_t len;             /* of the head, with the empty line */
} itk_plain_t;

/* True if DATA starts with a plain head; then PLAIN is complete. */
int itk_plain_head(itk_plain_t *plain, const char *data, size_t len);

#endif /* ITK_PLAIN_H */
