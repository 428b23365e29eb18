#include "base/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>

#define MAX_LINKS 40            /* as the kernel's own limit */
#define SIZELESS 4096           /* read of a file that says it is empty */

struct em_view_t {
    apr_pool_t *pool;
    const char *root;           /* without trailing slash; "" is "/" */
    const em_view_t *below;     /* NULL for the real tree */
    unsigned long state;        /* another number after every change */
    apr_hash_t *nodes;          /* real path -> em_node_t *, of an overlay */
    apr_hash_t *dirs;           /* real dir -> array of names put there */
    em_view_memo_t *memo;       /* of the real tree, for all overlays of it */
};

static unsigned long next_state(void)
{
    static unsigned long last;

    return ++last;
}

apr_status_t em_view_open(em_view_t **pview, const char *root, apr_pool_t *p)
{
    char *real = realpath(root, NULL);
    em_view_t *view;
    struct stat st;

    if (!real) {
        return APR_FROM_OS_ERROR(errno);
    }
    if (stat(real, &st) != 0 || !S_ISDIR(st.st_mode)) {
        free(real);
        return APR_ENOTDIR;
    }
    view = apr_pcalloc(p, sizeof(*view));
    view->pool = p;
    view->state = next_state();
    view->root = strcmp(real, "/") == 0 ? "" : apr_pstrdup(p, real);
    view->memo = em_view_memo(p);
    free(real);
    *pview = view;
    return APR_SUCCESS;
}

em_view_t *em_view_over(const em_view_t *below, apr_pool_t *p)
{
    em_view_t *view = apr_pcalloc(p, sizeof(*view));

    view->pool = p;
    view->root = below->root;
    view->below = below;
    view->memo = below->memo;
    view->state = next_state();
    view->nodes = apr_hash_make(p);
    view->dirs = apr_hash_make(p);
    return view;
}

const char *em_view_root(const em_view_t *view)
{
    return *view->root ? view->root : "/";
}

const char *em_view_outside(const em_view_t *view, const char *path,
                            apr_pool_t *p)
{
    return *view->root ? apr_pstrcat(p, view->root, path, NULL) : path;
}

/* The node that an overlay has at a real path, topmost first, or NULL. */
static const em_node_t *overlaid(const em_view_t *view, const char *real)
{
    for (; view; view = view->below) {
        const em_node_t *node
            = view->nodes ? apr_hash_get(view->nodes, real,
                                         APR_HASH_KEY_STRING) : NULL;

        if (node) {
            return node;
        }
    }
    return NULL;
}

struct em_view_memo_t {
    apr_pool_t *pool;
    apr_pool_t *scratch;
    apr_hash_t *links;          /* real path -> target, "" = no link */
    apr_hash_t *files;          /* real path -> em_node_t * */
    apr_hash_t *lists;          /* real dir -> array of its names */
    struct {
        unsigned long state;    /* of the view that it was resolved in */
        const char *dir, *real;
        apr_size_t len;         /* of dir */
    } dirs[2];                  /* the last ones; files come by directories */
};

/* Overlays show what would be, of one moment: they remember. The tree itself
 * is asked every time. */
static em_view_memo_t *memo_of(const em_view_t *view)
{
    return view->below ? view->memo : NULL;
}

/* Where the link at real path REAL of the real tree points, or NULL. */
static const char *real_target(const em_view_t *view, const char *real,
                               em_view_memo_t *memo, apr_pool_t *p)
{
    const char *target
        = memo ? apr_hash_get(memo->links, real, APR_HASH_KEY_STRING) : NULL;
    char buf[PATH_MAX];
    ssize_t n;

    if (!target) {
        n = readlink(em_view_outside(view, real, p), buf, sizeof(buf));
        target = apr_pstrmemdup(memo ? memo->pool : p, buf,
                                n > 0 ? (apr_size_t)n : 0);
        if (memo) {
            apr_hash_set(memo->links, apr_pstrdup(memo->pool, real),
                         APR_HASH_KEY_STRING, target);
        }
    }
    return *target ? target : NULL;
}

