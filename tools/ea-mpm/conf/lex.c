#include "conf/lex.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "conf/conf.h"

/* isspace of the C locale, which httpd reads its configuration in. */
static int blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_blanks(const char *s)
{
    while (blank(*s)) {
        s++;
    }
    return s;
}

typedef struct keyword_t {
    const char *name;
    unsigned char len;
    unsigned char keyword;
} keyword_t;

static em_keyword_t find(const keyword_t *list, const char *name)
{
    apr_size_t len = strlen(name);

    for (; list->name; list++) {
        if (list->len == len && strcasecmp(list->name, name) == 0) {
            return list->keyword;
        }
    }
    return EM_KW_NONE;
}

static em_keyword_t plain_keyword(const char *name)
{
    static const keyword_t list[] = {
        { "Include", 7, EM_KW_INCLUDE },
        { "IncludeOptional", 15, EM_KW_INCLUDEOPTIONAL },
        { "LoadModule", 10, EM_KW_LOADMODULE },
        { "Define", 6, EM_KW_DEFINE },
        { "UnDefine", 8, EM_KW_UNDEFINE },
        { "ServerRoot", 10, EM_KW_SERVERROOT },
        { "Use", 3, EM_KW_USE },
        { "UndefMacro", 10, EM_KW_UNDEFMACRO },
        { NULL, 0, 0 }
    };

    switch (*name) {
    case 'I': case 'i': case 'L': case 'l': case 'D': case 'd':
    case 'U': case 'u': case 'S': case 's':
        return find(list, name);
    default:
        return EM_KW_NONE;
    }
}

static em_keyword_t section_keyword(const char *name)
{
    static const keyword_t list[] = {
        { "IfModule", 8, EM_KW_IFMODULE },
        { "IfDefine", 8, EM_KW_IFDEFINE },
        { "IfVersion", 9, EM_KW_IFVERSION },
        { "IfFile", 6, EM_KW_IFFILE },
        { "IfDirective", 11, EM_KW_IFDIRECTIVE },
        { "IfSection", 9, EM_KW_IFSECTION },
        { "Macro", 5, EM_KW_MACRO },
        { "Perl", 4, EM_KW_FOREIGN },
        { NULL, 0, 0 }
    };

    switch (*name) {
    case 'I': case 'i': case 'M': case 'm': case 'P': case 'p':
        return find(list, name);
    case 'L': case 'l':
        return strncasecmp(name, "LuaHook", 7) == 0
               || strncasecmp(name, "LuaQuickHandler", 15) == 0
               ? EM_KW_FOREIGN : EM_KW_NONE;
    default:
        return EM_KW_NONE;
    }
}

/* "</IfModule>": the name alone. httpd wants nothing behind it. */
static void split_close(em_lex_line_t *line, char *name)
{
    apr_size_t len = strlen(name);

    line->kind = EM_LEX_CLOSE;
    line->odd = *line->args != '\0' || name[len - 1] != '>';
    if (name[len - 1] == '>') {
        name[len - 1] = '\0';
    }
    line->name = name + 2;
}

static void split_open(em_lex_line_t *line, char *name, char *args)
{
    apr_size_t len = strlen(name);
    char *bracket = strrchr(args, '>');

    line->kind = EM_LEX_OPEN;
    line->name = name + 1;
    if (!*args) {
        line->odd = name[len - 1] != '>';
    }
    else if (bracket) {
        *bracket = '\0';
        while (bracket > args && blank(bracket[-1])) {
            *--bracket = '\0';
        }
    }
    else {
        line->odd = 1;
    }
    if (name[len - 1] == '>') {
        name[len - 1] = '\0';
    }
    line->keyword = section_keyword(line->name);
}

int em_lex_split(em_lex_line_t *line, char *text, apr_pool_t *p)
{
    char *name = text, *args;

    line->keyword = EM_KW_NONE;
    line->odd = 0;
    if (*text == '"' || *text == '\'') {
        const char *rest = text;

        name = apr_pstrdup(p, em_conf_word(text, 0, p));
        rest = em_conf_rest(text, 1);
        args = text + (rest - text);
    }
    else {
        for (args = text; *args && !blank(*args); args++) {
        }
        if (*args) {
            *args++ = '\0';
            args += skip_blanks(args) - args;
        }
    }
    if (!*name) {
        return 0;
    }
    line->args = args;
    if (name[0] == '<' && name[1] == '/') {
        split_close(line, name);
    }
    else if (name[0] == '<') {
        split_open(line, name, args);
    }
    else {
        line->kind = EM_LEX_PLAIN;
        line->name = name;
        line->keyword = plain_keyword(name);
    }
    return 1;
}

/* Is the comment TEXT a LoadModule line of an MPM with "#" before it, and
 * not a sentence about one? Then it has exactly two words behind it: the id
 * and a module file. */
