#include "package/deb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* A package that was removed and not purged: its entry in dpkg's status, with
 * the digests that its configuration files had when they came, and what is
 * left of its files in info/. No command of dpkg makes such a one, above all
 * not of a version that cannot be had any more. But dpkg takes up what lies
 * in updates/, as after a kill of its own: an entry put there is one. */

#define DPKG "/var/lib/dpkg"
#define MAX_FILE (16 * 1024 * 1024)

/* ---- reading ---- */

/* Is NAME "PACKAGE.list" or "PACKAGE:ARCH.list" or the like? */
static int is_of(const char *name, const em_package_t *package)
{
    apr_size_t len = strlen(package->name);

    if (strncmp(name, package->name, len) != 0) {
        return 0;
    }
    name += len;
    len = strlen(package->arch);
    if (*name == ':' && strncmp(name + 1, package->arch, len) == 0) {
        name += 1 + len;
    }
    return *name == '.' && name[1] && !strchr(name + 1, '.');
}

static apr_array_header_t *info_names(const em_package_t *package,
                                      const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *all, *names = apr_array_make(p, 4,
                                                     sizeof(const char *));

    if (em_view_list(&all, view, DPKG "/info", p) != APR_SUCCESS) {
        return names;
    }
    for (int i = 0; i < all->nelts; i++) {
        const char *name = APR_ARRAY_IDX(all, i, const char *);

        if (is_of(name, package)) {
            APR_ARRAY_PUSH(names, const char *) = name;
        }
    }
    return names;
}

static const em_dpkg_entry_t *entry_of(const em_package_t *package,
                                       const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *entries;

    if (em_dpkg_read(&entries, view, p) != APR_SUCCESS) {
        return NULL;
    }
    for (int i = 0; i < entries->nelts; i++) {
        const em_dpkg_entry_t *one = APR_ARRAY_IDX(entries, i,
                                                   em_dpkg_entry_t *);

        if (strcmp(one->name, package->name) == 0) {
            return one;
        }
    }
    return NULL;
}

static const char *text_of(const em_dpkg_entry_t *entry, apr_pool_t *p)
{
    const em_stanza_t *stanza = &entry->stanza;

    return apr_pstrmemdup(p, stanza->text,
                          (apr_size_t)(stanza->end - stanza->text));
}

const em_remains_t *em_dpkg_read_remains(const em_package_t *package,
                                         const em_view_t *view, apr_pool_t *p)
{
    em_remains_t *remains = apr_pcalloc(p, sizeof(*remains));
    const em_dpkg_entry_t *entry = entry_of(package, view, p);
    apr_array_header_t *names;

    if (!entry || !em_dpkg_is_left(entry)) {
        return NULL;
    }
    remains->version = entry->version;
    remains->entry = text_of(entry, p);
    remains->files = apr_array_make(p, 4, sizeof(em_remain_t));
    names = info_names(package, view, p);
    for (int i = 0; i < names->nelts; i++) {
        em_remain_t *file = apr_array_push(remains->files);
        em_node_t *node;

        file->name = APR_ARRAY_IDX(names, i, const char *);
        if (em_view_read(&node, view, apr_pstrcat(p, DPKG "/info/",
                                                  file->name, NULL),
                         MAX_FILE, p) != APR_SUCCESS
            || strlen(node->data) != node->len) {
            return NULL;
        }
        file->data = node->data;
        file->script = (node->mode & 0111) != 0;
    }
    return remains;
}

/* ---- writing ---- */

