/* SNI of ClientHellos: what OpenSSL would read, from any number of bytes in
 * any number of records. tests/module/test_router_tls.py compares with the
 * real one; here every cut of every message is tried under the sanitizers. */

#include "unit.h"

#include "itk_clienthello.h"

#define MAX 4096

/* A message being written. */
static unsigned char message[MAX];
static size_t used;

static void put(const void *data, size_t len)
{
    assert_true(used + len <= MAX);
    memcpy(message + used, data, len);
    used += len;
}

static void put_u8(unsigned n)
{
    unsigned char b = (unsigned char)n;

    put(&b, 1);
}

static void put_u16(size_t n)
{
    put_u8((unsigned)(n >> 8));
    put_u8(n & 0xff);
}

static void put_zeros(size_t len)
{
    while (len-- > 0) {
        put_u8(0);
    }
}

static void put_extension(unsigned type, size_t len)
{
    put_u16(type);
    put_u16(len);
    put_zeros(len);
}

/* server_name with one entry of TYPE. */
static void put_name(unsigned type, const void *name, size_t len)
{
    put_u16(0);
    put_u16(len + 5);
    put_u16(len + 3);
    put_u8(type);
    put_u16(len);
    put(name, len);
}

/* A ClientHello up to its extensions; returns where their length stands. */
static size_t begin(void)
{
    used = 0;
    put_u8(1);
    put_zeros(3);
    put_u16(0x0303);
    put_zeros(32);
    put_u8(0);
    put_u16(4);
    put_u16(0x2a2a);
    put_u16(0xc02b);
    put_u8(1);
    put_u8(0);
    used += 2;
    return used - 2;
}

static void end(size_t at)
{
    message[at] = (unsigned char)((used - at - 2) >> 8);
    message[at + 1] = (unsigned char)((used - at - 2) & 0xff);
    message[2] = (unsigned char)((used - 4) >> 8);
    message[3] = (unsigned char)((used - 4) & 0xff);
}

static void simple(const char *name)
{
    size_t at = begin();

    put_extension(0x2a2a, 0);
    put_extension(51, 1300);        /* as large as a post-quantum key share */
    put_name(0, name, strlen(name));
    put_extension(0xfe0d, 250);
    end(at);
}

/* The message in records of SIZE bytes; exactly allocated. */
static unsigned char *in_records(size_t *plen, size_t size)
{
    unsigned char *out = malloc(used * 6);
    size_t from, n, len = 0;

    for (from = 0; from < used; from += n) {
        n = used - from < size ? used - from : size;
        memcpy(out + len, "\x16\x03\x01", 3);
        out[len + 3] = (unsigned char)(n >> 8);
        out[len + 4] = (unsigned char)(n & 0xff);
        memcpy(out + len + 5, message + from, n);
        len += 5 + n;
    }
    *plen = len;
    return realloc(out, len);
}

static itk_hello_status_t feed_all(itk_clienthello_t *h, size_t size)
{
    size_t len;
    unsigned char *data = in_records(&len, size);
    itk_hello_status_t status;

    itk_clienthello_init(h);
    status = itk_clienthello_feed(h, data, len);
    free(data);
    return status;
}

static void the_name_is_found_in_records_of_any_size(void **state)
{
    itk_clienthello_t h;
    size_t size;

    (void)state;
    simple("b.test");
    for (size = 1; size <= used; ++size) {
        assert_int_equal(feed_all(&h, size), ITK_HELLO_NAME);
        assert_string_equal(h.name, "b.test");
        assert_int_equal(h.name_len, 6);
    }
}

static void every_prefix_asks_for_more_and_says_how_much(void **state)
{
    size_t sizes[] = {1, 7, 300, MAX}, i, len, n;

    (void)state;
    simple("b.test");
    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); ++i) {
        unsigned char *data = in_records(&len, sizes[i]);
        itk_clienthello_t h;

        itk_clienthello_init(&h);
        for (n = 0; n < len; ++n) {
            unsigned char *part = malloc(n + 1);    /* ends where it ends */

            memcpy(part, data, n);
            part = realloc(part, n ? n : 1);
            assert_int_equal(itk_clienthello_feed(&h, part, n),
                             ITK_HELLO_MORE);
            assert_true(h.need > n && h.need <= len);
            free(part);
        }
        assert_int_equal(itk_clienthello_feed(&h, data, len),
                         ITK_HELLO_NAME);
        free(data);
    }
}

