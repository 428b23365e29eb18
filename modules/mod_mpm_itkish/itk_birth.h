#ifndef ITK_BIRTH_H
#define ITK_BIRTH_H

/* How a process of a user is born: forked by the spawner with the spawner's
 * capabilities, it takes on its identity, proves it, and goes on as a zygote
 * or worker. Nothing else happens between. */

#include "itk_spawner.h"
#include "itk_wire.h"

/* Have the kernel send this process SIG when PARENT ends; a change of user
 * undoes it. Ends the process now if that has happened already. */
void itk_birth_tie(pid_t parent, int sig);

/* In a process that is a worker from now on, and its user: the death of PARENT
 * drains it. SIGUSR1 stays blocked until the worker can handle it: a generation
 * may end right now, and what was sent to this worker is to be served. */
void itk_birth_worker(pid_t parent);

/* In a process just forked: default handlers for what the spawner took. The
 * mask is left as it is, everything blocked. */
void itk_birth_signals(void);

/* Become what REQ asks for, which the caller has checked: the zygote of an
 * identity (ITK_REQ_ZYGOTE; SOCK talks to the broker) or its first worker
 * (ITK_REQ_FIRST; SOCK is its pair). SPAWNER forked this process. A failure
 * is logged and ends it with ITK_EXIT_IDENT. */
void itk_birth(const itk_spawner_t *sp, const itk_msg_t *req, int sock,
               pid_t spawner) __attribute__((noreturn));

#endif /* ITK_BIRTH_H */
