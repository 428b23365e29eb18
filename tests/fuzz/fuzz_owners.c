/* Databases of pacman and apk. Besides memory: what is said to own a file
 * has a name, and that name is in the text. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "host/packages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the file that is asked for, the rest the database. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    const char *name = NULL, *version = NULL, *file, *text, *field;
    apr_pool_t *p;
    char *nl;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    file = apr_pstrmemdup(p, (const char *)data, size);
    nl = strchr(file, '\n');
    text = nl ? nl + 1 : "";
    if (nl) {
        *nl = '\0';
    }
    if (em_apk_owner(&name, &version, text, file, p)
        && (!*name || !strstr(text, name)
            || (version && !strstr(text, version)))) {
        abort();
    }
    field = em_pacman_field(text, "%NAME%", p);
    if (field && (strchr(field, '\n') || !strstr(text, field))) {
        abort();
    }
    if (em_pacman_lists(text, file) && !strstr(text, file)) {
        abort();
    }
    apr_pool_destroy(p);
    return 0;
}
