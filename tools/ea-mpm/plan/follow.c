#include "plan/draft.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* What a plan does to modules besides what it was asked for: the walk before
 * against the walk after. */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Ids that are in A and not in B, sorted, without MPMs and those told. */
static apr_array_header_t *missing(const em_draft_t *draft, apr_hash_t *a,
                                   apr_hash_t *b)
{
    apr_pool_t *p = draft->pool;
    apr_array_header_t *ids = apr_array_make(p, 8, sizeof(const char *));

    for (apr_hash_index_t *h = apr_hash_first(p, a); h;
         h = apr_hash_next(h)) {
        const char *id = apr_hash_this_key(h);

        if (!apr_hash_get(b, id, APR_HASH_KEY_STRING)
            && !apr_hash_get(draft->told, id, APR_HASH_KEY_STRING)
            && !em_mpm_of(id, p)) {
            APR_ARRAY_PUSH(ids, const char *) = id;
        }
    }
    qsort(ids->elts, (size_t)ids->nelts, sizeof(const char *), by_bytes);
    return ids;
}

static int has(const apr_array_header_t *ids, const char *id)
{
    for (int i = 0; i < ids->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(ids, i, const char *), id) == 0) {
            return 1;
        }
    }
    return 0;
}

void em_tell_followers(em_draft_t *draft, const em_conf_t *after)
{
    static const char because[] = "follows the MPM in this configuration";
    const em_conf_t *before = draft->facts->conf;
    apr_array_header_t *gone = missing(draft, before->modules,
                                       after->modules);
    apr_array_header_t *come = missing(draft, after->modules,
                                       before->modules);

    for (int i = 0; i < gone->nelts; i++) {
        const char *id = APR_ARRAY_IDX(gone, i, const char *);
        const char *other = strcmp(id, "cgi_module") == 0 ? "cgid_module"
                            : strcmp(id, "cgid_module") == 0 ? "cgi_module"
                                                             : NULL;

        if (other && has(come, other)) {
            em_draft_tell(draft, id, id,
                          apr_pstrcat(draft->pool, "replaced by ", other,
                                      NULL), because);
            apr_hash_set(draft->told, other, APR_HASH_KEY_STRING, other);
        }
        else {
            em_draft_tell(draft, id, id, "disabled", because);
        }
    }
    for (int i = 0; i < come->nelts; i++) {
        const char *id = APR_ARRAY_IDX(come, i, const char *);

        if (!apr_hash_get(draft->told, id, APR_HASH_KEY_STRING)) {
            em_draft_tell(draft, id, id, "enabled", because);
        }
    }
}
