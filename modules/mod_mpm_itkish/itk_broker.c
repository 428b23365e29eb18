#include "itk_brood.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "itk_log.h"
#include "itk_sandbox.h"
#include "itk_sock.h"
#include "itk_title.h"

#define MAX_ALSO    32      /* pairs sent along with one that was asked for */
#define STUCK_MS    1500    /* a process that has done nothing for so long */

/* Where a user may have so few processes that a single one counts, zygotes
 * fork even the first worker, as that user, and the kernel decides. */
#define FEW_PROCESSES   256

/* Why this is safe, in one place:
 *
 * - The broker has uid 0 only so that no user of the server can signal it.
 *   It has no capability and a system call filter without open, exec, fork,
 *   kill, connect or any change of ids (itk_sandbox.c).
 * - What it reads are itk_msg_t of 40 bytes. Each kind of peer has its own
 *   table of requests below (by_client, by_zygote, by_spawner); what is not
 *   in the table ends that peer.
 * - A client is a process of the server's own User, as the kernel says
 *   (SO_PASSCRED). It can obtain what every prefork child needs: the pair of
 *   a worker, over which it can send that worker connections to serve, as
 *   anybody can from the network. It never obtains a process of its own
 *   choosing: identities are indices into the frozen table.
 * - A zygote runs as a user of the server. It can lie about its own workers
 *   only: slots are checked to belong to its identity, and the pids it names
 *   are signalled as its own user (itk_spawner.c).
 * - The shared memory is a hint. Every walk is bounded, every index checked,
 *   and who a worker is was noted here when it was started.
 */

/* --- the queue of children that wait ------------------------------------ */

static void set_waiting(itk_brood_t *st, int by)
{
    st->n_waiting = (uint32_t)((int)st->n_waiting + by);
    atomic_store(&st->area->shared->waiters, st->n_waiting);
}

static void enqueue(itk_brood_t *st, uint32_t c)
{
    st->clients[c].waiting = 1;
    st->clients[c].next = ITK_NO_SLOT;
    if (st->first == ITK_NO_SLOT) {
        st->first = c;
    }
    else {
        st->clients[st->last].next = c;
    }
    st->last = c;
    set_waiting(st, 1);
}

static void dequeue(itk_brood_t *st, uint32_t c)
{
    uint32_t *link = &st->first;
    uint32_t before = ITK_NO_SLOT;

    if (!st->clients[c].waiting) {
        return;
    }
    while (*link != c && *link != ITK_NO_SLOT) {
        before = *link;
        link = &st->clients[*link].next;
    }
    *link = st->clients[c].next;
    if (st->last == c) {
        st->last = before;
    }
    st->clients[c].waiting = 0;
    set_waiting(st, -1);
}

/* --- serving children ---------------------------------------------------- */

static void drop_client(itk_brood_t *st, uint32_t c)
{
    itk_seated_t *cl = &st->clients[c];
    uint32_t slot;

    if (cl->fd < 0) {
        return;
    }
    dequeue(st, c);
    itk_brood_unwatch(st, cl->fd);
    (void)close(cl->fd);
    cl->fd = -1;
    st->n_clients--;
    for (slot = 0; slot < st->area->n_slots; slot++) {
        uint64_t word = itk_brood_word(st, slot);

        if (st->workers[slot].fd >= 0 && word ==
                itk_word(st->workers[slot].serial, ITK_SLOT_BUSY, c) &&
            itk_area_swap(st->area, slot, word,
                          itk_word(st->workers[slot].serial, ITK_SLOT_BUSY,
                                   ITK_BROKER))) {
            itk_brood_adopt(st, slot);
        }
    }
}

static void answer(itk_brood_t *st, uint32_t c, const itk_msg_t *msg, int fd)
{
    if (itk_sock_send(st->clients[c].fd, msg, fd, MSG_DONTWAIT) !=
        APR_SUCCESS) {
        drop_client(st, c);
    }
}

static void deny(itk_brood_t *st, uint32_t c, uint64_t nonce, itk_deny_t reason)
{
    itk_msg_t msg;

    itk_brood_msg(st, &msg, ITK_ANS_DENY, 0, ITK_NO_SLOT);
    msg.nonce = nonce;
    msg.value = reason;
    dequeue(st, c);
    answer(st, c, &msg, -1);
}

