#include "change/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "change/dir.h"
#include "change/part.h"
#include "change/profile.h"

#define NEW ".new"
#define MARK "open"

static const char *const state_names[] = {
    "prepared", "applying", "applied", "committed", "undoing", "undone"
};

const char *em_txn_state_name(em_txn_state_t s)
{
    return state_names[s];
}

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR(errno);
}

static apr_status_t write_failed(em_result_t *res, apr_status_t rv,
                                 const em_store_t *store, const char *what)
{
    return em_result_fail(res, rv, EM_EXIT_FAILED, "journal-write-failed",
                          "cannot write %s in %s: ", what, store->outside);
}

apr_status_t em_journal_corrupt(em_result_t *res, const em_store_t *store,
                                const char *id, const char *why)
{
    em_result_hint(res, "mv %s/journal/%s %s/%s.damaged", store->outside, id,
                   store->outside, id);
    return em_result_fail(res, APR_EGENERAL, EM_EXIT_ATTENTION,
                          "journal-corrupt",
                          "the journal %s/journal/%s is damaged: %s. Nothing "
                          "was changed. What its files were before the "
                          "switch is in its before/ directory, numbered as "
                          "the steps of intent.json; bring the "
                          "configuration in order by hand, then set the "
                          "journal aside", store->outside, id, why);
}

/* ---- directories ---- */

/* journal/NAME, or journal/ itself if NAME is NULL. */
static apr_status_t open_sub(int *pfd, const em_store_t *store,
                             const char *name, apr_pool_t *p)
{
    const char *path = name ? apr_pstrcat(p, "journal/", name, NULL)
                            : "journal";
    int fd = openat(store->dir, path,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0) {
        return last_error();
    }
    *pfd = fd;
    return APR_SUCCESS;
}

static apr_status_t make_at(int fd, const char *name)
{
    return mkdirat(fd, name, 0700) == 0 || errno == EEXIST ? APR_SUCCESS
                                                           : last_error();
}

int em_journal_exists(const em_store_t *store, const char *id)
{
    struct stat st;
    char path[128];

    if (store->dir < 0 || !em_id_is_plain(id)) {
        return 0;
    }
    apr_snprintf(path, sizeof(path), "journal/%s", id);
    return fstatat(store->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

apr_status_t em_journal_ids(apr_array_header_t **pids,
                            const em_store_t *store, em_result_t *res,
                            apr_pool_t *p)
{
    apr_array_header_t *ids = apr_array_make(p, 16, sizeof(const char *));
    apr_array_header_t *names;
    apr_status_t rv;
    int fd = -1;

    *pids = ids;
    if (store->dir < 0) {
        return APR_SUCCESS;
    }
    rv = open_sub(&fd, store, NULL, p);
    if (APR_STATUS_IS_ENOENT(rv)) {
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) {
        rv = em_dir_list(&names, fd, p);
        close(fd);
    }
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "journal-read-failed",
                              "cannot read %s/journal: ", store->outside);
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (em_id_is_plain(name)) {
            APR_ARRAY_PUSH(ids, const char *) = name;
        }
    }
    return APR_SUCCESS;
}

/* ---- the mark of an open journal ---- */

/* What boot scripts test before they call us: a link that is there from
 * before the journal is real until it is closed. It may outlive a journal
 * when the power fails; it never comes later than one. */
static apr_status_t mark(const em_store_t *store, const char *id,
                         apr_pool_t *p)
{
    apr_status_t rv = em_file_remove(store->dir, MARK);

    if (rv == APR_SUCCESS
        && symlinkat(apr_pstrcat(p, "journal/", id, NULL), store->dir, MARK)
           != 0) {
        rv = last_error();
    }
    return rv == APR_SUCCESS ? em_dir_sync(store->dir) : rv;
}

void em_journal_unmark(const em_store_t *store)
{
    if (store->dir >= 0) {
        (void)em_file_remove(store->dir, MARK);
    }
}

/* ---- state ---- */

