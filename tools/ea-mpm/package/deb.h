#ifndef EM_DEB_H
#define EM_DEB_H

/* Packages and files as dpkg's database and .deb files have them: the parts
 * of em_manager_apt that apt is not asked for (manager.h says what each
 * is). */

#include "package/manager.h"
#include "package/stanza.h"

/* ---- the database ---- */

/* A package that dpkg knows. */
typedef struct em_dpkg_entry_t {
    const char *name, *version, *arch;
    const char *state;          /* "installed", "half-configured",
                                 * "config-files" ... */
    int broken;                 /* it has to be installed anew */
    int unwanted;               /* selected for removal, be it installed */
    em_stanza_t stanza;
} em_dpkg_entry_t;
/* All of them (em_dpkg_entry_t *, in no order; not-installed ones left out),
 * with what an interrupted dpkg did last. Errors: why it cannot be read. */
apr_status_t em_dpkg_read(apr_array_header_t **pentries,
                          const em_view_t *view, apr_pool_t *p);
/* Are its files in place? */
int em_dpkg_is_there(const em_dpkg_entry_t *entry);
/* Was it removed, and only its configuration files stayed? */
int em_dpkg_is_left(const em_dpkg_entry_t *entry);
/* The digest of a file's content as Conffiles have it. */
const char *em_dpkg_digest(const em_node_t *node, apr_pool_t *p);
/* The package that a stanza describes, with its relations; NULL: none. */
em_package_t *em_deb_package(const em_stanza_t *stanza, apr_pool_t *p);

apr_status_t em_dpkg_read_installed(apr_hash_t *installed,
                                    const em_view_t *view, em_result_t *res,
                                    apr_pool_t *p);
void em_dpkg_read_left(apr_hash_t *left, const em_view_t *view,
                       apr_pool_t *p);
apr_array_header_t *em_dpkg_versions(const apr_array_header_t *names,
                                     const em_view_t *view, apr_pool_t *p);
apr_status_t em_dpkg_owned(apr_array_header_t **powned,
                           const apr_array_header_t *list,
                           const em_view_t *view, em_result_t *res,
                           apr_pool_t *p);
const em_remains_t *em_dpkg_read_remains(const em_package_t *package,
                                         const em_view_t *view,
                                         apr_pool_t *p);
/* Make those of LIST (NULL: none) that have remains, and of which no more is
 * there, be what they were; dpkg's next run takes it into its status. */
apr_status_t em_dpkg_put_remains(const apr_array_header_t *list,
                                 const em_view_t *view, const char **pwords,
                                 apr_pool_t *p);
/* After the removal of what TXN removes: purge what shall not stay, and what
 * shall is left as it was once. */
apr_status_t em_dpkg_leave(const em_transaction_t *txn, const em_view_t *view,
                           em_log_t *log, const char **pwords,
                           apr_pool_t *p);
apr_status_t em_dpkg_repair(const em_transaction_t *txn,
                            const em_view_t *view, em_log_t *log,
                            const char **pwords, apr_pool_t *p);

/* ---- .deb files ---- */

em_package_t *em_deb_identify(const char *file, apr_pool_t *p);
apr_status_t em_deb_unpack(apr_array_header_t **powned,
                           const em_package_t *package, em_result_t *res,
                           apr_pool_t *p);

/* An entry of the tar archives in a .deb. */
typedef struct em_tar_t {
    const char *name;           /* "/usr/lib/x": no "./", no "/" at its end */
    const char *target;         /* of a link, as it is written */
    const char *user, *group;   /* names, "" where it has none */
    unsigned long mode, uid, gid;
    char type;                  /* '0' file, '1' hard link, '2' link,
                                 * '5' directory ... */
    const char *data;           /* in the archive, not terminated */
    apr_size_t len;
} em_tar_t;
/* The entry at *PAT, and on. 1: there was one; 0: the end; -1: damaged. */
int em_tar_next(em_tar_t *entry, const char **pat, const char *end,
                apr_pool_t *p);

/* dpkg's order of versions. */
int em_deb_compare(const char *a, const char *b);

/* ---- apt's words and files ---- */

/* What "apt-get -s" says it would do; the arch of removed packages is "", the
 * version too where it does not tell. */
em_transaction_t *em_apt_simulation(const char *text, apr_pool_t *p);
/* The marks in extended_states. */
apr_status_t em_apt_read_marks(apr_hash_t *packages, const em_view_t *view,
                               apr_pool_t *p);

#endif /* EM_DEB_H */
