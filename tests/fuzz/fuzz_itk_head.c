/* The head scanner: in any pieces it says yes at the same byte, and never
 * before a line has ended. A plain head ends where the scanner says, and
 * nothing shorter is one. */

#include <stdint.h>
#include <stdlib.h>

#include "itk_head.h"
#include "itk_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plain(const char *text, size_t size, size_t end)
{
    itk_plain_t plain, again;

    if (!itk_plain_head(&plain, text, size)) {
        return;
    }
    if (plain.len != end || plain.host < text
        || plain.host + plain.host_len > text + end
        || itk_plain_head(&again, text, end - 1)
        || !itk_plain_head(&again, text, end)
        || again.host != plain.host || again.fields != plain.fields) {
        abort();
    }
}

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
    check_plain(text, size, found ? slow.seen : 0);
    return 0;
}
