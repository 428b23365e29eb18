#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "rehearse/tree.h"

#define COPY_MAX ((apr_off_t)256 * 1024 * 1024)     /* of all together */
#define MOUNTS_MAX 1000

typedef struct tree_t {
    em_tree_error_t *error;
    const em_ns_how_t *how;
    apr_pool_t *pool;
    const char *scratch;        /* where the tmpfs is mounted */
    const char *root;           /* below it: the new root */
    int overlays;               /* made so far */
    apr_array_header_t *mounts; /* em_mount_t * */
} tree_t;

static int failed(tree_t *tree, em_ns_step_t step, const char *path)
{
    tree->error->step = step;
    tree->error->error = errno;
    tree->error->path = path;
    return 0;
}

static const char *slurp(const char *path, apr_pool_t *p)
{
    char buffer[8192];
    FILE *f = fopen(path, "re");
    apr_array_header_t *parts = apr_array_make(p, 8, sizeof(const char *));
    size_t n;

    while (f && (n = fread(buffer, 1, sizeof(buffer), f)) > 0) {
        APR_ARRAY_PUSH(parts, const char *) = apr_pstrmemdup(p, buffer, n);
    }
    if (f) {
        fclose(f);
    }
    return apr_array_pstrcat(p, parts, '\0');
}

/* The tmpfs needs a directory to be mounted on that is on every system and
 * that no server needs. */
static int make_scratch(tree_t *tree)
{
    static const char *const places[] = {"/sys/fs/cgroup", "/sys", "/mnt",
                                         "/media"};
    struct stat st;

    errno = ENOENT;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (stat(places[i], &st) == 0 && S_ISDIR(st.st_mode)
            && mount("ea-mpm", places[i], "tmpfs", 0, "mode=755,size=25%")
               == 0) {
            tree->scratch = places[i];
            tree->root = apr_pstrcat(tree->pool, places[i], "/root", NULL);
            return mkdir(tree->root, 0755) == 0
                   ? 1 : failed(tree, EM_NS_SCRATCH, tree->root);
        }
    }
    return failed(tree, EM_NS_SCRATCH, places[0]);
}

/* Handles first: once "/" is overlaid, paths lead elsewhere. */
static void open_mounts(tree_t *tree)
{
    apr_array_header_t *all = em_mounts_parse(slurp("/proc/self/mountinfo",
                                                    tree->pool), tree->pool);
    struct stat st;

    tree->mounts = apr_array_make(tree->pool, all->nelts,
                                  sizeof(em_mount_t *));
    for (int i = 0; i < all->nelts && tree->mounts->nelts < MOUNTS_MAX;
         i++) {
        em_mount_t *mount = APR_ARRAY_IDX(all, i, em_mount_t *);

        if (!em_mount_wanted(mount, tree->how->needed)) {
            continue;
        }
        mount->fd = open(mount->path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
        if (mount->fd < 0 || fstat(mount->fd, &st) != 0) {
            continue;
        }
        mount->is_dir = S_ISDIR(st.st_mode);
        APR_ARRAY_PUSH(tree->mounts, em_mount_t *) = mount;
    }
}

/* nosuid, nodev and noexec of the mount outside hold inside as well. */
static unsigned long flags_of(const em_mount_t *mount)
{
    const char *options = mount->options ? mount->options : "";

    return (strstr(options, "nosuid") ? MS_NOSUID : 0)
           | (strstr(options, "nodev") ? MS_NODEV : 0)
           | (strstr(options, "noexec") ? MS_NOEXEC : 0);
}

/* The lower directory is named by its handle: no path to escape, and no
 * other mount in between. Reads through an overlay leave no access times. */
static int overlay(tree_t *tree, const em_mount_t *mount_, const char *to)
{
    apr_pool_t *p = tree->pool;
    const char *base = apr_psprintf(p, "%s/o%d", tree->scratch,
                                    tree->overlays++);
    const char *upper = apr_pstrcat(p, base, "/u", NULL);
    const char *work = apr_pstrcat(p, base, "/w", NULL);
    const char *lower = apr_psprintf(p, "/proc/self/fd/%d", mount_->fd);
    struct stat st;

    if (fstat(mount_->fd, &st) != 0 || mkdir(base, 0755) != 0
        || mkdir(upper, 0755) != 0 || mkdir(work, 0755) != 0
        || chown(upper, st.st_uid, st.st_gid) != 0
        || chmod(upper, st.st_mode & 07777) != 0) {
        return 0;
    }
    return mount("ea-mpm", to, "overlay", flags_of(mount_),
                 apr_psprintf(p, "lowerdir=%s,upperdir=%s,workdir=%s", lower,
                              upper, work)) == 0;
}

/* Where the file system knows no overlay: the thing itself, read-only. */
static int bind_readonly(em_mount_t *mount_, const char *to, apr_pool_t *p)
{
    const char *from = apr_psprintf(p, "/proc/self/fd/%d", mount_->fd);

    mount_->readonly = 1;
    return mount(from, to, NULL, MS_BIND, NULL) == 0
           && mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY
                    | flags_of(mount_), NULL) == 0;
}

