#include "change/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

static apr_status_t close_fd(void *data)
{
    close((int)(intptr_t)data);
    return APR_SUCCESS;
}

void em_fd_keep(int fd, apr_pool_t *p)
{
    apr_pool_cleanup_register(p, (void *)(intptr_t)fd, close_fd,
                              apr_pool_cleanup_null);
}

apr_status_t em_dir_root(int *pfd, const em_view_t *view, apr_pool_t *p)
{
    int fd = open(em_view_root(view), O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    em_fd_keep(fd, p);
    *pfd = fd;
    return APR_SUCCESS;
}

/* The next component of *PREST in NAME, or 0 at the end. */
static int next_name(char name[NAME_MAX + 1], const char **prest)
{
    const char *rest = *prest + strspn(*prest, "/");
    apr_size_t len = strcspn(rest, "/");

    if (len == 0 || len > NAME_MAX) {
        return 0;
    }
    memcpy(name, rest, len);
    name[len] = '\0';
    *prest = rest + len;
    return 1;
}

apr_status_t em_dir_open(int *pfd, int root, const char *path)
{
    const int how = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    char name[NAME_MAX + 1];
    int fd = openat(root, ".", O_PATH | how), next;

    while (fd >= 0 && next_name(name, &path)) {
        next = openat(fd, name, O_PATH | how);
        close(fd);
        fd = next;
    }
    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    /* O_PATH passes directories that we may not read; the last one has to
     * be synced, and that wants a real descriptor. */
    next = openat(fd, ".", O_RDONLY | how);
    close(fd);
    if (next < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    *pfd = next;
    return APR_SUCCESS;
}

const char *em_path_parent(const char *path, apr_pool_t *p)
{
    const char *slash = strrchr(path, '/');

    return !slash || slash == path
               ? "/" : apr_pstrmemdup(p, path, (apr_size_t)(slash - path));
}

apr_status_t em_dir_parent(int *pfd, const char **pname, int root,
                           const char *path, apr_pool_t *p)
{
    if (!em_path_is_plain(path)) {
        return APR_EINVAL;
    }
    *pname = strrchr(path, '/') + 1;
    return em_dir_open(pfd, root, em_path_parent(path, p));
}

apr_status_t em_dir_make(int root, const char *path, mode_t mode,
                         apr_pool_t *p)
{
    const char *name;
    int fd;
    apr_status_t rv = em_dir_parent(&fd, &name, root, path, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (mkdirat(fd, name, mode) == 0) {
        /* The mode counts as given, whatever the umask. */
        rv = fchmodat(fd, name, mode, 0) == 0 ? em_dir_sync(fd)
                                              : APR_FROM_OS_ERROR(errno);
    }
    else if (errno != EEXIST) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    close(fd);
    return rv;
}

apr_status_t em_dir_missing(apr_array_header_t *out, int root,
                            const char *path, apr_pool_t *p)
{
    const char *dir = em_path_parent(path, p);
    apr_status_t rv;
    int fd;

    rv = em_dir_open(&fd, root, dir);
    if (rv == APR_SUCCESS) {
        close(fd);
        return APR_SUCCESS;
    }
    if (!APR_STATUS_IS_ENOENT(rv) || strcmp(dir, "/") == 0) {
        return rv;
    }
    rv = em_dir_missing(out, root, dir, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = 0; i < out->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(out, i, const char *), dir) == 0) {
            return APR_SUCCESS;
        }
    }
    APR_ARRAY_PUSH(out, const char *) = dir;
    return APR_SUCCESS;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

apr_status_t em_dir_list(apr_array_header_t **pnames, int fd, apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 64, sizeof(const char *));
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    struct dirent *entry;
    int failed;

    if (!dir) {
        apr_status_t rv = APR_FROM_OS_ERROR(errno);

        if (own >= 0) {
            close(own);
        }
        return rv;
    }
    for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(p, name);
        }
    }
    failed = errno;
    closedir(dir);
    if (failed) {
        return APR_FROM_OS_ERROR(failed);
    }
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), by_bytes);
    *pnames = names;
    return APR_SUCCESS;
}

apr_status_t em_dir_sync(int fd)
{
    return fsync(fd) == 0 ? APR_SUCCESS : APR_FROM_OS_ERROR(errno);
}

int em_path_is_plain(const char *path)
{
    if (*path != '/') {
        return 0;
    }
    while (*path) {
        const char *name = path + 1;
        apr_size_t len = strcspn(name, "/");

        if (*path != '/' || len == 0 || len > NAME_MAX
            || (len == 1 && name[0] == '.')
            || (len == 2 && name[0] == '.' && name[1] == '.')) {
            return 0;
        }
        path = name + len;
    }
    return 1;
}
