#ifndef ITK_AREA_H
#define ITK_AREA_H

/* The shared memory of the prefork children and the broker: for each identity
 * stacks of idle workers, and counters of connections per virtual host.
 *
 * An identity has one stack for each processor, of the workers that last ran
 * there: a child that hands over to a process of its own processor and then
 * sleeps needs no interrupt, and what it has just touched is still near. It
 * looks at the other stacks when that one is empty.
 *
 * Workers, zygotes and the spawner unmap it. The children can scribble over
 * it, so nothing here decides who a process is: a child checks what it popped
 * against what the broker told it about that worker, the worker checks the
 * job, and the broker bounds every walk. The worst a broken area can do is
 * send a child to the broker for a worker.
 *
 * A worker slot is one word, changed by compare-and-swap only:
 *
 *     FREE --broker--> BUSY(owner) --owner--> IDLE --popper--> BUSY(owner) ...
 *                          |                   |
 *                          +---broker--> FREE  +--broker--> REAPED --> FREE
 *
 * and its node lies on a stack exactly while the word is IDLE or REAPED (for
 * the few instructions between word and push excepted), so a node is never
 * pushed twice. SERIAL tells a slot's tenants apart.
 */

#include <apr_errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ITK_NO_SLOT     0xffffffffu
#define ITK_NO_VHOST    0xffffffffu
#define ITK_BROKER      0xffffffu   /* the broker as an owner */
#define ITK_MAX_OWNER   0xfffffeu
#define ITK_MAX_CPUS    64u         /* with stacks of their own */

typedef enum {
    ITK_SLOT_FREE,
    ITK_SLOT_IDLE,
    ITK_SLOT_BUSY,
    ITK_SLOT_REAPED
} itk_slot_state_t;

/* One worker. 64 bytes, so that two children do not fight for a cache line. */
typedef struct itk_slot_t {
    _Alignas(64) _Atomic uint64_t word;     /* serial, state, owner */
    _Atomic uint32_t next;          /* below it on the stack */
    _Atomic uint32_t ident;
    _Atomic uint32_t used;          /* itk_area_clock() of the last push */
} itk_slot_t;

typedef struct itk_stack_t {
    _Atomic uint64_t head;          /* tag, slot */
} itk_stack_t;

/* What a child has under way: the virtual host it is counted for. */
typedef struct itk_seat_t {
    _Atomic uint32_t vhost;
} itk_seat_t;

typedef struct itk_shared_t {
    _Atomic uint32_t waiters;       /* children in the broker's queue */
    _Atomic uint32_t epoch;         /* one more with each broker */
    _Atomic uint32_t drained;       /* the end began and no idle one is left */
} itk_shared_t;

/* The private view of one process. The counts are its own copy. */
typedef struct itk_area_t {
    void *base;
    size_t size;
    uint32_t n_idents;
    uint32_t n_cpus;                /* stacks per identity */
    uint32_t n_slots;
    uint32_t n_seats;
    uint32_t n_vhosts;
    itk_shared_t *shared;
    itk_stack_t *stacks;            /* [ident * n_cpus + cpu] */
    itk_slot_t *slots;
    itk_seat_t *seats;
    _Atomic uint32_t *counts;
} itk_area_t;

static inline uint64_t itk_word(uint32_t serial, itk_slot_state_t state,
                                uint32_t owner)
{
    return (uint64_t)serial << 32 | (uint64_t)state << 24 |
           (owner & 0xffffffu);
}

static inline uint32_t itk_word_serial(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static inline itk_slot_state_t itk_word_state(uint64_t word)
{
    return (itk_slot_state_t)(word >> 24 & 0xff);
}

static inline uint32_t itk_word_owner(uint64_t word)
{
    return (uint32_t)(word & 0xffffffu);
}

/* Map an area for that many of each; all stacks empty, all slots free. N_CPUS
 * beyond ITK_MAX_CPUS share stacks. */
apr_status_t itk_area_create(itk_area_t *parea, uint32_t n_idents,
                             uint32_t n_cpus, uint32_t n_slots,
                             uint32_t n_seats, uint32_t n_vhosts);

/* Unmap AREA in this process. */
void itk_area_destroy(itk_area_t *area);

/* A new broker takes over: empty every stack, free every slot. The epoch
 * rises; counters of virtual hosts stay, the seats that made them live on. */
void itk_area_reset(itk_area_t *area);

/* Seconds of a clock that only goes forward. */
uint32_t itk_area_clock(void);

/* Pop an idle worker of IDENT for OWNER, one that last ran on CPU if there
 * is such a one. 1 and the slot, or 0: none idle. */
int itk_area_pop(itk_area_t *area, uint32_t ident, uint32_t cpu,
                 uint32_t owner, uint32_t *pslot, uint32_t *pserial);

/* OWNER gives back SLOT/SERIAL: idle, on top of its stack of CPU, which may
 * be any number. 0 if it is not OWNER's any more; the caller then just
 * forgets it. */
int itk_area_push(itk_area_t *area, uint32_t slot, uint32_t serial,
                  uint32_t owner, uint32_t cpu);

/* Change SLOT's word from FROM to TO; 0 if it was not FROM. */
int itk_area_swap(itk_area_t *area, uint32_t slot, uint64_t from, uint64_t to);

/* Broker: drop REAPED nodes from IDENT's stacks (their slots become FREE),
 * keep the rest in order. STAMP marks each node met in SEEN (n_slots long),
 * both to survive a circle and to tell the caller what lies on a stack. */
void itk_area_sweep(itk_area_t *area, uint32_t ident, uint32_t *seen,
                    uint32_t stamp);

/* Count SEAT into VHOST unless LIMIT connections are counted there. 0 when
 * full. A seat counts for one virtual host at a time. */
int itk_area_count(itk_area_t *area, uint32_t seat, uint32_t vhost,
                   uint32_t limit);

/* Take SEAT out again; nothing happens if it was not counted. */
void itk_area_uncount(itk_area_t *area, uint32_t seat);

#endif /* ITK_AREA_H */
