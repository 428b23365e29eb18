/* Plans, made over small trees: LoadModule lines and Debian's links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "plan/plan.h"

typedef struct host_t {
    apr_pool_t *pool;
    char root[64];
    em_result_t *res;
    em_facts_t facts;
    em_layout_t layout;
    em_request_t request;
} host_t;

static const char *at(host_t *h, const char *path)
{
    return apr_pstrcat(h->pool, h->root, path, NULL);
}

/* Write a file, with the directories that it needs. */
static void put(host_t *h, const char *path, const char *text)
{
    char *full = apr_pstrdup(h->pool, at(h, path));
    FILE *f;

    for (char *s = full + 1; (s = strchr(s, '/')) != NULL; s++) {
        *s = '\0';
        mkdir(full, 0755);
        *s = '/';
    }
    f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void ln(host_t *h, const char *to, const char *path)
{
    assert_int_equal(symlink(to, at(h, path)), 0);
}

static int setup(void **state)
{
    host_t *h = calloc(1, sizeof(*h));

    apr_pool_create(&h->pool, NULL);
    strcpy(h->root, "/tmp/ea-mpm-plan-XXXXXX");
    if (!mkdtemp(h->root)) {
        return -1;
    }
    h->res = em_result_make(h->pool);
    h->facts.layout = &h->layout;
    h->facts.installed = apr_array_make(h->pool, 4, sizeof(void *));
    h->facts.modules = apr_array_make(h->pool, 4, sizeof(void *));
    h->request.with = apr_array_make(h->pool, 1, sizeof(char *));
    h->request.without = apr_array_make(h->pool, 1, sizeof(char *));
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    host_t *h = *state;
    char cmd[128];
    int rc;

    snprintf(cmd, sizeof(cmd), "rm -rf %s", h->root);
    rc = system(cmd);
    apr_pool_destroy(h->pool);
    free(h);
    return rc;
}

static void installed(host_t *h, const char *mpm, const char *id,
                      const char *file)
{
    em_installed_t *one = apr_pcalloc(h->pool, sizeof(*one));

    one->mpm = mpm;
    one->id = id;
    one->file = file;
    put(h, file, "");
    APR_ARRAY_PUSH(h->facts.installed, em_installed_t *) = one;
}

/* The server below /srv with its modules in /srv/modules. */
static void lines_host(host_t *h)
{
    h->layout.id = "source";
    h->layout.mechanism = EM_MECH_LOADMODULE;
    h->facts.httpd.server_root = "/srv";
    h->facts.httpd.config_file = "/srv/httpd.conf";
    h->facts.modules_dir = "/srv/modules";
    installed(h, "prefork", "mpm_prefork_module",
              "/srv/modules/mod_mpm_prefork.so");
    installed(h, "worker", "mpm_worker_module",
              "/srv/modules/mod_mpm_worker.so");
    installed(h, "event", "mpm_event_module",
              "/srv/modules/mod_mpm_event.so");
}

static void debian_host(host_t *h)
{
    static const char *const mpms[] = {"prefork", "worker", "event"};

    h->layout.id = "debian";
    h->layout.mechanism = EM_MECH_LINKS;
    h->facts.httpd.server_root = "/etc/apache2";
    h->facts.httpd.config_file = "/etc/apache2/apache2.conf";
    h->facts.modules_dir = "/usr/lib/apache2/modules";
    put(h, "/etc/apache2/apache2.conf",
        "IncludeOptional mods-enabled/*.load\n"
        "IncludeOptional mods-enabled/*.conf\n"
        "IncludeOptional conf-enabled/*.conf\n");
    put(h, "/etc/apache2/mods-enabled/README", "");
    for (int i = 0; i < 3; i++) {
        const char *name = apr_pstrcat(h->pool, "mpm_", mpms[i], NULL);
        const char *so = apr_pstrcat(h->pool, "/usr/lib/apache2/modules/mod_",
                                     name, ".so", NULL);

        installed(h, mpms[i], apr_pstrcat(h->pool, name, "_module", NULL),
                  so);
        put(h, apr_pstrcat(h->pool, "/etc/apache2/mods-available/", name,
                           ".load", NULL),
            apr_pstrcat(h->pool, "# Conflicts: mpm_none\nLoadModule ", name,
                        "_module ", so, "\n", NULL));
        put(h, apr_pstrcat(h->pool, "/etc/apache2/mods-available/", name,
                           ".conf", NULL), "# tuning\n");
    }
}

static void enabled(host_t *h, const char *name)
{
    ln(h, apr_pstrcat(h->pool, "../mods-available/", name, ".load", NULL),
       apr_pstrcat(h->pool, "/etc/apache2/mods-enabled/", name, ".load",
                   NULL));
}

/* Make the plan; facts are completed by a walk of the configuration. */
static em_plan_t *make(host_t *h, const char *from, const char *to)
{
    em_view_t *view;
    em_conf_t *conf;
    em_plan_t *plan = NULL;

    assert_int_equal(em_view_open(&view, h->root, h->pool), APR_SUCCESS);
    h->facts.view = view;
    h->facts.configured = from;
    h->facts.conf_how.view = view;
    h->facts.conf_how.server_root = h->facts.httpd.server_root;
    h->facts.conf_how.config_file = h->facts.httpd.config_file;
    h->facts.conf_how.version[0] = 2;
    h->facts.conf_how.version[1] = 4;
    if (em_conf_read(&conf, &h->facts.conf_how, h->res, h->pool)
        != APR_SUCCESS) {
        fail_msg("%s", h->res->detail);
    }
    h->facts.conf = conf;
    h->request.target = to;
    if (em_plan_make(&plan, &h->facts, &h->request, h->res, h->pool)
        != APR_SUCCESS) {
        return NULL;
    }
    return plan;
}

static const em_step_t *step(const em_plan_t *plan, int i)
{
    assert_true(i < plan->steps->nelts);
    return APR_ARRAY_IDX(plan->steps, i, em_step_t *);
}

/* All diffs of the plan, one behind the other. */
static const char *diffs(host_t *h, const em_plan_t *plan)
{
    const char *text = "";

    for (int i = 0; i < plan->steps->nelts; i++) {
        text = apr_pstrcat(h->pool, text,
                           em_plan_diff(step(plan, i), h->pool), NULL);
    }
    return text;
}

static void assert_possible(const em_plan_t *plan)
{
    assert_non_null(plan);
    if (plan->impossible) {
        fail_msg("%s: %s", plan->impossible, plan->impossible_why);
    }
}

static void assert_told(const em_plan_t *plan, const char *module,
                        const char *what)
{
    for (int i = 0; i < plan->consequences->nelts; i++) {
        const em_consequence_t *c
            = APR_ARRAY_IDX(plan->consequences, i, em_consequence_t *);

        if (strcmp(c->module, module) == 0 && strcmp(c->what, what) == 0) {
            return;
        }
    }
    fail_msg("no consequence says that %s is %s", module, what);
}

#define TOP "ServerRoot /srv\n"
#define LINE(mpm) "LoadModule mpm_" mpm "_module modules/mod_mpm_" mpm ".so\n"

/* ---- names ---- */

static void target_names_of_every_spelling_are_understood(void **state)
{
    static const char *const same[] = {
        "event", "Event", "mpm_event", "mod_mpm_event", "mpm_event_module",
        "mod_mpm_event.so", "event.c", "mpm-event", "apache2-mpm-event"
    };
    static const char *const itk[] = {
        "itk", "mpm_itk", "mpm_itkish", "mod_mpm_itkish.so", "mpm_itk.c",
        "libapache2-mpm-itk"
    };
    host_t *h = *state;

    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        assert_string_equal(em_target_parse(same[i], h->res, h->pool),
                            "event");
    }
    for (size_t i = 0; i < sizeof(itk) / sizeof(*itk); i++) {
        assert_string_equal(em_target_parse(itk[i], h->res, h->pool), "itk");
    }
}