/* MORE pairs follow this one. */
static void grant(itk_brood_t *st, uint32_t c, uint64_t nonce, uint32_t slot,
                  uint32_t more)
{
    itk_msg_t msg;

    itk_brood_msg(st, &msg, ITK_ANS_GRANT, st->workers[slot].ident, slot);
    msg.nonce = nonce;
    msg.value = (int32_t)more;
    dequeue(st, c);
    itk_known_learn(st, c, slot);
    answer(st, c, &msg, st->workers[slot].fd);
}

/* Try to satisfy waiting child C. 1 when it was answered, one way or the
 * other. *PFULL: every worker of the server is busy, do not look again. */
static int try_serve(itk_brood_t *st, uint32_t c, int *pfull)
{
    itk_seated_t *cl = &st->clients[c];
    itk_house_t *h = &st->houses[cl->want];
    int64_t now = itk_brood_now();
    uint32_t slot;

    slot = itk_brood_take(st, cl->want, c);
    if (slot == ITK_NO_SLOT && now < h->broken_until) {
        deny(st, c, cl->nonce, ITK_DENY_SPAWN);
        return 1;
    }
    if (slot == ITK_NO_SLOT && now >= h->not_before && !*pfull) {
        if (st->live >= st->policy->max_workers &&
            !itk_brood_retire_oldest(st)) {
            *pfull = 1;
        }
        else {
            slot = itk_brood_start(st, cl->want, c);
        }
    }
    if (slot != ITK_NO_SLOT) {
        grant(st, c, cl->nonce, slot, 0);
        return 1;
    }
    if (now >= cl->deadline) {
        deny(st, c, cl->nonce, ITK_DENY_TIMEOUT);
        return 1;
    }
    return 0;
}

/* Oldest first, and nobody is passed over for want of a place: whoever could
 * be served with what is there is served. */
static void serve_waiting(itk_brood_t *st)
{
    uint32_t c = st->first;
    int full = 0;

    while (c != ITK_NO_SLOT) {
        uint32_t next = st->clients[c].next;

        (void)try_serve(st, c, &full);
        c = next;
    }
}

static void req_lease(itk_brood_t *st, uint32_t c, const itk_msg_t *msg)
{
    itk_seated_t *cl = &st->clients[c];
    int full = 0;

    if (!itk_policy_ident(st->policy, msg->ident) || cl->waiting) {
        deny(st, c, msg->nonce, ITK_DENY_BAD);
        return;
    }
    cl->want = msg->ident;
    cl->nonce = msg->nonce;
    cl->deadline = itk_brood_now() + st->policy->queue_timeout;
    enqueue(st, c);
    if (st->first == c) {
        (void)try_serve(st, c, &full);
    }
}

/* The worker that MSG names, if it is that one still. */
static itk_member_t *named_worker(itk_brood_t *st, const itk_msg_t *msg)
{
    itk_member_t *w;

    if (msg->slot >= st->area->n_slots) {
        return NULL;
    }
    w = &st->workers[msg->slot];
    return w->fd >= 0 && w->serial == msg->serial ? w : NULL;
}

static int owns(itk_brood_t *st, uint32_t c, const itk_msg_t *msg)
{
    return named_worker(st, msg) &&
           itk_brood_word(st, msg->slot) ==
               itk_word(msg->serial, ITK_SLOT_BUSY, c);
}

/* Only the pair of a worker that C has taken: one that it asks for again after
 * it was cut off is no longer its own. A child that lacks one pair lacks more:
 * it gets some of them with it. */
static void req_fetch(itk_brood_t *st, uint32_t c, const itk_msg_t *msg)
{
    itk_member_t *w = named_worker(st, msg);
    uint32_t more[MAX_ALSO];
    uint32_t i, n = 0;
    itk_msg_t also;

    if (!w || w->quitting || !owns(st, c, msg)) {
        deny(st, c, msg->nonce, ITK_DENY_GONE);
        return;
    }
    itk_known_learn(st, c, msg->slot);
    if (msg->value != 0) {
        n = itk_known_more(st, c, msg->slot, more, MAX_ALSO);
    }
    grant(st, c, msg->nonce, msg->slot, n);
    for (i = 0; i < n && st->clients[c].fd >= 0; i++) {
        itk_brood_msg(st, &also, ITK_ANS_ALSO, st->workers[more[i]].ident,
                      more[i]);
        if (itk_sock_send(st->clients[c].fd, &also, st->workers[more[i]].fd,
                          MSG_DONTWAIT) != APR_SUCCESS) {
            return;
        }
    }
}

