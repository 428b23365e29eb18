/* Results keep the first cause; JSON keeps order and survives odd bytes. */

#include "unit.h"

#include "base/json.h"
#include "base/node.h"
#include "base/result.h"

static void the_first_problem_stays(void **state)
{
    em_result_t *res = em_result_make(pool);

    (void)state;
    assert_int_equal(em_result_fail(res, APR_ENOENT, EM_EXIT_FAILED, "first",
                                    "cannot open %s: ", "/x"),
                     APR_ENOENT);
    em_result_fail(res, APR_EGENERAL, EM_EXIT_ATTENTION, "second", "echo");
    assert_string_equal(res->problem, "first");
    assert_int_equal(res->exit_code, EM_EXIT_FAILED);
    assert_string_equal(res->detail, "cannot open /x: No such file or directory");
    em_result_clear(res);
    assert_null(res->problem);
    assert_int_equal(res->exit_code, EM_EXIT_OK);
}

static void json_keeps_order_and_replaces_stray_bytes(void **state)
{
    em_json_t *o = em_json_object(pool), *a = em_json_array(pool);

    (void)state;
    em_json_set_str(o, "z", "caf\xe9 \xc3\xa9");
    em_json_set_int(o, "a", 1LL << 40);
    em_json_add_str(a, NULL);
    em_json_add_str(a, "x");
    em_json_set(o, "list", a);
    assert_string_equal(em_json_text(o, 0, pool),
                        "{\"z\":\"caf\xef\xbf\xbd \xc3\xa9\","
                        "\"a\":1099511627776,\"list\":[null,\"x\"]}");
}

static void json_that_is_not_is_told_with_its_place(void **state)
{
    const char *error = NULL;
    em_json_t *json = NULL;

    (void)state;
    assert_int_not_equal(em_json_parse(&json, &error, "{\"a\":1,\"a\":2}", 13,
                                       pool), 0);
    assert_non_null(strstr(error, "line 1"));
    assert_int_not_equal(em_json_parse(&json, &error, "{\n x", 4, pool), 0);
    assert_non_null(strstr(error, "line 2"));
    assert_null(json);
}

static void json_getters_are_safe_on_the_wrong_type(void **state)
{
    const char *error, *text = "{\"n\":1,\"s\":\"x\",\"l\":[true]}";
    em_json_t *json;

    (void)state;
    assert_int_equal(em_json_parse(&json, &error, text, strlen(text), pool),
                     0);
    assert_null(em_json_get_str(json, "n"));
    assert_int_equal(em_json_get_int(json, "s", 7), 7);
    assert_int_equal(em_json_size(em_json_get(json, "l")), 1);
    assert_int_equal(em_json_size(em_json_get(json, "none")), 0);
    assert_string_equal(em_json_key(json, 2), "l");
    assert_null(em_json_key(json, 3));
}

static void nodes_compare_by_kind_and_bytes(void **state)
{
    em_node_t a = {EM_NODE_FILE, "x\0y", 3, 0644, 0, 0};
    em_node_t b = {EM_NODE_FILE, "x\0z", 3, 0600, 1, 1};
    em_node_t link = {EM_NODE_LINK, "x", 1, 0, 0, 0};

    (void)state;
    assert_false(em_node_same(&a, &b));
    assert_false(em_node_same(&a, &link));
    b.data = "x\0y";
    assert_true(em_node_same(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_problem_stays),
        cmocka_unit_test(json_keeps_order_and_replaces_stray_bytes),
        cmocka_unit_test(json_that_is_not_is_told_with_its_place),
        cmocka_unit_test(json_getters_are_safe_on_the_wrong_type),
        cmocka_unit_test(nodes_compare_by_kind_and_bytes),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
