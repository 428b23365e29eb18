/* The room that writes: journal, apply, undo, rollback, lock. Every test has
 * a tree of its own below a temporary directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "change/change.h"
#include "change/intent.h"

typedef struct tree_t {
    apr_pool_t *pool;
    char root[64];
    em_view_t *view;
    em_result_t *res;
    em_plan_t *plan;
} tree_t;

static const char *at(tree_t *t, const char *path)
{
    return apr_pstrcat(t->pool, t->root, path, NULL);
}

static void put(tree_t *t, const char *path, const char *text)
{
    FILE *f = fopen(at(t, path), "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static const char *get(tree_t *t, const char *path)
{
    static char buf[8192];
    FILE *f = fopen(at(t, path), "r");
    size_t n;

    if (!f) {
        return NULL;
    }
    n = fread(buf, 1, sizeof(buf) - 1, f);
    buf[n] = '\0';
    fclose(f);
    return buf;
}

static const char *target(tree_t *t, const char *path)
{
    static char buf[256];
    ssize_t n = readlink(at(t, path), buf, sizeof(buf) - 1);

    if (n < 0) {
        return NULL;
    }
    buf[n] = '\0';
    return buf;
}

static void dir(tree_t *t, const char *path)
{
    assert_int_equal(mkdir(at(t, path), 0755), 0);
}

static em_node_t file_node(const char *text)
{
    em_node_t node = {.kind = EM_NODE_FILE, .data = text,
                      .len = strlen(text)};

    return node;
}

static em_node_t link_node(const char *to)
{
    em_node_t node = {.kind = EM_NODE_LINK, .data = to, .len = strlen(to)};

    return node;
}

static const em_node_t absent = {.kind = EM_NODE_ABSENT};

static void step(tree_t *t, const char *path, em_node_t before,
                 em_node_t after)
{
    em_step_t *s = apr_pcalloc(t->pool, sizeof(*s));

    s->kind = EM_STEP_PATH;
    s->path = path;
    s->why = "test";
    s->before = before;
    s->after = after;
    APR_ARRAY_PUSH(t->plan->steps, em_step_t *) = s;
}

static int setup(void **state)
{
    tree_t *t = calloc(1, sizeof(*t));

    apr_pool_create(&t->pool, NULL);
    strcpy(t->root, "/tmp/ea-mpm-change-XXXXXX");
    if (!mkdtemp(t->root)) {
        return -1;
    }
    em_view_open(&t->view, t->root, t->pool);
    t->res = em_result_make(t->pool);
    t->plan = apr_pcalloc(t->pool, sizeof(*t->plan));
    t->plan->from = "prefork";
    t->plan->to = "event";
    t->plan->steps = apr_array_make(t->pool, 4, sizeof(em_step_t *));
    t->plan->consequences = apr_array_make(t->pool, 1, sizeof(void *));
    t->plan->restart_units = apr_array_make(t->pool, 1, sizeof(char *));
    dir(t, "/etc");
    dir(t, "/etc/mods");
    put(t, "/etc/httpd.conf", "LoadModule a\n#LoadModule b\r\nlast");
    put(t, "/etc/mods/real.conf", "kept\n");
    assert_int_equal(symlink("../avail/a.load", at(t, "/etc/mods/a.load")),
                     0);
    assert_int_equal(symlink("../avail/z.load", at(t, "/etc/mods/z.load")),
                     0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    tree_t *t = *state;
    char cmd[256];
    int rc;

    snprintf(cmd, sizeof(cmd), "chmod -R u+rwx %s; rm -rf %s", t->root,
             t->root);
    rc = system(cmd);
    apr_pool_destroy(t->pool);
    free(t);
    return rc;
}

/* A plan with everything: an edit, links that go and come, a marker in
 * directories that are not there. */
static void full_plan(tree_t *t)
{
    step(t, "/etc/httpd.conf",
         file_node("LoadModule a\n#LoadModule b\r\nlast"),
         file_node("#LoadModule a\nLoadModule b\r\nlast"));
    step(t, "/etc/mods/a.load", link_node("../avail/a.load"), absent);
    step(t, "/etc/mods/b.load", absent, link_node("../avail/b.load"));
    step(t, "/var/lib/x/enabled_by_admin/b", absent, file_node(""));
}

