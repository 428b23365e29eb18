#ifndef ITK_CLIENT_H
#define ITK_CLIENT_H

/* The unprivileged side of the broker: how a prefork child gets a worker,
 * gives it a connection and gives it back. Nothing here logs; the caller
 * knows the virtual host and does. */

#include "itk_area.h"
#include "itk_policy.h"
#include "itk_wire.h"

/* A worker that is this child's until it is released or forgotten. */
typedef struct itk_lease_t {
    uint32_t ident;
    uint32_t slot;
    uint32_t serial;
    int fd;                 /* its pair; belongs to the client's cache */
    uint64_t nonce;         /* of the connection it was given */
} itk_lease_t;

/* The pair of a worker met before. */
typedef struct itk_cached_t {
    uint32_t ident;
    uint32_t slot;
    uint32_t serial;
    int held;               /* its descriptor plus one, 0: empty */
} itk_cached_t;

typedef struct itk_client_t {
    const itk_policy_t *policy;
    itk_area_t *area;
    int common;             /* where to introduce oneself to a broker */
    int sock;               /* our pair with the broker, -1: not connected */
    uint32_t epoch;         /* the broker's that SOCK leads to */
    uint32_t seat;          /* this child's scoreboard slot */
    uint64_t nonce;
    itk_cached_t *cache;    /* a mapping of its own: pages that no worker
                             * met needs cost nothing */
    uint32_t n_cache;
    int floor;              /* cached descriptors have this number or more */
    uint32_t coming;        /* pairs that the broker announced */
} itk_client_t;

/* Prepare CL for the child in scoreboard slot SEAT. Allocates the cache once
 * (for the life of the process) and raises the soft limit of open files where
 * the cache needs it, says nothing to the broker yet. */
apr_status_t itk_client_init(itk_client_t *cl, const itk_policy_t *policy,
                             itk_area_t *area, int common, uint32_t seat);

/* Be known to the broker, so that it clears up after us if we die. */
itk_deny_t itk_client_connect(itk_client_t *cl);

/* Get a worker of IDENT: from its stack, or from the broker, waiting at most
 * a little longer than the queue's timeout. ITK_DENY_NONE and *PLEASE, or why
 * there is none. */
itk_deny_t itk_client_lease(itk_lease_t *please, itk_client_t *cl,
                            uint32_t ident);

/* The worker is idle again: put it back for whoever comes next. CPU is where
 * it ran, as it says itself. */
void itk_client_release(itk_client_t *cl, const itk_lease_t *lease,
                        uint32_t cpu);

/* The worker is gone, or goes, or should; the broker sees to it. */
void itk_client_forget(itk_client_t *cl, const itk_lease_t *lease);

/* How long a connection may lie in a worker's pair, milliseconds: a worker
 * that has not begun with it by then leaves it alone. */
uint32_t itk_client_job_ms(const itk_client_t *cl);

/* The worker does not move. If it was there long enough to have moved it is
 * killed, and its pair ends soon; if not, say so again. */
void itk_client_stuck(itk_client_t *cl, const itk_lease_t *lease);

/* Send connection FD to the worker. Any error means that it is gone. */
apr_status_t itk_client_send(itk_client_t *cl, itk_lease_t *lease, int fd);

/* Something to do while the worker works: take the pairs that the broker sent
 * along with one that was asked for. */
void itk_client_settle(itk_client_t *cl);

/* Wait about a second for the worker's answer. APR_SUCCESS with *PANSWER
 * (done or refused), APR_EAGAIN: nothing yet, anything else: it is gone. */
apr_status_t itk_client_wait(itk_msg_t *panswer, const itk_lease_t *lease);

/* Is LEASE not ours any more, since another broker took over, or took us for
 * dead? It may then have read the worker's answer. One that was only forgotten
 * (its zygote died) still answers us. */
int itk_client_bereft(const itk_client_t *cl, const itk_lease_t *lease);

/* What the kernel says about TCP connection FD: 1 if not a byte of it has
 * been read by anybody and none sent. *PUNREAD becomes the bytes waiting. */
int itk_client_untouched(int fd, int *punread);

#endif /* ITK_CLIENT_H */
