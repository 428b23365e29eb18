#include "package/dnf.h"

#include <string.h>

#include <apr_strings.h>

#include "package/manager.h"

#define ASK_TIMEOUT apr_time_from_sec(300)

static void push(apr_array_header_t *argv, const char *word)
{
    APR_ARRAY_PUSH(argv, const char *) = word;
}

static apr_array_header_t *argv_of(const em_view_t *view, apr_pool_t *p)
{
    return em_argv(p, em_dnf_program(view, p), "-q", "--color=never",
                   "--disablerepo=*", "--setopt=exit_on_lock=1", NULL);
}

/* dnf has its reasons in a database of its own; what a group brought counts
 * as asked for. */
apr_status_t em_dnf_read_marks(apr_hash_t *packages, const em_view_t *view,
                               apr_pool_t *p)
{
    apr_array_header_t *argv = argv_of(view, p);
    apr_hash_index_t *hi;
    em_exec_out_t *out;
    char *state, *line;
    apr_status_t rv;

    push(argv, "repoquery");
    push(argv, "--installed");
    push(argv, "--qf");
    push(argv, "%{name} %{reason}");
    for (hi = apr_hash_first(p, packages); hi; hi = apr_hash_next(hi)) {
        const void *name;

        apr_hash_this(hi, &name, NULL, NULL);
        push(argv, name);
    }
    rv = em_manager_exec(&out, argv, ASK_TIMEOUT, NULL, p);
    if (rv != APR_SUCCESS || out->exit_code != 0) {
        return rv != APR_SUCCESS ? rv : APR_EGENERAL;
    }
    line = apr_strtok(apr_pstrdup(p, out->out), "\n", &state);
    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        char *reason = strchr(line, ' ');
        em_package_t *package;

        if (reason) {
            *reason++ = '\0';
            package = apr_hash_get(packages, line, APR_HASH_KEY_STRING);
            if (package) {
                package->mark = strstr(reason, "dependency")
                                    ? EM_MARK_AUTO : EM_MARK_MANUAL;
            }
        }
    }
    return APR_SUCCESS;
}

apr_status_t em_dnf_set_mark(const apr_array_header_t *list, em_mark_t mark,
                             const em_view_t *view, em_log_t *log,
                             const char **pwords, apr_pool_t *p)
{
    apr_array_header_t *argv = argv_of(view, p);
    em_exec_out_t *out;
    apr_status_t rv;

    push(argv, "mark");
    push(argv, mark == EM_MARK_AUTO ? "remove" : "install");
    for (int i = 0; i < list->nelts; i++) {
        push(argv, APR_ARRAY_IDX(list, i, em_package_t *)->name);
    }
    rv = em_manager_exec(&out, argv, EM_TO_THE_END, log, p);
    *pwords = rv == APR_SUCCESS ? em_exec_words(out, p)
                                : "dnf cannot be run";
    return rv == APR_SUCCESS && out->exit_code != 0 ? APR_EGENERAL : rv;
}
