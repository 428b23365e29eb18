#ifndef EM_NS_H
#define EM_NS_H

/* A private world for one run of a server: mount, PID, network, IPC and UTS
 * namespaces of its own, held by two processes of ours.
 *
 *   ea-mpm ── keeper ── init (pid 1 inside) ── everything that runs inside
 *
 * Each dies when the one above it does (PR_SET_PDEATHSIG), and with init the
 * kernel ends every process inside and unmounts everything. Nothing that is
 * made has a name outside, so there is nothing to remove: killing ea-mpm with
 * SIGKILL at any moment leaves no process, no mount and no file. */

#include <apr_pools.h>
#include <apr_tables.h>

/* The steps, in their order; a failure names one of them and a path. */
typedef enum {
    EM_NS_FORK,
    EM_NS_MOUNTS,               /* unshare(CLONE_NEWNS) */
    EM_NS_NETWORK,
    EM_NS_IPC,
    EM_NS_UTS,
    EM_NS_PIDS,
    EM_NS_PRIVATE,              /* no mount may travel back */
    EM_NS_SCRATCH,              /* the tmpfs that takes all writes */
    EM_NS_ROOT,                 /* the overlay over / */
    EM_NS_SUBMOUNT,
    EM_NS_DEVICES,
    EM_NS_PROC,
    EM_NS_SOCKET,               /* hide one, or let one in */
    EM_NS_PIVOT,
    EM_NS_LOOPBACK,
    EM_NS_CAPABILITIES
} em_ns_step_t;

/* What a step needs, for people: "a mount namespace (CAP_SYS_ADMIN)". */
const char *em_ns_step_says(em_ns_step_t step);

typedef struct em_ns_how_t {
    /* const char *: paths that must be there and writable inside, however
     * they are mounted: configuration, logs, document roots ... */
    apr_array_header_t *needed;
    apr_array_header_t *allow_sockets;  /* const char *, or NULL */
    apr_array_header_t *addresses;      /* const char *: numeric addresses
                                         * that the server binds */
} em_ns_how_t;

typedef struct em_ns_t em_ns_t;

/* Start BODY as pid 1 of a new world. FD is for its messages (rehearse/
 * wire.h); a world that could not be made sends the message "unavailable"
 * and BODY is not called. Ended with P at the latest. */
apr_status_t em_ns_start(em_ns_t **pns, const em_ns_how_t *how,
                         void (*body)(void *baton, int fd), void *baton,
                         apr_pool_t *p);
int em_ns_fd(const em_ns_t *ns);
/* End it: every process inside is gone when this returns. */
void em_ns_end(em_ns_t *ns);

#endif /* EM_NS_H */
