#include "host/shellvars.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define MAX_IF 16
#define SPECIAL "*?[]\\\"'`$(){}|&<>"   /* in a parameter's operand */

/* A growing string. */
typedef struct buf_t {
    char *s;
    apr_size_t len, size;
    apr_pool_t *p;
} buf_t;

/* The reading of one text. */
typedef struct reader_t {
    em_shellvars_t *sh;
    apr_pool_t *p;
    int depth;                  /* of if around the line */
    int taking[MAX_IF + 1];     /* is the branch of that if taken? */
    int in_case;                /* depth of case, which is passed over */
} reader_t;

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

/* ${NAME OP text}: -, :-, :=, #, ##, %, %% with plain text. */
static const char *operate(reader_t *r, const char *name, const char *value,
                           const char *op)
{
    const char *text = op + strspn(op, ":-=#%");
    apr_size_t n = (apr_size_t)(text - op), len = strlen(text), have;

    if (strpbrk(text, SPECIAL)) {
        r->sh->understood = 0;
        return value ? value : "";
    }
    if ((n == 1 && *op == '-') || (n == 2 && *op == ':')) {
        if (value && (*value || n == 1)) {
            return value;
        }
        if (op[n - 1] == '=') {
            apr_table_set(r->sh->vars, name, text);
        }
        return text;
    }
    value = value ? value : "";
    have = strlen(value);
    if (n >= 1 && n <= 2 && *op == '#' && op[n - 1] == '#') {
        return have >= len && strncmp(value, text, len) == 0 ? value + len
                                                             : value;
    }
    if (n >= 1 && n <= 2 && *op == '%' && op[n - 1] == '%') {
        return have >= len && strcmp(value + have - len, text) == 0
            ? apr_pstrmemdup(r->p, value, have - len) : value;
    }
    r->sh->understood = 0;
    return value;
}

/* Expand the "$..." at S into B; returns how many bytes it took. */
static apr_size_t expand(reader_t *r, buf_t *b, const char *s)
{
    int brace = s[1] == '{';
    const char *at = s + 1 + brace;
    apr_size_t len = name_length(at);
    const char *name, *value, *end;

    if (!len) {                 /* $(...), $1, a lone $ */
        r->sh->understood = 0;
        add(b, '$');
        return 1;
    }
    name = apr_pstrmemdup(r->p, at, len);
    value = apr_table_get(r->sh->vars, name);
    if (!brace) {
        add_all(b, value ? value : "");
        return 1 + len;
    }
    end = strchr(at, '}');
    if (!end) {
        r->sh->understood = 0;
        add(b, '$');
        return 1;
    }
    if (at + len != end) {
        value = operate(r, name, value,
                        apr_pstrmemdup(r->p, at + len,
                                       (apr_size_t)(end - at) - len));
    }
    add_all(b, value ? value : "");
    return (apr_size_t)(end - s) + 1;
}

/* The word at *PS, unquoted and expanded, up to an unquoted blank or ';';
 * *PS behind it. */
static const char *word(reader_t *r, const char **ps)
{
    buf_t b = { NULL, 0, 0, r->p };
    const char *s = *ps;
    char quote = 0;

    while (*s && (quote || !strchr(" \t\r\n;", *s))) {
        if (*s == '$' && quote != '\'') {
            s += expand(r, &b, s);
            continue;
        }
        if (quote ? *s == quote : *s == '"' || *s == '\'') {
            quote = quote ? 0 : *s;
        }
        else if (*s == '\\' && quote != '\'' && s[1]
                 && (!quote || strchr("\"\\$`\n", s[1]))) {
            if (*++s != '\n') {
                add(&b, *s);
            }
        }
        else {
            if (!quote ? strchr("`&|<>()", *s) != NULL
                       : *s == '`' && quote == '"') {
                r->sh->understood = 0;
            }
            if (*s == '~' && b.len == 0 && !quote) {
                r->sh->understood = 0;
            }
            add(&b, *s);
        }
        s++;
    }
    if (quote) {
        r->sh->understood = 0;
    }
    *ps = s;
    return b.s ? b.s : "";
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t\r");
}

static int begins(const char *s, const char *keyword)
{
    apr_size_t len = strlen(keyword);

    return strncmp(s, keyword, len) == 0
        && (s[len] == '\0' || strchr(" \t\r\n;", s[len]));
}

static int is_end(const char *s)
{
    return *s == '\0' || *s == '\n' || *s == '#' || *s == ';';
}

/* NAME=word or NAME+=word at *PS; 0: there is none. */
static int assignment(reader_t *r, const char **ps, const char **pname)
{
    apr_size_t len = name_length(*ps);
    const char *s = *ps + len, *was = "", *value;
    int more = *s == '+' && s[1] == '=';

    if (!len || (*s != '=' && !more)) {
        return 0;
    }
    *pname = apr_pstrmemdup(r->p, *ps, len);
    s += 1 + more;
    if (more) {                 /* bash's, as in SUSE's files; not every sh's */
        r->sh->understood = 0;
        value = apr_table_get(r->sh->vars, *pname);
        was = value ? value : "";
    }
    apr_table_set(r->sh->vars, *pname,
                  apr_pstrcat(r->p, was, word(r, &s), NULL));
    *ps = s;
    return 1;
}

