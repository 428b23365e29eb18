/* What was in vain is left out for a while, what paid is not. */

#include "unit.h"

#include "itk_hunch.h"

/* How often HUNCH says no before it says yes again. */
static int left_out(itk_hunch_t *hunch)
{
    int n = 0;

    while (!itk_hunch_try(hunch)) {
        n++;
    }
    return n;
}

static void what_pays_is_tried_each_time(void **state)
{
    itk_hunch_t hunch = {0, 0};
    int i;

    (void)state;
    for (i = 0; i < 5; i++) {
        assert_int_equal(left_out(&hunch), 0);
        itk_hunch_learn(&hunch, 1);
    }
}

static void what_is_in_vain_is_left_out_longer_and_longer(void **state)
{
    static const int rests[] = {0, 1, 3, 7, 15, 31, 63, 63, 63};
    itk_hunch_t hunch = {0, 0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        assert_int_equal(left_out(&hunch), rests[i]);
        itk_hunch_learn(&hunch, 0);
    }
}

static void one_success_makes_up_for_all(void **state)
{
    itk_hunch_t hunch = {0, 0};
    int i;

    (void)state;
    for (i = 0; i < 4; i++) {
        (void)left_out(&hunch);
        itk_hunch_learn(&hunch, 0);
    }
    (void)left_out(&hunch);
    itk_hunch_learn(&hunch, 1);
    assert_int_equal(left_out(&hunch), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_pays_is_tried_each_time),
        cmocka_unit_test(what_is_in_vain_is_left_out_longer_and_longer),
        cmocka_unit_test(one_success_makes_up_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
