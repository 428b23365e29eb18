#ifndef EM_NODE_H
#define EM_NODE_H

/* What stands at a path: nothing, a file with its bytes, or a symbolic link.
 * Everything that ea-mpm changes in a file tree is a path going from one node
 * to another; that makes a change printable, revertible and comparable. */

#include <apr_pools.h>
#include <sys/types.h>

typedef enum {
    EM_NODE_ABSENT,
    EM_NODE_FILE,
    EM_NODE_LINK,
    EM_NODE_OTHER           /* a directory or special file: never changed */
} em_node_kind_t;

typedef struct em_node_t {
    em_node_kind_t kind;
    const char *data;       /* bytes of a file; target of a link (with NUL) */
    apr_size_t len;         /* of a file's bytes */
    mode_t mode;            /* permission bits of a file */
    uid_t uid;
    gid_t gid;
} em_node_t;

/* Same kind and same bytes (mode and owner do not count). */
int em_node_same(const em_node_t *a, const em_node_t *b);

#endif /* EM_NODE_H */
