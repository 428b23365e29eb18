#include "package/deb.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_md5.h>
#include <apr_strings.h>

#define DPKG "/var/lib/dpkg"
#define MAX_STATUS (256 * 1024 * 1024)
#define MAX_LIST (64 * 1024 * 1024)

/* ---- one stanza ---- */

/* Every part of "a (= 1) | b, c" in the array of a package: alternatives
 * together with ALL NULL, else each one in ALL. */
static void take_relations(apr_array_header_t *groups,
                           apr_array_header_t *all, const char *text,
                           apr_pool_t *p)
{
    while (text && *text) {
        apr_size_t len = strcspn(text, ",");
        apr_array_header_t *group = apr_array_make(p, 1, sizeof(em_cap_t));
        const char *at = text, *end = text + len;

        while (at < end) {
            const char *bar = memchr(at, '|', (apr_size_t)(end - at));
            const char *stop = bar ? bar : end;
            em_cap_t cap;

            if (em_cap_parse(&cap, at, (apr_size_t)(stop - at), p)) {
                APR_ARRAY_PUSH(all ? all : group, em_cap_t) = cap;
            }
            at = bar ? bar + 1 : end;
        }
        if (!all && group->nelts) {
            APR_ARRAY_PUSH(groups, apr_array_header_t *) = group;
        }
        text += len + (text[len] == ',');
    }
}

em_package_t *em_deb_package(const em_stanza_t *stanza, apr_pool_t *p)
{
    const char *name = em_stanza_value(stanza, "Package", p);
    const char *version = em_stanza_value(stanza, "Version", p);
    const char *arch = em_stanza_value(stanza, "Architecture", p);
    em_package_t *package;
    em_cap_t *own;

    if (!name || !*name || !version || !*version || !arch) {
        return NULL;
    }
    if (strncmp(version, "0:", 2) == 0) {
        version += 2;
    }
    package = em_package_make(name, version, arch, p);
    own = apr_array_push(package->provides);
    own->name = name;
    own->rel = EM_REL_EQ;
    own->version = version;
    take_relations(NULL, package->provides,
                   em_stanza_value(stanza, "Provides", p), p);
    take_relations(package->requires, NULL,
                   em_stanza_value(stanza, "Pre-Depends", p), p);
    take_relations(package->requires, NULL,
                   em_stanza_value(stanza, "Depends", p), p);
    take_relations(NULL, package->conflicts,
                   em_stanza_value(stanza, "Conflicts", p), p);
    take_relations(NULL, package->conflicts,
                   em_stanza_value(stanza, "Breaks", p), p);
    return package;
}

/* "install ok installed" */
static em_dpkg_entry_t *entry_of(const em_stanza_t *stanza, apr_pool_t *p)
{
    const char *status = em_stanza_value(stanza, "Status", p);
    em_dpkg_entry_t *entry = apr_pcalloc(p, sizeof(*entry));
    const char *flag, *state;

    entry->name = em_stanza_value(stanza, "Package", p);
    flag = status ? strchr(status, ' ') : NULL;
    state = flag ? strchr(flag + 1, ' ') : NULL;
    if (!entry->name || !*entry->name || !state) {
        return NULL;
    }
    entry->version = em_stanza_value(stanza, "Version", p);
    entry->version = !entry->version ? ""
                     : strncmp(entry->version, "0:", 2) == 0
                     ? entry->version + 2 : entry->version;
    entry->arch = em_stanza_value(stanza, "Architecture", p);
    entry->arch = entry->arch ? entry->arch : "";
    entry->state = state + 1;
    entry->broken = strncmp(flag + 1, "ok ", 3) != 0;
    entry->unwanted = strncmp(status, "deinstall ", 10) == 0
                      || strncmp(status, "purge ", 6) == 0;
    entry->stanza = *stanza;
    return entry;
}

/* ---- the database ---- */

static void take_text(apr_hash_t *entries, const char *text, apr_size_t len,
                      apr_pool_t *p)
{
    const char *at = text, *end = text + len;
    em_stanza_t stanza;

    while (em_stanza_next(&stanza, &at, end)) {
        em_dpkg_entry_t *entry = entry_of(&stanza, p);

        if (entry) {
            apr_hash_set(entries, apr_pstrcat(p, entry->name, ":",
                                              entry->arch, NULL),
                         APR_HASH_KEY_STRING, entry);
        }
    }
}

static int is_number(const char *name)
{
    return *name && strspn(name, "0123456789") == strlen(name);
}

/* What dpkg did since it wrote the whole database last: it takes these files
 * up when it runs next, be it after a kill. */
