#include "base/json.h"

#include <stdint.h>
#include <string.h>

#include <jansson.h>
#include <apr_strings.h>

/* A value and the pool that answers for it. A child handle lends the root's
 * reference: the root's cleanup is the only decref. */
struct em_json_t {
    json_t *json;
    apr_pool_t *pool;
};

static apr_status_t release(void *data)
{
    json_decref(data);
    return APR_SUCCESS;
}

static em_json_t *handle(json_t *json, apr_pool_t *p)
{
    em_json_t *h = apr_palloc(p, sizeof(*h));

    h->json = json;
    h->pool = p;
    return h;
}

static em_json_t *own(json_t *json, apr_pool_t *p)
{
    apr_pool_cleanup_register(p, json, release, apr_pool_cleanup_null);
    return handle(json, p);
}

em_json_t *em_json_object(apr_pool_t *p)
{
    return own(json_object(), p);
}

em_json_t *em_json_array(apr_pool_t *p)
{
    return own(json_array(), p);
}

/* Length of the well-formed UTF-8 sequence at S (END is behind the last
 * byte), 0 if there is none. Refuses overlong forms and surrogates. */
static int utf8_len(const unsigned char *s, const unsigned char *end)
{
    int n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2
            : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    int i;

    if (n == 0 || end - s < n) {
        return 0;
    }
    for (i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)
        || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) {
        return 0;
    }
    return n;
}

/* Configuration files hold any bytes; JSON holds Unicode only. */
static json_t *text_value(const char *value, apr_pool_t *p)
{
    json_t *json = json_string(value);
    const unsigned char *s = (const unsigned char *)value, *end;
    char *buf, *o;

    if (json) {
        return json;
    }
    end = s + strlen(value);
    buf = o = apr_palloc(p, (apr_size_t)(end - s) * 3 + 1);
    while (s < end) {
        int n = utf8_len(s, end);

        if (n == 0) {
            memcpy(o, "\xef\xbf\xbd", 3);
            o += 3;
            s++;
            continue;
        }
        memcpy(o, s, (apr_size_t)n);
        o += n;
        s += n;
    }
    *o = '\0';
    return json_string(buf);
}

em_json_t *em_json_set_str(em_json_t *o, const char *key, const char *value)
{
    json_object_set_new(o->json, key,
                        value ? text_value(value, o->pool) : json_null());
    return o;
}

em_json_t *em_json_set_int(em_json_t *o, const char *key, long long value)
{
    json_object_set_new(o->json, key, json_integer(value));
    return o;
}

em_json_t *em_json_set_bool(em_json_t *o, const char *key, int value)
{
    json_object_set_new(o->json, key, json_boolean(value));
    return o;
}

em_json_t *em_json_set_null(em_json_t *o, const char *key)
{
    json_object_set_new(o->json, key, json_null());
    return o;
}

em_json_t *em_json_set(em_json_t *o, const char *key, em_json_t *value)
{
    json_object_set(o->json, key, value->json);
    return o;
}

void em_json_add(em_json_t *array, em_json_t *value)
{
    json_array_append(array->json, value->json);
}

void em_json_add_str(em_json_t *array, const char *value)
{
    json_array_append_new(array->json,
                          value ? text_value(value, array->pool)
                                : json_null());
}

apr_status_t em_json_parse(em_json_t **pjson, const char **perror,
                           const char *text, apr_size_t len, apr_pool_t *p)
{
    json_error_t error;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

    if (!json) {
        *perror = apr_psprintf(p, "line %d column %d: %s", error.line,
                               error.column, error.text);
        return APR_EINVAL;
    }
    *pjson = own(json, p);
    return APR_SUCCESS;
}

const char *em_json_text(const em_json_t *json, int indent, apr_pool_t *p)
{
    size_t flags = JSON_ENCODE_ANY
                   | (indent ? JSON_INDENT((size_t)indent) : JSON_COMPACT);
    size_t len = json_dumpb(json->json, NULL, 0, flags);
    char *buf = apr_palloc(p, len + 1);

    json_dumpb(json->json, buf, len, flags);
    buf[len] = '\0';
    return buf;
}

int em_json_is_object(const em_json_t *json)
{
    return json && json_is_object(json->json);
}

int em_json_is_array(const em_json_t *json)
{
    return json && json_is_array(json->json);
}

em_json_t *em_json_get(const em_json_t *o, const char *key)
{
    json_t *value = o ? json_object_get(o->json, key) : NULL;

    return value ? handle(value, o->pool) : NULL;
}

const char *em_json_get_str(const em_json_t *o, const char *key)
{
    return o ? json_string_value(json_object_get(o->json, key)) : NULL;
}

long long em_json_get_int(const em_json_t *o, const char *key, long long def)
{
    json_t *value = o ? json_object_get(o->json, key) : NULL;

    return json_is_integer(value) ? json_integer_value(value) : def;
}

int em_json_get_bool(const em_json_t *o, const char *key, int def)
{
    json_t *value = o ? json_object_get(o->json, key) : NULL;

    return json_is_boolean(value) ? json_is_true(value) : def;
}

int em_json_size(const em_json_t *array)
{
    return array ? (int)json_array_size(array->json) : 0;
}

em_json_t *em_json_at(const em_json_t *array, int i)
{
    json_t *value = array ? json_array_get(array->json, (size_t)i) : NULL;

    return value ? handle(value, array->pool) : NULL;
}

const char *em_json_str(const em_json_t *json)
{
    return json ? json_string_value(json->json) : NULL;
}

const char *em_json_key(const em_json_t *o, int i)
{
    void *iter = o ? json_object_iter(o->json) : NULL;

    while (iter && i-- > 0) {
        iter = json_object_iter_next(o->json, iter);
    }
    return iter ? json_object_iter_key(iter) : NULL;
}
