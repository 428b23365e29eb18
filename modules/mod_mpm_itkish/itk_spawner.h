#ifndef ITK_SPAWNER_H
#define ITK_SPAWNER_H

/* The spawner: the one process with CAP_SETUID and CAP_SETGID. */

#include "itk_policy.h"

typedef struct itk_spawner_t {
    const itk_policy_t *policy;
    const char *label;          /* completes the title */
    int life;                   /* a pipe; its end is the generation's */
    void *baton;
    /* Become the broker; SOCK talks to the spawner. Does not return. */
    void (*broker)(void *baton, int sock);
    /* In a process that will be a zygote or worker: let go of what these do
     * not need. */
    void (*shed)(void *baton);
    /* As the zygote's (itk_zygote.h). */
    void (*worker)(void *baton, uint32_t ident, uint32_t slot,
                   uint32_t serial, int sock);
} itk_spawner_t;

/* Limit this process and serve the broker until it leaves for good. Returns
 * the exit code of the process: 0 when all is done, 1 on a failure that is
 * already logged. Called in a process of its own, with one thread. */
int itk_spawner_run(const itk_spawner_t *sp);

#endif /* ITK_SPAWNER_H */
