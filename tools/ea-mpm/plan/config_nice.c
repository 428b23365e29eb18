#include "plan/draft.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* build/config.nice, which configure leaves behind: the line that built this
 * httpd. It is a shell script of one kind only: assignments that it exports,
 * and one command of quoted words. */

/* The first shell word of *PTEXT without its quotes, or NULL at the end. A
 * backslash at the end of a line goes on with the next one. */
static const char *next_word(const char **ptext, apr_pool_t *p)
{
    const char *s = *ptext;
    char *word, *at;
    char quote = 0;

    while (apr_isspace(*s) || (*s == '\\' && s[1] == '\n')) {
        s += *s == '\\' ? 2 : 1;
    }
    if (!*s) {
        return NULL;
    }
    word = at = apr_palloc(p, strlen(s) + 1);
    for (; *s && (quote || !apr_isspace(*s)); s++) {
        if (quote ? *s == quote : *s == '"' || *s == '\'') {
            quote = quote ? 0 : *s;
        }
        else if (*s == '\\' && s[1] == '\n' && quote != '\'') {
            s++;
        }
        else if (*s == '\\' && s[1] && quote != '\''
                 && (!quote || strchr("\\\"$`", s[1]))) {
            *at++ = *++s;
        }
        else {
            *at++ = *s;
        }
    }
    *at = '\0';
    *ptext = s;
    return word;
}

/* WORD as a shell takes it, in quotes only where it needs them. */
static const char *quoted(const char *word, apr_pool_t *p)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
                                "RSTUVWXYZ0123456789_-./:,+=@%";
    const char *quote, *text = "'";

    if (*word && strspn(word, plain) == strlen(word)) {
        return word;
    }
    while ((quote = strchr(word, '\'')) != NULL) {
        text = apr_pstrcat(p, text, apr_pstrmemdup(p, word, (apr_size_t)
                                                   (quote - word)),
                           "'\\''", NULL);
        word = quote + 1;
    }
    return apr_pstrcat(p, text, word, "'", NULL);
}

static int begins(const char *word, const char *with)
{
    return strncmp(word, with, strlen(with)) == 0;
}

/* "NAME=value; export NAME" as an assignment before the command. */
static const char *assignment(const char *line, apr_pool_t *p)
{
    const char *equals = strchr(line, '='), *value, *rest = equals + 1;

    value = next_word(&rest, p);
    value = value ? value : "";
    if (*value && value[strlen(value) - 1] == ';') {
        value = apr_pstrmemdup(p, value, strlen(value) - 1);
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, line, (apr_size_t)
                                         (equals - line)), "=",
                       quoted(value, p), NULL);
}

static int is_assignment(const char *line)
{
    const char *s = line;

    while (apr_isalnum(*s) || *s == '_') {
        s++;
    }
    return s > line && *s == '=';
}

/* The words of the command, with the choice of the MPM exchanged. */
static const char *command(const char *text, const char *mpm, apr_pool_t *p)
{
    const char *ours = apr_pstrcat(p, "--with-mpm=", mpm, NULL);
    const char *line = NULL, *word;

    while ((word = next_word(&text, p)) != NULL) {
        int chooses = begins(word, "--with-mpm=")
                      || begins(word, "--enable-mpms-shared");

        if (strcmp(word, "$@") == 0 || (chooses && !ours)) {
            continue;
        }
        if (chooses) {
            word = ours;
            ours = NULL;
        }
        line = line ? apr_pstrcat(p, line, " ", quoted(word, p), NULL)
                    : quoted(word, p);
    }
    return line && ours ? apr_pstrcat(p, line, " ", ours, NULL) : line;
}

const char *em_config_nice(const char *script, const char *mpm,
                           apr_pool_t *p)
{
    const char *settings = "", *line = script, *end, *all;

    while (*line) {
        const char *one;

        end = strchr(line, '\n');
        end = end ? end + 1 : line + strlen(line);
        one = apr_pstrmemdup(p, line, (apr_size_t)(end - line));
        if (is_assignment(one)) {
            settings = apr_pstrcat(p, settings, assignment(one, p), " ",
                                   NULL);
        }
        else if (*one != '#' && strspn(one, " \t\r\n") != strlen(one)) {
            break;              /* the command, up to the end */
        }
        line = end;
    }
    all = command(line, mpm, p);
    return all ? apr_pstrcat(p, settings, all, NULL) : NULL;
}
