#include "package/deb.h"

#include <string.h>

#include <apr_strings.h>

/* The way back past apt, which does nothing with packages in pieces: what
 * came is purged, what went is installed from its files, what was unpacked
 * only gets configured. dpkg's scripts run as ever, and run again where they
 * were killed: Debian's policy asks that of them. */

static apr_status_t dpkg(const apr_array_header_t *words, em_log_t *log,
                         const char **pwords, apr_pool_t *p)
{
    apr_array_header_t *argv = em_argv(p, "dpkg", "--force-depends",
                                       "--force-conflicts",
                                       "--force-breaks",
                                       "--force-remove-reinstreq",
                                       "--force-remove-essential",
                                       "--force-downgrade",
                                       "--force-overwrite",
                                       "--force-confold",
                                       "--force-confmiss", NULL);
    em_exec_out_t *out;
    apr_status_t rv;

    apr_array_cat(argv, words);
    rv = em_manager_exec(&out, argv, EM_TO_THE_END, log, p);
    if (rv == APR_SUCCESS && out->exit_code != 0) {
        *pwords = apr_pstrcat(p, *pwords, **pwords ? "\n" : "",
                              em_exec_words(out, p), NULL);
    }
    return rv;
}

typedef enum { UNPACK, REMOVE, PURGE } what_t;

/* Of a package that came, be it only half: what to name to dpkg, or NULL.
 * UNPACK: the file of one that it was killed over while it unpacked it, as it
 * only knows what the package brought once that has come to its end.
 * REMOVE: one that had left configuration files before. */
static const char *word_for(what_t what, const em_dpkg_entry_t *entry,
                            const em_package_t *new)
{
    switch (what) {
    case UNPACK:
        return strcmp(entry->state, "half-installed") == 0 ? new->file : NULL;
    case REMOVE:
        return new->left && !em_dpkg_is_left(entry) ? new->name : NULL;
    case PURGE:
        break;
    }
    return new->left ? NULL : new->name;
}

/* Purge those of LIST (NULL: none) that are removed only. */
static apr_status_t purge_left(const apr_array_header_t *list,
                               const em_view_t *view, em_log_t *log,
                               const char **pwords, apr_pool_t *p)
{
    apr_array_header_t *argv = em_argv(p, "--purge", NULL), *entries;
    apr_status_t rv = list ? em_dpkg_read(&entries, view, p) : APR_SUCCESS;

    for (int i = 0; list && rv == APR_SUCCESS && i < entries->nelts; i++) {
        const em_dpkg_entry_t *entry = APR_ARRAY_IDX(entries, i,
                                                     em_dpkg_entry_t *);

        if (em_dpkg_is_left(entry) && em_package_in(list, entry->name)) {
            APR_ARRAY_PUSH(argv, const char *) = entry->name;
        }
    }
    return rv == APR_SUCCESS && argv->nelts > 1 ? dpkg(argv, log, pwords, p)
                                                : rv;
}

/* Do that with those that need it. */
static apr_status_t undo_new(what_t what, const em_transaction_t *txn,
                             const em_view_t *view, em_log_t *log,
                             const char **pwords, apr_pool_t *p)
{
    static const char *const options[] = {
        [UNPACK] = "--unpack", [REMOVE] = "--remove", [PURGE] = "--purge"
    };
    apr_array_header_t *argv = em_argv(p, options[what], NULL), *entries;
    apr_status_t rv = em_dpkg_read(&entries, view, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = 0; i < entries->nelts; i++) {
        const em_dpkg_entry_t *entry = APR_ARRAY_IDX(entries, i,
                                                     em_dpkg_entry_t *);
        const em_package_t *new = em_package_in(txn->install, entry->name);

        const char *word = new && !em_package_in(txn->remove, entry->name)
                               ? word_for(what, entry, new) : NULL;

        if (word) {
            APR_ARRAY_PUSH(argv, const char *) = word;
        }
    }
    return argv->nelts > 1 ? dpkg(argv, log, pwords, p) : APR_SUCCESS;
}

