#ifndef EM_JSON_H
#define EM_JSON_H

/* The fence around jansson: only json.c includes jansson.h. Values belong to
 * the pool that made or parsed their root; nobody calls a decref. */

#include <apr_pools.h>
#include <apr_errno.h>

typedef struct em_json_t em_json_t;

em_json_t *em_json_object(apr_pool_t *p);
em_json_t *em_json_array(apr_pool_t *p);

/* Set KEY of an object. NULL strings become null. The setters of objects
 * return the object, so they can be chained. Text that is not UTF-8 has its
 * stray bytes replaced by U+FFFD. */
em_json_t *em_json_set_str(em_json_t *o, const char *key, const char *value);
em_json_t *em_json_set_int(em_json_t *o, const char *key, long long value);
em_json_t *em_json_set_bool(em_json_t *o, const char *key, int value);
em_json_t *em_json_set_null(em_json_t *o, const char *key);
em_json_t *em_json_set(em_json_t *o, const char *key, em_json_t *value);
void em_json_add(em_json_t *array, em_json_t *value);
void em_json_add_str(em_json_t *array, const char *value);

/* Parse; on failure *PERROR says "line N column M: why". Depth and size are
 * bounded; duplicate keys are refused. */
apr_status_t em_json_parse(em_json_t **pjson, const char **perror,
                           const char *text, apr_size_t len, apr_pool_t *p);
/* Text of a value; INDENT spaces a level, 0 = one line. Keys keep order. */
const char *em_json_text(const em_json_t *json, int indent, apr_pool_t *p);

int em_json_is_object(const em_json_t *json);
int em_json_is_array(const em_json_t *json);
/* Getters: NULL, DEF or 0 when absent or of another type. */
em_json_t *em_json_get(const em_json_t *o, const char *key);
const char *em_json_get_str(const em_json_t *o, const char *key);
long long em_json_get_int(const em_json_t *o, const char *key, long long def);
int em_json_get_bool(const em_json_t *o, const char *key, int def);
int em_json_size(const em_json_t *array);
em_json_t *em_json_at(const em_json_t *array, int i);
const char *em_json_str(const em_json_t *json);     /* NULL if no string */
/* Walk an object: the I-th key, or NULL. */
const char *em_json_key(const em_json_t *o, int i);

#endif /* EM_JSON_H */
