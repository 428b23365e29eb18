/* Files of assignments. Besides memory: reading a text twice gives the same,
 * and what is exported has a name. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "host/shellvars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int same(void *baton, const char *name, const char *value)
{
    const char *other = apr_table_get(baton, name);

    if (!*name || !other || strcmp(other, value) != 0) {
        abort();
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    em_shellvars_t one, two;
    const char *text;
    apr_pool_t *p;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    text = apr_pstrmemdup(p, (const char *)data, size);
    one.vars = apr_table_make(p, 4);
    one.exported = apr_table_make(p, 4);
    two.vars = apr_table_make(p, 4);
    two.exported = NULL;
    em_shellvars_parse(&one, text, p);
    em_shellvars_parse(&two, text, p);
    if (one.understood != two.understood) {
        abort();
    }
    apr_table_do(same, two.vars, one.vars, NULL);
    (void)em_shellvars_split(text, p);
    apr_pool_destroy(p);
    return 0;
}
