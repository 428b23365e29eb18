#ifndef EM_PACKAGES_H
#define EM_PACKAGES_H

/* Which package owns a file, in which version. Wishes are collected and
 * answered together: the databases of dpkg, pacman and apk are read directly
 * (no process), rpm is asked once for all files while other work goes on. */

#include <apr_tables.h>
#include "base/exec.h"
#include "base/view.h"

/* A file whose owner is wanted. */
typedef struct em_package_wish_t {
    const char *file;           /* absolute, inside the root */
    const char *package;        /* the answer, or NULL */
    const char *version;
} em_package_wish_t;

typedef struct em_packages_t em_packages_t;

em_packages_t *em_packages_make(const em_view_t *view, apr_pool_t *p);
/* Wish for the owner of FILE; the answer is there after finish. The same
 * file twice is the same wish. */
em_package_wish_t *em_packages_wish(em_packages_t *packages,
                                    const char *file);
/* Begin what takes time; no wishes after it. */
void em_packages_start(em_packages_t *packages);
void em_packages_finish(em_packages_t *packages);

/* The parts, for packages.c and tests. Each answers those wishes of LIST
 * (em_package_wish_t *) that have no package yet. */
void em_packages_dpkg(const em_view_t *view, apr_array_header_t *list,
                      apr_pool_t *p);
void em_packages_pacman(const em_view_t *view, apr_array_header_t *list,
                        apr_pool_t *p);
void em_packages_apk(const em_view_t *view, apr_array_header_t *list,
                     apr_pool_t *p);
int em_packages_has_rpm(const em_view_t *view, apr_pool_t *p);
apr_status_t em_packages_rpm_start(em_exec_t **pexec, const em_view_t *view,
                                   const apr_array_header_t *list,
                                   apr_pool_t *p);
void em_packages_rpm_finish(em_exec_t *exec, apr_array_header_t *list,
                            const em_view_t *view, apr_pool_t *p);

/* The first line below "%NAME%" (NAME with its signs) in the text of a
 * pacman entry's "desc", or NULL. */
const char *em_pacman_field(const char *desc, const char *name,
                            apr_pool_t *p);
/* Does the text of a pacman entry's "files" list FILE (no first slash)? */
int em_pacman_lists(const char *files, const char *file);
/* Who owns FILE (no first slash) by the text of apk's database: 1 and name
 * and version (or NULL), 0: nobody. */
int em_apk_owner(const char **pname, const char **pversion, const char *text,
                 const char *file, apr_pool_t *p);

#endif /* EM_PACKAGES_H */
