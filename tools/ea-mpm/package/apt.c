#include "package/deb.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>

/* apt as Ubuntu has it. A transaction is given to it as files and names to
 * purge, and without any source, so that nothing but these packages can
 * come. Purged, not removed: a configuration file that stays behind would
 * load a module that is gone. */

#define ASK_TIMEOUT apr_time_from_sec(300)

#define APT "/usr/bin/apt-get"
#define STATUS "/var/lib/dpkg/status"
#define ARCHIVES "/var/cache/apt/archives/"

/* An empty file where there is no dpkg but somebody's tool for it. */
static int is_here(const em_view_t *view, apr_pool_t *p)
{
    em_node_t *node;

    return em_view_exists(view, APT, p)
           && em_view_lstat(&node, view, STATUS, p) == APR_SUCCESS
           && node->kind == EM_NODE_FILE;
}

static int busy(const char **pcommand, const em_view_t *view, apr_pool_t *p)
{
    static const char *const locks[] = {
        "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock",
        "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock", NULL
    };
    static const char *const none[] = {NULL};

    return em_locks_busy(pcommand, view, none, locks, p);
}

/* ---- runs ---- */

/* "apt-get" with what holds for every transaction. --force-confold: an edited
 * file stays. */
static apr_array_header_t *apt_argv(apr_pool_t *p)
{
    return em_argv(p, "apt-get", "-y", "-q", "--no-install-recommends",
                   "--allow-downgrades",
                   "-o", "DPkg::Lock::Timeout=0",
                   "-o", "APT::Sandbox::User=root",
                   "-o", "APT::Get::AutomaticRemove=0",
                   "-o", "Dpkg::Use-Pty=0",
                   "-o", "Dpkg::Options::=--force-confold", NULL);
}

/* No source, and nothing kept of a cache that was made without them. */
static void push_offline(apr_array_header_t *argv)
{
    static const char *const options[] = {
        "Dir::Etc::sourcelist=/dev/null", "Dir::Etc::sourceparts=/dev/null",
        "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=", NULL
    };

    for (int i = 0; options[i]; i++) {
        em_argv_add(argv, "-o");
        em_argv_add(argv, options[i]);
    }
}

static const char *exact(const em_package_t *package, apr_pool_t *p)
{
    return apr_pstrcat(p, package->name, "=", package->version, NULL);
}

/* "install FILE... NAME-..." of what comes and goes; with KNOWN only what it
 * has goes: apt refuses a name that it never heard of. */
static void push_lists(apr_array_header_t *argv,
                       const apr_array_header_t *comes,
                       const apr_array_header_t *goes, apr_hash_t *known,
                       apr_pool_t *p)
{
    em_argv_add(argv, "install");
    for (int i = 0; i < comes->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(comes, i, em_package_t *);

        em_argv_add(argv, one->file ? one->file : exact(one, p));
    }
    for (int i = 0; i < goes->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(goes, i, em_package_t *);

        if (!em_package_in(comes, one->name)
            && (!known || apr_hash_get(known, one->name,
                                       APR_HASH_KEY_STRING))) {
            em_argv_add(argv, apr_pstrcat(p, one->name, "-", NULL));
        }
    }
}

static int has_files(const apr_array_header_t *list)
{
    for (int i = 0; i < list->nelts; i++) {
        if (!APR_ARRAY_IDX(list, i, em_package_t *)->file) {
            return 0;
        }
    }
    return 1;
}

/* What dpkg knows, by name; one that left configuration files as well. */
static apr_hash_t *known_names(const em_view_t *view, apr_pool_t *p)
{
    apr_hash_t *known = apr_hash_make(p);
    apr_array_header_t *entries;

    if (em_dpkg_read(&entries, view, p) == APR_SUCCESS) {
        for (int i = 0; i < entries->nelts; i++) {
            const em_dpkg_entry_t *entry = APR_ARRAY_IDX(entries, i,
                                                         em_dpkg_entry_t *);

            apr_hash_set(known, entry->name, APR_HASH_KEY_STRING, entry);
        }
    }
    return known;
}

