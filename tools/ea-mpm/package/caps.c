#include "package/manager.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* ---- words ---- */

typedef struct rel_name_t {
    const char *text;
    em_rel_t rel;
} rel_name_t;

/* "<<" and ">>" are DEB's words for what rpm writes with one sign. */
static const rel_name_t rel_names[] = {
    {"=", EM_REL_EQ}, {"==", EM_REL_EQ}, {"<", EM_REL_LT},
    {"<<", EM_REL_LT}, {"<=", EM_REL_LE}, {"=<", EM_REL_LE},
    {">", EM_REL_GT}, {">>", EM_REL_GT}, {">=", EM_REL_GE},
    {"=>", EM_REL_GE},
};

/* Where to go on after a word from AT, whose length is *PLEN. */
static const char *word(const char *at, const char *end, const char *stop,
                        apr_size_t *plen)
{
    const char *from;

    while (at < end && apr_isspace(*at)) {
        at++;
    }
    from = at;
    while (at < end && *at && !apr_isspace(*at)
           && !(stop && strchr(stop, *at))) {
        at++;
    }
    *plen = (apr_size_t)(at - from);
    return from;
}

static int rel_of(em_rel_t *rel, const char *text, apr_size_t len)
{
    for (size_t i = 0; i < sizeof(rel_names) / sizeof(*rel_names); i++) {
        if (strlen(rel_names[i].text) == len
            && memcmp(rel_names[i].text, text, len) == 0) {
            *rel = rel_names[i].rel;
            return 1;
        }
    }
    return 0;
}

/* "= 1.2" or "(>= 1.2)" after the name; 0 where it is anything else. */
static int parse_version(em_cap_t *cap, const char *at, const char *end,
                         apr_pool_t *p)
{
    apr_size_t len;
    int open;

    at = word(at, end, NULL, &len);
    if (len == 0) {
        return 1;
    }
    open = *at == '(';
    at += open;
    len = strspn(at, "<=>");
    if (at + len > end || !rel_of(&cap->rel, at, len)) {
        return 0;
    }
    at = word(at + len, end, ")", &len);
    if (len == 0) {
        return 0;
    }
    cap->version = apr_pstrmemdup(p, at, len);
    if (strncmp(cap->version, "0:", 2) == 0) {
        cap->version += 2;
    }
    at = word(at + len, end, ")", &len);
    return len == 0 && (at < end && *at == ')') == open;
}

/* "libfoo.so.1()(64bit)" and "perl(Foo)" have their brackets inside the name,
 * a rich dependency begins with one. */
int em_cap_parse(em_cap_t *cap, const char *text, apr_size_t len,
                 apr_pool_t *p)
{
    const char *end = text + len, *name, *colon;
    apr_size_t n;

    memset(cap, 0, sizeof(*cap));
    end = memchr(text, '\0', len) ? text + strlen(text) : end;
    name = word(text, end, NULL, &n);
    if (n == 0 || *name == '(' || strchr("<=>", *name)
        || (n > 7 && memcmp(name, "rpmlib(", 7) == 0)) {
        return 0;
    }
    cap->name = apr_pstrmemdup(p, name, n);
    colon = strchr(cap->name, ':');
    if (colon && (strcmp(colon, ":any") == 0
                  || strcmp(colon, ":native") == 0)) {
        cap->name = apr_pstrmemdup(p, cap->name,
                                   (apr_size_t)(colon - cap->name));
    }
    return *cap->name && parse_version(cap, name + n, end, p);
}

const char *em_cap_text(const em_cap_t *cap, apr_pool_t *p)
{
    static const char *const signs[] = {
        [EM_REL_EQ] = "=", [EM_REL_LT] = "<", [EM_REL_LE] = "<=",
        [EM_REL_GT] = ">", [EM_REL_GE] = ">="
    };

    return cap->rel == EM_REL_ANY || !cap->version
               ? cap->name
               : apr_pstrcat(p, cap->name, " ", signs[cap->rel], " ",
                             cap->version, NULL);
}

/* ---- meaning ---- */

static int allows(em_rel_t rel, int sign)
{
    switch (rel) {
    case EM_REL_EQ: return sign == 0;
    case EM_REL_LT: return sign < 0;
    case EM_REL_LE: return sign <= 0;
    case EM_REL_GT: return sign > 0;
    case EM_REL_GE: return sign >= 0;
    case EM_REL_ANY: break;
    }
    return 1;
}

/* Is there a version that both relations allow? SIGN is the order of the one
 * version against the other. */
static int overlap(em_rel_t has, em_rel_t wants, int sign)
{
    int has_up = has == EM_REL_GT || has == EM_REL_GE;
    int has_down = has == EM_REL_LT || has == EM_REL_LE;
    int wants_up = wants == EM_REL_GT || wants == EM_REL_GE;
    int wants_down = wants == EM_REL_LT || wants == EM_REL_LE;

    if ((has_up && wants_up) || (has_down && wants_down)) {
        return 1;
    }
    if (sign == 0) {
        return allows(has, 0) && allows(wants, 0);
    }
    if (has == EM_REL_EQ) {
        return allows(wants, sign);
    }
    return sign < 0 ? has_up : has_down;
}

int em_cap_satisfies(const em_cap_t *has, const em_cap_t *wants,
                     const em_manager_t *manager)
{
    if (strcmp(has->name, wants->name) != 0) {
        return 0;
    }
    if (wants->rel == EM_REL_ANY || !wants->version) {
        return 1;
    }
    if (has->rel == EM_REL_ANY || !has->version) {
        return manager->bare;
    }
    return overlap(has->rel, wants->rel,
                   manager->compare(has->version, wants->version));
}
