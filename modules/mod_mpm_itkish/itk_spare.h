#ifndef ITK_SPARE_H
#define ITK_SPARE_H

/* A spare: a zygote and its first worker, forked ahead of need, since forking
 * is most of what the first request of a user waits for.
 *
 * Both hold what the spawner holds, its capabilities included, and only wait:
 * each for one message of the spawner, over a pair that nobody else has, which
 * names the identity. They check it as the spawner does, take it on and prove
 * it before anything else happens. */

#include <sys/types.h>

#include "itk_spawner.h"

typedef struct itk_spare_t {
    pid_t pid;              /* of the zygote to be, 0: there is no spare */
    int zygote;             /* our ends of their pairs */
    int worker;
} itk_spare_t;

/* Fork a spare. CLOSE are N descriptors of the spawner that it must not have.
 * On failure there is none. */
apr_status_t itk_spare_start(itk_spare_t *spare, const itk_spawner_t *sp,
                             const int *close, int n);

/* Make the spare the zygote of IDENT, whose broker talks to it over SOCK, and
 * forget it here. Returns its pid, or 0: there is none, or it has died. */
pid_t itk_spare_use(itk_spare_t *spare, const itk_spawner_t *sp,
                    uint32_t ident, int sock);

/* PID has ended. 1 if that was the spare, which is none now. */
int itk_spare_ended(itk_spare_t *spare, pid_t pid);

/* End the spare, if there is one, and wait until it is gone. */
void itk_spare_drop(itk_spare_t *spare);

#endif /* ITK_SPARE_H */
