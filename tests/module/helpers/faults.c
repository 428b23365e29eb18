/* Preloaded into a server under test: harms messages between its processes on
 * their way, as the rules of a file say.
 *
 * The file (FAULTS, from the environment) is mapped before httpd starts and
 * stays so in every process it forks, also where none may be opened any more.
 * A rule counts down LEFT with each message that it met; the test that wrote
 * it sees HITS. Everything else passes as it is. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "itk_wire.h"

#define N_RULES 4
#define LONGEST 64

enum { AT_SEND = 1, AT_RECV, AT_FORK };

enum {
    FAIL = 1,       /* the call fails; VALUE: errno */
    LOSE,           /* sent, and never seen again */
    RESIZE,         /* VALUE bytes of it, zeros behind */
    NO_FD,          /* without its descriptor */
    MORE_FD,        /* with one more than it has */
    SET,            /* SIZE bytes at OFFSET become VALUE */
    ADD,            /* the same, VALUE is added */
    NO_ROOM,        /* received where no descriptor is free */
    DELAY           /* the call takes VALUE milliseconds longer */
};

typedef struct rule_t {
    _Atomic uint32_t left;      /* so many more messages */
    uint32_t where;
    uint32_t type;              /* of the message */
    int32_t pid;                /* there only; negative: there not; 0: all */
    uint32_t what;
    uint32_t offset;
    uint32_t size;
    _Atomic uint32_t hits;
    int64_t value;
} rule_t;

static rule_t *rules;
static ssize_t (*real_send)(int, const struct msghdr *, int);
static ssize_t (*real_recv)(int, struct msghdr *, int);
static pid_t (*real_fork)(void);

static void begin(void) __attribute__((constructor));

static void begin(void)
{
    const char *path = getenv("FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = MAP_FAILED;

    *(void **)&real_send = dlsym(RTLD_NEXT, "sendmsg");
    *(void **)&real_recv = dlsym(RTLD_NEXT, "recvmsg");
    *(void **)&real_fork = dlsym(RTLD_NEXT, "fork");
    if (fd >= 0) {
        at = mmap(NULL, N_RULES * sizeof(rule_t), PROT_READ | PROT_WRITE,
                  MAP_SHARED, fd, 0);
        (void)close(fd);
    }
    if (at != MAP_FAILED) {
        rules = at;
    }
}

static int is_here(const rule_t *rule)
{
    return rule->pid == 0 || (rule->pid > 0 ? rule->pid == getpid()
                                            : -rule->pid != getpid());
}

/* The rule for a message of TYPE that is WHERE now, which is used with it.
 * Rules are for one after the other. */
static rule_t *take(unsigned where, unsigned type)
{
    int i;

    for (i = 0; rules && i < N_RULES; i++) {
        rule_t *rule = &rules[i];
        uint32_t left = atomic_load(&rule->left);

        if (left > 0 && rule->where == where && rule->type == type &&
            is_here(rule) &&
            atomic_compare_exchange_strong(&rule->left, &left, left - 1)) {
            atomic_fetch_add(&rule->hits, 1);
            return rule;
        }
        if (left > 0) {
            break;
        }
    }
    return NULL;
}

/* What MSG is; 0 if it is none of the server's. */
static unsigned type_of(const void *data, size_t len)
{
    itk_msg_t msg;

    if (len != sizeof(msg)) {
        return 0;
    }
    memcpy(&msg, data, sizeof(msg));
    return msg.magic == ITK_WIRE_MAGIC ? msg.type : 0;
}

static void change(unsigned char *data, const rule_t *rule)
{
    int64_t value = 0;

    if (rule->what == ADD) {
        memcpy(&value, data + rule->offset, rule->size);
    }
    value += rule->value;
    memcpy(data + rule->offset, &value, rule->size);
}

/* Have MH carry the descriptors it has and one more, in ROOM. */
static void one_more_fd(struct msghdr *mh, struct cmsghdr *room, int fd)
{
    struct cmsghdr *had = mh->msg_control ? CMSG_FIRSTHDR(mh) : NULL;
    size_t n = had ? (had->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

    room->cmsg_level = SOL_SOCKET;
    room->cmsg_type = SCM_RIGHTS;
    room->cmsg_len = CMSG_LEN((n + 1) * sizeof(int));
    if (n > 0) {
        memcpy(CMSG_DATA(room), CMSG_DATA(had), n * sizeof(int));
    }
    memcpy(CMSG_DATA(room) + n * sizeof(int), &fd, sizeof(int));
    mh->msg_control = room;
    mh->msg_controllen = CMSG_SPACE((n + 1) * sizeof(int));
}

/* Nobody is there to get it: RULE is for one that arrives. */
static void give_back(rule_t *rule)
{
    atomic_fetch_sub(&rule->hits, 1);
    atomic_fetch_add(&rule->left, 1);
}

static ssize_t send_harmed(int sock, const struct msghdr *mh, int flags,
                           rule_t *rule)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(4 * sizeof(int))];
    } room;
    unsigned char data[LONGEST] = {0};
    struct iovec iov = {data, ITK_WIRE_SIZE};
    struct msghdr copy = *mh;
    ssize_t n;

    memset(&room, 0, sizeof(room));
    memcpy(data, mh->msg_iov->iov_base, ITK_WIRE_SIZE);
    copy.msg_iov = &iov;
    switch (rule->what) {
    case FAIL:
        errno = (int)rule->value;
        return -1;
    case LOSE:
        return ITK_WIRE_SIZE;
    case RESIZE:
        iov.iov_len = (size_t)rule->value;
        break;
    case NO_FD:
        copy.msg_control = NULL;
        copy.msg_controllen = 0;
        break;
    case MORE_FD:
        one_more_fd(&copy, &room.align, sock);
        break;
    default:
        change(data, rule);
        break;
    }
    n = real_send(sock, &copy, flags);
    if (n < 0) {
        give_back(rule);
        return n;
    }
    return ITK_WIRE_SIZE;
}

