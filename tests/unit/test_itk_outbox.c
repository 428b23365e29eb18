/* Messages for a peer that does not read: all arrive, in order, and the sender
 * never waits. */

#include "unit.h"

#include <unistd.h>

#include "itk_outbox.h"
#include "itk_sock.h"

#define MANY 2000           /* more than a socket takes, and than fit at first */

static itk_msg_t number(int n)
{
    itk_msg_t msg;

    itk_wire_init(&msg, ITK_ANS_FIRST_UP, 1);
    msg.value = n;
    return msg;
}

static int hear(int sock)
{
    itk_msg_t msg;
    int fd = -1;

    assert_int_equal(itk_sock_recv(&msg, &fd, sock, MSG_DONTWAIT),
                     APR_SUCCESS);
    return msg.value;
}

static void nothing_is_lost_and_nobody_waits(void **state)
{
    itk_outbox_t box = {0};
    itk_msg_t msg;
    int pair[2];
    int sent, heard = 0;

    (void)state;
    assert_int_equal(itk_sock_pair(pair), APR_SUCCESS);
    for (sent = 0; sent < MANY; sent++) {
        msg = number(sent);
        assert_int_equal(itk_outbox_send(&box, pair[0], &msg), APR_SUCCESS);
        if (sent % 3 == 0 && sent < MANY / 2) {
            assert_int_equal(hear(pair[1]), heard++);
        }
    }
    assert_true(itk_outbox_waits(&box));
    while (heard < MANY) {
        assert_int_equal(hear(pair[1]), heard++);
        assert_int_equal(itk_outbox_flush(&box, pair[0]), APR_SUCCESS);
    }
    assert_false(itk_outbox_waits(&box));
    free(box.msgs);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void a_peer_that_is_gone_is_lost(void **state)
{
    itk_outbox_t box = {0};
    itk_msg_t msg = number(1);
    int pair[2];

    (void)state;
    assert_int_equal(itk_sock_pair(pair), APR_SUCCESS);
    (void)close(pair[1]);
    assert_int_not_equal(itk_outbox_send(&box, pair[0], &msg), APR_SUCCESS);
    itk_outbox_clear(&box);
    assert_false(itk_outbox_waits(&box));
    free(box.msgs);
    (void)close(pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_nobody_waits),
        cmocka_unit_test(a_peer_that_is_gone_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
