/* Measuring PROXY protocol headers, complete, cut anywhere, and wrong. */

#include "unit.h"

#include "itk_proxyproto.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define V2_LEN 12

/* Measure the first LEN bytes of DATA, in memory that ends there. */
static itk_proxy_status_t measure(size_t *pn, const char *data, size_t len)
{
    unsigned char *copy = calloc(len ? len : 1, 1);
    itk_proxy_status_t status;

    memcpy(copy, data, len);
    *pn = 0;
    status = itk_proxyproto_measure(pn, copy, len);
    free(copy);
    return status;
}

/* DATA of LEN bytes is one header; so is it with more behind it. */
static void assert_header(const char *data, size_t len)
{
    char more[1024];
    size_t n, i;

    for (i = 0; i < len; ++i) {
        assert_int_equal(measure(&n, data, i), ITK_PROXY_MORE);
        assert_true(n > i && n <= len);
    }
    assert_int_equal(measure(&n, data, len), ITK_PROXY_HEADER);
    assert_int_equal(n, len);
    memcpy(more, data, len);
    memcpy(more + len, "GET /\r\n", 7);
    assert_int_equal(measure(&n, more, len + 7), ITK_PROXY_HEADER);
    assert_int_equal(n, len);
}

static void version_1_ends_with_its_line(void **state)
{
    char line[128];
    size_t n;

    (void)state;
    strcpy(line, "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n");
    assert_header(line, strlen(line));
    strcpy(line, "PROXY UNKNOWN\r\n");
    assert_header(line, strlen(line));
    assert_int_equal(measure(&n, "PROXY X\rY\r\n", 11), ITK_PROXY_NONE);
}

static void version_1_has_a_largest_length(void **state)
{
    char line[256];
    size_t n;

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY ", 6);
    memcpy(line + 106, "\r\n", 2);
    assert_int_equal(measure(&n, line, 107), ITK_PROXY_MORE);
    assert_int_equal(measure(&n, line, 108), ITK_PROXY_HEADER);
    line[106] = 'x';
    line[107] = '\r';
    line[108] = '\n';
    assert_int_equal(measure(&n, line, 107), ITK_PROXY_MORE);
    assert_int_equal(measure(&n, line, 108), ITK_PROXY_NONE);
    assert_int_equal(measure(&n, line, sizeof(line)), ITK_PROXY_NONE);
}

static void version_2_says_its_length(void **state)
{
    char data[512];
    size_t n;

    (void)state;
    memset(data, 0, sizeof(data));
    memcpy(data, V2, V2_LEN);
    data[12] = 0x21;
    data[13] = 0x11;
    data[15] = 12;
    assert_header(data, 28);
    data[15] = 0;
    assert_header(data, 16);
    data[14] = 1;
    assert_header(data, 16 + 256);
    data[12] = 0x31;
    assert_int_equal(measure(&n, data, 64), ITK_PROXY_NONE);
}

static void other_bytes_are_no_header(void **state)
{
    size_t n;

    (void)state;
    assert_int_equal(measure(&n, "", 0), ITK_PROXY_MORE);
    assert_int_equal(measure(&n, "GET / HTTP/1.1\r\n", 16), ITK_PROXY_NONE);
    assert_int_equal(measure(&n, "PROX", 4), ITK_PROXY_MORE);
    assert_int_equal(measure(&n, "PROXx", 5), ITK_PROXY_NONE);
    assert_int_equal(measure(&n, "proxy TCP4", 10), ITK_PROXY_NONE);
    assert_int_equal(measure(&n, "\r\n\r\nGET", 7), ITK_PROXY_NONE);
    assert_int_equal(measure(&n, "\r\n\r\n", 4), ITK_PROXY_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_ends_with_its_line),
        cmocka_unit_test(version_1_has_a_largest_length),
        cmocka_unit_test(version_2_says_its_length),
        cmocka_unit_test(other_bytes_are_no_header),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