/* ---- what is available ---- */

/* Every version of all names with PREFIX, out of the lists that the last
 * "apt-get update" brought. One that only dpkg's status has is none. */
static apr_status_t read_available(apr_hash_t *available,
                                   const em_view_t *view, const char *prefix,
                                   em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *argv = em_argv(p, "apt-cache", "show", "-a", NULL);
    char *state, *name;
    apr_hash_t *known = known_names(view, p);
    em_stanza_t stanza;
    em_exec_out_t *out;
    apr_status_t rv = em_manager_needs_host(view, "apt", res);
    const char *at;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_manager_exec(&out, em_argv(p, "apt-cache", "pkgnames", prefix,
                                       NULL), ASK_TIMEOUT, NULL, p);
    if (rv != APR_SUCCESS || out->exit_code != 0) {
        return em_manager_unavailable(res, rv, "apt-cache", out,
                                      "cannot list what is available", p);
    }
    name = apr_strtok(apr_pstrdup(p, out->out), "\n", &state);
    if (!name) {
        return APR_SUCCESS;
    }
    for (; name; name = apr_strtok(NULL, "\n", &state)) {
        em_argv_add(argv, name);
    }
    rv = em_manager_exec(&out, argv, ASK_TIMEOUT, NULL, p);
    if (rv != APR_SUCCESS || out->exit_code != 0 || out->truncated) {
        return em_manager_unavailable(res, rv, "apt-cache", out,
                                      "cannot show what is available", p);
    }
    at = out->out;
    while (em_stanza_next(&stanza, &at, out->out + out->out_len)) {
        em_package_t *package = em_stanza_value(&stanza, "Status", p)
                                    ? NULL : em_deb_package(&stanza, p);

        if (package) {
            const em_dpkg_entry_t *entry = apr_hash_get(
                known, package->name, APR_HASH_KEY_STRING);

            package->left = entry && em_dpkg_is_left(entry);
            em_package_offer(available, package, p);
        }
    }
    return APR_SUCCESS;
}

/* ---- downloads ---- */

/* name_1%3a2.4-1_amd64.deb */
static const char *file_name(const em_package_t *package, apr_pool_t *p)
{
    const char *colon = strchr(package->version, ':');
    const char *version = package->version;

    if (colon) {
        version = apr_pstrcat(p, apr_pstrmemdup(
            p, version, (apr_size_t)(colon - version)), "%3a", colon + 1,
            NULL);
    }
    return apr_pstrcat(p, package->name, "_", version, "_", package->arch,
                       ".deb", NULL);
}

/* What apt still has from an earlier download, of a version that is offered
 * no more. */
static int take_cached(const em_package_t *package, const em_view_t *view,
                       const char *dir, apr_pool_t *p)
{
    const char *name = file_name(package, p);
    const char *cached = em_view_outside(
        view, apr_pstrcat(p, ARCHIVES, name, NULL), p);
    const em_package_t *is = access(cached, R_OK) == 0
                                 ? em_deb_identify(cached, p) : NULL;

    return is && strcmp(is->version, package->version) == 0
           && apr_file_copy(cached, apr_pstrcat(p, dir, "/", name, NULL),
                            APR_FPROT_UREAD | APR_FPROT_UWRITE
                                | APR_FPROT_GREAD | APR_FPROT_WREAD, p)
                  == APR_SUCCESS;
}

/* "apt-get download" writes to where it is. */
static apr_status_t download(em_exec_out_t **pout,
                             const apr_array_header_t *list, const char *dir,
                             apr_pool_t *p)
{
    apr_array_header_t *argv = em_argv(p, "env", "-C", dir, "apt-get", "-q",
                                       "-o", "APT::Sandbox::User=root",
                                       "download", NULL);

    for (int i = 0; i < list->nelts; i++) {
        em_argv_add(argv, exact(APR_ARRAY_IDX(list, i, em_package_t *), p));
    }
    return em_manager_exec(pout, argv, ASK_TIMEOUT, NULL, p);
}

