/* Capabilities, versions, listings and the choice of packages: what rpm and
 * dnf mean, and the least that has to come and go. */

#include "unit.h"

#include "package/listing.h"
#include "package/manager.h"
#include "package/rpm_db.h"
#include "package/zypp.h"

/* ---- capabilities ---- */

static em_cap_t cap(const char *text)
{
    em_cap_t one;

    assert_int_equal(em_cap_parse(&one, text, strlen(text), pool), 1);
    return one;
}

static void capabilities_in_every_spelling(void **state)
{
    em_cap_t one;

    (void)state;
    one = cap("ea-apache24-mpm = forked");
    assert_string_equal(one.name, "ea-apache24-mpm");
    assert_int_equal(one.rel, EM_REL_EQ);
    assert_string_equal(one.version, "forked");
    one = cap("  libc.so.6(GLIBC_2.34)(64bit)  ");
    assert_string_equal(one.name, "libc.so.6(GLIBC_2.34)(64bit)");
    assert_int_equal(one.rel, EM_REL_ANY);
    one = cap("ea-apache24 (>= 0:2.4.62-1)");
    assert_string_equal(one.name, "ea-apache24");
    assert_int_equal(one.rel, EM_REL_GE);
    assert_string_equal(one.version, "2.4.62-1");
    assert_int_equal(cap("libc6:any (<< 3)").rel, EM_REL_LT);
    assert_string_equal(cap("libc6:any (<< 3)").name, "libc6");
    assert_string_equal(em_cap_text(&one, pool), "ea-apache24 >= 2.4.62-1");
}

static void what_cannot_be_judged_is_no_capability(void **state)
{
    static const char *const texts[] = {
        "", "   ", "(a or b)", "rpmlib(CompressedFileNames) <= 3.0.4-1",
        "= 3", "name =", "name = 1 2", "name ? 3", "name (= 3"
    };
    em_cap_t one;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_int_equal(em_cap_parse(&one, texts[i], strlen(texts[i]),
                                      pool), 0);
    }
}

static int fits(const char *has, const char *wants)
{
    em_cap_t a = cap(has), b = cap(wants);

    return em_cap_satisfies(&a, &b, &em_manager_dnf);
}

static void ranges_overlap_as_in_rpm(void **state)
{
    (void)state;
    assert_true(fits("a = 1", "a"));
    assert_true(fits("a", "a = 1"));
    assert_false(fits("a = 1", "b"));
    assert_false(fits("m = forked", "m = threaded"));
    assert_true(fits("m = forked", "m = forked"));
    assert_true(fits("a = 2-1", "a >= 2"));
    assert_true(fits("a = 2", "a = 2-7"));
    assert_false(fits("a = 2-1", "a = 2-2"));
    assert_false(fits("a = 1:1", "a = 1"));
    assert_true(fits("a >= 3", "a > 7"));
    assert_true(fits("a < 3", "a = 2"));
    assert_false(fits("a < 3", "a = 3"));
    assert_false(fits("a < 3", "a > 3"));
    assert_true(fits("a > 2", "a < 3"));
    assert_true(fits("a <= 3", "a >= 3"));
}

static void versions_in_rpms_order(void **state)
{
    /* Each is older than the next. */
    static const char *const order[] = {
        "1.0~rc1-1", "1.0-1", "1.0^git1-1", "1.0.1-1", "1.1a-1", "1.1.1-1",
        "1.10-1", "2.4.62-1.1.cpanel", "2.4.62-2.1.cpanel", "10-1", "1:0.1-1"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        for (size_t j = 0; j < sizeof(order) / sizeof(*order); j++) {
            int c = em_rpm_compare(order[i], order[j]);

            assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
        }
    }
    assert_int_equal(em_rpm_compare("2.4.01-1", "2.4.1-1"), 0);
    assert_int_equal(em_rpm_compare("2.4", "2.4-7"), 0);
    assert_int_equal(em_rpm_compare("0:2.4-7", "2.4-7"), 0);
}

/* ---- the solver ---- */

static em_package_db_t *db;

/* "P" lines and so on as the managers print them. */
static void know(const char *installed, const char *available)
{
    apr_array_header_t *list;

    db = apr_pcalloc(pool, sizeof(*db));
    db->manager = &em_manager_dnf;
    db->installed = apr_hash_make(pool);
    db->available = apr_hash_make(pool);
    list = em_listing_packages(installed, 1, pool);
    for (int i = 0; i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        apr_hash_set(db->installed, one->name, APR_HASH_KEY_STRING, one);
    }
    list = em_listing_packages(available, 0, pool);
    for (int i = 0; i < list->nelts; i++) {
        em_package_offer(db->available,
                         APR_ARRAY_IDX(list, i, em_package_t *), pool);
    }
}

