#include "change/profile.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/exec.h"
#include "base/json.h"
#include "change/dir.h"

#define TOOL "/usr/local/bin/ea_current_to_profile"
#define NOTE "profile"                  /* holds the file's name */
#define OWN "profile.json"

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

static const char *journal(const em_txn_t *txn)
{
    return apr_pstrcat(txn->pool, txn->store->path, "/journal/",
                       txn->intent->info.id, NULL);
}

static apr_status_t put(const em_txn_t *txn, const char *name,
                        const char *text)
{
    int fd;
    apr_status_t rv = em_dir_open(&fd, txn->store->root, journal(txn));

    if (rv == APR_SUCCESS) {
        rv = em_file_remove(fd, name);
        if (rv == APR_SUCCESS) {
            rv = em_file_write(fd, name, text, strlen(text), 0600);
        }
        close(fd);
    }
    return rv;
}

/* Write the file ourselves, in the same format. */
static const char *own_file(const em_txn_t *txn)
{
    const em_json_t *profile = txn->intent->packages->step->profile_before;

    return profile && put(txn, OWN, em_json_text(profile, 2, txn->pool))
                      == APR_SUCCESS
           ? apr_pstrcat(txn->pool, journal(txn), "/" OWN, NULL) : NULL;
}

/* Let cPanel's tool write it. */
static const char *tool_file(const em_txn_t *txn, em_log_t *log)
{
    const char *argv[] = {TOOL, NULL}, *file = NULL;
    em_exec_how_t how = {.root = em_view_root(txn->view),
                         .timeout = apr_time_from_sec(60)};
    em_exec_out_t *out;
    apr_status_t rv;

    if (!em_view_exists(txn->view, TOOL, txn->pool)) {
        return NULL;
    }
    rv = em_exec(&out, argv, &how, txn->pool);
    if (rv == APR_SUCCESS && out->exited && out->exit_code == 0) {
        file = file_in(out->out, txn->pool);
    }
    if (!file) {
        em_log(log, EM_LOG_WARN, TOOL " wrote no profile: %s",
               rv == APR_SUCCESS ? out->err : "it cannot be run");
    }
    return file;
}

void em_profile_current(const em_txn_t *txn, em_log_t *log)
{
    const char *file = tool_file(txn, log);

    file = file ? file : own_file(txn);
    if (file) {
        em_log(log, EM_LOG_NOTE, "the packages as they are now: %s", file);
        (void)put(txn, NOTE, file);
    }
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
