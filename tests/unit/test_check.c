/* What a switch would break is said before it is done: with the place, the
 * reason, and the command that really helps. */

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"

#define CHECK_TEST(name) \
    cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

#define MPMS \
    "#LoadModule mpm_event_module modules/mod_mpm_event.so\n" \
    "LoadModule mpm_prefork_module modules/mod_mpm_prefork.so\n" \
    "#LoadModule mpm_worker_module modules/mod_mpm_worker.so\n"
#define PHP "LoadModule php_module modules/libphp.so\n"
#define PHP_FILES \
    "<FilesMatch \\.php$>\nSetHandler application/x-httpd-php\n</FilesMatch>\n"
#define FPM_FILES \
    "<FilesMatch \\.php$>\n" \
    "SetHandler \"proxy:unix:/run/php.sock|fcgi://localhost\"\n" \
    "</FilesMatch>\n"
#define PROXY \
    "LoadModule proxy_module modules/mod_proxy.so\n" \
    "LoadModule proxy_fcgi_module modules/mod_proxy_fcgi.so\n"

static char *root;
static apr_array_header_t *rules;
static em_facts_t facts;
static em_layout_t layout;
static em_check_t *check;
static em_threads_t php_threads;

static void put(const char *path, const char *text)
{
    FILE *f = fopen(apr_pstrcat(pool, root, path, NULL), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void make_dir(const char *path)
{
    assert_int_equal(mkdir(apr_pstrcat(pool, root, path, NULL), 0755), 0);
}

static void install(const char *mpm)
{
    em_installed_t *one = apr_pcalloc(pool, sizeof(*one));

    one->mpm = mpm;
    one->id = apr_psprintf(pool, "mpm_%s_module", mpm);
    one->file = apr_psprintf(pool, "/etc/httpd/modules/mod_mpm_%s.so", mpm);
    one->verified = 1;
    put(one->file, "");
    APR_ARRAY_PUSH(facts.installed, em_installed_t *) = one;
}

static int make_tree(void **state)
{
    static const char *const modules[] = {
        "libphp.so", "mod_proxy.so", "mod_proxy_fcgi.so", "mod_http2.so",
        "mod_cgi.so", "mod_cgid.so", "mod_actions.so", "mod_ruid2.so",
        "mod_fcgid.so", NULL
    };
    em_view_t *view;

    (void)state;
    root = apr_pstrdup(pool, "/tmp/em-check-XXXXXX");
    if (!mkdtemp(root) || em_view_open(&view, root, pool) != APR_SUCCESS) {
        return -1;
    }
    make_dir("/etc");
    make_dir("/etc/httpd");
    make_dir("/etc/httpd/modules");
    memset(&facts, 0, sizeof(facts));
    memset(&layout, 0, sizeof(layout));
    layout.id = "source";
    layout.title = "test";
    layout.mechanism = EM_MECH_LOADMODULE;
    facts.view = view;
    facts.layout = &layout;
    facts.modules_dir = "/etc/httpd/modules";
    facts.httpd.server_root = "/etc/httpd";
    facts.httpd.config_file = "/etc/httpd/httpd.conf";
    facts.httpd.binary = "/usr/sbin/httpd";
    facts.httpd.tested = facts.httpd.test_ok = 1;
    facts.installed = apr_array_make(pool, 4, sizeof(em_installed_t *));
    install("prefork");
    install("worker");
    install("event");
    for (int i = 0; modules[i]; i++) {
        put(apr_pstrcat(pool, "/etc/httpd/modules/", modules[i], NULL), "");
    }
    php_threads = EM_THREADS_UNSAFE;
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    return system(apr_psprintf(pool, "rm -rf %s", root));
}

static void add_module(const char *id, const char *so, const char *file,
                       int line)
{
    em_module_t *m = apr_pcalloc(pool, sizeof(*m));

    m->id = id;
    m->so = so;
    m->file = file;
    m->line = line;
    m->threads = strncmp(id, "php", 3) == 0 ? php_threads
                 : EM_THREADS_UNKNOWN;
    APR_ARRAY_PUSH(facts.modules, em_module_t *) = m;
}

/* The facts of a server with this configuration. */
static void gather(const char *text)
{
    static const char *const statics[] = { "core.c", "mod_so.c", NULL };
    em_conf_t *conf;
    const em_directive_t *d;
    int i = 0;

    put("/etc/httpd/httpd.conf", text);
    facts.conf_how.view = facts.view;
    facts.conf_how.server_root = facts.httpd.server_root;
    facts.conf_how.config_file = facts.httpd.config_file;
    facts.conf_how.version[0] = 2;
    facts.conf_how.version[1] = 4;
    facts.conf_how.version[2] = 58;
    facts.conf_how.static_modules = statics;
    facts.conf_how.cache = em_conf_cache(pool);
    assert_int_equal(em_conf_read(&conf, &facts.conf_how,
                                  em_result_make(pool), pool), APR_SUCCESS);
    facts.conf = conf;
    facts.modules = apr_array_make(pool, 8, sizeof(em_module_t *));
    facts.configured_all = apr_array_make(pool, 2, sizeof(em_mpm_line_t *));
    facts.configured = NULL;
    add_module("core_module", NULL, NULL, 0);
    add_module("so_module", NULL, NULL, 0);
    while ((d = em_conf_next(conf, "LoadModule", &i)) != NULL) {
        add_module(em_conf_word(d->args, 0, pool),
                   apr_pstrcat(pool, "/etc/httpd/",
                               em_conf_word(d->args, 1, pool), NULL),
                   d->file->path, d->line);
    }
    for (i = 0; i < conf->mpm_lines->nelts; i++) {
        em_mpm_line_t *line = APR_ARRAY_IDX(conf->mpm_lines, i,
                                            em_mpm_line_t *);

        if (line->state == EM_LINE_ACTIVE) {
            APR_ARRAY_PUSH(facts.configured_all, em_mpm_line_t *) = line;
            facts.configured = line->mpm;
        }
    }
    if (facts.configured_all->nelts != 1) {
        facts.configured = NULL;
    }
}

static void judge_with(const char *target, const char *with,
                       const char *without)
{
    em_request_t request = {
        .target = target,
        .with = apr_array_make(pool, 1, sizeof(char *)),
        .without = apr_array_make(pool, 1, sizeof(char *))
    };
    em_result_t *res = em_result_make(pool);
    em_plan_t *plan;

    if (with) {
        APR_ARRAY_PUSH(request.with, const char *) = with;
    }
    if (without) {
        APR_ARRAY_PUSH(request.without, const char *) = without;
    }
    assert_int_equal(em_plan_make(&plan, &facts, &request, res, pool),
                     APR_SUCCESS);
    assert_int_equal(em_check(&check, &facts, plan, rules, res, pool),
                     APR_SUCCESS);
}

static const char *verdict(const char *target, const char *text)
{
    gather(text);
    judge_with(target, NULL, NULL);
    return em_verdict_name(check->verdict);
}

/* The first finding of that name, or NULL. */
static const em_finding_t *found(const char *problem)
{
    for (int i = 0; i < check->findings->nelts; i++) {
        const em_finding_t *f = APR_ARRAY_IDX(check->findings, i,
                                              em_finding_t *);

        if (strcmp(f->problem, problem) == 0) {
            return f;
        }
    }
    return NULL;
}

static int resolved_by(const em_finding_t *f, const char *text)
{
    for (int i = 0; i < f->resolutions->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(f->resolutions, i, const char *), text)
            == 0) {
            return 1;
        }
    }
    return 0;
}

