#include "change/image.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <apr_sha1.h>
#include <apr_strings.h>

#define BLOCK (1 << 16)

static void finish(char hex[EM_SHA1_HEX], apr_sha1_ctx_t *ctx)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[APR_SHA1_DIGESTSIZE];

    apr_sha1_final(sum, ctx);
    for (int i = 0; i < APR_SHA1_DIGESTSIZE; i++) {
        hex[2 * i] = digits[sum[i] >> 4];
        hex[2 * i + 1] = digits[sum[i] & 15];
    }
    hex[2 * APR_SHA1_DIGESTSIZE] = '\0';
}

void em_sha1(char hex[EM_SHA1_HEX], const char *data, apr_size_t len)
{
    apr_sha1_ctx_t ctx;

    apr_sha1_init(&ctx);
    while (len > 0) {           /* it counts in unsigned int */
        unsigned n = len > BLOCK ? BLOCK : (unsigned)len;

        apr_sha1_update_binary(&ctx, (const unsigned char *)data, n);
        data += n;
        len -= n;
    }
    finish(hex, &ctx);
}

apr_status_t em_sha1_file(const char **phex, apr_off_t *psize,
                          const char *path, apr_pool_t *p)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char hex[EM_SHA1_HEX];
    unsigned char block[BLOCK];
    apr_sha1_ctx_t ctx;
    apr_off_t size = 0;
    ssize_t n;

    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    apr_sha1_init(&ctx);
    while ((n = read(fd, block, sizeof(block))) > 0
           || (n < 0 && errno == EINTR)) {
        if (n > 0) {
            apr_sha1_update_binary(&ctx, block, (unsigned)n);
            size += n;
        }
    }
    if (n < 0) {
        apr_status_t rv = APR_FROM_OS_ERROR(errno);

        close(fd);
        return rv;
    }
    close(fd);
    finish(hex, &ctx);
    *phex = apr_pstrdup(p, hex);
    *psize = size;
    return APR_SUCCESS;
}