/* What is not C's cannot be given back. It may have died meanwhile; if not, C
 * and we differ in what it has: all is taken back, and C comes anew. */
static void req_return(itk_brood_t *st, uint32_t c, const itk_msg_t *msg)
{
    if (!owns(st, c, msg) ||
        !itk_area_push(st->area, msg->slot, msg->serial, c,
                       (uint32_t)msg->value)) {
        drop_client(st, c);
    }
}

static void req_nudge(itk_brood_t *st, uint32_t c, const itk_msg_t *msg)
{
    (void)st;                   /* the queue is looked at after every event */
    (void)c;
    (void)msg;
}

/* Where very much is to be done, one that was just started, or is yet to be by
 * a zygote who has many to start, is late and no more: its child says so again
 * as long as it waits. */
static void req_stuck(itk_brood_t *st, uint32_t c, const itk_msg_t *msg)
{
    itk_member_t *w = named_worker(st, msg);
    const itk_house_t *h;
    int64_t moved;

    if (!w || !owns(st, c, msg)) {
        return;
    }
    h = &st->houses[w->ident];
    moved = w->pid ? w->up : h->heard;
    if (itk_brood_now() - moved < STUCK_MS || (!w->pid && w->first)) {
        return;
    }
    if (!w->killed) {
        itk_log(ITK_LOG_WARN, 0, "itk-worker-stuck: worker pid %ld of %s does "
                "not take its connection (stopped?), killing %s",
                (long)w->pid, st->policy->idents[w->ident].name,
                w->pid ? "it" : "its zygote");
    }
    w->killed = 1;
    itk_brood_kill(st, w->ident, w->pid ? w->pid : h->pid);
}

static void req_leaves(itk_brood_t *st, uint32_t c, const itk_msg_t *msg)
{
    if (!owns(st, c, msg)) {
        drop_client(st, c);             /* as above */
        return;
    }
    (void)itk_area_swap(st->area, msg->slot, itk_brood_word(st, msg->slot),
                        itk_word(msg->serial, ITK_SLOT_BUSY, ITK_BROKER));
    itk_brood_dismiss(st, msg->slot);
}

static const struct {
    itk_type_t type;
    void (*serve)(itk_brood_t *st, uint32_t c, const itk_msg_t *msg);
} by_client[] = {
    {ITK_REQ_LEASE, req_lease},   {ITK_REQ_FETCH, req_fetch},
    {ITK_REQ_RETURN, req_return}, {ITK_REQ_NUDGE, req_nudge},
    {ITK_REQ_STUCK, req_stuck},   {ITK_REQ_LEAVES, req_leaves},
};