static apr_array_header_t *names(const char *text)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(char *));
    char *state, *word = apr_strtok(apr_pstrdup(pool, text), " ", &state);

    for (; word; word = apr_strtok(NULL, " ", &state)) {
        APR_ARRAY_PUSH(list, char *) = word;
    }
    return list;
}

static const char *said(const apr_array_header_t *list)
{
    const char *text = "";

    for (int i = 0; i < list->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        text = apr_pstrcat(pool, text, *text ? " " : "", one->name, "-",
                           one->version, one->asked ? "!" : "", NULL);
    }
    return text;
}

/* The transaction in words: "+new-1! +other-1 -old-1". */
static em_transaction_t *solved(const char *wanted, const char *unwanted)
{
    em_result_t *res = em_result_make(pool);
    em_transaction_t *txn;

    assert_int_equal(em_transaction_solve(&txn, db, names(wanted),
                                          names(unwanted), res, pool),
                     APR_SUCCESS);
    return txn;
}

static void expect(const char *wanted, const char *unwanted,
                   const char *install, const char *remove)
{
    em_transaction_t *txn = solved(wanted, unwanted);

    if (txn->impossible) {
        fail_msg("impossible: %s", txn->impossible);
    }
    assert_string_equal(said(txn->install), install);
    assert_string_equal(said(txn->remove), remove);
}

static void expect_never(const char *wanted, const char *unwanted,
                         const char *why)
{
    em_transaction_t *txn = solved(wanted, unwanted);

    assert_non_null(txn->impossible);
    if (!strstr(txn->impossible, why)) {
        fail_msg("%s", txn->impossible);
    }
    assert_int_equal(txn->install->nelts + txn->remove->nelts, 0);
}

#define PKG(name, version) \
    "P\t" name "\t0:" version "\tx86_64\np\t" name " = " version "\n"
#define HTTPD(v) PKG("httpd", v) "r\tmpm\n"
#define PREFORK(v) PKG("prefork", v) "p\tmpm = forked\nr\thttpd = " v \
    "\ncgi\nc\tmpm = threaded\ncgid\nhttp2\nevent\n"
#define EVENT(v) PKG("event", v) "p\tmpm = threaded\nr\thttpd = " v \
    "\ncgid\nc\tmpm = forked\ncgi\nprefork\n"
#define CGI PKG("cgi", "1-1") "p\tanycgi\nr\tmpm = forked\nc\tcgid\nevent\n"
#define CGID PKG("cgid", "1-1") "p\tanycgi\nr\tmpm = threaded\nc\tcgi\n"
#define HTTP2 PKG("http2", "1-1") "r\thttpd\nc\tprefork\nitk\n"
#define ITK PKG("itk", "2-1") "p\tasuser\nr\tmpm = forked\nr\tlibcap.so.2\n" \
    "c\truid2\nevent\nhttp2\n"
#define RUID2 PKG("ruid2", "0-1") "p\tasuser\nr\tmpm = forked\nc\titk\n"
#define PHP(v) PKG("php" v, v "-1") "p\tmod_php\nr\tmpm = forked\n" \
    "c\tmod_php\n"
#define OLD HTTPD("2-1") PREFORK("2-1") CGI
#define OFFER HTTPD("2-1") PREFORK("2-1") EVENT("2-1") CGI CGID HTTP2 ITK \
    RUID2 PHP("7") PHP("8")

static void an_mpm_brings_its_cgi_and_the_old_ones_go(void **state)
{
    (void)state;
    know(OLD, OFFER);
    expect("event", "", "cgid-1-1 event-2-1!", "cgi-1-1 prefork-2-1");
    know(HTTPD("2-1") EVENT("2-1") CGID, OFFER);
    expect("prefork", "", "cgi-1-1 prefork-2-1!", "cgid-1-1 event-2-1");
}

