#include "package/rpm_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/scratch.h"
#include "package/dnf.h"
#include "package/listing.h"
#include "package/rpm.h"

/* dnf 4, as EL 8 to 10 have it, under that name or that of yum. Its shell
 * takes a whole transaction at once, in explicit lists; what it is given are
 * files that are there, and no repository, so that nothing but these packages
 * can come. */

#define ASK_TIMEOUT apr_time_from_sec(300)      /* metadata may be loaded */

static int is_here(const em_view_t *view, apr_pool_t *p)
{
    const char *program = em_dnf_program(view, p);

    return program && strcmp(program, "dnf") == 0 && em_rpm_database(view, p);
}

static int is_here_as_yum(const em_view_t *view, apr_pool_t *p)
{
    const char *program = em_dnf_program(view, p);

    return program && strcmp(program, "yum") == 0 && em_rpm_database(view, p);
}

/* ---- who is at work ---- */

static int busy(const char **pcommand, const em_view_t *view, apr_pool_t *p)
{
    static const char *const pids[] = {
        "/var/lib/dnf/rpmdb_lock.pid", "/var/cache/dnf/metadata_lock.pid",
        "/var/cache/dnf/download_lock.pid", "/run/yum.pid", NULL
    };
    static const char *const locks[] = {
        EM_RPM_LOCKS, "/run/dnf/rpmtransaction.lock", NULL
    };

    return em_locks_busy(pcommand, view, pids, locks, p);
}

/* ---- runs ---- */

/* Without -y: what only asks and downloads must import no key into the rpm
 * database, which -y does unasked. */
static apr_array_header_t *argv_of(const em_view_t *view, apr_pool_t *p)
{
    return em_argv(p, em_dnf_program(view, p), "--color=never",
                   "--setopt=exit_on_lock=1", "--setopt=assumeyes=0",
                   "--setopt=install_weak_deps=0",
                   "--setopt=clean_requirements_on_remove=0", NULL);
}

/* "Is this ok [Y/n]" goes without saying, and it ends before a transaction;
 * signatures are checked as for one. */
static apr_array_header_t *download_argv(const em_view_t *view,
                                         apr_pool_t *p)
{
    apr_array_header_t *argv = argv_of(view, p);

    em_argv_add(argv, "--setopt=defaultyes=1");
    em_argv_add(argv, "--downloadonly");
    return argv;
}

/* Run what ARGV says; where that fails, once more with the metadata that is
 * cached: the network may be gone. */
static apr_status_t online(em_exec_out_t **pout, apr_array_header_t *argv,
                           apr_pool_t *p)
{
    apr_status_t rv = em_manager_exec(pout, argv, ASK_TIMEOUT, NULL, p);

    if (rv == APR_SUCCESS && (*pout)->exit_code != 0) {
        em_exec_out_t *again;

        em_argv_add(argv, "--cacheonly");
        if (em_manager_exec(&again, argv, ASK_TIMEOUT, NULL, p)
            == APR_SUCCESS && again->exit_code == 0) {
            *pout = again;
        }
    }
    return rv;
}

/* Asks for all that is offered, in any version. yum 3 has repoquery for it,
 * of yum-utils; what dnf 4 is asked here dnf 5 knows, too. */
static apr_array_header_t *query_argv(const char *foreign,
                                      const em_view_t *view,
                                      const char *prefix, apr_pool_t *p)
{
    apr_array_header_t *argv
        = em_foreign_is_yum(foreign)
              ? em_argv(p, "repoquery", "--show-duplicates", NULL)
          : foreign ? em_argv(p, em_dnf_program(view, p), "-q", "repoquery",
                              "--available", NULL)
                    : argv_of(view, p);

    if (!foreign) {
        em_argv_add(argv, "-q");
        em_argv_add(argv, "repoquery");
        em_argv_add(argv, "--available");
    }
    em_argv_add(argv, "--qf");
    em_argv_add(argv, "P\t%{name}\t%{epoch}:%{version}-%{release}\t%{arch}\n"
               "p\t%{provides}\nr\t%{requires}\nc\t%{conflicts}\n");
    em_argv_add(argv, apr_pstrcat(p, prefix, "*", NULL));
    return argv;
}

static apr_status_t read_available(apr_hash_t *available,
                                   const em_view_t *view, const char *prefix,
                                   em_result_t *res, apr_pool_t *p)
{
    const char *foreign;
    apr_array_header_t *argv, *list;
    em_exec_out_t *out;
    apr_status_t rv = em_manager_needs_host(view, "dnf", res);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    foreign = em_dnf_foreign(view, p);
    argv = query_argv(foreign, view, prefix, p);
    rv = online(&out, argv, p);
    if (rv != APR_SUCCESS || out->exit_code != 0 || out->truncated) {
        if (em_foreign_is_yum(foreign)) {
            em_result_hint(res, "yum install yum-utils");
        }
        return em_manager_unavailable(res, rv,
                                      APR_ARRAY_IDX(argv, 0, const char *),
                                      out, "cannot list what is available",
                                      p);
    }
    list = em_listing_packages(out->out, 0, p);
    for (int i = 0; i < list->nelts; i++) {
        em_package_offer(available, APR_ARRAY_IDX(list, i, em_package_t *),
                         p);
    }
    return APR_SUCCESS;
}

