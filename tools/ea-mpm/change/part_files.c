#include "change/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"

/* The packages and kept files of a journal, on the disk. */

#define KEEP_JOURNALS 5         /* with packages, newest first */
#define BLOCK 65536

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR(errno);
}

/* ---- writing ---- */

static apr_status_t open_new(int *pdir, int fd, const char *name)
{
    if (mkdirat(fd, name, 0700) != 0 && errno != EEXIST) {
        return last_error();
    }
    *pdir = openat(fd, name,
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *pdir < 0 ? last_error() : APR_SUCCESS;
}

static apr_status_t write_all(int fd, const char *data, apr_size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno != EINTR) {
            return last_error();
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (apr_size_t)n : 0;
    }
    return APR_SUCCESS;
}

static apr_status_t pour(int to, int from)
{
    char block[BLOCK];
    apr_status_t rv = APR_SUCCESS;
    ssize_t n = 1;

    while (rv == APR_SUCCESS && n != 0) {
        n = read(from, block, sizeof(block));
        if (n < 0 && errno != EINTR) {
            return last_error();
        }
        rv = n > 0 ? write_all(to, block, (apr_size_t)n) : rv;
    }
    return rv == APR_SUCCESS && fsync(to) != 0 ? last_error() : rv;
}

/* A package that an older journal has (a rollback's) gets one more name;
 * another one is copied. */
static apr_status_t put_package(int dir, const em_stored_t *stored)
{
    apr_status_t rv;
    int from, to;

    if (strstr(stored->path, EM_STATE_DIR "/journal/")
        && linkat(AT_FDCWD, stored->path, dir, stored->name, 0) == 0) {
        return APR_SUCCESS;
    }
    from = open(stored->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0) {
        return last_error();
    }
    to = openat(dir, stored->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                0600);
    rv = to < 0 ? last_error() : pour(to, from);
    close(from);
    if (to >= 0 && close(to) != 0 && rv == APR_SUCCESS) {
        rv = last_error();
    }
    return rv;
}

static apr_status_t write_packages(int fd, const em_part_t *part)
{
    apr_status_t rv;
    int dir;

    rv = open_new(&dir, fd, "packages");
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = 0; rv == APR_SUCCESS && i < part->stored->nelts; i++) {
        rv = put_package(dir, APR_ARRAY_IDX(part->stored, i, em_stored_t *));
    }
    if (rv == APR_SUCCESS) {
        rv = em_dir_sync(dir);
    }
    close(dir);
    return rv;
}

