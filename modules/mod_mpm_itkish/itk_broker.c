#include "itk_broker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "itk_log.h"
#include "itk_sandbox.h"
#include "itk_sock.h"
#include "itk_title.h"

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

#define TICK_MS         1000
#define NASCENT_S       5       /* a worker that is not there by then */
#define BROKEN_MS       1000    /* refuse at once for so long after a failure */
#define AUDIT_TICKS     5

typedef enum {
    PEER_COMMON,
    PEER_LIFE,
    PEER_SPAWNER,
    PEER_CLIENT,
    PEER_ZYGOTE,
    PEER_WORKER
} peer_t;

typedef struct worker_t {
    int fd;                 /* the children's end of its pair, -1: no worker */
    uint32_t ident;
    uint32_t serial;
    pid_t pid;              /* 0 until its zygote told it */
    uint32_t born;
    int quitting;           /* told to leave */
    int adopted;            /* its child died; waiting for its pong */
    int missed;             /* audits that did not find it where it should be */
} worker_t;

typedef struct client_t {
    int fd;                 /* -1: no such child */
    int waiting;
    uint32_t want;
    uint64_t nonce;
    int64_t deadline;
    uint32_t next;          /* in the queue */
} client_t;

typedef struct house_t {    /* an identity in use */
    int fd;                 /* its zygote's control socket, -1: no zygote */
    pid_t pid;
    int proven;             /* this zygote has started a worker */
    uint32_t live;
    uint32_t idle;          /* as of the last tick */
    uint32_t fails;
    int64_t failed;
    int64_t not_before;     /* spawn rate limit */
    int64_t broken_until;
    uint32_t empty_since;
} house_t;