/* Where the link at real path REAL points, or NULL if it is no link. */
static const char *link_target(const em_view_t *view, const char *real,
                               em_view_memo_t *memo, apr_pool_t *p)
{
    const em_node_t *node = overlaid(view, real);

    if (node) {
        return node->kind == EM_NODE_LINK ? node->data : NULL;
    }
    return real_target(view, real, memo, p);
}

static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash) {
        *slash = '\0';
    }
}

/* Resolve every link of PATH (the last component's only if FOLLOW). A
 * component that is not there stays as it is: the caller's open will tell. */
static apr_status_t resolve_memo(const char **preal, const em_view_t *view,
                                 const char *path, int follow,
                                 em_view_memo_t *memo, apr_pool_t *p)
{
    char *real = apr_pstrdup(p, "");
    const char *rest = path;
    int links = 0;

    if (*path != '/') {
        return APR_EINVAL;
    }
    while (*rest) {
        apr_size_t len;
        const char *name, *target;

        rest += strspn(rest, "/");
        len = strcspn(rest, "/");
        if (len == 0) {
            break;
        }
        name = apr_pstrmemdup(p, rest, len);
        rest += len;
        if (strcmp(name, ".") == 0) {
            continue;
        }
        if (strcmp(name, "..") == 0) {
            cut_last(real);
            continue;
        }
        real = apr_pstrcat(p, real, "/", name, NULL);
        if (!follow && rest[strspn(rest, "/")] == '\0') {
            break;
        }
        target = link_target(view, real, memo, p);
        if (!target) {
            continue;
        }
        if (++links > MAX_LINKS) {
            return APR_FROM_OS_ERROR(ELOOP);
        }
        cut_last(real);
        if (*target == '/') {
            real = apr_pstrdup(p, "");
        }
        rest = apr_pstrcat(p, target, rest, NULL);
    }
    *preal = *real ? real : "/";
    return APR_SUCCESS;
}

static apr_status_t resolve(const char **preal, const em_view_t *view,
                            const char *path, int follow, apr_pool_t *p)
{
    return resolve_memo(preal, view, path, follow, memo_of(view), p);
}

/* Plain tree at "/": the kernel resolves as well as we, and faster. */
static int is_plain(const em_view_t *view)
{
    return !view->below && !*view->root;
}

/* As resolve, for paths that are only asked and never shown: in a plain tree
 * the path itself will do. */
static apr_status_t locate(const char **preal, const em_view_t *view,
                           const char *path, int follow, apr_pool_t *p)
{
    /* A slash at the end would make the kernel follow a last link. */
    if (is_plain(view) && *path == '/' && path[strlen(path) - 1] != '/') {
        *preal = path;
        return APR_SUCCESS;
    }
    return resolve(preal, view, path, follow, p);
}

apr_status_t em_view_real(const char **preal, const em_view_t *view,
                          const char *path, apr_pool_t *p)
{
    return resolve(preal, view, path, 1, p);
}

void em_view_put(em_view_t *view, const char *path, const em_node_t *node)
{
    const char *real, *slash, *dir;
    apr_array_header_t *names;

    if (resolve(&real, view, path, 0, view->pool) != APR_SUCCESS) {
        real = path;
    }
    real = apr_pstrdup(view->pool, real);
    view->state = next_state();
    apr_hash_set(view->nodes, real, APR_HASH_KEY_STRING, node);
    slash = strrchr(real, '/');
    dir = slash == real ? "/" : apr_pstrmemdup(view->pool, real,
                                               (apr_size_t)(slash - real));
    names = apr_hash_get(view->dirs, dir, APR_HASH_KEY_STRING);
    if (!names) {
        names = apr_array_make(view->pool, 4, sizeof(const char *));
        apr_hash_set(view->dirs, dir, APR_HASH_KEY_STRING, names);
    }
    APR_ARRAY_PUSH(names, const char *) = slash + 1;
}

static void take_owner(em_node_t *node, const struct stat *st)
{
    node->mode = st->st_mode & 07777;
    node->uid = st->st_uid;
    node->gid = st->st_gid;
    node->len = (apr_size_t)st->st_size;
}