apr_status_t em_part_write(int fd, const em_part_t *part, apr_pool_t *p)
{
    apr_status_t rv = write_packages(fd, part);
    int dir = -1;

    if (rv == APR_SUCCESS) {
        rv = open_new(&dir, fd, "kept");
    }
    for (int i = 0; rv == APR_SUCCESS && i < part->kept->nelts; i++) {
        const em_kept_t *kept = APR_ARRAY_IDX(part->kept, i, em_kept_t *);
        const em_node_t *node = &kept->move.before.node;

        if (kept->config && node->kind == EM_NODE_FILE) {
            rv = em_file_write(dir, apr_itoa(p, i), node->data, node->len,
                               0600);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = em_dir_sync(dir);
    }
    if (dir >= 0) {
        close(dir);
    }
    return rv;
}

/* ---- reading ---- */

static void point(const apr_array_header_t *list, em_part_t *part, int *pn,
                  const char *dir, apr_pool_t *p)
{
    for (int i = 0; i < list->nelts; i++) {
        em_package_t *package = APR_ARRAY_IDX(list, i, em_package_t *);
        em_stored_t *stored = APR_ARRAY_IDX(part->stored, (*pn)++,
                                            em_stored_t *);

        stored->path = apr_pstrcat(p, dir, stored->name, NULL);
        package->file = stored->path;
    }
}

void em_part_point(em_part_t *part, const em_store_t *store, const char *id,
                   apr_pool_t *p)
{
    const char *dir = apr_pstrcat(p, store->outside, "/journal/", id,
                                  "/packages/", NULL);
    int n = 0;

    point(part->step->packages->install, part, &n, dir, p);
    point(part->step->packages->remove, part, &n, dir, p);
}

const char *em_part_read(em_part_t *part, int fd, apr_pool_t *p)
{
    for (int i = 0; i < part->kept->nelts; i++) {
        em_kept_t *kept = APR_ARRAY_IDX(part->kept, i, em_kept_t *);
        em_image_t *image = &kept->move.before, copy;
        const char *name = apr_psprintf(p, "kept/%d", i);
        char sum[EM_SHA1_HEX];

        if (!kept->config || image->node.kind != EM_NODE_FILE) {
            continue;
        }
        if (em_image_read(&copy, fd, name, p) != APR_SUCCESS
            || copy.node.kind != EM_NODE_FILE
            || copy.node.len != image->node.len) {
            return apr_psprintf(p, "%s is not what it was", name);
        }
        em_sha1(sum, copy.node.data, copy.node.len);
        if (strcmp(sum, kept->move.before_sha1) != 0) {
            return apr_psprintf(p, "%s is not what it was", name);
        }
        image->node.data = copy.node.data;
    }
    return NULL;
}

const char *em_part_damage(const em_part_t *part)
{
    apr_pool_t *p = part->stored->pool;

    for (int i = 0; i < part->stored->nelts; i++) {
        const em_stored_t *stored = APR_ARRAY_IDX(part->stored, i,
                                                  em_stored_t *);
        const char *sum;
        apr_off_t size;

        if (em_sha1_file(&sum, &size, stored->path, p) != APR_SUCCESS
            || size != stored->size || strcmp(sum, stored->sha1) != 0) {
            return stored->name;
        }
    }
    return NULL;
}

/* ---- room ---- */

static int open_packages(const em_store_t *store, const char *id,
                         apr_pool_t *p)
{
    return store->dir < 0 ? -1
           : openat(store->dir,
                    apr_pstrcat(p, "journal/", id, "/packages", NULL),
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

apr_off_t em_part_size(const em_store_t *store, const char *id,
                       apr_pool_t *p)
{
    int dir = open_packages(store, id, p);
    apr_array_header_t *names;
    apr_off_t size = 0;

    if (dir < 0) {
        return 0;
    }
    if (em_dir_list(&names, dir, p) == APR_SUCCESS) {
        for (int i = 0; i < names->nelts; i++) {
            struct stat st;

            if (fstatat(dir, APR_ARRAY_IDX(names, i, const char *), &st,
                        AT_SYMLINK_NOFOLLOW) == 0) {
                size += st.st_size;
            }
        }
    }
    close(dir);
    return size;
}

static void drop(const em_store_t *store, const char *id, apr_pool_t *p)
{
    int dir = open_packages(store, id, p);
    apr_array_header_t *names;

    if (dir < 0) {
        return;
    }
    if (em_dir_list(&names, dir, p) == APR_SUCCESS) {
        for (int i = 0; i < names->nelts; i++) {
            (void)em_file_remove(dir, APR_ARRAY_IDX(names, i, const char *));
        }
    }
    close(dir);
    (void)unlinkat(store->dir, apr_pstrcat(p, "journal/", id, "/packages",
                                            NULL), AT_REMOVEDIR);
}

static int newest_first(const void *a, const void *b)
{
    return -strcmp(*(const char *const *)a, *(const char *const *)b);
}

void em_part_prune(const em_store_t *store, const char *id, apr_pool_t *p)
{
    apr_array_header_t *ids;
    int kept = 0;

    if (id) {
        drop(store, id, p);
        return;
    }
    if (em_journal_ids(&ids, store, em_result_make(p), p) != APR_SUCCESS) {
        return;
    }
    qsort(ids->elts, (size_t)ids->nelts, sizeof(const char *), newest_first);
    for (int i = 0; i < ids->nelts; i++) {
        const char *one = APR_ARRAY_IDX(ids, i, const char *);
        em_txn_state_t state;
        apr_time_t when;

        if (em_part_size(store, one, p) == 0
            || em_journal_state(&state, &when, store, one,
                                em_result_make(p), p) != APR_SUCCESS) {
            continue;
        }
        if (state == EM_TXN_UNDONE
            || (state == EM_TXN_COMMITTED && ++kept > KEEP_JOURNALS)) {
            drop(store, one, p);
        }
    }
}