static void nothing_against_it_is_ready(void **state)
{
    (void)state;
    assert_string_equal(verdict("event", MPMS), "ready");
    assert_int_equal(check->findings->nelts, 0);
    assert_string_equal(check->target, "event");
}

static void the_configured_mpm_is_current(void **state)
{
    (void)state;
    assert_string_equal(verdict("prefork", MPMS PHP PHP_FILES), "current");
}

static void php_without_threads_keeps_to_prefork(void **state)
{
    const em_finding_t *f;

    (void)state;
    assert_string_equal(verdict("event", MPMS PHP PHP_FILES), "refused");
    f = found("php-not-thread-safe");
    assert_non_null(f);
    assert_int_equal(f->severity, EM_REFUSE);
    assert_string_equal(f->module, "php_module");
    assert_string_equal(f->file, "/etc/httpd/httpd.conf");
    assert_int_equal(f->line, 4);
    /* What php=fpm lacks here is told at once. */
    assert_true(check->findings->nelts > 1);
}

static void php_with_threads_goes_with_event(void **state)
{
    (void)state;
    php_threads = EM_THREADS_SAFE;
    assert_string_equal(verdict("event", MPMS PHP PHP_FILES), "ready");
    php_threads = EM_THREADS_UNKNOWN;
    assert_string_equal(verdict("event", MPMS PHP PHP_FILES), "ready");
    assert_int_equal(found("php-threads-unknown")->severity, EM_WARN);
}

