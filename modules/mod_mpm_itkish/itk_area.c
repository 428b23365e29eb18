#include "itk_area.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define NODE(head)      ((uint32_t)((head) & 0xffffffffu))
#define TAG(head)       ((uint32_t)((head) >> 32))
#define HEAD(tag, node) ((uint64_t)(uint32_t)(tag) << 32 | (uint32_t)(node))

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

apr_status_t itk_area_create(itk_area_t *parea, uint32_t n_idents,
                             uint32_t n_cpus, uint32_t n_slots,
                             uint32_t n_seats, uint32_t n_vhosts)
{
    uint32_t cpus = n_cpus < 1 ? 1 : n_cpus < ITK_MAX_CPUS ? n_cpus
                                                           : ITK_MAX_CPUS;
    size_t stacks = round64(sizeof(itk_shared_t));
    size_t slots = stacks + round64((size_t)n_idents * cpus *
                                    sizeof(itk_stack_t));
    size_t seats = slots + round64(n_slots * sizeof(itk_slot_t));
    size_t counts = seats + round64(n_seats * sizeof(itk_seat_t));
    size_t size = counts + round64(n_vhosts * sizeof(uint32_t));
    char *base;
    uint32_t i;

    base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return errno;
    }
    parea->base = base;
    parea->size = size;
    parea->n_idents = n_idents;
    parea->n_cpus = cpus;
    parea->n_slots = n_slots;
    parea->n_seats = n_seats;
    parea->n_vhosts = n_vhosts;
    parea->shared = (itk_shared_t *)base;
    parea->stacks = (itk_stack_t *)(base + stacks);
    parea->slots = (itk_slot_t *)(base + slots);
    parea->seats = (itk_seat_t *)(base + seats);
    parea->counts = (_Atomic uint32_t *)(base + counts);
    for (i = 0; i < n_seats; i++) {
        atomic_init(&parea->seats[i].vhost, ITK_NO_VHOST);
    }
    itk_area_reset(parea);
    return APR_SUCCESS;
}

void itk_area_destroy(itk_area_t *area)
{
    if (area->base) {
        (void)munmap(area->base, area->size);
        memset(area, 0, sizeof(*area));
    }
}

void itk_area_reset(itk_area_t *area)
{
    uint32_t i;

    atomic_fetch_add(&area->shared->epoch, 1);
    atomic_store(&area->shared->waiters, 0);
    for (i = 0; i < area->n_idents * area->n_cpus; i++) {
        uint64_t head = atomic_load(&area->stacks[i].head);

        atomic_store(&area->stacks[i].head, HEAD(TAG(head) + 1, ITK_NO_SLOT));
    }
    for (i = 0; i < area->n_slots; i++) {
        uint64_t word = atomic_load(&area->slots[i].word);

        atomic_store(&area->slots[i].word,
                     itk_word(itk_word_serial(word) + 1, ITK_SLOT_FREE, 0));
    }
}

uint32_t itk_area_clock(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (uint32_t)ts.tv_sec;
}

int itk_area_swap(itk_area_t *area, uint32_t slot, uint64_t from, uint64_t to)
{
    return atomic_compare_exchange_strong(&area->slots[slot].word, &from, to);
}

/* Claim a node just popped. A reaped one is freed on the way, anything else
 * than an idle worker of IDENT is not ours to touch. */
static int claim(itk_area_t *area, uint32_t ident, uint32_t node,
                 uint32_t owner, uint32_t *pserial)
{
    itk_slot_t *slot = &area->slots[node];
    uint64_t word = atomic_load(&slot->word);
    uint32_t serial = itk_word_serial(word);

    if (itk_word_state(word) == ITK_SLOT_IDLE &&
        atomic_load_explicit(&slot->ident, memory_order_relaxed) == ident &&
        itk_area_swap(area, node, word,
                      itk_word(serial, ITK_SLOT_BUSY, owner))) {
        *pserial = serial;
        return 1;
    }
    word = atomic_load(&slot->word);
    if (itk_word_state(word) == ITK_SLOT_REAPED) {
        (void)itk_area_swap(area, node, word,
                            itk_word(itk_word_serial(word), ITK_SLOT_FREE, 0));
    }
    return 0;
}

static itk_stack_t *stack_of(itk_area_t *area, uint32_t ident, uint32_t cpu)
{
    return &area->stacks[ident * area->n_cpus + cpu % area->n_cpus];
}

