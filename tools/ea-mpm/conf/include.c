#include "conf/walk.h"

#include <errno.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_fnmatch.h>
#include <apr_strings.h>

/* The file at PATH, lexed; from the cache where its bytes are the same. */
static apr_status_t lexed_file(em_lexed_t **plexed, em_walk_t *w,
                               const char *path)
{
    em_conf_cache_t *cache = w->cache;
    em_lexed_t *first, *known;
    const em_node_t *node;
    apr_status_t rv = em_view_read_memo(&node, w->how->view, path,
                                        EM_WALK_FILE_MAX, cache->memo);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    first = apr_hash_get(cache->lexed, path, APR_HASH_KEY_STRING);
    for (known = first; known; known = known->next) {
        if (known->lex->len == node->len
            && (known->lex->src == node->data
                || memcmp(known->lex->src, node->data, node->len) == 0)) {
            *plexed = known;
            return APR_SUCCESS;
        }
    }
    known = apr_pcalloc(cache->pool, sizeof(*known));
    known->lex = em_lex(node->data, node->len, 1, cache->pool);
    known->next = first;
    apr_hash_set(cache->lexed, apr_pstrdup(cache->pool, path),
                 APR_HASH_KEY_STRING, known);
    *plexed = known;
    return APR_SUCCESS;
}

em_conf_file_t *em_walk_file_from(em_walk_t *w, em_lexed_t *known,
                                  const char *path,
                                  const em_conf_file_t *from, int line)
{
    em_conf_file_t *file = known ? known->file : NULL;

    if (file && file->from == from && file->from_line == line) {
        return file;
    }
    file = apr_pcalloc(w->cache->pool, sizeof(*file));
    file->path = apr_pstrdup(w->cache->pool, path);
    file->from = from;
    file->from_line = line;
    if (known) {
        known->file = file;
    }
    return file;
}

typedef struct include_t {
    em_walk_t *w;
    const char *name;           /* as written */
    int optional;
    const em_conf_file_t *from;
    int line;
    apr_status_t rv;            /* of the last file: for the main file */
    int levels;                 /* of directories */
} include_t;

static void complain(include_t *inc, const char *problem, int fatal,
                     const char *text)
{
    em_walk_note(inc->w, problem, inc->from ? inc->from->path : inc->name,
                 inc->line, fatal, "%s", text);
}

static void read_directory(include_t *inc, const char *dir);

/* Before 2.4.30 IncludeOptional forgave only a pattern without a match. */
static int may_miss(const include_t *inc)
{
    const int *v = inc->w->how->version;

    return inc->optional
           && (v[0] != 2 || v[1] > 4 || (v[1] == 4 && v[2] >= 30));
}

/* Read one file, or everything in a directory. */
static void read_path(include_t *inc, const char *path)
{
    em_walk_t *w = inc->w;
    em_conf_file_t *file;
    em_lexed_t *known = NULL;
    apr_status_t rv;
    char why[120];

    if (w->stop) {
        return;
    }
    rv = inc->rv = lexed_file(&known, w, path);
    if (rv == APR_FROM_OS_ERROR(EISDIR)) {
        inc->rv = APR_SUCCESS;
        read_directory(inc, path);
        return;
    }
    if (rv != APR_SUCCESS && may_miss(inc) && APR_STATUS_IS_ENOENT(rv)) {
        return;
    }
    file = em_walk_file_from(w, known, path, inc->from, inc->line);
    APR_ARRAY_PUSH(w->conf->files, em_conf_file_t *) = file;
    if (rv != APR_SUCCESS && strcmp(path, "/dev/null") == 0) {
        return;                 /* the one device that httpd accepts */
    }
    if (rv == APR_SUCCESS) {
        if (++w->reads > EM_WALK_FILES) {
            w->stop = 1;
            complain(inc, "too-many-files", 0,
                     "more files are included than ea-mpm reads; "
                     "what follows is not known");
            return;
        }
        em_walk_file(w, known->lex, file);
        return;
    }
    if (rv == APR_FROM_OS_ERROR(EFBIG)) {
        file->error = "larger than 64 MB";
    }
    else if (rv == APR_EGENERAL) {
        file->error = "not a regular file";
    }
    else {
        apr_strerror(rv, why, sizeof(why));
        file->error = apr_pstrdup(w->pool, why);
    }
    complain(inc, APR_STATUS_IS_ENOENT(rv) ? "include-missing"
             : rv == APR_FROM_OS_ERROR(EFBIG) ? "file-too-large"
             : "file-unreadable",
             !APR_STATUS_IS_EACCES(rv) && rv != APR_FROM_OS_ERROR(EFBIG),
             apr_psprintf(w->pool, "%s cannot be read: %s", path,
                          file->error));
}

