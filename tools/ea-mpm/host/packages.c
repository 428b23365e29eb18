#include "host/packages.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

struct em_packages_t {
    apr_pool_t *pool;
    const em_view_t *view;
    apr_array_header_t *list;   /* em_package_wish_t * */
    apr_hash_t *by_file;
    em_exec_t *rpm;
};

em_packages_t *em_packages_make(const em_view_t *view, apr_pool_t *p)
{
    em_packages_t *packages = apr_pcalloc(p, sizeof(*packages));

    packages->pool = p;
    packages->view = view;
    packages->list = apr_array_make(p, 32, sizeof(em_package_wish_t *));
    packages->by_file = apr_hash_make(p);
    return packages;
}

em_package_wish_t *em_packages_wish(em_packages_t *packages,
                                    const char *file)
{
    em_package_wish_t *wish = apr_hash_get(packages->by_file, file,
                                           APR_HASH_KEY_STRING);

    if (!wish) {
        wish = apr_pcalloc(packages->pool, sizeof(*wish));
        wish->file = file;
        apr_hash_set(packages->by_file, file, APR_HASH_KEY_STRING, wish);
        APR_ARRAY_PUSH(packages->list, em_package_wish_t *) = wish;
    }
    return wish;
}

static int all_answered(const apr_array_header_t *list)
{
    int i;

    for (i = 0; i < list->nelts; i++) {
        if (!APR_ARRAY_IDX(list, i, em_package_wish_t *)->package) {
            return 0;
        }
    }
    return 1;
}

void em_packages_start(em_packages_t *packages)
{
    em_packages_dpkg(packages->view, packages->list, packages->pool);
    em_packages_pacman(packages->view, packages->list, packages->pool);
    em_packages_apk(packages->view, packages->list, packages->pool);
    if (!all_answered(packages->list)
        && em_packages_has_rpm(packages->view, packages->pool)
        && em_packages_rpm_start(&packages->rpm, packages->view,
                                 packages->list, packages->pool)
           != APR_SUCCESS) {
        packages->rpm = NULL;
    }
}

void em_packages_finish(em_packages_t *packages)
{
    if (packages->rpm) {
        em_packages_rpm_finish(packages->rpm, packages->list,
                               packages->view, packages->pool);
        packages->rpm = NULL;
    }
}