static void hear_client(itk_brood_t *st, uint32_t c)
{
    apr_status_t rv;
    itk_msg_t msg;
    int fd = -1;
    size_t i;

    if (st->clients[c].fd < 0) {
        return;
    }
    rv = itk_sock_recv(&msg, &fd, st->clients[c].fd, MSG_DONTWAIT);
    if (APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EINTR(rv)) {
        return;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (rv == APR_SUCCESS && fd < 0 && msg.gen == st->policy->gen) {
        for (i = 0; i < sizeof(by_client) / sizeof(by_client[0]); i++) {
            if (by_client[i].type == msg.type) {
                by_client[i].serve(st, c, &msg);
                return;
            }
        }
    }
    if (rv == APR_SUCCESS || rv == APR_EINVAL) {
        itk_log(ITK_LOG_ERR, 0, "itk-bad-message: child in slot %u is cut "
                "off, it sent what no child sends", c);
    }
    drop_client(st, c);
}

/* Somebody introduces himself: a prefork child, if the kernel says so. */
static void hear_common(itk_brood_t *st)
{
    itk_msg_t msg, welcome;
    apr_status_t rv;
    itk_seated_t *cl;
    pid_t pid;
    uid_t uid;
    int fd = -1;

    rv = itk_sock_recv_from(&msg, &fd, &pid, &uid, st->setup->common,
                            MSG_DONTWAIT);
    if (rv == APR_EOF) {
        itk_brood_unwatch(st, st->setup->common);
        st->deaf = 1;
    }
    if (rv == APR_EINVAL) {
        itk_log(ITK_LOG_ERR, 0, "itk-bad-message: what a child said to "
                "introduce itself made no sense");
    }
    if (rv != APR_SUCCESS) {
        return;
    }
    if (msg.type != ITK_REQ_HELLO || msg.gen != st->policy->gen ||
        uid != st->policy->idents[0].uid || msg.slot >= st->area->n_seats) {
        itk_log(ITK_LOG_ERR, 0, "itk-bad-message: pid %ld uid %lu is not "
                "accepted as a child", (long)pid, (unsigned long)uid);
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    drop_client(st, msg.slot);
    itk_known_forget_child(st, msg.slot);
    if (itk_brood_watch(st, fd, PEER_CLIENT, msg.slot) != APR_SUCCESS) {
        (void)close(fd);
        return;
    }
    cl = &st->clients[msg.slot];
    cl->fd = fd;
    cl->waiting = 0;
    st->n_clients++;
    itk_brood_msg(st, &welcome, ITK_ANS_WELCOME, 0, ITK_NO_SLOT);
    welcome.nonce = msg.nonce;
    answer(st, msg.slot, &welcome, -1);
}

/* --- hearing zygotes and the spawner ------------------------------------- */

static void zyg_spawned(itk_brood_t *st, uint32_t ident, itk_member_t *w,
                        const itk_msg_t *msg)
{
    (void)st;
    (void)ident;
    w->pid = msg->value;
    w->up = itk_brood_now();
}

static void zyg_died(itk_brood_t *st, uint32_t ident, itk_member_t *w,
                     const itk_msg_t *msg)
{
    (void)w;
    if (msg->value != 0) {
        itk_brood_fail(&st->houses[ident], 0);
    }
    itk_brood_forget(st, msg->slot);
}

static void zyg_unborn(itk_brood_t *st, uint32_t ident, itk_member_t *w,
                       const itk_msg_t *msg)
{
    (void)w;
    itk_brood_fail(&st->houses[ident], 1);
    itk_brood_forget(st, msg->slot);
}

static const struct {
    itk_type_t type;
    void (*serve)(itk_brood_t *st, uint32_t ident, itk_member_t *w,
                  const itk_msg_t *msg);
} by_zygote[] = {
    {ITK_ANS_SPAWNED, zyg_spawned},
    {ITK_ANS_DIED, zyg_died},
    {ITK_ANS_UNBORN, zyg_unborn},
};

static void hear_zygote(itk_brood_t *st, uint32_t ident)
{
    itk_house_t *h = &st->houses[ident];
    apr_status_t rv;
    itk_msg_t msg;
    itk_member_t *w;
    int fd = -1;
    size_t i;

    if (h->fd < 0) {
        return;
    }
    rv = itk_sock_recv(&msg, &fd, h->fd, MSG_DONTWAIT);
    if (APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EINTR(rv)) {
        return;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (rv == APR_SUCCESS && fd < 0 && msg.gen == st->policy->gen) {
        h->heard = itk_brood_now();
        for (i = 0; i < sizeof(by_zygote) / sizeof(by_zygote[0]); i++) {
            if (by_zygote[i].type == msg.type) {
                w = named_worker(st, &msg);
                if (w && w->ident == ident && !w->first) {
                    by_zygote[i].serve(st, ident, w, &msg);
                }
                return;
            }
        }
    }
    if (rv == APR_SUCCESS || rv == APR_EINVAL) {
        itk_log(ITK_LOG_ERR, 0, "itk-bad-message: the zygote of %s is cut "
                "off, it sent what no zygote sends",
                st->policy->idents[ident].name);
    }
    itk_brood_fail(h, 0);           /* why it left, the spawner will tell */
    itk_brood_forget_zygote(st, ident);
}

/* Does STATUS say that trying again at once would be of no use? A zygote that
 * somebody killed is another matter. */
static int cannot_become(int status)
{
    return status < 0 ||
           (WIFEXITED(status) && WEXITSTATUS(status) == ITK_EXIT_IDENT);
}

static void zygote_up(itk_brood_t *st, itk_house_t *h, const itk_msg_t *msg)
{
    (void)st;
    h->pid = msg->value;
    h->heard = itk_brood_now();
}

static void zygote_down(itk_brood_t *st, itk_house_t *h, const itk_msg_t *msg)
{
    if (cannot_become(msg->value)) {
        itk_brood_fail(h, 1);
    }
    if (msg->value < 0 || (pid_t)msg->serial == h->pid) {
        itk_brood_forget_zygote(st, msg->ident);
    }
}

/* The first worker that MSG names. */
static itk_member_t *named_first(itk_brood_t *st, const itk_msg_t *msg)
{
    itk_member_t *w = named_worker(st, msg);

    return w && w->first && w->ident == msg->ident ? w : NULL;
}

static void first_up(itk_brood_t *st, itk_house_t *h, const itk_msg_t *msg)
{
    itk_member_t *w = named_first(st, msg);

    (void)h;
    if (w) {
        w->pid = msg->value;
        w->up = itk_brood_now();
    }
}

static void first_down(itk_brood_t *st, itk_house_t *h, const itk_msg_t *msg)
{
    if (msg->value != 0) {
        itk_brood_fail(h, cannot_become(msg->value));
    }
    if (named_first(st, msg)) {
        itk_brood_forget(st, msg->slot);
    }
}

static const struct {
    itk_type_t type;
    void (*serve)(itk_brood_t *st, itk_house_t *h, const itk_msg_t *msg);
} by_spawner[] = {
    {ITK_ANS_ZYGOTE_UP, zygote_up},
    {ITK_ANS_ZYGOTE_DOWN, zygote_down},
    {ITK_ANS_FIRST_UP, first_up},
    {ITK_ANS_FIRST_DOWN, first_down},
};

static void hear_spawner(itk_brood_t *st)
{
    apr_status_t rv;
    itk_msg_t msg;
    int fd = -1;
    size_t i;

    rv = itk_sock_recv(&msg, &fd, st->setup->spawner, MSG_DONTWAIT);
    if (APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EINTR(rv)) {
        return;
    }
    if (rv == APR_SUCCESS && msg.gen == st->policy->gen &&
        itk_policy_ident(st->policy, msg.ident)) {
        for (i = 0; i < sizeof(by_spawner) / sizeof(by_spawner[0]); i++) {
            if (by_spawner[i].type == msg.type) {
                by_spawner[i].serve(st, &st->houses[msg.ident], &msg);
                return;
            }
        }
    }
    st->done = 2;       /* it is gone, or mad; a new broker may know better */
}

/* --- the loop ------------------------------------------------------------ */

static void begin_drain(itk_brood_t *st)
{
    itk_msg_t msg;
    uint32_t i;

    itk_brood_unwatch(st, st->setup->life);
    st->draining = 1;
    for (i = 0; i < st->policy->n_idents; i++) {
        if (st->houses[i].fd >= 0) {
            itk_brood_msg(st, &msg, ITK_REQ_DRAIN, i, ITK_NO_SLOT);
            (void)itk_sock_send(st->houses[i].fd, &msg, -1, MSG_DONTWAIT);
        }
    }
}

/* Until the next tick, or sooner if somebody's time runs out before. */
static int patience(const itk_brood_t *st)
{
    int64_t now = itk_brood_now();
    int64_t until = st->next_tick;
    uint32_t c;

    for (c = st->first; c != ITK_NO_SLOT; c = st->clients[c].next) {
        const itk_seated_t *cl = &st->clients[c];
        int64_t again = st->houses[cl->want].not_before;

        if (cl->deadline < until) {
            until = cl->deadline;
        }
        if (again > now && again < until) {
            until = again;
        }
    }
    return until <= now ? 0 : (int)(until - now);
}

static void hear(itk_brood_t *st, uint64_t who)
{
    uint32_t index = (uint32_t)who;

    switch ((itk_peer_t)(who >> 32)) {
    case PEER_COMMON:
        hear_common(st);
        break;
    case PEER_LIFE:
        begin_drain(st);
        break;
    case PEER_SPAWNER:
        hear_spawner(st);
        break;
    case PEER_CLIENT:
        hear_client(st, index);
        break;
    case PEER_ZYGOTE:
        hear_zygote(st, index);
        break;
    case PEER_WORKER:
        itk_brood_hear(st, index);
        break;
    }
}

/* While the generation ends: are only workers left that are busy? Then the
 * parent may go on; what idle ones had buffered is written. */
static void note_drained(itk_brood_t *st)
{
    uint32_t slot;

    for (slot = 0; slot < st->area->n_slots; slot++) {
        if (st->workers[slot].fd >= 0 &&
            itk_word_state(itk_brood_word(st, slot)) != ITK_SLOT_BUSY) {
            return;
        }
    }
    atomic_store(&st->area->shared->drained, 1);
}

static void loop(itk_brood_t *st)
{
    struct epoll_event events[64];
    int i, n;

    while (!st->done && !(st->deaf && st->n_clients == 0)) {
        n = epoll_wait(st->epoll, events, 64, patience(st));
        for (i = 0; i < n; i++) {
            hear(st, events[i].data.u64);
        }
        if (itk_brood_now() >= st->next_tick) {
            itk_care_tick(st);
        }
        serve_waiting(st);
        if (st->draining && !atomic_load(&st->area->shared->drained)) {
            note_drained(st);
        }
    }
}

static apr_status_t allocate(itk_brood_t *st)
{
    uint32_t i;

    st->workers = calloc(st->area->n_slots, sizeof(itk_member_t));
    st->seen = calloc(st->area->n_slots, sizeof(uint32_t));
    st->clients = calloc(st->area->n_seats, sizeof(itk_seated_t));
    st->houses = calloc(st->policy->n_idents, sizeof(itk_house_t));
    st->recount = calloc(st->area->n_vhosts + 1, sizeof(uint32_t));
    if (!st->workers || !st->seen || !st->clients || !st->houses ||
        !st->recount || !itk_known_create(st)) {
        return APR_ENOMEM;
    }
    for (i = 0; i < st->area->n_slots; i++) {
        st->workers[i].fd = -1;
    }
    for (i = 0; i < st->area->n_seats; i++) {
        st->clients[i].fd = -1;
    }
    for (i = 0; i < st->policy->n_idents; i++) {
        st->houses[i].fd = -1;
    }
    st->first = st->last = ITK_NO_SLOT;
    return APR_SUCCESS;
}

static apr_status_t limit_self(int *pepoll, const itk_broker_t *setup)
{
    int keep[4] = {setup->common, setup->life, setup->spawner,
                   setup->error_log};
    struct rlimit files;
    apr_status_t rv;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (!setup->keep_all) {
        itk_close_others(keep, 4);
    }
    *pepoll = epoll_create1(EPOLL_CLOEXEC);
    if (*pepoll < 0) {
        return errno;
    }
    rv = itk_caps_none();
    return rv == APR_SUCCESS ? itk_seccomp_broker() : rv;
}

static apr_status_t prepare(itk_brood_t *st, const itk_broker_t *setup)
{
    struct rlimit processes;
    apr_status_t rv;

    memset(st, 0, sizeof(*st));
    st->setup = setup;
    st->policy = setup->policy;
    st->area = setup->area;
    st->zygotes_only = getrlimit(RLIMIT_NPROC, &processes) != 0 ||
                       processes.rlim_cur < FEW_PROCESSES;
    rv = limit_self(&st->epoll, setup);
    if (rv != APR_SUCCESS) {
        itk_log(ITK_LOG_ERR, rv, "itk-sandbox-failed: the broker cannot give "
                "up its privileges");
        return rv;
    }
    rv = allocate(st);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    itk_area_reset(st->area);
    rv = itk_brood_watch(st, setup->common, PEER_COMMON, 0);
    if (rv == APR_SUCCESS) {
        rv = itk_brood_watch(st, setup->life, PEER_LIFE, 0);
    }
    if (rv == APR_SUCCESS) {
        rv = itk_brood_watch(st, setup->spawner, PEER_SPAWNER, 0);
    }
    return rv;
}

int itk_broker_run(const itk_broker_t *setup)
{
    itk_brood_t st;
    apr_status_t rv;

    itk_title_set("httpd: itk broker%s", setup->label);
    rv = prepare(&st, setup);
    if (rv != APR_SUCCESS) {
        return 1;
    }
    loop(&st);
    return st.done;
}