static void an_option_that_helps_is_offered_as_a_command(void **state)
{
    (void)state;
    assert_string_equal(
        verdict("event", MPMS "LoadModule ruid2_module modules/mod_ruid2.so\n"),
        "needs-changes");
    assert_true(resolved_by(found("ruid2-needs-prefork"),
                            "ea-mpm switch event --without ruid2"));
    judge_with("event", NULL, "ruid2");
    assert_string_equal(em_verdict_name(check->verdict), "ready");
}

static void an_option_that_does_not_help_enough_is_no_change(void **state)
{
    const em_finding_t *f;

    (void)state;
    assert_string_equal(
        verdict("event", MPMS "LoadModule ruid2_module modules/mod_ruid2.so\n"
                "<VirtualHost *:80>\nRUidGid a a\n</VirtualHost>\n"
                "<VirtualHost *:80>\nRUidGid b b\n</VirtualHost>\n"),
        "refused");
    f = found("directive-without-module");
    assert_non_null(f);
    assert_int_equal(f->line, 6);
    assert_non_null(strstr(f->message, "/etc/httpd/httpd.conf:9"));
    assert_non_null(strstr(f->message, "--without ruid2"));
    assert_non_null(strstr(f->message, "as the server's user"));
}

static void http2_under_prefork_is_a_warning(void **state)
{
    (void)state;
    assert_string_equal(
        verdict("prefork",
                "LoadModule mpm_event_module modules/mod_mpm_event.so\n"
                "#LoadModule mpm_prefork_module modules/mod_mpm_prefork.so\n"
                "LoadModule http2_module modules/mod_http2.so\n"), "ready");
    assert_int_equal(found("http2-off-on-prefork")->severity, EM_WARN);
    assert_true(resolved_by(found("http2-off-on-prefork"),
                            "ea-mpm switch prefork --without http2"));
}

static void directives_of_the_old_mpm_need_a_guard(void **state)
{
    const em_finding_t *f;

    (void)state;
    assert_string_equal(
        verdict("event", MPMS "MaxSpareServers 10\nStartServers 2\n"
                "<IfModule mpm_prefork_module>\nMinSpareServers 1\n"
                "</IfModule>\n"), "refused");
    assert_int_equal(check->findings->nelts, 1);
    f = found("directive-of-other-mpm");
    assert_int_equal(f->line, 4);
    assert_non_null(strstr(f->message, "prefork only"));
    assert_true(resolved_by(f, "Put <IfModule mpm_prefork_module> before "
                            "MaxSpareServers and </IfModule> after it"));
}

static void thread_directives_do_not_go_with_prefork(void **state)
{
    const em_finding_t *f;

    (void)state;
    assert_string_equal(
        verdict("prefork",
                "LoadModule mpm_event_module modules/mod_mpm_event.so\n"
                "#LoadModule mpm_prefork_module modules/mod_mpm_prefork.so\n"
                "ThreadsPerChild 25\nAsyncRequestWorkerFactor 2\n"),
        "refused");
    assert_int_equal(check->findings->nelts, 2);
    f = APR_ARRAY_IDX(check->findings, 1, em_finding_t *);
    assert_non_null(strstr(f->message, "AsyncRequestWorkerFactor is known to "
                           "event only"));
    f = APR_ARRAY_IDX(check->findings, 0, em_finding_t *);
    assert_non_null(strstr(f->message, "event and worker"));
    assert_true(resolved_by(f, "Put <IfModule !mpm_prefork_module> before "
                            "ThreadsPerChild and </IfModule> after it"));
}

static void directives_die_with_their_module(void **state)
{
    (void)state;
    gather(MPMS "LoadModule http2_module modules/mod_http2.so\nH2Push on\n"
           "<IfModule mod_http2.c>\nH2MaxSessionStreams 5\n</IfModule>\n");
    judge_with("event", NULL, "http2");
    assert_string_equal(em_verdict_name(check->verdict), "refused");
    assert_int_equal(check->findings->nelts, 1);
    assert_string_equal(found("directive-without-module")->module,
                        "http2_module");
}