apr_status_t em_view_lstat(em_node_t **pnode, const em_view_t *view,
                           const char *path, apr_pool_t *p)
{
    em_node_t *node = apr_pcalloc(p, sizeof(*node));
    const em_node_t *put;
    const char *real;
    struct stat st;
    apr_status_t rv = locate(&real, view, path, 0, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    put = overlaid(view, real);
    if (put) {
        *node = *put;
        *pnode = node;
        return APR_SUCCESS;
    }
    if (lstat(em_view_outside(view, real, p), &st) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            return APR_FROM_OS_ERROR(errno);
        }
        node->kind = EM_NODE_ABSENT;
        *pnode = node;
        return APR_SUCCESS;
    }
    take_owner(node, &st);
    if (S_ISLNK(st.st_mode)) {
        node->kind = EM_NODE_LINK;
        node->data = link_target(view, real, memo_of(view), p);
        if (!node->data) {
            return APR_EGENERAL;
        }
        node->len = strlen(node->data);
    }
    else {
        node->kind = S_ISREG(st.st_mode) ? EM_NODE_FILE : EM_NODE_OTHER;
    }
    *pnode = node;
    return APR_SUCCESS;
}

/* Read the rest of FD. A file may grow or shrink while it is read; what was
 * read is what counts. Files of /proc tell no size. */
static apr_status_t slurp(em_node_t *node, int fd, apr_size_t max,
                          apr_pool_t *p)
{
    apr_size_t size = node->len ? node->len : SIZELESS, len = 0;
    char *data;

    size = size < max ? size : max;
    data = apr_palloc(p, size + 1);
    while (len < size) {
        ssize_t n = read(fd, data + len, size - len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return APR_FROM_OS_ERROR(errno);
        }
        if (n == 0) {
            break;
        }
        len += (apr_size_t)n;
    }
    data[len] = '\0';
    node->data = data;
    node->len = len;
    return APR_SUCCESS;
}