static int state_from(em_txn_state_t *pstate, const char *text)
{
    for (int s = EM_TXN_PREPARED; s <= EM_TXN_UNDONE; s++) {
        apr_size_t len = strlen(state_names[s]);

        if (strncmp(text, state_names[s], len) == 0
            && strcmp(text + len, "\n") == 0) {
            *pstate = (em_txn_state_t)s;
            return 1;
        }
    }
    return 0;
}

apr_status_t em_journal_state(em_txn_state_t *pstate, apr_time_t *pwhen,
                              const em_store_t *store, const char *id,
                              em_result_t *res, apr_pool_t *p)
{
    em_image_t image;
    apr_status_t rv;
    int fd = -1;

    rv = open_sub(&fd, store, id, p);
    if (rv == APR_SUCCESS) {
        rv = em_image_read(&image, fd, "state", p);
        close(fd);
    }
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "journal-read-failed",
                              "cannot read %s/journal/%s/state: ",
                              store->outside, id);
    }
    if (image.node.kind != EM_NODE_FILE
        || !state_from(pstate, image.node.data)) {
        return em_journal_corrupt(res, store, id,
                                  "its file 'state' names no state");
    }
    *pwhen = image.mtime / 1000;
    return APR_SUCCESS;
}

static const char *state_file(em_txn_state_t state, apr_pool_t *p)
{
    return state == EM_TXN_PREPARED
               ? "state" : apr_pstrcat(p, "state.", state_names[state],
                                       NULL);
}

static apr_status_t write_state(int fd, em_txn_state_t state, apr_pool_t *p)
{
    const char *text = apr_pstrcat(p, state_names[state], "\n", NULL);

    return em_file_write(fd, state_file(state, p), text, strlen(text), 0600);
}

/* The old state or the new one, whatever happens. */
static apr_status_t reach(int fd, em_txn_state_t state, apr_pool_t *p)
{
    const char *next = state_file(state, p);
    apr_status_t rv = APR_SUCCESS;

    if (utimensat(fd, next, NULL, AT_SYMLINK_NOFOLLOW) != 0) {
        /* Reached before, by a run that was killed later. */
        rv = errno == ENOENT ? write_state(fd, state, p) : last_error();
    }
    if (rv == APR_SUCCESS && renameat(fd, next, fd, "state") != 0) {
        rv = last_error();
    }
    return rv == APR_SUCCESS ? em_dir_sync(fd) : rv;
}

apr_status_t em_journal_set_state(const em_store_t *store, const char *id,
                                  em_txn_state_t state, em_result_t *res,
                                  apr_pool_t *p)
{
    apr_status_t rv;
    int fd = -1;

    rv = open_sub(&fd, store, id, p);
    if (rv == APR_SUCCESS) {
        rv = reach(fd, state, p);
        close(fd);
    }
    if (rv == APR_SUCCESS
        && (state == EM_TXN_COMMITTED || state == EM_TXN_UNDONE)) {
        em_journal_unmark(store);
    }
    return rv == APR_SUCCESS
               ? rv
               : write_failed(res, rv, store,
                              apr_pstrcat(p, "the state of journal ", id,
                                          NULL));
}

/* ---- writing ---- */

