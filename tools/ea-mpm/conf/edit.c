#include "conf/edit.h"

#include <string.h>

#include <apr_strings.h>

/* Where line LINE begins and the next one does; APR_EINVAL if there is none.
 * What follows the last newline is a line if it is not empty. */
static apr_status_t find_line(apr_size_t *pbegin, apr_size_t *pend,
                              em_text_t in, int line)
{
    apr_size_t begin = 0, end = 0;

    for (int n = 0; n < line; n++) {
        const char *nl;

        begin = end;
        if (begin >= in.len) {
            return APR_EINVAL;
        }
        nl = memchr(in.data + begin, '\n', in.len - begin);
        end = nl ? (apr_size_t)(nl - in.data) + 1 : in.len;
    }
    if (line < 1) {
        return APR_EINVAL;
    }
    *pbegin = begin;
    *pend = end;
    return APR_SUCCESS;
}

static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n');
}

/* OUT = IN with the bytes FROM .. TO-1 replaced. */
static void splice(em_text_t *pout, em_text_t in, apr_size_t from,
                   apr_size_t to, const char *text, apr_pool_t *p)
{
    apr_size_t len = strlen(text);
    char *data = apr_palloc(p, in.len - (to - from) + len + 1);

    if (in.len > 0) {
        memcpy(data, in.data, from);
        memcpy(data + from + len, in.data + to, in.len - to);
    }
    memcpy(data + from, text, len);
    pout->len = in.len - (to - from) + len;
    data[pout->len] = '\0';
    pout->data = data;
}

/* Does the line that ends before END go on in the next one? */
static int continues(em_text_t in, apr_size_t begin, apr_size_t end)
{
    if (end > begin && in.data[end - 1] == '\n') {
        end--;
    }
    if (end > begin && in.data[end - 1] == '\r') {
        end--;
    }
    return end > begin && in.data[end - 1] == '\\';
}

/* A "#" on the first physical line is enough: httpd joins continuations
 * before it looks for comments. */
apr_status_t em_edit_comment(em_text_t *pout, em_text_t in, int line,
                             apr_pool_t *p)
{
    apr_size_t begin, end;
    apr_status_t rv = find_line(&begin, &end, in, line);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    while (begin < end && is_blank(in.data[begin])) {
        begin++;
    }
    if (begin == end || in.data[begin] == '\n' || in.data[begin] == '#') {
        return APR_EINVAL;
    }
    splice(pout, in, begin, begin, "#", p);
    return APR_SUCCESS;
}

apr_status_t em_edit_uncomment(em_text_t *pout, em_text_t in, int line,
                               apr_pool_t *p)
{
    apr_size_t begin, end, text;
    apr_status_t rv = find_line(&begin, &end, in, line);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    while (begin < end && is_blank(in.data[begin])) {
        begin++;
    }
    if (begin == end || in.data[begin] != '#') {
        return APR_EINVAL;
    }
    for (text = begin; text < end && (in.data[text] == '#'
                                      || is_blank(in.data[text])); text++) {
    }
    if (text == end || in.data[text] == '\n') {
        return APR_EINVAL;      /* nothing but a comment sign */
    }
    splice(pout, in, begin, text, "", p);
    return APR_SUCCESS;
}

/* The line ending of the line before END. */
static const char *ending(em_text_t in, apr_size_t end)
{
    return end >= 2 && in.data[end - 1] == '\n' && in.data[end - 2] == '\r'
           ? "\r\n" : "\n";
}

apr_status_t em_edit_insert(em_text_t *pout, em_text_t in, int line,
                            const char *text, apr_pool_t *p)
{
    apr_size_t begin = 0, end = 0;
    const char *eol;

    if (line < 1 || strpbrk(text, "\r\n")) {
        return APR_EINVAL;
    }
    if (line > 1) {
        apr_status_t rv = find_line(&begin, &end, in, line - 1);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (continues(in, begin, end)) {
            return APR_EINVAL;  /* it would become a part of that line */
        }
    }
    if (end == 0) {
        const char *nl = in.len ? memchr(in.data, '\n', in.len) : NULL;

        eol = nl ? ending(in, (apr_size_t)(nl - in.data) + 1) : "\n";
    }
    else {
        eol = ending(in, end);
    }
    if (end > 0 && in.data[end - 1] != '\n') {
        const char *nl = memchr(in.data, '\n', in.len);

        /* After a last line that has no newline: stay without one. */
        eol = nl ? ending(in, (apr_size_t)(nl - in.data) + 1) : "\n";
        splice(pout, in, end, end, apr_pstrcat(p, eol, text, NULL), p);
        return APR_SUCCESS;
    }
    splice(pout, in, end, end, apr_pstrcat(p, text, eol, NULL), p);
    return APR_SUCCESS;
}

/* Behind the shell word at AT: quotes and backslashes may hold blanks and
 * newlines. Past the end of the text: its quotes are not closed. */
static apr_size_t word_end(em_text_t in, apr_size_t at)
{
    char quote = 0;

    for (; at < in.len; at++) {
        char c = in.data[at];

        if (c == '\\' && quote != '\'') {
            at++;
            if (at >= in.len || (in.data[at] == '\n' && at + 1 == in.len)) {
                return in.len + 1;      /* goes on in what is appended */
            }
        }
        else if (quote) {
            quote = c == quote ? 0 : quote;
        }
        else if (c == '"' || c == '\'') {
            quote = c;
        }
        else if (c == '\n' || is_blank(c) || strchr(";&|<>()", c)) {
            break;
        }
    }
    return quote || at > in.len ? in.len + 1 : at;
}

