#include "package/rpm_db.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_strings.h>

#include "package/listing.h"
#include "package/rpm.h"

#define TIMEOUT apr_time_from_sec(120)

#define CAPS(letter, tag) \
    "[" letter "\t%{" tag "NAME} %{" tag "FLAGS:depflags} " \
    "%{" tag "VERSION}\n]"
#define WHOLE EM_RPM_HEAD CAPS("p", "PROVIDE") CAPS("r", "REQUIRE") \
    CAPS("c", "CONFLICT")

#define FLAG_CONFIG (1 << 0)
#define FLAG_NOREPLACE (1 << 4)
#define FLAG_GHOST (1 << 6)

/* Run "rpm ..." with WORDS behind (const char *, NULL-terminated). */
static apr_status_t ask(em_exec_out_t **pout, const em_view_t *view,
                        const char *const *words,
                        const apr_array_header_t *more, apr_pool_t *p)
{
    apr_array_header_t *argv = em_rpm_argv(view, p);

    for (; *words; words++) {
        APR_ARRAY_PUSH(argv, const char *) = *words;
    }
    if (more) {
        apr_array_cat(argv, more);
    }
    return em_manager_exec(pout, argv, TIMEOUT, NULL, p);
}

static apr_status_t failed(em_result_t *res, apr_status_t rv,
                           const em_exec_out_t *out, apr_pool_t *p)
{
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "packages-unavailable",
                              "cannot run rpm: ");
    }
    return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                          "packages-unavailable",
                          "rpm does not tell its packages: %s",
                          em_exec_words(out, p));
}

apr_status_t em_rpm_read_installed(apr_hash_t *installed,
                                   const em_view_t *view, em_result_t *res,
                                   apr_pool_t *p)
{
    static const char *const words[] = {"-qa", "--qf", WHOLE, NULL};
    apr_array_header_t *list;
    em_exec_out_t *out;
    apr_status_t rv = ask(&out, view, words, NULL, p);

    if (rv != APR_SUCCESS || out->exit_code != 0 || out->truncated) {
        return failed(res, rv, out, p);
    }
    list = em_listing_packages(out->out, 1, p);
    for (int i = 0; i < list->nelts; i++) {
        em_package_t *package = APR_ARRAY_IDX(list, i, em_package_t *);

        apr_hash_set(installed, package->name, APR_HASH_KEY_STRING, package);
    }
    return APR_SUCCESS;
}

apr_array_header_t *em_rpm_names(const em_view_t *view, apr_pool_t *p)
{
    static const char *const words[] = {"-qa", "--qf", "%{NAME}\n", NULL};
    apr_array_header_t *names = apr_array_make(p, 256, sizeof(const char *));
    em_exec_out_t *out;
    char *state, *line;

    if (ask(&out, view, words, NULL, p) != APR_SUCCESS
        || out->exit_code != 0) {
        return NULL;
    }
    line = apr_strtok(apr_pstrdup(p, out->out), "\n", &state);
    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        APR_ARRAY_PUSH(names, const char *) = line;
    }
    return names;
}

apr_array_header_t *em_rpm_versions(const apr_array_header_t *names,
                                    const em_view_t *view, apr_pool_t *p)
{
    static const char *const words[] = {"-q", "--qf", EM_RPM_HEAD, NULL};
    em_exec_out_t *out;

    if (!em_rpm_database(view, p)) {
        return NULL;
    }
    /* Its exit code is the number of packages that are not installed. */
    if (ask(&out, view, words, names, p) != APR_SUCCESS || !out->exited
        || strstr(out->err, "error:")) {
        return NULL;
    }
    return em_listing_packages(out->out, 1, p);
}

em_package_t *em_rpm_identify(const char *file, apr_pool_t *p)
{
    apr_array_header_t *argv = em_argv(p, "rpm", "-qp", "--nosignature",
                                       "--qf", WHOLE, file, NULL);
    apr_array_header_t *list;
    em_exec_out_t *out;

    if (em_manager_exec(&out, argv, TIMEOUT, NULL, p) != APR_SUCCESS
        || out->exit_code != 0) {
        return NULL;
    }
    list = em_listing_packages(out->out, 0, p);
    return list->nelts == 1 ? APR_ARRAY_IDX(list, 0, em_package_t *) : NULL;
}

const char *em_rpm_full(const em_package_t *package, apr_pool_t *p)
{
    return apr_pstrcat(p, package->name, "-", package->version, ".",
                       package->arch, NULL);
}

static apr_array_header_t *full_names(const apr_array_header_t *list,
                                      apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 8, sizeof(const char *));

    for (int i = 0; i < list->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *)
            = em_rpm_full(APR_ARRAY_IDX(list, i, em_package_t *), p);
    }
    return names;
}

/* ---- files of installed packages ---- */

