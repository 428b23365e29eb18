#ifndef EM_PACKAGE_H
#define EM_PACKAGE_H

/* Packages where an MPM is one (EasyApache 4): what is installed, what could
 * be, what has to go for what comes, and the one transaction that does it.
 * Names, capabilities and conflicts are read from the package databases,
 * never from a list in the code. Only em_transaction_run() and
 * em_transaction_back() change the system. */

#include <apr_hash.h>
#include <apr_tables.h>
#include "base/json.h"
#include "base/log.h"
#include "base/node.h"
#include "base/result.h"
#include "base/view.h"

typedef enum {
    EM_REL_ANY, EM_REL_EQ, EM_REL_LT, EM_REL_LE, EM_REL_GT, EM_REL_GE
} em_rel_t;

/* "ea-apache24-mpm = forked" */
typedef struct em_cap_t {
    const char *name;
    em_rel_t rel;
    const char *version;        /* NULL with EM_REL_ANY */
} em_cap_t;

/* Why the manager has a package installed: it was asked for, or it is there
 * for others and goes with them ("apt autoremove", "dnf autoremove"). */
typedef enum { EM_MARK_UNKNOWN, EM_MARK_MANUAL, EM_MARK_AUTO } em_mark_t;

/* What the database still has of a package that was removed with its
 * configuration files left, so that it can be as it was again. */
typedef struct em_remains_t {
    const char *version;
    const char *entry;          /* as the database has it */
    apr_array_header_t *files;  /* em_remain_t: its own of the package's */
} em_remains_t;

typedef struct em_remain_t {
    const char *name;           /* in the database's directory */
    const char *data;
    int script;                 /* it is run */
} em_remain_t;

typedef struct em_package_t {
    const char *name;
    const char *version;        /* whole: EPOCH:VERSION-RELEASE as the manager
                                 * writes it, no "0:" */
    const char *arch;
    int installed;
    apr_array_header_t *provides;   /* em_cap_t; its own name is among them */
    apr_array_header_t *requires;   /* apr_array_header_t * of em_cap_t: one
                                     * of each must be there */
    apr_array_header_t *conflicts;  /* em_cap_t, DEB's Breaks too */
    const char *file;           /* the package itself on this host, absolute,
                                 * once it was fetched; else NULL */
    const char *why;            /* in a transaction: what brings or removes
                                 * it, a phrase for people */
    int left;                   /* while it is not installed, configuration
                                 * files of an earlier installation are there
                                 * (DEB) */
    const em_remains_t *remains;    /* of such a one, in a transaction; NULL:
                                     * they are not known */
    int asked;                  /* in a transaction: the MPM, its CGI module
                                 * or what the request names; others need
                                 * the user's consent */
    em_mark_t mark;             /* in a transaction: how it is marked while
                                 * it is installed; unknown: as its manager
                                 * likes */
} em_package_t;

typedef struct em_manager_t em_manager_t;   /* internal: manager.h */

/* The package manager of the tree, or NULL: dpkg and apt, or rpm and zypper,
 * dnf or yum. */
const em_manager_t *em_manager_find(const em_view_t *view, apr_pool_t *p);
const char *em_manager_name(const em_manager_t *manager);   /* "dnf" ... */
/* The command for people that brings packages up to date; names follow. */
const char *em_manager_upgrade(const em_manager_t *manager);
/* NULL, or what it is that ea-mpm reads and does not drive: "yum 3.4.3". */
const char *em_package_foreign(const em_manager_t *manager,
                               const em_view_t *view, apr_pool_t *p);

typedef struct em_package_db_t {
    const em_manager_t *manager;
    apr_hash_t *installed;      /* name -> em_package_t * */
    apr_hash_t *available;      /* name -> apr_array_header_t * of
                                 * em_package_t *, newest first */
    apr_hash_t *left;           /* configuration file -> em_package_t *: the
                                 * removed package that left it there */
} em_package_db_t;

/* Read both databases; of what is available only names that begin with
 * PREFIX ("ea-"), of zypper's only the package PREFIX itself. A package
 * manager that is at work is EM_EXIT_BUSY, "package-manager-busy" with its
 * pid and command. */
apr_status_t em_package_db_read(em_package_db_t **pdb,
                                const em_manager_t *manager,
                                const em_view_t *view, const char *prefix,
                                em_result_t *res, apr_pool_t *p);

/* The configuration files that removed packages left (as `left` above), out
 * of files alone: no manager is run. Empty where its manager leaves none. */
apr_hash_t *em_package_left(const em_view_t *view, apr_pool_t *p);

/* One transaction: everything that comes and goes. */
typedef struct em_transaction_t {
    const char *manager;            /* its name */
    apr_array_header_t *install;    /* em_package_t *, of what is available */
    apr_array_header_t *remove;     /* em_package_t *, of what is installed */
    apr_array_header_t *purge;      /* em_package_t *, or NULL: of what was
                                     * removed before, whose configuration
                                     * files go now */
    apr_array_header_t *leave;      /* the same the other way: what is not
                                     * there now, and then is removed with
                                     * its configuration files left. The
                                     * files are the caller's */
    const char *impossible;     /* a sentence: it cannot be; else NULL */
} em_transaction_t;