static void what_needs_the_old_mpm_goes_and_says_why(void **state)
{
    em_transaction_t *txn;

    (void)state;
    know(OLD PHP("7") RUID2, OFFER);
    expect("event", "", "cgid-1-1 event-2-1!",
           "cgi-1-1 php7-7-1 prefork-2-1 ruid2-0-1");
    txn = solved("event", "");
    assert_string_equal(em_package_in(txn->remove, "php7")->why,
                        "requires mpm = forked");
    assert_string_equal(em_package_in(txn->remove, "prefork")->why,
                        "event conflicts with mpm = forked");
    assert_string_equal(em_package_in(txn->install, "cgid")->why,
                        "required by event");
}

static void what_the_request_names_is_asked_for(void **state)
{
    (void)state;
    know(OLD PHP("7") RUID2, OFFER);
    expect("event", "php7 ruid2", "cgid-1-1 event-2-1!",
           "cgi-1-1 php7-7-1! prefork-2-1 ruid2-0-1!");
    expect("prefork", "php7", "", "php7-7-1!");
}

static void nothing_to_do_is_an_empty_transaction(void **state)
{
    (void)state;
    know(OLD PHP("7"), OFFER);
    expect("prefork", "", "", "");
    expect("prefork", "ruid2", "", "");     /* not there anyway */
}

static void http2_goes_where_prefork_comes(void **state)
{
    (void)state;
    know(HTTPD("2-1") EVENT("2-1") CGID HTTP2, OFFER);
    expect("prefork itk", "", "cgi-1-1 itk-2-1! prefork-2-1!",
           "cgid-1-1 event-2-1 http2-1-1");
}

static void itk_takes_the_place_of_ruid2(void **state)
{
    (void)state;
    know(OLD RUID2, OFFER);
    expect("prefork itk", "", "itk-2-1!", "ruid2-0-1");
    expect_never("itk ruid2", "", "conflicts with");
}

static void the_release_that_is_installed_is_preferred(void **state)
{
    (void)state;
    know(OLD, HTTPD("2-2") HTTPD("2-1") EVENT("2-2") EVENT("2-1")
         PREFORK("2-2") CGI CGID);
    expect("event", "", "cgid-1-1 event-2-1!", "cgi-1-1 prefork-2-1");
}

static void a_new_release_takes_httpd_with_it(void **state)
{
    (void)state;
    know(OLD PKG("ssl", "2-1") "r\thttpd = 2-1\n",
         HTTPD("2-2") EVENT("2-2") PREFORK("2-2") CGI CGID
         PKG("ssl", "2-2") "r\thttpd = 2-2\n");
    expect("event", "",
           "cgid-1-1 event-2-2! httpd-2-2 ssl-2-2",
           "cgi-1-1 httpd-2-1 prefork-2-1 ssl-2-1");
}

static const char *module(int n, int release)
{
    return apr_psprintf(pool, "P\tmod%02d\t0:2-%d\tx\np\tmod%02d = 2-%d\n"
                        "r\thttpd = 2-%d\n", n, release, n, release,
                        release);
}

static void many_modules_of_one_release_go_up_together(void **state)
{
    const char *now = OLD, *then = HTTPD("2-2") EVENT("2-2") CGID;
    em_transaction_t *txn;

    (void)state;
    for (int i = 0; i < 80; i++) {
        now = apr_pstrcat(pool, now, module(i, 1), NULL);
        then = apr_pstrcat(pool, then, module(i, 2), NULL);
    }
    know(now, then);
    txn = solved("event", "");
    assert_null(txn->impossible);
    assert_int_equal(txn->install->nelts, 83);
    assert_int_equal(txn->remove->nelts, 83);
}

static void a_module_without_the_new_release_goes(void **state)
{
    (void)state;
    know(OLD PKG("own", "1-1") "r\thttpd = 2-1\n",
         HTTPD("2-2") EVENT("2-2") CGI CGID);
    expect("event", "", "cgid-1-1 event-2-2! httpd-2-2",
           "cgi-1-1 httpd-2-1 own-1-1 prefork-2-1");
}

static void a_release_that_is_gone_is_said(void **state)
{
    (void)state;
    know(OLD, EVENT("2-2") CGI CGID);
    expect_never("event", "", "event-2-2 requires httpd = 2-2");
}

static void nothing_available(void **state)
{
    (void)state;
    know(OLD, "");
    expect_never("event", "", "no package event");
    know(OLD, EVENT("2-1"));    /* and no cgid, which it requires */
    expect("event", "", "event-2-1!", "cgi-1-1 prefork-2-1");
    know(OLD, EVENT("2-1") PKG("cgid", "1-1") "r\tmpm = forked\n");
    expect_never("event", "", "requires");
}

