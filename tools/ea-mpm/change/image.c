#include "change/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <apr_strings.h>

#define NANO 1000000000LL

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR(errno);
}

static void take_stat(em_image_t *image, const struct stat *st)
{
    image->node.mode = st->st_mode & 07777;
    image->node.uid = st->st_uid;
    image->node.gid = st->st_gid;
    image->has_mtime = 1;
    image->mtime = (apr_int64_t)st->st_mtim.tv_sec * NANO
                   + st->st_mtim.tv_nsec;
}

static apr_status_t read_bytes(em_node_t *node, int fd, apr_size_t size,
                               apr_pool_t *p)
{
    char *data = apr_palloc(p, size + 1);
    apr_size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, data + len, size - len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return last_error();
        }
        if (n == 0) {
            break;
        }
        len += (apr_size_t)n;
    }
    data[len] = '\0';
    node->data = data;
    node->len = len;
    return APR_SUCCESS;
}

/* Signatures of the file's own content and inode; the kernel writes them
 * anew, copied ones would make the file unreadable. */
static int is_signature(const char *name)
{
    return strcmp(name, "security.ima") == 0
           || strcmp(name, "security.evm") == 0;
}

static apr_status_t read_xattr(em_image_t *image, int fd, const char *name,
                               apr_pool_t *p)
{
    char buf[XATTR_SIZE_MAX > 65536 ? XATTR_SIZE_MAX : 65536];
    ssize_t n = fgetxattr(fd, name, buf, sizeof(buf));
    em_xattr_t *x;

    if (n < 0) {
        /* Gone meanwhile, or listed but not ours to read. */
        return errno == ENODATA || errno == EPERM ? APR_SUCCESS
                                                  : last_error();
    }
    x = apr_array_push(image->xattrs);
    x->name = apr_pstrdup(p, name);
    x->value = apr_pmemdup(p, buf, (apr_size_t)n);
    x->len = (apr_size_t)n;
    return APR_SUCCESS;
}

static apr_status_t read_xattrs(em_image_t *image, int fd, apr_pool_t *p)
{
    char names[XATTR_LIST_MAX];
    ssize_t len = flistxattr(fd, names, sizeof(names));

    image->xattrs = apr_array_make(p, 2, sizeof(em_xattr_t));
    if (len < 0) {
        return errno == ENOTSUP || errno == ENOSYS ? APR_SUCCESS
                                                   : last_error();
    }
    for (const char *n = names; n < names + len; n += strlen(n) + 1) {
        apr_status_t rv = is_signature(n) ? APR_SUCCESS
                                          : read_xattr(image, fd, n, p);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t read_file(em_image_t *image, int dir, const char *name,
                              apr_pool_t *p)
{
    int fd = openat(dir, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    apr_status_t rv;
    struct stat st;

    if (fd < 0) {
        return last_error();
    }
    if (fstat(fd, &st) != 0) {
        rv = last_error();
    }
    else if (!S_ISREG(st.st_mode)) {
        rv = APR_EGENERAL;
    }
    else if (st.st_size > EM_IMAGE_MAX) {
        rv = APR_FROM_OS_ERROR(EFBIG);
    }
    else {
        take_stat(image, &st);
        rv = read_bytes(&image->node, fd, (apr_size_t)st.st_size, p);
        if (rv == APR_SUCCESS) {
            rv = read_xattrs(image, fd, p);
        }
    }
    close(fd);
    return rv;
}

static apr_status_t read_link(em_image_t *image, int dir, const char *name,
                              apr_pool_t *p)
{
    char buf[PATH_MAX];
    ssize_t n = readlinkat(dir, name, buf, sizeof(buf));

    if (n < 0) {
        return last_error();
    }
    image->node.data = apr_pstrmemdup(p, buf, (apr_size_t)n);
    image->node.len = (apr_size_t)n;
    return APR_SUCCESS;
}

apr_status_t em_image_read(em_image_t *pimage, int fd, const char *name,
                           apr_pool_t *p)
{
    em_image_t image = {0};
    apr_status_t rv = APR_SUCCESS;
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) {
            return last_error();
        }
        image.node.kind = EM_NODE_ABSENT;
    }
    else {
        take_stat(&image, &st);
        if (S_ISLNK(st.st_mode)) {
            image.node.kind = EM_NODE_LINK;
            rv = read_link(&image, fd, name, p);
        }
        else if (S_ISREG(st.st_mode)) {
            image.node.kind = EM_NODE_FILE;
            rv = read_file(&image, fd, name, p);
        }
        else {
            image.node.kind = EM_NODE_OTHER;
        }
    }
    if (rv == APR_SUCCESS) {
        *pimage = image;
    }
    return rv;
}

static apr_status_t write_all(int fd, const char *data, apr_size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return last_error();
        }
        data += n;
        len -= (apr_size_t)n;
    }
    return APR_SUCCESS;
}

