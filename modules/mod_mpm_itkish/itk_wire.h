#ifndef ITK_WIRE_H
#define ITK_WIRE_H

/* The one message that travels between the roles: 40 bytes, always.
 *
 * Requests are even, answers are odd. A message never carries an id that the
 * kernel would act on: it names an identity by its index in the table that
 * both ends froze at start, plus the generation of that table, so a forged or
 * stale message can at most name somebody else who may be named anyway.
 * Both ends are the same binary after fork(), so fields travel in host order.
 */

#include <stddef.h>
#include <stdint.h>

#define ITK_WIRE_MAGIC  0x314b5449u     /* "ITK1" */
#define ITK_WIRE_SIZE   40

typedef enum {
    /* prefork child -> broker, on the child's own pair */
    ITK_REQ_HELLO = 2,      /* on the common socket; fd: the broker's end of
                             * the child's pair; slot: the child's slot */
    ITK_REQ_LEASE = 4,      /* a worker of IDENT, please */
    ITK_REQ_FETCH = 6,      /* the pair of worker SLOT/SERIAL, please; value:
                             * 1: others as well */
    ITK_REQ_RETURN = 8,     /* SLOT/SERIAL is idle again, others wait for it;
                             * value: as of DONE */
    ITK_REQ_NUDGE = 10,     /* a worker was put on a stack while others wait */
    ITK_REQ_STUCK = 12,     /* SLOT/SERIAL does not move: end it */
    ITK_REQ_LEAVES = 14,    /* SLOT/SERIAL leaves, or is of no use: see to it
                             * that it goes */

    /* broker -> prefork child */
    ITK_ANS_WELCOME = 3,
    ITK_ANS_GRANT = 5,      /* SLOT/SERIAL of IDENT is yours; fd: its pair;
                             * value: how many ALSO follow */
    ITK_ANS_DENY = 7,       /* value: an itk_deny_t */
    ITK_ANS_ALSO = 9,       /* the pair of worker SLOT/SERIAL of IDENT, to
                             * keep; fd: its pair */

    /* prefork child, or broker -> worker, on the worker's pair */
    ITK_REQ_JOB = 20,       /* serve this; fd: the client; slot: scoreboard */
    ITK_REQ_QUIT = 22,      /* leave when idle */
    ITK_REQ_PING = 24,

    /* worker -> prefork child or broker */
    ITK_ANS_DONE = 21,      /* flags: ITK_DONE_LAST; value: the processor it
                             * ran on, as a hint where to find it next */
    ITK_ANS_REFUSED = 23,   /* not served, not a byte read; value: a deny */
    ITK_ANS_PONG = 25,      /* value: as of DONE */

    /* broker -> spawner; the first two go on to a spare as they came */
    ITK_REQ_ZYGOTE = 40,    /* start one for IDENT; fd: its control socket */
    ITK_REQ_FIRST = 44,     /* start worker SLOT/SERIAL of IDENT, who has no
                             * zygote; fd: its pair */
    ITK_REQ_SIGNAL = 42,    /* slot: the signal; value: the pid, as IDENT */


    /* spawner -> broker */
    ITK_ANS_ZYGOTE_UP = 41,     /* value: pid */
    ITK_ANS_ZYGOTE_DOWN = 43,   /* value: wait status, or an errno of fork()
                                 * made negative; serial: pid */
    ITK_ANS_FIRST_UP = 45,      /* SLOT/SERIAL; value: pid */
    ITK_ANS_FIRST_DOWN = 47,    /* SLOT/SERIAL; value: as of ZYGOTE_DOWN */

    /* broker -> zygote */
    ITK_REQ_SPAWN = 60,     /* fork worker SLOT/SERIAL; fd: its pair */
    ITK_REQ_DRAIN = 62,     /* workers finish what they have, then all leave */

    /* zygote -> broker */
    ITK_ANS_SPAWNED = 61,   /* value: pid */
    ITK_ANS_DIED = 63,      /* value: wait status */
    ITK_ANS_UNBORN = 65     /* value: errno of fork() */
} itk_type_t;

/* Why there is no worker. Each has a stable id for the error log. */
typedef enum {
    ITK_DENY_NONE,
    ITK_DENY_TIMEOUT,       /* waited ItkishQueueTimeout */
    ITK_DENY_SPAWN,         /* no process could be started */
    ITK_DENY_GENERATION,    /* asked by or of another generation */
    ITK_DENY_GONE,          /* that worker is no more */
    ITK_DENY_NO_BROKER,     /* nobody answers */
    ITK_DENY_BAD,           /* the message made no sense */
    ITK_DENY_LOST,          /* the worker went away while serving */
    ITK_DENY_LIMIT          /* MaxClientsVHost */
} itk_deny_t;

/* The exit code of a process that could not become its identity. */
#define ITK_EXIT_IDENT  77

#define ITK_DONE_LAST   0x0001  /* the worker leaves after this one */

typedef struct itk_msg_t {
    uint32_t magic;
    uint16_t type;
    uint16_t flags;
    uint32_t gen;
    uint32_t ident;
    uint32_t slot;
    uint32_t serial;
    uint64_t nonce;         /* an answer repeats its request's */
    int32_t value;
    uint32_t until;         /* of a job: do not begin it after this moment of
                             * itk_wire_now(); 0 in all others */
} itk_msg_t;

/* Fill MSG with zeros and set TYPE and GEN. */
void itk_wire_init(itk_msg_t *msg, itk_type_t type, uint32_t gen);

/* Take LEN bytes at BUF as a message that came with NFDS descriptors.
 * Returns 0 and fills PMSG only when length, magic, type, reserved bits and
 * the number of descriptors are exactly right; otherwise -1, PMSG untouched.
 * Whether the type is allowed from this peer is the reader's own table. */
int itk_wire_decode(itk_msg_t *pmsg, const void *buf, size_t len, int nfds);

/* Milliseconds of the monotonic clock, wrapping. */
uint32_t itk_wire_now(void);

/* How many descriptors (0 or 1) a message of TYPE carries, -1 if there is no
 * such type. */
int itk_wire_fds(uint16_t type);

/* The stable id of REASON for logs, such as "itk-queue-timeout". */
const char *itk_deny_id(int reason);

/* REASON in words that complete "no worker for X: ...". */
const char *itk_deny_text(int reason);

#endif /* ITK_WIRE_H */