ssize_t sendmsg(int sock, const struct msghdr *mh, int flags)
{
    unsigned type = mh->msg_iovlen == 1 ? type_of(mh->msg_iov->iov_base,
                                                  mh->msg_iov->iov_len) : 0;
    rule_t *rule = type ? take(AT_SEND, type) : NULL;

    return rule ? send_harmed(sock, mh, flags, rule)
                : real_send(sock, mh, flags);
}

/* What carries no descriptor is sent with this. */
ssize_t send(int sock, const void *data, size_t len, int flags)
{
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

    return sendmsg(sock, &mh, flags);
}

/* The kernel's own answer where no descriptor is free. */
static ssize_t recv_without_room(int sock, struct msghdr *mh, int flags)
{
    struct rlimit before, none;
    ssize_t n;
    int err;

    (void)getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 0;
    (void)setrlimit(RLIMIT_NOFILE, &none);
    n = real_recv(sock, mh, flags);
    err = errno;
    (void)setrlimit(RLIMIT_NOFILE, &before);
    errno = err;
    return n;
}

static int somebody_receives(void)
{
    int i;

    for (i = 0; rules && i < N_RULES; i++) {
        if (rules[i].where == AT_RECV && atomic_load(&rules[i].left) > 0) {
            return 1;
        }
    }
    return 0;
}

ssize_t recvmsg(int sock, struct msghdr *mh, int flags)
{
    const rule_t *rule = NULL;
    char data[LONGEST];
    ssize_t n;

    if (somebody_receives()) {
        n = recv(sock, data, sizeof(data), flags | MSG_PEEK);
        if (n < 0) {
            return n;
        }
        rule = take(AT_RECV, type_of(data, (size_t)n));
    }
    if (rule && rule->what == FAIL) {
        errno = (int)rule->value;
        return -1;
    }
    return rule ? recv_without_room(sock, mh, flags)
                : real_recv(sock, mh, flags);
}

pid_t fork(void)
{
    const rule_t *rule = take(AT_FORK, 0);

    if (rule && rule->what == FAIL) {
        errno = (int)rule->value;
        return -1;
    }
    if (rule) {
        (void)poll(NULL, 0, (int)rule->value);
    }
    return real_fork();
}