/* Whole or not at all, and on the disk. */
static apr_status_t put_file(const char *dir, const char *name,
                             const char *data, mode_t mode, apr_pool_t *p)
{
    const char *temp = apr_pstrcat(p, dir, "/tmp.ea-mpm", NULL);
    apr_size_t len = strlen(data);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    apr_status_t rv;

    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    errno = 0;
    rv = write(fd, data, len) == (ssize_t)len && fchmod(fd, mode) == 0
         && fsync(fd) == 0
             ? APR_SUCCESS : APR_FROM_OS_ERROR(errno ? errno : ENOSPC);
    close(fd);
    if (rv == APR_SUCCESS
        && rename(temp, apr_pstrcat(p, dir, "/", name, NULL)) != 0) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    if (rv != APR_SUCCESS) {
        (void)unlink(temp);
        return rv;
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rv = fd >= 0 && fsync(fd) == 0 ? APR_SUCCESS : APR_FROM_OS_ERROR(errno);
    if (fd >= 0) {
        close(fd);
    }
    return rv;
}

static int is_among(const em_remains_t *remains, const char *name)
{
    for (int i = 0; i < remains->files->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(remains->files, i, em_remain_t).name, name)
            == 0) {
            return 1;
        }
    }
    return 0;
}

/* Its files in info/ as they were. */
static apr_status_t put_info(const em_package_t *package,
                             const em_view_t *view, apr_pool_t *p)
{
    const em_remains_t *remains = package->remains;
    const char *dir = em_view_outside(view, DPKG "/info", p);
    apr_array_header_t *names = info_names(package, view, p);
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (!is_among(remains, name)) {
            (void)unlink(apr_pstrcat(p, dir, "/", name, NULL));
        }
    }
    for (int i = 0; rv == APR_SUCCESS && i < remains->files->nelts; i++) {
        const em_remain_t *file = &APR_ARRAY_IDX(remains->files, i,
                                                 em_remain_t);

        rv = put_file(dir, file->name, file->data,
                      file->script ? 0755 : 0644, p);
    }
    return rv;
}

/* The name after the last one in updates/; all have the same length. */
static const char *next_update(const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *names;
    long last = -1;

    if (em_view_list(&names, view, DPKG "/updates", p) == APR_SUCCESS) {
        for (int i = 0; i < names->nelts; i++) {
            const char *name = APR_ARRAY_IDX(names, i, const char *);
            apr_int64_t n = apr_isdigit(*name) ? apr_atoi64(name) : -1;

            last = n > last ? (long)n : last;
        }
    }
    return apr_psprintf(p, "%04ld", last + 1);
}

/* dpkg's lock, or -1. */
static int lock_database(const em_view_t *view, apr_pool_t *p)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(em_view_outside(view, DPKG "/lock", p),
                  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);

    if (fd >= 0 && fcntl(fd, F_SETLK, &lock) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Under the lock. */
static apr_status_t put_remains(const em_package_t *package,
                                const em_view_t *view, apr_pool_t *p)
{
    const em_dpkg_entry_t *entry = entry_of(package, view, p);
    apr_status_t rv;

    if (entry && !em_dpkg_is_left(entry)) {
        return APR_EBUSY;       /* it is installed: not ours to overwrite */
    }
    rv = put_info(package, view, p);
    if (rv == APR_SUCCESS
        && !(entry && strcmp(text_of(entry, p), package->remains->entry)
                      == 0)) {
        rv = put_file(em_view_outside(view, DPKG "/updates", p),
                      next_update(view, p), package->remains->entry, 0644, p);
    }
    return rv;
}

apr_status_t em_dpkg_put_remains(const apr_array_header_t *list,
                                 const em_view_t *view, const char **pwords,
                                 apr_pool_t *p)
{
    apr_status_t rv = APR_SUCCESS;
    int lock = -1;

    for (int i = 0; rv == APR_SUCCESS && list && i < list->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        if (!one->left || !one->remains) {
            continue;
        }
        lock = lock < 0 ? lock_database(view, p) : lock;
        rv = lock < 0 ? APR_EBUSY : put_remains(one, view, p);
        if (rv != APR_SUCCESS) {
            char text[120];

            *pwords = apr_psprintf(p, "cannot bring back what %s had left in "
                                   DPKG ": %s", one->name,
                                   lock < 0 ? "another dpkg has the lock"
                                            : apr_strerror(rv, text,
                                                           sizeof(text)));
        }
    }
    if (lock >= 0) {
        close(lock);
    }
    return rv;
}
