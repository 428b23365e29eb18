#include "package/deb.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* What is in a .deb file. */

#define TIMEOUT apr_time_from_sec(120)

em_package_t *em_deb_identify(const char *file, apr_pool_t *p)
{
    em_exec_out_t *out;
    em_stanza_t stanza;
    const char *at;

    if (em_manager_exec(&out, em_argv(p, "dpkg-deb", "-f", file, "Package",
                                      "Version", "Architecture", NULL),
                        TIMEOUT, NULL, p) != APR_SUCCESS
        || out->exit_code != 0) {
        return NULL;
    }
    at = out->out;
    return em_stanza_next(&stanza, &at, out->out + out->out_len)
               ? em_deb_package(&stanza, p) : NULL;
}

/* As dpkg: the name counts, where the system knows it. */
static uid_t uid_of(const em_tar_t *entry)
{
    const struct passwd *pw = *entry->user && strcmp(entry->user, "root")
                                  ? getpwnam(entry->user) : NULL;

    return pw ? pw->pw_uid : (uid_t)entry->uid;
}

static gid_t gid_of(const em_tar_t *entry)
{
    const struct group *gr = *entry->group && strcmp(entry->group, "root")
                                 ? getgrnam(entry->group) : NULL;

    return gr ? gr->gr_gid : (gid_t)entry->gid;
}

static em_owned_t *file_of(const em_tar_t *entry, apr_hash_t *conffiles,
                           apr_hash_t *seen, apr_pool_t *p)
{
    em_owned_t *owned = apr_pcalloc(p, sizeof(*owned));
    const em_owned_t *first;

    owned->path = entry->name;
    owned->config = owned->noreplace
        = apr_hash_get(conffiles, entry->name, APR_HASH_KEY_STRING) != NULL;
    owned->node.mode = (mode_t)entry->mode & 07777;
    owned->node.uid = uid_of(entry);
    owned->node.gid = gid_of(entry);
    switch (entry->type) {
    case '0':
        owned->node.kind = EM_NODE_FILE;
        owned->node.data = apr_pstrmemdup(p, entry->data, entry->len);
        owned->node.len = entry->len;
        owned->digest = owned->config ? em_dpkg_digest(&owned->node, p)
                                      : NULL;
        return owned;
    case '1':
        first = apr_hash_get(seen, apr_pstrcat(
            p, "/", entry->target + strspn(entry->target, "./"), NULL),
            APR_HASH_KEY_STRING);
        if (first) {
            owned->node = first->node;
        }
        return first ? owned : NULL;
    case '2':
        owned->node.kind = EM_NODE_LINK;
        owned->node.data = entry->target;
        return owned;
    default:
        return NULL;            /* a directory, a device */
    }
}

/* The lines of DEBIAN/conffiles as the keys of a hash. */
static apr_hash_t *conffiles_in(const char *data, apr_size_t len,
                                apr_pool_t *p)
{
    apr_hash_t *names = apr_hash_make(p);
    char *state;
    char *line = apr_strtok(apr_pstrmemdup(p, data, len), "\n", &state);

    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        apr_size_t n = strlen(line);

        while (n && apr_isspace(line[n - 1])) {
            line[--n] = '\0';
        }
        if (*line == '/') {
            apr_hash_set(names, line, APR_HASH_KEY_STRING, line);
        }
    }
    return names;
}

static apr_status_t failed(em_result_t *res, apr_status_t rv,
                           const em_package_t *package, const char *words)
{
    return em_result_fail(res, rv ? rv : APR_EGENERAL, EM_EXIT_FAILED,
                          "packages-unavailable", "cannot read %s: %s",
                          package->file, words);
}

/* One of the two archives of a .deb. */
static apr_status_t archive_of(em_exec_out_t **pout, const char *which,
                               const em_package_t *package, em_result_t *res,
                               apr_pool_t *p)
{
    apr_status_t rv = em_manager_exec(pout, em_argv(p, "dpkg-deb", which,
                                                    package->file, NULL),
                                      TIMEOUT, NULL, p);

    if (rv != APR_SUCCESS || (*pout)->exit_code != 0) {
        return failed(res, rv, package, rv ? "" : (*pout)->err);
    }
    return (*pout)->truncated ? failed(res, APR_EGENERAL, package,
                                       "it is too large") : APR_SUCCESS;
}

apr_status_t em_deb_unpack(apr_array_header_t **powned,
                           const em_package_t *package, em_result_t *res,
                           apr_pool_t *p)
{
    apr_hash_t *conffiles = apr_hash_make(p), *seen = apr_hash_make(p);
    em_exec_out_t *control, *files;
    apr_status_t rv;
    em_tar_t entry;
    const char *at;
    int more;

    *powned = apr_array_make(p, 16, sizeof(em_owned_t *));
    rv = archive_of(&control, "--ctrl-tarfile", package, res, p);
    if (rv == APR_SUCCESS) {
        rv = archive_of(&files, "--fsys-tarfile", package, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    at = control->out;
    while ((more = em_tar_next(&entry, &at, control->out + control->out_len,
                               p)) > 0) {
        if (strcmp(entry.name, "/conffiles") == 0) {
            conffiles = conffiles_in(entry.data, entry.len, p);
        }
    }
    at = files->out;
    while (more == 0 && at && (more = em_tar_next(
               &entry, &at, files->out + files->out_len, p)) > 0) {
        em_owned_t *owned = file_of(&entry, conffiles, seen, p);

        more = 0;
        if (owned) {
            apr_hash_set(seen, owned->path, APR_HASH_KEY_STRING, owned);
            APR_ARRAY_PUSH(*powned, em_owned_t *) = owned;
        }
    }
    return more < 0 ? failed(res, APR_EGENERAL, package,
                             "its archive is damaged") : APR_SUCCESS;
}
