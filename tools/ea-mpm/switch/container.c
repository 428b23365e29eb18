#include "switch/way.h"

#include <signal.h>
#include <unistd.h>

#include <apr_strings.h>

/* A server that a container lives and ends with. It cannot change its MPM
 * without ending, and this program ends with it: nobody would be left to see
 * the new server or to put the old one back. So it is left alone unless that
 * is asked for, and then it is the last thing that happens. */

typedef struct ending_t {
    int pid;
    pid_t owner;                /* a forked child cleans up its pools too */
} ending_t;

static apr_status_t end_it(void *data)
{
    const ending_t *ending = data;

    if (ending->owner == getpid()) {
        (void)kill(ending->pid, SIGTERM);
    }
    return APR_SUCCESS;
}

void em_container_hint(em_way_t *way)
{
    const em_service_t *service = &way->facts->service;

    em_log(way->how->log, EM_LOG_WARN, "the files are changed, and the "
           "running server is still %s, because the container ends with it. "
           "Restart the container; any reload before that ends it too. A "
           "container that is made anew has the files of its image: make the "
           "change there as well (RUN ea-mpm switch %s --no-restart)",
           way->facts->running.mpm ? way->facts->running.mpm : "the old one",
           way->plan->to);
    way->sw->by_hand = service->by_hand;
    em_result_hint(way->res, "%s", service->by_hand);
}

apr_status_t em_container_check(em_way_t *way)
{
    if (!way->how->end_container || way->facts->service.container) {
        return APR_SUCCESS;
    }
    return em_result_fail(way->res, APR_EINVAL, EM_EXIT_REFUSED,
                          "not-a-container", "--end-container is for a "
                          "server that a container lives and ends with. This "
                          "one is none: without the option it is stopped, "
                          "started and verified.");
}

void em_container_end(em_way_t *way)
{
    ending_t *ending = apr_palloc(way->pool, sizeof(*ending));

    ending->pid = way->facts->running.pid;
    ending->owner = getpid();
    em_log(way->how->log, EM_LOG_WARN, "process %d gets SIGTERM now and the "
           "container ends with it; whether it comes back is for its restart "
           "policy, and under which MPM cannot be seen from here",
           ending->pid);
    apr_pool_cleanup_register(way->pool, ending, end_it,
                              apr_pool_cleanup_null);
}