/* As JSON, for journals and reports, and back: NULL where O is none. Of a
 * package only what tells it (name, version, arch, file, why, asked). */
em_json_t *em_transaction_json(const em_transaction_t *txn, apr_pool_t *p);
em_transaction_t *em_transaction_from(const em_json_t *o, apr_pool_t *p);
/* The remains of its packages, for journals. 0: O is none. */
em_json_t *em_transaction_remains(const em_transaction_t *txn, apr_pool_t *p);
int em_transaction_take_remains(em_transaction_t *txn, const em_json_t *o,
                                apr_pool_t *p);
/* The transaction that goes from after TXN to before it. */
em_transaction_t *em_transaction_inverse(const em_transaction_t *txn,
                                         apr_pool_t *p);

/* What it takes to have the packages WANTED (names) and not UNWANTED, with as
 * little else as can be: what they require comes, what conflicts with them
 * goes, and what requires something that goes. Pure. Versions that must fit
 * each other (an exact release of httpd) are chosen so. */
apr_status_t em_transaction_solve(em_transaction_t **ptxn,
                                  const em_package_db_t *db,
                                  const apr_array_header_t *wanted,
                                  const apr_array_header_t *unwanted,
                                  em_result_t *res, apr_pool_t *p);
/* Note of what goes how it is marked, and of what was removed before its
 * remains, so that it can be so again. 0: its manager keeps no marks, or does
 * not tell them. */
int em_transaction_note(em_transaction_t *txn, const em_view_t *view,
                        apr_pool_t *p);
/* There and back (from the MPM FROM to TO) for people, who type it where
 * FOREIGN is in charge. */
const char *em_transaction_by_hand(const em_transaction_t *txn,
                                   const char *foreign, const char *from,
                                   const char *to, apr_pool_t *p);
/* TXN by the manager's own solver, as a dry run: APR_SUCCESS only where
 * it would install and remove exactly these. "transaction-differs" with its
 * words otherwise. */
apr_status_t em_transaction_agree(const em_transaction_t *txn,
                                  const em_view_t *view, em_result_t *res,
                                  apr_pool_t *p);
/* Put the packages to install, and those to remove in their very versions,
 * into the directory DIR and set their `file`: from here on no network is
 * needed, there and back. "no-way-back" where an installed version is not to
 * be had any more, with the upgrade to make first. */
apr_status_t em_transaction_fetch(em_transaction_t *txn,
                                  const em_view_t *view, const char *dir,
                                  em_result_t *res, apr_pool_t *p);

/* The installed packages whose names begin with PREFIX, as TXN (NULL: none)
 * leaves them, in the format of EasyApache's profiles. */
em_json_t *em_package_profile(const em_package_db_t *db,
                              const em_transaction_t *txn,
                              const char *prefix, const char *mpm,
                              apr_pool_t *p);

/* A path as the transaction leaves it. */
typedef struct em_effect_t {
    const char *path;           /* absolute, as packages name it */
    em_node_t after;
    int config;                 /* a configuration file to the package, or
                                 * any other below /etc: people edit them */
    int script;                 /* no file of a package, but a script of one
                                 * may change it: `after` is what is there
                                 * now, and the way back brings that back */
} em_effect_t;
/* What the transaction does to the files of its packages (em_effect_t *, by
 * path), read out of the packages themselves: new files with their content,
 * old ones gone; edited configuration files as the manager treats them. */
apr_status_t em_transaction_effects(apr_array_header_t **peffects,
                                    const em_transaction_t *txn,
                                    const em_view_t *view, em_result_t *res,
                                    apr_pool_t *p);

/* Carry it out from the fetched files. Output goes to the log as it comes.
 * "package-manager-busy" (EM_EXIT_BUSY) before anything was changed;
 * "transaction-failed" with the manager's words otherwise. Success means
 * that the database says so. Marks that cannot be set are told in the log. */
apr_status_t em_transaction_run(const em_transaction_t *txn,
                                const em_view_t *view, em_log_t *log,
                                em_result_t *res, apr_pool_t *p);
/* Bring back the package set from before TXN, wherever between before and
 * after it stands (a package manager that was killed in the middle as well).
 * Needs no network. Any number of times. */
apr_status_t em_transaction_back(const em_transaction_t *txn,
                                 const em_view_t *view, em_log_t *log,
                                 em_result_t *res, apr_pool_t *p);
/* Does the database say that TXN is done (1), undone (0), or is somewhere
 * between (-1)? */
int em_transaction_state(const em_transaction_t *txn, const em_view_t *view,
                         apr_pool_t *p);

#endif /* EM_PACKAGE_H */
