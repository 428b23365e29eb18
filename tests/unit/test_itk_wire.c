/* The message and the sockets that carry it: exactly one whole message with
 * exactly its descriptors, or nothing. */

#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "itk_sock.h"
#include "itk_wire.h"

static const uint16_t types[] = {
    ITK_REQ_HELLO, ITK_REQ_LEASE, ITK_REQ_FETCH, ITK_REQ_RETURN,
    ITK_REQ_NUDGE, ITK_REQ_STUCK, ITK_REQ_LEAVES, ITK_ANS_WELCOME,
    ITK_ANS_GRANT,
    ITK_ANS_ALSO, ITK_ANS_DENY, ITK_REQ_JOB, ITK_REQ_QUIT, ITK_REQ_PING, ITK_ANS_DONE,
    ITK_ANS_REFUSED, ITK_ANS_PONG, ITK_REQ_ZYGOTE, ITK_REQ_FIRST,
    ITK_REQ_SIGNAL, ITK_ANS_FIRST_UP, ITK_ANS_FIRST_DOWN,
    ITK_ANS_ZYGOTE_UP, ITK_ANS_ZYGOTE_DOWN, ITK_REQ_SPAWN, ITK_REQ_DRAIN,
    ITK_ANS_SPAWNED, ITK_ANS_DIED, ITK_ANS_UNBORN,
};

#define N_TYPES (sizeof(types) / sizeof(types[0]))

static int count_fds(void)
{
    int fd, n = 0;

    for (fd = 0; fd < 256; fd++) {
        n += fcntl(fd, F_GETFD) != -1;
    }
    return n;
}

/* A message of the right length passes with its own number of descriptors
 * and with no other. */
static void every_type_has_its_descriptors(void **state)
{
    itk_msg_t msg, out;
    size_t i;
    int n;

    (void)state;
    for (i = 0; i < N_TYPES; i++) {
        itk_wire_init(&msg, (itk_type_t)types[i], 7);
        for (n = 0; n < 3; n++) {
            assert_int_equal(itk_wire_decode(&out, &msg, sizeof(msg), n),
                             n == itk_wire_fds(types[i]) ? 0 : -1);
        }
    }
    assert_int_equal(itk_wire_fds(0), -1);
    assert_int_equal(itk_wire_fds(1), -1);
    assert_int_equal(itk_wire_fds(0xffff), -1);
}

static void requests_are_even_and_answers_odd(void **state)
{
    size_t i, j;

    (void)state;
    for (i = 0; i < N_TYPES; i++) {
        for (j = i + 1; j < N_TYPES; j++) {
            assert_int_not_equal(types[i], types[j]);
        }
    }
    assert_int_equal(ITK_REQ_HELLO % 2, 0);
    assert_int_equal(ITK_ANS_GRANT % 2, 1);
}

/* Every length but one is refused, and the answer stays untouched. */
static void other_lengths_are_refused(void **state)
{
    unsigned char buf[2 * ITK_WIRE_SIZE];
    itk_msg_t msg, out, before;
    size_t len;

    (void)state;
    itk_wire_init(&msg, ITK_REQ_LEASE, 7);
    memset(buf, 0, sizeof(buf));
    memcpy(buf, &msg, sizeof(msg));
    memset(&out, 0x5a, sizeof(out));
    before = out;
    for (len = 0; len <= sizeof(buf); len++) {
        if (len != ITK_WIRE_SIZE) {
            assert_int_equal(itk_wire_decode(&out, buf, len, 0), -1);
            assert_memory_equal(&out, &before, sizeof(out));
        }
    }
    assert_int_equal(itk_wire_decode(&out, buf, ITK_WIRE_SIZE, 0), 0);
    assert_memory_equal(&out, &msg, sizeof(out));
}

static void wrong_headers_are_refused(void **state)
{
    itk_msg_t msg, out;

    (void)state;
    itk_wire_init(&msg, ITK_REQ_LEASE, 7);
    msg.magic ^= 1;
    assert_int_equal(itk_wire_decode(&out, &msg, sizeof(msg), 0), -1);
    itk_wire_init(&msg, ITK_REQ_LEASE, 7);
    msg.flags = ITK_DONE_LAST;
    assert_int_equal(itk_wire_decode(&out, &msg, sizeof(msg), 0), -1);
    msg.type = ITK_ANS_DONE;
    assert_int_equal(itk_wire_decode(&out, &msg, sizeof(msg), 0), 0);
    msg.flags = 2;
    assert_int_equal(itk_wire_decode(&out, &msg, sizeof(msg), 0), -1);
    itk_wire_init(&msg, ITK_REQ_LEASE, 7);
    msg.until = 1;
    assert_int_equal(itk_wire_decode(&out, &msg, sizeof(msg), 0), -1);
    msg.type = ITK_REQ_JOB;
    assert_int_equal(itk_wire_decode(&out, &msg, sizeof(msg), 1), 0);
}

