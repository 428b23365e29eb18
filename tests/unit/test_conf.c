/* The configuration is read as httpd reads it: conditions where they stand,
 * files in httpd's order, nothing lost of what httpd would refuse. */

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"

#define CONF_TEST(name) \
    cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

static char *root;
static em_conf_how_t how;
static em_conf_t *conf;
static const char *defines[8];
static const char *env[] = { "HOMEDIR=/home/www", "Case=env", NULL };
static const char *statics[] = { "core.c", "mod_so.c", "mod_version.c", NULL };

static void put(const char *path, const char *text)
{
    const char *full = apr_pstrcat(pool, root, path, NULL);
    const char *slash;
    FILE *f;

    for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)mkdir(apr_pstrcat(pool, root, apr_pstrmemdup(pool, path,
                                (apr_size_t)(slash - path)), NULL), 0755);
    }
    f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_tree(void **state)
{
    em_view_t *view;

    (void)state;
    root = apr_pstrdup(pool, "/tmp/em-conf-XXXXXX");
    if (!mkdtemp(root) || em_view_open(&view, root, pool) != APR_SUCCESS) {
        return -1;
    }
    memset(&how, 0, sizeof(how));
    memset(defines, 0, sizeof(defines));
    how.view = view;
    how.server_root = "/etc/httpd";
    how.config_file = "/etc/httpd/httpd.conf";
    how.version[0] = 2;
    how.version[1] = 4;
    how.version[2] = 57;
    how.env = env;
    how.defines = defines;
    how.static_modules = statics;
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    return system(apr_psprintf(pool, "rm -rf %s", root));
}

static em_conf_t *walk(void)
{
    em_result_t *res = em_result_make(pool);

    assert_int_equal(em_conf_read(&conf, &how, res, pool), APR_SUCCESS);
    return conf;
}

static em_conf_t *walk_text(const char *text)
{
    put("/etc/httpd/httpd.conf", text);
    return walk();
}

/* The arguments of all active directives NAME, joined by "|". */
static const char *all(const char *name)
{
    const em_directive_t *d;
    const char *out = "";
    int i = 0;

    while ((d = em_conf_next(conf, name, &i)) != NULL) {
        out = apr_pstrcat(pool, out, *out ? "|" : "", d->args, NULL);
    }
    return out;
}

static int notes(const char *problem)
{
    int n = 0;

    for (int i = 0; i < conf->notes->nelts; i++) {
        n += strcmp(APR_ARRAY_IDX(conf->notes, i, em_conf_note_t *)->problem,
                    problem) == 0;
    }
    return n;
}

static const em_mpm_line_t *mpm(int i)
{
    assert_in_range(i, 0, conf->mpm_lines->nelts - 1);
    return APR_ARRAY_IDX(conf->mpm_lines, i, em_mpm_line_t *);
}

static void lines_are_joined_trimmed_and_numbered(void **state)
{
    const em_directive_t *d;
    int i = 0;

    (void)state;
    walk_text("\tServerName\t one  \r\n"
              "  # a comment \\\n"
              "  Hidden by the comment above\n"
              "serverALIAS a \\\r\n   b \\\n c\n"
              "Last x\\");
    assert_string_equal(all("ServerName"), "one");
    assert_string_equal(all("Hidden"), "");
    d = em_conf_next(conf, "ServerAlias", &i);
    assert_string_equal(d->name, "serverALIAS");
    assert_string_equal(d->args, "a    b  c");
    assert_int_equal(d->line, 4);
    assert_int_equal(d->last_line, 6);
    assert_string_equal(all("Last"), "x\\");
}

static void words_follow_httpds_quoting(void **state)
{
    const char *args = "a \"b \\\" c\" 'd\\'e' f\\\\g \"open";

    (void)state;
    assert_string_equal(em_conf_word(args, 0, pool), "a");
    assert_string_equal(em_conf_word(args, 1, pool), "b \" c");
    assert_string_equal(em_conf_word(args, 2, pool), "d'e");
    assert_string_equal(em_conf_word(args, 3, pool), "f\\g");
    assert_string_equal(em_conf_word(args, 4, pool), "open");
    assert_null(em_conf_word(args, 5, pool));
    assert_null(em_conf_word("   ", 0, pool));
    assert_string_equal(em_conf_word("\"\"", 0, pool), "");
}