static void foreign_mpms_are_named_and_explained(void **state)
{
    static const char *const foreign[] = {
        "winnt", "netware", "mpmt_os2", "perchild", "threadpool", "leader",
        "peruser", "metuxmpm", "MPM_WinNT"
    };
    host_t *h = *state;

    for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
        em_result_t *res = em_result_make(h->pool);

        assert_null(em_target_parse(foreign[i], res, h->pool));
        assert_string_equal(res->problem, "mpm-foreign");
        assert_int_equal(res->exit_code, EM_EXIT_REFUSED);
    }
    assert_null(em_target_parse("evnet", h->res, h->pool));
    assert_string_equal(h->res->problem, "mpm-unknown");
    assert_int_equal(h->res->exit_code, EM_EXIT_USAGE);
}

/* ---- LoadModule lines ---- */

static void the_neighbouring_commented_line_is_uncommented(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf",
        TOP "# one of:\r\n#" LINE("event") LINE("prefork") "#" LINE("worker")
        "Listen 80\n\n\nServerName x");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_int_equal(plan->steps->nelts, 1);
    assert_string_equal(step(plan, 0)->path, "/srv/httpd.conf");
    assert_string_equal(
        em_plan_diff(step(plan, 0), h->pool),
        "--- a/srv/httpd.conf\n+++ b/srv/httpd.conf\n"
        "@@ -1,7 +1,7 @@\n ServerRoot /srv\n # one of:\r\n"
        "-#" LINE("event") "-" LINE("prefork")
        "+" LINE("event") "+#" LINE("prefork")
        " #" LINE("worker") " Listen 80\n \n");
}

