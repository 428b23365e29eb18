#include "itk_brood.h"

#include <string.h>

#include "itk_log.h"

/* The broker's housekeeping: idle workers, spares, processes that do not
 * move, and what children that were killed left behind. */

#define TICK_MS     1000
#define NASCENT_S   5       /* a worker that is not there by then */
#define LEAVE_S     5       /* an idle worker has left by then, once told */
#define AUDIT_TICKS 5

/* Does nobody hold worker SLOT, who is busy by its WORD? Its child is gone, or
 * it could not be asked when that was found. */
static int is_lost(const itk_brood_t *st, uint32_t slot, uint64_t word)
{
    uint32_t owner = itk_word_owner(word);

    if (owner == ITK_BROKER) {
        return !st->workers[slot].adopted && !st->workers[slot].quitting;
    }
    return owner >= st->area->n_seats || st->clients[owner].fd < 0;
}

/* One that was told to leave and is still there. If even killing it does not
 * make its zygote say so, the zygote is to blame; the spawner's are none of
 * ours any more. */
static void end_idle(itk_brood_t *st, uint32_t slot, uint32_t now)
{
    itk_member_t *w = &st->workers[slot];
    int in_vain = !w->first && (w->pid == 0 || w->killed);

    if (w->first && w->killed) {
        itk_brood_forget(st, slot);
        return;
    }
    itk_log(ITK_LOG_WARN, 0, "itk-worker-stuck: idle worker pid %ld of %s "
            "does not leave (stopped?), killing %s", (long)w->pid,
            st->policy->idents[w->ident].name,
            in_vain ? "its zygote" : "it");
    itk_brood_kill(st, w->ident, in_vain ? st->houses[w->ident].pid : w->pid);
    w->killed = 1;
    w->told = now;
}

/* Is W still not there, and its zygote does nothing at all? */
static int is_unborn(const itk_brood_t *st, const itk_member_t *w,
                     uint32_t now)
{
    return w->pid == 0 && !w->first && now - w->born > NASCENT_S &&
           itk_brood_now() - st->houses[w->ident].heard > NASCENT_S * 1000;
}

/* One worker's state against what it should be. */
static void check_worker(itk_brood_t *st, uint32_t slot, uint32_t now)
{
    itk_member_t *w = &st->workers[slot];
    uint64_t word = itk_brood_word(st, slot);
    uint32_t used = atomic_load(&st->area->slots[slot].used);

    if (is_unborn(st, w, now)) {
        itk_log(ITK_LOG_WARN, 0, "itk-zygote-stuck: the zygote of %s does "
                "not start workers (stopped?), killing it",
                st->policy->idents[w->ident].name);
        w->born = now;
        itk_brood_kill(st, w->ident, st->houses[w->ident].pid);
    }
    if (w->quitting && now - w->told > LEAVE_S) {
        end_idle(st, slot, now);
    }
    itk_brood_ask_again(st, slot);
    if (itk_word_state(word) == ITK_SLOT_BUSY && is_lost(st, slot, word) &&
        itk_area_swap(st->area, slot, word,
                      itk_word(w->serial, ITK_SLOT_BUSY, ITK_BROKER))) {
        itk_brood_adopt(st, slot);
    }
    if (itk_word_state(word) == ITK_SLOT_IDLE) {
        int spare = st->houses[w->ident].idle < st->policy->min_spare;

        if (st->draining || (!spare && now >= used &&
                             now - used >= st->policy->idle_timeout)) {
            (void)itk_brood_retire(st, slot);
        }
        else {
            st->houses[w->ident].idle++;
        }
    }
}

static void check_workers(itk_brood_t *st)
{
    uint32_t now = itk_area_clock();
    uint32_t i;

    for (i = 0; i < st->policy->n_idents; i++) {
        st->houses[i].idle = 0;
    }
    for (i = 0; i < st->area->n_slots; i++) {
        if (st->workers[i].fd >= 0) {
            check_worker(st, i, now);
        }
    }
    for (i = 1; i < st->policy->n_idents; i++) {
        itk_house_t *h = &st->houses[i];

        if (h->fd >= 0 && h->live == h->firsts &&
            now - h->empty_since > st->policy->idle_timeout) {
            itk_brood_forget_zygote(st, i);
        }
    }
}

/* ItkishMinSpare: start what is missing, a few at a time. */
static void start_spares(itk_brood_t *st)
{
    int64_t now = itk_brood_now();
    int some = 32;
    uint32_t i;

    for (i = 1; i < st->policy->n_idents && some > 0; i++) {
        itk_house_t *h = &st->houses[i];

        while (h->idle < st->policy->min_spare && some > 0 &&
               st->live < st->policy->max_workers && now >= h->not_before) {
            uint32_t slot = itk_brood_start(st, i, ITK_BROKER);

            if (slot == ITK_NO_SLOT) {
                return;
            }
            itk_brood_adopt(st, slot);
            h->idle++;
            some--;
        }
    }
}

/* Idle by its word, but on no stack: its child died between the two steps.
 * Found so twice, it is asked whether it is idle and put back. */
static void audit_slot(itk_brood_t *st, uint32_t slot)
{
    itk_member_t *w = &st->workers[slot];
    uint64_t word = itk_brood_word(st, slot);
    uint32_t serial = itk_word_serial(word);
    int lost = (itk_word_state(word) == ITK_SLOT_IDLE ||
                itk_word_state(word) == ITK_SLOT_REAPED) &&
               st->seen[slot] != st->stamp;

    w->missed = lost ? w->missed + 1 : 0;
    if (w->missed < 2) {
        return;
    }
    w->missed = 0;
    if (itk_word_state(word) == ITK_SLOT_IDLE && w->fd >= 0) {
        if (itk_area_swap(st->area, slot, word,
                          itk_word(serial, ITK_SLOT_BUSY, ITK_BROKER))) {
            itk_brood_adopt(st, slot);
        }
    }
    else {
        (void)itk_area_swap(st->area, slot, word,
                            itk_word(serial, ITK_SLOT_FREE, 0));
    }
}

/* A child killed between count and seat leaves a count too many; put right
 * what is wrong while nothing moves. */
static void audit_counts(itk_brood_t *st)
{
    uint32_t i, vhost;

    memset(st->recount, 0, st->area->n_vhosts * sizeof(uint32_t));
    for (i = 0; i < st->area->n_seats; i++) {
        vhost = atomic_load(&st->area->seats[i].vhost);
        if (vhost < st->area->n_vhosts) {
            st->recount[vhost]++;
        }
    }
    for (i = 0; i < st->area->n_vhosts; i++) {
        uint32_t count = atomic_load(&st->area->counts[i]);

        if (count > st->recount[i] && st->recount[i] == 0) {
            (void)atomic_compare_exchange_strong(&st->area->counts[i], &count,
                                                 0);
        }
    }
}

static void audit(itk_brood_t *st)
{
    uint32_t i;

    st->stamp++;
    for (i = 1; i < st->policy->n_idents; i++) {
        if (st->houses[i].live > 0) {
            itk_area_sweep(st->area, i, st->seen, st->stamp);
        }
    }
    for (i = 0; i < st->area->n_slots; i++) {
        audit_slot(st, i);
    }
    audit_counts(st);
}

void itk_care_tick(itk_brood_t *st)
{
    st->next_tick = itk_brood_now() + TICK_MS;
    check_workers(st);
    if (!st->draining) {
        start_spares(st);
    }
    if (++st->ticks % AUDIT_TICKS == 0) {
        audit(st);
    }
}