static void what_is_broken_already_is_left_alone(void **state)
{
    (void)state;
    know(OLD PKG("odd", "1-1") "r\tnowhere\nr\tcgi = 9\nc\thttpd\n"
         "P\tforeign\t0:1-1\tx\np\tnowhere2\n", OFFER);
    expect("event", "", "cgid-1-1 event-2-1!", "cgi-1-1 prefork-2-1");
}

static void wanted_and_unwanted_at_once(void **state)
{
    (void)state;
    know(OLD, OFFER);
    expect_never("event", "event", "wanted and unwanted");
}

static void another_provider_saves_what_would_go(void **state)
{
    (void)state;
    know(OLD PKG("scripts", "1-1") "r\tanycgi\n", OFFER);
    expect("event", "", "cgid-1-1 event-2-1!", "cgi-1-1 prefork-2-1");
}

/* ---- transactions in journals ---- */

static void a_transaction_survives_json(void **state)
{
    em_transaction_t *txn, *again;
    em_json_t *json;

    (void)state;
    know(OLD PHP("7"), OFFER);
    txn = solved("event", "php7");
    em_package_in(txn->install, "event")->file = "/var/x/event.rpm";
    em_package_in(txn->install, "event")->mark = EM_MARK_MANUAL;
    em_package_in(txn->remove, "php7")->mark = EM_MARK_AUTO;
    json = em_transaction_json(txn, pool);
    again = em_transaction_from(json, pool);
    assert_non_null(again);
    assert_int_equal(em_package_in(again->install, "event")->mark,
                     EM_MARK_MANUAL);
    assert_int_equal(em_package_in(again->remove, "php7")->mark,
                     EM_MARK_AUTO);
    assert_int_equal(em_package_in(again->remove, "prefork")->mark,
                     EM_MARK_UNKNOWN);
    assert_string_equal(em_json_text(em_transaction_json(again, pool), 0,
                                     pool), em_json_text(json, 0, pool));
    assert_string_equal(em_package_in(again->install, "event")->file,
                        "/var/x/event.rpm");
    assert_int_equal(em_package_in(again->remove, "php7")->asked, 1);
    assert_string_equal(again->manager, "dnf");
}

/* What dpkg has of a removed package, whatever bytes its scripts hold. */
static void remains_survive_json(void **state)
{
    em_remains_t remains = {"1:2-3", "Package: event\nStatus: x\n",
                            apr_array_make(pool, 1, sizeof(em_remain_t))};
    em_remain_t *file = apr_array_push(remains.files);
    em_transaction_t *txn, *again;
    const em_remains_t *is;
    em_json_t *json;

    (void)state;
    file->name = "event.postrm";
    file->data = "#!/bin/sh\n# \xe4 100%\ttab\r\n";
    file->script = 1;
    know(OLD PHP("7"), OFFER);
    txn = solved("event", "php7");
    em_package_in(txn->install, "event")->left = 1;
    em_package_in(txn->install, "event")->remains = &remains;
    json = em_transaction_remains(txn, pool);
    again = em_transaction_from(em_transaction_json(txn, pool), pool);
    assert_int_equal(em_transaction_take_remains(again, NULL, pool), 1);
    assert_null(em_package_in(again->install, "event")->remains);
    assert_int_equal(em_transaction_take_remains(again, json, pool), 1);
    is = em_package_in(again->install, "event")->remains;
    assert_string_equal(is->version, remains.version);
    assert_string_equal(is->entry, remains.entry);
    assert_int_equal(is->files->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(is->files, 0, em_remain_t).data,
                        file->data);
    assert_int_equal(APR_ARRAY_IDX(is->files, 0, em_remain_t).script, 1);
    file->name = "../event";
    assert_int_equal(em_transaction_take_remains(
        again, em_transaction_remains(txn, pool), pool), 0);
    assert_int_equal(em_transaction_take_remains(
        again, em_json_object(pool), pool), 0);
}

static void json_that_is_no_transaction(void **state)
{
    static const char *const texts[] = {
        "{}", "[]", "{\"manager\":\"dnf\",\"install\":[]}",
        "{\"manager\":\"dnf\",\"install\":[],\"remove\":[{\"name\":\"x\"}]}",
        "{\"manager\":1,\"install\":[],\"remove\":[]}"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const char *error;
        em_json_t *json;

        assert_int_equal(em_json_parse(&json, &error, texts[i],
                                       strlen(texts[i]), pool), APR_SUCCESS);
        assert_null(em_transaction_from(json, pool));
    }
}