static em_owned_t *file_of(char *line, apr_pool_t *p)
{
    em_owned_t *owned = apr_pcalloc(p, sizeof(*owned));
    char *state, *name = apr_strtok(line, "\t", &state);
    char *flags = name ? apr_strtok(NULL, "\t", &state) : NULL;
    char *mode = flags ? apr_strtok(NULL, "\t", &state) : NULL;
    char *digest = mode ? apr_strtok(NULL, "\t", &state) : NULL;
    int bits = flags ? atoi(flags) : 0;
    unsigned type = mode ? (unsigned)atoi(mode) & S_IFMT : 0;

    if (*line != '/' || (type != S_IFREG && type != S_IFLNK)) {
        return NULL;
    }
    owned->path = name;
    owned->node.kind = type == S_IFREG ? EM_NODE_FILE : EM_NODE_LINK;
    owned->config = (bits & FLAG_CONFIG) != 0;
    owned->noreplace = (bits & FLAG_NOREPLACE) != 0;
    owned->digest = digest;
    return owned;
}

static apr_hash_t *files_in(const char *text, apr_pool_t *p)
{
    apr_hash_t *files = apr_hash_make(p);
    char *state, *line = apr_strtok(apr_pstrdup(p, text), "\n", &state);

    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        em_owned_t *owned = file_of(line, p);

        if (owned) {
            apr_hash_set(files, owned->path, APR_HASH_KEY_STRING, owned);
        }
    }
    return files;
}

/* rpm -V: "S.5....T.  c /path" or "missing   c /path". */
static void take_edited(apr_hash_t *files, const char *text, apr_pool_t *p)
{
    char *state, *line = apr_strtok(apr_pstrdup(p, text), "\n", &state);

    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        const char *path = strchr(line, '/');
        em_owned_t *owned = path ? apr_hash_get(files, path,
                                                APR_HASH_KEY_STRING) : NULL;
        apr_size_t flags = strcspn(line, " ");

        if (owned && strncmp(line, "missing", 7) != 0) {
            owned->edited = memchr(line, '5', flags)
                            || memchr(line, 'L', flags)
                            || memchr(line, '?', flags);
        }
    }
}

/* Forget files that another package has as well. */
static apr_status_t drop_shared(apr_hash_t *files,
                                const apr_array_header_t *list,
                                const em_view_t *view, apr_pool_t *p)
{
    static const char *const owners[] = {
        "-qf", "--qf", "%{NAME}\n", NULL
    };
    static const char *const all[] = {
        "-q", "--qf", "[%{FILENAMES}\n]", NULL
    };
    apr_array_header_t *paths = apr_array_make(p, 64, sizeof(const char *));
    apr_array_header_t *others = apr_array_make(p, 2, sizeof(const char *));
    apr_hash_index_t *hi;
    em_exec_out_t *out;
    apr_status_t rv;
    char *state, *line;

    for (hi = apr_hash_first(p, files); hi; hi = apr_hash_next(hi)) {
        const void *path;

        apr_hash_this(hi, &path, NULL, NULL);
        APR_ARRAY_PUSH(paths, const char *) = path;
    }
    rv = paths->nelts ? ask(&out, view, owners, paths, p) : APR_SUCCESS;
    if (rv != APR_SUCCESS || !paths->nelts) {
        return rv;
    }
    line = apr_strtok(apr_pstrdup(p, out->out), "\n", &state);
    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        if (!strchr(line, ' ') && !em_package_in(list, line)) {
            APR_ARRAY_PUSH(others, const char *) = line;
        }
    }
    rv = others->nelts ? ask(&out, view, all, others, p) : APR_SUCCESS;
    if (rv != APR_SUCCESS || !others->nelts) {
        return rv;
    }
    line = apr_strtok(apr_pstrdup(p, out->out), "\n", &state);
    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        apr_hash_set(files, line, APR_HASH_KEY_STRING, NULL);
    }
    return APR_SUCCESS;
}

apr_status_t em_rpm_owned(apr_array_header_t **powned,
                          const apr_array_header_t *list,
                          const em_view_t *view, em_result_t *res,
                          apr_pool_t *p)
{
    static const char *const files_words[] = {
        "-q", "--qf", "[%{FILENAMES}\t%{FILEFLAGS}\t%{FILEMODES}\t"
        "%{FILEDIGESTS}\n]", NULL
    };
    static const char *const verify_words[] = {
        "-V", "--nodeps", "--noscripts", "--noghost", NULL
    };
    const apr_array_header_t *names = full_names(list, p);
    apr_array_header_t *found = apr_array_make(p, 32, sizeof(em_owned_t *));
    apr_hash_index_t *hi;
    em_exec_out_t *out;
    apr_hash_t *files;
    apr_status_t rv;

    *powned = found;
    if (list->nelts == 0) {
        return APR_SUCCESS;
    }
    rv = ask(&out, view, files_words, names, p);
    if (rv != APR_SUCCESS || out->exit_code != 0) {
        return failed(res, rv, out, p);
    }
    files = files_in(out->out, p);
    rv = ask(&out, view, verify_words, names, p);
    if (rv != APR_SUCCESS || !out->exited) {
        return failed(res, rv, out, p);
    }
    take_edited(files, out->out, p);
    rv = drop_shared(files, list, view, p);
    if (rv != APR_SUCCESS) {
        return failed(res, rv, out, p);
    }
    for (hi = apr_hash_first(p, files); hi; hi = apr_hash_next(hi)) {
        void *owned;

        apr_hash_this(hi, NULL, NULL, &owned);
        APR_ARRAY_PUSH(found, em_owned_t *) = owned;
    }
    return APR_SUCCESS;
}
