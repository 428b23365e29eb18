/* A view reads below its root only, and an overlay shows the tree as it
 * would be. */

#include "unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/view.h"

#define TREE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

static char *root;

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(apr_pstrcat(pool, root, path, NULL), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_link(const char *path, const char *target)
{
    assert_int_equal(symlink(target, apr_pstrcat(pool, root, path, NULL)), 0);
}

static int make_tree(void **state)
{
    (void)state;
    root = apr_pstrdup(pool, "/tmp/em-view-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(apr_pstrcat(pool, root, "/etc", NULL), 0755), 0);
    assert_int_equal(mkdir(apr_pstrcat(pool, root, "/etc/mods", NULL), 0755),
                     0);
    put_file("/etc/b.conf", "b\n");
    put_file("/etc/a.conf", "a\n");
    put_link("/etc/abs", "/etc/a.conf");
    put_link("/etc/out", "../../../../etc/a.conf");
    put_link("/etc/loop", "loop");
    put_link("/etc/alias", "mods");
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    return system(apr_psprintf(pool, "rm -rf %s", root));
}

static em_view_t *opened(void)
{
    em_view_t *view;

    assert_int_equal(em_view_open(&view, root, pool), APR_SUCCESS);
    return view;
}

static const char *text_at(const em_view_t *view, const char *path)
{
    em_node_t *node;
    apr_status_t rv = em_view_read(&node, view, path, 100, pool);

    return rv == APR_SUCCESS ? node->data : NULL;
}

static const em_node_t *file_node(const char *text)
{
    em_node_t *node = apr_pcalloc(pool, sizeof(*node));

    node->kind = EM_NODE_FILE;
    node->data = text;
    node->len = strlen(text);
    return node;
}

static void links_never_lead_out_of_the_root(void **state)
{
    em_view_t *view = opened();

    (void)state;
    assert_string_equal(text_at(view, "/etc/abs"), "a\n");
    assert_string_equal(text_at(view, "/etc/out"), "a\n");
    assert_string_equal(text_at(view, "/../../etc/a.conf"), "a\n");
    assert_null(text_at(view, "/etc/loop"));
}

static void what_is_not_a_small_file_is_refused(void **state)
{
    em_view_t *view = opened();
    em_node_t *node;

    (void)state;
    assert_int_equal(em_view_read(&node, view, "/etc/a.conf", 1, pool),
                     APR_FROM_OS_ERROR(EFBIG));
    assert_int_equal(em_view_read(&node, view, "/etc/mods", 100, pool),
                     APR_FROM_OS_ERROR(EISDIR));
    assert_int_equal(mkfifo(apr_pstrcat(pool, root, "/etc/fifo", NULL), 0600),
                     0);
    assert_int_equal(em_view_read(&node, view, "/etc/fifo", 100, pool),
                     APR_EGENERAL);
    assert_true(APR_STATUS_IS_ENOENT(
        em_view_read(&node, view, "/etc/none", 100, pool)));
}

static void a_file_of_proc_is_read_though_it_tells_no_size(void **state)
{
    apr_pool_t *p;
    em_view_t *view;
    em_node_t *node;

    (void)state;
    apr_pool_create(&p, NULL);
    assert_int_equal(em_view_open(&view, "/", p), APR_SUCCESS);
    assert_int_equal(em_view_read(&node, view, "/proc/self/comm", 64, p),
                     APR_SUCCESS);
    assert_true(node->len > 1 && node->data[node->len - 1] == '\n');
    assert_int_equal(em_view_read(&node, view, "/proc/self/status", 8, p),
                     APR_SUCCESS);
    assert_int_equal(node->len, 8);
    apr_pool_destroy(p);
}

static void lstat_tells_what_stands_there_without_following(void **state)
{
    em_view_t *view = opened();
    em_node_t *node;

    (void)state;
    assert_int_equal(em_view_lstat(&node, view, "/etc/abs", pool), 0);
    assert_int_equal(node->kind, EM_NODE_LINK);
    assert_string_equal(node->data, "/etc/a.conf");
    assert_int_equal(em_view_lstat(&node, view, "/etc/none", pool), 0);
    assert_int_equal(node->kind, EM_NODE_ABSENT);
    assert_int_equal(em_view_lstat(&node, view, "/etc/mods", pool), 0);
    assert_int_equal(node->kind, EM_NODE_OTHER);
}

static void an_overlay_shows_the_tree_as_it_would_be(void **state)
{
    em_view_t *base = opened(), *view = em_view_over(base, pool);
    em_node_t gone = {EM_NODE_ABSENT, NULL, 0, 0, 0, 0};
    em_node_t link = {EM_NODE_LINK, "../c.conf", 9, 0, 0, 0};
    apr_array_header_t *names;

    (void)state;
    em_view_put(view, "/etc/b.conf", &gone);
    em_view_put(view, "/etc/c.conf", file_node("c\n"));
    em_view_put(view, "/etc/alias/c.load", &link);
    assert_null(text_at(view, "/etc/b.conf"));
    assert_string_equal(text_at(view, "/etc/mods/c.load"), "c\n");
    assert_string_equal(text_at(view, "/etc/a.conf"), "a\n");
    assert_string_equal(text_at(base, "/etc/b.conf"), "b\n");
    assert_int_equal(em_view_list(&names, view, "/etc/mods", pool), 0);
    assert_int_equal(names->nelts, 1);
    assert_int_equal(em_view_glob(&names, view, "/e?c/*.conf", pool), 0);
    assert_int_equal(names->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(names, 0, const char *), "/etc/a.conf");
    assert_string_equal(APR_ARRAY_IDX(names, 1, const char *), "/etc/c.conf");
}

static void an_overlay_over_an_overlay_has_the_last_word(void **state)
{
    em_view_t *one = em_view_over(opened(), pool);
    em_view_t *two = em_view_over(one, pool);
    em_node_t gone = {EM_NODE_ABSENT, NULL, 0, 0, 0, 0};
    apr_array_header_t *paths;

    (void)state;
    em_view_put(one, "/etc/c.conf", file_node("one\n"));
    assert_string_equal(text_at(two, "/etc/c.conf"), "one\n");
    em_view_put(two, "/etc/c.conf", &gone);
    assert_null(text_at(two, "/etc/c.conf"));
    assert_false(em_view_exists(two, "/etc/c.conf", pool));
    assert_int_equal(em_view_glob(&paths, two, "/etc/c*", pool), 0);
    assert_int_equal(paths->nelts, 0);
}

static const char *remembered(const em_view_t *view, const char *path,
                              em_view_memo_t *memo)
{
    const em_node_t *node;

    return em_view_read_memo(&node, view, path, 1000, memo) == APR_SUCCESS
           ? node->data : NULL;
}

static void a_memo_remembers_the_tree_but_not_the_overlays(void **state)
{
    static const char *const paths[] = {
        "/etc/a.conf", "/etc/abs", "/etc/out", "/etc/b.conf", "/etc/loop",
        "/etc/none", "/etc", "/etc/mods/../a.conf", "/etc/alias/new",
        "/etc/./a.conf", "/", NULL
    };
    em_view_t *base = opened(), *over = em_view_over(base, pool);
    em_view_memo_t *memo = em_view_memo(pool);
    em_node_t gone = {EM_NODE_ABSENT, NULL, 0, 0, 0, 0};
    em_node_t link = {EM_NODE_LINK, "../b.conf", 9, 0, 0, 0};
    const char *first;

    (void)state;
    for (int round = 0; round < 3; round++) {
        if (round == 1) {
            em_view_put(over, "/etc/a.conf", file_node("new\n"));
            em_view_put(over, "/etc/mods/new", &link);
        }
        if (round == 2) {
            em_view_put(over, "/etc/b.conf", &gone);
            em_view_put(over, "/etc/abs", &link);
        }
        for (int i = 0; paths[i]; i++) {
            const em_view_t *views[] = { base, over };

            for (int v = 0; v < 2; v++) {
                const char *plain = text_at(views[v], paths[i]);
                const char *quick = remembered(views[v], paths[i], memo);

                if (!plain != !quick || (plain && strcmp(plain, quick))) {
                    fail_msg("%s in round %d: %s and %s", paths[i], round,
                             plain ? plain : "-", quick ? quick : "-");
                }
            }
        }
    }
    first = remembered(base, "/etc/a.conf", memo);
    assert_ptr_equal(first, remembered(base, "/etc/out", memo));
    put_file("/etc/a.conf", "changed\n");
    assert_ptr_equal(first, remembered(base, "/etc/a.conf", memo));
    assert_string_equal(text_at(base, "/etc/a.conf"), "changed\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(links_never_lead_out_of_the_root),
        TREE_TEST(what_is_not_a_small_file_is_refused),
        cmocka_unit_test(a_file_of_proc_is_read_though_it_tells_no_size),
        TREE_TEST(lstat_tells_what_stands_there_without_following),
        TREE_TEST(an_overlay_shows_the_tree_as_it_would_be),
        TREE_TEST(an_overlay_over_an_overlay_has_the_last_word),
        TREE_TEST(a_memo_remembers_the_tree_but_not_the_overlays),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
