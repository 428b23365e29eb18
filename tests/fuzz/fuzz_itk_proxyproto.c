/* PROXY headers: the answer does not change when more bytes come, and a
 * header ends within what was looked at. */

#include <stdint.h>
#include <stdlib.h>

#include "itk_proxyproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    itk_proxy_status_t status = ITK_PROXY_MORE, again;
    size_t len, n = 0, m = 0;

    for (len = 0; len <= size && status == ITK_PROXY_MORE; ++len) {
        status = itk_proxyproto_measure(&n, data, len);
        if (status == ITK_PROXY_MORE ? n <= len
            : status == ITK_PROXY_HEADER && n != len) {
            abort();
        }
    }
    again = itk_proxyproto_measure(&m, data, size);
    if (again != status || (status == ITK_PROXY_HEADER && m != n)) {
        abort();
    }
    return 0;
}
