/* What httpd prints is understood in every shape it has had, and anything
 * else is left alone. */

#include "unit.h"

#include "host/httpd_parse.h"

static void version_with_vendor(void **state)
{
    em_httpd_settings_t set;

    (void)state;
    em_httpd_parse_settings(&set,
        "Server version: Apache/2.4.71 (Debian)\n"
        "Server built:   2026-11-12T08:58:41\n"
        "Server's Module Magic Number: 20120211:142\n"
        "Server MPM:     event\n"
        "  threaded:     yes (fixed thread count)\n"
        "Server compiled with....\n"
        " -D APR_HAS_MMAP\n"
        " -D HTTPD_ROOT=\"/etc/apache2\"\n"
        " -D DEFAULT_PIDLOG=\"/run/apache2.pid\"\n"
        " -D SERVER_CONFIG_FILE=\"apache2.conf\"\n", pool);
    assert_string_equal(set.version, "2.4.71");
    assert_int_equal(set.v[0], 2);
    assert_int_equal(set.v[1], 4);
    assert_int_equal(set.v[2], 71);
    assert_string_equal(set.vendor, "Debian");
    assert_string_equal(set.mmn, "20120211:142");
    assert_string_equal(set.mpm, "event");
    assert_string_equal(set.root, "/etc/apache2");
    assert_string_equal(set.config_file, "apache2.conf");
    assert_string_equal(set.pid_file, "/run/apache2.pid");
}

static void empty_mpm_is_none(void **state)
{
    em_httpd_settings_t set;

    (void)state;
    em_httpd_parse_settings(&set, "Server version: Apache/2.4.6 (CentOS)\n"
                                  "Server MPM:     \n", pool);
    assert_null(set.mpm);
    assert_int_equal(set.v[2], 6);
}

static void old_names_are_lowered(void **state)
{
    em_httpd_settings_t set;

    (void)state;
    em_httpd_parse_settings(&set, "Server version: Apache/2.2.15 (Unix)\r\n"
                                  "Server MPM:     Prefork\r\n", pool);
    assert_string_equal(set.mpm, "prefork");
    assert_string_equal(set.version, "2.2.15");
    assert_string_equal(set.vendor, "Unix");
}

static void development_version(void **state)
{
    em_httpd_settings_t set = { 0 };

    (void)state;
    assert_true(em_httpd_parse_banner(&set, "Apache/2.4.63-dev (Unix)",
                                      pool));
    assert_string_equal(set.version, "2.4.63-dev");
    assert_int_equal(set.v[2], 63);
}

static void rubbish_is_no_version(void **state)
{
    em_httpd_settings_t set = { 0 };

    (void)state;
    assert_false(em_httpd_parse_banner(&set, "Apache/2", pool));
    assert_false(em_httpd_parse_banner(&set, "Apache/2.4", pool));
    assert_false(em_httpd_parse_banner(&set, "nginx/1.22.1", pool));
    assert_false(em_httpd_parse_banner(&set, "", pool));
    em_httpd_parse_settings(&set, "usage: rm [-f] file\n", pool);
    assert_null(set.version);
    assert_null(set.root);
}

static void static_modules(void **state)
{
    apr_array_header_t *list;

    (void)state;
    list = em_httpd_parse_static("Compiled in modules:\n  core.c\n"
                                 "  prefork.c\n  http_core.c\n"
                                 "suexec: disabled; invalid\n  not.c\n",
                                 pool);
    assert_non_null(list);
    assert_int_equal(list->nelts, 3);
    assert_string_equal(APR_ARRAY_IDX(list, 1, const char *), "prefork.c");
    assert_null(em_httpd_parse_static("httpd: bad option\n", pool));
}

static void loaded_modules_behind_other_output(void **state)
{
    apr_array_header_t *list;

    (void)state;
    list = em_httpd_parse_modules("ServerRoot: \"/etc/httpd\"\n"
                                  "Group: name=\"apache\" id=48\n"
                                  "Loaded Modules:\n"
                                  " core_module (static)\n"
                                  " mpm_event_module (shared)\n", pool);
    assert_non_null(list);
    assert_int_equal(list->nelts, 2);
    assert_true(APR_ARRAY_IDX(list, 0, em_httpd_loaded_t).is_static);
    assert_false(APR_ARRAY_IDX(list, 1, em_httpd_loaded_t).is_static);
    assert_string_equal(APR_ARRAY_IDX(list, 1, em_httpd_loaded_t).id,
                        "mpm_event_module");
    assert_null(em_httpd_parse_modules("", pool));
}

static void run_configuration(void **state)
{
    em_httpd_run_cfg_t cfg;

    (void)state;
    em_httpd_parse_run_cfg(&cfg,
        "ServerRoot: \"/etc/apache2\"\n"
        "Main DocumentRoot: \"/var/www/my \"site\"\n"
        "Main ErrorLog: \"/var/log/apache2/error.log\"\n"
        "Mutex default: dir=\"/var/run/apache2/\" mechanism=default \n"
        "PidFile: \"/var/run/apache2/apache2.pid\"\n"
        "User: name=\"www-data\" id=33\n"
        "Group: name=\"www-data\" id=33\n", pool);
    assert_string_equal(cfg.server_root, "/etc/apache2");
    assert_string_equal(cfg.document_root, "/var/www/my \"site");
    assert_string_equal(cfg.pid_file, "/var/run/apache2/apache2.pid");
    assert_string_equal(cfg.user, "www-data");
    assert_string_equal(cfg.group, "www-data");
}

static void names_of_mpms(void **state)
{
    static const struct {
        const char *name, *mpm;
    } cases[] = {
        { "mpm_event_module", "event" }, { "event.c", "event" },
        { "mod_mpm_worker.so", "worker" },
        { "/usr/lib64/httpd/modules/mod_mpm_prefork.so", "prefork" },
        { "mpm_itk.so", "itk" }, { "mod_mpm_itkish.so", "itk" },
        { "mpm_itkish_module", "itk" }, { "mpm_peruser_module", "peruser" },
        { "event", NULL }, { "mod_event.so", NULL }, { "core.c", NULL },
        { "mod_prefork.c", NULL }, { "mpm_eventful_module", NULL },
        { "", NULL }, { "mpm_", NULL }
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *mpm = em_httpd_mpm_of(cases[i].name, pool);

        if (cases[i].mpm) {
            assert_non_null(mpm);
            assert_string_equal(mpm, cases[i].mpm);
        }
        else {
            assert_null(mpm);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_with_vendor),
        cmocka_unit_test(empty_mpm_is_none),
        cmocka_unit_test(old_names_are_lowered),
        cmocka_unit_test(development_version),
        cmocka_unit_test(rubbish_is_no_version),
        cmocka_unit_test(static_modules),
        cmocka_unit_test(loaded_modules_behind_other_output),
        cmocka_unit_test(run_configuration),
        cmocka_unit_test(names_of_mpms),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