/* A mount that lies in what is not there inside stays away. */
static int add_mounts(tree_t *tree)
{
    struct stat st;

    for (int i = 0; i < tree->mounts->nelts; i++) {
        em_mount_t *mount_ = APR_ARRAY_IDX(tree->mounts, i, em_mount_t *);
        int is_root = strcmp(mount_->path, "/") == 0;
        const char *to = is_root ? tree->root
                       : apr_pstrcat(tree->pool, tree->root, mount_->path,
                                     NULL);

        if (lstat(to, &st) != 0
            || (S_ISDIR(st.st_mode) != 0) != mount_->is_dir) {
            continue;
        }
        if (mount_->is_dir && overlay(tree, mount_, to)) {
            continue;
        }
        if (!bind_readonly(mount_, to, tree->pool)) {
            return failed(tree, is_root ? EM_NS_ROOT : EM_NS_SUBMOUNT,
                          mount_->path);
        }
    }
    return 1;
}

/* The mount that PATH lies on: the longest that holds it. */
static const em_mount_t *mount_of(const tree_t *tree, const char *path)
{
    const em_mount_t *best = NULL;

    for (int i = 0; i < tree->mounts->nelts; i++) {
        const em_mount_t *mount_ = APR_ARRAY_IDX(tree->mounts, i,
                                                 em_mount_t *);
        size_t n = strlen(mount_->path);

        if (strcmp(mount_->path, "/") == 0
            || (strncmp(path, mount_->path, n) == 0
                && (path[n] == '/' || path[n] == '\0'))) {
            best = mount_;      /* sorted by length: the last is longest */
        }
    }
    return best;
}

/* On a read-only mount, needed directories become copies. What is too large
 * stays readable; its document roots are then not asked. */
static int copy_needed(tree_t *tree)
{
    const apr_array_header_t *needed = tree->how->needed;
    apr_array_header_t *done = apr_array_make(tree->pool, 8,
                                              sizeof(const char *));
    apr_off_t left = COPY_MAX;
    em_tree_error_t ignored;

    for (int i = 0; needed && i < needed->nelts; i++) {
        const char *path = APR_ARRAY_IDX(needed, i, const char *);
        char *real = realpath(path, NULL);
        const em_mount_t *on = real ? mount_of(tree, real) : NULL;
        struct stat st;
        int covered = 0;

        for (int j = 0; real && j < done->nelts; j++) {
            const char *have = APR_ARRAY_IDX(done, j, const char *);

            covered |= strncmp(real, have, strlen(have)) == 0
                       && (real[strlen(have)] == '/'
                           || real[strlen(have)] == '\0');
        }
        if (on && on->readonly && !covered && stat(real, &st) == 0
            && S_ISDIR(st.st_mode) && strcmp(real, "/") != 0) {
            (void)em_tree_copy(&ignored, real,
                               apr_pstrcat(tree->pool, tree->root, real,
                                           NULL), &left, tree->pool);
            APR_ARRAY_PUSH(done, const char *) = apr_pstrdup(tree->pool,
                                                             real);
        }
        free(real);
    }
    return 1;
}

/* A socket on an overlay has another inode than the real one, and the kernel
 * finds a listener by inode: connecting fails. On what is bound read-only it
 * would succeed, so those are covered. */
