#include "check/judge.h"

#include <string.h>

#include <apr_strings.h>

/* Other running servers that read a file which the switch changes. The next
 * reload of one that was not restarted would end it, so those that systemd
 * runs are restarted with this one, and the others must be stopped first. */

/* The first changed file that OTHER reads, or NULL. */
static const char *shared_file(const em_judge_t *j, const em_other_t *other)
{
    for (int i = 0; i < j->plan->steps->nelts; i++) {
        const char *path = em_step_shares(
            APR_ARRAY_IDX(j->plan->steps, i, em_step_t *), other);

        if (path) {
            return path;
        }
    }
    return NULL;
}

/* What to type around the switch for a server that no init system knows. */
static const char *stop_and_start(const em_judge_t *j,
                                  const em_other_t *other)
{
    static const char debian[] = "/etc/apache2-";
    const char *httpd = apr_pstrcat(j->pool, j->facts->httpd.binary, " -f ",
                                    other->config_file, NULL);

    if (strncmp(other->config_file, debian, sizeof(debian) - 1) == 0) {
        const char *name = other->config_file + sizeof(debian) - 1;

        httpd = apr_pstrcat(j->pool, "apache2ctl-", apr_pstrmemdup(j->pool,
                            name, strcspn(name, "/")), NULL);
        return apr_psprintf(j->pool, "Stop it before the switch and start it "
                            "afterwards: %s stop, then %s start", httpd,
                            httpd);
    }
    return apr_psprintf(j->pool, "Stop it before the switch and start it "
                        "afterwards as it was started: kill -TERM %d, then "
                        "%s -k start", other->pid, httpd);
}

void em_judge_others(em_judge_t *j)
{
    const apr_array_header_t *others = j->facts->others;

    for (int i = 0; others && i < others->nelts; i++) {
        const em_other_t *other = APR_ARRAY_IDX(others, i, em_other_t *);
        const char *file = shared_file(j, other);
        em_finding_t *f;

        if (!file) {
            continue;
        }
        if (other->unit) {
            f = em_judge_add(j, "shared-with-unit", EM_WARN, "%s (%s) reads "
                             "%s as well and is restarted too", other->unit,
                             other->config_file, file);
            em_judge_resolve(f, apr_psprintf(j->pool, "Look at it first: "
                             "ea-mpm --conf %s check %s", other->config_file,
                             j->plan->to));
        }
        else {
            f = em_judge_add(j, "shared-with-server", EM_REFUSE, "process %d "
                             "(%s) reads %s as well; its next reload after "
                             "the switch would end it", other->pid,
                             other->config_file, file);
            em_judge_resolve(f, stop_and_start(j, other));
        }
        f->file = file;
    }
}