static apr_status_t read_real(em_node_t **pnode, const char *outside,
                              apr_size_t max, apr_pool_t *p)
{
    /* O_NONBLOCK: a FIFO must not hang us before fstat tells. */
    int fd = open(outside, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    em_node_t *node;
    apr_status_t rv;
    struct stat st;

    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    node = apr_pcalloc(p, sizeof(*node));
    node->kind = EM_NODE_FILE;
    if (fstat(fd, &st) != 0) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    else if (!S_ISREG(st.st_mode)) {
        rv = S_ISDIR(st.st_mode) ? APR_FROM_OS_ERROR(EISDIR) : APR_EGENERAL;
    }
    else if ((apr_uint64_t)st.st_size > max) {
        rv = APR_FROM_OS_ERROR(EFBIG);
    }
    else {
        take_owner(node, &st);
        rv = slurp(node, fd, max, p);
    }
    close(fd);
    if (rv == APR_SUCCESS) {
        *pnode = node;
    }
    return rv;
}

apr_status_t em_view_read(em_node_t **pnode, const em_view_t *view,
                          const char *path, apr_size_t max, apr_pool_t *p)
{
    const em_node_t *known;
    const char *real;
    apr_status_t rv;

    if (view->below) {
        rv = em_view_read_memo(&known, view, path, max, view->memo);
        if (rv == APR_SUCCESS) {
            *pnode = apr_pmemdup(p, known, sizeof(*known));
        }
        return rv;
    }
    if (is_plain(view)) {
        return read_real(pnode, path, max, p);
    }
    rv = resolve(&real, view, path, 1, p);
    return rv == APR_SUCCESS
               ? read_real(pnode, em_view_outside(view, real, p), max, p)
               : rv;
}

em_view_memo_t *em_view_memo(apr_pool_t *p)
{
    em_view_memo_t *memo = apr_pcalloc(p, sizeof(*memo));

    memo->pool = p;
    apr_pool_create(&memo->scratch, p);
    memo->links = apr_hash_make(p);
    memo->files = apr_hash_make(p);
    memo->lists = apr_hash_make(p);
    return memo;
}

/* As resolve_memo with FOLLOW, quick for a file in the directory of the one
 * before, and for a link that leads to another file like the one before's.
 * SLOT: 0, and 1 for what a link leads to. */
static apr_status_t resolve_file(const char **preal, const em_view_t *view,
                                 const char *path, int slot,
                                 em_view_memo_t *memo)
{
    const char *slash = strrchr(path, '/'), *real, *target;
    apr_pool_t *p = memo->scratch;
    apr_size_t len = slash ? (apr_size_t)(slash - path) : 0;
    apr_status_t rv;

    if (len == 0 || slot > 1 || slash[1] == '.' || slash[1] == '\0') {
        return resolve_memo(preal, view, path, 1, memo, p);
    }
    if (memo->dirs[slot].state != view->state || memo->dirs[slot].len != len
        || memcmp(memo->dirs[slot].dir, path, len) != 0) {
        rv = resolve_memo(&real, view, apr_pstrmemdup(p, path, len), 1, memo,
                          p);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        memo->dirs[slot].state = view->state;
        memo->dirs[slot].dir = apr_pstrmemdup(memo->pool, path, len);
        memo->dirs[slot].len = len;
        memo->dirs[slot].real = apr_pstrdup(memo->pool, real);
    }
    real = memo->dirs[slot].real;
    real = apr_pstrcat(p, real[1] ? real : "", slash, NULL);
    target = link_target(view, real, memo, p);
    if (!target) {
        *preal = real;
        return APR_SUCCESS;
    }
    if (*target != '/') {
        target = apr_pstrcat(p, memo->dirs[slot].real, "/", target, NULL);
    }
    return resolve_file(preal, view, target, slot + 1, memo);
}

apr_status_t em_view_read_memo(const em_node_t **pnode, const em_view_t *view,
                               const char *path, apr_size_t max,
                               em_view_memo_t *memo)
{
    const em_node_t *put, *known;
    em_node_t *node;
    const char *real;
    apr_status_t rv = resolve_file(&real, view, path, 0, memo);

    if (rv != APR_SUCCESS) {
        goto leave;
    }
    put = overlaid(view, real);
    known = put ? put : apr_hash_get(memo->files, real, APR_HASH_KEY_STRING);
    if (put && put->kind != EM_NODE_FILE) {
        rv = put->kind == EM_NODE_ABSENT ? APR_ENOENT : APR_EGENERAL;
    }
    else if (known && known->len > max) {
        rv = APR_FROM_OS_ERROR(EFBIG);
    }
    else if (known) {
        *pnode = known;
    }
    else {
        rv = read_real(&node, em_view_outside(view, real, memo->scratch),
                       max, memo->pool);
        if (rv == APR_SUCCESS) {
            apr_hash_set(memo->files, apr_pstrdup(memo->pool, real),
                         APR_HASH_KEY_STRING, node);
            *pnode = node;
        }
    }

leave:
    apr_pool_clear(memo->scratch);
    return rv;
}

int em_view_is_dir(const em_view_t *view, const char *path, apr_pool_t *p)
{
    const char *real;
    struct stat st;

    return locate(&real, view, path, 1, p) == APR_SUCCESS
           && !overlaid(view, real)
           && stat(em_view_outside(view, real, p), &st) == 0
           && S_ISDIR(st.st_mode);
}

int em_view_exists(const em_view_t *view, const char *path, apr_pool_t *p)
{
    const em_node_t *put;
    const char *real;
    struct stat st;

    if (locate(&real, view, path, 1, p) != APR_SUCCESS) {
        return 0;
    }
    put = overlaid(view, real);
    if (put) {
        return put->kind != EM_NODE_ABSENT;
    }
    return stat(em_view_outside(view, real, p), &st) == 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int has_name(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(names, i, const char *), name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The names that overlays put into the directory, those that are there. */
static void list_overlaid(apr_array_header_t *out, const em_view_t *top,
                          const char *real, apr_pool_t *p)
{
    for (const em_view_t *v = top; v && v->dirs; v = v->below) {
        const apr_array_header_t *names
            = apr_hash_get(v->dirs, real, APR_HASH_KEY_STRING);

        for (int i = 0; names && i < names->nelts; i++) {
            const char *name = APR_ARRAY_IDX(names, i, const char *);
            const em_node_t *node
                = overlaid(top, apr_pstrcat(p, real[1] ? real : "", "/",
                                            name, NULL));

            if (node && node->kind != EM_NODE_ABSENT
                && !has_name(out, name)) {
                APR_ARRAY_PUSH(out, const char *) = name;
            }
        }
    }
}

/* The names in the directory REAL of the real tree, in no order. */
static apr_status_t list_real(apr_array_header_t **pnames,
                              const em_view_t *view, const char *real,
                              em_view_memo_t *memo, apr_pool_t *p)
{
    apr_array_header_t *names
        = memo ? apr_hash_get(memo->lists, real, APR_HASH_KEY_STRING) : NULL;
    struct dirent *entry;
    DIR *dir;

    if (names) {
        *pnames = names;
        return APR_SUCCESS;
    }
    dir = opendir(em_view_outside(view, real, p));
    if (!dir) {
        return APR_FROM_OS_ERROR(errno);
    }
    p = memo ? memo->pool : p;
    names = apr_array_make(p, 32, sizeof(const char *));
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(p, name);
        }
    }
    closedir(dir);
    if (memo) {
        apr_hash_set(memo->lists, apr_pstrdup(p, real), APR_HASH_KEY_STRING,
                     names);
    }
    *pnames = names;
    return APR_SUCCESS;
}

apr_status_t em_view_list(apr_array_header_t **pnames, const em_view_t *view,
                          const char *path, apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 32, sizeof(const char *));
    apr_array_header_t *there = NULL;
    const char *real;
    apr_status_t rv = locate(&real, view, path, 1, p);

    if (rv == APR_SUCCESS) {
        rv = list_real(&there, view, real, memo_of(view), p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = 0; i < there->nelts; i++) {
        const char *name = APR_ARRAY_IDX(there, i, const char *);

        if (view->below
            && overlaid(view, apr_pstrcat(p, real[1] ? real : "", "/", name,
                                          NULL))) {
            continue;           /* the overlay speaks for it below */
        }
        APR_ARRAY_PUSH(names, const char *) = name;
    }
    list_overlaid(names, view, real, p);
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), by_bytes);
    *pnames = names;
    return APR_SUCCESS;
}