static void htaccess_directives_die_too(void **state)
{
    em_htaccess_t *x = apr_pcalloc(pool, sizeof(*x));

    (void)state;
    gather(MPMS "LoadModule cgi_module modules/mod_cgi.so\n" PHP PROXY
           FPM_FILES);
    x->name = "PHP_Value";
    x->args = "memory_limit 1G";
    x->file = "/var/www/a/.htaccess";
    x->line = 3;
    facts.htaccess = apr_array_make(pool, 1, sizeof(em_htaccess_t *));
    APR_ARRAY_PUSH(facts.htaccess, em_htaccess_t *) = x;
    judge_with("prefork", NULL, "php");
    assert_string_equal(em_verdict_name(check->verdict), "refused");
    assert_string_equal(found("htaccess-directive-dies")->file,
                        "/var/www/a/.htaccess");
    /* Without the switch taking PHP away it is nobody's business. */
    judge_with("prefork", NULL, NULL);
    assert_null(found("htaccess-directive-dies"));
}

static void a_mapping_that_outlives_its_module_publishes_source(void **state)
{
    const em_finding_t *f;

    (void)state;
    /* As EL7 has it: the module inside a condition, the mapping outside. */
    assert_string_equal(
        verdict("event", MPMS "<IfModule prefork.c>\n" PHP "</IfModule>\n"
                PHP_FILES), "refused");
    f = found("php-source-leak");
    assert_non_null(f);
    assert_int_equal(f->severity, EM_REFUSE);
    assert_int_equal(f->line, 8);
}

static void a_mapping_that_goes_with_its_module_publishes_too(void **state)
{
    (void)state;
    /* As Debian has it: both in the module's own files. */
    gather(MPMS PHP "<IfModule php_module>\n" PHP_FILES "</IfModule>\n");
    judge_with("event", NULL, "php");
    assert_string_equal(em_verdict_name(check->verdict), "refused");
    assert_int_equal(found("php-source-leak")->severity, EM_REFUSE);
}

static void another_handler_for_php_is_enough(void **state)
{
    static const char *const others[] = {
        PROXY FPM_FILES,
        PROXY "ProxyPassMatch ^/(.*\\.php)$ fcgi://127.0.0.1:9000/srv/$1\n",
        "LoadModule fcgid_module modules/mod_fcgid.so\n"
        "<Files *.php>\nSetHandler fcgid-script\n</Files>\n",
        "LoadModule actions_module modules/mod_actions.so\n"
        "AddHandler php-cgi .php\nAction php-cgi /cgi-bin/php\n",
        "<FilesMatch \"\\.ph(?:p|tml)$\">\nRequire all denied\n</FilesMatch>\n",
        "<Files ~ \"\\.php$\">\nOrder allow,deny\nDeny from all\n</Files>\n",
        NULL
    };

    (void)state;
    for (int i = 0; others[i]; i++) {
        gather(apr_pstrcat(pool, MPMS PHP "<IfModule php_module>\n" PHP_FILES
                           "</IfModule>\n", others[i], NULL));
        judge_with("event", NULL, "php");
        if (found("php-source-leak")) {
            fail_msg("%s\nis not enough: %s", others[i],
                     found("php-source-leak")->message);
        }
    }
}

static void a_handler_without_its_own_module_is_not_enough(void **state)
{
    (void)state;
    gather(MPMS PHP "<IfModule php_module>\n" PHP_FILES "</IfModule>\n"
           "<Directory /srv/one>\n" FPM_FILES "</Directory>\n" PROXY
           "<FilesMatch ^\\.php$>\nRequire all denied\n</FilesMatch>\n");
    judge_with("event", NULL, "php");
    assert_non_null(found("php-source-leak"));
    gather(MPMS PHP "<IfModule php_module>\n" PHP_FILES "</IfModule>\n"
           FPM_FILES);
    judge_with("event", NULL, "php");
    assert_int_equal(found("php-source-leak")->severity, EM_REFUSE);
}

