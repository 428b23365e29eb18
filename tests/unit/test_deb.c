/* What dpkg and apt write, read as they mean it. */

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "package/deb.h"

/* ---- versions ---- */

static int sign(int n)
{
    return n < 0 ? -1 : n > 0;
}

static const char *const versions[] = {
    "1", "1.0", "1.0-1", "1.0-1~", "1.0~rc1-1", "1.0~~", "1:0.5", "0:1.0",
    "2.4.9-1", "2.4.10-1", "2.4.71-1", "2.4.71-1.1.cpanel", "2.4.71-10",
    "2.4.71+dfsg-1", "2.4.71a-1", "2.4.71-1ubuntu1", "00002.4.071-1",
    "99999999999999999999.1", "99999999999999999998.1", "1.2-3-4",
    "1.2.3-4", "1a", "1+", "1.", "1-a", "7.4.33-11.27.1.cpanel"
};
#define VERSIONS (sizeof(versions) / sizeof(*versions))

static void versions_sort_as_dpkg_sorts_them(void **state)
{
    (void)state;
    if (system("dpkg --compare-versions 1 lt 2 2>/dev/null") != 0) {
        skip();
    }
    for (size_t i = 0; i < VERSIONS; i++) {
        for (size_t j = i; j < VERSIONS; j++) {
            const char *rel = em_deb_compare(versions[i], versions[j]) < 0
                                  ? "lt" : em_deb_compare(
                                      versions[i], versions[j]) > 0
                                  ? "gt" : "eq";
            const char *command = apr_psprintf(
                pool, "dpkg --compare-versions %s %s %s 2>/dev/null",
                versions[i], rel, versions[j]);

            if (system(command) != 0) {
                fail_msg("%s", command);
            }
            assert_int_equal(sign(em_deb_compare(versions[i], versions[j])),
                             -sign(em_deb_compare(versions[j],
                                                  versions[i])));
        }
    }
}

/* ---- stanzas ---- */

static em_stanza_t first(const char *text)
{
    const char *at = text;
    em_stanza_t stanza;

    assert_int_equal(em_stanza_next(&stanza, &at, text + strlen(text)), 1);
    return stanza;
}

static void stanzas_with_all_that_may_stand_in_them(void **state)
{
    static const char text[] =
        "\n \nPackage: a\nversion:  1:2-3 \nConffiles:\n /etc/a 12\n"
        "\t/etc/b 34\nEmpty:\nLast: x\n\n\nPackage: b\nVersion: 2";
    const char *at = text, *end = text + sizeof(text) - 1;
    em_stanza_t stanza;

    (void)state;
    assert_int_equal(em_stanza_next(&stanza, &at, end), 1);
    assert_string_equal(em_stanza_value(&stanza, "Package", pool), "a");
    assert_string_equal(em_stanza_value(&stanza, "Version", pool), "1:2-3");
    assert_string_equal(em_stanza_value(&stanza, "Conffiles", pool),
                        "/etc/a 12\n\t/etc/b 34");
    assert_string_equal(em_stanza_value(&stanza, "Empty", pool), "");
    assert_string_equal(em_stanza_value(&stanza, "last", pool), "x");
    assert_null(em_stanza_value(&stanza, "Pack", pool));
    assert_null(em_stanza_value(&stanza, "b", pool));
    assert_int_equal(em_stanza_next(&stanza, &at, end), 1);
    assert_string_equal(em_stanza_value(&stanza, "Version", pool), "2");
    assert_int_equal(em_stanza_next(&stanza, &at, end), 0);
}

