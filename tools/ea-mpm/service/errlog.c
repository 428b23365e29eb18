#include "service/errlog.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define READ_MAX (1024 * 1024)  /* of the end of a longer log */
#define LINE_MAX_SHOWN 400
#define QUOTED 8

/* Ids that mean that the server did not start: MPM faults, syntax errors,
 * hooks that failed, ports in use (server/main.c, config.c, listen.c and
 * mpm_unix.c of httpd 2.4). */
static const char *const fatal_ids[] = {
    "AH00534",          /* no MPM, more than one, changed while running */
    "AH00526",          /* syntax error */
    "AH00013",          /* pre-configuration failed */
    "AH00014",          /* configuration check failed */
    "AH00015",          /* unable to open logs */
    "AH00016",          /* configuration failed */
    "AH00072",          /* cannot bind */
    "AH00050"           /* a child met a fatal error: the server ends */
};
static const char *const crash_ids[] = {
    "AH00051",          /* child exit signal, core dumped */
    "AH00052"           /* child exit signal */
};
static const char *const warn_ids[] = {
    "AH10034"           /* HTTP/2 does not work under this MPM */
};

/* Does the line hold WORD? The line is not NUL-terminated. */
static int holds(const char *line, apr_size_t len, const char *word)
{
    return memmem(line, len, word, strlen(word)) != NULL;
}

static int holds_any(const char *line, apr_size_t len,
                     const char *const *words, int n)
{
    for (int i = 0; i < n; i++) {
        if (holds(line, len, words[i])) {
            return 1;
        }
    }
    return 0;
}

em_logline_t em_errlog_judge(const char *line, apr_size_t len)
{
    if (holds_any(line, len, fatal_ids, sizeof(fatal_ids)
                  / sizeof(*fatal_ids))) {
        return EM_LOGLINE_FATAL;
    }
    if (holds_any(line, len, crash_ids, sizeof(crash_ids)
                  / sizeof(*crash_ids))) {
        return EM_LOGLINE_CRASH;
    }
    if (holds_any(line, len, warn_ids, sizeof(warn_ids)
                  / sizeof(*warn_ids))) {
        return EM_LOGLINE_WARN;
    }
    if (holds(line, len, "[client ") || holds(line, len, "[remote ")) {
        return EM_LOGLINE_QUIET;
    }
    /* 2.4: [core:crit]; 2.2: [crit]. */
    if (holds(line, len, ":crit]") || holds(line, len, ":alert]")
        || holds(line, len, ":emerg]") || holds(line, len, "[crit]")
        || holds(line, len, "[alert]") || holds(line, len, "[emerg]")) {
        return EM_LOGLINE_FATAL;
    }
    return EM_LOGLINE_QUIET;
}

apr_array_header_t *em_errlog_pick(const char *text, apr_size_t len,
                                   em_logline_t worst, int max,
                                   apr_pool_t *p)
{
    apr_array_header_t *lines = apr_array_make(p, 8, sizeof(const char *));
    const char *end = text + len;

    while (text < end && lines->nelts < max) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        apr_size_t n = (apr_size_t)((newline ? newline : end) - text);

        if (n > 0 && em_errlog_judge(text, n) >= worst) {
            APR_ARRAY_PUSH(lines, const char *) =
                apr_pstrmemdup(p, text, n < LINE_MAX_SHOWN ? n
                               : LINE_MAX_SHOWN);
        }
        text += n + 1;
    }
    return lines;
}

static const char *log_path(const em_facts_t *facts, apr_pool_t *p)
{
    return facts->httpd.error_log
           ? em_view_outside(facts->view, facts->httpd.error_log, p) : NULL;
}

apr_off_t em_errlog_size(const em_facts_t *facts, apr_pool_t *p)
{
    const char *path = log_path(facts, p);
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISREG(st.st_mode)
           ? st.st_size : 0;
}

/* The log from FROM on, at most its last READ_MAX bytes. */
static apr_size_t read_since(char **ptext, const em_facts_t *facts,
                             apr_off_t from, apr_pool_t *p)
{
    const char *path = log_path(facts, p);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    struct stat st;
    apr_size_t len = 0;
    ssize_t n = 1;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        goto leave;
    }
    if (st.st_size < from) {
        from = 0;               /* rotated */
    }
    if (st.st_size - from > READ_MAX) {
        from = st.st_size - READ_MAX;
    }
    *ptext = apr_palloc(p, (apr_size_t)(st.st_size - from) + 1);
    while (n > 0 && len < (apr_size_t)(st.st_size - from)) {
        n = pread(fd, *ptext + len, (size_t)(st.st_size - from) - len,
                  from + (off_t)len);
        len += n > 0 ? (apr_size_t)n : 0;
    }

leave:
    if (fd >= 0) {
        close(fd);
    }
    return len;
}

apr_array_header_t *em_errlog_since(const em_facts_t *facts, apr_off_t from,
                                    em_logline_t worst, int max,
                                    apr_pool_t *p)
{
    char *text = NULL;
    apr_size_t len = read_since(&text, facts, from, p);

    return em_errlog_pick(text ? text : "", len, worst, max, p);
}

const char *em_errlog_quote(const em_facts_t *facts, apr_off_t from,
                            apr_pool_t *p)
{
    apr_array_header_t *lines = em_errlog_since(facts, from,
                                                EM_LOGLINE_FATAL, QUOTED, p);
    const char *text = "";
    int first = 0;

    if (lines->nelts == 0) {
        lines = em_errlog_since(facts, from, EM_LOGLINE_QUIET, 10000, p);
        first = lines->nelts > QUOTED ? lines->nelts - QUOTED : 0;
    }
    for (int i = first; i < lines->nelts; i++) {
        text = apr_pstrcat(p, text, "  ", APR_ARRAY_IDX(lines, i,
                                                        const char *),
                           "\n", NULL);
    }
    return text;
}