static void every_denial_has_words(void **state)
{
    int i;

    (void)state;
    for (i = -1; i < 40; i++) {
        assert_memory_equal(itk_deny_id(i), "itk-", 4);
        assert_true(strlen(itk_deny_text(i)) > 5);
    }
}

static void a_descriptor_travels(void **state)
{
    int before = count_fds();
    int pair[2], fd = -1;
    itk_msg_t msg, out;

    (void)state;
    assert_int_equal(itk_sock_pair(pair), APR_SUCCESS);
    itk_wire_init(&msg, ITK_REQ_JOB, 3);
    msg.slot = 12;
    assert_int_equal(itk_sock_send(pair[0], &msg, 0, 0), APR_SUCCESS);
    assert_int_equal(itk_sock_recv(&out, &fd, pair[1], 0), APR_SUCCESS);
    assert_memory_equal(&out, &msg, sizeof(msg));
    assert_true(fd > 2);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    close(pair[0]);
    assert_int_equal(itk_sock_recv(&out, &fd, pair[1], 0), APR_EOF);
    close(pair[1]);
    assert_int_equal(count_fds(), before);
}

/* Send LEN bytes with N descriptors, whatever that is. */
static void send_raw(int sock, const void *buf, size_t len, int n)
{
    struct iovec iov = {(void *)buf, len};
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct msghdr mh;
    struct cmsghdr *cm;
    int fds[8] = {0};

    memset(&mh, 0, sizeof(mh));
    memset(&control, 0, sizeof(control));
    mh.msg_iov = &iov;
    mh.msg_iovlen = 1;
    if (n > 0) {
        mh.msg_control = control.space;
        mh.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
        cm = CMSG_FIRSTHDR(&mh);
        cm->cmsg_level = SOL_SOCKET;
        cm->cmsg_type = SCM_RIGHTS;
        cm->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
        memcpy(CMSG_DATA(cm), fds, (size_t)n * sizeof(int));
    }
    assert_true(sendmsg(sock, &mh, 0) == (ssize_t)len);
}

/* Strays are closed, cut messages refused, and the next one is whole. */
static void nonsense_leaves_no_descriptor(void **state)
{
    int before = count_fds();
    char buf[3 * ITK_WIRE_SIZE];
    int pair[2], fd = -1, n;
    itk_msg_t msg, out;
    size_t len;

    (void)state;
    assert_int_equal(itk_sock_pair(pair), APR_SUCCESS);
    itk_wire_init(&msg, ITK_REQ_JOB, 3);
    memset(buf, 0, sizeof(buf));
    memcpy(buf, &msg, sizeof(msg));
    for (len = 1; len <= sizeof(buf); len += 13) {
        for (n = 0; n <= 8; n++) {
            if (len == sizeof(msg) && n == 1) {
                continue;
            }
            send_raw(pair[0], buf, len, n);
            assert_int_equal(itk_sock_recv(&out, &fd, pair[1], 0),
                             APR_EINVAL);
            assert_int_equal(count_fds(), before + 2);
        }
    }
    send_raw(pair[0], buf, sizeof(msg), 1);
    assert_int_equal(itk_sock_recv(&out, &fd, pair[1], 0), APR_SUCCESS);
    close(fd);
    close(pair[0]);
    close(pair[1]);
}

static void the_kernel_names_the_sender(void **state)
{
    int pair[2], fd = -1;
    itk_msg_t msg, out;
    pid_t pid = 0;
    uid_t uid = (uid_t)-1;

    (void)state;
    assert_int_equal(itk_sock_pair(pair), APR_SUCCESS);
    assert_int_equal(itk_sock_want_sender(pair[1]), APR_SUCCESS);
    itk_wire_init(&msg, ITK_REQ_HELLO, 1);
    assert_int_equal(itk_sock_send(pair[0], &msg, 0, 0), APR_SUCCESS);
    assert_int_equal(itk_sock_recv_from(&out, &fd, &pid, &uid, pair[1], 0),
                     APR_SUCCESS);
    assert_int_equal(pid, getpid());
    assert_int_equal(uid, getuid());
    close(fd);
    close(pair[0]);
    close(pair[1]);
}

static void a_wait_ends(void **state)
{
    int pair[2], fd = -1;
    itk_msg_t out;

    (void)state;
    assert_int_equal(itk_sock_pair(pair), APR_SUCCESS);
    assert_int_equal(itk_sock_timeout(pair[1], 20), APR_SUCCESS);
    assert_true(APR_STATUS_IS_EAGAIN(itk_sock_recv(&out, &fd, pair[1], 0)));
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_descriptors),
        cmocka_unit_test(requests_are_even_and_answers_odd),
        cmocka_unit_test(other_lengths_are_refused),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(every_denial_has_words),
        cmocka_unit_test(a_descriptor_travels),
        cmocka_unit_test(nonsense_leaves_no_descriptor),
        cmocka_unit_test(the_kernel_names_the_sender),
        cmocka_unit_test(a_wait_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
