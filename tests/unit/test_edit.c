/* Edits change the bytes that are the point, and no others. */

#include "unit.h"

#include <unistd.h>

#include "conf/edit.h"

static em_text_t text(const char *s)
{
    em_text_t t = { s, strlen(s) };

    return t;
}

#define COMMENT(before, line, after) do { \
        em_text_t out, back; \
        assert_int_equal(em_edit_comment(&out, text(before), line, pool), \
                         APR_SUCCESS); \
        assert_string_equal(out.data, after); \
        assert_int_equal(out.len, strlen(after)); \
        assert_int_equal(em_edit_uncomment(&back, out, line, pool), \
                         APR_SUCCESS); \
        assert_string_equal(back.data, before); \
    } while (0)

#define UNCOMMENT(before, line, after) do { \
        em_text_t out; \
        assert_int_equal(em_edit_uncomment(&out, text(before), line, pool), \
                         APR_SUCCESS); \
        assert_string_equal(out.data, after); \
    } while (0)

#define INSERT(before, line, what, after) do { \
        em_text_t out; \
        assert_int_equal(em_edit_insert(&out, text(before), line, what, \
                                        pool), APR_SUCCESS); \
        assert_string_equal(out.data, after); \
        assert_int_equal(out.len, strlen(after)); \
    } while (0)

#define SETVAR(before, name, value, after) do { \
        em_text_t out; \
        assert_int_equal(em_edit_setvar(&out, text(before), name, value, \
                                        pool), APR_SUCCESS); \
        assert_string_equal(out.data, after); \
        assert_int_equal(out.len, strlen(after)); \
    } while (0)

static void commenting_adds_one_byte_and_comes_off_again(void **state)
{
    (void)state;
    COMMENT("LoadModule a b\n", 1, "#LoadModule a b\n");
    COMMENT("x\r\n  \tLoadModule a b\r\ny\r\n", 2,
            "x\r\n  \t#LoadModule a b\r\ny\r\n");
    COMMENT("x\nLoadModule a b", 2, "x\n#LoadModule a b");
    COMMENT("LoadModule a \\\n  b\ny\n", 1, "#LoadModule a \\\n  b\ny\n");
}

static void every_style_of_comment_comes_off(void **state)
{
    (void)state;
    UNCOMMENT("#LoadModule a b\n", 1, "LoadModule a b\n");
    UNCOMMENT("x\n # LoadModule a b\r\n", 2, "x\n LoadModule a b\r\n");
    UNCOMMENT("##\t#LoadModule a b", 1, "LoadModule a b");
}

static void what_cannot_be_edited_is_refused(void **state)
{
    em_text_t out = { "untouched", 9 };

    (void)state;
    assert_int_not_equal(em_edit_comment(&out, text("a\n"), 0, pool), 0);
    assert_int_not_equal(em_edit_comment(&out, text("a\n"), 2, pool), 0);
    assert_int_not_equal(em_edit_comment(&out, text("#a\n"), 1, pool), 0);
    assert_int_not_equal(em_edit_comment(&out, text("  \n"), 1, pool), 0);
    assert_int_not_equal(em_edit_comment(&out, text(""), 1, pool), 0);
    assert_int_not_equal(em_edit_uncomment(&out, text("a\n"), 1, pool), 0);
    assert_int_not_equal(em_edit_uncomment(&out, text("# \n"), 1, pool), 0);
    assert_int_not_equal(em_edit_insert(&out, text("a\n"), 3, "x", pool), 0);
    assert_int_not_equal(em_edit_insert(&out, text("a\n"), 0, "x", pool), 0);
    assert_int_not_equal(em_edit_insert(&out, text("a\n"), 1, "x\ny", pool),
                         0);
    assert_int_not_equal(em_edit_insert(&out, text("a \\\r\nb\n"), 2, "x",
                                        pool), 0);
    assert_int_not_equal(em_edit_setvar(&out, text(""), "A B", "x", pool), 0);
    assert_int_not_equal(em_edit_setvar(&out, text(""), "A", "x\ny", pool),
                         0);
    assert_int_not_equal(em_edit_setvar(&out, text("B='open\n"), "A", "x",
                                        pool), 0);
    assert_int_not_equal(em_edit_setvar(&out, text("A=1 \\"), "A", "x", pool),
                         0);
    assert_string_equal(out.data, "untouched");
}

static void an_inserted_line_takes_the_files_line_ending(void **state)
{
    (void)state;
    INSERT("", 1, "x", "x\n");
    INSERT("a\nb\n", 1, "x", "x\na\nb\n");
    INSERT("a\nb\n", 2, "x", "a\nx\nb\n");
    INSERT("a\nb\n", 3, "x", "a\nb\nx\n");
    INSERT("a\r\nb\r\n", 1, "x", "x\r\na\r\nb\r\n");
    INSERT("a\r\nb\r\n", 2, "x", "a\r\nx\r\nb\r\n");
    INSERT("a\r\nb", 3, "x", "a\r\nb\r\nx");
    INSERT("a\nb", 3, "x", "a\nb\nx");
    INSERT("a", 2, "x", "a\nx");
}