static em_txn_t *begin(tree_t *t)
{
    em_txn_service_t service
        = {.was_running = 1,
           .service = {.kind = EM_SERVICE_SYSTEMD, .unit = "x.service"}};
    em_txn_t *txn = NULL;

    if (em_txn_begin(&txn, t->view, t->plan, &service, t->res, t->pool)
        != APR_SUCCESS) {
        fail_msg("%s", t->res->detail);
    }
    return txn;
}

static void apply(tree_t *t, em_txn_t *txn)
{
    if (em_txn_apply(txn, NULL, t->res) != APR_SUCCESS
        || em_txn_settle(txn, NULL, t->res) != APR_SUCCESS) {
        fail_msg("%s", t->res->detail);
    }
}

static void assert_old(tree_t *t)
{
    struct stat st;

    assert_string_equal(get(t, "/etc/httpd.conf"),
                        "LoadModule a\n#LoadModule b\r\nlast");
    assert_string_equal(target(t, "/etc/mods/a.load"), "../avail/a.load");
    assert_null(target(t, "/etc/mods/b.load"));
    assert_string_equal(target(t, "/etc/mods/z.load"), "../avail/z.load");
    assert_string_equal(get(t, "/etc/mods/real.conf"), "kept\n");
    assert_int_not_equal(stat(at(t, "/var/lib/x"), &st), 0);
}

static void assert_new(tree_t *t)
{
    assert_string_equal(get(t, "/etc/httpd.conf"),
                        "#LoadModule a\nLoadModule b\r\nlast");
    assert_null(target(t, "/etc/mods/a.load"));
    assert_string_equal(target(t, "/etc/mods/b.load"), "../avail/b.load");
    assert_string_equal(target(t, "/etc/mods/z.load"), "../avail/z.load");
    assert_string_equal(get(t, "/etc/mods/real.conf"), "kept\n");
    assert_string_equal(get(t, "/var/lib/x/enabled_by_admin/b"), "");
}

/* Nothing of ours may lie about in the configuration. */
static void assert_tidy(tree_t *t)
{
    char cmd[256];

    snprintf(cmd, sizeof(cmd), "! find %s/etc %s/var -name '.ea-mpm*' |"
             " grep .", t->root, t->root);
    assert_int_equal(system(cmd), 0);
}