static void ifmodule_asks_what_is_loaded_at_that_line(void **state)
{
    (void)state;
    walk_text("<IfModule mpm_event_module>\nEarly x\n</IfModule>\n"
              "LoadModule mpm_event_module modules/mod_mpm_event.so\n"
              "<IfModule mpm_event_module>\nById x\n</IfModule>\n"
              "<IFMODULE event.c>\nBySource x\n</ifmodule>\n"
              "<IfModule \"event.c\">\nQuoted x\n</IfModule>\n"
              "<IfModule mod_mpm_event.c>\nWrong x\n</IfModule>\n"
              "<IfModule mpm_event>\nWrong x\n</IfModule>\n"
              "<IfModule !prefork.c>\nNot x\n</IfModule>\n"
              "<IfModule !event.c>\nWrong x\n</IfModule>\n"
              "<IfModule mod_so.c>\nStatic x\n</IfModule>\n"
              "<IfModule so_module>\nStaticId x\n</IfModule>\n");
    assert_string_equal(all("Early"), "");
    assert_string_equal(all("Wrong"), "");
    assert_string_equal(all("ById"), "x");
    assert_string_equal(all("BySource"), "x");
    assert_string_equal(all("Quoted"), "x");
    assert_string_equal(all("Not"), "x");
    assert_string_equal(all("Static"), "x");
    assert_string_equal(all("StaticId"), "x");
    assert_int_equal(conf->notes->nelts, 0);
}

static void nested_conditions_all_have_to_hold(void **state)
{
    const em_directive_t *d;

    (void)state;
    walk_text("<IfModule mod_so.c>\n<IfModule nothing>\n"
              "<IfModule mod_so.c>\nInner x\n</IfModule>\n"
              "</IfModule>\nOuter x\n</IfModule>\nAfter x\n");
    assert_string_equal(all("Inner"), "");
    assert_string_equal(all("Outer"), "x");
    assert_string_equal(all("After"), "x");
    d = APR_ARRAY_IDX(conf->directives, 0, em_directive_t *);
    assert_string_equal(d->name, "Inner");
    assert_int_equal(d->active, 0);
    assert_int_equal(conf->sections->nelts, 3);
}

static void defines_come_from_the_command_line_and_the_file(void **state)
{
    (void)state;
    defines[0] = "FromArgs";
    walk_text("<IfDefine FromArgs>\nA x\n</IfDefine>\n"
              "<IfDefine fromargs>\nCase x\n</IfDefine>\n"
              "Define Later value\n<IfDefine Later>\nB ${Later}\n</IfDefine>\n"
              "B ${LATER}/${HOMEDIR}/${Unknown}/$x/${\n"
              "Define case file\nC ${Case}\n"
              "UnDefine Later\n<IfDefine !Later>\nD ${Later}\n</IfDefine>\n"
              "Define Name Dire\n${Name}ctive ok\n"
              "Define Twice 1\nE ${Twice}\nDefine Twice 2\nE ${Twice}\n");
    assert_string_equal(all("A"), "x");
    assert_string_equal(all("Case"), "");
    assert_string_equal(all("B"), "value|value//home/www/${Unknown}/$x/${");
    assert_string_equal(all("C"), "file");
    assert_string_equal(all("D"), "${Later}");
    assert_string_equal(all("Directive"), "ok");
    assert_string_equal(all("E"), "1|2");
    assert_string_equal(apr_hash_get(conf->defines, "Twice",
                                     APR_HASH_KEY_STRING), "2");
    assert_null(apr_hash_get(conf->defines, "Later", APR_HASH_KEY_STRING));
}

static void ifversion_knows_every_operator(void **state)
{
    static const char *const yes[] = {
        "2.4.57", "= 2.4.57", "== 2.4.57", ">= 2.4", "> 2.4", "< 3", "<= 2.5",
        "!= 2.4", "= /^2\\.4/", "~ ^2\\.[34]\\.\\d+$", "!~ ^1",
        "!= /^2\\.2/", "\"2.4.57\"", NULL
    };
    static const char *const no[] = {
        "2.4", "> 2.4.57", "< 2.4.57", ">= 2.6", "!= 2.4.57", "!~ ^2",
        "~ ^3", "=~ 2", "2.x", "= /2", "", "? 2", NULL
    };

    (void)state;
    for (int i = 0; yes[i]; i++) {
        walk_text(apr_psprintf(pool, "<IfVersion %s>\nA x\n</IfVersion>\n",
                               yes[i]));
        assert_string_equal(apr_pstrcat(pool, yes[i], all("A"), NULL),
                            apr_pstrcat(pool, yes[i], "x", NULL));
    }
    for (int i = 0; no[i]; i++) {
        walk_text(apr_psprintf(pool, "<IfVersion %s>\nA x\n</IfVersion>\n",
                               no[i]));
        assert_string_equal(apr_pstrcat(pool, no[i], all("A"), NULL), no[i]);
    }
}