/* Is it there whole in its old version, and to stay? apt selects what it is
 * about to remove for removal first: what was killed then leaves packages
 * that look well and go with the next "apt-get dselect-upgrade". */
static int is_back(const em_package_t *old, const apr_array_header_t *now,
                   const apr_array_header_t *entries)
{
    const em_package_t *is = now ? em_package_in(now, old->name) : NULL;

    for (int i = 0; i < entries->nelts; i++) {
        const em_dpkg_entry_t *entry = APR_ARRAY_IDX(entries, i,
                                                     em_dpkg_entry_t *);

        if (entry->unwanted && strcmp(entry->name, old->name) == 0) {
            return 0;
        }
    }
    return is && is->installed && strcmp(is->version, old->version) == 0;
}

/* "--install FILE..." of all others. */
static apr_status_t to_install(apr_array_header_t **pargv,
                               const em_transaction_t *txn,
                               const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *argv = em_argv(p, "--install", NULL), *names, *now;
    apr_array_header_t *entries;
    apr_status_t rv = em_dpkg_read(&entries, view, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    names = apr_array_make(p, 8, sizeof(const char *));
    for (int i = 0; i < txn->remove->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *)
            = APR_ARRAY_IDX(txn->remove, i, em_package_t *)->name;
    }
    now = em_dpkg_versions(names, view, p);
    for (int i = 0; i < txn->remove->nelts; i++) {
        const em_package_t *old = APR_ARRAY_IDX(txn->remove, i,
                                                em_package_t *);

        if (old->file && !is_back(old, now, entries)) {
            APR_ARRAY_PUSH(argv, const char *) = old->file;
        }
    }
    *pargv = argv;
    return APR_SUCCESS;
}

apr_status_t em_dpkg_repair(const em_transaction_t *txn,
                            const em_view_t *view, em_log_t *log,
                            const char **pwords, apr_pool_t *p)
{
    apr_array_header_t *argv;
    apr_status_t rv = APR_SUCCESS;

    *pwords = "";
    for (what_t what = UNPACK; rv == APR_SUCCESS && what <= PURGE; what++) {
        rv = undo_new(what, txn, view, log, pwords, p);
    }
    if (rv == APR_SUCCESS) {
        rv = to_install(&argv, txn, view, p);
    }
    if (rv == APR_SUCCESS && argv->nelts > 1) {
        rv = dpkg(argv, log, pwords, p);
    }
    if (rv == APR_SUCCESS) {
        rv = purge_left(txn->leave, view, log, pwords, p);
    }
    if (rv != APR_SUCCESS) {
        *pwords = "dpkg cannot be run";
        return rv;
    }
    rv = em_dpkg_put_remains(txn->install, view, pwords, p);
    if (rv == APR_SUCCESS) {
        rv = em_dpkg_put_remains(txn->purge, view, pwords, p);
    }
    return rv == APR_SUCCESS
               ? dpkg(em_argv(p, "--configure", "-a", NULL), log, pwords, p)
               : rv;
}

apr_status_t em_dpkg_leave(const em_transaction_t *txn, const em_view_t *view,
                           em_log_t *log, const char **pwords, apr_pool_t *p)
{
    apr_array_header_t *purge = apr_array_make(p, 4, sizeof(em_package_t *));
    apr_status_t rv;

    for (int i = 0; i < txn->remove->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(txn->remove, i, em_package_t *);

        if (!one->left && !em_package_in(txn->install, one->name)) {
            APR_ARRAY_PUSH(purge, em_package_t *) = one;
        }
    }
    if (txn->purge) {
        apr_array_cat(purge, txn->purge);
    }
    rv = purge_left(purge, view, log, pwords, p);
    if (rv == APR_SUCCESS) {
        rv = em_dpkg_put_remains(txn->remove, view, pwords, p);
    }
    if (rv == APR_SUCCESS) {
        rv = em_dpkg_put_remains(txn->leave, view, pwords, p);
    }
    /* Of no selections: it only takes up what lies in updates/. */
    return rv == APR_SUCCESS
               ? dpkg(em_argv(p, "--set-selections", NULL), log, pwords, p)
               : rv;
}
