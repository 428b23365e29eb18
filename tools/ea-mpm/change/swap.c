#include "change/txn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include <apr_strings.h>

#include "change/dir.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif
#define MAX_ENTRIES 4096

/* Enough of an entry to tell that it was changed. */
typedef struct entry_t {
    const char *name;
    struct stat st;
} entry_t;

typedef struct em_swap_t {
    const em_group_t *group;
    int root;
    const char *name;           /* of the directory */
    const char *aside;          /* of its copy, in the same parent */
    apr_array_header_t *entries;    /* entry_t, sorted by name */
} em_swap_t;

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR(errno);
}

static const char *aside_name(const char *id, const em_group_t *group,
                              apr_pool_t *p)
{
    return apr_psprintf(p, ".ea-mpm-%s-d%d", id,
                        APR_ARRAY_IDX(group->moves, 0, em_move_t *)->n);
}

/* A directory that is there for a moment, to try an exchange with. */
static const char *probe_name(const char *aside, apr_pool_t *p)
{
    return apr_pstrcat(p, aside, "x", NULL);
}

static int open_at(int fd, const char *name)
{
    return openat(fd, name,
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The move of the group that concerns NAME, or NULL. */
static const em_move_t *move_of(const em_group_t *group, const char *name)
{
    for (int i = 0; i < group->moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(group->moves, i, em_move_t *);

        if (strcmp(strrchr(move->step->path, '/') + 1, name) == 0) {
            return move;
        }
    }
    return NULL;
}

/* Does httpd see a difference? Empty marker files are for a2query only. */
static int is_visible(const em_image_t *image)
{
    return image->node.kind == EM_NODE_LINK
           || (image->node.kind == EM_NODE_FILE && image->node.len > 0);
}

static int is_worth_it(const em_group_t *group)
{
    int visible = 0;

    for (int i = 0; i < group->moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(group->moves, i, em_move_t *);

        visible += is_visible(&move->before) || is_visible(&move->after);
    }
    return visible >= 2 && strcmp(group->dir, "/") != 0;
}

/* All entries, or APR_ENOTIMPL if one of them cannot be put into a copy. */
static apr_status_t take_entries(apr_array_header_t **pentries, int dir,
                                 apr_pool_t *p)
{
    apr_array_header_t *names, *entries;
    apr_status_t rv = em_dir_list(&names, dir, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (names->nelts > MAX_ENTRIES) {
        return APR_ENOTIMPL;
    }
    entries = apr_array_make(p, names->nelts + 1, sizeof(entry_t));
    for (int i = 0; i < names->nelts; i++) {
        entry_t *entry = apr_array_push(entries);

        entry->name = APR_ARRAY_IDX(names, i, const char *);
        if (fstatat(dir, entry->name, &entry->st, AT_SYMLINK_NOFOLLOW) != 0) {
            return last_error();
        }
        if (!S_ISREG(entry->st.st_mode) && !S_ISLNK(entry->st.st_mode)) {
            return APR_ENOTIMPL;
        }
    }
    *pentries = entries;
    return APR_SUCCESS;
}

static int same_entry(const entry_t *a, const entry_t *b)
{
    return strcmp(a->name, b->name) == 0 && a->st.st_dev == b->st.st_dev
           && a->st.st_ino == b->st.st_ino && a->st.st_size == b->st.st_size
           && a->st.st_mode == b->st.st_mode
           && a->st.st_mtim.tv_sec == b->st.st_mtim.tv_sec
           && a->st.st_mtim.tv_nsec == b->st.st_mtim.tv_nsec;
}

/* Does the directory still hold what was copied? */
static int is_unchanged(const em_swap_t *swap, int dir, apr_pool_t *p)
{
    apr_array_header_t *now;

    if (take_entries(&now, dir, p) != APR_SUCCESS
        || now->nelts != swap->entries->nelts) {
        return 0;
    }
    for (int i = 0; i < now->nelts; i++) {
        if (!same_entry(&APR_ARRAY_IDX(now, i, entry_t),
                        &APR_ARRAY_IDX(swap->entries, i, entry_t))) {
            return 0;
        }
    }
    return 1;
}

/* A directory on which something is mounted cannot be renamed; one that is
 * itself the root of a bind mount of the same device tells only by statx. */
static int is_mount(int parent, int dir)
{
    struct stat above, here;
#ifdef STATX_ATTR_MOUNT_ROOT
    struct statx sx;

    if (statx(dir, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx) == 0
        && (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT)) {
        return 1;
    }
#endif
    return fstat(parent, &above) != 0 || fstat(dir, &here) != 0
           || above.st_dev != here.st_dev;
}

/* An entry that does not change: the same link again, or one more name of
 * the same file. */
static apr_status_t copy_entry(int to, int from, const entry_t *entry,
                               apr_pool_t *p)
{
    em_image_t image;
    apr_status_t rv;

    if (S_ISREG(entry->st.st_mode)) {
        return linkat(from, entry->name, to, entry->name, 0) == 0
                   ? APR_SUCCESS : last_error();
    }
    rv = em_image_read(&image, from, entry->name, p);
    return rv == APR_SUCCESS ? em_image_write(to, entry->name, &image, p)
                             : rv;
}

static apr_status_t fill(const em_swap_t *swap, int to, int from,
                         apr_pool_t *p)
{
    apr_status_t rv = em_meta_copy(to, from, p);

    for (int i = 0; rv == APR_SUCCESS && i < swap->entries->nelts; i++) {
        const entry_t *entry = &APR_ARRAY_IDX(swap->entries, i, entry_t);

        if (!move_of(swap->group, entry->name)) {
            rv = copy_entry(to, from, entry, p);
        }
    }
    for (int i = 0; rv == APR_SUCCESS && i < swap->group->moves->nelts; i++) {
        const em_move_t *move
            = APR_ARRAY_IDX(swap->group->moves, i, em_move_t *);

        rv = em_image_write(to, strrchr(move->step->path, '/') + 1,
                            &move->after, p);
    }
    return rv == APR_SUCCESS ? em_dir_sync(to) : rv;
}

/* An overlay exchanges what is new, but not what comes from its lower layer,
 * and does not tell which is which. */
static int is_overlay(int dir)
{
    struct statfs fs;

    return fstatfs(dir, &fs) == 0
           && (unsigned)fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* Can the file system exchange the copy, still empty, with something? */
static int can_exchange(const em_swap_t *swap, int parent, apr_pool_t *p)
{
    const char *probe = probe_name(swap->aside, p);
    int can;

    if (mkdirat(parent, probe, 0700) != 0) {
        return 0;
    }
    can = renameat2(parent, probe, parent, swap->aside, RENAME_EXCHANGE)
          == 0;
    return unlinkat(parent, probe, AT_REMOVEDIR) == 0 && can;
}

static apr_status_t build(em_swap_t *swap, int parent, apr_pool_t *p)
{
    int from = open_at(parent, swap->name), to = -1;
    apr_status_t rv;

    if (from < 0) {
        return last_error();
    }
    if (is_mount(parent, from) || is_overlay(from)) {
        rv = APR_ENOTIMPL;
        goto leave;
    }
    rv = take_entries(&swap->entries, from, p);
    if (rv != APR_SUCCESS) {
        goto leave;
    }
    if (mkdirat(parent, swap->aside, 0700) != 0) {
        rv = last_error();
        goto leave;
    }
    if (!can_exchange(swap, parent, p)) {
        rv = APR_ENOTIMPL;
        goto leave;
    }
    to = open_at(parent, swap->aside);
    rv = to < 0 ? last_error() : fill(swap, to, from, p);

leave:
    close(from);
    if (to >= 0) {
        close(to);
    }
    return rv;
}

apr_status_t em_swap_prepare(em_swap_t **pswap, int root, const char *id,
                             const em_group_t *group, apr_pool_t *p)
{
    em_swap_t *swap = apr_pcalloc(p, sizeof(*swap));
    apr_status_t rv;
    int parent;

    *pswap = NULL;
    if (!is_worth_it(group)) {
        return APR_SUCCESS;
    }
    swap->group = group;
    swap->root = root;
    swap->aside = aside_name(id, group, p);
    rv = em_dir_parent(&parent, &swap->name, root, group->dir, p);
    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_ENOENT(rv) ? APR_SUCCESS : rv;
    }
    rv = build(swap, parent, p);
    close(parent);
    if (rv == APR_SUCCESS) {
        *pswap = swap;
        return APR_SUCCESS;
    }
    /* Whatever the reason, the other way needs less of the file system. */
    return em_swap_sweep(root, id, group, p);
}

static apr_status_t exchange(const em_swap_t *swap, int parent)
{
    if (renameat2(parent, swap->name, parent, swap->aside, RENAME_EXCHANGE)
        == 0) {
        return APR_SUCCESS;
    }
    switch (errno) {
    case EINVAL:                /* not on this file system */
    case ENOSYS:                /* nor on this kernel */
    case EXDEV:                 /* overlayfs: the lower layer has it */
    case EBUSY:
    case EPERM:
        return APR_ENOTIMPL;
    default:
        return last_error();
    }
}

apr_status_t em_swap_make(em_swap_t *swap, apr_pool_t *p)
{
    int parent, dir = -1, unchanged;
    const char *name;
    apr_status_t rv = em_dir_parent(&parent, &name, swap->root,
                                    swap->group->dir, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    dir = open_at(parent, swap->name);
    if (dir < 0) {
        rv = last_error();
        goto leave;
    }
    if (!is_unchanged(swap, dir, p)) {
        rv = APR_EBUSY;
        goto leave;
    }
    rv = exchange(swap, parent);
    if (rv != APR_SUCCESS) {
        goto leave;
    }
    /* Somebody may have been quicker than the exchange: DIR is still the old
     * directory, now under the other name. */
    unchanged = is_unchanged(swap, dir, p);
    if (!unchanged) {
        rv = exchange(swap, parent);
        if (rv == APR_SUCCESS) {
            rv = em_dir_sync(parent);
        }
        rv = rv == APR_SUCCESS ? APR_EBUSY : rv;
    }

leave:
    if (dir >= 0) {
        close(dir);
    }
    close(parent);
    return rv;
}

/* The file as it was to be, as far as it was written before a kill. */
static int is_beginning(const em_node_t *part, const em_node_t *whole)
{
    return part->kind == EM_NODE_FILE && whole->kind == EM_NODE_FILE
           && part->len <= whole->len
           && (part->len == 0
               || memcmp(part->data, whole->data, part->len) == 0);
}

/* May NAME in the directory beside be removed without losing anything? */
static int is_known(int aside, int live, const char *name,
                    const em_group_t *group, apr_pool_t *p)
{
    const em_move_t *move = move_of(group, name);
    em_image_t image, other;
    struct stat here, there;

    if (fstatat(aside, name, &here, AT_SYMLINK_NOFOLLOW) == 0
        && fstatat(live, name, &there, AT_SYMLINK_NOFOLLOW) == 0
        && here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
        return 1;               /* one more name of the live file */
    }
    if (em_image_read(&image, aside, name, p) != APR_SUCCESS) {
        return 0;
    }
    if (move && (em_node_same(&image.node, &move->before.node)
                 || em_node_same(&image.node, &move->after.node)
                 || is_beginning(&image.node, &move->after.node))) {
        return 1;
    }
    return image.node.kind == EM_NODE_LINK
           && em_image_read(&other, live, name, p) == APR_SUCCESS
           && em_node_same(&image.node, &other.node);
}

static apr_status_t empty(int aside, int live, const em_group_t *group,
                          apr_pool_t *p)
{
    apr_array_header_t *names;
    apr_status_t rv = em_dir_list(&names, aside, p);

    for (int i = 0; rv == APR_SUCCESS && i < names->nelts; i++) {
        if (!is_known(aside, live, APR_ARRAY_IDX(names, i, const char *),
                      group, p)) {
            rv = APR_FROM_OS_ERROR(ENOTEMPTY);
        }
    }
    for (int i = 0; rv == APR_SUCCESS && i < names->nelts; i++) {
        rv = em_file_remove(aside, APR_ARRAY_IDX(names, i, const char *));
    }
    return rv;
}

/* Empty and remove the copy ASIDE of NAME. Which of the two is which must be
 * on the disk before one of them loses a file. */
static apr_status_t remove_copy(int parent, const char *name,
                                const char *aside, int dir,
                                const em_group_t *group, apr_pool_t *p)
{
    int live = open_at(parent, name);
    apr_status_t rv = live < 0 ? last_error() : em_dir_sync(parent);

    if (rv == APR_SUCCESS) {
        rv = empty(dir, live, group, p);
    }
    if (rv == APR_SUCCESS && unlinkat(parent, aside, AT_REMOVEDIR) != 0) {
        rv = last_error();
    }
    if (live >= 0) {
        close(live);
    }
    return rv;
}

apr_status_t em_swap_sweep(int root, const char *id, const em_group_t *group,
                           apr_pool_t *p)
{
    const char *name, *aside = aside_name(id, group, p);
    int parent, dir;
    apr_status_t rv;

    if (strcmp(group->dir, "/") == 0) {
        return APR_SUCCESS;
    }
    rv = em_dir_parent(&parent, &name, root, group->dir, p);
    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_ENOENT(rv) ? APR_SUCCESS : rv;
    }
    (void)unlinkat(parent, probe_name(aside, p), AT_REMOVEDIR);
    dir = open_at(parent, aside);
    if (dir < 0) {
        rv = errno == ENOENT ? APR_SUCCESS : last_error();
    }
    else {
        rv = remove_copy(parent, name, aside, dir, group, p);
        close(dir);
    }
    close(parent);
    return rv;
}