static int is_mpm_comment(em_lex_line_t *line, char *text, apr_pool_t *p)
{
    const char *id, *so;
    apr_size_t len;

    while (*text == '#' || blank(*text)) {
        text++;
    }
    if (strncasecmp(text, "LoadModule", 10) != 0 || !blank(text[10])) {
        return 0;
    }
    id = em_conf_word(text, 1, p);
    so = em_conf_word(text, 2, p);
    if (!id || !so || em_conf_word(text, 3, p)) {
        return 0;
    }
    len = strlen(id);
    if (strncmp(id, "mpm_", 4) != 0 || len < 12
        || strcmp(id + len - 7, "_module") != 0) {
        return 0;
    }
    len = strlen(so);
    if (len < 4 || strcmp(so + len - 3, ".so") != 0) {
        return 0;
    }
    line->kind = EM_LEX_MPM;
    line->keyword = EM_KW_LOADMODULE;
    line->name = "LoadModule";
    line->args = skip_blanks(text + 10);
    return 1;
}

typedef struct lexer_t {
    apr_pool_t *pool;
    em_lex_t *lex;
    apr_array_header_t *lines;  /* em_lex_line_t */
    char *at, *end;             /* rest of the changeable copy */
    int number;                 /* of the next physical line */
} lexer_t;

/* Read one logical line into place. Returns its text, NUL-terminated; *PLEN
 * is its length. Physical lines that end in a backslash are moved together;
 * a NUL hides the rest of its physical line, as C strings do in httpd. */
static char *next_text(lexer_t *x, apr_size_t *plen)
{
    char *text = x->at, *out = x->at;

    for (;;) {
        char *nl = memchr(x->at, '\n', (apr_size_t)(x->end - x->at));
        char *stop = nl ? nl : x->end;
        apr_size_t len = strnlen(x->at, (apr_size_t)(stop - x->at));
        int hidden = x->at + len != stop;

        if (out != x->at) {
            memmove(out, x->at, len);
        }
        x->at = nl ? nl + 1 : x->end;
        x->number++;
        out += len;
        if (!nl || hidden) {
            break;
        }
        if (out > text && out[-1] == '\r') {
            out--;
        }
        if (out > text && out[-1] == '\\' && x->at < x->end) {
            out--;
            continue;
        }
        if (out > text && out[-1] == '\\') {
            out--;
        }
        break;
    }
    *plen = (apr_size_t)(out - text);
    return text;
}

/* Turn the text into an entry, if it is anything. */
static void add_line(lexer_t *x, char *text, apr_size_t len,
                     const em_lex_line_t *where)
{
    em_lex_line_t line = *where;

    while (len > 0 && blank(text[len - 1])) {
        len--;
    }
    text[len] = '\0';           /* at most the newline: see em_lex */
    text += skip_blanks(text) - text;
    if (!*text) {
        return;
    }
    if (*text == '#') {
        if (!is_mpm_comment(&line, text, x->pool)) {
            return;
        }
    }
    else if (strchr(text, '$')) {
        line.kind = EM_LEX_VARS;
        line.name = "";
        line.args = text;
    }
    else if (!em_lex_split(&line, text, x->pool)) {
        return;
    }
    APR_ARRAY_PUSH(x->lines, em_lex_line_t) = line;
}

em_lex_t *em_lex(const char *data, apr_size_t len, int first, apr_pool_t *p)
{
    lexer_t x = { 0 };
    char *start;

    x.pool = p;
    x.lex = apr_pcalloc(p, sizeof(*x.lex));
    x.lex->src = data;
    x.lex->len = len;
    x.lines = apr_array_make(p, (int)(len / 40 < 1000000 ? len / 40 + 4
                                      : 1000000), sizeof(em_lex_line_t));
    start = x.at = apr_palloc(p, len + 1);
    memcpy(start, data, len);
    x.end = start + len;
    *x.end = '\0';
    x.number = first;
    while (x.at < x.end) {
        em_lex_line_t line = { 0 };
        apr_size_t n;
        char *text;

        line.line = x.number;
        line.begin = (unsigned)(x.at - start);
        text = next_text(&x, &n);
        line.end = (unsigned)(x.at - start);
        line.last_line = x.number - 1;
        if (n >= EM_LEX_LINE_MAX - 1) {
            x.lex->too_long = line.line;
            break;
        }
        add_line(&x, text, n, &line);
        if (x.lines->nelts >= EM_LEX_LINES) {
            x.lex->too_many = 1;
            break;
        }
    }
    x.lex->last_line = x.number - 1;
    x.lex->lines = (em_lex_line_t *)x.lines->elts;
    x.lex->count = x.lines->nelts;
    return x.lex;
}