static void hellos_without_a_name_are_told_from_broken_ones(void **state)
{
    itk_clienthello_t h;
    size_t at = begin();

    (void)state;
    put_extension(10, 4);
    end(at);
    assert_int_equal(feed_all(&h, MAX), ITK_HELLO_NO_NAME);
    begin();
    used -= 2;
    message[3] = (unsigned char)(used - 4);
    assert_int_equal(feed_all(&h, MAX), ITK_HELLO_NO_NAME);
    at = begin();
    put_name(0, "", 0);
    end(at);
    assert_int_equal(feed_all(&h, MAX), ITK_HELLO_NO_NAME);
    at = begin();
    put_name(1, "b.test", 6);
    end(at);
    assert_int_equal(feed_all(&h, MAX), ITK_HELLO_BAD);
    at = begin();
    put_name(0, "b\0test", 6);
    end(at);
    assert_int_equal(feed_all(&h, MAX), ITK_HELLO_BAD);
    at = begin();
    put_name(0, "b.test", 6);
    put_name(0, "c.test", 6);
    end(at);
    assert_int_equal(feed_all(&h, MAX), ITK_HELLO_BAD);
}

static void names_end_at_255_bytes(void **state)
{
    char name[256];
    itk_clienthello_t h;
    size_t at = begin();

    (void)state;
    memset(name, 'x', sizeof(name));
    put_name(0, name, 255);
    end(at);
    assert_int_equal(feed_all(&h, MAX), ITK_HELLO_NAME);
    assert_int_equal(strlen(h.name), 255);
    at = begin();
    put_name(0, name, 256);
    end(at);
    assert_int_equal(feed_all(&h, MAX), ITK_HELLO_BAD);
}

/* Whatever a length says, no byte outside the input is read: the sanitizers
 * watch. */
static void every_byte_may_be_wrong(void **state)
{
    size_t i, len;
    unsigned char *data;
    int value;

    (void)state;
    simple("b.test");
    data = in_records(&len, 200);
    for (i = 0; i < len; ++i) {
        unsigned char was = data[i];

        for (value = 0; value < 256; value += i < 120 ? 1 : 51) {
            itk_clienthello_t h;

            data[i] = (unsigned char)value;
            itk_clienthello_init(&h);
            (void)itk_clienthello_feed(&h, data, len);
            assert_true(strlen(h.name) <= ITK_HELLO_NAME_MAX);
        }
        data[i] = was;
    }
    free(data);
}

static itk_hello_status_t status_of(const void *data, size_t len)
{
    itk_clienthello_t h;

    itk_clienthello_init(&h);
    return itk_clienthello_feed(&h, data, len);
}

static void other_protocols_are_known_by_the_first_byte(void **state)
{
    (void)state;
    assert_int_equal(status_of("", 0), ITK_HELLO_MORE);
    assert_int_equal(status_of("G", 1), ITK_HELLO_NOT_TLS);
    assert_int_equal(status_of("\x17\x03\x03", 3), ITK_HELLO_NOT_TLS);
    assert_int_equal(status_of("\x16", 1), ITK_HELLO_MORE);
    assert_int_equal(status_of("\x16\x02\x00\x00\x05", 5), ITK_HELLO_BAD);
    assert_int_equal(status_of("\x16\x03\x01\xff\xff", 5), ITK_HELLO_BAD);
    assert_int_equal(status_of("\x80", 1), ITK_HELLO_MORE);
    assert_int_equal(status_of("\x80\x2e\x01\x03\x01", 5), ITK_HELLO_NO_NAME);
    assert_int_equal(status_of("\x80\x2e\x02\x03\x01", 5), ITK_HELLO_NOT_TLS);
}

static void a_warning_may_come_first_a_goodbye_may_not(void **state)
{
    static const unsigned char warning[] = {0x15, 3, 1, 0, 2, 1, 112};
    static const unsigned char goodbye[] = {0x15, 3, 1, 0, 2, 1, 0};
    unsigned char data[64 + MAX];
    unsigned char *hello;
    size_t len;

    (void)state;
    simple("b.test");
    hello = in_records(&len, MAX);
    memcpy(data, warning, sizeof(warning));
    memcpy(data + sizeof(warning), hello, len);
    assert_int_equal(status_of(data, 6), ITK_HELLO_MORE);
    assert_int_equal(status_of(data, sizeof(warning)), ITK_HELLO_MORE);
    assert_int_equal(status_of(data, sizeof(warning) + len), ITK_HELLO_NAME);
    memcpy(data, goodbye, sizeof(goodbye));
    assert_int_equal(status_of(data, sizeof(goodbye) + len), ITK_HELLO_BAD);
    free(hello);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_found_in_records_of_any_size),
        cmocka_unit_test(every_prefix_asks_for_more_and_says_how_much),
        cmocka_unit_test(hellos_without_a_name_are_told_from_broken_ones),
        cmocka_unit_test(names_end_at_255_bytes),
        cmocka_unit_test(every_byte_may_be_wrong),
        cmocka_unit_test(other_protocols_are_known_by_the_first_byte),
        cmocka_unit_test(a_warning_may_come_first_a_goodbye_may_not),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
