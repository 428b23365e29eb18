/* The message of the module's processes: what is accepted survives a round
 * trip unchanged, what is refused changes nothing, and every reason can be
 * put into words. The first byte is the number of descriptors. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "itk_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    itk_msg_t msg, again, untouched;
    int nfds;

    if (size < 1) {
        return 0;
    }
    nfds = (int8_t)data[0];
    memset(&msg, 0x5a, sizeof(msg));
    untouched = msg;
    if (itk_wire_decode(&msg, data + 1, size - 1, nfds) != 0) {
        if (memcmp(&msg, &untouched, sizeof(msg)) != 0) {
            abort();
        }
        return 0;
    }
    if (size - 1 != ITK_WIRE_SIZE || msg.magic != ITK_WIRE_MAGIC ||
        itk_wire_fds(msg.type) != nfds ||
        itk_wire_decode(&again, &msg, sizeof(msg), nfds) != 0 ||
        memcmp(&again, data + 1, sizeof(again)) != 0) {
        abort();
    }
    if (!*itk_deny_id(msg.value) || !*itk_deny_text(msg.value)) {
        abort();
    }
    return 0;
}
