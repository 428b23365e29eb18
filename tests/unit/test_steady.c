/* A program that must come to its end: nothing that happens to us ends it. */

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/steady.h"

static em_exec_out_t *run(const char *script, em_log_t *log)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    em_exec_out_t *out;

    assert_int_equal(em_steady(&out, argv, NULL, log, pool), APR_SUCCESS);
    return out;
}

static void output_and_end_are_told(void **state)
{
    em_exec_out_t *out = run("echo one; echo two >&2; exit 3", NULL);

    (void)state;
    assert_true(out->exited);
    assert_int_equal(out->exit_code, 3);
    assert_string_equal(out->out, "one\ntwo\n");
    out = run("kill -SEGV $$", NULL);
    assert_false(out->exited);
    assert_int_equal(out->signal, SIGSEGV);
}

static void a_program_that_is_not_there_is_told(void **state)
{
    const char *argv[] = {"/nowhere/at-all", NULL};
    em_exec_out_t *out;

    (void)state;
    assert_true(APR_STATUS_IS_ENOENT(em_steady(&out, argv, NULL, NULL,
                                               pool)));
}

static char heard[256];

static void note(em_log_t *log, em_log_level_t level, const char *text)
{
    (void)log;
    (void)level;
    strncat(heard, text, sizeof(heard) - strlen(heard) - 1);
    strncat(heard, ";", sizeof(heard) - strlen(heard) - 1);
}

static void every_line_goes_to_the_log(void **state)
{
    em_log_t log = {.note = note};

    (void)state;
    run("echo one; echo; echo two >&2; printf three", &log);
    assert_string_equal(heard, "one;two;three;");
}

static void much_output_is_whole(void **state)
{
    (void)state;
    assert_int_equal(run("head -c 3000000 /dev/zero", NULL)->out_len,
                     3000000);
}

/* As a process group that is ended by Ctrl-C, and as one that is killed. */
static void it_ends_as_it_would_when_we_are_ended(void **state)
{
    (void)state;
    for (int kill_us = 0; kill_us <= 1; kill_us++) {
        int ready[2], done[2];
        char script[128], c = 0;
        pid_t pid;

        assert_int_equal(pipe(ready) | pipe(done), 0);
        snprintf(script, sizeof(script), "echo; echo r >/proc/%d/fd/%d; "
                 "sleep .3; echo; echo d >/proc/%d/fd/%d", (int)getpid(),
                 ready[1], (int)getpid(), done[1]);
        pid = fork();
        if (pid == 0) {
            (void)setpgid(0, 0);
            if (!kill_us) {
                (void)signal(SIGINT, SIG_IGN);
            }
            (void)run(script, NULL);
            _exit(0);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        assert_int_equal(kill(-pid, kill_us ? SIGKILL : SIGINT), 0);
        assert_int_equal(read(done[0], &c, 1), 1);
        assert_int_equal(c, 'd');
        while (waitpid(pid, NULL, 0) < 0) {
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_end_are_told),
        cmocka_unit_test(a_program_that_is_not_there_is_told),
        cmocka_unit_test(every_line_goes_to_the_log),
        cmocka_unit_test(much_output_is_whole),
        cmocka_unit_test(it_ends_as_it_would_when_we_are_ended),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