static void nothing_to_do_is_an_empty_plan(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf", TOP LINE("event") "#" LINE("prefork"));
    plan = make(h, "event", "event");
    assert_possible(plan);
    assert_true(em_plan_is_empty(plan));
}

static void of_two_commented_lines_one_is_taken(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf",
        TOP "#" LINE("event") "Listen 80\n#" LINE("event") LINE("prefork"));
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data,
                        TOP "#" LINE("event") "Listen 80\n" LINE("event")
                        "#" LINE("prefork"));
}

static void a_commented_line_in_a_false_condition_is_passed_over(void **s)
{
    host_t *h = *s;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf",
        TOP "#" LINE("event") LINE("prefork") "<IfDefine NEVER>\n#"
        LINE("worker") "</IfDefine>\nListen 80\n");
    plan = make(h, "prefork", "worker");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data,
                        TOP "#" LINE("event") LINE("worker")
                        "#" LINE("prefork") "<IfDefine NEVER>\n#"
                        LINE("worker") "</IfDefine>\nListen 80\n");
}

static void the_line_lives_in_httpd_conf_while_the_file_has_all_commented(
    void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    h->layout.mpm_file = "/srv/conf.modules.d/00-mpm.conf";
    put(h, "/srv/conf.modules.d/00-mpm.conf",
        "#" LINE("prefork") "\n#" LINE("worker") "\n#" LINE("event"));
    put(h, "/srv/httpd.conf",
        TOP LINE("prefork") "Include conf.modules.d/*.conf\nListen 80\n");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    /* Uncommented there it has the same effect as a new line here. */
    assert_int_equal(plan->steps->nelts, 2);
    assert_string_equal(step(plan, 0)->after.data,
                        "#" LINE("prefork") "\n#" LINE("worker") "\n"
                        LINE("event"));
    assert_string_equal(step(plan, 1)->after.data,
                        TOP "#" LINE("prefork")
                        "Include conf.modules.d/*.conf\nListen 80\n");
}

static void a_far_line_is_not_taken_when_a_guard_would_read_it_too_late(
    void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/late.conf", "#" LINE("event"));
    put(h, "/srv/httpd.conf",
        TOP LINE("prefork") "<IfModule mpm_event_module>\nServerLimit 4\n"
        "</IfModule>\nInclude late.conf\n");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_int_equal(plan->steps->nelts, 1);
    assert_string_equal(step(plan, 0)->after.data,
                        TOP LINE("event") "#" LINE("prefork")
                        "<IfModule mpm_event_module>\nServerLimit 4\n"
                        "</IfModule>\nInclude late.conf\n");
}

static void a_broken_configuration_with_two_mpms_is_mended(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf", TOP LINE("event") LINE("prefork"));
    plan = make(h, NULL, "event");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data,
                        TOP LINE("event") "#" LINE("prefork"));
}

static void a_configuration_without_an_mpm_gets_one(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf", TOP "Listen 80\n");
    plan = make(h, NULL, "worker");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data, LINE("worker") TOP
                        "Listen 80\n");
}

static void a_line_that_comes_to_life_is_commented_too(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf",
        TOP LINE("prefork") "<IfModule !mpm_prefork_module>\n"
        LINE("worker") "</IfModule>\n#" LINE("event"));
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data,
                        TOP "#" LINE("prefork")
                        "<IfModule !mpm_prefork_module>\n#" LINE("worker")
                        "</IfModule>\n" LINE("event"));
}

static void a_line_whose_file_is_missing_is_replaced(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf",
        TOP "LoadModule mpm_event_module gone/mod_mpm_event.so\n"
        "#" LINE("event"));
    plan = make(h, "event", "event");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data,
                        TOP "#LoadModule mpm_event_module gone/"
                        "mod_mpm_event.so\n" LINE("event"));
}

static void a_linked_configuration_file_is_edited_at_its_real_path(void **s)
{
    host_t *h = *s;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/data/real.conf", TOP LINE("prefork") "#" LINE("event"));
    ln(h, "/data/real.conf", "/srv/httpd.conf");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_int_equal(plan->steps->nelts, 1);
    assert_string_equal(step(plan, 0)->path, "/data/real.conf");
}