static void iffile_and_ifdirective_ask_the_tree_and_the_modules(void **state)
{
    (void)state;
    put("/etc/httpd/there", "");
    walk_text("<IfFile there>\nA x\n</IfFile>\n"
              "<IfFile \"/etc/httpd/there\">\nA y\n</IfFile>\n"
              "<IfFile !missing>\nA z\n</IfFile>\n"
              "<IfDirective DocumentRoot>\nB x\n</IfDirective>\n"
              "<IfDirective SSLEngine>\nB y\n</IfDirective>\n"
              "LoadModule ssl_module modules/mod_ssl.so\n"
              "<IfDirective sslengine>\nB z\n</IfDirective>\n"
              "<IfSection VirtualHost>\nC x\n</IfSection>\n"
              "<IfSection Nonsense>\nC y\n</IfSection>\n");
    assert_string_equal(all("A"), "x|y|z");
    assert_string_equal(all("B"), "x|z");
    assert_string_equal(all("C"), "x");
}

static void includes_are_read_in_httpds_order(void **state)
{
    (void)state;
    put("/etc/httpd/d/10-b.conf", "N 10-b\n");
    put("/etc/httpd/d/2-a.conf", "N 2-a\n");
    put("/etc/httpd/d/B.conf", "N B\n");
    put("/etc/httpd/d/a.conf", "N a\n");
    put("/etc/httpd/d/.hidden.conf", "N hidden\n");
    put("/etc/httpd/d/other.txt", "N other\n");
    walk_text("Include d/*.conf\n");
    assert_string_equal(all("N"), "10-b|2-a|B|a");
    walk_text("IncludeOptional /etc/httpd/d\n");
    assert_string_equal(all("N"), "hidden|10-b|2-a|B|a|other");
    assert_int_equal(conf->files->nelts, 7);
}

static const char *open_dirs(void)
{
    return apr_array_pstrcat(pool, conf->open_dirs, '|');
}

static void directories_whose_dot_files_are_read_are_known(void **state)
{
    (void)state;
    put("/etc/httpd/d/sub/a.conf", "N a\n");
    put("/etc/httpd/d/.hidden.conf", "N hidden\n");
    walk_text("Include d/sub/*.conf\nInclude d/[.s]*\n");
    assert_string_equal(all("N"), "a|a");
    assert_string_equal(open_dirs(), "/etc/httpd/d/sub");
    walk_text("Include d/*/*.conf\nIncludeOptional d/sub/none\n");
    assert_string_equal(open_dirs(), "");
    walk_text("Include d/\n");
    assert_string_equal(open_dirs(), "/etc/httpd/d/|/etc/httpd/d/sub");
    walk_text("Include d/.h*\nInclude d/\\.h*\n");
    assert_string_equal(all("N"), "hidden|hidden");
    assert_string_equal(open_dirs(), "/etc/httpd/d|/etc/httpd/d");
}

static void wildcards_match_in_directories_too(void **state)
{
    (void)state;
    put("/etc/httpd/v/a/x.conf", "N a\n");
    put("/etc/httpd/v/b/x.conf", "N b\n");
    put("/etc/httpd/v/c/y.conf", "N c\n");
    assert_int_equal(symlink("a", apr_pstrcat(pool, root, "/etc/httpd/v/l",
                                              NULL)), 0);
    /* A linked directory does not match in the middle, as in httpd; a
     * directory without a match fails a plain Include. */
    walk_text("IncludeOptional v/[a-l]/x*.conf\n");
    assert_string_equal(all("N"), "a|b");
    assert_int_equal(conf->notes->nelts, 0);
    walk_text("Include v/*/x.conf\n");
    assert_string_equal(all("N"), "a|b");
    assert_int_equal(notes("include-missing"), 1);
}

