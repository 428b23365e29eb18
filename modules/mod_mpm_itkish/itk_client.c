#include "itk_client.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

#include "itk_sock.h"

#define CACHE_MAX   4096
#define ROOM_BELOW  256     /* descriptors left to others, at the least */
#define GRACE_MS    2000    /* the broker's own answer comes before that */
#define JOB_LEAST   4000    /* milliseconds for a worker to begin */
#define JOB_MOST    60000

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The lowest number that the next open file gets; logs of thousands of virtual
 * hosts may lie below it. */
static rlim_t first_free(int any)
{
    int fd = fcntl(any, F_DUPFD_CLOEXEC, 0);

    if (fd < 0) {
        return 0;
    }
    (void)close(fd);
    return (rlim_t)fd;
}

/* Where the cache's descriptors lie, and how many there may be. They keep out
 * of the way of those that httpd, scripts and their select() use: at the end
 * of the first 1024, or behind them. */
static void plan_cache(itk_client_t *cl)
{
    struct rlimit files = {1024, 1024};
    rlim_t used = first_free(cl->common);
    rlim_t floor, need;

    cl->n_cache = cl->area->n_slots < CACHE_MAX ? cl->area->n_slots
                                                : CACHE_MAX;
    floor = cl->n_cache <= 512 ? 512 : 1024;
    if (floor < used + ROOM_BELOW) {
        floor = used + ROOM_BELOW;
    }
    need = floor + cl->n_cache;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < need) {
        files.rlim_cur = files.rlim_max < need ? files.rlim_max : need;
        (void)setrlimit(RLIMIT_NOFILE, &files);
        (void)getrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur < need) {            /* a quarter of what is free */
        need = files.rlim_cur;
        cl->n_cache = (uint32_t)(need > used ? (need - used) / 4 : 0) + 1;
        floor = need - cl->n_cache;
    }
    cl->floor = (int)floor;
}

apr_status_t itk_client_init(itk_client_t *cl, const itk_policy_t *policy,
                             itk_area_t *area, int common, uint32_t seat)
{
    memset(cl, 0, sizeof(*cl));
    cl->policy = policy;
    cl->area = area;
    cl->common = common;
    cl->seat = seat;
    cl->sock = -1;
    cl->nonce = (uint64_t)getpid() << 32 ^ (uint64_t)now_ms() << 12;
    plan_cache(cl);
    cl->cache = mmap(NULL, cl->n_cache * sizeof(itk_cached_t),
                     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                     0);
    return cl->cache == MAP_FAILED ? errno : APR_SUCCESS;
}

static itk_cached_t *cache_place(itk_client_t *cl, uint32_t slot)
{
    return &cl->cache[slot % cl->n_cache];
}

static void cache_drop(itk_cached_t *place)
{
    if (place->held) {
        (void)close(place->held - 1);
        place->held = 0;
    }
}

/* Remember the pair FD of the worker that ANS speaks of, in the place of
 * whoever had it. Returns the descriptor, which may be another one. */
static int cache_put(itk_client_t *cl, const itk_msg_t *ans, int fd)
{
    itk_cached_t *place = cache_place(cl, ans->slot);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, cl->floor);

    if (high >= 0) {
        (void)close(fd);
        fd = high;
    }
    cache_drop(place);
    place->ident = ans->ident;
    place->slot = ans->slot;
    place->serial = ans->serial;
    place->held = fd + 1;
    return fd;
}

/* A pair that was not asked for. It never takes the place of another one,
 * which may be in use right now. */
static void take_also(itk_client_t *cl, const itk_msg_t *ans, int fd)
{
    if (ans->gen == cl->policy->gen && ans->slot < cl->area->n_slots &&
        !cache_place(cl, ans->slot)->held) {
        (void)cache_put(cl, ans, fd);
    }
    else {
        (void)close(fd);
    }
}

static void disconnect(itk_client_t *cl)
{
    cl->coming = 0;
    if (cl->sock >= 0) {
        (void)close(cl->sock);
        cl->sock = -1;
    }
}