static void itk_is_prefork_and_a_module_and_leaving_it_undoes_both(void **s)
{
    host_t *h = *s;
    em_plan_t *plan;

    lines_host(h);
    installed(h, "itk", "mpm_itk_module", "/srv/modules/mod_mpm_itk.so");
    put(h, "/srv/00-mpm-itk.conf", "#" LINE("itk"));
    put(h, "/srv/httpd.conf",
        TOP "Include 00-mpm-itk.conf\n" LINE("event") "#" LINE("prefork"));
    plan = make(h, "event", "itk");
    assert_possible(plan);
    assert_int_equal(plan->steps->nelts, 2);
    assert_string_equal(step(plan, 0)->path, "/srv/00-mpm-itk.conf");
    assert_string_equal(step(plan, 0)->after.data, LINE("itk"));
    assert_string_equal(step(plan, 1)->after.data,
                        TOP "Include 00-mpm-itk.conf\n#" LINE("event")
                        LINE("prefork"));
    put(h, "/srv/00-mpm-itk.conf", LINE("itk"));
    put(h, "/srv/httpd.conf",
        TOP "Include 00-mpm-itk.conf\n#" LINE("event") LINE("prefork"));
    plan = make(h, "itk", "event");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data, "#" LINE("itk"));
    plan = make(h, "itk", "prefork");
    assert_possible(plan);
    assert_int_equal(plan->steps->nelts, 1);
}

static void itkish_is_preferred_where_both_are_installed(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    installed(h, "itk", "mpm_itk_module", "/srv/modules/mpm_itk.so");
    installed(h, "itk", "mpm_itkish_module",
              "/srv/modules/mod_mpm_itkish.so");
    put(h, "/srv/httpd.conf", TOP LINE("prefork"));
    plan = make(h, "prefork", "itk");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data,
                        TOP LINE("itkish") LINE("prefork"));
    APR_ARRAY_PUSH(h->request.with, const char *) = "itk=mpm-itk";
    plan = make(h, "prefork", "itk");
    assert_possible(plan);
    assert_string_equal(step(plan, 0)->after.data,
                        TOP "LoadModule mpm_itk_module modules/mpm_itk.so\n"
                        LINE("prefork"));
}

static void cgi_follows_through_its_guard_and_is_reported(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf",
        TOP LINE("prefork") "#" LINE("event")
        "<IfModule mpm_event_module>\nLoadModule cgid_module c.so\n"
        "</IfModule>\n<IfModule mpm_prefork_module>\n"
        "LoadModule cgi_module c.so\n</IfModule>\n");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_int_equal(plan->steps->nelts, 1);
    assert_told(plan, "cgi_module", "replaced by cgid_module");
    assert_int_equal(plan->consequences->nelts, 1);
}

static void php_goes_to_fpm_with_the_proxy_modules(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/modules/mod_proxy.so", "");
    put(h, "/srv/modules/mod_proxy_fcgi.so", "");
    put(h, "/usr/sbin/php-fpm", "");
    put(h, "/srv/httpd.conf",
        TOP LINE("prefork") "#" LINE("event")
        "#LoadModule proxy_module modules/mod_proxy.so\n"
        "LoadModule php_module modules/libphp.so\n"
        "<IfModule !php_module>\n<FilesMatch \\.php$>\n"
        "SetHandler proxy:unix:/run/php-fpm/www.sock|fcgi://localhost\n"
        "</FilesMatch>\n</IfModule>\n");
    APR_ARRAY_PUSH(h->request.with, const char *) = "php=fpm";
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_string_equal(
        step(plan, 0)->after.data,
        TOP "LoadModule proxy_fcgi_module modules/mod_proxy_fcgi.so\n"
        "#" LINE("prefork") LINE("event")
        "LoadModule proxy_module modules/mod_proxy.so\n"
        "#LoadModule php_module modules/libphp.so\n"
        "<IfModule !php_module>\n<FilesMatch \\.php$>\n"
        "SetHandler proxy:unix:/run/php-fpm/www.sock|fcgi://localhost\n"
        "</FilesMatch>\n</IfModule>\n");
    assert_told(plan, "php_module", "disabled");
    assert_told(plan, "proxy_module", "enabled");
    /* The same without php-fpm says what to install. */
    unlink(at(h, "/usr/sbin/php-fpm"));
    put(h, "/usr/bin/dnf", "");
    plan = make(h, "prefork", "event");
    assert_string_equal(plan->impossible, "php-fpm-missing");
    assert_non_null(strstr(plan->impossible_why, "dnf install php-fpm"));
}