/* Expand the pattern REST below DIR, one component a call. */
static void glob_from(apr_array_header_t *out, const em_view_t *view,
                      const char *dir, const char *rest, apr_pool_t *p)
{
    apr_array_header_t *names;
    const char *pattern;
    apr_size_t len;

    rest += strspn(rest, "/");
    len = strcspn(rest, "/");
    pattern = apr_pstrmemdup(p, rest, len);
    rest += len;
    if (!apr_fnmatch_test(pattern)) {
        const char *path = apr_pstrcat(p, dir, "/", pattern, NULL);

        if (rest[strspn(rest, "/")]) {
            glob_from(out, view, path, rest, p);
        }
        else if (em_view_exists(view, path, p)) {
            APR_ARRAY_PUSH(out, const char *) = path;
        }
        return;
    }
    if (em_view_list(&names, view, *dir ? dir : "/", p) != APR_SUCCESS) {
        return;
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        const char *path = apr_pstrcat(p, dir, "/", name, NULL);

        if (apr_fnmatch(pattern, name, APR_FNM_PERIOD) != APR_SUCCESS) {
            continue;
        }
        if (!rest[strspn(rest, "/")]) {
            APR_ARRAY_PUSH(out, const char *) = path;
        }
        else if (em_view_is_dir(view, path, p)) {
            glob_from(out, view, path, rest, p);
        }
    }
}

apr_status_t em_view_glob(apr_array_header_t **ppaths, const em_view_t *view,
                          const char *pattern, apr_pool_t *p)
{
    apr_array_header_t *paths = apr_array_make(p, 16, sizeof(const char *));

    if (*pattern != '/') {
        return APR_EINVAL;
    }
    glob_from(paths, view, "", pattern, p);
    *ppaths = paths;
    return APR_SUCCESS;
}
