/* The two outputs: every slot filled, one JSON object whatever happened, text
 * that fits the screen. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "cmd/cmd.h"
#include "out/fmt.h"
#include "out/out.h"
#include "out/progress.h"

static apr_pool_t *pool;

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

/* What OUTPUT prints for a run, on both streams. */
static char *printed(const struct em_output *output, const char *command,
                     em_report_kind_t kind, const em_report_t *report,
                     const em_result_t *res)
{
    em_out_t out = { 0 };
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    char *copy;

    out.f = out.err = f;
    out.pool = pool;
    output->finish(&out, command, kind, report, res);
    fclose(f);
    copy = apr_pstrmemdup(pool, text, len);
    free(text);
    return copy;
}

static void both_outputs_render_every_report(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < EM_REPORT_COUNT; ++i) {
        assert_non_null(em_out_text.render[i]);
        assert_non_null(em_out_json.render[i]);
    }
    assert_non_null(em_out_text.finish);
    assert_non_null(em_out_json.finish);
}

static void every_command_is_complete(void **state)
{
    int i, j;

    (void)state;
    for (i = 0; em_cmds[i]; ++i) {
        const em_cmd_t *cmd = em_cmds[i];

        assert_non_null(cmd->name);
        assert_non_null(cmd->summary);
        assert_non_null(cmd->description);
        assert_non_null(cmd->run);
        assert_in_range(cmd->report, 0, EM_REPORT_COUNT - 1);
        assert_ptr_equal(em_cmd_find(cmd->name), cmd);
        for (j = 0; cmd->options && cmd->options[j]; ++j) {
            assert_non_null(em_opt_find(cmd->options[j]));
        }
    }
    assert_null(em_cmd_find("destroy"));
}

/* A command that failed before it found anything out has an empty report. */
static void an_empty_report_is_rendered_by_all(void **state)
{
    em_report_t report = { 0 };
    em_result_t *res = em_result_make(pool);
    int i;

    (void)state;
    em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED, "test-failed",
                   "Nothing \"works\"\nhere.");
    for (i = 0; em_cmds[i]; ++i) {
        em_json_t *json;
        const char *error;
        char *text = printed(&em_out_json, em_cmds[i]->name,
                             em_cmds[i]->report, &report, res);

        assert_int_equal(em_json_parse(&json, &error, text, strlen(text),
                                       pool), APR_SUCCESS);
        assert_int_equal(em_json_get_int(json, "format", 0), 1);
        assert_string_equal(em_json_get_str(json, "command"),
                            em_cmds[i]->name);
        assert_false(em_json_get_bool(json, "ok", 1));
        assert_string_equal(em_json_get_str(json, "problem"), "test-failed");
        text = printed(&em_out_text, em_cmds[i]->name, em_cmds[i]->report,
                       &report, res);
        assert_non_null(strstr(text, "Nothing \"works\""));
    }
}

static void bad_usage_is_one_object_as_well(void **state)
{
    em_report_t report = { 0 };
    em_result_t *res = em_result_make(pool);
    const char *error;
    em_json_t *json;
    char *text;

    (void)state;
    em_result_fail(res, APR_EINVAL, EM_EXIT_USAGE, "unknown-command", "No.");
    em_result_hint(res, "ea-mpm help");
    text = printed(&em_out_json, NULL, EM_REPORT_HELP, &report, res);
    assert_int_equal(em_json_parse(&json, &error, text, strlen(text), pool),
                     APR_SUCCESS);
    assert_null(em_json_get_str(json, "command"));
    assert_string_equal(em_json_get_str(json, "detail"),
                        "No. Next: ea-mpm help");
}

static char *wrapped(int indent, const char *text)
{
    char *out = NULL, *copy;
    size_t len = 0;
    FILE *f = open_memstream(&out, &len);

    em_fmt_wrap(f, indent, text);
    fclose(f);
    copy = apr_pstrmemdup(pool, out, len);
    free(out);
    return copy;
}

static void long_text_is_wrapped_at_the_screen(void **state)
{
    char *text = apr_pcalloc(pool, 1001), *line, *last;
    int i;

    (void)state;
    for (i = 0; i < 1000; ++i) {
        text[i] = i % 7 == 6 ? ' ' : 'x';
    }
    text = wrapped(6, text);
    for (line = apr_strtok(text, "\n", &last); line;
         line = apr_strtok(NULL, "\n", &last)) {
        assert_true(strlen(line) <= 79);
        assert_memory_equal(line, "      x", 7);
    }
    /* A word that is too long stays whole; given line ends stay. */
    text = apr_pcalloc(pool, 201);
    memset(text, 'y', 200);
    assert_int_equal(strlen(wrapped(2, text)), 2 + 200 + 1);
    assert_string_equal(wrapped(2, "a\n\nb"), "  a\n  \n  b\n");
    assert_string_equal(wrapped(0, ""), "\n");
}

static void times_and_places_read_well(void **state)
{
    (void)state;
    assert_null(em_fmt_time(0, pool));
    assert_string_equal(em_fmt_time(apr_time_from_sec(1763716502), pool),
                        "2025-11-21T09:15:02Z");
    assert_string_equal(em_fmt_ms(412, pool), "412 ms");
    assert_string_equal(em_fmt_ms(2190, pool), "2.1 s");
    assert_string_equal(em_fmt_place("/a", 3, pool), "/a:3");
    assert_string_equal(em_fmt_place("/a", 0, pool), "/a");
    assert_string_equal(em_fmt_place(NULL, 3, pool), "");
}

static void progress_is_json_lines_on_its_descriptor(void **state)
{
    em_progress_how_t how = { NULL, 0, 0, -1 };
    char buffer[4096], *line, *last;
    int fds[2], lines = 0;
    apr_time_t begun;
    em_log_t *log;
    ssize_t n;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    how.fd = fds[1];
    log = em_progress_make(&how, pool);
    begun = em_phase_begin(log, "starting");
    em_phase_count(log, "starting", 1, 2);
    em_log(log, EM_LOG_WARN, "a \"%s\"", "note");
    em_phase_end(log, "starting", begun, "ok");
    n = read(fds[0], buffer, sizeof(buffer) - 1);
    assert_true(n > 0);
    buffer[n] = '\0';
    for (line = apr_strtok(buffer, "\n", &last); line;
         line = apr_strtok(NULL, "\n", &last), ++lines) {
        const char *error;
        em_json_t *json;

        assert_int_equal(em_json_parse(&json, &error, line, strlen(line),
                                       pool), APR_SUCCESS);
        assert_non_null(em_json_get_str(json, "event"));
        assert_true(em_json_get_int(json, "elapsed_ms", -1) >= 0);
    }
    assert_int_equal(lines, 4);
    /* A reader that goes away changes nothing. */
    close(fds[0]);
    (void)signal(SIGPIPE, SIG_IGN);
    em_log(log, EM_LOG_NOTE, "x");
    em_log(log, EM_LOG_NOTE, "x");
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_outputs_render_every_report),
        cmocka_unit_test(every_command_is_complete),
        cmocka_unit_test(an_empty_report_is_rendered_by_all),
        cmocka_unit_test(bad_usage_is_one_object_as_well),
        cmocka_unit_test(long_text_is_wrapped_at_the_screen),
        cmocka_unit_test(times_and_places_read_well),
        cmocka_unit_test(progress_is_json_lines_on_its_descriptor)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