static void export_names(reader_t *r, const char **ps)
{
    const char *s = skip_blanks(*ps), *name;

    while (!is_end(s)) {
        if (!assignment(r, &s, &name)) {
            apr_size_t len = name_length(s);

            if (!len) {
                r->sh->understood = 0;
                break;
            }
            name = apr_pstrmemdup(r->p, s, len);
            s += len;
        }
        if (r->sh->exported) {
            apr_table_set(r->sh->exported, name, "");
        }
        s = skip_blanks(s);
    }
    *ps = s;
}

static void unset_names(reader_t *r, const char **ps)
{
    const char *s = skip_blanks(*ps);
    apr_size_t len;

    while ((len = name_length(s))) {
        apr_table_unset(r->sh->vars, apr_pstrmemdup(r->p, s, len));
        s = skip_blanks(s + len);
    }
    *ps = s;
}

/* "[ A != B ]", "[ A = B ]", "[ -z A ]", "[ -n A ]": 1, 0, -1: not that. */
static int test(reader_t *r, const char **ps)
{
    const char *s = skip_blanks(*ps), *words[4];
    int n = 0;

    if (!begins(s, "[")) {
        return -1;
    }
    s = skip_blanks(s + 1);
    while (n < 4 && !is_end(s)) {
        words[n] = word(r, &s);
        s = skip_blanks(s);
        if (strcmp(words[n++], "]") == 0) {
            break;
        }
    }
    *ps = s;
    if (n == 4 && strcmp(words[3], "]") == 0) {
        int same = strcmp(words[0], words[2]) == 0;

        return strcmp(words[1], "!=") == 0 ? !same
            : strcmp(words[1], "=") == 0 ? same : -1;
    }
    if (n == 3 && strcmp(words[2], "]") == 0) {
        return strcmp(words[0], "-z") == 0 ? !*words[1]
            : strcmp(words[0], "-n") == 0 ? !!*words[1] : -1;
    }
    return -1;
}

static int is_taking(const reader_t *r)
{
    int i;

    for (i = 1; i <= r->depth && i <= MAX_IF; i++) {
        if (r->taking[i] != 1) {
            return 0;
        }
    }
    return !r->in_case;
}

/* if, then, else, elif, fi, case, esac; 0: the command is none of these. */
static int control(reader_t *r, const char **ps)
{
    const char *s = *ps;
    int outer = is_taking(r);

    if (begins(s, "case") || begins(s, "esac")) {
        r->in_case += *s == 'c' ? 1 : r->in_case ? -1 : 0;
        r->sh->understood = 0;
        s += strcspn(s, "\n");
    }
    else if (begins(s, "if")) {
        int holds;

        s += 2;
        holds = outer ? test(r, &s) : 0;
        if (++r->depth <= MAX_IF) {
            r->taking[r->depth] = holds;
        }
        if (holds < 0 || r->depth > MAX_IF) {
            r->sh->understood = 0;
        }
        s += outer && holds >= 0 ? 0 : strcspn(s, ";\n");
    }
    else if (begins(s, "else") || begins(s, "elif")) {
        if (r->depth && r->depth <= MAX_IF) {
            int *taking = &r->taking[r->depth];

            *taking = *taking < 0 || s[2] == 'i' ? -1 : !*taking;
        }
        if (s[2] == 'i') {
            r->sh->understood = 0;
            s += strcspn(s, ";\n");
        }
        else {
            s += 4;
        }
    }
    else if (begins(s, "fi")) {
        r->depth -= r->depth > 0;
        s += 2;
    }
    else if (begins(s, "then")) {
        s += 4;
    }
    else {
        return 0;
    }
    *ps = s;
    return 1;
}

/* One command at *PS; *PS at what ends it. */
static void command(reader_t *r, const char **ps)
{
    const char *s = *ps, *name;

    if (control(r, &s)) {
        *ps = s;
        return;
    }
    if (!is_taking(r)) {
        s += strcspn(s, ";\n");
    }
    else if (begins(s, "export")) {
        s += 6;
        export_names(r, &s);
    }
    else if (begins(s, "unset")) {
        s += 5;
        unset_names(r, &s);
    }
    else if (begins(s, ":")) {
        s = skip_blanks(s + 1);
        while (!is_end(s)) {
            (void)word(r, &s);
            s = skip_blanks(s);
        }
    }
    else if (assignment(r, &s, &name)) {
        s = skip_blanks(s);
        while (assignment(r, &s, &name)) {
            s = skip_blanks(s);
        }
    }
    if (!is_end(s)) {           /* some other command */
        r->sh->understood = 0;
        s += strcspn(s, "\n");
    }
    *ps = s;
}

void em_shellvars_parse(em_shellvars_t *sh, const char *text, apr_pool_t *p)
{
    reader_t r = { .sh = sh, .p = p };

    sh->understood = 1;
    while (*text) {
        text += strspn(text, " \t\r\n;");
        if (*text == '#') {
            text += strcspn(text, "\n");
        }
        else if (*text) {
            command(&r, &text);
        }
    }
    if (r.depth || r.in_case) {
        sh->understood = 0;
    }
}

apr_array_header_t *em_shellvars_split(const char *value, apr_pool_t *p)
{
    apr_array_header_t *words = apr_array_make(p, 8, sizeof(const char *));

    for (;;) {
        buf_t b = { NULL, 0, 0, p };
        char quote = 0;

        while (apr_isspace(*value)) {
            value++;
        }
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
