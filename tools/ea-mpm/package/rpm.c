#include "package/rpm.h"

#include <string.h>

#include <apr_strings.h>

const char *em_rpm_database(const em_view_t *view, apr_pool_t *p)
{
    static const char *const dirs[] = {
        "/usr/lib/sysimage/rpm", "/var/lib/rpm", NULL
    };
    static const char *const files[] = {
        "rpmdb.sqlite", "Packages.db", "Packages", NULL
    };

    for (int i = 0; dirs[i]; i++) {
        for (int j = 0; files[j]; j++) {
            if (em_view_exists(view, apr_pstrcat(p, dirs[i], "/", files[j],
                                                 NULL), p)) {
                return dirs[i];
            }
        }
    }
    return NULL;
}

apr_array_header_t *em_rpm_argv(const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *argv = apr_array_make(p, 40, sizeof(const char *));
    const char *root = em_view_root(view);

    APR_ARRAY_PUSH(argv, const char *) = "rpm";
    if (strcmp(root, "/") != 0) {
        APR_ARRAY_PUSH(argv, const char *) = "--root";
        APR_ARRAY_PUSH(argv, const char *) = root;
    }
    APR_ARRAY_PUSH(argv, const char *) = "--dbpath";
    APR_ARRAY_PUSH(argv, const char *) = em_rpm_database(view, p);
    return argv;
}
