#include "host/packages.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "package/rpm.h"

#define RPM_TIMEOUT apr_time_from_sec(20)

int em_packages_has_rpm(const em_view_t *view, apr_pool_t *p)
{
    return em_rpm_database(view, p) != NULL;
}

/* "rpm ... -q", to be continued. */
static apr_array_header_t *query(const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *argv = em_rpm_argv(view, p);

    APR_ARRAY_PUSH(argv, const char *) = "-q";
    return argv;
}

static const char *real_file(const em_package_wish_t *wish,
                             const em_view_t *view, apr_pool_t *p)
{
    const char *real = wish->file;

    (void)em_view_real(&real, view, wish->file, p);
    return real;
}

static apr_status_t start(em_exec_t **pexec, apr_array_header_t *argv,
                          apr_pool_t *p)
{
    static const char *const env[] = {
        "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", NULL
    };
    em_exec_how_t how = {.env = env, .timeout = RPM_TIMEOUT};

    APR_ARRAY_PUSH(argv, const char *) = NULL;
    return em_exec_start(pexec, (const char *const *)argv->elts, &how, p);
}

apr_status_t em_packages_rpm_start(em_exec_t **pexec, const em_view_t *view,
                                   const apr_array_header_t *list,
                                   apr_pool_t *p)
{
    apr_array_header_t *argv = query(view, p);
    int i;

    APR_ARRAY_PUSH(argv, const char *) = "--qf";
    APR_ARRAY_PUSH(argv, const char *) = "%{NAME}\t%{VERSION}-%{RELEASE}\n";
    APR_ARRAY_PUSH(argv, const char *) = "-f";
    for (i = 0; i < list->nelts; i++) {
        const em_package_wish_t *wish
            = APR_ARRAY_IDX(list, i, em_package_wish_t *);

        if (!wish->package) {
            APR_ARRAY_PUSH(argv, const char *) = real_file(wish, view, p);
        }
    }
    return start(pexec, argv, p);
}

static apr_array_header_t *lines_of(const char *text, apr_pool_t *p)
{
    apr_array_header_t *lines = apr_array_make(p, 64, sizeof(char *));
    char *state, *line = apr_strtok(apr_pstrdup(p, text), "\n", &state);

    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        APR_ARRAY_PUSH(lines, char *) = line;
    }
    return lines;
}

/* One line for each file in the order asked; a line without a tab says that
 * nobody owns it. */
static void take_in_order(apr_array_header_t *list,
                          const apr_array_header_t *lines)
{
    int i, n = 0;

    for (i = 0; i < list->nelts; i++) {
        em_package_wish_t *wish = APR_ARRAY_IDX(list, i, em_package_wish_t *);
        char *line, *tab;

        if (wish->package) {
            continue;
        }
        line = APR_ARRAY_IDX(lines, n++, char *);
        tab = strchr(line, '\t');
        if (tab) {
            *tab = '\0';
            wish->package = line;
            wish->version = tab + 1;
        }
    }
}

/* Ask the packages that were named for all of their files. */
static void take_by_name(apr_array_header_t *list, apr_array_header_t *lines,
                         const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *argv = query(view, p);
    apr_hash_t *wishes = apr_hash_make(p), *named = apr_hash_make(p);
    em_exec_out_t *out;
    em_exec_t *exec;
    int i;

    APR_ARRAY_PUSH(argv, const char *) = "--qf";
    APR_ARRAY_PUSH(argv, const char *)
        = "[%{=NAME}\t%{=VERSION}-%{=RELEASE}\t%{FILENAMES}\n]";
    for (i = 0; i < lines->nelts; i++) {
        char *line = APR_ARRAY_IDX(lines, i, char *);
        char *tab = strchr(line, '\t');

        if (tab) {
            *tab = '\0';
            if (!apr_hash_get(named, line, APR_HASH_KEY_STRING)) {
                apr_hash_set(named, line, APR_HASH_KEY_STRING, line);
                APR_ARRAY_PUSH(argv, const char *) = line;
            }
        }
    }
    for (i = 0; i < list->nelts; i++) {
        em_package_wish_t *wish = APR_ARRAY_IDX(list, i, em_package_wish_t *);

        apr_hash_set(wishes, real_file(wish, view, p), APR_HASH_KEY_STRING,
                     wish);
    }
    if (!apr_hash_count(named) || start(&exec, argv, p) != APR_SUCCESS
        || em_exec_wait(&out, exec) != APR_SUCCESS) {
        return;
    }
    lines = lines_of(out->out, p);
    for (i = 0; i < lines->nelts; i++) {
        char *state, *name = apr_strtok(APR_ARRAY_IDX(lines, i, char *), "\t",
                                        &state);
        char *version = name ? apr_strtok(NULL, "\t", &state) : NULL;
        char *file = version ? apr_strtok(NULL, "\t", &state) : NULL;
        em_package_wish_t *wish
            = file ? apr_hash_get(wishes, file, APR_HASH_KEY_STRING) : NULL;

        if (wish && !wish->package) {
            wish->package = name;
            wish->version = version;
        }
    }
}

void em_packages_rpm_finish(em_exec_t *exec, apr_array_header_t *list,
                            const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *lines;
    em_exec_out_t *out;
    int i, open = 0;

    if (em_exec_wait(&out, exec) != APR_SUCCESS || !out->exited) {
        return;
    }
    lines = lines_of(out->out, p);
    for (i = 0; i < list->nelts; i++) {
        open += !APR_ARRAY_IDX(list, i, em_package_wish_t *)->package;
    }
    if (open == lines->nelts) {
        take_in_order(list, lines);
    }
    else {      /* a file of two packages, or complaints elsewhere */
        take_by_name(list, lines, view, p);
    }
}
