#include "package/rpm_db.h"
#include "package/zypp.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "base/scratch.h"
#include "package/rpm.h"

/* zypper as openSUSE and SUSE Linux Enterprise have it. It has no shell like
 * dnf's, but one "install" takes a whole transaction: files that come and
 * "!NAME" for what goes. The directory of repositories is an empty one then,
 * so that nothing but these packages can come, and its solver may not force
 * anything, so that it asks where more would have to go, and asking is the
 * end of a run that nobody watches.
 *
 * zypper carries it out, rather than rpm from the same files: its history,
 * its locks (zypper addlock), its snapshots and its check for conflicting
 * files belong to a change of packages on such a system. rpm itself is for
 * the way back from a zypper that was killed. */

#define ASK_TIMEOUT apr_time_from_sec(300)      /* metadata may be loaded */

#define ZYPPER "/usr/bin/zypper"
#define REPOSITORIES "/etc/zypp/repos.d"

int em_zypp_is_here(const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *names;

    if (!em_view_exists(view, ZYPPER, p) || !em_rpm_database(view, p)
        || em_view_list(&names, view, REPOSITORIES, p) != APR_SUCCESS) {
        return 0;
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        apr_size_t len = strlen(name);

        if (len > 5 && strcmp(name + len - 5, ".repo") == 0) {
            return 1;
        }
    }
    return 0;
}

static int busy(const char **pcommand, const em_view_t *view, apr_pool_t *p)
{
    static const char *const pids[] = {
        "/run/zypp.pid", "/var/run/zypp.pid", NULL
    };
    static const char *const locks[] = {EM_RPM_LOCKS, NULL};

    return em_locks_busy(pcommand, view, pids, locks, p);
}

/* ---- runs ---- */

static apr_array_header_t *argv_of(apr_pool_t *p)
{
    return em_argv(p, "zypper", "--non-interactive", "--userdata", "ea-mpm",
                   NULL);
}

/* What zypper means to say in XML, the rest is progress. */
static const char *words_of(const em_exec_out_t *out, apr_pool_t *p)
{
    const char *words = em_zypp_words(out->out, p);

    return *words ? words : em_exec_words(out, p);
}

static apr_status_t unavailable(em_result_t *res, apr_status_t rv,
                                const em_exec_out_t *out, const char *what,
                                apr_pool_t *p)
{
    em_exec_out_t said = {.err = ""};

    if (rv == APR_SUCCESS) {
        said.out = (char *)words_of(out, p);
        said.timed_out = out->timed_out;
    }
    return em_manager_unavailable(res, rv, "zypper", &said, what, p);
}

/* ---- downloads ---- */

/* Download into DIR what WORDS say; *PFILES is what came. Where it is nothing
 * for a failure, once more with the metadata that is cached: the network may
 * be gone, and the packages lie on a disk. */
static apr_status_t download(apr_array_header_t **pfiles,
                             em_exec_out_t **pout, const char *dir,
                             const apr_array_header_t *words, apr_pool_t *p)
{
    apr_status_t rv = APR_SUCCESS;

    for (int again = 0; rv == APR_SUCCESS && again < 2; again++) {
        apr_array_header_t *argv = argv_of(p);

        em_argv_add(argv, "--xmlout");
        em_argv_add(argv, "--pkg-cache-dir");
        em_argv_add(argv, dir);
        if (again) {
            em_argv_add(argv, "--no-refresh");
        }
        em_argv_add(argv, "download");
        apr_array_cat(argv, words);
        rv = em_manager_exec(pout, argv, ASK_TIMEOUT, NULL, p);
        if (rv == APR_SUCCESS) {
            *pfiles = em_zypp_files((*pout)->out, p);
            if ((*pfiles && (*pfiles)->nelts > 0)
                || (*pout)->exit_code == 0) {
                break;
            }
        }
    }
    return rv;
}

/* Nothing came, for there is nothing of that name; a package that zypper does
 * not trust ends with 0 as well. */
static int is_unknown(const em_exec_out_t *out, apr_pool_t *p)
{
    return out->exit_code == 0
           && strstr(em_zypp_words(out->out, p), "resolves to no package");
}

/* Every version of the one package that NAME is. zypper tells people, and not
 * programs, what a package requires; so they are downloaded, a program or two
 * each, and rpm reads it out of them. */