/* ---- dnf's table ---- */

static void the_table_of_a_transaction(void **state)
{
    em_transaction_t *txn = em_listing_table(
        "Last metadata expiration check: 0:00:46 ago\n"
        "========\n"
        " Package      Arch    Version  Repository    Size\n"
        "========\n"
        "Installing:\n"
        " ea-apache24-mod_cgid   x86_64  2.4.71-1 EA4   26 k\n"
        "Installing dependencies:\n"
        " ea-a-very-long-name-that-goes-on-in-the-next-line\n"
        "                        noarch  1:3-1    EA4  1.1 M\n"
        "     replacing  other.x86_64 1-1\n"
        "Upgrading:\n"
        " httpd                  x86_64  2.4.71-2 EA4    1 M\n"
        "Removing:\n"
        " ea-apache24-mod_cgi    x86_64  2.4.71-1 @EA4  41 k\n"
        "Skipping packages with conflicts:\n"
        " nothing                x86_64  1-1      EA4    1 k\n"
        "\nTransaction Summary\n========\n", pool);

    (void)state;
    assert_non_null(txn);
    assert_string_equal(said(txn->install),
        "ea-apache24-mod_cgid-2.4.71-1 "
        "ea-a-very-long-name-that-goes-on-in-the-next-line-1:3-1 "
        "httpd-2.4.71-2");
    assert_string_equal(said(txn->remove), "ea-apache24-mod_cgi-2.4.71-1");
    assert_null(em_listing_table("Nothing to do.\nComplete!\n", pool));
}

/* ---- archives ---- */

/* An entry as cpio writes it; returns its length. */
static size_t entry(char *to, const char *name, unsigned mode,
                    const char *data)
{
    size_t len = strlen(data), n;

    n = (size_t)sprintf(to, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
                        "%08x%08x%08x%s", 1, mode, 0, 0, 1, 0,
                        (unsigned)len, 0, 0, 0, 0, (unsigned)strlen(name) + 1,
                        0, name) + 1;
    while (n % 4) {
        to[n++] = '\0';
    }
    memcpy(to + n, data, len);
    for (n += len; n % 4; n++) {
        to[n] = '\0';
    }
    return n;
}

/* ---- zypper ---- */

#define STREAM(inside) "<?xml version='1.0'?>\n<stream>\n" \
    "<message type=\"info\">Loading repository data...</message>\n" \
    inside "</stream>\n"

/* Every kind of row but to-remove comes; patterns are no packages. */
static void zyppers_summary(void **state)
{
    static const char text[] = STREAM(
        "<install-summary download-size=\"1\" packages-to-change=\"4\">\n"
        "<to-install>\n<solvable type=\"package\" name=\"apache2-event\" "
        "edition=\"2.4.58-2.1\" arch=\"x86_64\" summary=\"a &lt; b\">\n"
        "<description>One\nand two.</description></solvable>\n"
        "<solvable type=\"pattern\" name=\"lamp\" edition=\"1-1\" "
        "arch=\"x86_64\"/>\n</to-install>\n<to-upgrade-change-arch>\n"
        "<solvable type=\"package\" name=\"apache2\" edition=\"1:2.4.58-2\" "
        "arch=\"x86_64\" edition-old=\"2.4.51-1\" arch-old=\"i586\"/>\n"
        "</to-upgrade-change-arch>\n<to-remove>\n<solvable "
        "type=\"package\" name=\"apache2-worker\" edition=\"2.4.51-1\" "
        "arch=\"i586\"/>\n</to-remove>\n</install-summary>\n");
    em_transaction_t *txn = em_zypp_summary(text, pool);

    (void)state;
    assert_non_null(txn);
    assert_int_equal(txn->install->nelts, 2);
    assert_string_equal(em_package_in(txn->install, "apache2-event")->version,
                        "2.4.58-2.1");
    assert_string_equal(em_package_in(txn->install, "apache2")->version,
                        "1:2.4.58-2");
    assert_int_equal(txn->remove->nelts, 1);
    assert_string_equal(em_package_in(txn->remove, "apache2-worker")->arch,
                        "i586");
    assert_null(em_zypp_summary(STREAM(""), pool));
    assert_null(em_zypp_summary("", pool));
    for (size_t cut = 0; cut < sizeof(text) - 2; cut++) {
        assert_null(em_zypp_summary(apr_pstrmemdup(pool, text, cut), pool));
    }
}