/* No source has this version. */
static int is_gone(const em_exec_out_t *out)
{
    return strstr(out->err, "was not found")
           || strstr(out->err, "Can't find a source");
}

/* One that is not to be had stops them all, so this is for one alone. Where
 * an installed one is gone, the caller sees what is missing. */
static apr_status_t fetch_one(em_package_t *package, const em_view_t *view,
                              const char *dir, em_result_t *res,
                              apr_pool_t *p)
{
    apr_array_header_t *one = apr_array_make(p, 1, sizeof(em_package_t *));
    em_exec_out_t *out;
    apr_status_t rv;

    APR_ARRAY_PUSH(one, em_package_t *) = package;
    rv = download(&out, one, dir, p);
    if (rv == APR_SUCCESS && out->exit_code == 0) {
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS || !package->installed || !is_gone(out)) {
        return em_manager_unavailable(res, rv, "apt-get", out,
                                      "cannot download", p);
    }
    (void)take_cached(package, view, dir, p);
    return APR_SUCCESS;
}

/* All by apt, which looks at signatures and into its cache: to skip it for a
 * file that lies there would be to take that unseen. */
static apr_status_t fetch(const em_transaction_t *txn,
                          const apr_array_header_t *list,
                          const em_view_t *view, const char *dir,
                          em_result_t *res, apr_pool_t *p)
{
    em_exec_out_t *out;
    apr_status_t rv = download(&out, list, dir, p);

    (void)txn;
    if (rv != APR_SUCCESS) {
        return em_manager_unavailable(res, rv, "apt-get", out, "", p);
    }
    for (int i = 0; rv == APR_SUCCESS && out->exit_code != 0
                    && i < list->nelts; i++) {
        rv = fetch_one(APR_ARRAY_IDX(list, i, em_package_t *), view, dir,
                       res, p);
    }
    return rv;
}

/* ---- the transaction ---- */

/* What apt would remove of LIST, with what it does not tell about packages
 * that we know; what is only to be purged is none of it. */
static apr_array_header_t *ours_of(const apr_array_header_t *list,
                                   const em_transaction_t *txn,
                                   apr_pool_t *p)
{
    apr_array_header_t *removed = apr_array_make(p, 8,
                                                 sizeof(em_package_t *));

    for (int i = 0; i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);
        const em_package_t *ours = em_package_in(txn->remove, one->name);

        if (ours) {
            one->arch = ours->arch;
        }
        if (!txn->purge || !em_package_in(txn->purge, one->name)) {
            APR_ARRAY_PUSH(removed, em_package_t *) = one;
        }
    }
    return removed;
}

/* All that shall be gone afterwards. */
static const apr_array_header_t *going(const em_transaction_t *txn,
                                       apr_pool_t *p)
{
    return txn->purge ? apr_array_append(p, txn->remove, txn->purge)
                      : txn->remove;
}

static apr_status_t dry_run(em_transaction_t **pits, const char **pwords,
                            const em_transaction_t *txn,
                            const em_view_t *view, em_result_t *res,
                            apr_pool_t *p)
{
    apr_array_header_t *argv = apt_argv(p);
    em_exec_out_t *out;
    apr_status_t rv;

    (void)view;
    em_argv_add(argv, "-s");
    em_argv_add(argv, "--purge");
    if (has_files(txn->install)) {
        push_offline(argv);
    }
    push_lists(argv, txn->install, going(txn, p), NULL, p);
    rv = em_manager_exec(&out, argv, ASK_TIMEOUT, NULL, p);
    if (rv != APR_SUCCESS || !out->exited) {
        return em_manager_unavailable(res, rv, "apt-get", out,
                                      "does not judge the transaction", p);
    }
    *pwords = em_exec_words(out, p);
    *pits = out->exit_code == 0 ? em_apt_simulation(out->out, p) : NULL;
    if (*pits) {
        (*pits)->remove = ours_of((*pits)->remove, txn, p);
    }
    return APR_SUCCESS;
}

/* Does one of them come back to configuration files that it left? To dpkg,
 * one of these that is gone was deleted by the admin, who may have had to,
 * and it would not bring it back. */
