#include "mod_mpm_itkish_yield.h"

#include <sched.h>

#include "ap_mpm.h"
#include "scoreboard.h"

#include "mod_mpm_itkish.h"

/* With few connections at work the worker has mostly answered when a child
 * that yielded runs again, and nobody had to put it to sleep and wake it. With
 * many it is better to sleep: who yields comes last, who is woken first, and
 * one child and one worker go on together while the caches are warm. */

#define CROWD           10      /* connections at work on each processor */
#define COUNT_EVERY     64      /* connections of this child */
#define MAX_COUNTED     1024    /* slots of the scoreboard */

static int is_crowded(void)
{
    int limit = CROWD * (int)itk_self.area.n_cpus;
    int slots = 0;
    int busy = 0;
    int i;

    (void)ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &slots);
    for (i = 0; i < slots && i < MAX_COUNTED && busy < limit; i++) {
        busy += ap_scoreboard_image->servers[i][0].status > SERVER_READY;
    }
    return busy >= limit;
}

void itk_yield(void)
{
    static unsigned int n;
    static int crowded;

    if (n++ % COUNT_EVERY == 0) {
        crowded = is_crowded();
    }
    if (!crowded) {
        (void)sched_yield();
    }
}
