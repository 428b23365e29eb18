#ifndef ITK_BIRTH_H
#define ITK_BIRTH_H

/* How a process of a user is born: forked by the spawner with the spawner's
 * capabilities, it takes on its identity, proves it, and goes on as a zygote
 * or worker. Nothing else happens between. */

#include "itk_spawner.h"
#include "itk_zygote.h"

/* In a process just forked: default handlers for what the spawner took. The
 * mask is left as it is, everything blocked. */
void itk_birth_signals(void);

/* Take on IDENT. APR_SUCCESS when that is proven; otherwise *PWHAT names the
 * step that failed, and the process must end with ITK_EXIT_IDENT. */
apr_status_t itk_birth_assume(const itk_policy_t *policy,
                              const itk_ident_t *ident, const char **pwhat);

/* Become the zygote of identity N; SOCK talks to the broker, FIRST is its
 * first worker or NULL. A failure is logged and ends the process. */
void itk_birth_zygote(const itk_spawner_t *sp, uint32_t n, int sock,
                      const itk_first_t *first) __attribute__((noreturn));

#endif /* ITK_BIRTH_H */