static void php_that_goes_with_the_mpm_needs_an_heir_that_is_there(void **s)
{
    host_t *h = *s;
    em_plan_t *plan;

    /* EL 8: the guard takes mod_php away, php.conf hands over. */
    lines_host(h);
    put(h, "/srv/httpd.conf",
        TOP LINE("prefork") "#" LINE("event")
        "<IfModule mpm_prefork_module>\n"
        "LoadModule php7_module modules/libphp7.so\n</IfModule>\n"
        "<IfModule !mod_php7.c>\n<FilesMatch \\.php$>\n"
        "SetHandler \"proxy:unix:/run/php-fpm/www.sock|fcgi://localhost\"\n"
        "</FilesMatch>\n</IfModule>\n");
    plan = make(h, "prefork", "event");
    assert_string_equal(plan->impossible, "php-fpm-missing");
    APR_ARRAY_PUSH(h->request.without, const char *) = "php";
    assert_possible(make(h, "prefork", "event"));
    apr_array_clear(h->request.without);
    put(h, "/run/php-fpm/www.sock", "");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_told(plan, "php7_module", "disabled");
    unlink(at(h, "/run/php-fpm/www.sock"));
    put(h, "/usr/sbin/php-fpm", "");
    assert_possible(make(h, "prefork", "event"));
}

static void without_takes_a_module_by_any_of_its_names(void **state)
{
    static const char *const names[] = {
        "http2", "mod_http2", "http2_module", "mod_http2.so"
    };
    host_t *h = *state;

    lines_host(h);
    put(h, "/srv/httpd.conf",
        TOP LINE("event") "#" LINE("prefork")
        "LoadModule http2_module modules/mod_http2.so\n");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        em_plan_t *plan;

        apr_array_clear(h->request.without);
        APR_ARRAY_PUSH(h->request.without, const char *) = names[i];
        plan = make(h, "event", "prefork");
        assert_possible(plan);
        assert_non_null(strstr(step(plan, 0)->after.data,
                               "#LoadModule http2_module"));
        assert_told(plan, "http2_module", "disabled");
    }
    APR_ARRAY_PUSH(h->request.without, const char *) = "nonsense";
    assert_null(make(h, "event", "prefork"));
    assert_string_equal(h->res->problem, "module-unknown");
    assert_int_equal(h->res->exit_code, EM_EXIT_USAGE);
}

static void unknown_resolutions_are_bad_usage(void **state)
{
    host_t *h = *state;

    lines_host(h);
    put(h, "/srv/httpd.conf", TOP LINE("event"));
    APR_ARRAY_PUSH(h->request.with, const char *) = "php=cgi";
    assert_null(make(h, "event", "prefork"));
    assert_int_equal(h->res->exit_code, EM_EXIT_USAGE);
}

static void an_mpm_that_is_not_installed_is_impossible_and_says_why(void **s)
{
    host_t *h = *s;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf", TOP LINE("event"));
    put(h, "/usr/bin/apt-get", "");
    plan = make(h, "event", "itk");
    assert_string_equal(plan->impossible, "mpm-not-installed");
    assert_non_null(strstr(plan->impossible_why,
                           "apt-get install libapache2-mpm-itk"));
    assert_true(em_plan_is_empty(plan));
}

static void layouts_without_lines_are_refused_by_name(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    lines_host(h);
    put(h, "/srv/httpd.conf", TOP);
    h->facts.httpd.static_mpm = "prefork";
    plan = make(h, "prefork", "event");
    assert_string_equal(plan->impossible, "static-mpm");
    plan = make(h, "prefork", "prefork");
    assert_possible(plan);
    assert_true(em_plan_is_empty(plan));
    h->facts.httpd.static_mpm = NULL;
    h->layout.mechanism = EM_MECH_PACKAGES;
    plan = make(h, "prefork", "event");
    assert_string_equal(plan->impossible, "packages-unavailable");
}

static void the_future_is_seen_with_the_code_of_the_present(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;
    em_conf_t *conf;

    lines_host(h);
    put(h, "/srv/httpd.conf", TOP LINE("prefork") "#" LINE("event"));
    plan = make(h, "prefork", "event");
    assert_int_equal(em_plan_conf(&conf, plan, &h->facts, h->res, h->pool),
                     APR_SUCCESS);
    assert_non_null(apr_hash_get(conf->modules, "mpm_event_module",
                                 APR_HASH_KEY_STRING));
    assert_null(apr_hash_get(conf->modules, "mpm_prefork_module",
                             APR_HASH_KEY_STRING));
}

/* ---- Debian ---- */