static void relations_of_a_package(void **state)
{
    em_stanza_t stanza = first(
        "Package: ea-x\nVersion: 0:2.4-1\nArchitecture: amd64\n"
        "Provides: ea-mpm, ea-mmn (= 20120211)\n"
        "Pre-Depends: init:any\n"
        "Depends: libc6 (>= 2.38), ea-a | ea-b (<< 3),\n ea-c\n"
        "Conflicts: ea-y, ea-z (>> 1)\nBreaks: ea-old (<= 1)\n");
    em_package_t *package = em_deb_package(&stanza, pool);
    apr_array_header_t *any;

    (void)state;
    assert_string_equal(package->version, "2.4-1");
    assert_int_equal(package->provides->nelts, 3);
    assert_string_equal(em_cap_text(&APR_ARRAY_IDX(package->provides, 0,
                                                   em_cap_t), pool),
                        "ea-x = 2.4-1");
    assert_int_equal(package->requires->nelts, 4);
    any = APR_ARRAY_IDX(package->requires, 2, apr_array_header_t *);
    assert_int_equal(any->nelts, 2);
    assert_string_equal(em_cap_text(&APR_ARRAY_IDX(any, 1, em_cap_t), pool),
                        "ea-b < 3");
    assert_int_equal(package->conflicts->nelts, 3);
    assert_string_equal(em_cap_text(&APR_ARRAY_IDX(package->conflicts, 2,
                                                   em_cap_t), pool),
                        "ea-old <= 1");
    stanza = first("Package: x\nArchitecture: all\n");
    assert_null(em_deb_package(&stanza, pool));
}

/* ---- the database ---- */

static void put(const char *dir, const char *name, const char *text)
{
    FILE *f = fopen(apr_pstrcat(pool, dir, name, NULL), "w");

    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}

#define ENTRY(name, status, version) \
    "Package: " name "\nStatus: " status "\nArchitecture: amd64\n" \
    "Version: " version "\n\n"

static const em_dpkg_entry_t *entry(const apr_array_header_t *list,
                                    const char *name)
{
    for (int i = 0; i < list->nelts; i++) {
        const em_dpkg_entry_t *one = APR_ARRAY_IDX(list, i,
                                                   em_dpkg_entry_t *);

        if (strcmp(one->name, name) == 0) {
            return one;
        }
    }
    return NULL;
}

