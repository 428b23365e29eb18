#ifndef ITK_KIDS_H
#define ITK_KIDS_H

/* The spawner's own record of the processes of users that it has started. */

#include <sys/types.h>

#include "itk_policy.h"

/* A zygote, or an identity's first worker, which has none. */
typedef struct itk_kid_t {
    pid_t pid;              /* 0: free */
    int first;              /* a worker, and which it is: */
    uint32_t slot;
    uint32_t serial;
    uint32_t ident;
    int orphan;             /* its broker went away, or its time is over */
} itk_kid_t;

typedef struct itk_kids_t {
    const itk_policy_t *policy;
    itk_kid_t *all;
    uint32_t room;
} itk_kids_t;

/* Room for twice what POLICY lets there be, old and new. 0 without memory. */
int itk_kids_create(itk_kids_t *kids, const itk_policy_t *policy);

/* The kid that is PID, or NULL; a free place if PID is 0. */
itk_kid_t *itk_kids_find(const itk_kids_t *kids, pid_t pid);

/* Is there a kid, or one without a broker (ORPHANS)? */
int itk_kids_left(const itk_kids_t *kids, int orphans);

/* Their broker went away, or their generation ends: they are to leave. */
void itk_kids_orphan(const itk_kids_t *kids);

/* Orphaned zygotes leave by themselves; one that its user has stopped does not
 * see it. Anybody of the same session may wake it. */
void itk_kids_wake_orphans(const itk_kids_t *kids);

/* Orphaned first workers have nobody to tell them: have them finish what they
 * do, and leave. SOCK as below. */
void itk_kids_drain_orphans(const itk_kids_t *kids, int sock);

/* Signal all kids, each in the name of its user: in a process of its own, as
 * nobody may come near this one while its uid is another. That process has no
 * use for descriptor SOCK. Who was stopped is woken to hear it. */
void itk_kids_signal(const itk_kids_t *kids, int sig, int sock);

#endif /* ITK_KIDS_H */