static int comes_back(const apr_array_header_t *comes, apr_hash_t *known)
{
    for (int i = 0; i < comes->nelts; i++) {
        const em_dpkg_entry_t *entry = apr_hash_get(
            known, APR_ARRAY_IDX(comes, i, em_package_t *)->name,
            APR_HASH_KEY_STRING);

        if (entry && em_dpkg_is_left(entry)) {
            return 1;
        }
    }
    return 0;
}

/* Is there any that leaves its configuration files? */
static int leaves(const em_transaction_t *txn)
{
    for (int i = 0; i < txn->remove->nelts; i++) {
        if (APR_ARRAY_IDX(txn->remove, i, em_package_t *)->left) {
            return 1;
        }
    }
    return txn->leave != NULL;
}

static apr_status_t run(const em_transaction_t *txn, int back,
                        const em_view_t *view, em_log_t *log,
                        const char **pwords, apr_pool_t *p)
{
    const apr_array_header_t *comes = back ? txn->remove : txn->install;
    const apr_array_header_t *goes = back ? txn->install : going(txn, p);
    apr_hash_t *known = known_names(view, p);
    apr_array_header_t *argv = apt_argv(p);
    em_exec_out_t *out;
    apr_status_t rv;

    for (int i = 0; back && i < goes->nelts; i++) {
        if (APR_ARRAY_IDX(goes, i, em_package_t *)->left) {
            return em_dpkg_repair(txn, view, log, pwords, p);
        }
    }
    if (back || !leaves(txn)) {
        em_argv_add(argv, "--purge");
    }
    push_offline(argv);
    if (comes_back(comes, known)) {
        em_argv_add(argv, "-o");
        em_argv_add(argv, "Dpkg::Options::=--force-confmiss");
    }
    push_lists(argv, comes, goes, known, p);
    rv = em_manager_exec(&out, argv, EM_TO_THE_END, log, p);
    *pwords = rv == APR_SUCCESS ? em_exec_words(out, p)
                                : "apt-get cannot be run";
    return rv == APR_SUCCESS && out->exit_code == 0 && !back && leaves(txn)
               ? em_dpkg_leave(txn, view, log, pwords, p) : rv;
}

/* ---- marks ---- */

static apr_status_t set_mark(const apr_array_header_t *list, em_mark_t mark,
                             const em_view_t *view, em_log_t *log,
                             const char **pwords, apr_pool_t *p)
{
    apr_array_header_t *argv = em_argv(
        p, "apt-mark", mark == EM_MARK_AUTO ? "auto" : "manual", NULL);
    em_exec_out_t *out;
    apr_status_t rv;

    (void)view;
    for (int i = 0; i < list->nelts; i++) {
        em_argv_add(argv, APR_ARRAY_IDX(list, i, em_package_t *)->name);
    }
    rv = em_manager_exec(&out, argv, EM_TO_THE_END, log, p);
    *pwords = rv == APR_SUCCESS ? em_exec_words(out, p)
                                : "apt-mark cannot be run";
    return rv == APR_SUCCESS && out->exit_code != 0 ? APR_EGENERAL : rv;
}

const em_manager_t em_manager_apt = {
    .name = "apt", .upgrade = "apt upgrade", .is_here = is_here,
    .compare = em_deb_compare, .bare = 0, .busy = busy,
    .read_installed = em_dpkg_read_installed,
    .read_available = read_available, .read_left = em_dpkg_read_left,
    .read_remains = em_dpkg_read_remains,
    .dry_run = dry_run, .fetch = fetch, .identify = em_deb_identify,
    .suffix = ".deb", .unpack = em_deb_unpack,
    .owned = em_dpkg_owned, .saved = NULL, .news = ".dpkg-dist",
    .run = run, .repair = em_dpkg_repair, .versions = em_dpkg_versions,
    .read_marks = em_apt_read_marks, .set_mark = set_mark,
    .mark_by = {[EM_MARK_MANUAL] = "apt-mark manual",
                [EM_MARK_AUTO] = "apt-mark auto"},
};