static void take_updates(apr_hash_t *entries, const em_view_t *view,
                         apr_pool_t *p)
{
    apr_array_header_t *names;

    if (em_view_list(&names, view, DPKG "/updates", p) != APR_SUCCESS) {
        return;
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        em_node_t *node;

        if (is_number(name)
            && em_view_read(&node, view, apr_pstrcat(p, DPKG "/updates/",
                                                     name, NULL),
                            MAX_STATUS, p) == APR_SUCCESS) {
            take_text(entries, node->data, node->len, p);
        }
    }
}

apr_status_t em_dpkg_read(apr_array_header_t **pentries,
                          const em_view_t *view, apr_pool_t *p)
{
    apr_hash_t *entries = apr_hash_make(p);
    apr_hash_index_t *hi;
    em_node_t *node;
    apr_status_t rv = em_view_read(&node, view, DPKG "/status", MAX_STATUS,
                                   p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    take_text(entries, node->data, node->len, p);
    take_updates(entries, view, p);
    *pentries = apr_array_make(p, 64, sizeof(em_dpkg_entry_t *));
    for (hi = apr_hash_first(p, entries); hi; hi = apr_hash_next(hi)) {
        void *value;

        apr_hash_this(hi, NULL, NULL, &value);
        if (strcmp(((em_dpkg_entry_t *)value)->state, "not-installed") != 0) {
            APR_ARRAY_PUSH(*pentries, em_dpkg_entry_t *) = value;
        }
    }
    return APR_SUCCESS;
}

int em_dpkg_is_left(const em_dpkg_entry_t *entry)
{
    return strcmp(entry->state, "config-files") == 0;
}

int em_dpkg_is_there(const em_dpkg_entry_t *entry)
{
    return !em_dpkg_is_left(entry)
           && strcmp(entry->state, "half-installed") != 0;
}

static int is_whole(const em_dpkg_entry_t *entry)
{
    return !entry->broken && (strcmp(entry->state, "installed") == 0
                              || strncmp(entry->state, "triggers-", 9) == 0);
}

apr_status_t em_dpkg_read_installed(apr_hash_t *installed,
                                    const em_view_t *view, em_result_t *res,
                                    apr_pool_t *p)
{
    apr_array_header_t *entries;
    apr_status_t rv = em_dpkg_read(&entries, view, p);

    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "packages-unavailable",
                              "cannot read " DPKG "/status: ");
    }
    for (int i = 0; i < entries->nelts; i++) {
        em_dpkg_entry_t *entry = APR_ARRAY_IDX(entries, i, em_dpkg_entry_t *);
        em_package_t *package = em_dpkg_is_there(entry)
                                    ? em_deb_package(&entry->stanza, p)
                                    : NULL;

        /* Of a library in two architectures either will do here. */
        if (package) {
            package->installed = 1;
            apr_hash_set(installed, package->name, APR_HASH_KEY_STRING,
                         package);
        }
    }
    return APR_SUCCESS;
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

apr_array_header_t *em_dpkg_versions(const apr_array_header_t *names,
                                     const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *entries, *found;

    if (em_dpkg_read(&entries, view, p) != APR_SUCCESS) {
        return NULL;
    }
    found = apr_array_make(p, 8, sizeof(em_package_t *));
    for (int i = 0; i < entries->nelts; i++) {
        const em_dpkg_entry_t *entry = APR_ARRAY_IDX(entries, i,
                                                     em_dpkg_entry_t *);

        if (has_name(names, entry->name)) {
            em_package_t *package = em_package_make(
                entry->name, entry->version, entry->arch, p);

            package->installed = is_whole(entry);
            package->left = em_dpkg_is_left(entry);
            APR_ARRAY_PUSH(found, em_package_t *) = package;
        }
    }
    return found;
}

/* The first path in lines of "PATH MD5 ..." from *PAT, and on; NULL: none. */
static const char *next_conffile(const char **pat, apr_pool_t *p)
{
    const char *at = *pat + strspn(*pat, " \t\n"), *end;

    end = strchr(at, '\n');
    *pat = end ? end : at + strlen(at);
    return *at ? apr_pstrmemdup(p, at, strcspn(at, " \n")) : NULL;
}

