#include "change/profile.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/exec.h"
#include "change/dir.h"

#define TOOL "/usr/local/bin/ea_current_to_profile"
#define NOTE "profile"

/* The last absolute path in what the tool says, as it names its file. */
static const char *file_in(const char *text, apr_pool_t *p)
{
    const char *found = NULL;

    while ((text = strstr(text, "/")) != NULL) {
        apr_size_t len = strcspn(text, " \t\r\n'\"");
        const char *word = apr_pstrmemdup(p, text, len);

        if (len > 5 && strcmp(word + len - 5, ".json") == 0) {
            found = word;
        }
        text += len;
    }
    return found;
}

static void note(const em_txn_t *txn, const char *file)
{
    const char *dir = apr_pstrcat(txn->pool, txn->store->path, "/journal/",
                                  txn->intent->info.id, NULL);
    int fd;

    if (em_dir_open(&fd, txn->store->root, dir) == APR_SUCCESS) {
        if (em_file_remove(fd, NOTE) == APR_SUCCESS) {
            (void)em_file_write(fd, NOTE, file, strlen(file), 0600);
        }
        close(fd);
    }
}

void em_profile_current(const em_txn_t *txn, em_log_t *log)
{
    const char *argv[] = {TOOL, NULL}, *file = NULL;
    em_exec_how_t how = {.root = em_view_root(txn->view),
                         .timeout = apr_time_from_sec(60)};
    em_exec_out_t *out;
    apr_status_t rv;

    if (!em_view_exists(txn->view, TOOL, txn->pool)) {
        return;
    }
    rv = em_exec(&out, argv, &how, txn->pool);
    if (rv == APR_SUCCESS && out->exited && out->exit_code == 0) {
        file = file_in(out->out, txn->pool);
    }
    if (!file) {
        em_log(log, EM_LOG_WARN, TOOL " wrote no profile: %s",
               rv == APR_SUCCESS ? out->err : "it cannot be run");
        return;
    }
    em_log(log, EM_LOG_NOTE, "the packages as they are now: %s", file);
    note(txn, file);
}

const char *em_profile_noted(const em_store_t *store, const char *id,
                             apr_pool_t *p)
{
    const char *dir = apr_pstrcat(p, store->path, "/journal/", id, NULL);
    em_image_t image;
    const char *file = NULL;
    int fd;

    if (em_dir_open(&fd, store->root, dir) == APR_SUCCESS) {
        if (em_image_read(&image, fd, NOTE, p) == APR_SUCCESS
            && image.node.kind == EM_NODE_FILE) {
            file = image.node.data;
        }
        close(fd);
    }
    return file;
}
