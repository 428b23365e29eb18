/* When a head is worth parsing, and looking at bytes without taking them. */

#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "itk_head.h"
#include "itk_peek.h"

/* Where the scanner first says yes when TEXT arrives byte by byte; 0: never.
 * Seen as a whole it must say the same. */
static size_t whole_at(const char *text)
{
    itk_head_t slow = {0, 0, 0}, fast = {0, 0, 0};
    size_t i, len = strlen(text), found = 0;

    for (i = 0; i <= len && !found; ++i) {
        char *part = malloc(i + 1);

        memcpy(part, text, i);
        part = realloc(part, i ? i : 1);
        found = itk_head_scan(&slow, part, i) ? i : 0;
        free(part);
    }
    assert_int_equal(itk_head_scan(&fast, text, len), found > 0);
    return found;
}

#define assert_whole(text) assert_int_equal(whole_at(text "x"), strlen(text))
#define assert_partial(text) assert_int_equal(whole_at(text), 0)

static void a_head_ends_with_an_empty_line(void **state)
{
    (void)state;
    assert_whole("GET / HTTP/1.1\r\n\r\n");
    assert_whole("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_whole("GET / HTTP/1.1\nHost: x\n\n");
    assert_whole("\r\n\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\n");
    assert_partial("");
    assert_partial("\r\n\r\n\r\n");
    assert_partial("GET / HTTP/1.1\r\nHost: x\r\n");
    assert_partial("GET / HTTP/1.1\r\nHost: x\r\n\r");
    assert_partial("GET / HTTP/1.1\r\n \r\n");
    assert_partial("GET / HTTP/1.1\r\n\r\r\n");
}

static void http_0_9_has_no_headers(void **state)
{
    (void)state;
    assert_whole("GET /\r\n");
    assert_whole("GET /\n");
    assert_whole("\r\nGET  / \r\n");
    assert_whole("x\r\n");
    assert_partial("GET /");
    assert_partial("GET / x\r\n");
    assert_partial("GET / HTTP/1.0\r\n");
}

/* A pair of connected sockets and a look at the first. */
typedef struct eye_t {
    int fd[2];
    char data[64];
    itk_peek_t peek;
} eye_t;

static void open_eye(eye_t *eye, apr_interval_time_t timeout)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, eye->fd), 0);
    itk_peek_init(&eye->peek, eye->fd[0], eye->data, sizeof(eye->data),
                  timeout);
}

static void say(eye_t *eye, const char *text)
{
    assert_int_equal(write(eye->fd[1], text, strlen(text)), strlen(text));
}

static void close_eye(eye_t *eye)
{
    close(eye->fd[0]);
    close(eye->fd[1]);
}

static void looking_takes_nothing(void **state)
{
    eye_t eye;
    char data[8];

    (void)state;
    open_eye(&eye, apr_time_from_sec(5));
    assert_int_equal(itk_peek_now(&eye.peek), APR_EAGAIN);
    say(&eye, "abc");
    assert_int_equal(itk_peek_wait(&eye.peek, 1, 0), APR_SUCCESS);
    assert_int_equal(eye.peek.len, 3);
    say(&eye, "def");
    assert_int_equal(itk_peek_wait(&eye.peek, 4, 0), APR_SUCCESS);
    assert_int_equal(eye.peek.len, 6);
    assert_memory_equal(eye.data, "abcdef", 6);
    itk_peek_done(&eye.peek);
    assert_int_equal(read(eye.fd[0], data, sizeof(data)), 6);
    assert_memory_equal(data, "abcdef", 6);
    close_eye(&eye);
}

static void waiting_ends_with_the_time_the_peer_or_the_buffer(void **state)
{
    eye_t eye;
    int i;

    (void)state;
    open_eye(&eye, apr_time_from_msec(50));
    assert_int_equal(itk_peek_wait(&eye.peek, 1, apr_time_from_msec(5)),
                     APR_EAGAIN);
    assert_int_equal(itk_peek_wait(&eye.peek, 1, 0), APR_TIMEUP);
    close_eye(&eye);

    open_eye(&eye, apr_time_from_sec(5));
    say(&eye, "abc");
    shutdown(eye.fd[1], SHUT_WR);
    assert_int_equal(itk_peek_now(&eye.peek), APR_SUCCESS);
    assert_int_equal(itk_peek_wait(&eye.peek, 4, 0), APR_EOF);
    close_eye(&eye);

    open_eye(&eye, apr_time_from_sec(5));
    shutdown(eye.fd[1], SHUT_WR);
    assert_int_equal(itk_peek_wait(&eye.peek, 1, 0), APR_EOF);
    assert_int_equal(eye.peek.len, 0);
    close_eye(&eye);

    open_eye(&eye, apr_time_from_sec(5));
    for (i = 0; i < 10; ++i) {
        say(&eye, "0123456789");
    }
    assert_int_equal(itk_peek_wait(&eye.peek, 64, 0), APR_SUCCESS);
    assert_int_equal(eye.peek.len, 64);
    assert_int_equal(itk_peek_wait(&eye.peek, 65, 0), APR_ENOSPC);
    close_eye(&eye);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_ends_with_an_empty_line),
        cmocka_unit_test(http_0_9_has_no_headers),
        cmocka_unit_test(looking_takes_nothing),
        cmocka_unit_test(waiting_ends_with_the_time_the_peer_or_the_buffer),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