void em_dpkg_read_left(apr_hash_t *left, const em_view_t *view,
                       apr_pool_t *p)
{
    apr_array_header_t *entries;

    if (em_dpkg_read(&entries, view, p) != APR_SUCCESS) {
        return;
    }
    for (int i = 0; i < entries->nelts; i++) {
        const em_dpkg_entry_t *entry = APR_ARRAY_IDX(entries, i,
                                                     em_dpkg_entry_t *);
        const char *at = em_dpkg_is_left(entry)
                             ? em_stanza_value(&entry->stanza, "Conffiles", p)
                             : NULL;
        em_package_t *package;
        const char *path;

        if (!at) {
            continue;
        }
        package = em_package_make(entry->name, entry->version, entry->arch,
                                  p);
        package->left = 1;
        while ((path = next_conffile(&at, p)) != NULL) {
            apr_hash_set(left, path, APR_HASH_KEY_STRING, package);
        }
    }
}

/* ---- files of installed packages ---- */

/* "PATH MD5 [obsolete]" lines of Conffiles. */
static const char *conffile_digest(const char *conffiles, const char *path,
                                   apr_pool_t *p)
{
    apr_size_t len = strlen(path);
    const char *at = conffiles;

    while (at && *at) {
        at += strspn(at, " \n");
        if (strncmp(at, path, len) == 0 && at[len] == ' ') {
            at += len + 1;
            return apr_pstrmemdup(p, at, strcspn(at, " \n"));
        }
        at = strchr(at, '\n');
    }
    return NULL;
}

const char *em_dpkg_digest(const em_node_t *node, apr_pool_t *p)
{
    unsigned char digest[APR_MD5_DIGESTSIZE];
    char *text = apr_palloc(p, 2 * APR_MD5_DIGESTSIZE + 1);

    apr_md5(digest, node->data, node->len);
    for (int i = 0; i < APR_MD5_DIGESTSIZE; i++) {
        apr_snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    return text;
}

static void take_file(apr_array_header_t *found, const char *path,
                      const char *conffiles, const em_view_t *view,
                      apr_pool_t *p)
{
    em_owned_t *owned = apr_pcalloc(p, sizeof(*owned));
    em_node_t *node, *now;

    owned->path = path;
    owned->digest = conffile_digest(conffiles, path, p);
    owned->config = owned->noreplace = owned->digest != NULL;
    if (em_view_lstat(&node, view, path, p) != APR_SUCCESS
        || node->kind == EM_NODE_OTHER
        || (node->kind == EM_NODE_LINK && em_view_is_dir(view, path, p)
            && !owned->config)) {
        return;             /* directories, and where one became a link */
    }
    owned->node.kind = node->kind == EM_NODE_LINK ? EM_NODE_LINK
                                                  : EM_NODE_FILE;
    if (owned->config
        && em_view_read(&now, view, path, MAX_LIST, p) == APR_SUCCESS) {
        owned->edited = strcmp(em_dpkg_digest(now, p), owned->digest) != 0;
    }
    APR_ARRAY_PUSH(found, em_owned_t *) = owned;
}

static apr_status_t take_list(apr_array_header_t *found,
                              const em_dpkg_entry_t *entry,
                              const em_view_t *view, apr_pool_t *p)
{
    const char *conffiles = em_stanza_value(&entry->stanza, "Conffiles", p);
    const char *list = apr_pstrcat(p, DPKG "/info/", entry->name, NULL);
    em_node_t *node;
    apr_status_t rv;
    char *state, *line;

    rv = em_view_read(&node, view, apr_pstrcat(p, list, ":", entry->arch,
                                               ".list", NULL), MAX_LIST, p);
    if (rv != APR_SUCCESS) {
        rv = em_view_read(&node, view, apr_pstrcat(p, list, ".list", NULL),
                          MAX_LIST, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    line = apr_strtok(apr_pstrdup(p, node->data), "\n", &state);
    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        if (line[0] == '/' && line[1] && strcmp(line, "/.") != 0) {
            take_file(found, line, conffiles, view, p);
        }
    }
    return APR_SUCCESS;
}

apr_status_t em_dpkg_owned(apr_array_header_t **powned,
                           const apr_array_header_t *list,
                           const em_view_t *view, em_result_t *res,
                           apr_pool_t *p)
{
    apr_array_header_t *entries;
    apr_status_t rv = em_dpkg_read(&entries, view, p);

    *powned = apr_array_make(p, 32, sizeof(em_owned_t *));
    for (int i = 0; rv == APR_SUCCESS && i < entries->nelts; i++) {
        const em_dpkg_entry_t *entry = APR_ARRAY_IDX(entries, i,
                                                     em_dpkg_entry_t *);

        if (em_package_in(list, entry->name)) {
            rv = take_list(*powned, entry, view, p);
        }
    }
    return rv == APR_SUCCESS
               ? rv : em_result_fail(res, rv, EM_EXIT_FAILED,
                                     "packages-unavailable",
                                     "cannot read the file lists of "
                                     "packages in " DPKG "/info: ");
}
