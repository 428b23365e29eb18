/* The journal's intent.json: whatever is accepted is written back to the
 * same text, and names no path that leads out of its directory. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "change/dir.h"
#include "change/intent.h"

int LLVMFuzzerInitialize(int *pargc, char ***pargv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *pargc, char ***pargv)
{
    (void)pargc;
    (void)pargv;
    return apr_initialize() == APR_SUCCESS ? 0 : 1;
}

static void check(const em_intent_t *intent, apr_pool_t *p)
{
    const char *text = em_intent_text(intent, p), *error = NULL, *again;
    em_intent_t *copy;

    for (int i = 0; i < intent->moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(intent->moves, i, em_move_t *);

        if (!em_path_is_plain(move->step->path) || move->n != i
            || move->before.node.len > EM_IMAGE_MAX
            || move->after.node.len > EM_IMAGE_MAX) {
            abort();
        }
    }
    if (!em_id_is_plain(intent->info.id)
        || em_intent_parse(&copy, &error, text, strlen(text), p)
           != APR_SUCCESS) {
        abort();
    }
    again = em_intent_text(copy, p);
    if (strcmp(text, again) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_intent_t *intent;
    const char *error = NULL;
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    if (em_intent_parse(&intent, &error, (const char *)data, size, p)
        == APR_SUCCESS) {
        check(intent, p);
    }
    else if (!error || !*error) {
        abort();
    }
    apr_pool_destroy(p);
    return 0;
}
