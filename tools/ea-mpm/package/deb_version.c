#include "package/deb.h"

#include <string.h>

#include <apr_lib.h>

/* "~" sorts before the end, letters before everything else. */
static int order(const char *at, const char *end)
{
    if (at == end || apr_isdigit(*at)) {
        return 0;
    }
    return *at == '~' ? -1 : apr_isalpha(*at) ? *at
                                              : (unsigned char)*at + 256;
}

/* Numbers of any length; both pointers go behind them. */
static int numbers(const char **pa, const char *a_end, const char **pb,
                   const char *b_end)
{
    const char *a = *pa, *b = *pb;
    int first = 0;

    while (a < a_end && *a == '0') {
        a++;
    }
    while (b < b_end && *b == '0') {
        b++;
    }
    while (a < a_end && b < b_end && apr_isdigit(*a) && apr_isdigit(*b)) {
        first = first ? first : *a - *b;
        a++;
        b++;
    }
    if (a < a_end && apr_isdigit(*a)) {
        return 1;
    }
    if (b < b_end && apr_isdigit(*b)) {
        return -1;
    }
    *pa = a;
    *pb = b;
    return first;
}

static int compare_part(const char *a, const char *a_end, const char *b,
                        const char *b_end)
{
    while (a < a_end || b < b_end) {
        int sign;

        while ((a < a_end && !apr_isdigit(*a))
               || (b < b_end && !apr_isdigit(*b))) {
            sign = order(a, a_end) - order(b, b_end);
            if (sign) {
                return sign;
            }
            a++;
            b++;
        }
        sign = numbers(&a, a_end, &b, b_end);
        if (sign) {
            return sign;
        }
    }
    return 0;
}

/* EPOCH:UPSTREAM-REVISION in its parts; the last "-" divides. */
typedef struct parts_t {
    const char *epoch, *epoch_end, *version, *version_end, *revision, *end;
} parts_t;

static parts_t split(const char *text)
{
    const char *colon = strchr(text, ':'), *dash;
    parts_t parts = {"", "", text, NULL, NULL, text + strlen(text)};

    if (parts.epoch && colon) {
        parts.epoch = text;
        parts.epoch_end = colon;
        parts.version = colon + 1;
    }
    else {
        parts.epoch_end = parts.epoch;
    }
    dash = strrchr(parts.version, '-');
    parts.version_end = dash ? dash : parts.end;
    parts.revision = dash ? dash + 1 : parts.end;
    return parts;
}

int em_deb_compare(const char *a, const char *b)
{
    parts_t pa = split(a), pb = split(b);
    int sign = compare_part(pa.epoch, pa.epoch_end, pb.epoch, pb.epoch_end);

    if (sign == 0) {
        sign = compare_part(pa.version, pa.version_end, pb.version,
                            pb.version_end);
    }
    return sign ? sign : compare_part(pa.revision, pa.end, pb.revision,
                                      pb.end);
}
