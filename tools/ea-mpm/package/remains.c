#include "package/package.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* Remains of removed packages in the journal's JSON. Scripts may hold any
 * bytes but NUL: what is no plain text is written as %XX. */

static const char *escaped(const char *data, apr_pool_t *p)
{
    char *text = apr_palloc(p, strlen(data) * 3 + 1), *o = text;

    for (; *data; data++) {
        unsigned char c = (unsigned char)*data;

        if (c == '\n' || (c >= ' ' && c < 0x7f && c != '%')) {
            *o++ = (char)c;
        }
        else {
            o += apr_snprintf(o, 4, "%%%02X", c);
        }
    }
    *o = '\0';
    return text;
}

static const char *unescaped(const char *text, apr_pool_t *p)
{
    char *data = text ? apr_palloc(p, strlen(text) + 1) : NULL, *o = data;

    for (; text && *text; text++) {
        char hex[3] = "", *end;

        if (*text != '%') {
            *o++ = *text;
            continue;
        }
        (void)apr_cpystrn(hex, text + 1, sizeof(hex));
        *o = (char)strtol(hex, &end, 16);
        if (strlen(hex) != 2 || *end || !*o++) {
            return NULL;
        }
        text += 2;
    }
    if (o) {
        *o = '\0';
    }
    return data;
}

/* ---- writing ---- */

static em_json_t *remains_json(const em_package_t *package, apr_pool_t *p)
{
    const em_remains_t *remains = package->remains;
    em_json_t *o = em_json_object(p), *files = em_json_array(p);

    for (int i = 0; i < remains->files->nelts; i++) {
        const em_remain_t *file = &APR_ARRAY_IDX(remains->files, i,
                                                 em_remain_t);
        em_json_t *one = em_json_object(p);

        em_json_set_str(one, "name", file->name);
        em_json_set_str(one, "data", escaped(file->data, p));
        em_json_add(files, em_json_set_bool(one, "script", file->script));
    }
    em_json_set_str(o, "package", package->name);
    em_json_set_str(o, "version", remains->version);
    em_json_set_str(o, "entry", escaped(remains->entry, p));
    return em_json_set(o, "files", files);
}

/* All lists with packages that have some. */
static void lists_of(const apr_array_header_t *lists[4],
                     const em_transaction_t *txn)
{
    lists[0] = txn->install;
    lists[1] = txn->remove;
    lists[2] = txn->purge;
    lists[3] = txn->leave;
}

em_json_t *em_transaction_remains(const em_transaction_t *txn, apr_pool_t *p)
{
    em_json_t *array = em_json_array(p);
    const apr_array_header_t *lists[4];

    lists_of(lists, txn);
    for (int k = 0; k < 4; k++) {
        for (int i = 0; lists[k] && i < lists[k]->nelts; i++) {
            const em_package_t *one = APR_ARRAY_IDX(lists[k], i,
                                                    em_package_t *);

            if (one->remains) {
                em_json_add(array, remains_json(one, p));
            }
        }
    }
    return array;
}

/* ---- reading ---- */

static int take_file(em_remains_t *remains, const em_json_t *o,
                     apr_pool_t *p)
{
    em_remain_t *file = apr_array_push(remains->files);

    file->name = em_json_get_str(o, "name");
    file->data = unescaped(em_json_get_str(o, "data"), p);
    file->script = em_json_get_bool(o, "script", 0);
    return file->name && file->data && file->name[0] != '.'
           && !strchr(file->name, '/');
}

static const em_remains_t *remains_from(const em_json_t *o, apr_pool_t *p)
{
    const em_json_t *files = em_json_get(o, "files");
    em_remains_t *remains = apr_pcalloc(p, sizeof(*remains));
    int ok;

    remains->version = em_json_get_str(o, "version");
    remains->entry = unescaped(em_json_get_str(o, "entry"), p);
    remains->files = apr_array_make(p, 4, sizeof(em_remain_t));
    ok = remains->version && remains->entry && em_json_is_array(files);
    for (int i = 0; ok && i < em_json_size(files); i++) {
        ok = take_file(remains, em_json_at(files, i), p);
    }
    return ok ? remains : NULL;
}

static void give(const apr_array_header_t *list, const char *name,
                 const em_remains_t *remains)
{
    for (int i = 0; list && i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        if (strcmp(one->name, name) == 0 && one->left) {
            one->remains = remains;
        }
    }
}

int em_transaction_take_remains(em_transaction_t *txn, const em_json_t *o,
                                apr_pool_t *p)
{
    const apr_array_header_t *lists[4];

    lists_of(lists, txn);
    for (int i = 0; o && i < em_json_size(o); i++) {
        const char *name = em_json_get_str(em_json_at(o, i), "package");
        const em_remains_t *remains = remains_from(em_json_at(o, i), p);

        if (!name || !remains) {
            return 0;
        }
        for (int k = 0; k < 4; k++) {
            give(lists[k], name, remains);
        }
    }
    return !o || em_json_is_array(o);
}
