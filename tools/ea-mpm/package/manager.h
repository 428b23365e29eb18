#ifndef EM_MANAGER_H
#define EM_MANAGER_H

/* What a package manager has to know for package.h, and what the managers
 * share. Nobody outside package/ includes this but unit tests. */

#include "base/exec.h"
#include "package/package.h"

/* A file of a package. */
typedef struct em_owned_t {
    const char *path;           /* absolute */
    em_node_t node;             /* out of a fetched package: the file itself;
                                 * of an installed one only the kind */
    int config;                 /* a configuration file to the package */
    int noreplace;              /* ... where an edited one stays in place */
    int edited;                 /* installed: not as the package brought it */
    const char *digest;         /* of the packaged content, or NULL */
} em_owned_t;

struct em_manager_t {
    const char *name;           /* "dnf", "yum", "zypper", "apt" */
    const char *upgrade;        /* the command that package names follow */
    /* Is it the manager of the tree? */
    int (*is_here)(const em_view_t *view, apr_pool_t *p);
    /* Versions as em_package_t has them: < 0, 0, > 0. */
    int (*compare)(const char *a, const char *b);
    int bare;                   /* what is provided without a version fits
                                 * every version (rpm) */

    /* What is here under its name and is not driven by the calls below:
     * "yum 3.4.3"; else NULL. It is only read_*. NULL: there is no such. */
    const char *(*foreign)(const em_view_t *view, apr_pool_t *p);

    /* Who is at work on the packages: a pid, with *PCOMMAND, or -1: one of
     * another PID namespace; 0: nobody. */
    int (*busy)(const char **pcommand, const em_view_t *view, apr_pool_t *p);

    /* Add what is installed to the hash of em_package_db_t. All calls that
     * follow may run the manager's programs and fail with
     * "packages-unavailable" and its words, where nothing else is said. */
    apr_status_t (*read_installed)(apr_hash_t *installed,
                                   const em_view_t *view, em_result_t *res,
                                   apr_pool_t *p);
    /* The same for what could be installed; any order, the caller sorts. */
    apr_status_t (*read_available)(apr_hash_t *available,
                                   const em_view_t *view, const char *prefix,
                                   em_result_t *res, apr_pool_t *p);

    /* Add the configuration files that removed packages left to the hash of
     * em_package_db_t. NULL: removed packages leave none. */
    void (*read_left)(apr_hash_t *left, const em_view_t *view,
                      apr_pool_t *p);

    /* The remains of a package of which configuration files are left; NULL:
     * they cannot be read. NULL with read_left. */
    const em_remains_t *(*read_remains)(const em_package_t *package,
                                        const em_view_t *view, apr_pool_t *p);

    /* Let the manager's own solver find the transaction, change nothing; what
     * it would install (em_package_t with name, version, arch) and remove.
     * An upgrade is in both. *PWORDS is its output. */
    apr_status_t (*dry_run)(em_transaction_t **pits, const char **pwords,
                            const em_transaction_t *txn,
                            const em_view_t *view, em_result_t *res,
                            apr_pool_t *p);
    /* Download into DIR whatever of LIST (em_package_t *) can be had in that
     * very version. TXN: the whole transaction. The caller looks what is
     * there. */
    apr_status_t (*fetch)(const em_transaction_t *txn,
                          const apr_array_header_t *list,
                          const em_view_t *view, const char *dir,
                          em_result_t *res, apr_pool_t *p);
    /* Which package is the file FILE (outside path)? NULL: none. */
    em_package_t *(*identify)(const char *file, apr_pool_t *p);
    const char *suffix;         /* of package files: ".rpm" */

    /* The files of the fetched package, with their content. */
    apr_status_t (*unpack)(apr_array_header_t **powned,
                           const em_package_t *package, em_result_t *res,
                           apr_pool_t *p);
    /* The files of installed packages that no package outside of LIST owns
     * as well. */
    apr_status_t (*owned)(apr_array_header_t **powned,
                          const apr_array_header_t *list,
                          const em_view_t *view, em_result_t *res,
                          apr_pool_t *p);
    const char *saved;          /* an edited configuration file of a package
                                 * that goes gets this suffix (".rpmsave");
                                 * NULL: it is removed */
    const char *news;           /* a new one beside an edited old one gets
                                 * this (".rpmnew") */

    /* Carry out TXN (or undo it, with BACK) from fetched files, as far as the
     * manager itself can; the caller asks the database afterwards.
     * APR_INCOMPLETE: it was killed, and what it had begun may go on. */
    apr_status_t (*run)(const em_transaction_t *txn, int back,
                        const em_view_t *view, em_log_t *log,
                        const char **pwords, apr_pool_t *p);
    /* The same by force, for a database that the manager cannot work on. */
    apr_status_t (*repair)(const em_transaction_t *txn,
                           const em_view_t *view, em_log_t *log,
                           const char **pwords, apr_pool_t *p);
    /* The versions of NAME that the database has, half-installed ones as
     * well: em_package_t * with name, version, arch; `installed` is 0 for a
     * package that is there only half, `left` is 1 where it is only its
     * configuration files. NULL: it cannot be asked. */
    apr_array_header_t *(*versions)(const apr_array_header_t *names,
                                    const em_view_t *view, apr_pool_t *p);

