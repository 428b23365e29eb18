#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "rehearse/tree.h"

static const char *const devices[] = {
    "null", "zero", "full", "random", "urandom", "tty"
};
static const char *const links[][2] = {
    {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}
};

static int failed(em_tree_error_t *error, const char *path)
{
    error->step = EM_NS_DEVICES;
    error->error = errno;
    error->path = path;
    return 0;
}

/* A bind mount rather than mknod(): it works on a nodev file system too. */
static int bind_device(em_tree_error_t *error, const char *dev,
                       const char *name, apr_pool_t *p)
{
    const char *from = apr_pstrcat(p, "/dev/", name, NULL);
    const char *to = apr_pstrcat(p, dev, "/", name, NULL);
    int fd;

    if (access(from, F_OK) != 0) {
        return 1;
    }
    fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) {
        return failed(error, to);
    }
    close(fd);
    return mount(from, to, NULL, MS_BIND, NULL) == 0 ? 1
                                                     : failed(error, to);
}

int em_tree_devices(em_tree_error_t *error, const char *root, apr_pool_t *p)
{
    const char *dev = apr_pstrcat(p, root, "/dev", NULL);
    const char *shm = apr_pstrcat(p, dev, "/shm", NULL);

    if (mkdir(dev, 0755) != 0 && errno != EEXIST) {
        return failed(error, dev);
    }
    if (mount("ea-mpm", dev, "tmpfs", MS_NOSUID | MS_NOEXEC,
              "mode=755,size=1m") != 0) {
        return failed(error, dev);
    }
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
        if (!bind_device(error, dev, devices[i], p)) {
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
        if (symlink(links[i][1], apr_pstrcat(p, dev, "/", links[i][0], NULL))
            != 0) {
            return failed(error, links[i][0]);
        }
    }
    /* POSIX shared memory and semaphores are files here. */
    if (mkdir(shm, 01777) != 0 || chmod(shm, 01777) != 0
        || mount("ea-mpm", shm, "tmpfs", MS_NOSUID | MS_NODEV,
                 "mode=1777,size=25%") != 0) {
        return failed(error, shm);
    }
    return 1;
}
