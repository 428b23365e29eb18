/* Module files and binaries, whatever their bytes: no read outside of them
 * and no endless loop. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "host/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    char *copy = malloc(size ? size : 1);   /* the ELF library may write */
    em_elf_t *elf;
    apr_pool_t *p;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    if (!copy) {
        return 0;
    }
    memcpy(copy, data, size);
    apr_pool_create(&p, root);
    if (em_elf_over(&elf, copy, size, p) == APR_SUCCESS) {
        apr_size_t from = 0;

        (void)em_elf_exports(elf, "mpm_event_module");
        (void)em_elf_source(elf, "mpm_event_module");
        (void)em_elf_mmn(elf, "mpm_event_module", p);
        (void)em_elf_prelinked(elf, p);
        while (em_elf_literal(elf, "Apache/", &from, p)) {
        }
    }
    apr_pool_destroy(p);
    free(copy);
    return 0;
}
