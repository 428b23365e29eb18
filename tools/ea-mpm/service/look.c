#include "service/service.h"

#include <string.h>

#include "host/running.h"

apr_status_t em_service_look(em_running_t *prunning, const em_facts_t *facts,
                             apr_pool_t *p)
{
    memset(prunning, 0, sizeof(*prunning));
    if (strcmp(em_view_root(facts->view), "/") == 0) {
        em_running_find(prunning, facts, p);
    }
    return APR_SUCCESS;
}