static void debian_moves_links_and_markers(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    enabled(h, "mpm_prefork");
    ln(h, "../mods-available/mpm_prefork.conf",
       "/etc/apache2/mods-enabled/mpm_prefork.conf");
    put(h, "/var/lib/apache2/module/enabled_by_maint/mpm_prefork", "");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_string_equal(
        diffs(h, plan),
        "unlink /etc/apache2/mods-enabled/mpm_prefork.load (was -> "
        "../mods-available/mpm_prefork.load)\n"
        "unlink /etc/apache2/mods-enabled/mpm_prefork.conf (was -> "
        "../mods-available/mpm_prefork.conf)\n"
        "create /var/lib/apache2/module/disabled_by_admin/mpm_prefork "
        "(empty file)\n"
        "remove /var/lib/apache2/module/enabled_by_maint/mpm_prefork "
        "(empty file)\n"
        "link /etc/apache2/mods-enabled/mpm_event.conf -> "
        "../mods-available/mpm_event.conf\n"
        "link /etc/apache2/mods-enabled/mpm_event.load -> "
        "../mods-available/mpm_event.load\n"
        "create /var/lib/apache2/module/enabled_by_admin/mpm_event "
        "(empty file)\n");
}

static void debian_takes_cgid_for_cgi_under_threads_and_back(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    put(h, "/etc/apache2/mods-available/cgi.load",
        "LoadModule cgi_module /x/mod_cgi.so\n");
    put(h, "/etc/apache2/mods-available/cgid.load",
        "LoadModule cgid_module /x/mod_cgid.so\n");
    enabled(h, "mpm_prefork");
    enabled(h, "cgi");
    plan = make(h, "prefork", "worker");
    assert_possible(plan);
    assert_told(plan, "cgi", "replaced by cgid");
    assert_non_null(strstr(diffs(h, plan), "mods-enabled/cgid.load ->"));
    assert_non_null(strstr(diffs(h, plan), "disabled_by_admin/cgi "));
}

static void debian_hands_php_to_fpm_of_the_same_version(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;
    const char *text;

    debian_host(h);
    put(h, "/etc/apache2/mods-available/php8.2.load",
        "# Conflicts: php5\n# Depends: mpm_prefork\n"
        "LoadModule php_module /x/libphp8.2.so\n");
    put(h, "/etc/apache2/mods-available/proxy.load",
        "LoadModule proxy_module /x/mod_proxy.so\n");
    put(h, "/etc/apache2/mods-available/proxy_fcgi.load",
        "# Depends: proxy\nLoadModule proxy_fcgi_module /x/p.so\n");
    put(h, "/etc/apache2/mods-available/setenvif.load",
        "LoadModule setenvif_module /x/mod_setenvif.so\n");
    enabled(h, "mpm_prefork");
    enabled(h, "php8.2");
    APR_ARRAY_PUSH(h->request.with, const char *) = "php=fpm";
    plan = make(h, "prefork", "event");
    assert_string_equal(plan->impossible, "php-fpm-missing");
    assert_non_null(strstr(plan->impossible_why,
                           "apt-get install php8.2-fpm"));
    put(h, "/usr/sbin/php-fpm8.2", "");
    put(h, "/etc/apache2/conf-available/php8.2-fpm.conf", "# fpm\n");
    put(h, "/etc/apache2/conf-enabled/README", "");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    text = diffs(h, plan);
    assert_non_null(strstr(text, "unlink /etc/apache2/mods-enabled/php8.2"));
    assert_non_null(strstr(text, "mods-enabled/proxy.load ->"));
    assert_non_null(strstr(text, "mods-enabled/proxy_fcgi.load ->"));
    assert_non_null(strstr(text, "link /etc/apache2/conf-enabled/"
                                 "php8.2-fpm.conf -> ../conf-available/"
                                 "php8.2-fpm.conf"));
    assert_non_null(strstr(text, "/var/lib/apache2/conf/enabled_by_admin/"
                                 "php8.2-fpm"));
    assert_told(plan, "php8.2", "disabled");
}

static void debian_never_disables_php_in_silence(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    put(h, "/etc/apache2/mods-available/php8.2.load",
        "# Depends: mpm_prefork\nLoadModule php_module /x/libphp8.2.so\n");
    enabled(h, "mpm_prefork");
    enabled(h, "php8.2");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_told(plan, "php8.2", "kept");
    assert_null(strstr(diffs(h, plan), "php8.2"));
}

static void debian_refuses_a_real_file_in_mods_enabled(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    put(h, "/etc/apache2/mods-enabled/mpm_prefork.load",
        "LoadModule mpm_prefork_module "
        "/usr/lib/apache2/modules/mod_mpm_prefork.so\n");
    plan = make(h, "prefork", "event");
    assert_string_equal(plan->impossible, "real-file-in-mods-enabled");
}

static void debian_finds_the_mpm_under_another_name(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    put(h, "/etc/apache2/mods-available/prefork.load",
        "LoadModule mpm_prefork_module "
        "/usr/lib/apache2/modules/mod_mpm_prefork.so\n");
    enabled(h, "prefork");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_non_null(strstr(diffs(h, plan),
                           "unlink /etc/apache2/mods-enabled/prefork.load"));
}

