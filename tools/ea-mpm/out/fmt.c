#include <string.h>
#include <apr_strings.h>
#include <apr_time.h>
#include "out/fmt.h"

#define WIDTH 79

static const char *const codes[] = {
    "0", "1", "32", "33", "31", "2"
};

const char *em_fmt_paint(const em_out_t *out, em_paint_t paint,
                         const char *text)
{
    if (!out->colour || paint == EM_PLAIN) {
        return text;
    }
    return apr_psprintf(out->pool, "\033[%sm%s\033[0m", codes[paint], text);
}

/* One line of input: words until the width is used up. A word that is longer
 * stands on a line of its own. */
static void wrap_line(FILE *f, int indent, int at, const char *line,
                      apr_size_t len)
{
    const char *end = line + len;

    while (line < end) {
        const char *word = line;
        apr_size_t n;

        while (word < end && *word == ' ') {
            ++word;
        }
        for (n = 0; word + n < end && word[n] != ' '; ++n) {
        }
        if (n == 0) {
            break;
        }
        if (at > indent && at + 1 + (int)n > WIDTH) {
            fprintf(f, "\n%*s", indent, "");
            at = indent;
        }
        if (at > indent) {
            fputc(' ', f);
            ++at;
        }
        fwrite(word, 1, n, f);
        at += (int)n;
        line = word + n;
    }
    fputc('\n', f);
}

void em_fmt_rest(FILE *f, int indent, const char *text)
{
    int first = 1;

    do {
        apr_size_t len = strcspn(text, "\n");

        if (!first) {
            fprintf(f, "%*s", indent, "");
        }
        if (*text == ' ') {         /* a command or a table, as it is */
            fprintf(f, "%.*s\n", (int)len, text);
        }
        else {
            wrap_line(f, indent, indent, text, len);
        }
        first = 0;
        text += len + (text[len] == '\n');
    } while (*text);
}

void em_fmt_wrap(FILE *f, int indent, const char *text)
{
    fprintf(f, "%*s", indent, "");
    em_fmt_rest(f, indent, text);
}

void em_fmt_item(FILE *f, const char *lead, int indent, const char *text)
{
    fprintf(f, "%-*s", indent, lead);
    em_fmt_rest(f, indent, text);
}

const char *em_fmt_place(const char *file, int line, apr_pool_t *p)
{
    if (!file) {
        return "";
    }
    return line > 0 ? apr_psprintf(p, "%s:%d", file, line) : file;
}

const char *em_fmt_time(apr_time_t t, apr_pool_t *p)
{
    apr_time_exp_t x;

    if (t == 0 || apr_time_exp_gmt(&x, t) != APR_SUCCESS) {
        return NULL;
    }
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02dZ", x.tm_year + 1900,
                        x.tm_mon + 1, x.tm_mday, x.tm_hour, x.tm_min,
                        x.tm_sec);
}

const char *em_fmt_ms(long ms, apr_pool_t *p)
{
    return ms < 1000 ? apr_psprintf(p, "%ld ms", ms)
                     : apr_psprintf(p, "%ld.%ld s", ms / 1000,
                                    ms % 1000 / 100);
}

const char *em_fmt_or(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

const char *em_fmt_sentence(const char *text, apr_pool_t *p)
{
    apr_size_t len = strlen(text);

    return len && strchr(".!?:\n", text[len - 1]) ? text
        : apr_pstrcat(p, text, ".", NULL);
}

em_paint_t em_fmt_severity(em_severity_t s)
{
    switch (s) {
    case EM_REFUSE:
        return EM_RED;
    case EM_WARN:
        return EM_YELLOW;
    case EM_INFO:
        break;
    }
    return EM_DIM;
}

em_paint_t em_fmt_verdict(em_verdict_t v)
{
    switch (v) {
    case EM_VERDICT_CURRENT:
        return EM_BOLD;
    case EM_VERDICT_READY:
        return EM_GREEN;
    case EM_VERDICT_NEEDS_CHANGES:
        return EM_YELLOW;
    case EM_VERDICT_NOT_ASKED:
        return EM_PLAIN;
    case EM_VERDICT_REFUSED:
    case EM_VERDICT_IMPOSSIBLE:
        break;
    }
    return EM_RED;
}