typedef struct state_t {
    const itk_broker_t *setup;
    const itk_policy_t *policy;
    itk_area_t *area;
    int epoll;
    int draining;
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
    worker_t *workers;
    client_t *clients;
    house_t *houses;
} state_t;

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static apr_status_t watch(state_t *st, int fd, peer_t peer, uint32_t index)
{
    struct epoll_event ev = {.events = EPOLLIN};

    ev.data.u64 = (uint64_t)peer << 32 | index;
    return epoll_ctl(st->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? APR_SUCCESS
                                                             : errno;
}

/* Children hold copies of what we watch, so closing is not enough. */
static void unwatch(state_t *st, int fd)
{
    (void)epoll_ctl(st->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void init_msg(state_t *st, itk_msg_t *msg, itk_type_t type,
                     uint32_t ident, uint32_t slot)
{
    itk_wire_init(msg, type, st->policy->gen);
    msg->ident = ident;
    msg->slot = slot;
    if (slot < st->area->n_slots) {
        msg->serial = st->workers[slot].serial;
    }
}

static uint64_t slot_word(state_t *st, uint32_t slot)
{
    return atomic_load(&st->area->slots[slot].word);
}

/* --- the queue of children that wait ------------------------------------ */

static void set_waiting(state_t *st, int by)
{
    st->n_waiting = (uint32_t)((int)st->n_waiting + by);
    atomic_store(&st->area->shared->waiters, st->n_waiting);
}

static void enqueue(state_t *st, uint32_t c)
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

static void dequeue(state_t *st, uint32_t c)
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

/* --- workers ------------------------------------------------------------- */

/* Forget worker SLOT: it has died, or nobody can reach it any more. */
static void forget_worker(state_t *st, uint32_t slot)
{
    worker_t *w = &st->workers[slot];
    uint64_t word = slot_word(st, slot);
    uint64_t empty = itk_word(w->serial, ITK_SLOT_FREE, 0);

    if (w->fd < 0) {
        return;
    }
    unwatch(st, w->fd);
    (void)close(w->fd);
    w->fd = -1;
    st->houses[w->ident].live--;
    st->houses[w->ident].empty_since = itk_area_clock();
    if (!w->quitting) {
        st->live--;
    }
    if (itk_word_state(word) == ITK_SLOT_BUSY &&
        itk_area_swap(st->area, slot, word, empty)) {
        return;
    }
    word = slot_word(st, slot);
    if (itk_word_state(word) == ITK_SLOT_IDLE) {
        (void)itk_area_swap(st->area, slot, word,
                            itk_word(w->serial, ITK_SLOT_REAPED, 0));
        itk_area_sweep(st->area, w->ident, st->seen, ++st->stamp);
    }
}

/* Take an idle worker off its stack and let it leave. 0 if it just got
 * something to do. */
static int retire(state_t *st, uint32_t slot)
{
    worker_t *w = &st->workers[slot];
    uint64_t word = slot_word(st, slot);
    itk_msg_t msg;

    if (itk_word_state(word) != ITK_SLOT_IDLE || w->quitting ||
        itk_word_serial(word) != w->serial ||
        !itk_area_swap(st->area, slot, word,
                       itk_word(w->serial, ITK_SLOT_REAPED, 0))) {
        return 0;
    }
    itk_area_sweep(st->area, w->ident, st->seen, ++st->stamp);
    init_msg(st, &msg, ITK_REQ_QUIT, w->ident, slot);
    (void)itk_sock_send(w->fd, &msg, -1, MSG_DONTWAIT);
    w->quitting = 1;
    st->live--;
    return 1;
}

/* Retire the worker that has been idle for the longest time, of whomever. */
static int retire_oldest(state_t *st)
{
    uint32_t best = ITK_NO_SLOT;
    uint32_t best_used = 0;
    uint32_t slot;

    for (slot = 0; slot < st->area->n_slots; slot++) {
        uint32_t used = atomic_load(&st->area->slots[slot].used);

        if (st->workers[slot].fd >= 0 && !st->workers[slot].quitting &&
            itk_word_state(slot_word(st, slot)) == ITK_SLOT_IDLE &&
            (best == ITK_NO_SLOT || used < best_used)) {
            best = slot;
            best_used = used;
        }
    }
    return best != ITK_NO_SLOT && retire(st, best);
}

static void ask_spawner(state_t *st, const itk_msg_t *msg, int fd)
{
    if (itk_sock_send(st->setup->spawner, msg, fd, 0) != APR_SUCCESS) {
        st->done = 2;
    }
}

static void send_kill(state_t *st, uint32_t ident, pid_t pid)
{
    itk_msg_t msg;

    if (pid > 1) {
        init_msg(st, &msg, ITK_REQ_SIGNAL, ident, SIGKILL);
        msg.serial = 0;
        msg.value = pid;
        ask_spawner(st, &msg, -1);
    }
}

/* A worker that belongs to nobody: ask whether it is idle. Its pong, which
 * comes when it has finished what it does, puts it back on its stack. */
static void adopt(state_t *st, uint32_t slot)
{
    worker_t *w = &st->workers[slot];
    itk_msg_t msg;

    if (w->adopted) {
        return;
    }
    w->adopted = 1;
    init_msg(st, &msg, ITK_REQ_PING, w->ident, slot);
    msg.nonce = w->serial;
    if (watch(st, w->fd, PEER_WORKER, slot) == APR_SUCCESS) {
        (void)itk_sock_send(w->fd, &msg, -1, MSG_DONTWAIT);
    }
}

static void hear_worker(state_t *st, uint32_t slot)
{
    worker_t *w = &st->workers[slot];
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
        (msg.type != ITK_ANS_PONG || msg.nonce != w->serial)) {
        return;                     /* what its late child did not read */
    }
    unwatch(st, w->fd);
    w->adopted = 0;
    if (rv == APR_EINVAL) {
        send_kill(st, w->ident, w->pid);        /* it talks nonsense */
    }
    if (rv == APR_SUCCESS && !w->quitting) {
        (void)itk_area_push(st->area, slot, w->serial, ITK_BROKER);
    }
}

/* --- starting processes -------------------------------------------------- */

static void fail_house(house_t *h, int hard)
{
    int64_t now = now_ms();

    if (now - h->failed > 10000) {
        h->fails = 0;
    }
    h->failed = now;
    if (h->fails < 10) {
        h->fails++;
    }
    h->not_before = now + (INT64_C(5) << h->fails);
    if (hard) {
        h->broken_until = now + BROKEN_MS;
    }
}

static void forget_zygote(state_t *st, uint32_t ident)
{
    house_t *h = &st->houses[ident];
    itk_msg_t msg;
    uint32_t slot;

    if (h->fd < 0) {
        return;
    }
    unwatch(st, h->fd);
    (void)close(h->fd);
    h->fd = -1;
    for (slot = 0; slot < st->area->n_slots; slot++) {
        if (st->workers[slot].fd >= 0 && st->workers[slot].ident == ident) {
            init_msg(st, &msg, ITK_REQ_QUIT, ident, slot);
            (void)itk_sock_send(st->workers[slot].fd, &msg, -1, MSG_DONTWAIT);
            forget_worker(st, slot);
        }
    }
}

static apr_status_t start_zygote(state_t *st, uint32_t ident)
{
    house_t *h = &st->houses[ident];
    apr_status_t rv;
    itk_msg_t msg;
    int pair[2];

    rv = itk_sock_pair(pair);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = watch(st, pair[0], PEER_ZYGOTE, ident);
    if (rv != APR_SUCCESS) {
        (void)close(pair[0]);
        (void)close(pair[1]);
        return rv;
    }
    init_msg(st, &msg, ITK_REQ_ZYGOTE, ident, ITK_NO_SLOT);
    ask_spawner(st, &msg, pair[1]);
    (void)close(pair[1]);
    h->fd = pair[0];
    h->pid = 0;
    h->proven = 0;
    return APR_SUCCESS;
}

static uint32_t free_slot(state_t *st)
{
    uint32_t slot;

    for (slot = 0; slot < st->area->n_slots; slot++) {
        if (st->workers[slot].fd < 0 &&
            itk_word_state(slot_word(st, slot)) == ITK_SLOT_FREE) {
            return slot;
        }
    }
    return ITK_NO_SLOT;
}

/* Start a worker of IDENT that belongs to OWNER. Whoever gets it can use it
 * at once: what is sent to it waits in its pair until it is there. */
static uint32_t start_worker(state_t *st, uint32_t ident, uint32_t owner)
{
    house_t *h = &st->houses[ident];
    uint32_t slot = free_slot(st);
    apr_status_t rv;
    itk_msg_t msg;
    worker_t *w;
    int pair[2];

    if (slot == ITK_NO_SLOT ||
        (h->fd < 0 && start_zygote(st, ident) != APR_SUCCESS) ||
        itk_sock_pair(pair) != APR_SUCCESS) {
        return ITK_NO_SLOT;
    }
    w = &st->workers[slot];
    (void)itk_sock_timeout(pair[0], 1000);
    memset(w, 0, sizeof(*w));
    w->fd = pair[0];
    w->ident = ident;
    w->serial = itk_word_serial(slot_word(st, slot)) + 1;
    w->born = itk_area_clock();
    atomic_store(&st->area->slots[slot].ident, ident);
    atomic_store(&st->area->slots[slot].word,
                 itk_word(w->serial, ITK_SLOT_BUSY, owner));
    h->live++;
    st->live++;
    init_msg(st, &msg, ITK_REQ_SPAWN, ident, slot);
    rv = itk_sock_send(h->fd, &msg, pair[1], MSG_DONTWAIT);
    (void)close(pair[1]);
    if (rv != APR_SUCCESS) {
        forget_worker(st, slot);
        fail_house(h, 0);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            forget_zygote(st, ident);
        }
        return ITK_NO_SLOT;
    }
    return slot;
}

/* --- serving children ---------------------------------------------------- */

static void drop_client(state_t *st, uint32_t c)
{
    client_t *cl = &st->clients[c];
    uint32_t slot;

    if (cl->fd < 0) {
        return;
    }
    dequeue(st, c);
    unwatch(st, cl->fd);
    (void)close(cl->fd);
    cl->fd = -1;
    st->n_clients--;
    for (slot = 0; slot < st->area->n_slots; slot++) {
        uint64_t word = slot_word(st, slot);

        if (st->workers[slot].fd >= 0 && word ==
                itk_word(st->workers[slot].serial, ITK_SLOT_BUSY, c) &&
            itk_area_swap(st->area, slot, word,
                          itk_word(st->workers[slot].serial, ITK_SLOT_BUSY,
                                   ITK_BROKER))) {
            adopt(st, slot);
        }
    }
}

static void answer(state_t *st, uint32_t c, const itk_msg_t *msg, int fd)
{
    if (itk_sock_send(st->clients[c].fd, msg, fd, MSG_DONTWAIT) !=
        APR_SUCCESS) {
        drop_client(st, c);
    }
}

static void deny(state_t *st, uint32_t c, uint64_t nonce, itk_deny_t reason)
{
    itk_msg_t msg;

    init_msg(st, &msg, ITK_ANS_DENY, 0, ITK_NO_SLOT);
    msg.nonce = nonce;
    msg.value = reason;
    dequeue(st, c);
    answer(st, c, &msg, -1);
}

static void grant(state_t *st, uint32_t c, uint64_t nonce, uint32_t slot)
{
    itk_msg_t msg;

    init_msg(st, &msg, ITK_ANS_GRANT, st->workers[slot].ident, slot);
    msg.nonce = nonce;
    dequeue(st, c);
    answer(st, c, &msg, st->workers[slot].fd);
}

/* Pop an idle worker of IDENT for OWNER that is what the stack says it is. */
static uint32_t take_idle(state_t *st, uint32_t ident, uint32_t owner)
{
    uint32_t slot, serial;

    while (itk_area_pop(st->area, ident, owner, &slot, &serial)) {
        worker_t *w = &st->workers[slot];

        if (w->fd >= 0 && w->ident == ident && w->serial == serial &&
            !w->quitting) {
            return slot;
        }
    }
    return ITK_NO_SLOT;
}

/* Try to satisfy waiting child C. 1 when it was answered, one way or the
 * other. *PFULL: every worker of the server is busy, do not look again. */
static int try_serve(state_t *st, uint32_t c, int *pfull)
{
    client_t *cl = &st->clients[c];
    house_t *h = &st->houses[cl->want];
    int64_t now = now_ms();
    uint32_t slot;

    slot = take_idle(st, cl->want, c);
    if (slot == ITK_NO_SLOT && now < h->broken_until) {
        deny(st, c, cl->nonce, ITK_DENY_SPAWN);
        return 1;
    }
    if (slot == ITK_NO_SLOT && now >= h->not_before && !*pfull) {
        if (st->live >= st->policy->max_workers && !retire_oldest(st)) {
            *pfull = 1;
        }
        else {
            slot = start_worker(st, cl->want, c);
        }
    }
    if (slot != ITK_NO_SLOT) {
        grant(st, c, cl->nonce, slot);
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
static void serve_waiting(state_t *st)
{
    uint32_t c = st->first;
    int full = 0;

    while (c != ITK_NO_SLOT) {
        uint32_t next = st->clients[c].next;

        (void)try_serve(st, c, &full);
        c = next;
    }
}

static void req_lease(state_t *st, uint32_t c, const itk_msg_t *msg)
{
    client_t *cl = &st->clients[c];
    int full = 0;

    if (!itk_policy_ident(st->policy, msg->ident) || cl->waiting) {
        deny(st, c, msg->nonce, ITK_DENY_BAD);
        return;
    }
    cl->want = msg->ident;
    cl->nonce = msg->nonce;
    cl->deadline = now_ms() + st->policy->queue_timeout;
    enqueue(st, c);
    if (st->first == c) {
        (void)try_serve(st, c, &full);
    }
}

/* The worker that MSG names, if it is that one still. */
static worker_t *named_worker(state_t *st, const itk_msg_t *msg)
{
    worker_t *w;

    if (msg->slot >= st->area->n_slots) {
        return NULL;
    }
    w = &st->workers[msg->slot];
    return w->fd >= 0 && w->serial == msg->serial ? w : NULL;
}

static int owns(state_t *st, uint32_t c, const itk_msg_t *msg)
{
    return named_worker(st, msg) &&
           slot_word(st, msg->slot) ==
               itk_word(msg->serial, ITK_SLOT_BUSY, c);
}

static void req_fetch(state_t *st, uint32_t c, const itk_msg_t *msg)
{
    worker_t *w = named_worker(st, msg);

    if (w && !w->quitting) {
        grant(st, c, msg->nonce, msg->slot);
    }
    else {
        deny(st, c, msg->nonce, ITK_DENY_GONE);
    }
}

static void req_return(state_t *st, uint32_t c, const itk_msg_t *msg)
{
    if (owns(st, c, msg)) {
        (void)itk_area_push(st->area, msg->slot, msg->serial, c);
    }
}

static void req_nudge(state_t *st, uint32_t c, const itk_msg_t *msg)
{
    (void)st;                   /* the queue is looked at after every event */
    (void)c;
    (void)msg;
}

static void req_stuck(state_t *st, uint32_t c, const itk_msg_t *msg)
{
    worker_t *w = named_worker(st, msg);

    if (!w || !owns(st, c, msg)) {
        return;
    }
    itk_log(ITK_LOG_WARN, 0, "itk-worker-stuck: worker pid %ld of %s does not "
            "take its connection (stopped?), killing it", (long)w->pid,
            st->policy->idents[w->ident].name);
    send_kill(st, w->ident, w->pid ? w->pid : st->houses[w->ident].pid);
}

static const struct {
    itk_type_t type;
    void (*serve)(state_t *st, uint32_t c, const itk_msg_t *msg);
} by_client[] = {
    {ITK_REQ_LEASE, req_lease},   {ITK_REQ_FETCH, req_fetch},
    {ITK_REQ_RETURN, req_return}, {ITK_REQ_NUDGE, req_nudge},
    {ITK_REQ_STUCK, req_stuck},
};

static void hear_client(state_t *st, uint32_t c)
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
    if (rv == APR_SUCCESS && fd < 0) {
        if (msg.gen != st->policy->gen) {
            deny(st, c, msg.nonce, ITK_DENY_GENERATION);
            return;
        }
        for (i = 0; i < sizeof(by_client) / sizeof(by_client[0]); i++) {
            if (by_client[i].type == msg.type) {
                by_client[i].serve(st, c, &msg);
                return;
            }
        }
    }
    if (rv != APR_EOF) {
        itk_log(ITK_LOG_ERR, 0, "itk-bad-message: child in slot %u is cut "
                "off, it sent what no child sends", c);
    }
    drop_client(st, c);
}

/* Somebody introduces himself: a prefork child, if the kernel says so. */
static void hear_common(state_t *st)
{
    itk_msg_t msg, welcome;
    apr_status_t rv;
    client_t *cl;
    pid_t pid;
    uid_t uid;
    int fd = -1;

    rv = itk_sock_recv_from(&msg, &fd, &pid, &uid, st->setup->common,
                            MSG_DONTWAIT);
    if (rv == APR_EOF) {
        unwatch(st, st->setup->common);
        st->deaf = 1;
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
    if (watch(st, fd, PEER_CLIENT, msg.slot) != APR_SUCCESS) {
        (void)close(fd);
        return;
    }
    cl = &st->clients[msg.slot];
    cl->fd = fd;
    cl->waiting = 0;
    st->n_clients++;
    init_msg(st, &welcome, ITK_ANS_WELCOME, 0, ITK_NO_SLOT);
    welcome.nonce = msg.nonce;
    answer(st, msg.slot, &welcome, -1);
}

/* --- hearing zygotes and the spawner ------------------------------------- */

static void zyg_spawned(state_t *st, uint32_t ident, worker_t *w,
                        const itk_msg_t *msg)
{
    st->houses[ident].proven = 1;
    w->pid = msg->value;
}

static void zyg_died(state_t *st, uint32_t ident, worker_t *w,
                     const itk_msg_t *msg)
{
    (void)w;
    if (msg->value != 0) {
        fail_house(&st->houses[ident], 0);
    }
    forget_worker(st, msg->slot);
}

static void zyg_unborn(state_t *st, uint32_t ident, worker_t *w,
                       const itk_msg_t *msg)
{
    (void)w;
    fail_house(&st->houses[ident], 1);
    forget_worker(st, msg->slot);
}

static const struct {
    itk_type_t type;
    void (*serve)(state_t *st, uint32_t ident, worker_t *w,
                  const itk_msg_t *msg);
} by_zygote[] = {
    {ITK_ANS_SPAWNED, zyg_spawned},
    {ITK_ANS_DIED, zyg_died},
    {ITK_ANS_UNBORN, zyg_unborn},
};

static void hear_zygote(state_t *st, uint32_t ident)
{
    house_t *h = &st->houses[ident];
    apr_status_t rv;
    itk_msg_t msg;
    worker_t *w;
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
        for (i = 0; i < sizeof(by_zygote) / sizeof(by_zygote[0]); i++) {
            if (by_zygote[i].type == msg.type) {
                w = named_worker(st, &msg);
                if (w && w->ident == ident) {
                    by_zygote[i].serve(st, ident, w, &msg);
                }
                return;
            }
        }
    }
    if (!h->proven) {
        fail_house(h, 1);
    }
    forget_zygote(st, ident);
}

static void hear_spawner(state_t *st)
{
    apr_status_t rv;
    itk_msg_t msg;
    house_t *h;
    int fd = -1;

    rv = itk_sock_recv(&msg, &fd, st->setup->spawner, MSG_DONTWAIT);
    if (APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EINTR(rv)) {
        return;
    }
    if (rv != APR_SUCCESS || !itk_policy_ident(st->policy, msg.ident)) {
        st->done = 2;               /* it is gone, so are we */
        return;
    }
    h = &st->houses[msg.ident];
    if (msg.type == ITK_ANS_ZYGOTE_UP) {
        h->pid = msg.value;
    }
    else if (msg.type == ITK_ANS_ZYGOTE_DOWN &&
             (msg.value < 0 || (pid_t)msg.serial == h->pid)) {
        if (msg.value != 0) {
            fail_house(h, !h->proven);
        }
        forget_zygote(st, msg.ident);
    }
}

/* --- housekeeping -------------------------------------------------------- */

static void begin_drain(state_t *st)
{
    itk_msg_t msg;
    uint32_t i;

    unwatch(st, st->setup->life);
    st->draining = 1;
    for (i = 0; i < st->policy->n_idents; i++) {
        if (st->houses[i].fd >= 0) {
            init_msg(st, &msg, ITK_REQ_DRAIN, i, ITK_NO_SLOT);
            (void)itk_sock_send(st->houses[i].fd, &msg, -1, MSG_DONTWAIT);
        }
    }
}

/* One worker's state against what it should be. */
static void check_worker(state_t *st, uint32_t slot, uint32_t now)
{
    worker_t *w = &st->workers[slot];
    uint64_t word = slot_word(st, slot);
    uint32_t owner = itk_word_owner(word);
    uint32_t used = atomic_load(&st->area->slots[slot].used);

    if (w->pid == 0 && now - w->born > NASCENT_S) {
        itk_log(ITK_LOG_WARN, 0, "itk-zygote-stuck: the zygote of %s does "
                "not start workers (stopped?), killing it",
                st->policy->idents[w->ident].name);
        w->born = now;
        send_kill(st, w->ident, st->houses[w->ident].pid);
    }
    if (itk_word_state(word) == ITK_SLOT_BUSY && owner != ITK_BROKER &&
        (owner >= st->area->n_seats || st->clients[owner].fd < 0) &&
        itk_area_swap(st->area, slot, word,
                      itk_word(w->serial, ITK_SLOT_BUSY, ITK_BROKER))) {
        adopt(st, slot);
    }
    if (itk_word_state(word) == ITK_SLOT_IDLE) {
        int spare = st->houses[w->ident].idle < st->policy->min_spare;

        if (st->draining || (!spare && now >= used &&
                             now - used >= st->policy->idle_timeout)) {
            (void)retire(st, slot);
        }
        else {
            st->houses[w->ident].idle++;
        }
    }
}

static void check_workers(state_t *st)
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
        house_t *h = &st->houses[i];

        if (h->fd >= 0 && h->live == 0 &&
            now - h->empty_since > st->policy->idle_timeout) {
            forget_zygote(st, i);
        }
    }
}

