#include "conf/vars.h"

#include <string.h>
#include <sys/uio.h>

#include <apr_strings.h>

struct em_vars_t {
    apr_pool_t *pool;
    apr_hash_t *names;          /* defined names -> "" */
    apr_hash_t *values;         /* lower case name -> value */
    apr_hash_t *env;
    apr_hash_t *asked;          /* names that the environment was asked for */
};

static const char *lower(const char *s, apr_pool_t *p)
{
    char *low = apr_pstrdup(p, s);

    for (char *c = low; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    return low;
}

em_vars_t *em_vars_make(const char *const *env, const char *const *defines,
                        apr_pool_t *p)
{
    em_vars_t *vars = apr_pcalloc(p, sizeof(*vars));

    vars->pool = p;
    vars->names = apr_hash_make(p);
    vars->values = apr_hash_make(p);
    vars->env = apr_hash_make(p);
    vars->asked = apr_hash_make(p);
    for (; env && *env; env++) {
        const char *eq = strchr(*env, '=');

        if (eq) {
            apr_hash_set(vars->env, *env, eq - *env, eq + 1);
        }
    }
    for (; defines && *defines; defines++) {
        em_vars_define(vars, *defines, NULL);
    }
    return vars;
}

void em_vars_define(em_vars_t *vars, const char *name, const char *value)
{
    apr_hash_set(vars->names, apr_pstrdup(vars->pool, name),
                 APR_HASH_KEY_STRING, "");
    if (value) {
        apr_hash_set(vars->values, lower(name, vars->pool),
                     APR_HASH_KEY_STRING, apr_pstrdup(vars->pool, value));
    }
}

void em_vars_undefine(em_vars_t *vars, const char *name)
{
    apr_hash_set(vars->names, name, APR_HASH_KEY_STRING, NULL);
    apr_hash_set(vars->values, lower(name, vars->pool), APR_HASH_KEY_STRING,
                 NULL);
}

int em_vars_defined(const em_vars_t *vars, const char *name)
{
    return apr_hash_get(vars->names, name, APR_HASH_KEY_STRING) != NULL;
}

static const char *value_in_env(const em_vars_t *vars, const char *name,
                                apr_ssize_t len)
{
    if (!apr_hash_get(vars->asked, name, len)) {
        apr_hash_set(vars->asked, apr_pstrmemdup(vars->pool, name,
                                                 (apr_size_t)len), len, "");
    }
    return apr_hash_get(vars->env, name, len);
}

static const char *value_of(const em_vars_t *vars, const char *name,
                            apr_ssize_t len)
{
    char low[128];

    if (apr_hash_count(vars->values) && len < (apr_ssize_t)sizeof(low)) {
        const char *v;

        for (apr_ssize_t i = 0; i < len; i++) {
            low[i] = name[i] >= 'A' && name[i] <= 'Z'
                     ? (char)(name[i] - 'A' + 'a') : name[i];
        }
        v = apr_hash_get(vars->values, low, len);
        if (v) {
            return v;
        }
    }
    return value_in_env(vars, name, len);
}

const char *em_vars_resolve(const em_vars_t *vars, const char *text,
                            apr_pool_t *p)
{
    enum { SMALL = 16 };
    struct iovec small[SMALL], *vec = small;
    apr_size_t n = 0, max = SMALL, len = 0;
    const char *s = text, *dollar;

    while ((dollar = strchr(s, '$')) != NULL) {
        const char *close = dollar[1] == '{' ? strchr(dollar + 2, '}') : NULL;
        const char *value = NULL, *next = dollar + 1;

        if (close) {
            value = value_of(vars, dollar + 2, close - dollar - 2);
            next = close + 1;
        }
        if (n + 3 > max) {
            struct iovec *more = apr_palloc(p, 2 * max * sizeof(*more));

            memcpy(more, vec, n * sizeof(*more));
            vec = more;
            max *= 2;
        }
        vec[n].iov_base = (void *)s;
        vec[n++].iov_len = (apr_size_t)((value ? dollar : next) - s);
        if (value) {
            vec[n].iov_base = (void *)value;
            vec[n++].iov_len = strlen(value);
            len += vec[n - 1].iov_len;
            if (len > EM_VARS_MAX) {
                return NULL;
            }
        }
        s = next;
    }
    if (n == 0) {
        return text;
    }
    vec[n].iov_base = (void *)s;
    vec[n++].iov_len = strlen(s);
    return apr_pstrcatv(p, vec, n, NULL);
}

apr_hash_t *em_vars_asked(const em_vars_t *vars)
{
    return vars->asked;
}

apr_hash_t *em_vars_table(const em_vars_t *vars, apr_pool_t *p)
{
    apr_hash_t *table = apr_hash_make(p);
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(p, vars->names); hi; hi = apr_hash_next(hi)) {
        const char *name = apr_hash_this_key(hi);
        const char *value = apr_hash_get(vars->values, lower(name, p),
                                         APR_HASH_KEY_STRING);

        apr_hash_set(table, name, APR_HASH_KEY_STRING, value ? value : "");
    }
    return table;
}