static void a_leftover_type_under_fpm_is_no_leak(void **state)
{
    (void)state;
    assert_string_equal(
        verdict("event", MPMS PROXY "AddType application/x-httpd-php .php\n"
                FPM_FILES), "ready");
    assert_int_equal(check->findings->nelts, 0);
    assert_string_equal(
        verdict("event", MPMS PROXY "AddType application/x-httpd-php .php\n"
                "<VirtualHost a:80>\n" FPM_FILES "</VirtualHost>\n"
                "<VirtualHost b:80>\n" FPM_FILES "</VirtualHost>\n"),
        "ready");
    assert_int_equal(check->findings->nelts, 0);
    /* One virtual host without: that is a leak already, so only told. */
    assert_string_equal(
        verdict("event", MPMS PROXY "AddType application/x-httpd-php .php\n"
                "<VirtualHost a:80>\n" FPM_FILES "</VirtualHost>\n"
                "<VirtualHost b:80>\nServerName b\n</VirtualHost>\n"),
        "ready");
    assert_int_equal(found("php-source-leak")->severity, EM_WARN);
}

static void scripts_of_other_handlers_leak_too(void **state)
{
    (void)state;
    gather(MPMS "LoadModule cgi_module modules/mod_cgi.so\n"
           "AddHandler cgi-script .cgi\n");
    judge_with("prefork", NULL, "cgi");
    assert_int_equal(found("script-source-leak")->severity, EM_REFUSE);
    assert_int_equal(found("script-source-leak")->line, 5);
}

static void mappings_in_htaccess_files_leak_too(void **state)
{
    static const struct {
        const char *name, *args;
        int leaks;
    } cases[] = {
        { "AddType", "application/x-httpd-php .html .php", 1 },
        { "AddType", "application/x-httpd-php .php", 0 },
        { "AddType", "application/x-httpd-php .html", 1 },
        { "SetHandler", "application/x-httpd-php", 1 },
        { "AddHandler", "application/x-httpd-php .php", 0 },
        { "AddType", "text/x-component .htc", 0 },
        { NULL, NULL, 0 }
    };

    (void)state;
    gather(MPMS PHP PROXY "<IfModule !php_module>\n" FPM_FILES
           "</IfModule>\n<IfModule php_module>\n" PHP_FILES "</IfModule>\n");
    for (int i = 0; cases[i].name; i++) {
        em_htaccess_t *x = apr_pcalloc(pool, sizeof(*x));

        x->name = cases[i].name;
        x->args = cases[i].args;
        x->file = "/var/www/a/.htaccess";
        x->line = 3;
        facts.htaccess = apr_array_make(pool, 1, sizeof(em_htaccess_t *));
        APR_ARRAY_PUSH(facts.htaccess, em_htaccess_t *) = x;
        judge_with("event", NULL, "php");
        if ((found("php-source-leak") != NULL) != cases[i].leaks) {
            fail_msg("%s %s", x->name, x->args);
        }
        if (cases[i].leaks) {
            assert_string_equal(found("php-source-leak")->file, x->file);
        }
    }
}

static void what_is_wrong_already_is_told(void **state)
{
    (void)state;
    facts.httpd.test_ok = 0;
    assert_string_equal(
        verdict("event", MPMS
                "LoadModule mpm_worker_module modules/mod_mpm_worker.so\n"),
        "ready");
    assert_int_equal(found("mpm-two-loaded")->severity, EM_INFO);
    assert_string_equal(verdict("event", "#" PHP), "ready");
    assert_int_equal(found("mpm-none-loaded")->severity, EM_INFO);
    assert_string_equal(verdict("event", MPMS "Include missing.conf\n"),
                        "ready");
    assert_int_equal(found("config-broken")->severity, EM_WARN);
    facts.httpd.test_output = "Syntax error on line 4 of "
                              "/etc/httpd/httpd.conf: Could not open";
    assert_string_equal(verdict("event", MPMS "Include missing.conf\n"),
                        "refused");
    assert_int_equal(found("config-broken")->line, 4);
    facts.pending = 1;
    facts.running.mpm = "event";
    assert_string_equal(verdict("event", MPMS), "ready");
    assert_non_null(found("mpm-pending"));
}

static void a_pending_mpm_that_cannot_start_is_not_current(void **state)
{
    (void)state;
    facts.pending = 1;
    facts.running.mpm = "prefork";
    assert_string_equal(
        verdict("event",
                "LoadModule mpm_event_module modules/mod_mpm_event.so\n" PHP),
        "refused");
    assert_string_equal(
        verdict("event",
                "LoadModule mpm_event_module modules/mod_mpm_event.so\n"),
        "current");
    assert_int_equal(found("mpm-pending")->severity, EM_INFO);
}

