#ifndef EM_PROC_H
#define EM_PROC_H

/* What /proc says of one process. A pid alone can be another process a
 * moment later, so a process is kept as a handle: pid and start time, and a
 * pidfd where the kernel has them (5.3; EL 8 has 4.18). */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

typedef struct em_proc_t {
    int pid;
    int fd;                     /* pidfd, -1: none */
    unsigned long long start;   /* field 22 of /proc/PID/stat */
} em_proc_t;

/* A handle on PID; closed with P. APR_ESRCH-like status when it is gone. */
apr_status_t em_proc_open(em_proc_t **pproc, int pid, apr_pool_t *p);
int em_proc_alive(const em_proc_t *proc);       /* a zombie is not alive */
/* Wait until it is gone; 1 when it is. */
int em_proc_wait(const em_proc_t *proc, apr_interval_time_t timeout);
int em_proc_signal(const em_proc_t *proc, int signo);  /* 0 or errno */

int em_proc_parent(int pid);                    /* 0: gone */
/* The executable, without " (deleted)", or NULL. */
const char *em_proc_exe(int pid, apr_pool_t *p);
/* Is PID a main httpd process of BINARY: its executable is that file (or
 * bears the name of a server), and its parent's is not. */
int em_proc_is_main(int pid, const char *binary, apr_pool_t *p);
/* em_proc_t * of the direct children of PID. */
apr_array_header_t *em_proc_children(int pid, apr_pool_t *p);
/* The MPM of a process from its memory maps ("event", "itk" for prefork with
 * mpm_itk or mod_mpm_itkish), else what is compiled into its executable; NULL:
 * cannot be told. *PEVIDENCE says where it was seen. */
const char *em_proc_mpm(int pid, const char **pevidence, apr_pool_t *p);

#endif /* EM_PROC_H */
