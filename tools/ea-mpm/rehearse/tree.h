#ifndef EM_TREE_H
#define EM_TREE_H

/* The file tree inside: every path is where it is outside and can be written,
 * and nothing that is written there is real. Internal to this room. */

#include "rehearse/ns.h"

typedef struct em_tree_error_t {
    em_ns_step_t step;
    int error;                  /* errno */
    const char *path;
} em_tree_error_t;

/* A mount of the world outside. */
typedef struct em_mount_t {
    const char *path, *type, *options;
    int fd;                     /* O_PATH, opened before anything moves */
    int is_dir;
    int readonly;               /* could not be overlaid: bound read-only */
} em_mount_t;

/* Parse /proc/self/mountinfo (em_mount_t *, parents before what lies on
 * them, of several on one path the last). Pure. */
apr_array_header_t *em_mounts_parse(const char *text, apr_pool_t *p);
/* Does a mount belong into the tree? Kernel file systems, other containers'
 * storage and network mounts nobody NEEDED stay outside. Pure. */
int em_mount_wanted(const em_mount_t *mount,
                    const apr_array_header_t *needed);
/* Socket paths of /proc/net/unix. Pure. */
apr_array_header_t *em_sockets_parse(const char *text, apr_pool_t *p);

/* Make the tree and change into it. Called as pid 1 of new mount and PID
 * namespaces. SOCKETS: paths of the UNIX sockets outside. 1 on success. */
int em_tree_enter(em_tree_error_t *error, const em_ns_how_t *how,
                  const apr_array_header_t *sockets, apr_pool_t *p);

/* devices.c: a /dev with the harmless devices only. 1 on success. */
int em_tree_devices(em_tree_error_t *error, const char *root, apr_pool_t *p);
/* copy.c: a writable copy, in memory, of the directory FROM mounted on TO; of
 * at most *PLEFT bytes, which is counted down: what no longer fits is left
 * out. 1 on success. */
int em_tree_copy(em_tree_error_t *error, const char *from, const char *to,
                 apr_off_t *pleft, apr_pool_t *p);

#endif /* EM_TREE_H */