/* Does an assignment of NAME begin at the line BEGIN? *PAT: its value. */
static int assigns(em_text_t in, apr_size_t begin, const char *name,
                   apr_size_t *pat)
{
    const apr_size_t len = strlen(name);

    while (begin < in.len && is_blank(in.data[begin])) {
        begin++;
    }
    if (in.len - begin > 7 && memcmp(in.data + begin, "export", 6) == 0
        && is_blank(in.data[begin + 6])) {
        begin += 6;
        while (begin < in.len && is_blank(in.data[begin])) {
            begin++;
        }
    }
    if (in.len - begin <= len || memcmp(in.data + begin, name, len) != 0
        || in.data[begin + len] != '=') {
        return 0;
    }
    *pat = begin + len + 1;
    return 1;
}

/* VALUE as a shell word, in the quotes that were there if it can be. */
static const char *quoted(const char *value, char quote, apr_pool_t *p)
{
    char *word, *out;

    if (!quote && *value && !value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-+./:,=@%")]) {
        return value;
    }
    if (quote == '\'' && !strchr(value, '\'')) {
        return apr_pstrcat(p, "'", value, "'", NULL);
    }
    word = out = apr_palloc(p, 2 * strlen(value) + 3);
    *out++ = '"';
    for (; *value; value++) {
        if (strchr("\\\"$`", *value)) {
            *out++ = '\\';
        }
        *out++ = *value;
    }
    *out++ = '"';
    *out = '\0';
    return word;
}

/* The beginning of the line after the one at LINE. Quoted text may span
 * lines; a comment ends with its line whatever quotes it holds. */
static apr_size_t next_line(em_text_t in, apr_size_t line)
{
    while (line < in.len && in.data[line] != '\n') {
        if (is_blank(in.data[line])) {
            line++;
        }
        else if (in.data[line] == '#') {
            const char *nl = memchr(in.data + line, '\n', in.len - line);

            line = nl ? (apr_size_t)(nl - in.data) : in.len;
        }
        else {
            apr_size_t end = word_end(in, line);

            line = end > line ? end : line + 1;
        }
    }
    return line + 1;
}

/* Does the line BEGIN say "#NAME="? *PHASH: where the "#" is, *PAT: behind
 * the "=". */
static int assigns_commented(em_text_t in, apr_size_t begin,
                             const char *name, apr_size_t *phash,
                             apr_size_t *pat)
{
    while (begin < in.len && is_blank(in.data[begin])) {
        begin++;
    }
    *phash = begin;
    if (begin == in.len || in.data[begin] != '#') {
        return 0;
    }
    while (begin < in.len && (in.data[begin] == '#'
                              || is_blank(in.data[begin]))) {
        begin++;
    }
    return assigns(in, begin, name, pat);
}

static char quote_at(em_text_t in, apr_size_t at)
{
    return at < in.len && (in.data[at] == '"' || in.data[at] == '\'')
           ? in.data[at] : '\0';
}

/* Nothing but blanks and a comment before END? */
static int is_rest_empty(em_text_t in, apr_size_t at, apr_size_t end)
{
    const apr_size_t begin = at;

    while (at < end && is_blank(in.data[at])) {
        at++;
    }
    return at == end || (at > begin && in.data[at] == '#');
}

/* Where a comment says "#NAME=": take the comment off if it says VALUE too,
 * else add a line below it. 0: no comment does. */
static int set_beside_comment(em_text_t *pout, em_text_t in,
                              const char *name, const char *value,
                              apr_pool_t *p)
{
    apr_size_t line, hash, at, found = 0, eol, len;
    const char *word, *nl;

    for (line = 0; line < in.len; line = next_line(in, line)) {
        if (assigns_commented(in, line, name, &hash, &at)) {
            found = at;
            break;
        }
    }
    if (!found) {
        return 0;
    }
    nl = memchr(in.data + found, '\n', in.len - found);
    eol = nl ? (apr_size_t)(nl - in.data) : in.len;
    word = quoted(value, quote_at(in, found), p);
    len = strlen(word);
    if (eol - found >= len && memcmp(in.data + found, word, len) == 0
        && is_rest_empty(in, found + len, eol)) {
        splice(pout, in, hash, found - strlen(name) - 1, "", p);
        return 1;
    }
    splice(pout, in, eol, eol, apr_pstrcat(p, "\n", name, "=", word, NULL),
           p);
    return 1;
}

apr_status_t em_edit_setvar(em_text_t *pout, em_text_t in, const char *name,
                            const char *value, apr_pool_t *p)
{
    apr_size_t line, next, at, last = 0;

    if (!*name || strpbrk(name, "= \t\r\n\"'\\$#") || strchr(value, '\n')) {
        return APR_EINVAL;
    }
    /* A later assignment wins, so the last one is the one to change. */
    for (line = 0; line < in.len; line = next) {
        next = next_line(in, line);
        if (next > in.len + 1) {
            return APR_EINVAL;  /* an open quote holds the rest */
        }
        if (assigns(in, line, name, &at)) {
            last = at;
        }
    }
    if (!last && set_beside_comment(pout, in, name, value, p)) {
        return APR_SUCCESS;
    }
    if (!last) {
        splice(pout, in, in.len, in.len,
               apr_pstrcat(p, in.len && in.data[in.len - 1] != '\n'
                           ? "\n" : "",
                           name, "=", quoted(value, '"', p), "\n", NULL), p);
        return APR_SUCCESS;
    }
    splice(pout, in, last, word_end(in, last),
           quoted(value, quote_at(in, last), p), p);
    return APR_SUCCESS;
}