/* ---- scripts ---- */

/* Files must all be in one line, and the first: dnf adds none later. An
 * upgrade or a downgrade is the "install" of another version. */
static const char *script_for(const apr_array_header_t *comes,
                              const apr_array_header_t *goes, apr_pool_t *p)
{
    const char *install = "", *remove = "";

    for (int i = 0; i < comes->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(comes, i, em_package_t *);

        install = apr_pstrcat(p, install, " ",
                              one->file ? one->file : em_rpm_full(one, p),
                              NULL);
    }
    for (int i = 0; i < goes->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(goes, i, em_package_t *);

        if (!em_package_in(comes, one->name)) {
            remove = apr_pstrcat(p, remove, " ", em_rpm_full(one, p), NULL);
        }
    }
    return apr_pstrcat(p, *install ? "install" : "", install, "\n",
                       *remove ? "remove" : "", remove, "\nrun\n", NULL);
}

/* What comes as somebody's dependency is marked so by the same dnf: to start
 * it takes longer than all the marks. */
static const char *marks_for(const apr_array_header_t *comes, apr_pool_t *p)
{
    const char *names = "";

    for (int i = 0; i < comes->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(comes, i, em_package_t *);

        if (one->mark == EM_MARK_AUTO) {
            names = apr_pstrcat(p, names, " ", one->name, NULL);
        }
    }
    return *names ? apr_pstrcat(p, "mark remove", names, "\n", NULL) : "";
}

/* When a line of its shell fails, dnf goes on with the next; so that nothing
 * else than GOES can ever go, the rest of the packages are protected ones. */
static const char *protection(const apr_array_header_t *goes,
                              const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *names = em_rpm_names(view, p);
    const char **list;
    int n = 0;

    if (!names) {
        return NULL;
    }
    list = (const char **)names->elts;
    for (int i = 0; i < names->nelts; i++) {
        if (!em_package_in(goes, list[i])) {
            list[n++] = list[i];
        }
    }
    names->nelts = n;
    return apr_pstrcat(p, "--setopt=protected_packages=",
                       apr_array_pstrcat(p, names, ','), NULL);
}

static apr_status_t write_script(const char *path, const char *text)
{
    apr_size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    apr_status_t rv = APR_SUCCESS;

    errno = 0;
    if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
        rv = APR_FROM_OS_ERROR(errno ? errno : ENOSPC);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rv;
}

