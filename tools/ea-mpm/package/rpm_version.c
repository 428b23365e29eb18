#include "package/manager.h"

#include <string.h>

#include <apr_lib.h>

/* rpm's order of versions: runs of digits and of letters are compared one
 * after another; "~" sorts before everything, even the end, "^" after the
 * end and before anything else. */

static int is_part(int c)
{
    return apr_isalnum(c) || c == '~' || c == '^';
}

static apr_size_t skip(const char *at, apr_size_t len)
{
    apr_size_t n = 0;

    while (n < len && !is_part((unsigned char)at[n])) {
        n++;
    }
    return n;
}

static apr_size_t run(const char *at, apr_size_t len, int digits)
{
    apr_size_t n = 0;

    while (n < len && (digits ? apr_isdigit(at[n]) : apr_isalpha(at[n]))) {
        n++;
    }
    return n;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static int numbers(const char *a, apr_size_t na, const char *b,
                   apr_size_t nb)
{
    while (na && *a == '0') {
        a++, na--;
    }
    while (nb && *b == '0') {
        b++, nb--;
    }
    return na != nb ? (na > nb ? 1 : -1) : sign(memcmp(a, b, na));
}

static int words(const char *a, apr_size_t na, const char *b, apr_size_t nb)
{
    int c = memcmp(a, b, na < nb ? na : nb);

    return c ? sign(c) : sign((na > nb) - (na < nb));
}

/* Both begin with a digit or a letter. *PN is how much of each is done. */
static int segment(const char *a, apr_size_t la, const char *b,
                   apr_size_t lb, apr_size_t *pna, apr_size_t *pnb)
{
    int digits = apr_isdigit(*a);

    *pna = run(a, la, digits);
    *pnb = run(b, lb, digits);
    if (*pnb == 0) {
        return digits ? 1 : -1;     /* a number is newer than a word */
    }
    return digits ? numbers(a, *pna, b, *pnb) : words(a, *pna, b, *pnb);
}

static int compare_part(const char *a, apr_size_t la, const char *b,
                        apr_size_t lb)
{
    for (;;) {
        apr_size_t na = skip(a, la), nb = skip(b, lb);
        int c;

        a += na, la -= na, b += nb, lb -= nb;
        if ((la && *a == '~') || (lb && *b == '~')) {
            if (!la || *a != '~') {
                return 1;
            }
            if (!lb || *b != '~') {
                return -1;
            }
            na = nb = 1;
        }
        else if ((la && *a == '^') || (lb && *b == '^')) {
            if (!la || !lb) {
                return la ? 1 : -1;
            }
            if (*a != '^' || *b != '^') {
                return *a != '^' ? 1 : -1;
            }
            na = nb = 1;
        }
        else if (!la || !lb) {
            return sign((la > 0) - (lb > 0));
        }
        else if ((c = segment(a, la, b, lb, &na, &nb)) != 0) {
            return c;
        }
        a += na, la -= na, b += nb, lb -= nb;
    }
}

typedef struct evr_t {
    const char *e, *v, *r;
    apr_size_t le, lv, lr;
} evr_t;

static evr_t split(const char *text)
{
    evr_t evr = {"0", text, NULL, 1, strlen(text), 0};
    apr_size_t digits = run(text, evr.lv, 1);
    const char *dash;

    if (text[digits] == ':') {
        if (digits) {
            evr.e = text;
            evr.le = digits;
        }
        evr.v += digits + 1;
        evr.lv -= digits + 1;
    }
    dash = strrchr(evr.v, '-');
    if (dash) {
        evr.r = dash + 1;
        evr.lr = strlen(evr.r);
        evr.lv = (apr_size_t)(dash - evr.v);
    }
    return evr;
}

int em_rpm_compare(const char *a, const char *b)
{
    evr_t x = split(a), y = split(b);
    int c = compare_part(x.e, x.le, y.e, y.le);

    if (c == 0) {
        c = compare_part(x.v, x.lv, y.v, y.lv);
    }
    if (c == 0 && x.r && y.r) {
        c = compare_part(x.r, x.lr, y.r, y.lr);
    }
    return c;
}
