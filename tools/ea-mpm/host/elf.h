#ifndef EM_ELF_H
#define EM_ELF_H

/* What an ELF file (an httpd binary or a module's .so) says of itself,
 * without running it: exported symbols, the module records and their names,
 * literal strings. Any class and byte order; damaged files give "not there",
 * never a crash. */

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include "base/view.h"

typedef struct em_elf_t em_elf_t;

/* A module compiled into a binary. */
typedef struct em_elf_module_t {
    const char *id;             /* "mpm_prefork_module", NULL: not exported */
    const char *source;         /* "prefork.c" */
} em_elf_module_t;

/* Map the file. APR_EBADF where it is no ELF file. Unmapped with P. */
apr_status_t em_elf_open(em_elf_t **pelf, const char *path, apr_pool_t *p);
/* The same of a file in a tree, as it is or as it would be. */
apr_status_t em_elf_in(em_elf_t **pelf, const em_view_t *view,
                       const char *path, apr_pool_t *p);
/* The same over bytes in memory, which must outlive P. */
apr_status_t em_elf_over(em_elf_t **pelf, char *data, apr_size_t len,
                         apr_pool_t *p);
/* Does it export a symbol of that name with a definition? */
int em_elf_exports(const em_elf_t *elf, const char *symbol);
/* The source name ("mod_ssl.c") in the module record that is exported as ID,
 * or NULL. */
const char *em_elf_source(const em_elf_t *elf, const char *id);
/* "20120211:142": the module magic number the module ID was built with. */
const char *em_elf_mmn(const em_elf_t *elf, const char *id, apr_pool_t *p);
/* Modules compiled into an httpd binary, in their order
 * (em_elf_module_t), from ap_prelinked_modules; NULL if there is no such. */
apr_array_header_t *em_elf_prelinked(const em_elf_t *elf, apr_pool_t *p);
/* The text behind the next PREFIX among the constants of the file up to a
 * quote, line end or NUL; NULL if there is none. Searches from *PFROM on and
 * moves it behind the find; PFROM NULL: from the beginning. */
const char *em_elf_literal(const em_elf_t *elf, const char *prefix,
                           apr_size_t *pfrom, apr_pool_t *p);

#endif /* EM_ELF_H */
