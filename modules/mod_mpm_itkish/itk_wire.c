#include "itk_wire.h"

#include <string.h>
#include <time.h>

_Static_assert(sizeof(itk_msg_t) == ITK_WIRE_SIZE, "no padding on the wire");

static const struct {
    uint16_t type;
    uint16_t flags;         /* bits that may be set */
    int fds;
} kinds[] = {
    {ITK_REQ_HELLO, 0, 1},        {ITK_REQ_LEASE, 0, 0},
    {ITK_REQ_FETCH, 0, 0},        {ITK_REQ_RETURN, 0, 0},
    {ITK_REQ_NUDGE, 0, 0},        {ITK_REQ_STUCK, 0, 0},
    {ITK_REQ_LEAVES, 0, 0},
    {ITK_ANS_WELCOME, 0, 0},      {ITK_ANS_GRANT, 0, 1},
    {ITK_ANS_ALSO, 0, 1},
    {ITK_ANS_DENY, 0, 0},         {ITK_REQ_JOB, 0, 1},
    {ITK_REQ_QUIT, 0, 0},         {ITK_REQ_PING, 0, 0},
    {ITK_ANS_DONE, ITK_DONE_LAST, 0},
    {ITK_ANS_REFUSED, 0, 0},      {ITK_ANS_PONG, 0, 0},
    {ITK_REQ_ZYGOTE, 0, 1},       {ITK_REQ_SIGNAL, 0, 0},
    {ITK_REQ_FIRST, 0, 1},
    {ITK_ANS_ZYGOTE_UP, 0, 0},    {ITK_ANS_ZYGOTE_DOWN, 0, 0},
    {ITK_ANS_FIRST_UP, 0, 0},     {ITK_ANS_FIRST_DOWN, 0, 0},
    {ITK_REQ_SPAWN, 0, 1},        {ITK_REQ_DRAIN, 0, 0},
    {ITK_ANS_SPAWNED, 0, 0},      {ITK_ANS_DIED, 0, 0},
    {ITK_ANS_UNBORN, 0, 0},
};

#define N_KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static int find_kind(uint16_t type)
{
    int i;

    for (i = 0; i < N_KINDS; i++) {
        if (kinds[i].type == type) {
            return i;
        }
    }
    return -1;
}

void itk_wire_init(itk_msg_t *msg, itk_type_t type, uint32_t gen)
{
    memset(msg, 0, sizeof(*msg));
    msg->magic = ITK_WIRE_MAGIC;
    msg->type = (uint16_t)type;
    msg->gen = gen;
}

uint32_t itk_wire_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (uint32_t)((uint64_t)ts.tv_sec * 1000 +
                      (uint64_t)ts.tv_nsec / 1000000);
}

int itk_wire_fds(uint16_t type)
{
    int i = find_kind(type);

    return i < 0 ? -1 : kinds[i].fds;
}

int itk_wire_decode(itk_msg_t *pmsg, const void *buf, size_t len, int nfds)
{
    itk_msg_t msg;
    int i;

    if (len != sizeof(msg)) {
        return -1;
    }
    memcpy(&msg, buf, sizeof(msg));
    if (msg.magic != ITK_WIRE_MAGIC ||
        (msg.until != 0 && msg.type != ITK_REQ_JOB)) {
        return -1;
    }
    i = find_kind(msg.type);
    if (i < 0 || nfds != kinds[i].fds || (msg.flags & ~kinds[i].flags) != 0) {
        return -1;
    }
    *pmsg = msg;
    return 0;
}

static const struct {
    const char *id;
    const char *text;
} denials[] = {
    [ITK_DENY_NONE] = {"itk-none", "no reason"},
    [ITK_DENY_TIMEOUT] = {"itk-queue-timeout",
                          "all workers stayed busy for ItkishQueueTimeout"},
    [ITK_DENY_SPAWN] = {"itk-spawn-failed",
                        "its process could not be started as that user"},
    [ITK_DENY_GENERATION] = {"itk-wrong-generation",
                             "the configuration changed in between"},
    [ITK_DENY_GONE] = {"itk-worker-gone", "the worker has left"},
    [ITK_DENY_NO_BROKER] = {"itk-no-broker", "the itk broker does not answer"},
    [ITK_DENY_BAD] = {"itk-bad-message", "a message made no sense"},
    [ITK_DENY_LOST] = {"itk-worker-lost",
                       "the worker died while it served the connection"},
    [ITK_DENY_LIMIT] = {"itk-max-clients", "MaxClientsVHost is reached"},
};

#define N_DENIALS ((int)(sizeof(denials) / sizeof(denials[0])))

const char *itk_deny_id(int reason)
{
    return denials[reason < 0 || reason >= N_DENIALS ? ITK_DENY_BAD
                                                     : reason].id;
}

const char *itk_deny_text(int reason)
{
    return denials[reason < 0 || reason >= N_DENIALS ? ITK_DENY_BAD
                                                     : reason].text;
}