static void applies_and_commits(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn, *open;
    struct stat st;

    full_plan(t);
    txn = begin(t);
    assert_old(t);
    assert_int_equal(em_txn_prepare(txn, NULL, t->res), APR_SUCCESS);
    assert_int_equal(em_txn_info(txn)->state, EM_TXN_APPLYING);
    assert_string_equal(target(t, "/etc/mods/a.load"), "../avail/a.load");
    assert_null(get(t, "/var/lib/x/enabled_by_admin/b"));
    assert_int_equal(em_txn_apply(txn, NULL, t->res), APR_SUCCESS);
    assert_new(t);
    assert_int_equal(em_txn_settle(txn, NULL, t->res), APR_SUCCESS);
    assert_tidy(t);
    assert_int_equal(em_txn_open(&open, t->view, t->res, t->pool),
                     APR_SUCCESS);
    assert_non_null(open);
    assert_int_equal(em_txn_info(open)->state, EM_TXN_APPLIED);
    assert_int_equal(em_txn_info(open)->service.was_running, 1);
    assert_string_equal(em_txn_info(open)->service.service.unit,
                        "x.service");
    assert_int_equal(em_txn_commit(txn, t->res), APR_SUCCESS);
    assert_int_equal(em_txn_open(&open, t->view, t->res, t->pool),
                     APR_SUCCESS);
    assert_null(open);
    assert_int_equal(stat(at(t, EM_STATE_DIR), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void undoes_an_applied_change(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    full_plan(t);
    txn = begin(t);
    apply(t, txn);
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
    assert_old(t);
    assert_tidy(t);
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
    assert_old(t);
}

static void a_mark_tells_boot_scripts_that_a_change_is_open(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    full_plan(t);
    txn = begin(t);
    assert_string_equal(target(t, EM_STATE_DIR "/open"),
                        apr_pstrcat(t->pool, "journal/", em_txn_info(txn)->id,
                                    NULL));
    assert_int_equal(em_txn_apply(txn, NULL, t->res), APR_SUCCESS);
    assert_non_null(target(t, EM_STATE_DIR "/open"));
    assert_int_equal(em_txn_commit(txn, t->res), APR_SUCCESS);
    assert_null(target(t, EM_STATE_DIR "/open"));
    /* One that a power loss left behind. */
    assert_int_equal(symlink("journal/none", at(t, EM_STATE_DIR "/open")), 0);
    em_txn_tidy(t->view, t->pool);
    assert_null(target(t, EM_STATE_DIR "/open"));
}

static void keeps_mode_owner_time_and_attributes(void **state)
{
    tree_t *t = *state;
    const char *conf = at(t, "/etc/httpd.conf");
    const char *link = at(t, "/etc/mods/a.load");
    struct timespec ts[2] = {{1000000, 123456789}, {1000000, 123456789}};
    int has_xattr = setxattr(conf, "user.note", "x\0y", 3, 0) == 0;
    struct stat st;
    em_txn_t *txn;
    char buf[8];

    assert_int_equal(chmod(conf, 0640), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(conf, 12, 34), 0);
        assert_int_equal(lchown(link, 56, 78), 0);
    }
    utimensat(AT_FDCWD, conf, ts, 0);
    utimensat(AT_FDCWD, link, ts, AT_SYMLINK_NOFOLLOW);
    full_plan(t);
    txn = begin(t);
    apply(t, txn);
    stat(conf, &st);
    assert_int_equal(st.st_mode & 07777, 0640);
    if (geteuid() == 0) {
        assert_int_equal(st.st_uid, 12);
        assert_int_equal(st.st_gid, 34);
    }
    if (has_xattr) {
        assert_int_equal(getxattr(conf, "user.note", buf, 8), 3);
    }
    assert_int_not_equal(st.st_mtim.tv_sec, 1000000);
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
    stat(conf, &st);
    assert_int_equal(st.st_mtim.tv_sec, 1000000);
    assert_int_equal(st.st_mtim.tv_nsec, 123456789);
    if (has_xattr) {
        assert_int_equal(getxattr(conf, "user.note", buf, 8), 3);
        assert_memory_equal(buf, "x\0y", 3);
    }
    lstat(link, &st);
    assert_int_equal(st.st_mtim.tv_sec, 1000000);
    if (geteuid() == 0) {
        assert_int_equal(st.st_uid, 56);
    }
}

static void exchanges_the_directory_of_several_links(void **state)
{
    tree_t *t = *state;
    struct stat before, after, kept_before, kept_after;
    em_txn_t *txn;

    stat(at(t, "/etc/mods"), &before);
    stat(at(t, "/etc/mods/real.conf"), &kept_before);
    full_plan(t);
    txn = begin(t);
    apply(t, txn);
    stat(at(t, "/etc/mods"), &after);
    stat(at(t, "/etc/mods/real.conf"), &kept_after);
    assert_int_not_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mode, after.st_mode);
    assert_int_equal(kept_before.st_ino, kept_after.st_ino);
    assert_int_equal(kept_after.st_nlink, 1);
    assert_new(t);
}

static void undoes_what_was_prepared_and_what_was_not_settled(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    full_plan(t);
    for (int parts = 1; parts <= 2; parts++) {
        txn = begin(t);
        assert_int_equal(em_txn_prepare(txn, NULL, t->res), APR_SUCCESS);
        if (parts > 1) {
            assert_int_equal(em_txn_apply(txn, NULL, t->res), APR_SUCCESS);
            assert_new(t);
        }
        /* As another process would find it. */
        assert_int_equal(em_txn_open(&txn, t->view, t->res, t->pool),
                         APR_SUCCESS);
        assert_int_equal(em_txn_info(txn)->state, EM_TXN_APPLYING);
        assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
        assert_old(t);
        assert_tidy(t);
    }
}

/* 1: the shell pattern NAME matches something below /etc. */
static int there_is(tree_t *t, const char *name)
{
    char cmd[256];

    snprintf(cmd, sizeof(cmd), "find %s/etc -name '%s' | grep -q .", t->root,
             name);
    return system(cmd) == 0;
}

static void puts_nothing_beside_files_that_are_read_whole(void **state)
{
    tree_t *t = *state;
    em_conf_t conf = {0};
    em_txn_t *txn;

    conf.open_dirs = apr_array_make(t->pool, 2, sizeof(const char *));
    full_plan(t);
    txn = begin(t);
    assert_int_equal(em_txn_prepare(txn, &conf, t->res), APR_SUCCESS);
    assert_true(there_is(t, ".ea-mpm*"));
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);

    /* Of all directories, the one that is named through a link. */
    assert_int_equal(symlink("etc/mods", at(t, "/mods")), 0);
    APR_ARRAY_PUSH(conf.open_dirs, const char *) = "/mods/";
    txn = begin(t);
    assert_int_equal(em_txn_prepare(txn, &conf, t->res), APR_SUCCESS);
    assert_false(there_is(t, ".ea-mpm*-[12]"));
    assert_false(there_is(t, ".ea-mpm*-d*"));
    assert_true(there_is(t, ".ea-mpm*-0"));
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);

    /* A copy of the directory would be read, too. */
    APR_ARRAY_PUSH(conf.open_dirs, const char *) = "/etc";
    txn = begin(t);
    assert_int_equal(em_txn_prepare(txn, &conf, t->res), APR_SUCCESS);
    assert_false(there_is(t, ".ea-mpm*"));
    apply(t, txn);
    assert_new(t);
    assert_tidy(t);
}

