/* What a change keeps of its package transaction: packages and configuration
 * files in the journal, and their way back. The transaction itself is made by
 * real package managers in tests/packages. */

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "change/part.h"

#define CONF "/etc/mods/000_prefork.conf"
#define NEW "/etc/mods/000_event.conf"
#define SO "/usr/mod_prefork.so"

static char root[64];
static em_view_t *view;
static em_result_t *res;
static em_plan_t *plan;

static const char *at(const char *path)
{
    return apr_pstrcat(pool, root, path, NULL);
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(at(path), "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static const char *get(const char *path)
{
    static char buf[8192];
    FILE *f = fopen(at(path), "r");
    size_t n;

    if (!f) {
        return "-";
    }
    n = fread(buf, 1, sizeof(buf) - 1, f);
    buf[n] = '\0';
    fclose(f);
    return buf;
}

static void effect(em_step_t *step, const char *path, const char *text,
                   int config)
{
    em_effect_t *one = apr_pcalloc(pool, sizeof(*one));

    one->path = path;
    one->config = config;
    one->after.kind = text ? EM_NODE_FILE : EM_NODE_ABSENT;
    one->after.data = text;
    one->after.len = text ? strlen(text) : 0;
    one->after.mode = 0644;
    APR_ARRAY_PUSH(step->effects, em_effect_t *) = one;
}

static em_package_t *package(const char *name)
{
    em_package_t *one = apr_pcalloc(pool, sizeof(*one));

    one->name = name;
    one->version = "1-1";
    one->arch = "noarch";
    one->file = at(apr_pstrcat(pool, "/fetched/", name, ".rpm", NULL));
    put(apr_pstrcat(pool, "/fetched/", name, ".rpm", NULL), name);
    return one;
}

/* prefork goes, whose file the administrator edited; event comes. */
static void packages_step(void)
{
    em_step_t *step = apr_pcalloc(pool, sizeof(*step));
    em_transaction_t *txn = apr_pcalloc(pool, sizeof(*txn));

    txn->manager = "dnf";
    txn->install = apr_array_make(pool, 1, sizeof(em_package_t *));
    txn->remove = apr_array_make(pool, 1, sizeof(em_package_t *));
    APR_ARRAY_PUSH(txn->install, em_package_t *) = package("event");
    APR_ARRAY_PUSH(txn->remove, em_package_t *) = package("prefork");
    step->kind = EM_STEP_PACKAGES;
    step->why = "event instead of prefork";
    step->packages = txn;
    step->effects = apr_array_make(pool, 4, sizeof(em_effect_t *));
    effect(step, CONF, NULL, 1);
    effect(step, CONF ".rpmsave", "edited\n", 1);
    effect(step, NEW, "event\n", 1);
    effect(step, SO, NULL, 0);
    effect(step, "/usr/mod_event.so", "event code", 0);
    APR_ARRAY_PUSH(plan->steps, em_step_t *) = step;
}

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/ea-mpm-part-XXXXXX");
    if (!mkdtemp(root)) {
        return -1;
    }
    em_view_open(&view, root, pool);
    res = em_result_make(pool);
    plan = apr_pcalloc(pool, sizeof(*plan));
    plan->from = "prefork";
    plan->to = "event";
    plan->steps = apr_array_make(pool, 4, sizeof(em_step_t *));
    plan->consequences = apr_array_make(pool, 1, sizeof(void *));
    plan->restart_units = apr_array_make(pool, 1, sizeof(char *));
    assert_int_equal(mkdir(at("/etc"), 0755) | mkdir(at("/etc/mods"), 0755)
                     | mkdir(at("/usr"), 0755) | mkdir(at("/fetched"), 0755),
                     0);
    put(CONF, "edited\n");
    assert_int_equal(chmod(at(CONF), 0640), 0);
    put(SO, "prefork code");
    packages_step();
    return 0;
}

static int teardown(void **state)
{
    char cmd[128];

    (void)state;
    snprintf(cmd, sizeof(cmd), "rm -rf %s", root);
    return system(cmd);
}

static em_txn_t *begin(void)
{
    em_txn_t *txn = NULL;

    if (em_txn_begin(&txn, view, plan, NULL, res, pool) != APR_SUCCESS) {
        fail_msg("%s", res->detail);
    }
    return txn;
}

static em_txn_t *reopened(void)
{
    em_txn_t *txn = NULL;

    if (em_txn_open(&txn, view, res, pool) != APR_SUCCESS) {
        fail_msg("%s", res->detail);
    }
    return txn;
}

static const char *journal(const em_txn_t *txn, const char *name)
{
    return apr_pstrcat(pool, EM_STATE_DIR "/journal/",
                       em_txn_info(txn)->id, "/", name, NULL);
}

/* As the package manager leaves it. */
static void transaction(void)
{
    assert_int_equal(rename(at(CONF), at(CONF ".rpmsave"))
                     | unlink(at(SO)), 0);
    put(NEW, "event\n");
    put("/usr/mod_event.so", "event code");
}

static void assert_old(void)
{
    struct stat st;

    assert_string_equal(get(CONF), "edited\n");
    assert_int_equal(stat(at(CONF), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_string_equal(get(CONF ".rpmsave"), "-");
    assert_string_equal(get(CONF ".rpmnew"), "-");
    assert_string_equal(get(NEW), "-");
    assert_string_equal(get(NEW ".rpmsave"), "-");
    assert_string_equal(get("/usr/mod_event.so"), "-");
}

static void the_journal_has_the_packages_both_ways(void **state)
{
    em_txn_t *txn = begin();
    const em_transaction_t *packages;

    (void)state;
    assert_string_equal(get(journal(txn, "packages/event.rpm")), "event");
    assert_string_equal(get(journal(txn, "packages/prefork.rpm")),
                        "prefork");
    assert_string_equal(get(CONF), "edited\n");
    /* What was fetched may go now; and another process finds the same. */
    assert_int_equal(unlink(at("/fetched/event.rpm"))
                     | unlink(at("/fetched/prefork.rpm")), 0);
    for (int i = 0; i < 2; i++, txn = reopened()) {
        packages = APR_ARRAY_IDX(em_txn_info(txn)->plan->steps, 0,
                                 em_step_t *)->packages;
        assert_string_equal(
            APR_ARRAY_IDX(packages->install, 0, em_package_t *)->file,
            at(journal(txn, "packages/event.rpm")));
        assert_string_equal(
            APR_ARRAY_IDX(packages->remove, 0, em_package_t *)->file,
            at(journal(txn, "packages/prefork.rpm")));
        assert_null(em_part_damage(txn->intent->packages));
    }
    assert_int_equal(em_txn_info(txn)->packages_size, 12);
}

static void a_change_that_was_only_written_down_is_undone_without_packages(
    void **state)
{
    em_txn_t *txn;

    (void)state;
    begin();
    txn = reopened();
    assert_int_equal(em_txn_undo(txn, NULL, res), APR_SUCCESS);
    assert_old();
    assert_string_equal(get(SO), "prefork code");
    /* Nobody needs them any more. */
    assert_string_equal(get(journal(txn, "packages/event.rpm")), "-");
}

static void every_path_comes_back_as_it_was(void **state)
{
    struct stat before, after;
    em_txn_t *txn;

    (void)state;
    assert_int_equal(stat(at(CONF), &before), 0);
    begin();
    transaction();
    /* The manager brings back what it knows, in its own way. */
    put(SO, "prefork code");
    put(CONF, "as packaged\n");
    put(NEW ".rpmsave", "event\n");
    txn = reopened();
    if (em_kept_restore(txn, NULL, res) != APR_SUCCESS) {
        fail_msg("%s", res->detail);
    }
    assert_old();
    assert_int_equal(stat(at(CONF), &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    /* Once more changes nothing. */
    assert_int_equal(em_kept_restore(txn, NULL, res), APR_SUCCESS);
    assert_old();
}

static void what_a_killed_manager_unpacked_goes(void **state)
{
    (void)state;
    begin();
    put(NEW, "event\n");
    put("/usr/mod_event.so", "event code");
    put("/usr/mod_event.so;6740a1b2", "event co");
    put("/usr/mod_event.so;mine", "not rpm's");
    assert_int_equal(em_kept_restore(reopened(), NULL, res), APR_SUCCESS);
    assert_old();
    assert_string_equal(get("/usr/mod_event.so;6740a1b2"), "-");
    assert_string_equal(get("/usr/mod_event.so;mine"), "not rpm's");
}

static void an_edit_that_nobody_knows_is_kept(void **state)
{
    em_txn_t *txn = begin();

    (void)state;
    transaction();
    put(SO, "prefork code");
    put(NEW, "edited after the crash\n");
    assert_int_equal(em_kept_save(txn, NULL, res), APR_SUCCESS);
    assert_int_equal(em_kept_restore(txn, NULL, res), APR_SUCCESS);
    assert_old();
    assert_string_equal(
        get(journal(txn, apr_psprintf(pool, "found/%d-000_event.conf",
                                      em_kept_at(txn->intent->packages, NEW)
                                          ->move.n - EM_KEPT_FIRST))),
        "edited after the crash\n");
}

static void a_missing_module_is_told(void **state)
{
    (void)state;
    begin();
    transaction();
    assert_int_not_equal(em_kept_restore(reopened(), NULL, res),
                         APR_SUCCESS);
    assert_string_equal(res->problem, "packages-damaged");
    assert_int_equal(res->exit_code, EM_EXIT_ATTENTION);
    assert_non_null(strstr(res->detail, SO));
}

static void damage_is_told_and_nothing_touched(void **state)
{
    em_txn_t *txn = begin();

    (void)state;
    put(journal(txn, "packages/prefork.rpm"), "prefurk");
    assert_string_equal(em_part_damage(txn->intent->packages),
                        "prefork.rpm");
    transaction();
    assert_int_not_equal(em_part_back(txn, NULL, res), APR_SUCCESS);
    assert_string_equal(res->problem, "journal-corrupt");
    assert_string_equal(get(CONF), "-");
    put(journal(txn, "kept/0"), "damaged\n");
    em_result_clear(res);
    assert_int_not_equal(em_txn_open(&txn, view, res, pool), APR_SUCCESS);
    assert_string_equal(res->problem, "journal-corrupt");
    assert_non_null(strstr(res->detail, "kept/0"));
}

static void a_package_that_is_not_there_stops_the_begin(void **state)
{
    em_txn_t *txn;

    (void)state;
    assert_int_equal(unlink(at("/fetched/event.rpm")), 0);
    assert_int_not_equal(em_txn_begin(&txn, view, plan, NULL, res, pool),
                         APR_SUCCESS);
    assert_string_equal(res->problem, "read-failed");
    assert_old();
    assert_null(reopened());
}

static void the_rehearsals_tree_gets_the_effects(void **state)
{
    (void)state;
    assert_int_equal(em_steps_apply_raw(plan, view, res, pool), APR_SUCCESS);
    assert_string_equal(get(CONF), "-");
    assert_string_equal(get(CONF ".rpmsave"), "edited\n");
    assert_string_equal(get(NEW), "event\n");
    assert_string_equal(get(SO), "-");
    assert_string_equal(get("/usr/mod_event.so"), "event code");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_journal_has_the_packages_both_ways),
        T(a_change_that_was_only_written_down_is_undone_without_packages),
        T(every_path_comes_back_as_it_was),
        T(what_a_killed_manager_unpacked_goes),
        T(an_edit_that_nobody_knows_is_kept),
        T(a_missing_module_is_told),
        T(damage_is_told_and_nothing_touched),
        T(a_package_that_is_not_there_stops_the_begin),
        T(the_rehearsals_tree_gets_the_effects),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
