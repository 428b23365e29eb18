/* The command line. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apr_general.h>
#include "cmd/cmd.h"

static apr_pool_t *pool;
static em_run_t run;

static int setup(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

/* Parse "ea-mpm" and the given words, up to NULL. */
static apr_status_t parse(const char *word, ...)
{
    const char *argv[16] = { "ea-mpm" };
    int argc = 1;
    va_list ap;

    va_start(ap, word);
    while (word) {
        argv[argc++] = word;
        word = va_arg(ap, const char *);
    }
    va_end(ap);
    memset(&run, 0, sizeof(run));
    run.pool = pool;
    run.res = em_result_make(pool);
    return em_cmd_parse(&run, argc, argv);
}

#define assert_usage(problem_, ...) \
    do { \
        assert_int_not_equal(parse(__VA_ARGS__, NULL), APR_SUCCESS); \
        assert_int_equal(run.res->exit_code, EM_EXIT_USAGE); \
        assert_string_equal(run.res->problem, problem_); \
    } while (0)

static void options_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(parse("--json", "switch", "--with", "php=fpm", "event",
                           "--without=cgi", "--timeout", "9", NULL),
                     APR_SUCCESS);
    assert_ptr_equal(run.cmd, &em_cmd_switch);
    assert_string_equal(run.target, "event");
    assert_true(run.opts.json);
    assert_string_equal(APR_ARRAY_IDX(run.opts.with, 0, const char *),
                        "php=fpm");
    assert_string_equal(APR_ARRAY_IDX(run.opts.without, 0, const char *),
                        "cgi");
    assert_int_equal(run.opts.timeout, apr_time_from_sec(9));
    assert_int_equal(run.opts.progress_fd, -1);
}

static void a_target_is_known_by_its_module_name_too(void **state)
{
    (void)state;
    assert_int_equal(parse("check", "mpm_event_module", NULL), APR_SUCCESS);
    assert_string_equal(run.target, "event");
}

static void help_and_version_are_words_and_options(void **state)
{
    (void)state;
    assert_int_equal(parse("--help", NULL), APR_SUCCESS);
    assert_ptr_equal(run.cmd, &em_cmd_help);
    assert_int_equal(parse("-h", NULL), APR_SUCCESS);
    assert_ptr_equal(run.cmd, &em_cmd_help);
    assert_int_equal(parse("switch", "--help", NULL), APR_SUCCESS);
    assert_ptr_equal(run.cmd, &em_cmd_help);
    assert_string_equal(APR_ARRAY_IDX(run.args, 0, const char *), "switch");
    assert_int_equal(parse("--version", NULL), APR_SUCCESS);
    assert_ptr_equal(run.cmd, &em_cmd_version);
}

static void json_is_seen_before_anything_can_fail(void **state)
{
    (void)state;
    assert_usage("unknown-option", "switch", "--nonsense", "event", "--json");
    assert_true(run.opts.json);
    assert_usage("unknown-command", "frobnicate", "--json");
    assert_true(run.opts.json);
}

static void bad_lines_are_refused_with_their_reason(void **state)
{
    (void)state;
    assert_int_not_equal(parse(NULL, NULL), APR_SUCCESS);
    assert_string_equal(run.res->problem, "missing-command");
    assert_usage("unknown-command", "swich", "event");
    assert_non_null(strstr(run.res->detail, "switch"));
    assert_usage("unknown-option", "show", "--jsn");
    assert_non_null(strstr(run.res->detail, "--json"));
    assert_usage("unknown-option", "show", "-x");
    assert_usage("option-not-here", "show", "--force");
    assert_usage("extra-argument", "show", "event");
    assert_usage("extra-argument", "check", "event", "worker");
    assert_usage("missing-argument", "switch");
    assert_usage("bad-value", "show", "--timeout", "soon");
    assert_usage("bad-value", "show", "--timeout", "0");
    assert_usage("bad-value", "show", "--timeout", "5s");
    assert_usage("bad-value", "show", "--timeout=99999999999999999999");
    assert_usage("bad-value", "show", "--timeout");
    assert_usage("bad-value", "show", "--json=yes");
    assert_usage("bad-value", "show", "--progress-fd", "1");
    assert_usage("bad-value", "show", "--progress-fd", "1000");
    assert_usage("bad-value", "show", "--root", "/nonexistent/dir");
    assert_usage("bad-value", "show", "--conf", "");
    assert_usage("bad-value", "switch", "event", "--no-rehearsal",
                 "--require-rehearsal");
}

static void a_bad_target_is_told_before_anything_is_looked_at(void **state)
{
    (void)state;
    assert_int_not_equal(parse("switch", "quick", NULL), APR_SUCCESS);
    assert_int_equal(run.res->exit_code, EM_EXIT_USAGE);
    assert_string_equal(run.res->problem, "mpm-unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(a_target_is_known_by_its_module_name_too),
        cmocka_unit_test(help_and_version_are_words_and_options),
        cmocka_unit_test(json_is_seen_before_anything_can_fail),
        cmocka_unit_test(bad_lines_are_refused_with_their_reason),
        cmocka_unit_test(a_bad_target_is_told_before_anything_is_looked_at)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
