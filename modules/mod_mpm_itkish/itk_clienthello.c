#include "itk_clienthello.h"

#include <string.h>

/* RFC 8446 5.1 and 4.1.2, RFC 6066 3. */
#define RECORD_HEADER       5
#define RECORD_ALERT        21
#define RECORD_HANDSHAKE    22
#define RECORD_MAX          (16384 + 2048)
#define HANDSHAKE_HEADER    4
#define CLIENT_HELLO        1
#define EXT_SERVER_NAME     0
#define NAME_TYPE_HOST      0
#define ALERT_WARNING       1
#define ALERT_CLOSE         0

/* A place in the handshake stream: what is read skips record headers. */
typedef struct cursor_t {
    const unsigned char *data;
    size_t len;             /* bytes of input */
    size_t pos;             /* offset in the input */
    size_t in_record;       /* bytes left in the record at POS */
    size_t left;            /* bytes left in the structure being read */
} cursor_t;

void itk_clienthello_init(itk_clienthello_t *h)
{
    memset(h, 0, sizeof(*h));
    h->need = RECORD_HEADER;
}

static size_t u16_at(const unsigned char *p)
{
    return ((size_t)p[0] << 8) | p[1];
}

/* Copy N bytes to DST (NULL: skip them). False if the structure ends first;
 * the input cannot, as the whole message was counted before. */
static int take(cursor_t *cur, unsigned char *dst, size_t n)
{
    if (n > cur->left) {
        return 0;
    }
    cur->left -= n;
    while (n > 0) {
        size_t chunk = n < cur->in_record ? n : cur->in_record;

        if (chunk > cur->len - cur->pos) {
            return 0;
        }
        if (dst != NULL && chunk > 0) {
            memcpy(dst, cur->data + cur->pos, chunk);
            dst += chunk;
        }
        cur->pos += chunk;
        cur->in_record -= chunk;
        n -= chunk;
        if (n > 0) {
            if (cur->len - cur->pos < RECORD_HEADER) {
                return 0;
            }
            cur->in_record = u16_at(cur->data + cur->pos + 3);
            cur->pos += RECORD_HEADER;
        }
    }
    return 1;
}

static int take_u8(cursor_t *cur, size_t *pvalue)
{
    unsigned char b[1];

    if (!take(cur, b, sizeof(b))) {
        return 0;
    }
    *pvalue = b[0];
    return 1;
}

static int take_u16(cursor_t *cur, size_t *pvalue)
{
    unsigned char b[2];

    if (!take(cur, b, sizeof(b))) {
        return 0;
    }
    *pvalue = u16_at(b);
    return 1;
}

/* The body of a server_name extension. mod_ssl ignores a list that is not one
 * host_name; OpenSSL then refuses it, as it does a name with a NUL. An empty
 * name is none to both. */
static itk_hello_status_t parse_server_name(itk_clienthello_t *h,
                                            cursor_t *cur)
{
    size_t list_len, type, len;

    if (!take_u16(cur, &list_len) || list_len != cur->left
        || !take_u8(cur, &type) || type != NAME_TYPE_HOST
        || !take_u16(cur, &len) || len != cur->left
        || len > ITK_HELLO_NAME_MAX
        || !take(cur, (unsigned char *)h->name, len)
        || memchr(h->name, '\0', len) != NULL) {
        h->name[0] = '\0';
        return ITK_HELLO_BAD;
    }
    h->name[len] = '\0';
    h->name_len = len;
    return len > 0 ? ITK_HELLO_NAME : ITK_HELLO_NO_NAME;
}

static itk_hello_status_t parse_extensions(itk_clienthello_t *h, cursor_t *cur)
{
    itk_hello_status_t status = ITK_HELLO_NO_NAME;
    int seen = 0;

    while (cur->left > 0) {
        size_t type, len, after;

        if (!take_u16(cur, &type) || !take_u16(cur, &len)
            || len > cur->left) {
            return ITK_HELLO_BAD;
        }
        if (type != EXT_SERVER_NAME) {
            (void)take(cur, NULL, len);
            continue;
        }
        if (seen++) {
            return ITK_HELLO_BAD;   /* the same extension twice */
        }
        after = cur->left - len;
        cur->left = len;
        status = parse_server_name(h, cur);
        if (status == ITK_HELLO_BAD) {
            return status;
        }
        cur->left = after;
    }
    return status;
}