/* Run dnf's shell over TEXT; ARGV has the options. */
static apr_status_t shell(em_exec_out_t **pout, apr_array_header_t *argv,
                          const char *text, apr_interval_time_t timeout,
                          em_log_t *log, apr_pool_t *p)
{
    const char *dir, *path;
    apr_pool_t *own;            /* ends the directory */
    apr_status_t rv = apr_pool_create(&own, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = em_scratch_make(&dir, own);
    if (rv == APR_SUCCESS) {
        path = apr_pstrcat(p, dir, "/script", NULL);
        rv = write_script(path, text);
        em_argv_add(argv, "shell");
        em_argv_add(argv, path);
    }
    if (rv == APR_SUCCESS) {
        rv = em_manager_exec(pout, argv, timeout, log, p);
    }
    apr_pool_destroy(own);
    return rv;
}

/* As a download of what is there already: so dnf also says whether it would
 * take these files (localpkg_gpgcheck). */
static apr_status_t dry_run(em_transaction_t **pits, const char **pwords,
                            const em_transaction_t *txn,
                            const em_view_t *view, em_result_t *res,
                            apr_pool_t *p)
{
    apr_array_header_t *argv = download_argv(view, p);
    em_exec_out_t *out;
    apr_status_t rv;

    em_argv_add(argv, "--disablerepo=*");
    rv = shell(&out, argv, script_for(txn->install, txn->remove, p),
               ASK_TIMEOUT, NULL, p);
    if (rv != APR_SUCCESS || !out->exited) {
        return em_manager_unavailable(res, rv, txn->manager, out,
                                      "does not judge the transaction", p);
    }
    *pits = strstr(out->err, "Error") ? NULL : em_listing_table(out->out, p);
    *pwords = em_exec_words(out, p);
    return APR_SUCCESS;
}

/* ---- downloads ---- */

static apr_array_header_t *into_argv(const char *dir, const em_view_t *view,
                                     apr_pool_t *p)
{
    apr_array_header_t *argv = download_argv(view, p);

    em_argv_add(argv, apr_pstrcat(p, "--downloaddir=", dir, NULL));
    return argv;
}

/* Those of TXN's install list that LIST has. dnf only downloads a transaction
 * that would work, so it is the whole one. */
static apr_status_t fetch_new(em_exec_out_t **pout,
                              const em_transaction_t *txn,
                              const em_view_t *view, const char *dir,
                              apr_pool_t *p)
{
    const char *script = script_for(txn->install, txn->remove, p);
    apr_status_t rv = shell(pout, into_argv(dir, view, p), script, ASK_TIMEOUT,
                            NULL, p);

    if (rv == APR_SUCCESS && strstr((*pout)->err, "Error")) {
        apr_array_header_t *argv = into_argv(dir, view, p);
        em_exec_out_t *again;

        em_argv_add(argv, "--cacheonly");
        if (shell(&again, argv, script, ASK_TIMEOUT, NULL, p) == APR_SUCCESS
            && !strstr(again->err, "Error")) {
            *pout = again;
        }
    }
    return rv;
}

static apr_status_t fetch_old(em_exec_out_t **pout,
                              const apr_array_header_t *list,
                              const em_view_t *view, const char *dir,
                              apr_pool_t *p)
{
    apr_array_header_t *argv = into_argv(dir, view, p);

    em_argv_add(argv, "reinstall");
    for (int i = 0; i < list->nelts; i++) {
        em_argv_add(argv, em_rpm_full(APR_ARRAY_IDX(list, i, em_package_t *),
                                      p));
    }
    return online(pout, argv, p);
}

/* dnf downloads first and looks at signatures then: where it complains, what
 * lies in DIR is not to be used. */
static apr_status_t refused(em_result_t *res, apr_status_t rv,
                            const em_exec_out_t *out, const char *program,
                            apr_pool_t *p)
{
    if (rv == APR_SUCCESS && strstr(out->err, "automatically import keys")) {
        em_result_hint(res, "they are signed with a key that rpm does not "
                       "know. Where you trust it, import what the "
                       "repository's gpgkey= names: rpm --import KEY");
    }
    return em_manager_unavailable(res, rv, program, out, "cannot download",
                                  p);
}

static apr_status_t fetch(const em_transaction_t *txn,
                          const apr_array_header_t *list,
                          const em_view_t *view, const char *dir,
                          em_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *old = apr_array_make(p, 8, sizeof(em_package_t *));
    em_exec_out_t *out = NULL;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        if (one->installed) {
            APR_ARRAY_PUSH(old, em_package_t *) = one;
        }
    }
    if (old->nelts < list->nelts) {
        rv = fetch_new(&out, txn, view, dir, p);
        if (rv != APR_SUCCESS || strstr(out->err, "Error")) {
            return refused(res, rv, out, txn->manager, p);
        }
    }
    if (old->nelts) {
        rv = fetch_old(&out, old, view, dir, p);
        /* None of them is offered any more: the caller says so. */
        if (rv != APR_SUCCESS
            || (out->exit_code != 0
                && !strstr(out->err, "No packages marked for reinstall"))) {
            return refused(res, rv, out, txn->manager, p);
        }
    }
    return APR_SUCCESS;
}

/* ---- the transaction ---- */

static apr_status_t run(const em_transaction_t *txn, int back,
                        const em_view_t *view, em_log_t *log,
                        const char **pwords, apr_pool_t *p)
{
    const apr_array_header_t *comes = back ? txn->remove : txn->install;
    const apr_array_header_t *goes = back ? txn->install : txn->remove;
    const char *protect = protection(goes, view, p);
    apr_array_header_t *argv = argv_of(view, p);
    em_exec_out_t *out;
    apr_status_t rv;

    if (!protect) {
        *pwords = "the rpm database cannot be read";
        return APR_EGENERAL;
    }
    em_argv_add(argv, "--setopt=assumeyes=1");
    em_argv_add(argv, "--disablerepo=*");
    em_argv_add(argv, protect);
    rv = shell(&out, argv, apr_pstrcat(p, script_for(comes, goes, p),
                                       marks_for(comes, p), NULL),
               EM_TO_THE_END, log, p);
    *pwords = rv == APR_SUCCESS ? em_exec_words(out, p)
                                : "dnf cannot be run";
    return rv;
}

#define SHARED \
    EM_RPM_PARTS, .foreign = em_dnf_foreign, .busy = busy, \
    .read_available = read_available, .dry_run = dry_run, .fetch = fetch, \
    .run = run, .read_marks = em_dnf_read_marks, .set_mark = em_dnf_set_mark

const em_manager_t em_manager_dnf = {
    .name = "dnf", .upgrade = "dnf upgrade", .is_here = is_here, SHARED,
    .mark_by = {[EM_MARK_MANUAL] = "dnf mark install",
                [EM_MARK_AUTO] = "dnf mark remove"},
};

const em_manager_t em_manager_yum = {
    .name = "yum", .upgrade = "yum upgrade", .is_here = is_here_as_yum,
    SHARED,
    .mark_by = {[EM_MARK_MANUAL] = "yum mark install",
                [EM_MARK_AUTO] = "yum mark remove"},
};