/* Remove what a killed run left of a journal that never became real. */
static apr_status_t clear(int dir, const char *name, int depth,
                          apr_pool_t *p)
{
    apr_array_header_t *names;
    int fd = openat(dir, name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    apr_status_t rv;

    if (fd < 0) {
        if (errno == ENOTDIR || errno == ELOOP) {
            return em_file_remove(dir, name);
        }
        return errno == ENOENT ? APR_SUCCESS : last_error();
    }
    rv = em_dir_list(&names, fd, p);
    for (int i = 0; rv == APR_SUCCESS && i < names->nelts; i++) {
        const char *inner = APR_ARRAY_IDX(names, i, const char *);

        rv = depth > 0 ? clear(fd, inner, depth - 1, p)
                       : em_file_remove(fd, inner);
    }
    close(fd);
    if (rv == APR_SUCCESS && unlinkat(dir, name, AT_REMOVEDIR) != 0) {
        rv = last_error();
    }
    return rv;
}

/* The bytes of all files, before or after, into a directory of that name. */
static apr_status_t write_images(int fd, const em_intent_t *intent,
                                 int after)
{
    const char *name = after ? "after" : "before";
    apr_status_t rv = make_at(fd, name);
    int dir = rv == APR_SUCCESS
                  ? openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (dir < 0) {
        return rv != APR_SUCCESS ? rv : last_error();
    }
    for (int i = 0; rv == APR_SUCCESS && i < intent->moves->nelts; i++) {
        const em_move_t *move = APR_ARRAY_IDX(intent->moves, i, em_move_t *);
        const em_node_t *node = after ? &move->after.node
                                      : &move->before.node;
        char number[16];

        if (node->kind == EM_NODE_FILE) {
            apr_snprintf(number, sizeof(number), "%d", move->n);
            rv = em_file_write(dir, number, node->data, node->len, 0600);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = em_dir_sync(dir);
    }
    close(dir);
    return rv;
}

static apr_status_t write_into(int fd, const em_intent_t *intent,
                               apr_pool_t *p)
{
    const char *text = em_intent_text(intent, p);
    char sum[EM_SHA1_HEX];
    apr_status_t rv = write_images(fd, intent, 0);

    em_sha1(sum, text, strlen(text));
    if (rv == APR_SUCCESS) {
        rv = write_images(fd, intent, 1);
    }
    if (rv == APR_SUCCESS && intent->packages) {
        rv = em_part_write(fd, intent->packages, p);
    }
    if (rv == APR_SUCCESS) {
        rv = em_file_write(fd, "intent.json", text, strlen(text), 0600);
    }
    if (rv == APR_SUCCESS) {
        rv = em_file_write(fd, "sum", sum, strlen(sum), 0600);
    }
    for (int s = EM_TXN_PREPARED; rv == APR_SUCCESS && s <= EM_TXN_UNDONE;
         s++) {
        rv = write_state(fd, (em_txn_state_t)s, p);
    }
    return rv == APR_SUCCESS ? em_dir_sync(fd) : rv;
}

static apr_status_t write_new(int journal, const em_intent_t *intent,
                              apr_pool_t *p)
{
    apr_status_t rv = clear(journal, NEW, 1, p);
    int fd;

    if (rv == APR_SUCCESS) {
        rv = make_at(journal, NEW);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    fd = openat(journal, NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return last_error();
    }
    rv = write_into(fd, intent, p);
    close(fd);
    if (rv == APR_SUCCESS
        && renameat(journal, NEW, journal, intent->info.id) != 0) {
        rv = last_error();
    }
    if (rv != APR_SUCCESS) {
        (void)clear(journal, NEW, 1, p);
        return rv;
    }
    rv = em_dir_sync(journal);
    if (rv != APR_SUCCESS) {
        /* It may or may not be on the disk: it must not be found later, and
         * never half removed. */
        (void)renameat(journal, intent->info.id, journal, NEW);
        (void)clear(journal, NEW, 1, p);
    }
    return rv;
}

apr_status_t em_journal_write(const em_store_t *store,
                              const em_intent_t *intent, em_result_t *res,
                              apr_pool_t *p)
{
    apr_status_t rv = make_at(store->dir, "journal");
    int fd = -1;

    if (rv == APR_SUCCESS) {
        rv = mark(store, intent->info.id, p);
    }
    if (rv == APR_SUCCESS) {
        rv = open_sub(&fd, store, NULL, p);
    }
    if (rv == APR_SUCCESS) {
        rv = write_new(fd, intent, p);
        close(fd);
    }
    if (rv != APR_SUCCESS) {
        em_journal_unmark(store);
    }
    return rv == APR_SUCCESS ? rv
                             : write_failed(res, rv, store, "a journal");
}

/* ---- reading ---- */

/* Lend IMAGE the bytes of the file beside the intent, if it is a file. */
static int take_bytes(em_image_t *image, const char *sha1, int fd,
                      const char *name, apr_pool_t *p)
{
    char sum[EM_SHA1_HEX];
    em_image_t copy;

    if (image->node.kind != EM_NODE_FILE) {
        return 1;
    }
    if (em_image_read(&copy, fd, name, p) != APR_SUCCESS
        || copy.node.kind != EM_NODE_FILE
        || copy.node.len != image->node.len) {
        return 0;
    }
    em_sha1(sum, copy.node.data, copy.node.len);
    image->node.data = copy.node.data;
    return strcmp(sum, sha1) == 0;
}

static const char *take_images(em_intent_t *intent, int fd, apr_pool_t *p)
{
    for (int i = 0; i < intent->moves->nelts; i++) {
        em_move_t *move = APR_ARRAY_IDX(intent->moves, i, em_move_t *);
        em_step_t *step = (em_step_t *)move->step;
        const char *before = apr_psprintf(p, "before/%d", move->n);
        const char *after = apr_psprintf(p, "after/%d", move->n);

        if (!take_bytes(&move->before, move->before_sha1, fd, before, p)) {
            return apr_psprintf(p, "%s is not what it was", before);
        }
        if (!take_bytes(&move->after, move->after_sha1, fd, after, p)) {
            return apr_psprintf(p, "%s is not what it was", after);
        }
        step->before = move->before.node;
        step->after = move->after.node;
    }
    return NULL;
}

/* NULL, or why the journal in FD cannot be used. */
static const char *read_from(em_intent_t **pintent, int fd, const char *id,
                             apr_pool_t *p)
{
    em_image_t text, sum;
    char actual[EM_SHA1_HEX];
    const char *error;

    if (em_image_read(&text, fd, "intent.json", p) != APR_SUCCESS
        || text.node.kind != EM_NODE_FILE) {
        return "its intent.json cannot be read";
    }
    if (em_image_read(&sum, fd, "sum", p) != APR_SUCCESS
        || sum.node.kind != EM_NODE_FILE) {
        return "its file 'sum' cannot be read";
    }
    em_sha1(actual, text.node.data, text.node.len);
    if (strcmp(actual, sum.node.data) != 0) {
        return "its intent.json is not what was written";
    }
    if (em_intent_parse(pintent, &error, text.node.data, text.node.len, p)
        != APR_SUCCESS) {
        return apr_pstrcat(p, "in its intent.json ", error, NULL);
    }
    if (strcmp((*pintent)->info.id, id) != 0) {
        return "it carries the id of another one";
    }
    error = take_images(*pintent, fd, p);
    return error || !(*pintent)->packages
               ? error : em_part_read((*pintent)->packages, fd, p);
}

apr_status_t em_journal_read(em_intent_t **pintent, const em_store_t *store,
                             const char *id, em_result_t *res, apr_pool_t *p)
{
    em_intent_t *intent = NULL;
    em_txn_state_t state;
    apr_time_t when;
    const char *why;
    apr_status_t rv = em_journal_state(&state, &when, store, id, res, p);
    int fd = -1;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = open_sub(&fd, store, id, p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "journal-read-failed",
                              "cannot open %s/journal/%s: ", store->outside,
                              id);
    }
    why = read_from(&intent, fd, id, p);
    close(fd);
    if (why) {
        return em_journal_corrupt(res, store, id, why);
    }
    if (intent->packages) {
        em_part_point(intent->packages, store, id, p);
        intent->info.packages_size = em_part_size(store, id, p);
        intent->info.profile = em_profile_noted(store, id, p);
    }
    intent->info.state = state;
    if (state == EM_TXN_COMMITTED || state == EM_TXN_UNDONE) {
        intent->info.ended = when;
    }
    *pintent = intent;
    return APR_SUCCESS;
}
