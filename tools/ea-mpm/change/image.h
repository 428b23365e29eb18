#ifndef EM_IMAGE_H
#define EM_IMAGE_H

/* An image: what stands at a name in full, so that it can be brought back as
 * it was: bytes or link target, mode, owner, modification time, and the
 * extended attributes (SELinux label, POSIX ACL, user attributes). */

#include <apr_tables.h>
#include "base/node.h"
#include "base/result.h"

#define EM_IMAGE_MAX (64 * 1024 * 1024)     /* of a file's bytes */
#define EM_NO_ID ((uid_t)-1)                /* leave the owner as created */
#define EM_SHA1_HEX 41                      /* 40 digits and NUL */

typedef struct em_xattr_t {
    const char *name;
    const char *value;
    apr_size_t len;
} em_xattr_t;

typedef struct em_image_t {
    em_node_t node;
    int has_mtime;
    apr_int64_t mtime;                  /* nanoseconds since 1970 */
    apr_array_header_t *xattrs;         /* em_xattr_t, of a file */
} em_image_t;

/* What stands at NAME in the directory FD; links are not followed. A
 * directory or a special file has kind EM_NODE_OTHER. */
apr_status_t em_image_read(em_image_t *pimage, int fd, const char *name,
                           apr_pool_t *p);
/* Create NAME, which must not exist, as IMAGE says, synced. An absent image
 * creates nothing. Removes what it made when it fails. */
apr_status_t em_image_write(int fd, const char *name,
                            const em_image_t *image, apr_pool_t *p);
/* Same node and same mode and owner: untouched since. */
int em_image_same(const em_image_t *a, const em_image_t *b);
/* Write LEN bytes of DATA to a new file NAME with MODE, synced. */
apr_status_t em_file_write(int fd, const char *name, const char *data,
                           apr_size_t len, mode_t mode);
/* Give the directory TO the mode, owner and attributes of FROM. */
apr_status_t em_meta_copy(int to, int from, apr_pool_t *p);
/* Unlink NAME; that it is not there is fine. */
apr_status_t em_file_remove(int fd, const char *name);
/* Digest of bytes as hex, to tell a damaged journal. */
void em_sha1(char hex[EM_SHA1_HEX], const char *data, apr_size_t len);
/* The same of a whole file of any size, outside path, and its length. */
apr_status_t em_sha1_file(const char **phex, apr_off_t *psize,
                          const char *path, apr_pool_t *p);

#endif /* EM_IMAGE_H */
