#include "host/shellvars.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* A growing string. */
typedef struct buf_t {
    char *s;
    apr_size_t len, size;
    apr_pool_t *p;
} buf_t;

static void add(buf_t *b, char c)
{
    if (b->len + 1 >= b->size) {
        char *s = apr_palloc(b->p, b->size = b->size * 2 + 64);

        if (b->len) {
            memcpy(s, b->s, b->len);
        }
        b->s = s;
    }
    b->s[b->len++] = c;
    b->s[b->len] = '\0';
}

static void add_all(buf_t *b, const char *s)
{
    while (*s) {
        add(b, *s++);
    }
}

static apr_size_t name_length(const char *s)
{
    apr_size_t n = 0;

    if (apr_isalpha(*s) || *s == '_') {
        while (apr_isalnum(s[n]) || s[n] == '_') {
            n++;
        }
    }
    return n;
}

/* Expand the "$..." at S into B; returns how many bytes it took. */
static apr_size_t expand(buf_t *b, const char *s, apr_table_t *vars)
{
    int brace = s[1] == '{';
    const char *name = s + 1 + brace;
    apr_size_t len = name_length(name);
    const char *value, *end;

    if (!len) {
        add(b, '$');
        return 1;
    }
    value = apr_table_get(vars, apr_pstrmemdup(b->p, name, len));
    if (!brace) {
        add_all(b, value ? value : "");
        return 1 + len;
    }
    end = strchr(name, '}');
    if (!end) {
        add(b, '$');
        return 1;
    }
    if (name[len] == ':' && (name[len + 1] == '-' || name[len + 1] == '=')
        && (!value || !*value)) {
        value = apr_pstrmemdup(b->p, name + len + 2,
                               (apr_size_t)(end - name) - len - 2);
    }
    add_all(b, value ? value : "");
    return (apr_size_t)(end - s) + 1;
}

/* The word at S, unquoted and expanded, up to an unquoted blank or ';'. */
static const char *word(const char *s, apr_table_t *vars, apr_pool_t *p)
{
    buf_t b = { NULL, 0, 0, p };
    char quote = 0;

    while (*s && (quote || !strchr(" \t\r\n;", *s))) {
        if (quote == '\'' || *s != '$') {
            if (quote ? *s == quote : *s == '"' || *s == '\'') {
                quote = quote ? 0 : *s;
            }
            else if (*s == '\\' && quote != '\'' && s[1]) {
                add(&b, *++s);
            }
            else {
                add(&b, *s);
            }
            s++;
        }
        else {
            s += expand(&b, s, vars);
        }
    }
    return b.s ? b.s : "";
}

/* ": ${NAME:=word}" */
static void default_assignment(apr_table_t *vars, const char *s,
                               apr_pool_t *p)
{
    apr_size_t len;
    const char *name, *end;

    s += 1 + strspn(s + 1, " \t");
    if (strncmp(s, "${", 2) != 0) {
        return;
    }
    len = name_length(s + 2);
    end = strchr(s, '}');
    if (!len || !end || strncmp(s + 2 + len, ":=", 2) != 0) {
        return;
    }
    name = apr_pstrmemdup(p, s + 2, len);
    if (!apr_table_get(vars, name)) {
        const char *text = s + 2 + len + 2;

        apr_table_set(vars, name,
                      word(apr_pstrmemdup(p, text, (apr_size_t)(end - text)),
                           vars, p));
    }
}

static int begins(const char *s, const char *keyword)
{
    apr_size_t len = strlen(keyword);

    return strncmp(s, keyword, len) == 0
        && (s[len] == '\0' || strchr(" \t\r\n;", s[len]));
}

static void take_line(apr_table_t *vars, const char *s, apr_pool_t *p)
{
    apr_size_t len;

    if (begins(s, "export") || begins(s, "readonly")) {
        s += strcspn(s, " \t");
        s += strspn(s, " \t");
    }
    if (begins(s, ":")) {
        default_assignment(vars, s, p);
        return;
    }
    if (begins(s, "unset")) {
        s += 5 + strspn(s + 5, " \t");
        apr_table_unset(vars, apr_pstrmemdup(p, s, name_length(s)));
        return;
    }
    len = name_length(s);
    if (len && s[len] == '=') {
        apr_table_set(vars, apr_pstrmemdup(p, s, len),
                      word(s + len + 1, vars, p));
    }
}

/* The length of the line at S, with what a quote or a backslash continues. */
static apr_size_t line_length(const char *s)
{
    apr_size_t n = 0;
    char quote = 0;

    if (*s == '#') {
        return strcspn(s, "\n");
    }
    for (; s[n] && (quote || s[n] != '\n'); n++) {
        if (s[n] == '\\' && quote != '\'' && s[n + 1]) {
            n++;
        }
        else if (quote ? s[n] == quote : s[n] == '"' || s[n] == '\'') {
            quote = quote ? 0 : s[n];
        }
    }
    return n;
}

void em_shellvars_parse(apr_table_t *vars, const char *text, apr_pool_t *p)
{
    int depth = 0;              /* of if and case around the line */

    while (*text) {
        apr_size_t len;
        const char *line;

        text += strspn(text, " \t\r\n");
        len = line_length(text);
        line = apr_pstrmemdup(p, text, len);
        text += len;
        if (begins(line, "if") || begins(line, "case")) {
            depth++;
        }
        if (depth == 0) {
            take_line(vars, line, p);
        }
        if (depth && (begins(line, "fi") || begins(line, "esac")
                      || (begins(line, "if") && strstr(line, "; fi")))) {
            depth--;
        }
    }
}

apr_array_header_t *em_shellvars_split(const char *value, apr_pool_t *p)
{
    apr_array_header_t *words = apr_array_make(p, 8, sizeof(const char *));

    for (;;) {
        buf_t b = { NULL, 0, 0, p };
        char quote = 0;

        value += strspn(value, " \t\r\n");
        if (!*value) {
            return words;
        }
        for (; *value && (quote || !apr_isspace(*value)); value++) {
            if (quote ? *value == quote : *value == '"' || *value == '\'') {
                quote = quote ? 0 : *value;
            }
            else if (*value == '\\' && quote != '\'' && value[1]) {
                add(&b, *++value);
            }
            else {
                add(&b, *value);
            }
        }
        APR_ARRAY_PUSH(words, const char *) = b.s ? b.s : "";
    }
}
