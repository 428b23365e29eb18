/* The configure line of a static httpd with another MPM, as a shell takes
 * it. */

#include "unit.h"

#include "plan/draft.h"

#define HEAD "#! /bin/sh\n#\n# Created by configure\n\n"

static void assert_line(const char *script, const char *line)
{
    assert_string_equal(em_config_nice(script, "event", pool), line);
}

static void the_mpm_is_exchanged_where_it_stood(void **state)
{
    (void)state;
    assert_line(HEAD "\"./configure\" \\\n\"--prefix=/opt/httpd\" \\\n"
                "\"--with-mpm=prefork\" \\\n\"--enable-so\" \\\n\"$@\"\n",
                "./configure --prefix=/opt/httpd --with-mpm=event "
                "--enable-so");
}

static void without_one_it_is_added(void **state)
{
    (void)state;
    assert_line(HEAD "\"./configure\" \\\n\"--enable-so\" \\\n\"$@\"\n",
                "./configure --enable-so --with-mpm=event");
    assert_line("./configure", "./configure --with-mpm=event");
}

static void it_stands_there_once(void **state)
{
    (void)state;
    assert_line("\"./configure\" \\\n\"--enable-mpms-shared=no\" \\\n"
                "\"--with-mpm=worker\" \\\n\"--with-mpm=prefork\" \\\n\"$@\"",
                "./configure --with-mpm=event");
}

static void settings_and_blanks_survive(void **state)
{
    (void)state;
    assert_line(HEAD "CFLAGS=\"-O2 -g\"; export CFLAGS\n"
                "CC=gcc\n\"../src/configure\" \\\n\"--with-apr=/opt/my apr\" "
                "\\\n'--with-x=it'\\''s' \\\n\"$@\"\n",
                "CFLAGS='-O2 -g' CC=gcc ../src/configure "
                "'--with-apr=/opt/my apr' '--with-x=it'\\''s' "
                "--with-mpm=event");
}

static void what_has_no_command_gives_none(void **state)
{
    (void)state;
    assert_null(em_config_nice("", "event", pool));
    assert_null(em_config_nice(HEAD, "event", pool));
    assert_null(em_config_nice("\"$@\"\n", "event", pool));
    assert_non_null(em_config_nice("\"unclosed \\", "event", pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mpm_is_exchanged_where_it_stood),
        cmocka_unit_test(without_one_it_is_added),
        cmocka_unit_test(it_stands_there_once),
        cmocka_unit_test(settings_and_blanks_survive),
        cmocka_unit_test(what_has_no_command_gives_none),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
