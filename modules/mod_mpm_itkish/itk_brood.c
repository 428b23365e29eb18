#include "itk_brood.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "itk_sock.h"

#define BROKEN_MS   1000    /* refuse at once for so long after a failure */
#define ASK_AGAIN_S 3       /* at first */

int64_t itk_brood_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

apr_status_t itk_brood_watch(itk_brood_t *st, int fd, itk_peer_t peer,
                             uint32_t index)
{
    struct epoll_event ev = {.events = EPOLLIN};

    ev.data.u64 = (uint64_t)peer << 32 | index;
    return epoll_ctl(st->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? APR_SUCCESS
                                                             : errno;
}

/* Children hold copies of what we watch, so closing is not enough. */
void itk_brood_unwatch(itk_brood_t *st, int fd)
{
    (void)epoll_ctl(st->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void itk_brood_msg(itk_brood_t *st, itk_msg_t *msg, itk_type_t type,
                     uint32_t ident, uint32_t slot)
{
    itk_wire_init(msg, type, st->policy->gen);
    msg->ident = ident;
    msg->slot = slot;
    if (slot < st->area->n_slots) {
        msg->serial = st->workers[slot].serial;
    }
}

uint64_t itk_brood_word(itk_brood_t *st, uint32_t slot)
{
    return atomic_load(&st->area->slots[slot].word);
}

/* --- workers ------------------------------------------------------------- */

/* Forget worker SLOT: it has died, or nobody can reach it any more. */
void itk_brood_forget(itk_brood_t *st, uint32_t slot)
{
    itk_member_t *w = &st->workers[slot];
    itk_house_t *h = &st->houses[w->ident];
    uint64_t word = itk_brood_word(st, slot);
    uint64_t empty = itk_word(w->serial, ITK_SLOT_FREE, 0);

    if (w->fd < 0) {
        return;
    }
    itk_brood_unwatch(st, w->fd);
    (void)close(w->fd);
    w->fd = -1;
    h->live--;
    h->firsts -= (uint32_t)w->first;
    h->empty_since = itk_area_clock();
    if (!w->quitting) {
        st->live--;
        h->staying--;
    }
    if (itk_word_state(word) == ITK_SLOT_BUSY &&
        itk_area_swap(st->area, slot, word, empty)) {
        return;
    }
    word = itk_brood_word(st, slot);
    if (itk_word_state(word) == ITK_SLOT_IDLE) {
        (void)itk_area_swap(st->area, slot, word,
                            itk_word(w->serial, ITK_SLOT_REAPED, 0));
        itk_area_sweep(st->area, w->ident, st->seen, ++st->stamp);
    }
}

void itk_brood_dismiss(itk_brood_t *st, uint32_t slot)
{
    itk_member_t *w = &st->workers[slot];
    apr_status_t rv;
    itk_msg_t msg;

    if (w->quitting) {
        return;
    }
    itk_brood_msg(st, &msg, ITK_REQ_QUIT, w->ident, slot);
    rv = itk_sock_send(w->fd, &msg, -1, MSG_DONTWAIT);
    if (rv != APR_SUCCESS && rv != EPIPE) {
        itk_brood_kill(st, w->ident, w->pid);   /* it cannot be told */
    }
    w->quitting = 1;
    w->told = itk_area_clock();
    st->live--;
    st->houses[w->ident].staying--;
}

/* Take an idle worker off its stack and let it leave. 0 if it just got
 * something to do. */
int itk_brood_retire(itk_brood_t *st, uint32_t slot)
{
    itk_member_t *w = &st->workers[slot];
    uint64_t word = itk_brood_word(st, slot);

    if (itk_word_state(word) != ITK_SLOT_IDLE || w->quitting ||
        itk_word_serial(word) != w->serial ||
        !itk_area_swap(st->area, slot, word,
                       itk_word(w->serial, ITK_SLOT_REAPED, 0))) {
        return 0;
    }
    itk_area_sweep(st->area, w->ident, st->seen, ++st->stamp);
    itk_brood_dismiss(st, slot);
    return 1;
}

/* Retire the worker that has been idle for the longest time, of whomever. */
int itk_brood_retire_oldest(itk_brood_t *st)
{
    uint32_t best = ITK_NO_SLOT;
    uint32_t best_used = 0;
    uint32_t slot;

    for (slot = 0; slot < st->area->n_slots; slot++) {
        uint32_t used = atomic_load(&st->area->slots[slot].used);

        if (st->workers[slot].fd >= 0 && !st->workers[slot].quitting &&
            itk_word_state(itk_brood_word(st, slot)) == ITK_SLOT_IDLE &&
            (best == ITK_NO_SLOT || used < best_used)) {
            best = slot;
            best_used = used;
        }
    }
    return best != ITK_NO_SLOT && itk_brood_retire(st, best);
}

static void ask_spawner(itk_brood_t *st, const itk_msg_t *msg, int fd)
{
    if (itk_sock_send(st->setup->spawner, msg, fd, 0) != APR_SUCCESS) {
        st->done = 2;
    }
}

void itk_brood_kill(itk_brood_t *st, uint32_t ident, pid_t pid)
{
    itk_msg_t msg;

    if (pid > 1) {
        itk_brood_msg(st, &msg, ITK_REQ_SIGNAL, ident, SIGKILL);
        msg.serial = 0;
        msg.value = pid;
        ask_spawner(st, &msg, -1);
    }
}

/* Are you idle? The answer comes when it has finished what it does. */
static apr_status_t ask_idle(itk_brood_t *st, uint32_t slot)
{
    itk_member_t *w = &st->workers[slot];
    apr_status_t rv;
    itk_msg_t msg;

    itk_brood_msg(st, &msg, ITK_REQ_PING, w->ident, slot);
    msg.nonce = w->nonce + 1;
    rv = itk_sock_send(w->fd, &msg, -1, MSG_DONTWAIT);
    w->nonce += rv == APR_SUCCESS;
    w->asked = itk_area_clock();
    return rv;
}

void itk_brood_ask_again(itk_brood_t *st, uint32_t slot)
{
    itk_member_t *w = &st->workers[slot];

    if (w->adopted && itk_area_clock() - w->asked > w->patience) {
        w->patience *= 2;           /* it may have much to do */
        (void)ask_idle(st, slot);
    }
}

void itk_brood_adopt(itk_brood_t *st, uint32_t slot)
{
    itk_member_t *w = &st->workers[slot];

    if (w->adopted || w->quitting ||
        itk_brood_watch(st, w->fd, PEER_WORKER, slot) != APR_SUCCESS) {
        return;
    }
    w->patience = ASK_AGAIN_S;
    w->adopted = ask_idle(st, slot) == APR_SUCCESS;
    if (!w->adopted) {
        itk_brood_unwatch(st, w->fd);   /* gone, or tried again by a tick */
    }
}

/* To a question before the last one, whose own answer is still to come. */
static int is_answer_before(const itk_msg_t *msg, const itk_member_t *w)
{
    return msg->nonce >> 32 == w->serial && msg->nonce < w->nonce;
}

void itk_brood_hear(itk_brood_t *st, uint32_t slot)
{
    itk_member_t *w = &st->workers[slot];
    apr_status_t rv;
    itk_msg_t msg;
    int fd = -1;

    if (w->fd < 0) {
        return;
    }
    rv = itk_sock_recv(&msg, &fd, w->fd, MSG_DONTWAIT);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EINTR(rv)) {
        return;
    }
    if (rv == APR_SUCCESS &&
        (msg.type != ITK_ANS_PONG || is_answer_before(&msg, w))) {
        return;                     /* what its late child did not read */
    }
    itk_brood_unwatch(st, w->fd);
    w->adopted = 0;
    if (rv != APR_SUCCESS || msg.nonce != w->nonce) {
        itk_brood_dismiss(st, slot);        /* it leaves, or talks nonsense */
    }
    else if (!w->quitting) {
        (void)itk_area_push(st->area, slot, w->serial, ITK_BROKER,
                            (uint32_t)msg.value);
    }
}

/* --- starting processes -------------------------------------------------- */

void itk_brood_fail(itk_house_t *h, int hard)
{
    int64_t now = itk_brood_now();

    if (now - h->failed > 10000) {
        h->fails = 0;
    }
    h->failed = now;
    if (h->fails < 10) {
        h->fails++;
    }
    /* Workers that scripts make crash cost their visitors at most a sixth of
     * a second; what cannot be started at all is tried ever more rarely. */
    h->not_before = now + (INT64_C(5) << (hard || h->fails < 5 ? h->fails
                                                               : 5));
    if (hard) {
        h->broken_until = now + BROKEN_MS;
    }
}

void itk_brood_forget_zygote(itk_brood_t *st, uint32_t ident)
{
    itk_house_t *h = &st->houses[ident];
    itk_msg_t msg;
    uint32_t slot;

    if (h->fd < 0) {
        return;
    }
    itk_brood_unwatch(st, h->fd);
    (void)close(h->fd);
    h->fd = -1;
    for (slot = 0; slot < st->area->n_slots; slot++) {
        if (st->workers[slot].fd >= 0 && st->workers[slot].ident == ident &&
            !st->workers[slot].first) {
            itk_brood_msg(st, &msg, ITK_REQ_QUIT, ident, slot);
            (void)itk_sock_send(st->workers[slot].fd, &msg, -1, MSG_DONTWAIT);
            itk_brood_forget(st, slot);
        }
    }
}

static apr_status_t start_zygote(itk_brood_t *st, uint32_t ident)
{
    itk_house_t *h = &st->houses[ident];
    apr_status_t rv;
    itk_msg_t msg;
    int pair[2];

    rv = itk_sock_pair(pair);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = itk_brood_watch(st, pair[0], PEER_ZYGOTE, ident);
    if (rv != APR_SUCCESS) {
        (void)close(pair[0]);
        (void)close(pair[1]);
        return rv;
    }
    itk_brood_msg(st, &msg, ITK_REQ_ZYGOTE, ident, ITK_NO_SLOT);
    ask_spawner(st, &msg, pair[1]);
    (void)close(pair[1]);
    h->fd = pair[0];
    h->pid = 0;
    h->heard = itk_brood_now();
    return APR_SUCCESS;
}

static uint32_t free_slot(itk_brood_t *st)
{
    uint32_t slot;

    for (slot = 0; slot < st->area->n_slots; slot++) {
        if (st->workers[slot].fd < 0 &&
            itk_word_state(itk_brood_word(st, slot)) == ITK_SLOT_FREE) {
            return slot;
        }
    }
    return ITK_NO_SLOT;
}

/* Note the worker of IDENT that is to be started in SLOT and belongs to OWNER;
 * FD is the children's end of its pair. */
static void enter(itk_brood_t *st, uint32_t slot, uint32_t ident,
                  uint32_t owner, int fd, int first)
{
    itk_house_t *h = &st->houses[ident];
    itk_member_t *w = &st->workers[slot];

    memset(w, 0, sizeof(*w));
    itk_known_forget_worker(st, slot);
    w->fd = fd;
    w->ident = ident;
    w->serial = itk_word_serial(itk_brood_word(st, slot)) + 1;
    w->born = itk_area_clock();
    w->first = first;
    w->nonce = (uint64_t)w->serial << 32;
    atomic_store(&st->area->slots[slot].ident, ident);
    atomic_store(&st->area->slots[slot].word,
                 itk_word(w->serial, ITK_SLOT_BUSY, owner));
    h->live++;
    h->staying++;
    h->firsts += (uint32_t)first;
    st->live++;
}

/* Have the worker in SLOT started; FD is its own end of its pair. */
static apr_status_t order(itk_brood_t *st, uint32_t slot, int fd)
{
    const itk_member_t *w = &st->workers[slot];
    itk_msg_t msg;

    itk_brood_msg(st, &msg, w->first ? ITK_REQ_FIRST : ITK_REQ_SPAWN,
                  w->ident, slot);
    if (w->first) {
        ask_spawner(st, &msg, fd);
        return APR_SUCCESS;
    }
    return itk_sock_send(st->houses[w->ident].fd, &msg, fd, MSG_DONTWAIT);
}

/* The only worker of an identity comes from the spawner, who has mostly a
 * process at hand; a zygote, which costs as much as a worker, is started for
 * those who need more than one at once. */
uint32_t itk_brood_start(itk_brood_t *st, uint32_t ident, uint32_t owner)
{
    itk_house_t *h = &st->houses[ident];
    int first = h->fd < 0 && h->staying == 0 && !st->zygotes_only;
    uint32_t slot = free_slot(st);
    apr_status_t rv;
    int pair[2];

    if (slot == ITK_NO_SLOT ||
        (!first && h->fd < 0 && start_zygote(st, ident) != APR_SUCCESS) ||
        itk_sock_pair(pair) != APR_SUCCESS) {
        return ITK_NO_SLOT;
    }
    (void)itk_sock_timeout(pair[0], 1000);
    enter(st, slot, ident, owner, pair[0], first);
    rv = order(st, slot, pair[1]);
    (void)close(pair[1]);
    if (rv != APR_SUCCESS) {
        itk_brood_forget(st, slot);
        itk_brood_fail(h, 0);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            itk_brood_forget_zygote(st, ident);
        }
        return ITK_NO_SLOT;
    }
    return slot;
}

/* Pop an idle worker of IDENT for OWNER that is what the stack says it is. */
uint32_t itk_brood_take(itk_brood_t *st, uint32_t ident, uint32_t owner)
{
    uint32_t slot, serial;

    while (itk_area_pop(st->area, ident, 0, owner, &slot, &serial)) {
        itk_member_t *w = &st->workers[slot];

        if (w->fd >= 0 && w->ident == ident && w->serial == serial &&
            !w->quitting) {
            return slot;
        }
    }
    return ITK_NO_SLOT;
}
