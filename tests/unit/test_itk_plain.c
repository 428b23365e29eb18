/* Heads that need no parser: what is one, and everything that is not. */

#include "unit.h"

#include "itk_plain.h"

/* The Host of TEXT, or NULL if it is not plain; in memory that ends there. */
static const char *host_of(const char *text)
{
    static char host[256];
    size_t len = strlen(text);
    char *copy = malloc(len + 1);
    itk_plain_t plain;
    int found;

    memcpy(copy, text, len);
    copy = realloc(copy, len ? len : 1);
    found = itk_plain_head(&plain, copy, len);
    if (found) {
        assert_true(plain.host_len < sizeof(host) && plain.len <= len);
        memcpy(host, plain.host, plain.host_len);
        host[plain.host_len] = '\0';
    }
    free(copy);
    return found ? host : NULL;
}

#define HEAD(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define WITH(field) "GET / HTTP/1.1\r\n" field "\r\nHost: a.test\r\n\r\n"

static void plain_heads_name_their_host(void **state)
{
    (void)state;
    assert_string_equal(host_of(HEAD("a.test")), "a.test");
    assert_string_equal(host_of(HEAD("A-1.b_2.Test:8080")),
                        "A-1.b_2.Test:8080");
    assert_string_equal(host_of(HEAD(" \ta.test \t")), "a.test");
    assert_string_equal(host_of(HEAD("localhost") "more"), "localhost");
    assert_string_equal(host_of(
        "POST /x?y=%20&z=~;{} HTTP/1.0\r\nContent-Length: 10\r\n"
        "hOST:a.test\r\nX-y_1: \x80 \t!\r\nEmpty:\r\n\r\n0123456789"),
        "a.test");
}

static void nothing_else_is_plain(void **state)
{
    static const char *const others[] = {
        "", "GET", "GET / HTTP/1.1\r\n\r\n", "GET /\r\n",
        "\r\n" HEAD("a.test"), " " HEAD("a.test"),
        "get / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET // HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /#x HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /\x80 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /\x7f HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET / HTTP/1.2\r\nHost: a.test\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n",
        "GET / HTTP/1.1\nHost: a.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.test\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.test\r\n\n",
        "GET / HTTP/1.1\r\nHost: a.test\r\n",
        "GET / HTTP/1.1\r\nHost: a.test\r\n\r",
        "GET / HTTP/1.1\r\nHost : a.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n",
        HEAD(""), HEAD("."), HEAD("a."), HEAD("a..b"), HEAD(".a"),
        HEAD("127.0.0.1"), HEAD("a.1b"), HEAD("12345"), HEAD("[::1]"),
        HEAD("a b"), HEAD("a,b"), HEAD("a/b"), HEAD("a:"), HEAD("a:0"),
        HEAD("a:80x"), HEAD("a:99999"), HEAD("a:80:80"), HEAD("\x80.test"),
        HEAD("a\r\n .test"),
        WITH(" folded"), WITH("X: y\r\n folded"), WITH("X"), WITH(": y"),
        WITH("X\x80: y"), WITH("X: \x01"), WITH("X: \x7f"), WITH("X: a\rb"),
        WITH("Transfer-Encoding: chunked"), WITH("Content-Length: x"),
        WITH("Content-Length:"), WITH("Content-Length: -1"),
        WITH("Content-Length: 1234567890123456789"),
        WITH("Content-Length: 1\r\ncontent-length: 1"),
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(others) / sizeof(*others); ++i) {
        if (host_of(others[i]) != NULL) {
            fail_msg("taken for plain: %s", others[i]);
        }
    }
}

static void every_cut_of_a_plain_head_is_not_plain(void **state)
{
    static const char head[] = "POST /x HTTP/1.1\r\nContent-Length: 0\r\n"
                               "Host: a.test:80\r\nX: y\r\n\r\n";
    char part[sizeof(head)];
    size_t i;

    (void)state;
    assert_non_null(host_of(head));
    for (i = 0; i < strlen(head); ++i) {
        memcpy(part, head, i);
        part[i] = '\0';
        assert_null(host_of(part));
    }
}

static void the_counts_are_those_of_the_limits(void **state)
{
    static const char head[] = "GET /abc HTTP/1.1\r\nHost: a.test\r\n"
                               "X: y\r\n\r\nrest";
    itk_plain_t plain;

    (void)state;
    assert_true(itk_plain_head(&plain, head, strlen(head)));
    assert_int_equal(plain.line_len, strlen("GET /abc HTTP/1.1"));
    assert_int_equal(plain.fields, 2);
    assert_int_equal(plain.len, strlen(head) - 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_heads_name_their_host),
        cmocka_unit_test(nothing_else_is_plain),
        cmocka_unit_test(every_cut_of_a_plain_head_is_not_plain),
        cmocka_unit_test(the_counts_are_those_of_the_limits),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
