/* The SNI parser. Besides memory: fed as bytes arrive it decides the same as
 * on the whole input, and it never asks for fewer bytes than it has. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "itk_clienthello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    itk_clienthello_t whole, grown;
    itk_hello_status_t at_once, status = ITK_HELLO_MORE;
    size_t len = 0;

    itk_clienthello_init(&whole);
    at_once = itk_clienthello_feed(&whole, data, size);
    itk_clienthello_init(&grown);
    while (status == ITK_HELLO_MORE && grown.need <= size) {
        len = grown.need;
        status = itk_clienthello_feed(&grown, data, len);
        if (status == ITK_HELLO_MORE && grown.need <= len) {
            abort();
        }
    }
    if (status == ITK_HELLO_MORE && size > len) {
        status = itk_clienthello_feed(&grown, data, size);
    }
    if (size > 0 && (status != at_once || strcmp(whole.name, grown.name))) {
        abort();
    }
    if (at_once == ITK_HELLO_NAME
        && (whole.name_len == 0 || strlen(whole.name) != whole.name_len)) {
        abort();
    }
    return 0;
}
