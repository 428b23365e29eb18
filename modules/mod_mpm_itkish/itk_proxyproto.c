#include "itk_proxyproto.h"

#include <string.h>

/* mod_remoteip reads at most this many bytes of a version 1 line, CRLF
 * included; the specification says 107. */
#define V1_MAX      108
#define V1_PREFIX   "PROXY "
#define V2_HEADER   16

static const unsigned char v2_signature[12] = {
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a
};

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

/* "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80" CRLF: it ends with the first CR,
 * which an LF must follow. */
static itk_proxy_status_t measure_v1(size_t *pn, const unsigned char *data,
                                     size_t len)
{
    const unsigned char *cr = memchr(data, '\r', at_most(len, V1_MAX - 1));

    if (cr == NULL) {
        *pn = len + 1;
        return len < V1_MAX ? ITK_PROXY_MORE : ITK_PROXY_NONE;
    }
    *pn = (size_t)(cr - data) + 2;
    if (*pn > len) {
        return ITK_PROXY_MORE;
    }
    return cr[1] == '\n' ? ITK_PROXY_HEADER : ITK_PROXY_NONE;
}

/* Signature, version and command, family, two bytes of length, addresses. */
static itk_proxy_status_t measure_v2(size_t *pn, const unsigned char *data,
                                     size_t len)
{
    *pn = V2_HEADER;
    if (len < V2_HEADER) {
        return ITK_PROXY_MORE;
    }
    if ((data[12] & 0xf0) != 0x20) {
        return ITK_PROXY_NONE;
    }
    *pn += ((size_t)data[14] << 8) | data[15];
    return len < *pn ? ITK_PROXY_MORE : ITK_PROXY_HEADER;
}

itk_proxy_status_t itk_proxyproto_measure(size_t *pn,
                                          const unsigned char *data,
                                          size_t len)
{
    if (len == 0) {
        *pn = 1;
        return ITK_PROXY_MORE;
    }
    if (memcmp(data, v2_signature, at_most(len, sizeof(v2_signature))) == 0) {
        return measure_v2(pn, data, len);
    }
    if (memcmp(data, V1_PREFIX, at_most(len, strlen(V1_PREFIX))) == 0) {
        return measure_v1(pn, data, len);
    }
    return ITK_PROXY_NONE;
}