static apr_status_t read_available(apr_hash_t *available,
                                   const em_view_t *view, const char *name,
                                   em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *files = NULL;
    em_exec_out_t *out = NULL;
    apr_status_t rv = em_manager_needs_host(view, "zypper", res);
    const char *dir;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_scratch_make(&dir, p);
    if (rv == APR_SUCCESS) {
        rv = download(&files, &out, dir,
                      em_argv(p, "--all-matches", name, NULL), p);
    }
    if (rv != APR_SUCCESS || !files
        || (files->nelts == 0 && !is_unknown(out, p))) {
        return unavailable(res, rv, out, "cannot download what is available",
                           p);
    }
    for (int i = 0; i < files->nelts; i++) {
        const char *file = APR_ARRAY_IDX(files, i, const char *);
        em_package_t *package = em_rpm_identify(file, p);

        if (package && strcmp(package->name, name) == 0) {
            package->file = file;
            em_package_offer(available, package, p);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t fetch(const em_transaction_t *txn,
                          const apr_array_header_t *list,
                          const em_view_t *view, const char *dir,
                          em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *words = em_argv(p, NULL), *files = NULL;
    em_exec_out_t *out = NULL;
    const char *cache;
    apr_status_t rv = em_scratch_make(&cache, p);

    (void)txn;
    (void)view;
    for (int i = 0; i < list->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        em_argv_add(words, apr_pstrcat(p, one->name, ".", one->arch, "=",
                                       one->version, NULL));
    }
    if (rv == APR_SUCCESS) {
        rv = download(&files, &out, cache, words, p);
    }
    if (rv != APR_SUCCESS || !files) {
        return unavailable(res, rv, out, "cannot download", p);
    }
    for (int i = 0; i < files->nelts; i++) {
        const char *file = APR_ARRAY_IDX(files, i, const char *);

        (void)apr_file_rename(file, apr_pstrcat(p, dir, strrchr(file, '/'),
                                                NULL), p);
    }
    return APR_SUCCESS;         /* the caller looks what is there */
}

/* ---- the transaction ---- */

/* Signatures were checked when the packages were downloaded, as the system's
 * configuration wants it; from then on digests tell that they are the same. */
static apr_status_t install(em_exec_out_t **pout,
                            const apr_array_header_t *comes,
                            const apr_array_header_t *goes, int dry,
                            em_log_t *log, apr_pool_t *p)
{
    apr_array_header_t *argv = argv_of(p);
    const char *none;
    apr_status_t rv = em_scratch_make(&none, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (dry) {
        em_argv_add(argv, "--xmlout");
    }
    apr_array_cat(argv, em_argv(p, "--reposd-dir", none, "--no-refresh",
                                "--no-gpg-checks", "install", "--details",
                                "--no-recommends", "--no-force-resolution",
                                "--oldpackage", "--allow-unsigned-rpm",
                                NULL));
    if (dry) {
        em_argv_add(argv, "--dry-run");
    }
    for (int i = 0; i < comes->nelts; i++) {
        em_argv_add(argv, APR_ARRAY_IDX(comes, i, em_package_t *)->file);
    }
    for (int i = 0; i < goes->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(goes, i, em_package_t *);

        if (!em_package_in(comes, one->name)) {
            em_argv_add(argv, apr_pstrcat(p, "!", one->name, NULL));
        }
    }
    return em_manager_exec(pout, argv, dry ? ASK_TIMEOUT : EM_TO_THE_END,
                           log, p);
}

static apr_status_t dry_run(em_transaction_t **pits, const char **pwords,
                            const em_transaction_t *txn,
                            const em_view_t *view, em_result_t *res,
                            apr_pool_t *p)
{
    em_exec_out_t *out = NULL;
    apr_status_t rv = install(&out, txn->install, txn->remove, 1, NULL, p);

    (void)view;
    if (rv != APR_SUCCESS || !out->exited) {
        return unavailable(res, rv, out, "does not judge the transaction",
                           p);
    }
    *pits = em_zypp_summary(out->out, p);
    *pwords = words_of(out, p);
    return APR_SUCCESS;
}

static apr_status_t run(const em_transaction_t *txn, int back,
                        const em_view_t *view, em_log_t *log,
                        const char **pwords, apr_pool_t *p)
{
    em_exec_out_t *out;
    apr_status_t rv = install(&out, back ? txn->remove : txn->install,
                              back ? txn->install : txn->remove, 0, log, p);

    (void)view;
    *pwords = rv == APR_SUCCESS ? em_exec_words(out, p)
                                : "zypper cannot be run";
    /* Of one that was killed the rpm goes on that it had started. */
    return rv == APR_SUCCESS && !out->exited ? APR_INCOMPLETE : rv;
}

const em_manager_t em_manager_zypper = {
    EM_RPM_PARTS, .name = "zypper", .upgrade = "zypper update",
    .is_here = em_zypp_is_here, .busy = busy, .read_available = read_available,
    .dry_run = dry_run, .fetch = fetch, .run = run,
};
