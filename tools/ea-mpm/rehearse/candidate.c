#include "rehearse/candidate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/exec.h"
#include "service/run.h"

#define DEPTH_MAX 64

typedef struct text_t {
    apr_array_header_t *parts;      /* const char * */
    apr_array_header_t *origins;    /* const em_directive_t * */
    const em_conf_section_t *open[DEPTH_MAX];
    int depth;
    apr_pool_t *pool;
} text_t;

static void add_line(text_t *text, const char *line,
                     const em_directive_t *origin)
{
    APR_ARRAY_PUSH(text->parts, const char *) = line;
    APR_ARRAY_PUSH(text->parts, const char *) = "\n";
    APR_ARRAY_PUSH(text->origins, const em_directive_t *) = origin;
}

/* The sections around D that are no conditions, outermost first. */
static int chain_of(const em_directive_t *d, const em_conf_section_t **chain)
{
    const em_conf_section_t *s;
    int n = 0, i;

    for (s = d->section; s; s = s->parent) {
        n += !s->condition;
    }
    i = n;
    for (s = d->section; s; s = s->parent) {
        if (!s->condition && --i < DEPTH_MAX) {
            chain[i] = s;
        }
    }
    return n < DEPTH_MAX ? n : DEPTH_MAX;
}

static void close_to(text_t *text, int depth)
{
    while (text->depth > depth) {
        text->depth--;
        add_line(text, apr_pstrcat(text->pool, "</",
                                   text->open[text->depth]->name, ">", NULL),
                 NULL);
    }
}

/* Close what does not hold D any more, open what does. */
static void enter(text_t *text, const em_directive_t *d)
{
    const em_conf_section_t *chain[DEPTH_MAX];
    int n = chain_of(d, chain), same = 0;

    while (same < n && same < text->depth
           && text->open[same] == chain[same]) {
        same++;
    }
    close_to(text, same);
    for (; text->depth < n; text->depth++) {
        const em_conf_section_t *s = chain[text->depth];

        add_line(text, apr_pstrcat(text->pool, "<", s->name, " ",
                                   s->args ? s->args : "", ">", NULL), NULL);
        text->open[text->depth] = s;
    }
}

/* What is resolved already, and what checks for directories that on a server
 * that was not started since boot are not there yet. */
static int is_left_out(const char *name)
{
    static const char *const names[] = {"Include", "IncludeOptional",
                                        "DefaultRuntimeDir", "Mutex"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *em_candidate_text(const em_conf_t *conf,
                              apr_array_header_t **porigins, apr_pool_t *p)
{
    text_t text = {.pool = p};

    text.parts = apr_array_make(p, 256, sizeof(const char *));
    text.origins = apr_array_make(p, 256, sizeof(const em_directive_t *));
    for (int i = 0; i < conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(conf->directives, i,
                                                em_directive_t *);

        if (!d->active || is_left_out(d->name)) {
            continue;
        }
        enter(&text, d);
        add_line(&text, apr_pstrcat(p, d->name, " ", d->args ? d->args : "",
                                    NULL), d);
    }
    close_to(&text, 0);
    *porigins = text.origins;
    return apr_array_pstrcat(p, text.parts, '\0');
}

/* "on line 12 of /proc/self/fd/9:" becomes the place that line came from. */
static const char *translate(const char *output, const char *path,
                             const apr_array_header_t *origins,
                             apr_pool_t *p)
{
    const char *at = strstr(output, path);
    const char *line = at;
    const em_directive_t *d;
    int n;

    while (line && line > output && strncmp(line, "line ", 5) != 0) {
        line--;
    }
    n = line ? atoi(line + 5) : 0;
    if (n < 1 || n > origins->nelts) {
        return output;
    }
    d = APR_ARRAY_IDX(origins, n - 1, const em_directive_t *);
    if (!d) {
        return output;
    }
    return apr_psprintf(p, "%.*sline %d of %s%s", (int)(line - output),
                        output, d->line, d->file->path, at + strlen(path));
}

/* Arguments of the service without its own -f, and without -C and -c, whose
 * lines are part of the text. */
static const char *const *test_argv(const em_facts_t *facts,
                                    const char *path, apr_pool_t *p)
{
    const char *more[] = {"-t", "-f", path, NULL};
    const char *const *argv = em_httpd_argv(facts, more, p);
    const char **out = (const char **)argv;
    int n = 0;

    for (int i = 0; argv[i]; i++) {
        if ((strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "-C") == 0
             || strcmp(argv[i], "-c") == 0) && argv[i + 1]
            && strcmp(argv[i + 1], path) != 0) {
            i++;
            continue;
        }
        out[n++] = argv[i];
    }
    out[n] = NULL;
    return out;
}

apr_status_t em_candidate_test(int *pok, const char **poutput,
                               const em_facts_t *facts,
                               const em_conf_t *conf,
                               apr_interval_time_t timeout, apr_pool_t *p)
{
    apr_array_header_t *origins;
    const char *text = em_candidate_text(conf, &origins, p);
    em_exec_how_t how = {.env = facts->httpd.test_env
                         ? facts->httpd.test_env : facts->httpd.env,
                         .timeout = timeout};
    size_t len = strlen(text);
    const char *path;
    em_exec_out_t *out;
    apr_status_t rv;
    int fd = memfd_create("ea-mpm", MFD_CLOEXEC);

    if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
        if (fd >= 0) {
            close(fd);
        }
        return APR_EGENERAL;
    }
    /* No file: httpd opens ours by our pid while we wait for it. */
    path = apr_psprintf(p, "/proc/%d/fd/%d", (int)getpid(), fd);
    rv = em_exec(&out, test_argv(facts, path, p), &how, p);
    close(fd);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *pok = out->exited && out->exit_code == 0;
    *poutput = translate(apr_pstrcat(p, out->err, out->out, NULL), path,
                         origins, p);
    return APR_SUCCESS;
}
