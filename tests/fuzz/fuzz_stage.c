/* What the rehearsal reads of the outside: mountinfo, /proc/net/unix, error
 * logs, answers of servers, php-fpm's files. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "rehearse/ask.h"
#include "rehearse/tree.h"
#include "service/errlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_array_header_t *mounts, *lines;
    apr_pool_t *p;
    char *text;

    if (!root && (apr_initialize() != APR_SUCCESS
                  || apr_pool_create(&root, NULL) != APR_SUCCESS)) {
        abort();
    }
    apr_pool_create(&p, root);
    text = malloc(size + 1);    /* so that ASan sees the first byte behind */
    memcpy(text, data, size);
    lines = em_errlog_pick(text, size, EM_LOGLINE_QUIET, 1000, p);
    if (em_errlog_pick(text, size, EM_LOGLINE_FATAL, 1000, p)->nelts
        > lines->nelts) {
        abort();
    }
    (void)em_php_judge("0123456789abcdef", 200, text, size);
    text[size] = '\0';
    mounts = em_mounts_parse(text, p);
    for (int i = 0; i < mounts->nelts; i++) {
        const em_mount_t *mount = APR_ARRAY_IDX(mounts, i, em_mount_t *);

        if (*mount->path != '/') {
            abort();
        }
        (void)em_mount_wanted(mount, NULL);
    }
    lines = em_sockets_parse(text, p);
    for (int i = 0; i < lines->nelts; i++) {
        if (*APR_ARRAY_IDX(lines, i, const char *) != '/') {
            abort();
        }
    }
    free(text);
    apr_pool_destroy(p);
    return 0;
}
