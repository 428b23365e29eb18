#include "itk_plain.h"

#include <string.h>
#include <strings.h>

#define LENGTH_DIGITS   18      /* always less than 2^63 */

/* What is left to read; every step takes something off the front. */
typedef struct rest_t {
    const char *p;
    const char *end;
} rest_t;

static int take(rest_t *rest, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(rest->end - rest->p) < len || memcmp(rest->p, text, len)) {
        return 0;
    }
    rest->p += len;
    return 1;
}

static int is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static int is_letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static int is_name_char(char ch)
{
    return is_letter(ch) || is_digit(ch) || ch == '-' || ch == '_';
}

static int take_request_line(rest_t *rest)
{
    if (!take(rest, "GET ") && !take(rest, "HEAD ") && !take(rest, "POST ")) {
        return 0;
    }
    if (!take(rest, "/") || rest->p == rest->end || *rest->p == '/') {
        return 0;
    }
    while (rest->p < rest->end && *rest->p > ' ' && *rest->p < 0x7f
           && *rest->p != '#') {
        ++rest->p;
    }
    return take(rest, " HTTP/1.1\r\n") || take(rest, " HTTP/1.0\r\n");
}

/* A domain name whose last label starts with a letter: neither an address
 * nor anything that StrictHostCheck or HttpProtocolOptions would mind. */
static int is_domain(const char *name, size_t len)
{
    size_t i, label = 0;

    for (i = 0; i < len; ++i) {
        if (name[i] == '.') {
            if (i == label) {
                return 0;
            }
            label = i + 1;
        }
        else if (!is_name_char(name[i])) {
            return 0;
        }
    }
    return label < len && is_letter(name[label]);
}

/* ":" and a number from 1 to 9999. */
static int is_port(const char *port, size_t len)
{
    size_t i;

    for (i = 1; i < len; ++i) {
        if (!is_digit(port[i])) {
            return 0;
        }
    }
    return len >= 2 && len <= 5 && port[1] != '0';
}

static int is_host(const char *value, size_t len)
{
    const char *colon = memchr(value, ':', len);
    size_t n = colon ? (size_t)(colon - value) : len;

    return is_domain(value, n) && (!colon || is_port(colon, len - n));
}

static int is_length(const char *value, size_t len)
{
    size_t i;

    for (i = 0; i < len; ++i) {
        if (!is_digit(value[i])) {
            return 0;
        }
    }
    return len > 0 && len <= LENGTH_DIGITS;
}

static int is_named(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && !strncasecmp(name, wanted, len);
}

/* One field up to its CRLF: the name and the trimmed value. */
static int take_field(rest_t *rest, const char **pname, size_t *pname_len,
                      const char **pvalue, size_t *pvalue_len)
{
    const char *p = rest->p;

    while (rest->p < rest->end && is_name_char(*rest->p)) {
        ++rest->p;
    }
    *pname = p;
    *pname_len = (size_t)(rest->p - p);
    if (*pname_len == 0 || !take(rest, ":")) {
        return 0;
    }
    while (rest->p < rest->end && (*rest->p == ' ' || *rest->p == '\t')) {
        ++rest->p;
    }
    *pvalue = p = rest->p;
    while (rest->p < rest->end
           && (*rest->p == '\t' || ((unsigned char)*rest->p >= ' '
                                    && *rest->p != 0x7f))) {
        ++rest->p;
    }
    *pvalue_len = (size_t)(rest->p - p);
    while (*pvalue_len > 0 && (p[*pvalue_len - 1] == ' '
                               || p[*pvalue_len - 1] == '\t')) {
        --*pvalue_len;
    }
    return take(rest, "\r\n");
}

int itk_plain_head(itk_plain_t *plain, const char *data, size_t len)
{
    rest_t rest = { data, data + len };
    const char *name, *value;
    size_t name_len, value_len;
    int lengths = 0;

    memset(plain, 0, sizeof(*plain));
    if (!take_request_line(&rest)) {
        return 0;
    }
    plain->line_len = (size_t)(rest.p - data) - 2;
    while (!take(&rest, "\r\n")) {
        if (!take_field(&rest, &name, &name_len, &value, &value_len)) {
            return 0;
        }
        ++plain->fields;
        if (is_named(name, name_len, "Host")) {
            if (plain->host || !is_host(value, value_len)) {
                return 0;
            }
            plain->host = value;
            plain->host_len = value_len;
        }
        else if (is_named(name, name_len, "Content-Length")) {
            if (lengths++ || !is_length(value, value_len)) {
                return 0;
            }
        }
        else if (is_named(name, name_len, "Transfer-Encoding")) {
            return 0;
        }
    }
    plain->len = (size_t)(rest.p - data);
    return plain->host != NULL;
}