static int hide_sockets(tree_t *tree, const apr_array_header_t *sockets)
{
    struct stat st;

    for (int i = 0; sockets && i < sockets->nelts; i++) {
        const char *path = APR_ARRAY_IDX(sockets, i, const char *);
        char *real = realpath(path, NULL);
        const em_mount_t *on = real ? mount_of(tree, real) : NULL;
        const char *to = real ? apr_pstrcat(tree->pool, tree->root, real,
                                            NULL) : NULL;

        free(real);
        if (on && on->readonly && lstat(to, &st) == 0 && S_ISSOCK(st.st_mode)
            && mount("/dev/null", to, NULL, MS_BIND, NULL) != 0) {
            return failed(tree, EM_NS_SOCKET, path);
        }
    }
    return 1;
}

static int let_in(tree_t *tree)
{
    const apr_array_header_t *allowed = tree->how->allow_sockets;
    struct stat st;

    for (int i = 0; allowed && i < allowed->nelts; i++) {
        const char *path = APR_ARRAY_IDX(allowed, i, const char *);
        char *real = realpath(path, NULL);
        const char *to = real ? apr_pstrcat(tree->pool, tree->root, real,
                                            NULL) : NULL;
        int ok;

        errno = ENOENT;
        ok = real && stat(real, &st) == 0
             && (errno = ENOTSOCK, S_ISSOCK(st.st_mode))
             && mount(real, to, NULL, MS_BIND, NULL) == 0;
        free(real);
        if (!ok) {
            return failed(tree, EM_NS_SOCKET, path);
        }
    }
    return 1;
}

static int readonly_again(const char *path)
{
    return mount(path, path, NULL, MS_BIND, NULL) == 0
           && mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY
                    | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

/* /proc of the new PID namespace; what in it would change the real kernel is
 * read-only, and so is /sys. */
static int make_proc(tree_t *tree)
{
    static const char *const knobs[] = {"sys", "sysrq-trigger", "irq", "bus",
                                        "fs"};
    const char *proc = apr_pstrcat(tree->pool, tree->root, "/proc", NULL);
    const char *sys = apr_pstrcat(tree->pool, tree->root, "/sys", NULL);

    if (mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)
        != 0) {
        return failed(tree, EM_NS_PROC, "/proc");
    }
    for (size_t i = 0; i < sizeof(knobs) / sizeof(*knobs); i++) {
        const char *knob = apr_pstrcat(tree->pool, proc, "/", knobs[i],
                                       NULL);

        if (access(knob, F_OK) == 0 && !readonly_again(knob)) {
            return failed(tree, EM_NS_PROC, knobs[i]);
        }
    }
    /* A new sysfs shows the new network namespace; without one, none. */
    (void)mount("sysfs", sys, "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV
                | MS_NOEXEC, NULL);
    return 1;
}

/* Change the root, and let the old one go with everything that is mounted
 * there. A system that runs from its initramfs cannot pivot: there the new
 * root is moved over the old. */
static int pivot(tree_t *tree)
{
    if (chdir(tree->root) != 0) {
        return failed(tree, EM_NS_PIVOT, tree->root);
    }
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        if (umount2(".", MNT_DETACH) != 0) {
            return failed(tree, EM_NS_PIVOT, ".");
        }
    }
    else if (mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) {
        return failed(tree, EM_NS_PIVOT, tree->root);
    }
    return chdir("/") == 0 ? 1 : failed(tree, EM_NS_PIVOT, "/");
}

int em_tree_enter(em_tree_error_t *error, const em_ns_how_t *how,
                  const apr_array_header_t *sockets, apr_pool_t *p)
{
    tree_t tree = {.error = error, .how = how, .pool = p};

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return failed(&tree, EM_NS_PRIVATE, "/");
    }
    open_mounts(&tree);
    if (!make_scratch(&tree) || !add_mounts(&tree) || !copy_needed(&tree)
        || !hide_sockets(&tree, sockets) || !let_in(&tree)
        || !em_tree_devices(error, tree.root, p) || !make_proc(&tree)) {
        return 0;
    }
    for (int i = 0; i < tree.mounts->nelts; i++) {
        close(APR_ARRAY_IDX(tree.mounts, i, em_mount_t *)->fd);
    }
    return pivot(&tree);
}