/* Give FD the attribute unless it has it already: under SELinux a new file
 * often has the right label, and setting it may be denied. */
static apr_status_t put_xattr(int fd, const em_xattr_t *x, apr_pool_t *p)
{
    char *now = apr_palloc(p, x->len + 1);
    ssize_t n = fgetxattr(fd, x->name, now, x->len + 1);

    if (n >= 0 && (apr_size_t)n == x->len
        && (n == 0 || memcmp(now, x->value, x->len) == 0)) {
        return APR_SUCCESS;
    }
    return fsetxattr(fd, x->name, x->value, x->len, 0) == 0 ? APR_SUCCESS
                                                            : last_error();
}

static int has_xattr(const em_image_t *image, const char *name)
{
    for (int i = 0; i < image->xattrs->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(image->xattrs, i, em_xattr_t).name, name)
            == 0) {
            return 1;
        }
    }
    return 0;
}

/* A directory with a default ACL gives one to every new file in it; a file
 * that had none keeps none. Labels and signatures are the kernel's own. */
static apr_status_t drop_xattrs(int fd, const em_image_t *image)
{
    char names[XATTR_LIST_MAX];
    ssize_t len = flistxattr(fd, names, sizeof(names));

    for (const char *n = names; n < names + len; n += strlen(n) + 1) {
        if (strncmp(n, "security.", 9) != 0 && !has_xattr(image, n)
            && fremovexattr(fd, n) != 0 && errno != ENODATA) {
            return last_error();
        }
    }
    return APR_SUCCESS;
}

static void spec_of(struct timespec ts[2], apr_int64_t mtime)
{
    ts[0].tv_sec = 0;
    ts[0].tv_nsec = UTIME_OMIT;
    ts[1].tv_sec = (time_t)(mtime / NANO);
    ts[1].tv_nsec = (long)(mtime % NANO);
    if (ts[1].tv_nsec < 0) {
        ts[1].tv_sec--;
        ts[1].tv_nsec += NANO;
    }
}

/* Owner, mode, attributes, time. The owner first: chown drops set-id bits;
 * an ACL holds the mode too, so what is too much goes before and what is
 * missing comes after. */
