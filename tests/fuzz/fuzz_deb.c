/* What dpkg and apt say, and archives in packages. Besides memory: values lie
 * inside their stanza, the contents of a file inside its archive. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "package/deb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stanzas(const char *text, size_t size, apr_pool_t *p)
{
    const char *at = text, *before = text;
    em_stanza_t stanza;

    while (em_stanza_next(&stanza, &at, text + size)) {
        em_package_t *package = em_deb_package(&stanza, p);

        if (stanza.text < before || stanza.end > at || at > text + size) {
            abort();
        }
        before = at;
        if (package && em_deb_compare(package->version, package->version)) {
            abort();
        }
        (void)em_stanza_value(&stanza, "Conffiles", p);
    }
}

static void archive(const char *text, size_t size, apr_pool_t *p)
{
    const char *at = text;
    em_tar_t one;

    while (em_tar_next(&one, &at, text + size, p) > 0) {
        if (one.name[0] != '/' || one.data < text
            || one.len > (size_t)(text + size - one.data)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_pool_t *p;
    char *copy;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    copy = malloc(size + 1);
    memcpy(copy, data, size);
    stanzas(copy, size, p);
    archive(copy, size, p);
    copy[size] = '\0';
    (void)em_apt_simulation(copy, p);
    free(copy);
    apr_pool_destroy(p);
    return 0;
}