static void goes_step_by_step_where_a_directory_is_in_the_way(void **state)
{
    tree_t *t = *state;
    struct stat before, after;
    em_txn_t *txn;

    dir(t, "/etc/mods/sub");
    stat(at(t, "/etc/mods"), &before);
    full_plan(t);
    txn = begin(t);
    apply(t, txn);
    stat(at(t, "/etc/mods"), &after);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_new(t);
    assert_tidy(t);
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
    assert_old(t);
}

static void refuses_to_begin_when_a_file_is_not_as_planned(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn = NULL;
    struct stat st;

    full_plan(t);
    put(t, "/etc/httpd.conf", "edited");
    assert_int_not_equal(em_txn_begin(&txn, t->view, t->plan, NULL, t->res,
                                      t->pool), APR_SUCCESS);
    assert_string_equal(t->res->problem, "changed-since-plan");
    assert_string_equal(get(t, "/etc/httpd.conf"), "edited");
    assert_int_not_equal(stat(at(t, EM_STATE_DIR "/journal"), &st), 0);
}

static void refuses_to_apply_over_an_edit_and_undoes_around_it(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    full_plan(t);
    txn = begin(t);
    put(t, "/etc/mods/c.load", "somebody's own");
    assert_int_equal(unlink(at(t, "/etc/mods/a.load")), 0);
    assert_int_not_equal(em_txn_apply(txn, NULL, t->res), APR_SUCCESS);
    assert_string_equal(t->res->problem, "changed-since-plan");
    assert_string_equal(get(t, "/etc/mods/c.load"), "somebody's own");
    em_result_clear(t->res);
    /* a.load is gone, as the change wanted: undoing brings it back. */
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
    assert_old(t);
    assert_string_equal(get(t, "/etc/mods/c.load"), "somebody's own");
    assert_tidy(t);
}

static void undo_touches_nothing_when_somebody_edited_since(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    full_plan(t);
    txn = begin(t);
    apply(t, txn);
    put(t, "/etc/httpd.conf", "repaired by hand");
    assert_int_not_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
    assert_string_equal(t->res->problem, "changed-since-switch");
    assert_int_equal(t->res->exit_code, EM_EXIT_ATTENTION);
    assert_string_equal(get(t, "/etc/httpd.conf"), "repaired by hand");
    assert_string_equal(target(t, "/etc/mods/b.load"), "../avail/b.load");
    /* The hint closes the journal. */
    assert_int_equal(system(t->res->hint), 0);
    em_result_clear(t->res);
    assert_int_equal(em_txn_open(&txn, t->view, t->res, t->pool),
                     APR_SUCCESS);
    assert_null(txn);
}