static void debian_comments_an_mpm_line_outside_of_mods_enabled(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    put(h, "/etc/apache2/apache2.conf",
        "LoadModule mpm_worker_module "
        "/usr/lib/apache2/modules/mod_mpm_worker.so\n"
        "IncludeOptional mods-enabled/*.load\n");
    plan = make(h, "worker", "event");
    assert_possible(plan);
    assert_non_null(strstr(diffs(h, plan),
                           "+#LoadModule mpm_worker_module"));
    assert_non_null(strstr(diffs(h, plan), "mods-enabled/mpm_event.load"));
}

static void debian_moves_from_mpm_itk_to_itkish_when_asked(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    installed(h, "itk", "mpm_itk_module", "/x/mpm_itk.so");
    installed(h, "itk", "mpm_itkish_module", "/x/mod_mpm_itkish.so");
    put(h, "/etc/apache2/mods-available/mpm_itk.load",
        "LoadModule mpm_itk_module /x/mpm_itk.so\n");
    put(h, "/etc/apache2/mods-available/mpm_itkish.load",
        "LoadModule mpm_itkish_module /x/mod_mpm_itkish.so\n");
    enabled(h, "mpm_prefork");
    enabled(h, "mpm_itk");
    plan = make(h, "itk", "itk");
    assert_possible(plan);
    assert_true(em_plan_is_empty(plan));
    APR_ARRAY_PUSH(h->request.with, const char *) = "itk=itkish";
    plan = make(h, "itk", "itk");
    assert_possible(plan);
    assert_non_null(strstr(diffs(h, plan), "unlink /etc/apache2/mods-enabled/"
                                           "mpm_itk.load"));
    assert_non_null(strstr(diffs(h, plan), "link /etc/apache2/mods-enabled/"
                                           "mpm_itkish.load ->"));
    assert_null(strstr(diffs(h, plan), "mpm_prefork"));
}

static void debian_keeps_what_others_depend_on(void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    put(h, "/etc/apache2/mods-available/proxy.load",
        "LoadModule proxy_module /x/mod_proxy.so\n");
    put(h, "/etc/apache2/mods-available/proxy_http.load",
        "# a comment\n\n# Depends:  proxy\nLoadModule proxy_http_module x\n");
    enabled(h, "mpm_event");
    enabled(h, "proxy");
    enabled(h, "proxy_http");
    APR_ARRAY_PUSH(h->request.without, const char *) = "mod_proxy";
    plan = make(h, "event", "worker");
    assert_string_equal(plan->impossible, "module-needed");
    assert_non_null(strstr(plan->impossible_why, "--without proxy_http"));
    APR_ARRAY_PUSH(h->request.without, const char *) = "proxy_http_module";
    plan = make(h, "event", "worker");
    assert_possible(plan);
    assert_told(plan, "proxy", "disabled");
    assert_told(plan, "proxy_http", "disabled");
}

static void debian_removes_links_that_lead_nowhere_as_a2enmod_does(void **s)
{
    host_t *h = *s;
    em_plan_t *plan;

    debian_host(h);
    enabled(h, "mpm_prefork");
    ln(h, "../mods-available/gone.load",
       "/etc/apache2/mods-enabled/mpm_event.load");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_non_null(strstr(diffs(h, plan),
                           "replace /etc/apache2/mods-enabled/"
                           "mpm_event.load (link -> ../mods-available/"
                           "gone.load) by link -> ../mods-available/"
                           "mpm_event.load"));
}

static void debian_enables_what_a_module_depends_on_and_heeds_conflicts(
    void **state)
{
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    installed(h, "itk", "mpm_itk_module", "/x/mpm_itk.so");
    put(h, "/etc/apache2/mods-available/mpm_itk.load",
        "# Depends: helper\n# Conflicts: rival\n"
        "LoadModule mpm_itk_module /x/mpm_itk.so\n");
    put(h, "/etc/apache2/mods-available/helper.load",
        "LoadModule helper_module /x/helper.so\n");
    put(h, "/etc/apache2/mods-available/rival.load",
        "LoadModule rival_module /x/rival.so\n");
    enabled(h, "mpm_prefork");
    plan = make(h, "prefork", "itk");
    assert_possible(plan);
    assert_non_null(strstr(diffs(h, plan), "mods-enabled/helper.load ->"));
    assert_non_null(strstr(diffs(h, plan), "mods-enabled/mpm_itk.load ->"));
    enabled(h, "rival");
    plan = make(h, "prefork", "itk");
    assert_string_equal(plan->impossible, "module-conflict");
    assert_non_null(strstr(plan->impossible_why, "--without rival"));
}

