#include "conf/conf.h"

#include <string.h>

#include <apr_strings.h>

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

/* The end of the word at S, which is no blank. *PTEXT, *PLEN: what is inside
 * the quotes, if any (server/util.c ap_getword_conf). */
static const char *word_end(const char *s, const char **ptext,
                            apr_size_t *plen)
{
    const char quote = *s, *end = s;

    if (quote != '"' && quote != '\'') {
        while (*end && !blank(*end)) {
            end++;
        }
        *ptext = s;
        *plen = (apr_size_t)(end - s);
        return end;
    }
    for (end = s + 1; *end && *end != quote; end++) {
        if (*end == '\\' && (end[1] == quote || end[1] == '\\')) {
            end++;
        }
    }
    *ptext = s + 1;
    *plen = (apr_size_t)(end - s - 1);
    return *end ? end + 1 : end;
}

const char *em_conf_rest(const char *args, int n)
{
    const char *text;
    apr_size_t len;

    args = skip_blanks(args);
    while (n-- > 0 && *args) {
        args = skip_blanks(word_end(args, &text, &len));
    }
    return args;
}

const char *em_conf_word(const char *args, int i, apr_pool_t *p)
{
    const char *s = em_conf_rest(args, i), *text;
    char *word, *out;
    apr_size_t len;

    if (!*s) {
        return NULL;
    }
    (void)word_end(s, &text, &len);
    word = out = apr_palloc(p, len + 1);
    for (apr_size_t k = 0; k < len; k++) {
        if (text[k] == '\\' && k + 1 < len
            && (text[k + 1] == '\\' || (text != s && text[k + 1] == *s))) {
            k++;
        }
        *out++ = text[k];
    }
    *out = '\0';
    return word;
}

const em_directive_t *em_conf_next(const em_conf_t *conf, const char *name,
                                   int *pi)
{
    const int first = *name | 0x20;

    for (int i = *pi; i < conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(conf->directives, i,
                                                const em_directive_t *);

        if ((*d->name | 0x20) == first && d->active
            && strcasecmp(d->name, name) == 0) {
            *pi = i + 1;
            return d;
        }
    }
    *pi = conf->directives->nelts;
    return NULL;
}

const em_conf_section_t *em_conf_within(const em_directive_t *d,
                                        const char *name)
{
    for (const em_conf_section_t *s = d->section; s; s = s->parent) {
        if (strcasecmp(s->name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

/* Does the argument of an <IfModule> name an MPM? The names that httpd
 * matches: the source ("prefork.c") and the id. */
static int names_mpm(const char *args)
{
    static const char *const names[] = {
        "prefork.c", "worker.c", "event.c", "mpm_itk.c", "mpm_winnt.c",
        "mod_mpm_itkish.c", "itk.c", NULL
    };
    apr_size_t len;

    args = skip_blanks(args + (*args == '!'));
    if (*args == '"' || *args == '\'') {
        args++;
    }
    len = strcspn(args, " \t\"'>");
    for (int i = 0; names[i]; i++) {
        if (strlen(names[i]) == len && strncmp(names[i], args, len) == 0) {
            return 1;
        }
    }
    return len > 11 && strncmp(args, "mpm_", 4) == 0
           && strncmp(args + len - 7, "_module", 7) == 0;
}

int em_conf_guarded(const em_directive_t *d)
{
    for (const em_conf_section_t *s = d->section; s; s = s->parent) {
        if (s->condition && strcasecmp(s->name, "IfModule") == 0
            && names_mpm(s->args)) {
            return 1;
        }
    }
    return 0;
}