static void rolls_back_a_committed_change_to_the_last_bit(void **state)
{
    tree_t *t = *state;
    struct timespec ts[2] = {{1000000, 5}, {1000000, 5}};
    apr_array_header_t *list;
    struct stat st;
    em_txn_t *txn;

    utimensat(AT_FDCWD, at(t, "/etc/mods/a.load"), ts, AT_SYMLINK_NOFOLLOW);
    full_plan(t);
    APR_ARRAY_PUSH(t->plan->restart_units, const char *) = "httpd@x.service";
    txn = begin(t);
    apply(t, txn);
    assert_int_equal(em_txn_commit(txn, t->res), APR_SUCCESS);
    assert_int_equal(em_txn_rollback_plan(&t->plan, t->view, NULL, 0, t->res,
                                          t->pool), APR_SUCCESS);
    assert_int_equal(t->plan->restart_units->nelts, 1);
    assert_string_equal(t->plan->from, "event");
    assert_string_equal(t->plan->to, "prefork");
    assert_int_equal(t->plan->steps->nelts, 4);
    txn = begin(t);
    apply(t, txn);
    assert_int_equal(em_txn_commit(txn, t->res), APR_SUCCESS);
    assert_old(t);
    assert_tidy(t);
    lstat(at(t, "/etc/mods/a.load"), &st);
    assert_int_equal(st.st_mtim.tv_sec, 1000000);
    assert_int_equal(em_txn_list(&list, t->view, t->res, t->pool),
                     APR_SUCCESS);
    assert_int_equal(list->nelts, 2);
    assert_string_equal(
        APR_ARRAY_IDX(list, 0, em_txn_info_t *)->rolled_back_by,
        em_txn_info(txn)->id);
    assert_int_not_equal(em_txn_rollback_plan(&t->plan, t->view, NULL, 0,
                                              t->res, t->pool), APR_SUCCESS);
    assert_string_equal(t->res->problem, "nothing-to-roll-back");
}

static void undoes_a_rollback_that_failed(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    full_plan(t);
    txn = begin(t);
    apply(t, txn);
    assert_int_equal(em_txn_commit(txn, t->res), APR_SUCCESS);
    assert_int_equal(em_txn_rollback_plan(&t->plan, t->view, NULL, 0, t->res,
                                          t->pool), APR_SUCCESS);
    txn = begin(t);
    apply(t, txn);
    assert_old(t);
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
    assert_new(t);
}

static void rollback_refuses_to_lose_an_edit_unless_forced(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    full_plan(t);
    txn = begin(t);
    apply(t, txn);
    assert_int_equal(em_txn_commit(txn, t->res), APR_SUCCESS);
    put(t, "/etc/httpd.conf", "edited since");
    assert_int_not_equal(em_txn_rollback_plan(&t->plan, t->view, NULL, 0,
                                              t->res, t->pool), APR_SUCCESS);
    assert_string_equal(t->res->problem, "changed-since-switch");
    assert_int_equal(t->res->exit_code, EM_EXIT_REFUSED);
    em_result_clear(t->res);
    assert_int_equal(em_txn_rollback_plan(&t->plan, t->view, NULL, 1, t->res,
                                          t->pool), APR_SUCCESS);
    txn = begin(t);
    apply(t, txn);
    assert_old(t);
}

static void refuses_a_second_change_while_one_is_open(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    full_plan(t);
    begin(t);
    assert_int_not_equal(em_txn_begin(&txn, t->view, t->plan, NULL, t->res,
                                      t->pool), APR_SUCCESS);
    assert_string_equal(t->res->problem, "recovery-needed");
    assert_string_equal(t->res->hint, "ea-mpm recover");
}

static void a_damaged_journal_says_what_to_do_and_changes_nothing(void **s)
{
    static const char *const damage[] = {
        "intent.json", "sum", "before/0", "after/0", "state"
    };
    tree_t *t = *s;
    em_txn_t *txn;
    const char *dirname;

    full_plan(t);
    txn = begin(t);
    apply(t, txn);
    dirname = apr_pstrcat(t->pool, EM_STATE_DIR "/journal/",
                          em_txn_info(txn)->id, "/", NULL);
    for (size_t i = 0; i < sizeof(damage) / sizeof(*damage); i++) {
        const char *name = apr_pstrcat(t->pool, dirname, damage[i], NULL);
        const char *was = apr_pstrdup(t->pool, get(t, name));

        put(t, name, apr_pstrcat(t->pool, was + 1, NULL));
        assert_int_not_equal(em_txn_open(&txn, t->view, t->res, t->pool),
                             APR_SUCCESS);
        assert_string_equal(t->res->problem, "journal-corrupt");
        assert_non_null(strstr(t->res->hint, "mv "));
        assert_new(t);
        put(t, name, was);
        em_result_clear(t->res);
        t->res->hint = NULL;
        assert_int_equal(em_txn_open(&txn, t->view, t->res, t->pool),
                         APR_SUCCESS);
    }
}

static void refuses_a_state_directory_that_others_can_write(void **state)
{
    tree_t *t = *state;
    em_lock_t *lock;

    dir(t, "/var");
    dir(t, "/var/lib");
    dir(t, EM_STATE_DIR);
    assert_int_equal(chmod(at(t, EM_STATE_DIR), 0777), 0);
    assert_int_not_equal(em_lock_take(&lock, t->view, "test", t->res,
                                      t->pool), APR_SUCCESS);
    assert_string_equal(t->res->problem, "state-dir-unsafe");
}

