#ifndef ITK_IDENT_H
#define ITK_IDENT_H

/* Becoming somebody for good. */

#include "itk_policy.h"

/* Take on IDENT: nice value, groups, gid, uid, no capability, not dumpable;
 * then prove it: ask the kernel for all ids, groups and capabilities, and try
 * to climb back. Any doubt is an error with *PWHAT saying which step; the
 * caller must then exit, as the process may be half changed.
 * For a process with one thread. */
apr_status_t itk_ident_assume(const itk_ident_t *ident, const char **pwhat);

/* Prove, without changing anything, that this process is IDENT: 0, or an
 * error as above. Used again after code of others ran. */
apr_status_t itk_ident_prove(const itk_ident_t *ident, const char **pwhat);

#endif /* ITK_IDENT_H */
