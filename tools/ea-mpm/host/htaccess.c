#include "host/gather.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define PHASE "reading .htaccess files"
#define MAX_DEPTH 64
#define MAX_FOUND 200000        /* directives kept */
#define MAX_FILE (1024 * 1024)  /* httpd itself reads line by line */
#define COUNT_EVERY 256

typedef struct scan_t {
    em_facts_t *facts;
    apr_array_header_t *names;  /* const char *: AccessFileName */
    apr_pool_t *p;
    long dirs;
    int full;
} scan_t;

/* Directives of the core and of modules that live with every MPM; leaving
 * them out keeps a million .htaccess files in memory. */
static int is_indifferent(const char *name)
{
    static const char *const prefixes[] = {
        "Rewrite", "Order", "Allow", "Deny", "Satisfy", "Require", "Redirect",
        "Header", "RequestHeader", "Expires", "ErrorDocument",
        "DirectoryIndex", "Auth", "Index", "SetEnv", "BrowserMatch",
        "FileETag", "Limit", "AddCharset", "AddDefaultCharset",
        "AddLanguage", "AddEncoding", "ServerSignature", "DefaultLanguage",
        NULL
    };
    int i;

    for (i = 0; prefixes[i]; i++) {
        if (strncasecmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A condition that is false once the module that the directive needs has
 * gone: what stands in it does not hurt then. */
static int is_guard(const char *args)
{
    return *args != '!'
        && (strstr(args, "php") || strstr(args, "itk")
            || strstr(args, "ruid") || strstr(args, "mpm"));
}

/* One line; *PGUARDS counts the guarding <IfModule> that are open, *POPEN
 * all that are. */
static void take_line(scan_t *scan, char *line, const char *file, int number,
                      unsigned *pguards, int *popen)
{
    apr_size_t len = strcspn(line, " \t");
    char *args = line + len + strspn(line + len, " \t");
    char *name = apr_pstrmemdup(scan->p, line, len);
    em_htaccess_t *found;

    if (strcasecmp(name, "<IfModule") == 0 && *popen < 31) {
        char *end = strrchr(args, '>');

        if (end) {
            *end = '\0';
        }
        if (*args == '"') {
            args++;
        }
        *pguards |= is_guard(args) ? 1u << *popen : 0;
        ++*popen;
        return;
    }
    if (strcasecmp(name, "</IfModule>") == 0 && *popen > 0) {
        --*popen;
        *pguards &= ~(1u << *popen);
        return;
    }
    if (*name == '<' || *name == '\0' || *pguards || is_indifferent(name)) {
        return;
    }
    if (scan->facts->htaccess->nelts >= MAX_FOUND) {
        scan->full = 1;
        return;
    }
    found = apr_pcalloc(scan->p, sizeof(*found));
    found->name = name;
    found->args = apr_pstrdup(scan->p, args);
    found->file = file;
    found->line = number;
    APR_ARRAY_PUSH(scan->facts->htaccess, em_htaccess_t *) = found;
}

/* TEXT is changed. */
static void take_text(scan_t *scan, char *text, const char *file)
{
    unsigned guards = 0;
    int number = 0, open = 0;

    while (*text) {
        int first = ++number;
        char *line = text + strspn(text, " \t"), *end = text;

        for (;;) {
            end += strcspn(end, "\n");
            if (!*end || end == text || end[-1] != '\\') {
                break;
            }
            end[-1] = ' ';      /* a continued line */
            *end++ = ' ';
            number++;
        }
        text = *end ? end + 1 : end;
        *end = '\0';
        while (end > line && apr_isspace(end[-1])) {
            *--end = '\0';
        }
        if (*line && *line != '#') {
            take_line(scan, line, file, first, &guards, &open);
        }
    }
}

static void take_file(scan_t *scan, int dir, const char *name,
                      const char *path)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    apr_pool_t *scratch;
    struct stat st;
    char *text;
    ssize_t n;

    if (fd < 0) {
        if (errno != ENOENT) {
            em_log(scan->facts->how.log, EM_LOG_WARN, "cannot read %s/%s: %s",
                   path, name, strerror(errno));
        }
        return;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0
        && st.st_size <= MAX_FILE) {
        apr_pool_create(&scratch, scan->p);
        text = apr_palloc(scratch, (apr_size_t)st.st_size + 1);
        n = read(fd, text, (size_t)st.st_size);
        text[n > 0 ? n : 0] = '\0';
        take_text(scan, text, apr_pstrcat(scan->p, path, "/", name, NULL));
        apr_pool_destroy(scratch);
    }
    close(fd);
}

/* Read directory FD (closed here), which is PATH inside the root, and all
 * below it. Links are not followed: what they lead to is reached where it
 * lies, or is outside of what the server serves from here. */
static void scan_dir(scan_t *scan, int fd, const char *path, int depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    int i;

    if (!dir) {
        close(fd);
        return;
    }
    if (++scan->dirs % COUNT_EVERY == 0) {
        em_phase_count(scan->facts->how.log, PHASE, scan->dirs, 0);
    }
    for (i = 0; i < scan->names->nelts; i++) {
        take_file(scan, dirfd(dir), APR_ARRAY_IDX(scan->names, i,
                                                  const char *), path);
    }
    while (depth < MAX_DEPTH && !scan->full && (entry = readdir(dir))) {
        apr_pool_t *scratch, *keep = scan->p;
        int sub;

        if ((entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
            || strcmp(entry->d_name, ".") == 0
            || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        sub = openat(dirfd(dir), entry->d_name,
                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub >= 0) {
            apr_pool_create(&scratch, keep);
            scan_dir(scan, sub, apr_pstrcat(scratch, path, "/",
                                            entry->d_name, NULL), depth + 1);
            apr_pool_destroy(scratch);
        }
    }
    closedir(dir);
}

static apr_array_header_t *access_file_names(const em_facts_t *facts,
                                             apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 2, sizeof(const char *));
    const em_directive_t *d;
    int i = 0, j, k;

    while ((d = em_conf_next(facts->conf, "AccessFileName", &i))) {
        const char *name;

        for (j = 0; (name = em_conf_word(d->args, j, p)); j++) {
            for (k = 0; k < names->nelts; k++) {
                if (strcmp(APR_ARRAY_IDX(names, k, const char *), name)
                    == 0) {
                    break;
                }
            }
            if (k == names->nelts && *name != '/') {
                APR_ARRAY_PUSH(names, const char *) = name;
            }
        }
    }
    if (!names->nelts) {
        APR_ARRAY_PUSH(names, const char *) = ".htaccess";
    }
    return names;
}

/* Is DIR below one of the ROOTS (real path -> "")? */
static int is_covered(apr_hash_t *roots, const char *dir, apr_pool_t *p)
{
    char *up = apr_pstrdup(p, dir), *slash;

    while (*up) {
        if (apr_hash_get(roots, up, APR_HASH_KEY_STRING)
            && strcmp(up, dir) != 0) {
            return 1;
        }
        slash = strrchr(up, '/');
        *slash = '\0';
    }
    return 0;
}

void em_gather_htaccess(em_facts_t *facts, apr_pool_t *p)
{
    scan_t scan = { facts, access_file_names(facts, p), p, 0, 0 };
    apr_time_t begun = em_phase_begin(facts->how.log, PHASE);
    apr_hash_t *roots = apr_hash_make(p);
    apr_hash_index_t *hi;
    const void *key;
    int i, fd;

    facts->htaccess = apr_array_make(p, 64, sizeof(em_htaccess_t *));
    for (i = 0; i < facts->vhosts->nelts; i++) {
        const em_vhost_t *vhost = APR_ARRAY_IDX(facts->vhosts, i,
                                                em_vhost_t *);
        const char *real;

        if (vhost->document_root
            && em_view_real(&real, facts->view, vhost->document_root, p)
               == APR_SUCCESS && strcmp(real, "/") != 0) {
            apr_hash_set(roots, real, APR_HASH_KEY_STRING, "");
        }
    }
    for (hi = apr_hash_first(p, roots); hi; hi = apr_hash_next(hi)) {
        apr_hash_this(hi, &key, NULL, NULL);
        if (is_covered(roots, key, p)) {
            continue;
        }
        fd = open(em_view_outside(facts->view, key, p),
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0) {
            scan_dir(&scan, fd, key, 0);
        }
    }
    if (scan.full) {
        em_log(facts->how.log, EM_LOG_WARN, "more than %d directives in "
               ".htaccess files; the rest was not read", MAX_FOUND);
    }
    em_phase_count(facts->how.log, PHASE, scan.dirs, scan.dirs);
    em_phase_end(facts->how.log, PHASE, begun, scan.full ? "cut" : "ok");
}