/* The whole message lies in the input; CUR is behind its header. */
static itk_hello_status_t parse_hello(itk_clienthello_t *h, cursor_t *cur)
{
    size_t n;

    if (!take(cur, NULL, 2 + 32)                    /* version, random */
        || !take_u8(cur, &n) || n > 32 || !take(cur, NULL, n)
        || !take_u16(cur, &n) || n == 0 || n % 2 || !take(cur, NULL, n)
        || !take_u8(cur, &n) || n == 0 || !take(cur, NULL, n)) {
        return ITK_HELLO_BAD;
    }
    if (cur->left == 0) {
        return ITK_HELLO_NO_NAME;   /* a hello from before extensions */
    }
    if (!take_u16(cur, &n) || n != cur->left) {
        return ITK_HELLO_BAD;
    }
    return parse_extensions(h, cur);
}

/* The first bytes are no record. OpenSSL still takes a ClientHello in the
 * format of SSL 2, which cannot name a server. */
static itk_hello_status_t not_a_record(itk_clienthello_t *h,
                                       const unsigned char *data, size_t len)
{
    if (!(data[0] & 0x80)) {
        return ITK_HELLO_NOT_TLS;
    }
    if (len < RECORD_HEADER) {
        h->need = RECORD_HEADER;
        return ITK_HELLO_MORE;
    }
    return data[2] == CLIENT_HELLO && data[3] == 3 ? ITK_HELLO_NO_NAME
                                                   : ITK_HELLO_NOT_TLS;
}

typedef enum { RECORD_HELLO, RECORD_SKIP, RECORD_PARTIAL, RECORD_BAD } record_t;

/* Judge the record at P, of which BODY bytes are there. A warning ahead of the
 * hello is skipped; no other kind of record may come before or inside it. */
static record_t check_record(const itk_clienthello_t *h,
                             const unsigned char *p, size_t body)
{
    size_t size = u16_at(p + 3);

    if (p[1] != 3 || size > RECORD_MAX) {
        return RECORD_BAD;
    }
    if (p[0] == RECORD_HANDSHAKE) {
        return RECORD_HELLO;
    }
    if (p[0] != RECORD_ALERT || size != 2 || h->complete > 0) {
        return RECORD_BAD;
    }
    if (body < size) {
        return RECORD_PARTIAL;
    }
    return p[RECORD_HEADER] == ALERT_WARNING
        && p[RECORD_HEADER + 1] != ALERT_CLOSE ? RECORD_SKIP : RECORD_BAD;
}

/* Read the message that starts in the first record; AVAILABLE bytes of the
 * handshake stream are there. */
static itk_hello_status_t try_message(itk_clienthello_t *h,
                                      const unsigned char *data, size_t len,
                                      size_t available)
{
    cursor_t cur = { data, len, h->first, 0, available };
    unsigned char head[HANDSHAKE_HEADER];
    size_t size;

    if (available < HANDSHAKE_HEADER) {
        return ITK_HELLO_MORE;
    }
    if (!take(&cur, head, sizeof(head)) || head[0] != CLIENT_HELLO) {
        return ITK_HELLO_BAD;
    }
    size = ((size_t)head[1] << 16) | u16_at(head + 2);
    if (available - HANDSHAKE_HEADER < size) {
        return ITK_HELLO_MORE;
    }
    cur.left = size;
    return parse_hello(h, &cur);
}

itk_hello_status_t itk_clienthello_feed(itk_clienthello_t *h,
                                        const unsigned char *data, size_t len)
{
    if (len > 0 && data[0] != RECORD_HANDSHAKE && data[0] != RECORD_ALERT) {
        return not_a_record(h, data, len);
    }
    for (;;) {
        itk_hello_status_t status;
        size_t body, size;

        h->need = h->record + RECORD_HEADER;
        if (len < h->need) {
            return ITK_HELLO_MORE;
        }
        body = len - h->need;
        size = u16_at(data + h->record + 3);
        h->need += size;
        switch (check_record(h, data + h->record, body)) {
        case RECORD_BAD:
            return ITK_HELLO_BAD;
        case RECORD_PARTIAL:
            return ITK_HELLO_MORE;
        case RECORD_SKIP:
            h->record = h->first = h->need;
            continue;
        case RECORD_HELLO:
            break;
        }
        status = try_message(h, data, len,
                             h->complete + (body < size ? body : size));
        if (status != ITK_HELLO_MORE || body < size) {
            return status;
        }
        h->complete += size;
        h->record = h->need;
    }
}