static void missing_files_are_notes(void **state)
{
    (void)state;
    walk_text("Include missing.conf\nInclude none/*.conf\nInclude /etc/*.x\n"
              "IncludeOptional missing.conf\nIncludeOptional none/*.conf\n"
              "After x\n");
    assert_int_equal(notes("include-missing"), 3);
    assert_string_equal(all("After"), "x");
    how.version[2] = 6;
    walk();
    assert_int_equal(notes("include-missing"), 4);
}

static void serverroot_moves_relative_paths(void **state)
{
    (void)state;
    put("/srv/other/x.conf", "N other\n");
    put("/etc/httpd/x.conf", "N etc\n");
    walk_text("Include x.conf\nServerRoot \"/srv/other\"\nInclude x.conf\n"
              "ServerRoot /nowhere\nInclude x.conf\n");
    assert_string_equal(all("N"), "etc|other|other");
    assert_int_equal(notes("server-root-missing"), 1);
}

static void recursion_ends_with_a_note(void **state)
{
    (void)state;
    put("/etc/httpd/self.conf", "N x\nInclude self.conf\nInclude self.conf\n");
    walk_text("Include self.conf\n");
    assert_int_equal(notes("include-recursion"), 1);
    assert_in_range(conf->files->nelts, 100, 130);
}

static void sections_end_with_their_file(void **state)
{
    (void)state;
    put("/etc/httpd/open.conf", "<VirtualHost *:80>\nIn x\n");
    put("/etc/httpd/close.conf", "</VirtualHost>\n");
    walk_text("Include open.conf\nBetween x\nInclude close.conf\n"
              "<Directory /a>\n</Files>\n</Directory>\n"
              "<IfModule mod_so.c>\nEnd x\n");
    assert_int_equal(notes("section-unclosed"), 2);
    assert_int_equal(notes("section-unexpected"), 2);
    assert_string_equal(all("End"), "x");
    for (int i = 0; i < conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(conf->directives, i,
                                                em_directive_t *);

        if (strcmp(d->name, "Between") == 0) {
            assert_null(d->section);
        }
    }
}

static void mpm_lines_are_found_in_every_state(void **state)
{
    (void)state;
    walk_text("#LoadModule mpm_prefork_module modules/mod_mpm_prefork.so\n"
              "  ##  loadmodule  mpm_worker_module  modules/mod_mpm_worker.so"
              "  \r\n"
              "LoadModule \"mpm_event_module\" \"modules/mod_mpm_event.so\"\n"
              "<IfDefine ITK>\nLoadModule mpm_itk_module modules/mpm_itk.so\n"
              "</IfDefine>\n"
              "# LoadModule mpm_event_module modules/x.so is what you want\n"
              "# LoadModule mpm_event_module\n"
              "# Use LoadModule mpm_event_module modules/mod_mpm_event.so\n"
              "#LoadModule ssl_module modules/mod_ssl.so\n");
    assert_int_equal(conf->mpm_lines->nelts, 4);
    assert_string_equal(mpm(0)->mpm, "prefork");
    assert_int_equal(mpm(0)->state, EM_LINE_COMMENTED);
    assert_string_equal(mpm(1)->id, "mpm_worker_module");
    assert_string_equal(mpm(1)->so, "modules/mod_mpm_worker.so");
    assert_int_equal(mpm(1)->line, 2);
    assert_string_equal(mpm(2)->so, "modules/mod_mpm_event.so");
    assert_int_equal(mpm(2)->state, EM_LINE_ACTIVE);
    assert_string_equal(mpm(3)->mpm, "itk");
    assert_int_equal(mpm(3)->state, EM_LINE_CONDITION);
    assert_string_equal(mpm(3)->section->args, "ITK");
    assert_int_equal(apr_hash_count(conf->modules), 1);
}

