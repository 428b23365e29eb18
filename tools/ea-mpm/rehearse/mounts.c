#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "rehearse/tree.h"

/* Kernel interfaces: not data, or made anew inside. */
static const char *const kernel_types[] = {
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs",
    "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl", "hugetlbfs",
    "mqueue", "nfsd", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs",
    "selinuxfs", "sysfs", "tracefs"
};
/* May hang, or be slow: only where something needed lies on them. */
static const char *const remote_types[] = {
    "9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "nfs", "nfs4",
    "smb3", "smbfs"
};
/* Made anew inside, whatever lies there. */
static const char *const own_paths[] = {"/dev", "/proc", "/sys"};
/* What lies below is somebody else's. */
static const char *const foreign_paths[] = {
    "/snap", "/run/containerd", "/run/docker",
    "/run/credentials", "/run/netns", "/run/snapd", "/run/user",
    "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker",
    "/var/lib/kubelet", "/var/lib/lxc", "/var/lib/lxcfs", "/var/lib/lxd",
    "/var/lib/machines", "/var/lib/snapd"
};

/* Undo \040 and the like, in place. */
static void unescape(char *s)
{
    char *to = s;

    while (*s) {
        if (s[0] == '\\' && apr_isdigit(s[1]) && apr_isdigit(s[2])
            && apr_isdigit(s[3])) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8
                           + (s[3] - '0'));
            s += 4;
        }
        else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": fields
 * five and six, and after the lone hyphen the type. NULL: not such a line. */
static em_mount_t *parse_line(char *line, apr_pool_t *p)
{
    em_mount_t *mount = apr_pcalloc(p, sizeof(*mount));
    char *state, *word = apr_strtok(line, " ", &state);

    for (int i = 0; word && i < 6; i++) {
        if (i == 4) {
            unescape(word);
            mount->path = word;
        }
        else if (i == 5) {
            mount->options = word;
        }
        word = apr_strtok(NULL, " ", &state);
    }
    while (word && strcmp(word, "-") != 0) {
        word = apr_strtok(NULL, " ", &state);
    }
    mount->type = word ? apr_strtok(NULL, " ", &state) : NULL;
    mount->fd = -1;
    return mount->type && mount->path && *mount->path == '/' ? mount : NULL;
}

static int by_length(const void *a, const void *b)
{
    const em_mount_t *const *one = a, *const *other = b;
    size_t m = strlen((*one)->path), n = strlen((*other)->path);

    return m < n ? -1 : m > n;
}

apr_array_header_t *em_mounts_parse(const char *text, apr_pool_t *p)
{
    apr_array_header_t *mounts = apr_array_make(p, 64, sizeof(em_mount_t *));
    apr_hash_t *seen = apr_hash_make(p);
    char *state, *line = apr_strtok(apr_pstrdup(p, text), "\n", &state);

    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        em_mount_t *mount = parse_line(apr_pstrdup(p, line), p);
        em_mount_t *before = mount ? apr_hash_get(seen, mount->path,
                                                  APR_HASH_KEY_STRING)
                                   : NULL;

        if (before) {
            *before = *mount;
        }
        else if (mount) {
            apr_hash_set(seen, mount->path, APR_HASH_KEY_STRING, mount);
            APR_ARRAY_PUSH(mounts, em_mount_t *) = mount;
        }
    }
    qsort(mounts->elts, (size_t)mounts->nelts, sizeof(em_mount_t *),
          by_length);
    return mounts;
}

static int is_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static int is_needed(const char *path, const apr_array_header_t *needed)
{
    for (int i = 0; needed && i < needed->nelts; i++) {
        const char *what = APR_ARRAY_IDX(needed, i, const char *);

        if (is_below(what, path) || is_below(path, what)) {
            return 1;
        }
    }
    return 0;
}

static int is_one_of(const char *what, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(what, list[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_below_one(const char *path, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_below(path, list[i])) {
            return 1;
        }
    }
    return 0;
}

#define LENGTH(list) (sizeof(list) / sizeof(*(list)))

int em_mount_wanted(const em_mount_t *mount,
                    const apr_array_header_t *needed)
{
    if (is_one_of(mount->type, kernel_types, LENGTH(kernel_types))
        || is_below_one(mount->path, own_paths, LENGTH(own_paths))) {
        return 0;
    }
    if (is_needed(mount->path, needed)) {
        return 1;
    }
    return strncmp(mount->type, "fuse", 4) != 0
           && !is_one_of(mount->type, remote_types, LENGTH(remote_types))
           && !is_below_one(mount->path, foreign_paths,
                            LENGTH(foreign_paths));
}

/* "Num RefCount Protocol Flags Type St Inode Path": the path is the eighth
 * and may hold blanks; "@..." is an abstract one, which a network namespace
 * hides by itself. */
apr_array_header_t *em_sockets_parse(const char *text, apr_pool_t *p)
{
    apr_array_header_t *paths = apr_array_make(p, 32, sizeof(const char *));
    char *state, *line = apr_strtok(apr_pstrdup(p, text), "\n", &state);

    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        const char *path = strstr(line, " /");

        if (path) {
            APR_ARRAY_PUSH(paths, const char *) = path + 1;
        }
    }
    return paths;
}