/* ItkishMinSpare: start what is missing, a few at a time. */
static void start_spares(state_t *st)
{
    int64_t now = now_ms();
    int some = 32;
    uint32_t i;

    for (i = 1; i < st->policy->n_idents && some > 0; i++) {
        house_t *h = &st->houses[i];

        while (h->idle < st->policy->min_spare && some > 0 &&
               st->live < st->policy->max_workers && now >= h->not_before) {
            uint32_t slot = start_worker(st, i, ITK_BROKER);

            if (slot == ITK_NO_SLOT) {
                return;
            }
            adopt(st, slot);
            h->idle++;
            some--;
        }
    }
}

/* Idle by its word, but on no stack: its child died between the two steps.
 * Found so twice, it is asked whether it is idle and put back. */
static void audit_slot(state_t *st, uint32_t slot)
{
    worker_t *w = &st->workers[slot];
    uint64_t word = slot_word(st, slot);
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
            adopt(st, slot);
        }
    }
    else {
        (void)itk_area_swap(st->area, slot, word,
                            itk_word(serial, ITK_SLOT_FREE, 0));
    }
}

/* A child killed between count and seat leaves a count too many; put right
 * what is wrong while nothing moves. */
static void audit_counts(state_t *st)
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

static void audit(state_t *st)
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