static void macros_become_lines_of_their_definition(void **state)
{
    const em_directive_t *d;
    int i = 0;

    (void)state;
    walk_text("LoadModule macro_module modules/mod_macro.so\n"
              "<Macro VHost $name @dir>\n"
              "<VirtualHost *:80>\nServerName $name\nDocumentRoot @dir\n"
              "</VirtualHost>\n</Macro>\n"
              "Use vhost one.example \"/srv/a b\"\n"
              "Use VHost two.example /srv/two\n"
              "Use VHost few\nUse nothing\n"
              "UndefMacro VHost\nUse VHost x y\n");
    assert_string_equal(all("ServerName"), "one.example|two.example");
    assert_string_equal(all("DocumentRoot"), "\"/srv/a b\"|\"/srv/two\"");
    assert_int_equal(notes("macro-refused"), 3);
    d = em_conf_next(conf, "ServerName", &i);
    assert_int_equal(d->line, 4);
    assert_string_equal(d->file->path, "/etc/httpd/httpd.conf");
    assert_int_equal(d->file->from_line, 8);
    assert_non_null(em_conf_within(d, "virtualhost"));
}

static void macros_that_use_themselves_end(void **state)
{
    (void)state;
    walk_text("LoadModule macro_module modules/mod_macro.so\n"
              "<Macro A>\nUse B\nN a\n</Macro>\n<Macro B>\nUse A\n</Macro>\n"
              "Use A\n");
    assert_int_equal(notes("macro-refused"), 1);
    assert_string_equal(all("N"), "a");
}

static void other_languages_are_not_directives(void **state)
{
    (void)state;
    walk_text("<Perl>\n<IfModule x>\nsub { }\n</Perl>\n"
              "<LuaHookFixups f>\nreturn apache2.OK\n</LuaHookFixups>\n"
              "After x\n");
    assert_int_equal(conf->directives->nelts, 1);
    assert_string_equal(all("After"), "x");
    assert_int_equal(conf->notes->nelts, 0);
}

static void option_lines_come_before_and_after(void **state)
{
    static const char *const before[] = { "Define X first", "N ${X}", NULL };
    static const char *const after[] = { "N last", NULL };

    (void)state;
    how.before = before;
    how.after = after;
    walk_text("N ${X}-main\n");
    assert_string_equal(all("N"), "first|first-main|last");
}

static void garbage_is_bounded(void **state)
{
    char *line = malloc(17 * 1024 * 1024 + 1);

    (void)state;
    memset(line, 'a', 17 * 1024 * 1024);
    line[17 * 1024 * 1024] = '\0';
    put("/etc/httpd/long.conf", line);
    free(line);
    put("/etc/httpd/dir.conf/x", "N in\n");
    assert_int_equal(mkfifo(apr_pstrcat(pool, root, "/etc/httpd/fifo", NULL),
                            0600), 0);
    walk_text("Include long.conf\nInclude fifo\n\001\002<\003\n</\n<\n< >\n"
              "Include dir.conf\nAfter x\n");
    assert_int_equal(notes("line-too-long"), 1);
    assert_int_equal(notes("file-unreadable"), 1);
    assert_string_equal(all("N"), "in");
    /* The "<" lines opened sections, so this is inside, but active. */
    assert_string_equal(all("After"), "x");
}

static void variables_that_grow_without_end_are_stopped(void **state)
{
    char *text = apr_pstrdup(pool, "Define A aaaaaaaaaaaaaaaa\n");

    (void)state;
    for (int i = 0; i < 40; i++) {
        text = apr_pstrcat(pool, text, "Define A ${A}${A}\n", NULL);
    }
    walk_text(text);
    assert_int_equal(notes("line-too-long"), 1);
}

static void a_file_that_is_too_large_is_a_note(void **state)
{
    (void)state;
    put("/etc/httpd/huge.conf", "");
    assert_int_equal(truncate(apr_pstrcat(pool, root, "/etc/httpd/huge.conf",
                                          NULL), 100 * 1024 * 1024), 0);
    walk_text("Include huge.conf\nAfter x\n");
    assert_int_equal(notes("file-too-large"), 1);
    assert_string_equal(all("After"), "x");
}

static void a_nul_hides_the_rest_of_its_line(void **state)
{
    FILE *f;

    (void)state;
    walk_text("");
    f = fopen(apr_pstrcat(pool, root, "/etc/httpd/httpd.conf", NULL), "w");
    assert_non_null(f);
    assert_int_equal(fwrite("A x\0y \\\nB z\n", 1, 12, f), 12);
    fclose(f);
    walk();
    assert_string_equal(all("A"), "x");
    assert_string_equal(all("B"), "z");
}

