#ifndef ITK_CLIENTHELLO_H
#define ITK_CLIENTHELLO_H

/* The server name (SNI) of a TLS ClientHello, read from bytes that are still
 * in the kernel's queue.
 *
 * The caller peeks, always from the first byte of the TLS stream, and feeds
 * all it has; ITK_HELLO_MORE asks for at least h->need bytes. Handshake
 * messages may be split over records in any way, so the message is walked
 * across record headers instead of being copied together. Nothing here
 * depends on httpd, and no input makes it read or write out of bounds.
 *
 * What counts as a name is what OpenSSL and mod_ssl take for one: the list
 * holds exactly one entry, a host_name of up to 255 bytes without NUL. Where
 * OpenSSL would end the handshake the answer is ITK_HELLO_BAD.
 */

#include <stddef.h>

#define ITK_HELLO_NAME_MAX 255

typedef enum {
    ITK_HELLO_MORE,     /* not enough bytes yet */
    ITK_HELLO_NAME,     /* h->name is the name asked for */
    ITK_HELLO_NO_NAME,  /* a whole ClientHello, and it names nobody */
    ITK_HELLO_BAD,      /* looks like TLS; no server will answer a request */
    ITK_HELLO_NOT_TLS   /* the first bytes are no TLS record */
} itk_hello_status_t;

typedef struct itk_clienthello_t {
    size_t need;            /* bytes wanted before the next call */
    size_t name_len;
    char name[ITK_HELLO_NAME_MAX + 1];  /* NUL-terminated, as sent */
    /* private: where the last call stopped */
    size_t record;          /* offset of the first record not yet counted */
    size_t first;           /* offset of the first handshake record */
    size_t complete;        /* handshake bytes in the records before it */
} itk_clienthello_t;

/* Start a new connection. */
void itk_clienthello_init(itk_clienthello_t *h);

/* Look at the first LEN bytes of the stream. Calls after ITK_HELLO_MORE must
 * pass the same bytes again with more behind them. */
itk_hello_status_t itk_clienthello_feed(itk_clienthello_t *h,
                                        const unsigned char *data, size_t len);

#endif /* ITK_CLIENTHELLO_H */