static void an_unknown_directive_that_httpd_accepts_is_fine(void **state)
{
    (void)state;
    /* Some module that we know nothing of brings it. */
    assert_string_equal(verdict("event", MPMS "php_admin_flag engine on\n"),
                        "ready");
    facts.httpd.test_ok = 0;
    assert_string_equal(verdict("event", MPMS "php_admin_flag engine on\n"),
                        "ready");
    assert_int_equal(found("directive-without-module")->severity, EM_WARN);
    /* Of the MPMs' own directives we know all. */
    assert_string_equal(verdict("event", MPMS "MinSpareServers 1\n"),
                        "refused");
}

static void a_missing_module_file_stops_every_start(void **state)
{
    (void)state;
    assert_string_equal(
        verdict("event", MPMS "<IfModule event.c>\n"
                "LoadModule new_module modules/mod_new.so\n</IfModule>\n"),
        "refused");
    assert_int_equal(found("module-file-missing")->line, 5);
}

static void a_target_that_cannot_be_reached_is_impossible(void **state)
{
    (void)state;
    assert_string_equal(verdict("itk", MPMS), "impossible");
    assert_string_equal(APR_ARRAY_IDX(check->findings, 0, em_finding_t *)
                        ->problem, "mpm-not-installed");
    layout.mechanism = EM_MECH_PACKAGES;
    assert_string_equal(verdict("event", MPMS), "impossible");
    assert_non_null(found("packages-unavailable"));
}

static void the_worst_comes_first(void **state)
{
    int last = EM_REFUSE;

    (void)state;
    facts.pending = 1;
    verdict("event", MPMS PHP "LoadModule cgi_module modules/mod_cgi.so\n"
            "MaxSpareServers 1\n");
    assert_true(check->findings->nelts > 3);
    for (int i = 0; i < check->findings->nelts; i++) {
        const em_finding_t *f = APR_ARRAY_IDX(check->findings, i,
                                              em_finding_t *);

        assert_true((int)f->severity <= last);
        last = (int)f->severity;
        assert_non_null(f->message);
        assert_non_null(f->resolutions);
    }
}

static int all_up(void **state)
{
    char *top = getcwd(NULL, 0);
    em_view_t *view;
    int rc = pool_up(state);

    if (rc || em_view_open(&view, "/", pool) != APR_SUCCESS
        || em_rules_read(&rules, view,
                         apr_pstrcat(pool, top, "/tools/ea-mpm/rules.d",
                                     NULL), "/nonexistent",
                         em_result_make(pool), pool) != APR_SUCCESS) {
        return -1;
    }
    free(top);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_TEST(nothing_against_it_is_ready),
        CHECK_TEST(the_configured_mpm_is_current),
        CHECK_TEST(php_without_threads_keeps_to_prefork),
        CHECK_TEST(php_with_threads_goes_with_event),
        CHECK_TEST(an_option_that_helps_is_offered_as_a_command),
        CHECK_TEST(an_option_that_does_not_help_enough_is_no_change),
        CHECK_TEST(http2_under_prefork_is_a_warning),
        CHECK_TEST(directives_of_the_old_mpm_need_a_guard),
        CHECK_TEST(thread_directives_do_not_go_with_prefork),
        CHECK_TEST(directives_die_with_their_module),
        CHECK_TEST(htaccess_directives_die_too),
        CHECK_TEST(a_mapping_that_outlives_its_module_publishes_source),
        CHECK_TEST(a_mapping_that_goes_with_its_module_publishes_too),
        CHECK_TEST(another_handler_for_php_is_enough),
        CHECK_TEST(a_handler_without_its_own_module_is_not_enough),
        CHECK_TEST(a_leftover_type_under_fpm_is_no_leak),
        CHECK_TEST(scripts_of_other_handlers_leak_too),
        CHECK_TEST(mappings_in_htaccess_files_leak_too),
        CHECK_TEST(what_is_wrong_already_is_told),
        CHECK_TEST(a_pending_mpm_that_cannot_start_is_not_current),
        CHECK_TEST(an_unknown_directive_that_httpd_accepts_is_fine),
        CHECK_TEST(a_missing_module_file_stops_every_start),
        CHECK_TEST(a_target_that_cannot_be_reached_is_impossible),
        CHECK_TEST(the_worst_comes_first),
    };

    return cmocka_run_group_tests(tests, all_up, pool_down);
}
