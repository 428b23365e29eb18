/* Running programs: captured output, a deadline that holds, nothing inherited
 * and no waiting for a daemon. */

#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/exec.h"

static em_exec_out_t *run_for(const char *script, apr_interval_time_t timeout)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    em_exec_how_t how = {.timeout = timeout};
    em_exec_out_t *out;

    assert_int_equal(em_exec(&out, argv, &how, pool), APR_SUCCESS);
    return out;
}

static em_exec_out_t *run(const char *script)
{
    return run_for(script, apr_time_from_sec(20));
}

static void output_and_exit_code_are_told_apart(void **state)
{
    em_exec_out_t *out = run("echo one; echo two >&2; exit 3");

    (void)state;
    assert_true(out->exited);
    assert_int_equal(out->exit_code, 3);
    assert_string_equal(out->out, "one\n");
    assert_string_equal(out->err, "two\n");
}

static void a_signal_is_not_an_exit(void **state)
{
    em_exec_out_t *out = run("kill -SEGV $$");

    (void)state;
    assert_false(out->exited);
    assert_int_equal(out->signal, SIGSEGV);
    assert_false(out->timed_out);
}

static void much_output_on_both_pipes_does_not_block(void **state)
{
    em_exec_out_t *out = run("head -c 900000 /dev/zero; "
                             "head -c 900000 /dev/zero >&2");

    (void)state;
    assert_int_equal(out->out_len, 900000);
    assert_int_equal(out->err_len, 900000);
}

static void the_deadline_ends_the_whole_group(void **state)
{
    em_exec_out_t *out = run_for("sh -c 'echo $$; exec sleep 600'; true",
                                 apr_time_from_msec(300));
    pid_t pid = (pid_t)atol(out->out);

    (void)state;
    assert_true(out->timed_out);
    assert_true(pid > 1);
    for (int i = 0; i < 500 && kill(pid, 0) == 0; i++) {
        usleep(10000);
    }
    assert_int_not_equal(kill(pid, 0), 0);
}

static void a_daemon_left_behind_is_not_waited_for(void **state)
{
    em_exec_out_t *out = run("sleep 30 & echo $!");

    (void)state;
    assert_true(out->exited);
    assert_true(out->took < apr_time_from_sec(10));
    assert_int_equal(kill((pid_t)atol(out->out), SIGKILL), 0);
}

static void no_descriptor_above_two_is_inherited(void **state)
{
    int fd = open("/dev/null", O_RDONLY);   /* no CLOEXEC on purpose */
    em_exec_out_t *out = run("set -- /proc/self/fd/*; echo $#");

    (void)state;
    assert_true(fd >= 0);
    assert_true(atol(out->out) <= 4);       /* 0 1 2 and the listing */
    close(fd);
}

static void a_missing_program_is_an_error_of_the_start(void **state)
{
    const char *argv[] = {"/nonexistent/program", NULL};
    em_exec_out_t *out;

    (void)state;
    assert_true(APR_STATUS_IS_ENOENT(em_exec(&out, argv, NULL, pool)));
}

static void quoting_survives_a_shell(void **state)
{
    const char *argv[] = {"printf", "%s|", "a b", "it's", "", "$x", NULL};
    const char *line = em_exec_quote(argv, pool);

    (void)state;
    assert_string_equal(run(line)->out, "a b|it's||$x|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_exit_code_are_told_apart),
        cmocka_unit_test(a_signal_is_not_an_exit),
        cmocka_unit_test(much_output_on_both_pipes_does_not_block),
        cmocka_unit_test(the_deadline_ends_the_whole_group),
        cmocka_unit_test(a_daemon_left_behind_is_not_waited_for),
        cmocka_unit_test(no_descriptor_above_two_is_inherited),
        cmocka_unit_test(a_missing_program_is_an_error_of_the_start),
        cmocka_unit_test(quoting_survives_a_shell),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