static void zyppers_files_versions_and_words(void **state)
{
    static const char problem[] = STREAM(
        "<message type=\"error\">No provider of &apos;x&apos;.</message>\n"
        "<prompt id=\"1\">\n<description>Problem: b needs c\n Solution 1: "
        "no b</description>\n<text>Choose</text></prompt>\n");
    static const char files[] = STREAM(
        "<download-result><solvable><kind>package</kind></solvable>"
        "<localfile path=\"/var/a/b.rpm\"/></download-result>"
        "<download-result><localfile path=\"\"/></download-result>");
    static const char offers[] = STREAM(
        "<search-result version=\"0.0\"><solvable-list>"
        "<solvable name=\"a\" kind=\"package\" edition=\"2-1\"/>"
        "<solvable name=\"a\" kind=\"package\" edition=\"1-1\"/>"
        "</solvable-list></search-result>");
    apr_hash_t *versions = apr_hash_make(pool);
    apr_array_header_t *found = em_zypp_files(files, pool);

    (void)state;
    assert_string_equal(em_zypp_words(problem, pool),
                        "No provider of 'x'.\nProblem: b needs c\n Solution "
                        "1: no b");
    assert_string_equal(em_zypp_words("no xml", pool), "");
    assert_int_equal(found->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(found, 0, const char *),
                        "/var/a/b.rpm");
    assert_null(em_zypp_files("<stream>", pool));
    assert_int_equal(em_zypp_files(STREAM(""), pool)->nelts, 0);
    em_zypp_versions(versions, offers, pool);
    assert_string_equal(apr_hash_get(versions, "a", APR_HASH_KEY_STRING),
                        "2-1");
}

static void an_archive_cut_anywhere_is_damaged(void **state)
{
    char archive[600];
    size_t first = entry(archive, "./a/b.c", 0100644, "xyz");
    size_t len = first + entry(archive + first, "TRAILER!!!", 0, "");
    const char *at = archive;
    em_newc_t one;

    (void)state;
    assert_int_equal(em_newc_next(&one, &at, archive + len, pool), 1);
    assert_string_equal(one.name, "/a/b.c");
    assert_int_equal(one.mode, 0100644);
    assert_int_equal(one.len, 3);
    assert_memory_equal(one.data, "xyz", 3);
    assert_int_equal(em_newc_next(&one, &at, archive + len, pool), 0);
    for (size_t cut = 0; cut < first - 1; cut++) {
        char *copy = malloc(cut + 1);

        memcpy(copy, archive, cut);
        at = copy;
        assert_int_equal(em_newc_next(&one, &at, copy + cut, pool), -1);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capabilities_in_every_spelling),
        cmocka_unit_test(what_cannot_be_judged_is_no_capability),
        cmocka_unit_test(ranges_overlap_as_in_rpm),
        cmocka_unit_test(versions_in_rpms_order),
        cmocka_unit_test(an_mpm_brings_its_cgi_and_the_old_ones_go),
        cmocka_unit_test(what_needs_the_old_mpm_goes_and_says_why),
        cmocka_unit_test(what_the_request_names_is_asked_for),
        cmocka_unit_test(nothing_to_do_is_an_empty_transaction),
        cmocka_unit_test(http2_goes_where_prefork_comes),
        cmocka_unit_test(itk_takes_the_place_of_ruid2),
        cmocka_unit_test(the_release_that_is_installed_is_preferred),
        cmocka_unit_test(a_new_release_takes_httpd_with_it),
        cmocka_unit_test(many_modules_of_one_release_go_up_together),
        cmocka_unit_test(a_module_without_the_new_release_goes),
        cmocka_unit_test(a_release_that_is_gone_is_said),
        cmocka_unit_test(nothing_available),
        cmocka_unit_test(what_is_broken_already_is_left_alone),
        cmocka_unit_test(wanted_and_unwanted_at_once),
        cmocka_unit_test(another_provider_saves_what_would_go),
        cmocka_unit_test(a_transaction_survives_json),
        cmocka_unit_test(remains_survive_json),
        cmocka_unit_test(json_that_is_no_transaction),
        cmocka_unit_test(the_table_of_a_transaction),
        cmocka_unit_test(zyppers_summary),
        cmocka_unit_test(zyppers_files_versions_and_words),
        cmocka_unit_test(an_archive_cut_anywhere_is_damaged),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
