/* Which pairs a child has been sent. */

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "itk_brood.h"

#define SLOTS   21
#define SEATS   3

static itk_brood_t st;
static itk_area_t area;

static int set_up(void **state)
{
    uint32_t i;

    (void)state;
    memset(&st, 0, sizeof(st));
    st.area = &area;
    st.workers = calloc(SLOTS, sizeof(itk_member_t));
    for (i = 0; i < SLOTS; i++) {
        st.workers[i].fd = -1;
    }
    return itk_area_create(&area, 1, 1, SLOTS, SEATS, 1) == APR_SUCCESS &&
           st.workers && itk_known_create(&st) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    itk_area_destroy(&area);
    free(st.workers);
    free(st.known);
    return 0;
}

static void hire(uint32_t first, uint32_t last)
{
    for (; first <= last; first++) {
        st.workers[first].fd = 7;
    }
}

static void every_worker_is_sent_once_to_every_child(void **state)
{
    uint32_t more[SLOTS], c;

    (void)state;
    hire(3, 12);
    for (c = 0; c < SEATS; c++) {
        itk_known_learn(&st, c, 5);
        assert_int_equal(itk_known_more(&st, c, 5, more, 4), 4);
        assert_int_equal(more[0], 6);
        assert_int_equal(more[3], 9);
        assert_int_equal(itk_known_more(&st, c, 20, more, SLOTS), 5);
        assert_int_equal(more[0], 3);
        assert_int_equal(more[4], 12);
        assert_int_equal(itk_known_more(&st, c, 0, more, SLOTS), 0);
    }
}

static void whoever_leaves_is_not_sent(void **state)
{
    uint32_t more[SLOTS];

    (void)state;
    hire(0, 2);
    st.workers[1].quitting = 1;
    assert_int_equal(itk_known_more(&st, 0, 20, more, SLOTS), 2);
    assert_int_equal(more[0], 0);
    assert_int_equal(more[1], 2);
}

static void a_new_tenant_is_news_to_all_a_new_child_knows_nobody(void **state)
{
    uint32_t more[SLOTS], c;

    (void)state;
    hire(7, 9);
    for (c = 0; c < SEATS; c++) {
        assert_int_equal(itk_known_more(&st, c, 0, more, SLOTS), 3);
    }
    itk_known_forget_worker(&st, 8);
    for (c = 0; c < SEATS; c++) {
        assert_int_equal(itk_known_more(&st, c, 8, more, SLOTS), 1);
        assert_int_equal(more[0], 8);
    }
    itk_known_forget_child(&st, 1);
    assert_int_equal(itk_known_more(&st, 0, 0, more, SLOTS), 0);
    assert_int_equal(itk_known_more(&st, 1, 0, more, SLOTS), 3);
    assert_int_equal(itk_known_more(&st, 2, 0, more, SLOTS), 0);
}

int main(void)
{
#define KNOWN_TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        KNOWN_TEST(every_worker_is_sent_once_to_every_child),
        KNOWN_TEST(whoever_leaves_is_not_sent),
        KNOWN_TEST(a_new_tenant_is_news_to_all_a_new_child_knows_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