static void a_variable_keeps_its_quotes_and_its_surroundings(void **state)
{
    (void)state;
    SETVAR("# HTTPD=x\nHTTPD=/usr/sbin/httpd # c\nB=1\n", "HTTPD",
           "/usr/sbin/httpd.worker",
           "# HTTPD=x\nHTTPD=/usr/sbin/httpd.worker # c\nB=1\n");
    SETVAR("APACHE_MPM=\"prefork\"\r\n", "APACHE_MPM", "event",
           "APACHE_MPM=\"event\"\r\n");
    SETVAR("export A='x'; B=2\n", "A", "y z", "export A='y z'; B=2\n");
    SETVAR("A='x'\n", "A", "it's", "A=\"it's\"\n");
    SETVAR("A=x\n", "A", "y $z", "A=\"y \\$z\"\n");
    SETVAR("A=\n", "A", "", "A=\"\"\n");
}

static void the_last_assignment_is_the_one_that_counts(void **state)
{
    (void)state;
    SETVAR("A=1\nA=2\n", "A", "3", "A=1\nA=3\n");
    SETVAR("B=\"\nA=in a string\n\"\nA=1\n", "A", "3",
           "B=\"\nA=in a string\n\"\nA=3\n");
    SETVAR("# it's a comment\nA=1\n", "A", "3", "# it's a comment\nA=3\n");
    SETVAR("A=1\nB=\"A=2\"\n", "A", "3", "A=3\nB=\"A=2\"\n");
    SETVAR("AB=1\n", "A", "3", "AB=1\nA=\"3\"\n");
    SETVAR("B=1", "A", "3", "B=1\nA=\"3\"\n");
    SETVAR("", "A", "3", "A=\"3\"\n");
}

static void a_shipped_comment_is_where_a_variable_belongs(void **state)
{
    (void)state;
    SETVAR("# text\n#HTTPD=/usr/sbin/httpd.worker\n\n#B=1\n", "HTTPD",
           "/usr/sbin/httpd.worker",
           "# text\nHTTPD=/usr/sbin/httpd.worker\n\n#B=1\n");
    SETVAR("#HTTPD=/usr/sbin/httpd.worker\n#B=1\n", "HTTPD",
           "/usr/sbin/httpd.event",
           "#HTTPD=/usr/sbin/httpd.worker\nHTTPD=/usr/sbin/httpd.event\n"
           "#B=1\n");
    SETVAR("  # A=\"x\" # why\nB=2\n", "A", "x", "  A=\"x\" # why\nB=2\n");
    SETVAR("#A='x'", "A", "y", "#A='x'\nA='y'");
    SETVAR("#A=xy\n", "A", "x", "#A=xy\nA=x\n");
    SETVAR("#A=x is old\n", "A", "x", "#A=x is old\nA=x\n");
    SETVAR("B=\"\n#A=in a string\n\"\n", "A", "x",
           "B=\"\n#A=in a string\n\"\nA=\"x\"\n");
    SETVAR("#A=1\nA=2\n", "A", "1", "#A=1\nA=1\n");
}

static void the_shell_reads_back_what_was_set(void **state)
{
    static const char *const values[] = {
        "event", "", "a b", "it's", "\"quoted\"", "$HOME `id` \\", "#x", NULL
    };
    static const char *const files[] = {
        "", "V=old\n", "V='old'\n", "export V=\"old\" # comment\n",
        "V=1\nW='\nV=2\n'\n", NULL
    };

    (void)state;
    for (int f = 0; files[f]; f++) {
        for (int v = 0; values[v]; v++) {
            char name[] = "/tmp/em-edit-XXXXXX", got[200];
            int fd = mkstemp(name);
            em_text_t out;
            FILE *pipe;
            size_t n;

            assert_int_equal(em_edit_setvar(&out, text(files[f]), "V",
                                            values[v], pool), APR_SUCCESS);
            assert_int_equal(write(fd, out.data, out.len), out.len);
            close(fd);
            pipe = popen(apr_psprintf(pool, ". %s; printf %%s \"$V\"", name),
                         "r");
            assert_non_null(pipe);
            n = fread(got, 1, sizeof(got) - 1, pipe);
            got[n] = '\0';
            pclose(pipe);
            unlink(name);
            assert_string_equal(got, values[v]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commenting_adds_one_byte_and_comes_off_again),
        cmocka_unit_test(every_style_of_comment_comes_off),
        cmocka_unit_test(what_cannot_be_edited_is_refused),
        cmocka_unit_test(an_inserted_line_takes_the_files_line_ending),
        cmocka_unit_test(a_variable_keeps_its_quotes_and_its_surroundings),
        cmocka_unit_test(the_last_assignment_is_the_one_that_counts),
        cmocka_unit_test(a_shipped_comment_is_where_a_variable_belongs),
        cmocka_unit_test(the_shell_reads_back_what_was_set),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