static void paths_never_leave_the_root_through_links(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    assert_int_equal(symlink("/tmp", at(t, "/etc/out")), 0);
    step(t, "/etc/out/ea-mpm-must-not-exist", absent, file_node("x"));
    assert_int_not_equal(em_txn_begin(&txn, t->view, t->plan, NULL, t->res,
                                      t->pool), APR_SUCCESS);
    assert_int_not_equal(access("/tmp/ea-mpm-must-not-exist", F_OK), 0);
}

static void names_with_any_byte_survive_the_journal(void **state)
{
    tree_t *t = *state;
    em_txn_t *txn;

    step(t, "/etc/na%me \xff\n\"x", absent, link_node("to\xfe%41"));
    txn = begin(t);
    apply(t, txn);
    assert_string_equal(target(t, "/etc/na%me \xff\n\"x"), "to\xfe%41");
    assert_int_equal(em_txn_open(&txn, t->view, t->res, t->pool),
                     APR_SUCCESS);
    assert_int_equal(em_txn_undo(txn, NULL, t->res), APR_SUCCESS);
    assert_null(target(t, "/etc/na%me \xff\n\"x"));
}

static void the_lock_tells_who_holds_it_and_dies_with_the_holder(void **s)
{
    tree_t *t = *s;
    em_lock_t *lock;
    apr_pool_t *sub;
    int ready[2], hold[2], status;
    char c;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(hold), 0);
    pid = fork();
    if (pid == 0) {
        if (em_lock_take(&lock, t->view, "ea-mpm switch event", t->res,
                         t->pool) == APR_SUCCESS
            && write(ready[1], "x", 1) == 1) {
            close(hold[1]);
            (void)!read(hold[0], &c, 1);
        }
        _exit(0);               /* as if killed: no cleanup runs */
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_not_equal(em_lock_take(&lock, t->view, "b", t->res, t->pool),
                         APR_SUCCESS);
    assert_int_equal(t->res->exit_code, EM_EXIT_BUSY);
    assert_string_equal(t->res->problem, "lock-held");
    assert_non_null(strstr(t->res->detail, apr_itoa(t->pool, pid)));
    assert_non_null(strstr(t->res->detail, "ea-mpm switch event"));
    close(hold[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    em_result_clear(t->res);
    apr_pool_create(&sub, t->pool);
    assert_int_equal(em_lock_take(&lock, t->view, "c", t->res, sub),
                     APR_SUCCESS);
    apr_pool_destroy(sub);
    assert_int_equal(em_lock_take(&lock, t->view, "d", t->res, t->pool),
                     APR_SUCCESS);
    close(ready[0]);
    close(ready[1]);
    close(hold[0]);
}

static void raw_steps_give_the_same_tree_as_apply(void **state)
{
    tree_t *t = *state;

    full_plan(t);
    assert_int_equal(em_steps_apply_raw(t->plan, t->view, t->res, t->pool),
                     APR_SUCCESS);
    assert_new(t);
    assert_tidy(t);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(applies_and_commits),
        T(undoes_an_applied_change),
        T(a_mark_tells_boot_scripts_that_a_change_is_open),
        T(keeps_mode_owner_time_and_attributes),
        T(exchanges_the_directory_of_several_links),
        T(undoes_what_was_prepared_and_what_was_not_settled),
        T(puts_nothing_beside_files_that_are_read_whole),
        T(goes_step_by_step_where_a_directory_is_in_the_way),
        T(refuses_to_begin_when_a_file_is_not_as_planned),
        T(refuses_to_apply_over_an_edit_and_undoes_around_it),
        T(undo_touches_nothing_when_somebody_edited_since),
        T(rolls_back_a_committed_change_to_the_last_bit),
        T(undoes_a_rollback_that_failed),
        T(rollback_refuses_to_lose_an_edit_unless_forced),
        T(refuses_a_second_change_while_one_is_open),
        T(a_damaged_journal_says_what_to_do_and_changes_nothing),
        T(refuses_a_state_directory_that_others_can_write),
        T(paths_never_leave_the_root_through_links),
        T(names_with_any_byte_survive_the_journal),
        T(the_lock_tells_who_holds_it_and_dies_with_the_holder),
        T(raw_steps_give_the_same_tree_as_apply),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
