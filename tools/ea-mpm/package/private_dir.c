#include "package/manager.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>

/* Where packages lie until a change has copies of its own. */

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *at)
{
    (void)st;
    (void)at;
    (void)(kind == FTW_DP ? rmdir(path) : unlink(path));
    return 0;
}

static apr_status_t remove_dir(void *data)
{
    (void)nftw(data, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return APR_SUCCESS;
}

apr_status_t em_package_dir(const char **pdir, apr_pool_t *p)
{
    const char *temp = "/tmp";
    char *dir;

    (void)apr_temp_dir_get(&temp, p);
    dir = apr_pstrcat(p, temp, "/ea-mpm-packages-XXXXXX", NULL);
    if (!mkdtemp(dir)) {
        return APR_FROM_OS_ERROR(errno);
    }
    apr_pool_cleanup_register(p, dir, remove_dir, apr_pool_cleanup_null);
    *pdir = dir;
    return APR_SUCCESS;
}
