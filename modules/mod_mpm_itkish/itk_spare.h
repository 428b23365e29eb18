#ifndef ITK_SPARE_H
#define ITK_SPARE_H

/* A spare: a process forked ahead of need, since forking is most of what the
 * first request of a user waits for.
 *
 * It holds what the spawner holds, its capabilities included, and only waits
 * for one message of the spawner, over a pair that nobody else has, which
 * names the identity and what to be. It checks it as the spawner does, takes
 * the identity on and proves it before anything else happens. */

#include <sys/types.h>

#include "itk_spawner.h"
#include "itk_wire.h"

typedef struct itk_spare_t {
    pid_t pid;              /* 0: there is no spare */
    int sock;               /* our end of its pair */
} itk_spare_t;

/* Fork a spare. CLOSE are N descriptors of the spawner that it must not have.
 * On failure there is none. */
apr_status_t itk_spare_start(itk_spare_t *spare, const itk_spawner_t *sp,
                             const int *close, int n);

/* Let the spare be what REQ asks for (itk_birth.h), with SOCK, and forget it
 * here. Returns its pid, or 0: there is none, or it has died. */
pid_t itk_spare_use(itk_spare_t *spare, const itk_msg_t *req, int sock);

/* PID has ended. 1 if that was the spare, which is none now. */
int itk_spare_ended(itk_spare_t *spare, pid_t pid);

/* End the spare, if there is one, and wait until it is gone. */
void itk_spare_drop(itk_spare_t *spare);

#endif /* ITK_SPARE_H */