static int pop_from(itk_area_t *area, itk_stack_t *stack, uint32_t ident,
                    uint32_t owner, uint32_t *pslot, uint32_t *pserial)
{
    uint64_t head = atomic_load(&stack->head);
    uint32_t tries = 2 * area->n_slots + 64;

    while (tries-- > 0) {
        uint32_t node = NODE(head);
        uint32_t next;

        if (node == ITK_NO_SLOT) {
            return 0;
        }
        if (node >= area->n_slots) {
            (void)atomic_compare_exchange_strong(
                &stack->head, &head, HEAD(TAG(head) + 1, ITK_NO_SLOT));
            return 0;
        }
        next = atomic_load(&area->slots[node].next);
        if (!atomic_compare_exchange_weak(&stack->head, &head,
                                          HEAD(TAG(head) + 1, next))) {
            continue;
        }
        if (claim(area, ident, node, owner, pserial)) {
            *pslot = node;
            return 1;
        }
        head = atomic_load(&stack->head);
    }
    return 0;
}

int itk_area_pop(itk_area_t *area, uint32_t ident, uint32_t cpu,
                 uint32_t owner, uint32_t *pslot, uint32_t *pserial)
{
    uint32_t i;

    for (i = 0; i < area->n_cpus; i++) {
        if (pop_from(area, stack_of(area, ident, cpu % area->n_cpus + i),
                     ident, owner, pslot, pserial)) {
            return 1;
        }
    }
    return 0;
}

/* Put the chain FIRST .. LAST on top of STACK. */
static void push_chain(itk_area_t *area, itk_stack_t *stack, uint32_t first,
                       uint32_t last)
{
    uint64_t head = atomic_load(&stack->head);

    do {
        atomic_store(&area->slots[last].next, NODE(head));
    } while (!atomic_compare_exchange_weak(&stack->head, &head,
                                           HEAD(TAG(head) + 1, first)));
}

int itk_area_push(itk_area_t *area, uint32_t slot, uint32_t serial,
                  uint32_t owner, uint32_t cpu)
{
    uint32_t ident = atomic_load(&area->slots[slot].ident);

    if (ident >= area->n_idents) {
        return 0;
    }
    atomic_store_explicit(&area->slots[slot].used, itk_area_clock(),
                          memory_order_relaxed);
    if (!itk_area_swap(area, slot, itk_word(serial, ITK_SLOT_BUSY, owner),
                       itk_word(serial, ITK_SLOT_IDLE, 0))) {
        return 0;
    }
    push_chain(area, stack_of(area, ident, cpu), slot, slot);
    return 1;
}

/* Is NODE to stay on the stack? Frees it if it was reaped. */
static int keep_node(itk_area_t *area, uint32_t node)
{
    uint64_t word = atomic_load(&area->slots[node].word);

    if (itk_word_state(word) == ITK_SLOT_REAPED) {
        (void)itk_area_swap(area, node, word,
                            itk_word(itk_word_serial(word), ITK_SLOT_FREE, 0));
        return 0;
    }
    return itk_word_state(word) == ITK_SLOT_IDLE;
}

static void sweep_stack(itk_area_t *area, itk_stack_t *stack, uint32_t *seen,
                        uint32_t stamp)
{
    uint64_t head = atomic_load(&stack->head);
    uint32_t first = ITK_NO_SLOT;
    uint32_t last = ITK_NO_SLOT;
    uint32_t node;

    while (!atomic_compare_exchange_weak(&stack->head, &head,
                                         HEAD(TAG(head) + 1, ITK_NO_SLOT))) {
        continue;
    }
    node = NODE(head);
    while (node < area->n_slots && seen[node] != stamp) {
        uint32_t next = atomic_load(&area->slots[node].next);

        seen[node] = stamp;
        if (keep_node(area, node)) {
            if (first == ITK_NO_SLOT) {
                first = node;
            }
            else {
                atomic_store(&area->slots[last].next, node);
            }
            last = node;
        }
        node = next;
    }
    if (first != ITK_NO_SLOT) {
        push_chain(area, stack, first, last);
    }
}

void itk_area_sweep(itk_area_t *area, uint32_t ident, uint32_t *seen,
                    uint32_t stamp)
{
    uint32_t i;

    for (i = 0; i < area->n_cpus; i++) {
        sweep_stack(area, stack_of(area, ident, i), seen, stamp);
    }
}

int itk_area_count(itk_area_t *area, uint32_t seat, uint32_t vhost,
                   uint32_t limit)
{
    if (seat >= area->n_seats || vhost >= area->n_vhosts) {
        return 0;
    }
    itk_area_uncount(area, seat);
    if (atomic_fetch_add(&area->counts[vhost], 1) >= limit) {
        atomic_fetch_sub(&area->counts[vhost], 1);
        return 0;
    }
    atomic_store(&area->seats[seat].vhost, vhost);
    return 1;
}

void itk_area_uncount(itk_area_t *area, uint32_t seat)
{
    uint32_t vhost;

    if (seat >= area->n_seats) {
        return;
    }
    vhost = atomic_exchange(&area->seats[seat].vhost, ITK_NO_VHOST);
    if (vhost < area->n_vhosts) {
        atomic_fetch_sub(&area->counts[vhost], 1);
    }
}
