#include "package/rpm_db.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* What is in a .rpm file: rpm tells names, flags and owners, rpm2cpio gives
 * the contents. */

#define TIMEOUT apr_time_from_sec(120)
#define HEADER 110              /* of a newc entry: magic, 13 numbers */

/* ---- the archive ---- */

static int number(unsigned *pn, const char *at)
{
    unsigned n = 0;

    for (int i = 0; i < 8; i++) {
        int c = apr_tolower(at[i]);

        if (!apr_isxdigit(c)) {
            return 0;
        }
        n = n * 16 + (unsigned)(apr_isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    *pn = n;
    return 1;
}

static apr_size_t pad4(apr_size_t n)
{
    return (4 - n % 4) % 4;
}

/* Go N bytes on; 0 where there are not as many. */
static int skip(const char **pat, const char *end, apr_size_t n)
{
    if ((apr_size_t)(end - *pat) < n) {
        return 0;
    }
    *pat += n;
    return 1;
}

int em_newc_next(em_newc_t *entry, const char **pat, const char *end,
                 apr_pool_t *p)
{
    const char *at = *pat, *name;
    unsigned size, len;

    if (end - at < HEADER || strncmp(at, "07070", 5) != 0
        || (at[5] != '1' && at[5] != '2')
        || !number(&entry->inode, at + 6) || !number(&entry->mode, at + 14)
        || !number(&entry->links, at + 38) || !number(&size, at + 54)
        || !number(&len, at + 94) || len == 0) {
        return -1;
    }
    at += HEADER;
    name = at;
    if (!skip(&at, end, len) || name[len - 1] != '\0'
        || !skip(&at, end, pad4(HEADER + len))) {
        return -1;
    }
    if (strcmp(name, "TRAILER!!!") == 0) {
        return 0;
    }
    entry->name = apr_pstrdup(p, *name == '.' ? name + 1 : name);
    entry->data = at;
    entry->len = size;
    if (!skip(&at, end, size)) {
        return -1;
    }
    if (!skip(&at, end, pad4(size))) {
        at = end;
    }
    *pat = at;
    return 1;
}

/* name -> em_newc_t *; of hard links the last one has the content of all. */
static apr_hash_t *entries_of(const char *data, apr_size_t len,
                              apr_pool_t *p)
{
    apr_hash_t *entries = apr_hash_make(p), *links = apr_hash_make(p);
    const char *at = data, *end = data + len;
    apr_hash_index_t *hi;
    em_newc_t one;
    int more;

    while ((more = em_newc_next(&one, &at, end, p)) > 0) {
        em_newc_t *entry = apr_pmemdup(p, &one, sizeof(one));

        apr_hash_set(entries, entry->name, APR_HASH_KEY_STRING, entry);
        if (entry->links > 1 && entry->len) {
            apr_hash_set(links, &entry->inode, sizeof(entry->inode), entry);
        }
    }
    for (hi = apr_hash_first(p, entries); hi; hi = apr_hash_next(hi)) {
        const em_newc_t *whole;
        em_newc_t *entry;
        void *value;

        apr_hash_this(hi, NULL, NULL, &value);
        entry = value;
        whole = entry->links > 1 ? apr_hash_get(links, &entry->inode,
                                                sizeof(entry->inode)) : NULL;
        if (whole) {
            entry->data = whole->data;
            entry->len = whole->len;
        }
    }
    return more < 0 ? NULL : entries;
}

/* ---- the files ---- */

static uid_t uid_of(const char *name)
{
    const struct passwd *pw = strcmp(name, "root") ? getpwnam(name) : NULL;

    return pw ? pw->pw_uid : 0;
}

static gid_t gid_of(const char *name)
{
    const struct group *gr = strcmp(name, "root") ? getgrnam(name) : NULL;

    return gr ? gr->gr_gid : 0;
}

/* "PATH FLAGS MODE USER GROUP DIGEST", with tabs. */
static em_owned_t *file_of(char *line, apr_hash_t *entries, apr_pool_t *p)
{
    char *state, *word[6] = {apr_strtok(line, "\t", &state)};
    em_owned_t *owned = apr_pcalloc(p, sizeof(*owned));
    const em_newc_t *entry;
    unsigned type;
    int flags;

    for (int i = 1; i < 6 && word[i - 1]; i++) {
        word[i] = apr_strtok(NULL, "\t", &state);
    }
    entry = word[4] ? apr_hash_get(entries, word[0], APR_HASH_KEY_STRING)
                    : NULL;
    type = entry ? entry->mode & S_IFMT : 0;
    if (type != S_IFREG && type != S_IFLNK) {
        return NULL;            /* a directory; a ghost, not in there */
    }
    flags = atoi(word[1]);
    owned->path = word[0];
    owned->config = flags & 1;
    owned->noreplace = (flags & 16) != 0;
    owned->digest = word[5];
    owned->node.kind = type == S_IFREG ? EM_NODE_FILE : EM_NODE_LINK;
    owned->node.data = apr_pstrmemdup(p, entry->data, entry->len);
    owned->node.len = type == S_IFREG ? entry->len : 0;
    owned->node.mode = (mode_t)atoi(word[2]) & 07777;
    owned->node.uid = uid_of(word[3]);
    owned->node.gid = gid_of(word[4]);
    return owned;
}

static apr_status_t failed(em_result_t *res, apr_status_t rv,
                           const em_package_t *package, const char *words)
{
    return em_result_fail(res, rv ? rv : APR_EGENERAL, EM_EXIT_FAILED,
                          "packages-unavailable", "cannot read %s: %s",
                          package->file, words);
}

apr_status_t em_rpm_unpack(apr_array_header_t **powned,
                           const em_package_t *package, em_result_t *res,
                           apr_pool_t *p)
{
    apr_array_header_t *found = apr_array_make(p, 16, sizeof(em_owned_t *));
    em_exec_out_t *list, *archive;
    apr_hash_t *entries;
    apr_status_t rv;
    char *state, *line;

    rv = em_manager_exec(&list, em_argv(p, "rpm", "-qp", "--nosignature",
                                        "--qf", "[%{FILENAMES}\t%{FILEFLAGS}"
                                        "\t%{FILEMODES}\t%{FILEUSERNAME}\t"
                                        "%{FILEGROUPNAME}\t%{FILEDIGESTS}\n]",
                                        package->file, NULL),
                         TIMEOUT, NULL, p);
    if (rv != APR_SUCCESS || list->exit_code != 0) {
        return failed(res, rv, package, rv ? "" : em_exec_words(list, p));
    }
    rv = em_manager_exec(&archive, em_argv(p, "rpm2cpio", package->file,
                                           NULL), TIMEOUT, NULL, p);
    if (rv != APR_SUCCESS || archive->exit_code != 0) {
        return failed(res, rv, package, rv ? "" : archive->err);
    }
    entries = archive->truncated ? NULL
                                 : entries_of(archive->out, archive->out_len,
                                              p);
    if (!entries) {
        return failed(res, APR_EGENERAL, package,
                      archive->truncated ? "it is too large"
                                         : "its archive is damaged");
    }
    line = apr_strtok(apr_pstrdup(p, list->out), "\n", &state);
    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        em_owned_t *owned = file_of(line, entries, p);

        if (owned) {
            APR_ARRAY_PUSH(found, em_owned_t *) = owned;
        }
    }
    *powned = found;
    return APR_SUCCESS;
}
