/* A file of assignments is read as a shell would read it, or said to be
 * beyond us; never something in between. */

#include "unit.h"

#include <unistd.h>

#include "host/shellvars.h"

static em_shellvars_t parsed(const char *text)
{
    em_shellvars_t sh = { apr_table_make(pool, 8), apr_table_make(pool, 8),
                          0 };

    em_shellvars_parse(&sh, text, pool);
    return sh;
}

/* What /bin/sh has in variable NAME after the text. */
static const char *by_shell(const char *text, const char *name)
{
    char path[] = "/tmp/em-shell-XXXXXX";
    int fd = mkstemp(path);
    static char out[4096];
    size_t n;
    FILE *f;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    f = popen(apr_psprintf(pool, "env -i PATH=/usr/bin:/bin A=given /bin/sh "
                           "-c '. %s; printf %%s \"$%s\"' 2>/dev/null", path,
                           name), "r");
    assert_non_null(f);
    n = fread(out, 1, sizeof(out) - 1, f);
    out[n] = '\0';
    pclose(f);
    unlink(path);
    return out;
}

/* Texts that are understood give X, Y and A just as a shell does. */
static void agrees_with_the_shell(void **state)
{
    static const char *const texts[] = {
        "X=1\nexport Y=2\n", "X=\"a b\" # c\nY='$X'\n", "X=a\\ b\nY=$X$X\n",
        "export X Y\nX=1;Y=2\n", "X=1 Y=2\n", ": ${X:=dflt}\nY=${X}x\n",
        ": ${A:=other}\nX=$A\n", "unset A\nX=${A-none}\nY=${A:-none}\n",
        "X=${A##gi}\nY=${A%ven}\n", "X=${A#zzz}\nY=${A%%zzz}\n",
        "if [ \"$A\" = given ]; then X=1; else X=2; fi\nY=$X\n",
        "if [ \"$A\" != given ]\nthen\n\tX=1\nelse\n\tX=2\nfi\n",
        "if [ -z \"$A\" ]; then X=1; fi\nif [ -n \"$A\" ]; then Y=1; fi\n",
        "if [ \"$A\" = x ]; then if [ 1 = 1 ]; then X=1; fi; Y=3; fi\n",
        "if [ \"${A##/etc/apache2-}\" != \"${A}\" ] ; then\n\tX=\"-i\"\n"
        "else\n\tX=\nfi\nY=/run$X/p\n",
        "X=\"a\\\"b\\$c\\\\d\\e\"\n", "X='a\nb'\nY=\"c\nd\"\n", "X=\n",
        "X=a\\\nb\n", "  X=1\t\n\tY=2", "X=1\r\n", "X=\"$A\"'$A'$A\n", ""
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        em_shellvars_t sh = { apr_table_make(pool, 8), NULL, 0 };
        static const char *const names[] = { "X", "Y", "A" };

        apr_table_set(sh.vars, "A", "given");
        em_shellvars_parse(&sh, texts[i], pool);
        for (int j = 0; j < 3; j++) {
            const char *ours = apr_table_get(sh.vars, names[j]);

            if (strchr(texts[i], '\r')) {   /* files from Windows: we forgive */
                continue;
            }
            if (!sh.understood || strcmp(ours ? ours : "",
                                         by_shell(texts[i], names[j])) != 0) {
                fail_msg("text %d \"%s\": %s is \"%s\", understood %d",
                         (int)i, texts[i], names[j], ours ? ours : "",
                         sh.understood);
            }
        }
    }
}

static void says_what_is_beyond_it(void **state)
{
    static const char *const texts[] = {
        "X=$(date)\n", "X=`date`\n", ". /etc/default/locale\n",
        "X=1 echo hello\n", "X=${A/x/y}\n", "X=${A##*/}\n", "X=~/x\n",
        "for i in 1 2; do X=$i; done\n", "case $A in x) X=1;; esac\n",
        "if test -f /x; then X=1; fi\n", "X=\"unclosed\n", "ulimit -n 9\n",
        "if [ 1 = 1 ]; then X=1\n", "X=1 && Y=2\n", "X=1&\n", "f() { X=1; }\n"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (parsed(texts[i]).understood) {
            fail_msg("\"%s\" is taken as understood", texts[i]);
        }
    }
}

static void knows_what_is_exported(void **state)
{
    em_shellvars_t sh = parsed("A=1\nexport B=2\nexport A\nC=3\n");

    (void)state;
    assert_non_null(apr_table_get(sh.exported, "A"));
    assert_non_null(apr_table_get(sh.exported, "B"));
    assert_null(apr_table_get(sh.exported, "C"));
    assert_string_equal(apr_table_get(sh.vars, "C"), "3");
}

static void splits_options(void **state)
{
    apr_array_header_t *words = em_shellvars_split(
        "-D SSL  -C \"Listen 8080\" '-f /x y' a\\ b", pool);

    (void)state;
    assert_int_equal(words->nelts, 6);
    assert_string_equal(APR_ARRAY_IDX(words, 3, const char *), "Listen 8080");
    assert_string_equal(APR_ARRAY_IDX(words, 4, const char *), "-f /x y");
    assert_string_equal(APR_ARRAY_IDX(words, 5, const char *), "a b");
    assert_int_equal(em_shellvars_split(" \t", pool)->nelts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_shell),
        cmocka_unit_test(says_what_is_beyond_it),
        cmocka_unit_test(knows_what_is_exported),
        cmocka_unit_test(splits_options),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
