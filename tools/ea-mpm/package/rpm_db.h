#ifndef EM_RPM_DB_H
#define EM_RPM_DB_H

/* Packages and files as rpm's database and .rpm files have them: the parts of
 * em_manager_dnf and em_manager_zypper that dnf and zypper are not asked for
 * (manager.h says what each is). */

#include "package/manager.h"

/* What rpm and repoquery are asked to print, see listing.h. */
#define EM_RPM_HEAD "P\t%{NAME}\t%{EPOCH}:%{VERSION}-%{RELEASE}\t%{ARCH}\n"

apr_status_t em_rpm_read_installed(apr_hash_t *installed,
                                   const em_view_t *view, em_result_t *res,
                                   apr_pool_t *p);
/* The names of all installed packages (const char *), or NULL. */
apr_array_header_t *em_rpm_names(const em_view_t *view, apr_pool_t *p);
apr_array_header_t *em_rpm_versions(const apr_array_header_t *names,
                                    const em_view_t *view, apr_pool_t *p);
em_package_t *em_rpm_identify(const char *file, apr_pool_t *p);
apr_status_t em_rpm_owned(apr_array_header_t **powned,
                          const apr_array_header_t *list,
                          const em_view_t *view, em_result_t *res,
                          apr_pool_t *p);
apr_status_t em_rpm_unpack(apr_array_header_t **powned,
                           const em_package_t *package, em_result_t *res,
                           apr_pool_t *p);
apr_status_t em_rpm_repair(const em_transaction_t *txn,
                           const em_view_t *view, em_log_t *log,
                           const char **pwords, apr_pool_t *p);

/* An entry of a cpio archive in the format that rpm2cpio prints ("newc"). */
typedef struct em_newc_t {
    const char *name;           /* without the leading "." or "./" */
    unsigned mode, inode, links;
    const char *data;           /* in the archive, not terminated */
    apr_size_t len;
} em_newc_t;
/* The entry at *PAT, and on. 1: there was one; 0: the end; -1: damaged. */
int em_newc_next(em_newc_t *entry, const char **pat, const char *end,
                 apr_pool_t *p);

/* What holds for every manager of RPMs. */
#define EM_RPM_PARTS \
    .compare = em_rpm_compare, .bare = 1, \
    .read_installed = em_rpm_read_installed, .identify = em_rpm_identify, \
    .suffix = ".rpm", .unpack = em_rpm_unpack, .owned = em_rpm_owned, \
    .saved = ".rpmsave", .news = ".rpmnew", .repair = em_rpm_repair, \
    .versions = em_rpm_versions
/* Locks of rpm itself, whoever runs it; a list for em_locks_busy(). */
#define EM_RPM_LOCKS "/var/lib/rpm/.rpm.lock", \
    "/usr/lib/sysimage/rpm/.rpm.lock"

/* "name-1:2.4-1.x86_64" as rpm and dnf know an installed package. */
const char *em_rpm_full(const em_package_t *package, apr_pool_t *p);

#endif /* EM_RPM_DB_H */
