/* Rules are read whole or not at all, and a mistake is named with its place. */

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"

#define RULES_TEST(name) \
    cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

#define RULE(problem, more) \
    "{\"rules\": [{\"problem\": \"" problem "\", \"module\": \"x_module\", " \
    "\"severity\": \"warn\", \"mpms\": [\"prefork\"], \"reason\": \"r\", " \
    "\"source\": \"s\"" more "}]}"

static char *root;
static em_view_t *view;
static apr_array_header_t *rules;
static em_result_t *res;

static void put(const char *path, const char *text)
{
    FILE *f = fopen(apr_pstrcat(pool, root, path, NULL), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_tree(void **state)
{
    (void)state;
    root = apr_pstrdup(pool, "/tmp/em-rules-XXXXXX");
    return !mkdtemp(root)
           || mkdir(apr_pstrcat(pool, root, "/shipped", NULL), 0755)
           || mkdir(apr_pstrcat(pool, root, "/host", NULL), 0755)
           || mkdir(apr_pstrcat(pool, root, "/host/admin", NULL), 0755)
           || em_view_open(&view, apr_pstrcat(pool, root, "/host", NULL),
                           pool) != APR_SUCCESS;
}

static int remove_tree(void **state)
{
    (void)state;
    return system(apr_psprintf(pool, "rm -rf %s", root));
}

static apr_status_t read_rules(void)
{
    res = em_result_make(pool);
    rules = NULL;
    return em_rules_read(&rules, view, apr_pstrcat(pool, root, "/shipped",
                                                   NULL), "/admin", res,
                         pool);
}

static const em_rule_t *rule(int i)
{
    return APR_ARRAY_IDX(rules, i, em_rule_t *);
}

static void the_shipped_rules_are_sound(void **state)
{
    static const char *const mpms[] = { "prefork", "worker", "event", "itk" };
    char *top = getcwd(NULL, 0);

    (void)state;
    res = em_result_make(pool);
    assert_int_equal(em_rules_read(&rules, view,
                                   apr_pstrcat(pool, top,
                                               "/tools/ea-mpm/rules.d", NULL),
                                   "/admin", res, pool), APR_SUCCESS);
    free(top);
    assert_true(rules->nelts > 40);
    for (int i = 0; i < rules->nelts; i++) {
        assert_true(strlen(rule(i)->reason) > 10);
        assert_true(strlen(rule(i)->source) > 5);
        for (int k = 0; k < rule(i)->mpms->nelts; k++) {
            int known = 0;

            for (int m = 0; m < 4; m++) {
                known |= strcmp(mpms[m], APR_ARRAY_IDX(rule(i)->mpms, k,
                                                       char *)) == 0;
            }
            assert_true(known);
        }
        /* A refusal says what to do. */
        if (rule(i)->severity == EM_REFUSE
            && strncmp(rule(i)->id, "mpm_", 4) != 0) {
            assert_true(rule(i)->resolutions->nelts > 0);
        }
    }
}

static void a_rule_has_all_that_its_file_says(void **state)
{
    (void)state;
    put("/shipped/a.json",
        RULE("one", ", \"threads\": \"unsafe\", \"together\": \"y_module\", "
             "\"resolutions\": [\"--without x\"], \"handlers\": [\"h\"], "
             "\"directives\": [\"D\", \"E\"], \"leak\": \"l\", "
             "\"gone\": \"g\""));
    assert_int_equal(read_rules(), APR_SUCCESS);
    assert_int_equal(rules->nelts, 1);
    assert_string_equal(rule(0)->problem, "one");
    assert_int_equal(rule(0)->severity, EM_WARN);
    assert_string_equal(rule(0)->id, "x_module");
    assert_string_equal(rule(0)->threads, "unsafe");
    assert_string_equal(rule(0)->together, "y_module");
    assert_string_equal(rule(0)->leak, "l");
    assert_string_equal(rule(0)->gone, "g");
    assert_int_equal(rule(0)->directives->nelts, 2);
    assert_int_equal(rule(0)->handlers->nelts, 1);
    assert_string_equal(rule(0)->origin,
                        apr_pstrcat(pool, root, "/shipped/a.json", NULL));
}

static void the_admins_files_replace_and_add(void **state)
{
    (void)state;
    put("/shipped/a.json", RULE("shipped-a", ""));
    put("/shipped/b.json", RULE("shipped-b", ""));
    put("/shipped/README", "no rules");
    put("/host/admin/a.json", RULE("admin-a", ""));
    put("/host/admin/z.json", RULE("admin-z", ""));
    put("/host/admin/.hidden.json", "broken");
    put("/host/admin/z.json.bak", "broken");
    assert_int_equal(read_rules(), APR_SUCCESS);
    assert_int_equal(rules->nelts, 3);
    assert_string_equal(rule(0)->problem, "shipped-b");
    assert_string_equal(rule(1)->problem, "admin-a");
    assert_string_equal(rule(1)->origin, "/admin/a.json");
    assert_string_equal(rule(2)->problem, "admin-z");
    put("/host/admin/b.json", "{\"rules\": []}");
    assert_int_equal(read_rules(), APR_SUCCESS);
    assert_int_equal(rules->nelts, 2);
}

static void directories_that_are_not_there_are_empty(void **state)
{
    (void)state;
    res = em_result_make(pool);
    assert_int_equal(em_rules_read(&rules, view, "/nonexistent/a",
                                   "/nonexistent/b", res, pool), APR_SUCCESS);
    assert_int_equal(rules->nelts, 0);
}

static void a_broken_file_is_an_error_with_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } broken[] = {
        { "{\n \"rules\": [\n", "/admin/x.json: line 3" },
        { "[]", "\"rules\"" },
        { "{\"rules\": {}}", "\"rules\"" },
        { "{\"rules\": [], \"more\": 1}", "\"rules\"" },
        { "{\"rules\": [1]}", "rule 1" },
        { "{\"rules\": [{\"problem\": \"x\"}]}", "are needed" },
        { RULE("x", ", \"threds\": \"safe\""), "\"threds\"" },
        { RULE("x", ", \"threads\": \"some\""), "\"threads\"" },
        { RULE("x", ", \"resolutions\": \"text\""), "lists of texts" },
        { RULE("x", ", \"handlers\": [1]"), "lists of texts" },
        { "{\"rules\": [{\"problem\": \"x\", \"module\": \"m\", "
          "\"severity\": \"fatal\", \"mpms\": [], \"reason\": \"r\", "
          "\"source\": \"s\"}]}", "\"severity\"" },
        { "{\"rules\": [{\"problem\": \"x\", \"module\": \"m\", "
          "\"severity\": \"warn\", \"mpms\": [\"evnt\"], \"reason\": \"r\", "
          "\"source\": \"s\"}]}", "\"mpms\"" },
        { NULL, NULL }
    };

    (void)state;
    for (int i = 0; broken[i].text; i++) {
        put("/host/admin/x.json", broken[i].text);
        assert_int_not_equal(read_rules(), APR_SUCCESS);
        assert_null(rules);
        assert_string_equal(res->problem, "rules-broken");
        assert_int_equal(res->exit_code, EM_EXIT_FAILED);
        assert_non_null(strstr(res->detail, "/admin/x.json"));
        if (!strstr(res->detail, broken[i].says)) {
            fail_msg("%s\nsays: %s", broken[i].text, res->detail);
        }
    }
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(symlink("nowhere", apr_pstrcat(pool, root,
                                                    "/host/admin/l.json",
                                                    NULL)), 0);
    assert_int_not_equal(read_rules(), APR_SUCCESS);
    assert_string_equal(res->problem, "rules-broken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULES_TEST(the_shipped_rules_are_sound),
        RULES_TEST(a_rule_has_all_that_its_file_says),
        RULES_TEST(the_admins_files_replace_and_add),
        RULES_TEST(directories_that_are_not_there_are_empty),
        RULES_TEST(a_broken_file_is_an_error_with_its_place),
        RULES_TEST(a_file_that_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
