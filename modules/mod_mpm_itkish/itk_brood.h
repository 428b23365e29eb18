#ifndef ITK_BROOD_H
#define ITK_BROOD_H

/* The broker's own record of the workers, zygotes and children there are:
 * starting, retiring and forgetting them. Only the broker's files include
 * this (itk_broker.c talks, itk_care.c cleans up). */

#include <stdint.h>
#include <sys/types.h>

#include "itk_broker.h"
#include "itk_wire.h"

typedef enum {
    PEER_COMMON,
    PEER_LIFE,
    PEER_SPAWNER,
    PEER_CLIENT,
    PEER_ZYGOTE,
    PEER_WORKER
} itk_peer_t;

typedef struct itk_member_t {
    int fd;                 /* the children's end of its pair, -1: no worker */
    uint32_t ident;
    uint32_t serial;
    pid_t pid;              /* 0 until its parent told it */
    int first;              /* that is the spawner, not a zygote */
    int64_t up;             /* when it was told */
    uint32_t born;
    int quitting;           /* told to leave */
    uint32_t told;          /* when it was */
    int killed;             /* it did not go, or take what it got */
    int adopted;            /* its child died; waiting for its pong */
    uint64_t nonce;         /* of the last question for that */
    uint32_t asked;         /* when that was */
    uint32_t patience;      /* seconds until it is asked again */
    int missed;             /* audits that did not find it where it should be */
} itk_member_t;

typedef struct itk_seated_t {
    int fd;                 /* -1: no such child */
    int waiting;
    uint32_t want;
    uint64_t nonce;
    int64_t deadline;
    uint32_t next;          /* in the queue */
} itk_seated_t;

typedef struct itk_house_t {    /* an identity in use */
    int fd;                 /* its zygote's control socket, -1: no zygote */
    pid_t pid;
    int64_t heard;          /* when it last said something, or was ordered */
    uint32_t live;
    uint32_t staying;       /* of these, not told to leave */
    uint32_t firsts;        /* of these, the spawner's */
    uint32_t idle;          /* as of the last tick */
    uint32_t fails;
    int64_t failed;
    int64_t not_before;     /* spawn rate limit */
    int64_t broken_until;
    uint32_t empty_since;
} itk_house_t;

typedef struct itk_brood_t {
    const itk_broker_t *setup;
    const itk_policy_t *policy;
    itk_area_t *area;
    int epoll;
    int draining;
    int zygotes_only;       /* nobody gets a first worker from the spawner */
    int deaf;               /* nobody is left who could introduce himself */
    int done;
    uint32_t live;          /* workers not told to leave */
    uint32_t n_clients;
    uint32_t n_waiting;
    uint32_t first, last;   /* the queue, client indices */
    uint32_t ticks;
    int64_t next_tick;
    uint32_t *seen;
    uint32_t stamp;
    uint32_t *recount;      /* per vhost, for the audit */
    itk_member_t *workers;
    itk_seated_t *clients;
    itk_house_t *houses;
    unsigned char *known;   /* per client a bit for each worker (itk_known.c) */
} itk_brood_t;

/* Milliseconds of the monotonic clock. */
int64_t itk_brood_now(void);

/* Have epoll tell when FD of PEER number INDEX can be read, or no longer. */
apr_status_t itk_brood_watch(itk_brood_t *st, int fd, itk_peer_t peer,
                             uint32_t index);
void itk_brood_unwatch(itk_brood_t *st, int fd);

/* A message about IDENT and the worker in SLOT (or ITK_NO_SLOT). */
void itk_brood_msg(itk_brood_t *st, itk_msg_t *msg, itk_type_t type,
                   uint32_t ident, uint32_t slot);

/* The shared word of SLOT. */
uint64_t itk_brood_word(itk_brood_t *st, uint32_t slot);

/* Forget worker SLOT: it has died, or nobody can reach it any more. */
void itk_brood_forget(itk_brood_t *st, uint32_t slot);

/* Worker SLOT, which is on no stack, is to leave, or says that it does. If it
 * stays it is killed (itk_care.c). */
void itk_brood_dismiss(itk_brood_t *st, uint32_t slot);

/* Take an idle worker off its stack and let it leave. 0 if it just got
 * something to do. */
int itk_brood_retire(itk_brood_t *st, uint32_t slot);

/* Retire the worker that has been idle for the longest time, of whomever. */
int itk_brood_retire_oldest(itk_brood_t *st);

/* A worker that belongs to nobody: ask whether it is idle, and hear its
 * answer, which puts it back on its stack. A child that does not know yet that
 * the worker is no longer its own may have read that answer: ask again. */
void itk_brood_adopt(itk_brood_t *st, uint32_t slot);
void itk_brood_ask_again(itk_brood_t *st, uint32_t slot);
void itk_brood_hear(itk_brood_t *st, uint32_t slot);

/* Pop an idle worker of IDENT for OWNER that is what the stack says it is. */
uint32_t itk_brood_take(itk_brood_t *st, uint32_t ident, uint32_t owner);

/* Start a worker of IDENT that belongs to OWNER. Whoever gets it can use it
 * at once: what is sent to it waits in its pair until it is there.
 * ITK_NO_SLOT if none can be started. */
uint32_t itk_brood_start(itk_brood_t *st, uint32_t ident, uint32_t owner);

/* Starting for H failed: wait longer each time; HARD: refuse for a while. */
void itk_brood_fail(itk_house_t *h, int hard);

/* Have PID, a process of IDENT, killed by the spawner. */
void itk_brood_kill(itk_brood_t *st, uint32_t ident, pid_t pid);

/* The zygote of IDENT is gone: its workers drain, nobody can use them. (Those
 * of the spawner stay.) */
void itk_brood_forget_zygote(itk_brood_t *st, uint32_t ident);

/* itk_known.c: which pairs each child has been sent, so that it can be sent
 * what it lacks before it asks. A wrong bit costs a question, nothing else.
 * CREATE returns 0 when there is no memory. */
int itk_known_create(itk_brood_t *st);
void itk_known_learn(itk_brood_t *st, uint32_t c, uint32_t slot);
void itk_known_forget_child(itk_brood_t *st, uint32_t c);
void itk_known_forget_worker(itk_brood_t *st, uint32_t slot);

/* Up to ROOM workers that C was not sent yet, in MORE; the search begins
 * behind SLOT. They count as sent. Returns how many. */
uint32_t itk_known_more(itk_brood_t *st, uint32_t c, uint32_t slot,
                        uint32_t *more, uint32_t room);

/* itk_care.c: what is due once a second. */
void itk_care_tick(itk_brood_t *st);

#endif /* ITK_BROOD_H */
