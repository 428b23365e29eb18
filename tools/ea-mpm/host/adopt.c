#include "host/gather.h"

#include <string.h>

#include "host/running.h"

/* Defines that only the running server knows of: a layout's own command
 * (XAMPP's lampp) passes them, and no file tells which. Without them parts of
 * the configuration would be read as if they were not there. */

static int has_define(const em_facts_t *facts, const char *name,
                      apr_pool_t *p)
{
    const char *const *have = em_options_values(facts->httpd.args, 'D', p);

    for (; *have; have++) {
        if (strcmp(*have, name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Those that say how it was started, and nothing of the configuration. */
static int is_of_the_start(const char *name)
{
    static const char *const names[] = {
        "FOREGROUND", "NO_DETACH", "ONE_PROCESS", "DEBUG", NULL
    };

    for (int i = 0; names[i]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

void em_adopt_defines(em_facts_t *facts, apr_pool_t *p)
{
    em_running_t running;
    const char *const *defines;

    if (!facts->layout->control) {
        return;
    }
    facts->conf_how.server_root = facts->layout->server_root;
    facts->httpd.config_file = facts->layout->config_file;
    em_running_find(&running, facts, p);
    if (!running.pid) {
        return;
    }
    defines = em_options_values(em_running_args(running.pid, p), 'D', p);
    for (; *defines; defines++) {
        if (!is_of_the_start(*defines) && !has_define(facts, *defines, p)) {
            APR_ARRAY_PUSH(facts->httpd.args, const char *) = "-D";
            APR_ARRAY_PUSH(facts->httpd.args, const char *) = *defines;
        }
    }
}