static void debian_follows_the_directories_of_the_environment(void **state)
{
    static const char *const env[] = {
        "APACHE_CONFDIR=/etc/apache2", "APACHE_STATE_DIRECTORY=/srv/state",
        NULL
    };
    host_t *h = *state;
    em_plan_t *plan;

    debian_host(h);
    h->facts.httpd.env = env;
    enabled(h, "mpm_prefork");
    plan = make(h, "prefork", "event");
    assert_possible(plan);
    assert_non_null(strstr(diffs(h, plan), "create /srv/state/module/"
                                           "enabled_by_admin/mpm_event"));
    assert_null(strstr(diffs(h, plan), "/var/lib/apache2"));
}

/* ---- diffs ---- */

static const char *diff(host_t *h, const char *a, const char *b)
{
    em_step_t s = {.kind = EM_STEP_PATH, .path = "/f"};

    s.before.kind = s.after.kind = EM_NODE_FILE;
    s.before.data = a;
    s.before.len = strlen(a);
    s.after.data = b;
    s.after.len = strlen(b);
    return em_plan_diff(&s, h->pool);
}

static void diffs_have_three_lines_of_context_and_several_hunks(void **state)
{
    host_t *h = *state;

    assert_string_equal(
        diff(h, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\nx",
             "1\nTWO\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\ny"),
        "--- a/f\n+++ b/f\n@@ -1,5 +1,5 @@\n 1\n-2\n+TWO\n 3\n 4\n 5\n"
        "@@ -11,4 +11,4 @@\n 11\n 12\n 13\n-x\n"
        "\\ No newline at end of file\n+y\n\\ No newline at end of file\n");
    assert_string_equal(diff(h, "", "a\n"),
                        "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n");
    assert_string_equal(diff(h, "a\nb\n", "a\n"),
                        "--- a/f\n+++ b/f\n@@ -1,2 +1 @@\n a\n-b\n");
}

static void diffs_are_those_that_patch_understands(void **state)
{
    host_t *h = *state;
    const char *a = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn";
    const char *b = "a\nc\nd\nNEW\ne\nf\ng\nh\ni\nj\nK\nl\nm\nn\nlast";
    const char *cmd;

    put(h, "/a", a);
    put(h, "/b", b);
    put(h, "/d", diff(h, a, b));
    cmd = apr_psprintf(h->pool, "command -v patch >/dev/null || exit 0; "
                       "cd %s && patch -s a d && cmp a b", h->root);
    assert_int_equal(system(cmd), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(target_names_of_every_spelling_are_understood),
        T(foreign_mpms_are_named_and_explained),
        T(the_neighbouring_commented_line_is_uncommented),
        T(nothing_to_do_is_an_empty_plan),
        T(of_two_commented_lines_one_is_taken),
        T(a_commented_line_in_a_false_condition_is_passed_over),
        T(the_line_lives_in_httpd_conf_while_the_file_has_all_commented),
        T(a_far_line_is_not_taken_when_a_guard_would_read_it_too_late),
        T(a_broken_configuration_with_two_mpms_is_mended),
        T(a_configuration_without_an_mpm_gets_one),
        T(a_line_that_comes_to_life_is_commented_too),
        T(a_line_whose_file_is_missing_is_replaced),
        T(a_linked_configuration_file_is_edited_at_its_real_path),
        T(itk_is_prefork_and_a_module_and_leaving_it_undoes_both),
        T(itkish_is_preferred_where_both_are_installed),
        T(cgi_follows_through_its_guard_and_is_reported),
        T(php_goes_to_fpm_with_the_proxy_modules),
        T(php_that_goes_with_the_mpm_needs_an_heir_that_is_there),
        T(without_takes_a_module_by_any_of_its_names),
        T(unknown_resolutions_are_bad_usage),
        T(an_mpm_that_is_not_installed_is_impossible_and_says_why),
        T(layouts_without_lines_are_refused_by_name),
        T(the_future_is_seen_with_the_code_of_the_present),
        T(debian_moves_links_and_markers),
        T(debian_takes_cgid_for_cgi_under_threads_and_back),
        T(debian_hands_php_to_fpm_of_the_same_version),
        T(debian_never_disables_php_in_silence),
        T(debian_refuses_a_real_file_in_mods_enabled),
        T(debian_finds_the_mpm_under_another_name),
        T(debian_comments_an_mpm_line_outside_of_mods_enabled),
        T(debian_moves_from_mpm_itk_to_itkish_when_asked),
        T(debian_keeps_what_others_depend_on),
        T(debian_removes_links_that_lead_nowhere_as_a2enmod_does),
        T(debian_enables_what_a_module_depends_on_and_heeds_conflicts),
        T(debian_follows_the_directories_of_the_environment),
        T(diffs_have_three_lines_of_context_and_several_hunks),
        T(diffs_are_those_that_patch_understands),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
