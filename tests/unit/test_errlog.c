/* Which lines of an error log speak against a server that was just started. */

#include <fcntl.h>
#include <unistd.h>

#include "service/errlog.h"
#include "unit.h"

static em_logline_t judge(const char *line)
{
    return em_errlog_judge(line, strlen(line));
}

static void a_start_that_failed_is_fatal(void **state)
{
    (void)state;
    assert_int_equal(judge("[Sat Nov 21 09:00:00.0 2026] [mpm_itk:crit] [pid "
                           "7] mpm-itk cannot use threaded MPMs; please use "
                           "prefork."), EM_LOGLINE_FATAL);
    assert_int_equal(judge("AH00016: Configuration Failed"),
                     EM_LOGLINE_FATAL);
    assert_int_equal(judge("AH00534: apache2: Configuration error: More than "
                           "one MPM loaded."), EM_LOGLINE_FATAL);
    assert_int_equal(judge("[Tue Jan 1 00:00:00 2013] [emerg] 2.2 writes it "
                           "so"), EM_LOGLINE_FATAL);
}

static void a_crash_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(judge("[x] [core:notice] [pid 9] AH00052: child pid 12 "
                           "exit signal Segmentation fault (11)"),
                     EM_LOGLINE_CRASH);
}

static void a_lost_http2_is_a_warning(void **state)
{
    (void)state;
    assert_int_equal(judge("[x] [http2:warn] [pid 4:tid 4] AH10034: The mpm "
                           "module (prefork.c) is not supported by mod_http2."
                           ), EM_LOGLINE_WARN);
}

static void a_request_says_nothing_about_the_start(void **state)
{
    (void)state;
    assert_int_equal(judge("[x] [core:crit] [pid 3] (13)Permission denied: "
                           "[client 192.0.2.1:5] AH00529: /x/.htaccess "
                           "pcfg_openfile: unable to check htaccess file"),
                     EM_LOGLINE_QUIET);
    assert_int_equal(judge("[x] [mpm_event:notice] [pid 1] AH00489: Apache "
                           "configured -- resuming normal operations"),
                     EM_LOGLINE_QUIET);
    assert_int_equal(judge(""), EM_LOGLINE_QUIET);
}

static void lines_are_picked_by_weight_and_number(void **state)
{
    static const char text[] = "quiet\nAH00016: a\n\nAH10034: b\nAH00052: c\n"
                               "AH00072: last without newline";

    (void)state;
    assert_int_equal(em_errlog_pick(text, strlen(text), EM_LOGLINE_FATAL, 9,
                                    pool)->nelts, 2);
    assert_int_equal(em_errlog_pick(text, strlen(text), EM_LOGLINE_CRASH, 9,
                                    pool)->nelts, 3);
    assert_int_equal(em_errlog_pick(text, strlen(text), EM_LOGLINE_WARN, 9,
                                    pool)->nelts, 4);
    assert_int_equal(em_errlog_pick(text, strlen(text), EM_LOGLINE_WARN, 1,
                                    pool)->nelts, 1);
    assert_int_equal(em_errlog_pick("", 0, EM_LOGLINE_QUIET, 9, pool)->nelts,
                     0);
}

static void the_log_is_read_from_where_it_ended(void **state)
{
    char path[] = "/tmp/ea-mpm-errlog-XXXXXX";
    int fd = mkstemp(path);
    em_facts_t facts = {0};
    em_view_t *view;
    apr_off_t from;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(em_view_open(&view, "/", pool), APR_SUCCESS);
    facts.view = view;
    facts.httpd.error_log = path;
    assert_int_equal(write(fd, "AH00016: old\n", 13), 13);
    from = em_errlog_size(&facts, pool);
    assert_int_equal(from, 13);
    assert_int_equal(em_errlog_since(&facts, from, EM_LOGLINE_FATAL, 9,
                                     pool)->nelts, 0);
    assert_int_equal(write(fd, "AH00526: new\n", 13), 13);
    assert_string_equal(em_errlog_quote(&facts, from, pool),
                        "  AH00526: new\n");
    /* Rotated: shorter than where we were. */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, "AH00072: x\n", 11, 0), 11);
    assert_string_equal(em_errlog_quote(&facts, from, pool),
                        "  AH00072: x\n");
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_that_failed_is_fatal),
        cmocka_unit_test(a_crash_is_told_apart),
        cmocka_unit_test(a_lost_http2_is_a_warning),
        cmocka_unit_test(a_request_says_nothing_about_the_start),
        cmocka_unit_test(lines_are_picked_by_weight_and_number),
        cmocka_unit_test(the_log_is_read_from_where_it_ended)
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
