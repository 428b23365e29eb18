#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "rehearse/tree.h"

/* Larger files are left out: logs and archives, nothing a start reads. */
#define FILE_MAX (8 * 1024 * 1024)
#define DEPTH_MAX 32

typedef struct copy_t {
    em_tree_error_t *error;
    apr_off_t *pleft;           /* bytes that may still be copied */
    apr_pool_t *pool;
} copy_t;

static int failed(copy_t *copy, const char *path)
{
    copy->error->step = EM_NS_SUBMOUNT;
    copy->error->error = errno;
    copy->error->path = apr_pstrdup(copy->pool, path);
    return 0;
}

static int copy_bytes(int in, int out)
{
    char buffer[65536];
    ssize_t n, m;

    while ((n = read(in, buffer, sizeof(buffer))) > 0) {
        for (ssize_t done = 0; done < n; done += m) {
            m = write(out, buffer + done, (size_t)(n - done));
            if (m < 0) {
                return 0;
            }
        }
    }
    return n == 0;
}

static int copy_file(copy_t *copy, int from, int to, const char *name,
                     const struct stat *st)
{
    int in, out, ok;

    if (st->st_size > FILE_MAX || st->st_size > *copy->pleft) {
        return 1;
    }
    *copy->pleft -= st->st_size;
    in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME);
    out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ok = in >= 0 && out >= 0 && copy_bytes(in, out)
         && fchown(out, st->st_uid, st->st_gid) == 0
         && fchmod(out, st->st_mode & 07777) == 0;
    if (!ok) {
        (void)failed(copy, name);
    }
    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        close(out);
    }
    return ok;
}

static int copy_link(copy_t *copy, int from, int to, const char *name)
{
    char target[4096];
    ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

    if (n < 0) {
        return failed(copy, name);
    }
    target[n] = '\0';
    return symlinkat(target, to, name) == 0 ? 1 : failed(copy, name);
}

/* FROM and TO are directories; both are closed. Sockets, pipes and devices
 * are left out. */
static int copy_dir(copy_t *copy, int from, int to, int depth)
{
    DIR *dir = from >= 0 && to >= 0 ? fdopendir(from) : NULL;
    struct dirent *entry;
    struct stat st;
    int ok = dir != NULL;

    while (ok && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0
            || fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (S_ISREG(st.st_mode)) {
            ok = copy_file(copy, from, to, name, &st);
        }
        else if (S_ISLNK(st.st_mode)) {
            ok = copy_link(copy, from, to, name);
        }
        else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            ok = mkdirat(to, name, 0700) == 0
                 && copy_dir(copy, openat(from, name, O_RDONLY | O_DIRECTORY
                                          | O_CLOEXEC | O_NOATIME),
                             openat(to, name, O_RDONLY | O_DIRECTORY
                                    | O_CLOEXEC), depth + 1);
        }
    }
    if (ok && fstat(from, &st) == 0) {
        ok = fchown(to, st.st_uid, st.st_gid) == 0
             && fchmod(to, st.st_mode & 07777) == 0;
    }
    if (dir) {
        closedir(dir);
    }
    else if (from >= 0) {
        close(from);
    }
    if (to >= 0) {
        close(to);
    }
    return ok;
}

int em_tree_copy(em_tree_error_t *error, const char *from, const char *to,
                 apr_off_t *pleft, apr_pool_t *p)
{
    copy_t copy = {error, pleft, p};
    int in = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC), out;

    if (in < 0) {
        return failed(&copy, from);
    }
    if (mount("ea-mpm", to, "tmpfs", 0, "mode=700,size=25%") != 0) {
        (void)failed(&copy, to);
        close(in);
        return 0;
    }
    out = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return copy_dir(&copy, in, out, 0) ? 1 : failed(&copy, to);
}