static const char *full(const char *dir, const char *name, apr_pool_t *p)
{
    return apr_pstrcat(p, dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name,
                       NULL);
}

/* Everything in the directory, dot files and subdirectories too
 * (server/util.c ap_dir_nofnmatch). */
static void read_directory(include_t *inc, const char *dir)
{
    apr_array_header_t *names;
    apr_pool_t *p = inc->w->pool;
    apr_status_t rv = em_view_list(&names, inc->w->how->view, dir, p);

    if (rv != APR_SUCCESS || ++inc->levels > EM_WALK_INCLUDE_DEPTH) {
        complain(inc, "include-missing", !APR_STATUS_IS_EACCES(rv),
                 apr_psprintf(p, "the directory %s cannot be read: %s", dir,
                              rv == APR_SUCCESS ? "nested too deeply"
                              : strerror(rv)));
        return;
    }
    APR_ARRAY_PUSH(inc->w->conf->open_dirs, const char *) = dir;
    for (int i = 0; i < names->nelts; i++) {
        read_path(inc, full(dir, APR_ARRAY_IDX(names, i, const char *), p));
    }
    inc->levels--;
}

/* Only real directories match in the middle of a path: httpd asks for the
 * type without following links. */
static int is_real_dir(include_t *inc, const char *path)
{
    em_node_t *node;

    return em_view_lstat(&node, inc->w->how->view, path, inc->w->pool)
           == APR_SUCCESS && node->kind == EM_NODE_OTHER
           && em_view_is_dir(inc->w->how->view, path, inc->w->pool);
}

/* A name's first dot is matched by a dot only. */
static int matches_dot_files(const char *pattern)
{
    return pattern[pattern[0] == '\\' ? 1 : 0] == '.';
}

/* httpd 2.2 has no IncludeOptional: there a pattern may match nothing. */
static int is_before_2_4(const include_t *inc)
{
    const int *version = inc->w->how->version;

    return version[0] == 2 && version[1] < 4;
}

/* Read what matches REST below DIR (server/util.c ap_dir_fnmatch). */
static void read_matches(include_t *inc, const char *dir, const char *rest)
{
    apr_pool_t *p = inc->w->pool;
    const char *slash = strchr(rest, '/');
    const char *pattern = slash ? apr_pstrmemdup(p, rest,
                                                 (apr_size_t)(slash - rest))
                          : rest;
    apr_array_header_t *names;
    apr_status_t rv;
    int matches = 0;

    if (!apr_fnmatch_test(pattern)) {
        const char *path = full(dir, pattern, p);

        if (slash) {
            read_matches(inc, path, slash + 1);
        }
        else {
            read_path(inc, path);
        }
        return;
    }
    rv = em_view_list(&names, inc->w->how->view, dir, p);
    if (rv != APR_SUCCESS) {
        if (!inc->optional || !APR_STATUS_IS_ENOENT(rv)) {
            complain(inc, "include-missing", !APR_STATUS_IS_EACCES(rv),
                     apr_psprintf(p, "the directory %s cannot be read: %s",
                                  dir, strerror(rv)));
        }
        return;
    }
    if (matches_dot_files(pattern)) {
        APR_ARRAY_PUSH(inc->w->conf->open_dirs, const char *) = dir;
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *), *path;

        if (apr_fnmatch(pattern, name, APR_FNM_PERIOD) != APR_SUCCESS) {
            continue;
        }
        path = full(dir, name, p);
        if (!slash) {
            matches++;
            read_path(inc, path);
        }
        else if (is_real_dir(inc, path)) {
            matches++;
            read_matches(inc, path, slash + 1);
        }
    }
    if (!matches && !inc->optional && !is_before_2_4(inc)) {
        complain(inc, "include-missing", 1,
                 apr_psprintf(p, "nothing matches \"%s\" in %s", pattern,
                              dir));
    }
}

apr_status_t em_walk_include(em_walk_t *w, const char *name, int optional,
                             const em_conf_file_t *from, int line)
{
    include_t inc = { w, name, optional, from, line, APR_SUCCESS, 0 };
    char *path;

    if (w->depth > EM_WALK_INCLUDE_DEPTH) {    /* the main file is one */
        w->stop = 1;
        complain(&inc, "include-recursion", 1,
                 "files include each other without end");
        return APR_EGENERAL;
    }
    if (apr_filepath_merge(&path, w->server_root, name, 0, w->pool)
        != APR_SUCCESS || *path != '/') {
        complain(&inc, "include-missing", 1,
                 apr_psprintf(w->pool, "\"%s\" is not a path", name));
        return APR_EBADPATH;
    }
    w->depth++;
    if (apr_fnmatch_test(path)) {
        read_matches(&inc, "/", path + 1);
    }
    else {
        read_path(&inc, path);
    }
    w->depth--;
    return inc.rv;
}
