#ifndef EM_RUNNING_H
#define EM_RUNNING_H

/* Which httpd is running: read from /proc, never from files that could be
 * stale. */

#include "host/facts.h"

/* Find the main process of this httpd with this configuration (its binary,
 * its -f and -d, its pid file) in our own pid namespace. */
void em_running_find(em_running_t *prunning, const em_facts_t *facts,
                     apr_pool_t *p);

/* The main processes of the facts' binary but for facts->running, as an array
 * of int. */
apr_array_header_t *em_running_others(const em_facts_t *facts, apr_pool_t *p);
/* Does PID run one of the facts' programs; does its command line name their
 * configuration; is it in our own pid namespace? */
int em_running_is_server(int pid, const em_facts_t *facts, apr_pool_t *p);
int em_running_uses_conf(int pid, const em_facts_t *facts, apr_pool_t *p);
int em_running_is_here(int pid, apr_pool_t *p);
/* Is PID a child of such a program whose main process is gone? 0 where that
 * cannot be told. */
int em_running_is_orphan(int pid, const em_facts_t *facts, apr_pool_t *p);

/* The words of a process's command line; its environment as K=V,
 * NULL-terminated. Empty where it may not be looked at. */
apr_array_header_t *em_running_args(int pid, apr_pool_t *p);
const char *const *em_running_env(int pid, apr_pool_t *p);

/* Its parent, its short name ("runsv") and the directory it works in; 0 and
 * NULL where that cannot be seen. */
int em_running_parent(int pid, apr_pool_t *p);
const char *em_running_comm(int pid, apr_pool_t *p);
const char *em_running_cwd(int pid, apr_pool_t *p);

/* The MPM that process PID runs: by the modules it has mapped, by what
 * is compiled into its executable, else STATIC_MPM. */
void em_running_mpm(em_running_t *prunning, int pid, const char *static_mpm,
                    apr_pool_t *p);

/* The cgroup's last part that is a unit ("apache2.service"), or NULL. */
const char *em_running_unit(int pid, apr_pool_t *p);

#endif /* EM_RUNNING_H */
