#include "change/part.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "change/dir.h"

/* Every path of a package transaction as it was before. The package manager
 * has done its part; what it treats in its own way is brought back here:
 * edited configuration files, what it put beside them, and what a killed one
 * left lying. */

static int same_sum(const em_image_t *image, const char *sha1)
{
    char sum[EM_SHA1_HEX];

    if (!sha1 || image->node.kind != EM_NODE_FILE) {
        return 0;
    }
    em_sha1(sum, image->node.data, image->node.len);
    return strcmp(sum, sha1) == 0;
}

int em_kept_is_scripts(const em_kept_t *kept, const em_image_t *now)
{
    em_node_kind_t before = kept->move.before.node.kind;

    return !kept->expected && now->node.kind == EM_NODE_LINK
           && (before == EM_NODE_LINK || before == EM_NODE_ABSENT);
}

int em_kept_is_back(const em_kept_t *kept, const em_image_t *now)
{
    const em_image_t *before = &kept->move.before;

    if (before->node.kind == EM_NODE_FILE && !kept->config) {
        return same_sum(now, kept->move.before_sha1);
    }
    return em_image_same(now, before)
           && (before->node.kind != EM_NODE_FILE
               || now->mtime == before->mtime);
}

int em_kept_knows(const em_part_t *part, const em_image_t *now)
{
    if (now->node.kind != EM_NODE_FILE) {
        return now->node.kind != EM_NODE_OTHER;
    }
    for (int i = 0; i < part->kept->nelts; i++) {
        const em_kept_t *kept = APR_ARRAY_IDX(part->kept, i, em_kept_t *);

        if (same_sum(now, kept->move.before_sha1)
            || (kept->expected && same_sum(now, kept->move.after_sha1))) {
            return 1;
        }
    }
    return 0;
}

