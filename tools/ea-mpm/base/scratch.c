#include "base/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#define PREFIX "ea-mpm-scratch-"
#define DEPTH 8                 /* package managers make directories in it */
#define TRIES 10                /* a sweep may be faster with the lock */

typedef struct scratch_t {
    const char *dir;
    int fd;                     /* open and locked */
} scratch_t;

static void empty_and_remove(int fd, int parent, const char *name, int depth);

/* NAME in PARENT may be anything; a link is removed, not followed. */
static void remove_entry(int parent, const char *name, int depth)
{
    int fd;

    if (unlinkat(parent, name, 0) == 0 || depth == 0) {
        return;
    }
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW
                                  | O_CLOEXEC);
    if (fd >= 0) {
        empty_and_remove(fd, parent, name, depth - 1);
        close(fd);
    }
}

/* Remove what is in the directory FD, and NAME in PARENT, which it is. */
static void empty_and_remove(int fd, int parent, const char *name, int depth)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again >= 0 ? fdopendir(again) : NULL;
    struct dirent *e;

    while (d && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            remove_entry(fd, e->d_name, depth);
        }
    }
    if (d) {
        closedir(d);
    }
    else if (again >= 0) {
        close(again);
    }
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

static apr_status_t give_up(void *data)
{
    scratch_t *scratch = data;

    empty_and_remove(scratch->fd, AT_FDCWD, scratch->dir, DEPTH);
    close(scratch->fd);
    return APR_SUCCESS;
}

/* Is the locked directory FD the one at PATH still? */
static int is_there(int fd, const char *path)
{
    struct stat ours, now;

    return fstat(fd, &ours) == 0 && lstat(path, &now) == 0
           && ours.st_ino == now.st_ino && ours.st_dev == now.st_dev;
}

/* Make one and lock it; APR_EAGAIN where a sweep took it before that. */
static apr_status_t make_one(scratch_t *scratch, const char *temp,
                             apr_pool_t *p)
{
    char *dir = apr_pstrcat(p, temp, "/" PREFIX "XXXXXX", NULL);

    if (!mkdtemp(dir)) {
        return APR_FROM_OS_ERROR(errno);
    }
    scratch->dir = dir;
    scratch->fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (scratch->fd < 0) {
        apr_status_t rv = errno == ENOENT ? APR_EAGAIN
                                          : APR_FROM_OS_ERROR(errno);

        (void)rmdir(dir);
        return rv;
    }
    if (flock(scratch->fd, LOCK_EX) == 0 && is_there(scratch->fd, dir)) {
        return APR_SUCCESS;
    }
    close(scratch->fd);
    return APR_EAGAIN;
}

apr_status_t em_scratch_make(const char **pdir, apr_pool_t *p)
{
    scratch_t *scratch = apr_pcalloc(p, sizeof(*scratch));
    apr_status_t rv = APR_EAGAIN;
    const char *temp = "/tmp";

    (void)apr_temp_dir_get(&temp, p);
    em_scratch_sweep(p);
    for (int i = 0; rv == APR_EAGAIN && i < TRIES; i++) {
        rv = make_one(scratch, temp, p);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(p, scratch, give_up, apr_pool_cleanup_null);
        *pdir = scratch->dir;
    }
    return rv;
}

/* ---- what dead owners left ---- */

/* One of another user, or whose owner lives, stays. */
static void sweep_one(int parent, const char *name)
{
    int fd = openat(parent, name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0) {
        return;
    }
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid()
        && (st.st_mode & 077) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        empty_and_remove(fd, parent, name, DEPTH);
    }
    close(fd);
}

static void sweep_in(const char *temp)
{
    DIR *d = opendir(temp);
    struct dirent *e;

    while (d && (e = readdir(d)) != NULL) {
        if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) == 0) {
            sweep_one(dirfd(d), e->d_name);
        }
    }
    if (d) {
        closedir(d);
    }
}

void em_scratch_sweep(apr_pool_t *p)
{
    const char *temp = "/tmp";

    (void)apr_temp_dir_get(&temp, p);
    sweep_in(temp);
    sweep_in("/tmp");
    sweep_in("/var/tmp");
}