static void without_a_main_file_there_is_no_answer(void **state)
{
    em_result_t *res = em_result_make(pool);

    (void)state;
    assert_int_not_equal(em_conf_read(&conf, &how, res, pool), APR_SUCCESS);
    assert_string_equal(res->problem, "config-unreadable");
    assert_non_null(strstr(res->detail, "/etc/httpd/httpd.conf"));
}

static void a_second_walk_sees_what_the_overlay_changes(void **state)
{
    em_view_t *over = em_view_over(how.view, pool);
    em_node_t *node = apr_pcalloc(pool, sizeof(*node));
    em_conf_t *first;

    (void)state;
    put("/etc/httpd/mpm.conf",
        "LoadModule mpm_prefork_module modules/mod_mpm_prefork.so\n");
    how.cache = em_conf_cache(pool);
    first = walk_text("Define V a\nInclude mpm.conf\n"
                      "<IfModule prefork.c>\nN prefork ${V}\n</IfModule>\n"
                      "<IfModule event.c>\nN event ${V}\n</IfModule>\n");
    assert_string_equal(all("N"), "prefork a");
    node->kind = EM_NODE_FILE;
    node->data = "LoadModule mpm_event_module modules/mod_mpm_event.so\n"
                 "Define V b\n";
    node->len = strlen(node->data);
    em_view_put(over, "/etc/httpd/mpm.conf", node);
    how.view = over;
    walk();
    assert_string_equal(all("N"), "event b");
    assert_string_equal(mpm(0)->mpm, "event");
    /* The first answer is still the first. */
    conf = first;
    assert_string_equal(all("N"), "prefork a");
    assert_string_equal(mpm(0)->mpm, "prefork");
}

static void guarded_means_inside_a_condition_on_an_mpm(void **state)
{
    static const struct {
        const char *args;
        int guarded;
    } cases[] = {
        { "prefork.c", 1 }, { "!event.c", 1 }, { "mpm_worker_module", 1 },
        { "\"mpm_itk_module\"", 1 }, { "mpm_itk.c", 1 }, { "mod_ssl.c", 0 },
        { "mpm_event", 0 }, { "!mod_php.c", 0 }, { NULL, 0 }
    };

    (void)state;
    for (int i = 0; cases[i].args; i++) {
        walk_text(apr_psprintf(pool, "<IfModule %s>\n<Directory />\nN x\n"
                               "</Directory>\n</IfModule>\n",
                               cases[i].args));
        assert_int_equal(em_conf_guarded(APR_ARRAY_IDX(conf->directives, 0,
                                                       em_directive_t *)),
                         cases[i].guarded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONF_TEST(lines_are_joined_trimmed_and_numbered),
        CONF_TEST(words_follow_httpds_quoting),
        CONF_TEST(ifmodule_asks_what_is_loaded_at_that_line),
        CONF_TEST(nested_conditions_all_have_to_hold),
        CONF_TEST(defines_come_from_the_command_line_and_the_file),
        CONF_TEST(ifversion_knows_every_operator),
        CONF_TEST(iffile_and_ifdirective_ask_the_tree_and_the_modules),
        CONF_TEST(includes_are_read_in_httpds_order),
        CONF_TEST(directories_whose_dot_files_are_read_are_known),
        CONF_TEST(wildcards_match_in_directories_too),
        CONF_TEST(missing_files_are_notes),
        CONF_TEST(serverroot_moves_relative_paths),
        CONF_TEST(recursion_ends_with_a_note),
        CONF_TEST(sections_end_with_their_file),
        CONF_TEST(mpm_lines_are_found_in_every_state),
        CONF_TEST(macros_become_lines_of_their_definition),
        CONF_TEST(macros_that_use_themselves_end),
        CONF_TEST(other_languages_are_not_directives),
        CONF_TEST(option_lines_come_before_and_after),
        CONF_TEST(garbage_is_bounded),
        CONF_TEST(variables_that_grow_without_end_are_stopped),
        CONF_TEST(a_file_that_is_too_large_is_a_note),
        CONF_TEST(a_nul_hides_the_rest_of_its_line),
        CONF_TEST(without_a_main_file_there_is_no_answer),
        CONF_TEST(a_second_walk_sees_what_the_overlay_changes),
        CONF_TEST(guarded_means_inside_a_condition_on_an_mpm),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
