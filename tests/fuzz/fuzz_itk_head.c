/* The head scanner: in any pieces it says yes at the same byte, and never
 * before a line has ended. */

#include <stdint.h>
#include <stdlib.h>

#include "itk_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    itk_head_t slow = {0, 0, 0}, fast = {0, 0, 0};
    size_t len;
    int found = 0;

    for (len = 0; len <= size && !found; ++len) {
        found = itk_head_scan(&slow, text, len);
        if (found && text[len - 1] != '\n') {
            abort();
        }
    }
    if (itk_head_scan(&fast, text, size) != found
        || fast.seen > size || fast.line > fast.seen) {
        abort();
    }
    if (found && fast.seen != slow.seen) {
        abort();
    }
    return 0;
}
