#include "host/packages.h"

#include <string.h>

#include <apr_strings.h>

#define RPM_TIMEOUT apr_time_from_sec(20)

/* A database with something in it: sqlite, ndb or Berkeley DB, at the old
 * place or the new. */
int em_packages_has_rpm(const em_view_t *view, apr_pool_t *p)
{
    static const char *const databases[] = {
        "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite",
        "/var/lib/rpm/Packages.db", "/usr/lib/sysimage/rpm/Packages.db",
        "/var/lib/rpm/Packages", "/usr/lib/sysimage/rpm/Packages", NULL
    };
    int i;

    for (i = 0; databases[i]; i++) {
        if (em_view_exists(view, databases[i], p)) {
            return 1;
        }
    }
    return 0;
}

apr_status_t em_packages_rpm_start(em_exec_t **pexec, const em_view_t *view,
                                   const apr_array_header_t *list,
                                   apr_pool_t *p)
{
    static const char *const env[] = {
        "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", NULL
    };
    em_exec_how_t how = { NULL, NULL, env, RPM_TIMEOUT };
    apr_array_header_t *argv = apr_array_make(p, 40, sizeof(const char *));
    const char *root = em_view_root(view);
    int i;

    APR_ARRAY_PUSH(argv, const char *) = "rpm";
    if (strcmp(root, "/") != 0) {
        APR_ARRAY_PUSH(argv, const char *) = "--root";
        APR_ARRAY_PUSH(argv, const char *) = root;
    }
    APR_ARRAY_PUSH(argv, const char *) = "-qf";
    APR_ARRAY_PUSH(argv, const char *) = "--qf";
    APR_ARRAY_PUSH(argv, const char *)
        = "%{NAME}\t%{VERSION}-%{RELEASE}\n";
    for (i = 0; i < list->nelts; i++) {
        const em_package_wish_t *wish
            = APR_ARRAY_IDX(list, i, em_package_wish_t *);
        const char *real = wish->file;

        if (wish->package) {
            continue;
        }
        (void)em_view_real(&real, view, wish->file, p);
        APR_ARRAY_PUSH(argv, const char *) = real;
    }
    APR_ARRAY_PUSH(argv, const char *) = NULL;
    return em_exec_start(pexec, (const char *const *)argv->elts, &how, p);
}

/* One line per file in the order asked; a line without a tab says that
 * nobody owns it. A file of several packages gives several lines, so the
 * count must match before the order can be trusted. */
void em_packages_rpm_finish(em_exec_t *exec, apr_array_header_t *list,
                            apr_pool_t *p)
{
    apr_array_header_t *lines = apr_array_make(p, 32, sizeof(char *));
    int i, n = 0, open = 0;
    em_exec_out_t *out;
    char *line, *state;

    if (em_exec_wait(&out, exec) != APR_SUCCESS || !out->exited) {
        return;
    }
    for (line = apr_strtok(apr_pstrdup(p, out->out), "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        APR_ARRAY_PUSH(lines, char *) = line;
    }
    for (i = 0; i < list->nelts; i++) {
        open += !APR_ARRAY_IDX(list, i, em_package_wish_t *)->package;
    }
    if (open != lines->nelts) {
        return;
    }
    for (i = 0; i < list->nelts; i++) {
        em_package_wish_t *wish = APR_ARRAY_IDX(list, i, em_package_wish_t *);
        char *tab;

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