/* Wait until SOCK can be read or DEADLINE has passed. */
static int readable(int sock, int64_t deadline)
{
    struct pollfd pfd = {.fd = sock, .events = POLLIN};
    int64_t now;
    int n;

    do {
        now = now_ms();
        n = poll(&pfd, 1, deadline > now ? (int)(deadline - now) : 0);
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

/* Receive the answer to NONCE on SOCK; older ones are thrown away. */
static apr_status_t hear(itk_msg_t *pans, int *pfd, itk_client_t *cl,
                         int sock, uint64_t nonce, int64_t deadline)
{
    apr_status_t rv;

    for (;;) {
        if (!readable(sock, deadline)) {
            return APR_TIMEUP;
        }
        *pfd = -1;
        rv = itk_sock_recv(pans, pfd, sock, MSG_DONTWAIT);
        if (rv == APR_SUCCESS && pans->nonce == nonce) {
            return APR_SUCCESS;
        }
        if (rv == APR_SUCCESS && pans->type == ITK_ANS_ALSO) {
            take_also(cl, pans, *pfd);
        }
        else if (*pfd >= 0) {
            (void)close(*pfd);
        }
        if (rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv) &&
            !APR_STATUS_IS_EINTR(rv)) {
            return rv;
        }
    }
}

/* Introduce ourselves on the common socket, which outlives any one broker,
 * and wait until somebody answers. */
static apr_status_t say_hello(itk_client_t *cl, int64_t deadline)
{
    apr_status_t rv;
    itk_msg_t msg;
    int pair[2];
    int fd = -1;

    rv = itk_sock_pair(pair);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    itk_wire_init(&msg, ITK_REQ_HELLO, cl->policy->gen);
    msg.slot = cl->seat;
    msg.nonce = ++cl->nonce;
    rv = itk_sock_send(cl->common, &msg, pair[1], MSG_DONTWAIT);
    (void)close(pair[1]);
    if (rv == APR_SUCCESS) {
        rv = hear(&msg, &fd, cl, pair[0], cl->nonce, deadline);
    }
    if (fd >= 0) {
        (void)close(fd);        /* a welcome has none */
    }
    if (rv == APR_SUCCESS && msg.type == ITK_ANS_WELCOME) {
        cl->sock = pair[0];
        cl->epoch = atomic_load(&cl->area->shared->epoch);
        return APR_SUCCESS;
    }
    (void)close(pair[0]);
    return rv == APR_SUCCESS ? APR_EINVAL : rv;
}

static apr_status_t connect_by(itk_client_t *cl, int64_t deadline)
{
    struct timespec pause = {0, 20 * 1000 * 1000};
    apr_status_t rv = APR_TIMEUP;

    while (cl->sock < 0 && now_ms() < deadline) {
        rv = say_hello(cl, deadline);
        if (rv != APR_SUCCESS) {
            (void)nanosleep(&pause, NULL);
        }
    }
    return cl->sock < 0 ? rv : APR_SUCCESS;
}

/* One request and its answer; a broker that dies meanwhile is replaced. */
static itk_deny_t ask(itk_msg_t *pans, int *pfd, itk_client_t *cl,
                      const itk_msg_t *req)
{
    int64_t deadline = now_ms() + cl->policy->queue_timeout + GRACE_MS;
    itk_msg_t msg = *req;
    apr_status_t rv;

    while (connect_by(cl, deadline) == APR_SUCCESS) {
        msg.nonce = ++cl->nonce;
        rv = itk_sock_send(cl->sock, &msg, -1, 0);
        if (rv == APR_SUCCESS) {
            rv = hear(pans, pfd, cl, cl->sock, msg.nonce, deadline);
        }
        if (rv == APR_SUCCESS && pans->type == ITK_ANS_DENY) {
            return pans->value == ITK_DENY_NONE ? ITK_DENY_BAD
                                                : (itk_deny_t)pans->value;
        }
        if (rv == APR_SUCCESS) {
            return ITK_DENY_NONE;
        }
        disconnect(cl);
    }
    return ITK_DENY_NO_BROKER;
}

/* Say something that has no answer; a dead broker need not know, and one that
 * cannot be told hears by the end of the pair that nothing is ours. */
static void say(itk_client_t *cl, itk_type_t type, const itk_lease_t *lease,
                int value)
{
    itk_msg_t msg;

    if (cl->sock < 0) {
        return;
    }
    itk_wire_init(&msg, type, cl->policy->gen);
    msg.ident = lease->ident;
    msg.slot = lease->slot;
    msg.serial = lease->serial;
    msg.value = value;
    if (itk_sock_send(cl->sock, &msg, -1, 0) != APR_SUCCESS) {
        disconnect(cl);
    }
}

itk_deny_t itk_client_connect(itk_client_t *cl)
{
    if (cl->sock >= 0) {
        return ITK_DENY_NONE;
    }
    return connect_by(cl, now_ms() + cl->policy->queue_timeout) == APR_SUCCESS
               ? ITK_DENY_NONE : ITK_DENY_NO_BROKER;
}

/* Does ANS give a worker of IDENT? A grant comes with a descriptor, or it would
 * not have been received. */
static int is_grant(const itk_client_t *cl, const itk_msg_t *ans,
                    uint32_t ident)
{
    return ans->type == ITK_ANS_GRANT && ans->ident == ident &&
           ans->gen == cl->policy->gen && ans->slot < cl->area->n_slots;
}

static itk_deny_t ask_for_worker(itk_lease_t *please, itk_client_t *cl,
                                 itk_type_t type, uint32_t ident)
{
    itk_msg_t req, ans;
    itk_deny_t no;
    int fd = -1;

    itk_wire_init(&req, type, cl->policy->gen);
    req.ident = ident;
    req.slot = please->slot;
    req.serial = please->serial;
    req.value = type == ITK_REQ_FETCH && cl->n_cache == cl->area->n_slots;
    no = ask(&ans, &fd, cl, &req);
    if (no == ITK_DENY_NONE && !is_grant(cl, &ans, ident)) {
        no = ITK_DENY_BAD;
    }
    if (no != ITK_DENY_NONE) {
        if (fd >= 0) {
            (void)close(fd);
        }
        if (no == ITK_DENY_BAD || type == ITK_REQ_FETCH) {
            disconnect(cl);     /* the broker takes back what is ours now */
        }
        return no;
    }
    please->ident = ident;
    please->slot = ans.slot;
    please->serial = ans.serial;
    please->fd = cache_put(cl, &ans, fd);
    cl->coming = type == ITK_REQ_FETCH ? (uint32_t)ans.value : 0;
    return ITK_DENY_NONE;
}

itk_deny_t itk_client_lease(itk_lease_t *please, itk_client_t *cl,
                            uint32_t ident)
{
    itk_lease_t lease = {.ident = ident, .fd = -1};
    itk_deny_t no;

    if (cl->epoch != atomic_load(&cl->area->shared->epoch)) {
        disconnect(cl);             /* another broker: be known to it first */
    }
    while (cl->sock >= 0 &&
           itk_area_pop(cl->area, ident, (uint32_t)sched_getcpu(), cl->seat,
                        &lease.slot, &lease.serial)) {
        itk_cached_t *place = cache_place(cl, lease.slot);

        if (place->held && place->slot == lease.slot &&
            place->serial == lease.serial && place->ident == ident) {
            lease.fd = place->held - 1;
            *please = lease;
            return ITK_DENY_NONE;
        }
        no = ask_for_worker(&lease, cl, ITK_REQ_FETCH, ident);
        if (no == ITK_DENY_NONE) {
            *please = lease;
            return ITK_DENY_NONE;
        }
        if (no == ITK_DENY_NO_BROKER) {
            return no;
        }
    }
    no = ask_for_worker(&lease, cl, ITK_REQ_LEASE, ident);
    if (no == ITK_DENY_NONE) {
        *please = lease;
    }
    return no;
}

static uint64_t word_of(const itk_client_t *cl, const itk_lease_t *lease)
{
    return atomic_load(&cl->area->slots[lease->slot].word);
}

static int is_ours(const itk_client_t *cl, const itk_lease_t *lease)
{
    return word_of(cl, lease) ==
           itk_word(lease->serial, ITK_SLOT_BUSY, cl->seat);
}

void itk_client_release(itk_client_t *cl, const itk_lease_t *lease,
                        uint32_t cpu)
{
    if (atomic_load(&cl->area->shared->waiters) && cl->sock >= 0 &&
        is_ours(cl, lease)) {
        say(cl, ITK_REQ_RETURN, lease, (int)cpu);
        if (cl->sock >= 0) {
            return;
        }
    }
    if (!itk_area_push(cl->area, lease->slot, lease->serial, cl->seat, cpu)) {
        disconnect(cl);         /* the broker knows what became of it */
    }
    if (atomic_load(&cl->area->shared->waiters)) {
        say(cl, ITK_REQ_NUDGE, lease, 0);
    }
}

void itk_client_forget(itk_client_t *cl, const itk_lease_t *lease)
{
    itk_cached_t *place = cache_place(cl, lease->slot);

    if (place->slot == lease->slot && place->serial == lease->serial) {
        cache_drop(place);
    }
    if (is_ours(cl, lease)) {
        say(cl, ITK_REQ_LEAVES, lease, 0);
    }
    else if (word_of(cl, lease) != itk_word(lease->serial, ITK_SLOT_FREE, 0)) {
        disconnect(cl);
    }
}

uint32_t itk_client_job_ms(const itk_client_t *cl)
{
    uint32_t ms = cl->policy->queue_timeout;

    return ms < JOB_LEAST ? JOB_LEAST : ms > JOB_MOST ? JOB_MOST : ms;
}

void itk_client_stuck(itk_client_t *cl, const itk_lease_t *lease)
{
    (void)itk_client_connect(cl);
    say(cl, ITK_REQ_STUCK, lease, 0);
}

apr_status_t itk_client_send(itk_client_t *cl, itk_lease_t *lease, int fd)
{
    itk_msg_t msg;

    itk_wire_init(&msg, ITK_REQ_JOB, cl->policy->gen);
    msg.ident = lease->ident;
    msg.slot = cl->seat;
    msg.serial = lease->serial;
    msg.nonce = lease->nonce = ++cl->nonce;
    msg.until = itk_wire_now() + itk_client_job_ms(cl);
    return itk_sock_send(lease->fd, &msg, fd, MSG_DONTWAIT);
}

void itk_client_settle(itk_client_t *cl)
{
    itk_msg_t msg;
    int fd;

    while (cl->coming > 0) {
        fd = -1;
        if (itk_sock_recv(&msg, &fd, cl->sock, MSG_DONTWAIT) != APR_SUCCESS) {
            cl->coming /= 2;        /* look again next time, not for ever */
            return;
        }
        if (msg.type == ITK_ANS_ALSO) {
            take_also(cl, &msg, fd);
            cl->coming--;
        }
        else if (fd >= 0) {
            (void)close(fd);
        }
    }
}

apr_status_t itk_client_wait(itk_msg_t *panswer, const itk_lease_t *lease)
{
    int64_t deadline = 0;
    apr_status_t rv;

    for (;;) {
        rv = itk_sock_hear(panswer, lease->fd, 0);
        if (rv == APR_SUCCESS && panswer->nonce == lease->nonce &&
            (panswer->type == ITK_ANS_DONE ||
             panswer->type == ITK_ANS_REFUSED)) {
            return APR_SUCCESS;
        }
        if (rv == APR_SUCCESS && panswer->type != ITK_ANS_PONG) {
            return APR_EINVAL;      /* the answer to what nobody asked */
        }
        if (rv != APR_SUCCESS && !APR_STATUS_IS_EINTR(rv)) {
            return rv;              /* EAGAIN: the pair's own timeout */
        }
        if (deadline == 0) {
            deadline = now_ms() + 1000;
        }
        else if (now_ms() >= deadline) {
            return APR_EAGAIN;      /* interrupted, or the broker's answers */
        }
    }
}

int itk_client_bereft(const itk_client_t *cl, const itk_lease_t *lease)
{
    uint64_t word = word_of(cl, lease);

    if (is_ours(cl, lease)) {
        return 0;
    }
    return cl->epoch != atomic_load(&cl->area->shared->epoch) ||
           (itk_word_serial(word) == lease->serial &&
            itk_word_state(word) != ITK_SLOT_FREE);
}

int itk_client_untouched(int fd, int *punread)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    int unread = 0;

    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_data_segs_out) + 4 ||
        ioctl(fd, SIOCINQ, &unread) != 0) {
        return 0;
    }
    *punread = unread;
    return info.tcpi_data_segs_out == 0 && unread >= 0 &&
           info.tcpi_bytes_received == (uint64_t)unread;
}
