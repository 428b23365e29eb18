#include "rehearse/props.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define LARGE (256 * 1024)      /* of a log: copying less costs nothing */

static int is_any_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcasecmp(name, *names) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *const log_directives[] = {
    "ErrorLog", "CustomLog", "TransferLog", "GlobalLog", "ForensicLog",
    "ScriptLog", "SecAuditLog", "SecAuditLog2", "SecDebugLog", "JkLogFile",
    "CookieLog", NULL
};

/* The path that a directive's first word names; NULL: a pipe, syslog. Of a
 * pipe the first word with a slash behind the program is as good. */
static const char *path_of(const em_facts_t *facts, const char *word,
                           apr_pool_t *p)
{
    if (!word || !*word || strncmp(word, "syslog", 6) == 0) {
        return NULL;
    }
    if (*word == '|') {
        word = strstr(word, " /");
        return word ? apr_pstrmemdup(p, word + 1, strcspn(word + 1, " \"'"))
                    : NULL;
    }
    return *word == '/' ? word
           : apr_pstrcat(p, facts->httpd.server_root, "/", word, NULL);
}

static const char *dir_of(const char *path, apr_pool_t *p)
{
    const char *slash = strrchr(path, '/');

    return slash && slash > path
           ? apr_pstrmemdup(p, path, (apr_size_t)(slash - path)) : NULL;
}

/* Every directory that a log directive writes into, once. */
static apr_hash_t *log_dirs(const em_facts_t *facts, const em_conf_t *conf,
                            apr_pool_t *p)
{
    apr_hash_t *dirs = apr_hash_make(p);

    for (int i = 0; conf && i < conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(conf->directives, i,
                                                em_directive_t *);
        const char *path, *dir;

        if (!d->active || !is_any_of(d->name, log_directives)) {
            continue;
        }
        path = path_of(facts, em_conf_word(d->args, 0, p), p);
        dir = path ? dir_of(path, p) : NULL;
        if (dir) {
            apr_hash_set(dirs, dir, APR_HASH_KEY_STRING, dir);
        }
    }
    if (facts->httpd.error_log && dir_of(facts->httpd.error_log, p)) {
        const char *dir = dir_of(facts->httpd.error_log, p);

        apr_hash_set(dirs, dir, APR_HASH_KEY_STRING, dir);
    }
    return dirs;
}

static void empty_file(const char *path)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)
        || st.st_size < LARGE || unlink(path) != 0) {
        return;
    }
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)!fchown(fd, st.st_uid, st.st_gid);
        (void)fchmod(fd, st.st_mode & 07777);
        close(fd);
    }
}

void em_props_empty_logs(const em_facts_t *facts, const em_conf_t *conf,
                         apr_pool_t *p)
{
    apr_hash_t *dirs = log_dirs(facts, conf, p);

    for (apr_hash_index_t *hi = apr_hash_first(p, dirs); hi;
         hi = apr_hash_next(hi)) {
        const char *dir = apr_hash_this_val(hi);
        apr_array_header_t *names;

        if (em_view_list(&names, facts->view, dir, p) != APR_SUCCESS) {
            continue;
        }
        for (int i = 0; i < names->nelts; i++) {
            empty_file(apr_pstrcat(p, dir, "/", APR_ARRAY_IDX(names, i,
                                                    const char *), NULL));
        }
    }
}

/* Owned by whom the directory belongs to, as programs that check owners
 * (suexec, per-user MPMs) want it. */
static int write_probe(const char *dir, const char *path,
                       const char *content)
{
    size_t len = strlen(content);
    struct stat st;
    int fd, ok;

    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return 0;
    }
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW,
              0644);
    if (fd < 0) {
        return 0;
    }
    ok = write(fd, content, len) == (ssize_t)len
         && fchown(fd, st.st_uid, st.st_gid) == 0 && fchmod(fd, 0644) == 0;
    close(fd);
    return ok;
}

char *em_props_probe_files(const em_questions_t *questions, apr_pool_t *p)
{
    const apr_array_header_t *all = questions->questions;
    char *there = apr_pcalloc(p, (apr_size_t)all->nelts + 1);
    apr_hash_t *done = apr_hash_make(p);

    for (int i = 0; i < all->nelts; i++) {
        const em_question_t *q = APR_ARRAY_IDX(all, i, em_question_t *);
        const char *path, *known;

        if (!q->file) {
            continue;
        }
        path = apr_pstrcat(p, q->dir, "/", q->file, NULL);
        known = apr_hash_get(done, path, APR_HASH_KEY_STRING);
        if (!known) {
            known = write_probe(q->dir, path, em_question_content(
                                    q, questions->token, p)) ? "y" : "n";
            apr_hash_set(done, path, APR_HASH_KEY_STRING, known);
        }
        there[i] = *known == 'y';
    }
    return there;
}

static void need(apr_array_header_t *needed, apr_hash_t *seen,
                 const char *path, apr_pool_t *p)
{
    char *real = path ? realpath(path, NULL) : NULL;

    if (real && !apr_hash_get(seen, real, APR_HASH_KEY_STRING)) {
        const char *copy = apr_pstrdup(p, real);

        apr_hash_set(seen, copy, APR_HASH_KEY_STRING, copy);
        APR_ARRAY_PUSH(needed, const char *) = copy;
    }
    free(real);
}

apr_array_header_t *em_props_needed(const em_facts_t *facts,
                                    const em_conf_t *conf, apr_pool_t *p)
{
    static const char *const system_dirs[] = {
        "/etc", "/run", "/tmp", "/var/tmp", "/var/lock", "/var/run",
        "/var/lib/apache2", "/var/lib/httpd", "/var/lib/php",
        "/var/cache/apache2", "/var/cache/httpd"
    };
    apr_array_header_t *needed = apr_array_make(p, 32, sizeof(const char *));
    apr_hash_t *seen = apr_hash_make(p);
    apr_hash_t *logs = log_dirs(facts, conf, p);

    for (size_t i = 0; i < sizeof(system_dirs) / sizeof(*system_dirs); i++) {
        need(needed, seen, system_dirs[i], p);
    }
    need(needed, seen, facts->httpd.server_root, p);
    need(needed, seen, facts->modules_dir, p);
    need(needed, seen, facts->httpd.config_file
         ? dir_of(facts->httpd.config_file, p) : NULL, p);
    need(needed, seen, facts->httpd.pid_file
         ? dir_of(facts->httpd.pid_file, p) : NULL, p);
    for (int i = 0; conf && i < conf->files->nelts; i++) {
        need(needed, seen, dir_of(APR_ARRAY_IDX(conf->files, i,
                                                em_conf_file_t *)->path, p),
             p);
    }
    for (apr_hash_index_t *hi = apr_hash_first(p, logs); hi;
         hi = apr_hash_next(hi)) {
        need(needed, seen, apr_hash_this_val(hi), p);
    }
    for (int i = 0; facts->vhosts && i < facts->vhosts->nelts; i++) {
        need(needed, seen, APR_ARRAY_IDX(facts->vhosts, i,
                                         em_vhost_t *)->document_root, p);
    }
    return needed;
}