/* A dpkg that was killed leaves its last steps in updates/. */
static void the_database_with_what_was_not_merged(void **state)
{
    char dir[] = "/tmp/em-dpkg-XXXXXX";
    apr_array_header_t *list, *names;
    em_result_t *res = em_result_make(pool);
    apr_hash_t *installed = apr_hash_make(pool);
    em_view_t *view;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(system(apr_psprintf(pool, "mkdir -p %s/var/lib/dpkg/"
                                         "updates", dir)), 0);
    put(dir, "/var/lib/dpkg/status",
        ENTRY("a", "install ok installed", "0:1")
        ENTRY("b", "install ok installed", "1")
        ENTRY("c", "deinstall ok config-files", "1")
        ENTRY("d", "install ok triggers-pending", "2")
        ENTRY("e", "unknown ok not-installed", "2")
        ENTRY("f", "install reinstreq half-installed", "2") "Package: torn");
    put(dir, "/var/lib/dpkg/updates/0001",
        ENTRY("b", "install ok half-configured", "1"));
    put(dir, "/var/lib/dpkg/updates/0000",
        ENTRY("b", "install ok unpacked", "1"));
    put(dir, "/var/lib/dpkg/updates/tmp.i", ENTRY("a", "torn", "9"));
    assert_int_equal(em_view_open(&view, dir, pool), APR_SUCCESS);
    assert_int_equal(em_dpkg_read(&list, view, pool), APR_SUCCESS);
    assert_int_equal(list->nelts, 5);
    assert_string_equal(entry(list, "a")->version, "1");
    assert_string_equal(entry(list, "b")->state, "half-configured");
    assert_true(entry(list, "f")->broken);

    assert_int_equal(em_dpkg_read_installed(installed, view, res, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_hash_count(installed), 3);
    assert_non_null(apr_hash_get(installed, "d", APR_HASH_KEY_STRING));

    names = apr_array_make(pool, 5, sizeof(const char *));
    for (const char *c = "a\0b\0c\0f\0g\0"; *c; c += 2) {
        APR_ARRAY_PUSH(names, const char *) = c;
    }
    list = em_dpkg_versions(names, view, pool);
    assert_int_equal(list->nelts, 4);
    assert_true(em_package_in(list, "a")->installed);
    assert_true(em_package_in(list, "c")->left);
    assert_false(em_package_in(list, "f")->left);
    assert_false(em_package_in(list, "b")->installed);
    assert_false(em_package_in(list, "f")->installed);
    assert_int_equal(system(apr_psprintf(pool, "rm -r %s", dir)), 0);
}

/* ---- apt ---- */

static em_mark_t mark_in(const em_view_t *view, const char *name,
                         const char *arch)
{
    em_package_t *package = em_package_make(name, "1", arch, pool);
    apr_hash_t *one = apr_hash_make(pool);

    apr_hash_set(one, name, APR_HASH_KEY_STRING, package);
    assert_int_equal(em_apt_read_marks(one, view, pool), APR_SUCCESS);
    return package->mark;
}

static void the_marks_of_packages(void **state)
{
    char dir[] = "/tmp/em-marks-XXXXXX";
    em_view_t *view;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(em_view_open(&view, dir, pool), APR_SUCCESS);
    assert_int_equal(mark_in(view, "a", "amd64"), EM_MARK_MANUAL);
    assert_int_equal(system(apr_psprintf(pool, "mkdir -p %s/var/lib/apt",
                                         dir)), 0);
    put(dir, "/var/lib/apt/extended_states",
        "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\n"
        "Package: b\nArchitecture: i386\nAuto-Installed: 1\n\n"
        "Package: c\nArchitecture: amd64\nAuto-Installed: 0\n\n"
        "Package: d\nArchitecture: amd64\nAuto-Installed: 1\n");
    assert_int_equal(mark_in(view, "a", "amd64"), EM_MARK_AUTO);
    assert_int_equal(mark_in(view, "b", "amd64"), EM_MARK_MANUAL);
    assert_int_equal(mark_in(view, "c", "amd64"), EM_MARK_MANUAL);
    assert_int_equal(mark_in(view, "d", "all"), EM_MARK_AUTO);
    assert_int_equal(mark_in(view, "e", "amd64"), EM_MARK_MANUAL);
    assert_int_equal(system(apr_psprintf(pool, "rm -r %s", dir)), 0);
}

static void what_apt_would_do(void **state)
{
    em_transaction_t *txn = em_apt_simulation(
        "Reading package lists...\n"
        "The following packages will be REMOVED:\n  a* b*\n"
        "Purg a [0:2.4.71-1] [b:amd64 ]\nRemv b:i386 [1]\nPurg b:i386 [1]\n"
        "Inst c (1:2-1 localhost [amd64]) []\n"
        "Inst d [1-1] (1-2 Ubuntu:24.04/noble, local [all])\n"
        "Conf c (1:2-1 localhost [amd64])\nInst\nInst \nInst x\nPurg y\n",
        pool);

    (void)state;
    assert_int_equal(txn->install->nelts, 2);
    assert_int_equal(txn->remove->nelts, 4);
    assert_string_equal(em_package_in(txn->remove, "a")->version,
                        "2.4.71-1");
    assert_string_equal(em_package_in(txn->install, "c")->version, "1:2-1");
    assert_string_equal(em_package_in(txn->install, "d")->arch, "all");
    assert_string_equal(em_package_in(txn->remove, "d")->version, "1-1");
    assert_non_null(em_package_in(txn->remove, "b"));
    assert_string_equal(em_package_in(txn->remove, "y")->version, "");
}

/* ---- packages ---- */

static em_owned_t *owned(const apr_array_header_t *list, const char *path)
{
    for (int i = 0; i < list->nelts; i++) {
        em_owned_t *one = APR_ARRAY_IDX(list, i, em_owned_t *);

        if (strcmp(one->path, path) == 0) {
            return one;
        }
    }
    return NULL;
}

/* A .deb by dpkg-deb, with names that need GNU's long ones. */
static void the_files_of_a_package(void **state)
{
    char dir[] = "/tmp/em-deb-XXXXXX", deep[300] = "/etc/";
    em_result_t *res = em_result_make(pool);
    em_package_t *package;
    apr_array_header_t *list;
    em_owned_t *one;

    (void)state;
    if (system("command -v dpkg-deb >/dev/null 2>&1") != 0) {
        skip();
    }
    memset(deep + 5, 'n', 200);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(system(apr_psprintf(
        pool, "cd %s && mkdir -p t/DEBIAN t/etc/d t/usr && "
        "printf 'Package: x\\nVersion: 1:2-3\\nArchitecture: all\\n"
        "Maintainer: a <a@b>\\nDescription: x\\n' >t/DEBIAN/control && "
        "echo /etc/c.conf >t/DEBIAN/conffiles && echo text >t/etc/c.conf && "
        "echo deep >t%s && ln t/etc/c.conf t/etc/hard && "
        "ln -s d t/etc/link && : >t/usr/empty && chmod 750 t/usr/empty && "
        "dpkg-deb --root-owner-group -b t x.deb >/dev/null", dir, deep)), 0);
    package = em_deb_identify(apr_pstrcat(pool, dir, "/x.deb", NULL), pool);
    assert_non_null(package);
    assert_string_equal(package->version, "1:2-3");
    package->file = apr_pstrcat(pool, dir, "/x.deb", NULL);
    assert_int_equal(em_deb_unpack(&list, package, res, pool), APR_SUCCESS);
    assert_int_equal(list->nelts, 5);
    one = owned(list, "/etc/c.conf");
    assert_true(one->config && one->noreplace);
    assert_int_equal(one->node.len, 5);
    assert_memory_equal(one->node.data, "text\n", 6);
    one = owned(list, "/etc/hard");
    assert_false(one->config);
    assert_memory_equal(one->node.data, "text\n", 6);
    assert_string_equal(owned(list, deep)->node.data, "deep\n");
    one = owned(list, "/etc/link");
    assert_int_equal(one->node.kind, EM_NODE_LINK);
    assert_string_equal(one->node.data, "d");
    one = owned(list, "/usr/empty");
    assert_int_equal(one->node.mode, 0750);
    assert_int_equal(one->node.len, 0);

    assert_int_equal(truncate(package->file, 300), 0);
    assert_null(em_deb_identify(package->file, pool));
    assert_int_not_equal(em_deb_unpack(&list, package, res, pool),
                         APR_SUCCESS);
    assert_string_equal(res->problem, "packages-unavailable");
    assert_int_equal(system(apr_psprintf(pool, "rm -r %s", dir)), 0);
}

static void a_torn_archive_is_damaged(void **state)
{
    char block[1024] = {0};
    const char *at = block;
    em_tar_t one;

    (void)state;
    strcpy(block, "./x");
    strcpy(block + 100, "0000644");
    strcpy(block + 124, "00000000600");     /* 384 bytes */
    block[156] = '0';
    assert_int_equal(em_tar_next(&one, &at, block + 1024, pool), 1);
    assert_string_equal(one.name, "/x");
    assert_int_equal(one.len, 384);
    assert_int_equal(em_tar_next(&one, &at, block + 1024, pool), 0);
    at = block;
    assert_int_equal(em_tar_next(&one, &at, block + 800, pool), -1);
    at = block;
    assert_int_equal(em_tar_next(&one, &at, block + 511, pool), -1);
    at = block;
    block[124] = '9';
    assert_int_equal(em_tar_next(&one, &at, block + 1024, pool), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_sort_as_dpkg_sorts_them),
        cmocka_unit_test(stanzas_with_all_that_may_stand_in_them),
        cmocka_unit_test(relations_of_a_package),
        cmocka_unit_test(the_database_with_what_was_not_merged),
        cmocka_unit_test(the_marks_of_packages),
        cmocka_unit_test(what_apt_would_do),
        cmocka_unit_test(the_files_of_a_package),
        cmocka_unit_test(a_torn_archive_is_damaged),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