static void tick(state_t *st)
{
    st->next_tick = now_ms() + TICK_MS;
    check_workers(st);
    if (!st->draining) {
        start_spares(st);
    }
    if (++st->ticks % AUDIT_TICKS == 0) {
        audit(st);
    }
}

/* Until the next tick, or sooner if somebody's time runs out before. */
static int patience(const state_t *st)
{
    int64_t now = now_ms();
    int64_t until = st->next_tick;
    uint32_t c;

    for (c = st->first; c != ITK_NO_SLOT; c = st->clients[c].next) {
        const client_t *cl = &st->clients[c];
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

static void hear(state_t *st, uint64_t who)
{
    uint32_t index = (uint32_t)who;

    switch ((peer_t)(who >> 32)) {
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
        hear_worker(st, index);
        break;
    }
}

static void loop(state_t *st)
{
    struct epoll_event events[64];
    int i, n;

    while (!st->done && !(st->deaf && st->n_clients == 0)) {
        n = epoll_wait(st->epoll, events, 64, patience(st));
        for (i = 0; i < n; i++) {
            hear(st, events[i].data.u64);
        }
        if (now_ms() >= st->next_tick) {
            tick(st);
        }
        serve_waiting(st);
    }
}

static apr_status_t allocate(state_t *st)
{
    uint32_t i;

    st->workers = calloc(st->area->n_slots, sizeof(worker_t));
    st->seen = calloc(st->area->n_slots, sizeof(uint32_t));
    st->clients = calloc(st->area->n_seats, sizeof(client_t));
    st->houses = calloc(st->policy->n_idents, sizeof(house_t));
    st->recount = calloc(st->area->n_vhosts + 1, sizeof(uint32_t));
    if (!st->workers || !st->seen || !st->clients || !st->houses ||
        !st->recount) {
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
    itk_close_others(keep, 4);
    *pepoll = epoll_create1(EPOLL_CLOEXEC);
    if (*pepoll < 0) {
        return errno;
    }
    rv = itk_caps_none();
    return rv == APR_SUCCESS ? itk_seccomp_broker() : rv;
}

static apr_status_t prepare(state_t *st, const itk_broker_t *setup)
{
    apr_status_t rv;

    memset(st, 0, sizeof(*st));
    st->setup = setup;
    st->policy = setup->policy;
    st->area = setup->area;
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
    rv = watch(st, setup->common, PEER_COMMON, 0);
    if (rv == APR_SUCCESS) {
        rv = watch(st, setup->life, PEER_LIFE, 0);
    }
    if (rv == APR_SUCCESS) {
        rv = watch(st, setup->spawner, PEER_SPAWNER, 0);
    }
    return rv;
}

int itk_broker_run(const itk_broker_t *setup)
{
    state_t st;
    apr_status_t rv;

    itk_title_set("httpd: itk broker%s", setup->label);
    rv = prepare(&st, setup);
    if (rv != APR_SUCCESS) {
        return 1;
    }
    loop(&st);
    return st.done;
}