static apr_status_t put_meta(int fd, const em_image_t *image, apr_pool_t *p)
{
    const em_node_t *node = &image->node;
    struct timespec ts[2];
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return last_error();
    }
    if (((node->uid != EM_NO_ID && node->uid != st.st_uid)
         || (node->gid != (gid_t)-1 && node->gid != st.st_gid))
        && fchown(fd, node->uid, node->gid) != 0) {
        return last_error();
    }
    if (image->xattrs) {
        apr_status_t rv = drop_xattrs(fd, image);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (fchmod(fd, node->mode) != 0) {
        return last_error();
    }
    for (int i = 0; image->xattrs && i < image->xattrs->nelts; i++) {
        apr_status_t rv
            = put_xattr(fd, &APR_ARRAY_IDX(image->xattrs, i, em_xattr_t), p);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (image->has_mtime) {
        spec_of(ts, image->mtime);
        if (futimens(fd, ts) != 0) {
            return last_error();
        }
    }
    return APR_SUCCESS;
}

apr_status_t em_meta_copy(int to, int from, apr_pool_t *p)
{
    em_image_t image = {0};
    apr_status_t rv;
    struct stat st;

    if (fstat(from, &st) != 0) {
        return last_error();
    }
    take_stat(&image, &st);
    rv = read_xattrs(&image, from, p);
    return rv == APR_SUCCESS ? put_meta(to, &image, p) : rv;
}

/* The common way of a new file: bytes, then what IMAGE says (if any), then
 * to the disk. */
static apr_status_t create_file(int dir, const char *name, const char *data,
                                apr_size_t len, mode_t mode,
                                const em_image_t *image, apr_pool_t *p)
{
    int fd = openat(dir, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    mode);
    apr_status_t rv;

    if (fd < 0) {
        return last_error();
    }
    rv = write_all(fd, data, len);
    if (rv == APR_SUCCESS && image) {
        rv = put_meta(fd, image, p);
    }
    if (rv == APR_SUCCESS && fsync(fd) != 0) {
        rv = last_error();
    }
    if (close(fd) != 0 && rv == APR_SUCCESS) {
        rv = last_error();
    }
    if (rv != APR_SUCCESS) {
        (void)unlinkat(dir, name, 0);
    }
    return rv;
}

apr_status_t em_file_write(int fd, const char *name, const char *data,
                           apr_size_t len, mode_t mode)
{
    return create_file(fd, name, data, len, mode, NULL, NULL);
}

static apr_status_t create_link(int dir, const char *name,
                                const em_image_t *image)
{
    const em_node_t *node = &image->node;
    struct timespec ts[2];
    struct stat st;
    int ok = symlinkat(node->data, dir, name) == 0;

    if (!ok) {
        return last_error();
    }
    ok = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (ok && ((node->uid != EM_NO_ID && node->uid != st.st_uid)
               || (node->gid != (gid_t)-1 && node->gid != st.st_gid))) {
        ok = fchownat(dir, name, node->uid, node->gid,
                      AT_SYMLINK_NOFOLLOW) == 0;
    }
    if (ok && image->has_mtime) {
        spec_of(ts, image->mtime);
        ok = utimensat(dir, name, ts, AT_SYMLINK_NOFOLLOW) == 0;
    }
    if (!ok) {
        apr_status_t rv = last_error();

        (void)unlinkat(dir, name, 0);
        return rv;
    }
    return APR_SUCCESS;
}

apr_status_t em_image_write(int fd, const char *name,
                            const em_image_t *image, apr_pool_t *p)
{
    switch (image->node.kind) {
    case EM_NODE_ABSENT:
        return APR_SUCCESS;
    case EM_NODE_FILE:
        return create_file(fd, name, image->node.data, image->node.len, 0600,
                           image, p);
    case EM_NODE_LINK:
        return create_link(fd, name, image);
    case EM_NODE_OTHER:
        break;
    }
    return APR_EINVAL;
}

int em_image_same(const em_image_t *a, const em_image_t *b)
{
    if (!em_node_same(&a->node, &b->node)) {
        return 0;
    }
    /* A link's mode and owner mean nothing. */
    return a->node.kind != EM_NODE_FILE
           || (a->node.mode == b->node.mode && a->node.uid == b->node.uid
               && a->node.gid == b->node.gid);
}

apr_status_t em_file_remove(int fd, const char *name)
{
    int cause;

    if (unlinkat(fd, name, 0) == 0 || errno == ENOENT) {
        return APR_SUCCESS;
    }
    /* A read-only file system says so before it looks for the name: what is
     * not there needs no removing. */
    cause = errno;
    if (cause == EROFS && faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0
        && errno == ENOENT) {
        return APR_SUCCESS;
    }
    return APR_FROM_OS_ERROR(cause);
}