    /* Set the mark of every package in the hash (name -> em_package_t *) that
     * is installed. NULL, with set_mark: the manager keeps none. */
    apr_status_t (*read_marks)(apr_hash_t *packages, const em_view_t *view,
                               apr_pool_t *p);
    /* Mark all of LIST (em_package_t *, installed) so. */
    apr_status_t (*set_mark)(const apr_array_header_t *list, em_mark_t mark,
                             const em_view_t *view, em_log_t *log,
                             const char **pwords, apr_pool_t *p);
    const char *mark_by[EM_MARK_AUTO + 1];  /* for people: "apt-mark auto" */
};

extern const em_manager_t em_manager_dnf;
extern const em_manager_t em_manager_yum;
extern const em_manager_t em_manager_zypper;
extern const em_manager_t em_manager_apt;

/* Let LIST (em_package_t *, installed) be marked as they say. What cannot be
 * done is told in the log with what to type. */
void em_marks_set(const em_manager_t *manager, const apr_array_header_t *list,
                  const em_view_t *view, em_log_t *log, apr_pool_t *p);

/* The manager of a transaction, by its name; NULL: none such. */
const em_manager_t *em_manager_named(const char *name);

/* ---- helpers ---- */

/* The process that holds any lock (fcntl or flock) on a file PATH, -1 where
 * it has no number here, or 0: nobody. */
int em_lock_holder(const em_view_t *view, const char *path, apr_pool_t *p);
/* Its command line, for people. */
const char *em_pid_command(int pid, apr_pool_t *p);
/* As `busy` of em_manager_t: the living process whose number one of the files
 * PIDS has, or who holds one of LOCKS; both NULL-terminated. */
int em_locks_busy(const char **pcommand, const em_view_t *view,
                  const char *const *pids, const char *const *locks,
                  apr_pool_t *p);
/* Run ARGV (NULL-terminated const char *) with an environment that people's
 * settings do not reach (LC_ALL=C and so on). TIMEOUT EM_TO_THE_END is for
 * what changes packages: nothing cuts it short, not even our own end, and all
 * output is in out->out (em_steady). Errors: it could not be run. */
#define EM_TO_THE_END ((apr_interval_time_t)-1)
apr_status_t em_manager_exec(em_exec_out_t **pout,
                             const apr_array_header_t *argv,
                             apr_interval_time_t timeout, em_log_t *log,
                             apr_pool_t *p);
/* argv from words, NULL-terminated: em_argv(p, "rpm", "-qa", NULL). */
apr_array_header_t *em_argv(apr_pool_t *p, ...)
    __attribute__((sentinel));
/* One more word. */
void em_argv_add(apr_array_header_t *argv, const char *word);
/* What a run said, its standard error first, cut to what people read. */
const char *em_exec_words(const em_exec_out_t *out, apr_pool_t *p);
/* "packages-unavailable": PROGRAM could not be run (RV), or OUT is its answer,
 * WHAT says what it does not do. */
apr_status_t em_manager_unavailable(em_result_t *res, apr_status_t rv,
                                    const char *program,
                                    const em_exec_out_t *out,
                                    const char *what, apr_pool_t *p);
/* The same for managers that are asked only about the system they run on:
 * APR_SUCCESS there. */
apr_status_t em_manager_needs_host(const em_view_t *view, const char *name,
                                   em_result_t *res);

/* A package with empty lists. */
em_package_t *em_package_make(const char *name, const char *version,
                              const char *arch, apr_pool_t *p);
/* "package-manager-busy" where somebody is at work on the packages. */
apr_status_t em_package_busy(const em_manager_t *manager,
                             const em_view_t *view, em_result_t *res,
                             apr_pool_t *p);
/* Find NAME in a list of em_package_t *, or NULL. */
em_package_t *em_package_in(const apr_array_header_t *list,
                            const char *name);
/* Append to the hash of available packages. */
void em_package_offer(apr_hash_t *available, em_package_t *package,
                      apr_pool_t *p);

/* ---- capabilities ---- */

/* Parse "name", "name = 1.2-3", "name (>= 1.2)", "name:any (= 1)" from text
 * that ends at LEN. 0: it is none that can be judged (rich dependencies,
 * rpmlib(...) and the like, or no text). */
int em_cap_parse(em_cap_t *cap, const char *text, apr_size_t len,
                 apr_pool_t *p);
/* Does the capability HAS (one that is provided) satisfy WANTS? */
int em_cap_satisfies(const em_cap_t *has, const em_cap_t *wants,
                     const em_manager_t *manager);
/* "name = 1.2", for people. */
const char *em_cap_text(const em_cap_t *cap, apr_pool_t *p);
/* rpm's order of versions ("EPOCH:VERSION-RELEASE"). Where only one has a
 * release, it does not count. */
int em_rpm_compare(const char *a, const char *b);

#endif /* EM_MANAGER_H */
