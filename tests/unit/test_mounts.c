/* Which mounts of the real system are laid under the rehearsal's tree. */

#include "rehearse/tree.h"
#include "unit.h"

static const char table[] =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "23 22 0:21 / /proc rw,nosuid shared:2 - proc proc rw\n"
    "24 22 0:22 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n"
    "25 22 8:2 / /srv/my\\040sites rw,nosuid,noexec master:9 propagate_from:2"
    " - xfs /dev/sdb1 rw\n"
    "26 22 0:30 / /mnt/far rw - nfs4 far:/x rw\n"
    "27 22 0:31 / /run rw,nosuid,nodev - tmpfs tmpfs rw\n"
    "28 27 0:32 / /dev/shm rw - tmpfs tmpfs rw\n"
    "29 22 8:3 / /srv/my\\040sites ro - btrfs /dev/sdc rw\n"
    "garbage\n"
    "30 22 0:40 / relative rw - tmpfs tmpfs rw\n";

static em_mount_t *at(const apr_array_header_t *mounts, const char *path)
{
    for (int i = 0; i < mounts->nelts; i++) {
        em_mount_t *m = APR_ARRAY_IDX(mounts, i, em_mount_t *);

        if (strcmp(m->path, path) == 0) {
            return m;
        }
    }
    return NULL;
}

static apr_array_header_t *list_of(const char *a)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = a;
    return list;
}

static void mountinfo_is_read(void **state)
{
    apr_array_header_t *mounts = em_mounts_parse(table, pool);

    (void)state;
    assert_int_equal(mounts->nelts, 7);
    assert_string_equal(APR_ARRAY_IDX(mounts, 0, em_mount_t *)->path, "/");
    assert_non_null(at(mounts, "/srv/my sites"));
    /* Two on one path: the later one is what is seen there. */
    assert_string_equal(at(mounts, "/srv/my sites")->type, "btrfs");
    assert_string_equal(at(mounts, "/run")->options, "rw,nosuid,nodev");
}

static void parents_come_before_what_lies_on_them(void **state)
{
    apr_array_header_t *mounts = em_mounts_parse(
        "3 2 0:1 / /a/b/c rw - tmpfs t rw\n1 0 0:2 / / rw - ext4 d rw\n"
        "2 1 0:3 / /a rw - tmpfs t rw\n", pool);

    (void)state;
    assert_string_equal(APR_ARRAY_IDX(mounts, 0, em_mount_t *)->path, "/");
    assert_string_equal(APR_ARRAY_IDX(mounts, 1, em_mount_t *)->path, "/a");
    assert_string_equal(APR_ARRAY_IDX(mounts, 2, em_mount_t *)->path,
                        "/a/b/c");
}

static void kernel_and_foreign_mounts_stay_outside(void **state)
{
    apr_array_header_t *mounts = em_mounts_parse(table, pool);

    (void)state;
    assert_true(em_mount_wanted(at(mounts, "/"), NULL));
    assert_true(em_mount_wanted(at(mounts, "/run"), NULL));
    assert_true(em_mount_wanted(at(mounts, "/srv/my sites"), NULL));
    assert_false(em_mount_wanted(at(mounts, "/proc"), NULL));
    assert_false(em_mount_wanted(at(mounts, "/dev/shm"), NULL));
    assert_false(em_mount_wanted(at(mounts,
                     "/var/lib/docker/overlay2/x/merged"), NULL));
}

static void a_network_mount_counts_where_it_is_needed(void **state)
{
    apr_array_header_t *mounts = em_mounts_parse(table, pool);

    (void)state;
    assert_false(em_mount_wanted(at(mounts, "/mnt/far"), NULL));
    assert_false(em_mount_wanted(at(mounts, "/mnt/far"),
                                 list_of("/mnt/farther/www")));
    assert_true(em_mount_wanted(at(mounts, "/mnt/far"),
                                list_of("/mnt/far/www")));
    assert_true(em_mount_wanted(at(mounts, "/mnt/far"), list_of("/mnt")));
    /* What is made anew inside is never taken over, needed or not. */
    assert_false(em_mount_wanted(at(mounts, "/dev/shm"),
                                 list_of("/dev/shm/cache")));
}

static void socket_paths_are_read(void **state)
{
    apr_array_header_t *paths = em_sockets_parse(
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 1234 "
        "/run/mysqld/mysqld.sock\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 1235 @abstract\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 1236\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 1237 "
        "/run/with blank.sock\n", pool);

    (void)state;
    assert_int_equal(paths->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(paths, 0, const char *),
                        "/run/mysqld/mysqld.sock");
    assert_string_equal(APR_ARRAY_IDX(paths, 1, const char *),
                        "/run/with blank.sock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mountinfo_is_read),
        cmocka_unit_test(parents_come_before_what_lies_on_them),
        cmocka_unit_test(kernel_and_foreign_mounts_stay_outside),
        cmocka_unit_test(a_network_mount_counts_where_it_is_needed),
        cmocka_unit_test(socket_paths_are_read)
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