/* Somebody's bytes: put them into the journal before they go. */
static apr_status_t save_found(const em_txn_t *txn, const em_kept_t *kept,
                               const em_image_t *now, em_log_t *log)
{
    const char *dir = apr_pstrcat(txn->pool, txn->store->path, "/journal/",
                                  txn->intent->info.id, "/found", NULL);
    const char *name = apr_psprintf(txn->pool, "%d-%s",
                                    kept->move.n - EM_KEPT_FIRST,
                                    strrchr(kept->move.step->path, '/') + 1);
    apr_status_t rv = em_dir_make(txn->store->root, dir, 0700, txn->pool);
    int fd = -1;

    if (rv == APR_SUCCESS) {
        rv = em_dir_open(&fd, txn->store->root, dir);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_file_remove(fd, name);
    if (rv == APR_SUCCESS) {
        rv = em_file_write(fd, name, now->node.data, now->node.len, 0600);
    }
    if (rv == APR_SUCCESS) {
        rv = em_dir_sync(fd);
    }
    close(fd);
    em_log(log, EM_LOG_WARN, "%s was edited since; what was found there is "
           "kept as %s/journal/%s/found/%s", kept->move.step->path,
           txn->store->outside, txn->intent->info.id, name);
    return rv;
}

static apr_status_t make_parents(const em_txn_t *txn, const char *path)
{
    apr_array_header_t *dirs = apr_array_make(txn->pool, 2,
                                              sizeof(const char *));
    apr_status_t rv = em_dir_missing(dirs, txn->store->root, path,
                                     txn->pool);

    for (int i = 0; rv == APR_SUCCESS && i < dirs->nelts; i++) {
        rv = em_dir_make(txn->store->root,
                         APR_ARRAY_IDX(dirs, i, const char *), 0755,
                         txn->pool);
    }
    return rv;
}

static apr_status_t put_back(const em_txn_t *txn, const em_kept_t *kept)
{
    const em_move_t *move = &kept->move;
    const char *id = txn->intent->info.id, *name;
    int root = txn->store->root, fd;
    apr_status_t rv = APR_SUCCESS;

    if (move->before.node.kind != EM_NODE_ABSENT) {
        rv = make_parents(txn, move->step->path);
    }
    if (rv == APR_SUCCESS) {
        rv = em_move_prepare(root, id, move, &move->before, txn->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = em_move_make(root, id, move, &move->before, txn->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = em_dir_parent(&fd, &name, root, move->step->path, txn->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = em_dir_sync(fd);
        close(fd);
    }
    return rv;
}

/* A file of a package that is not as it was: the database says that the
 * packages are, so it is the packages' own. */
static apr_status_t judge_plain(const em_txn_t *txn, const em_kept_t *kept,
                                const em_image_t *now, em_log_t *log,
                                em_result_t *res)
{
    const char *path = kept->move.step->path;
    em_node_kind_t before = kept->move.before.node.kind;

    if (before == EM_NODE_ABSENT && em_kept_knows(txn->intent->packages,
                                                  now)) {
        return put_back(txn, kept);     /* a killed manager left it */
    }
    if (before != EM_NODE_ABSENT && now->node.kind == EM_NODE_ABSENT) {
        return em_result_fail(res, APR_ENOENT, EM_EXIT_ATTENTION,
                              "packages-damaged", "The packages are as they "
                              "were, but %s is missing; install the package "
                              "again that holds it",
                              em_view_outside(txn->view, path, txn->pool));
    }
    em_log(log, EM_LOG_WARN, "%s is not as it was before the change, but as "
           "its package has it", path);
    return APR_SUCCESS;
}

static apr_status_t restore(const em_txn_t *txn, const em_kept_t *kept,
                            em_log_t *log, em_result_t *res)
{
    const em_move_t *move = &kept->move;
    em_image_t now;
    apr_status_t rv = em_move_now(&now, txn->store->root, move, txn->pool);

    if (rv != APR_SUCCESS) {
        return em_change_failed(res, rv, "undo-failed", "look at", txn,
                                move->step->path);
    }
    if (em_kept_is_back(kept, &now)) {
        return APR_SUCCESS;
    }
    if (!kept->config) {
        rv = judge_plain(txn, kept, &now, log, res);
    }
    else {
        rv = now.node.kind == EM_NODE_OTHER ? APR_FROM_OS_ERROR(EISDIR)
                                            : put_back(txn, kept);
        em_log(log, EM_LOG_DEBUG, "%s: as it was", move->step->path);
    }
    return rv == APR_SUCCESS || res->problem
               ? rv : em_change_failed(res, rv, "undo-failed", "restore",
                                       txn, move->step->path);
}

apr_status_t em_kept_save(const em_txn_t *txn, em_log_t *log,
                          em_result_t *res)
{
    const apr_array_header_t *kept = txn->intent->packages->kept;

    for (int i = 0; i < kept->nelts; i++) {
        const em_kept_t *one = APR_ARRAY_IDX(kept, i, em_kept_t *);
        apr_status_t rv;
        em_image_t now;

        if (!one->config) {
            continue;
        }
        rv = em_move_now(&now, txn->store->root, &one->move, txn->pool);
        if (rv == APR_SUCCESS && now.node.kind == EM_NODE_FILE
            && !em_kept_knows(txn->intent->packages, &now)) {
            rv = save_found(txn, one, &now, log);
        }
        if (rv != APR_SUCCESS) {
            return em_change_failed(res, rv, "undo-failed", "keep what is in",
                                    txn, one->move.step->path);
        }
    }
    return APR_SUCCESS;
}

/* "mod_mpm_event.so;6740a1b2": rpm unpacks under such names, and a killed one
 * leaves them. */
static int is_unpacked(const char *name, const char *path)
{
    const char *base = strrchr(path, '/') + 1, *s;
    apr_size_t len = strlen(base);

    if (strncmp(name, base, len) != 0 || name[len] != ';'
        || strlen(name + len + 1) != 8) {
        return 0;
    }
    for (s = name + len + 1; *s; s++) {
        if (!apr_isxdigit(*s)) {
            return 0;
        }
    }
    return 1;
}

/* Remove what rpm unpacked for the kept path. */
static void sweep_unpacked(const em_txn_t *txn, const em_kept_t *kept)
{
    const char *path = kept->move.step->path, *name;
    apr_array_header_t *names;
    int fd;

    if (em_dir_parent(&fd, &name, txn->store->root, path, txn->pool)
        != APR_SUCCESS) {
        return;
    }
    if (em_dir_list(&names, fd, txn->pool) == APR_SUCCESS) {
        for (int i = 0; i < names->nelts; i++) {
            name = APR_ARRAY_IDX(names, i, const char *);
            if (is_unpacked(name, path)) {
                (void)em_file_remove(fd, name);
            }
        }
    }
    close(fd);
}

apr_status_t em_kept_restore(const em_txn_t *txn, em_log_t *log,
                             em_result_t *res)
{
    const apr_array_header_t *kept = txn->intent->packages->kept;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; rv == APR_SUCCESS && i < kept->nelts; i++) {
        const em_kept_t *one = APR_ARRAY_IDX(kept, i, em_kept_t *);

        rv = restore(txn, one, log, res);
        (void)em_move_sweep(txn->store->root, txn->intent->info.id,
                            &one->move, txn->pool);
        if (one->expected) {
            sweep_unpacked(txn, one);
        }
    }
    return rv;
}
