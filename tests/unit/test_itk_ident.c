/* Who may be who, and becoming somebody for good. What needs root is skipped
 * elsewhere; every change happens in a process of its own. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "itk_ident.h"
#include "itk_policy.h"
#include "itk_sandbox.h"

static const gid_t groups[] = {48000002, 48000001};

static itk_ident_t somebody(void)
{
    itk_ident_t ident = {
        .name = "somebody", .uid = 48000001, .gid = 48000001,
        .groups = groups, .n_groups = 2, .nice = ITK_NICE_UNSET,
    };

    return ident;
}

static itk_policy_t wide(void)
{
    itk_policy_t policy = {
        .min_uid = 1, .max_uid = (uid_t)-2, .min_gid = 1, .max_gid = (gid_t)-2,
    };

    return policy;
}

static void root_and_nobody_are_refused(void **state)
{
    itk_policy_t policy = wide();
    itk_ident_t ident = somebody();

    (void)state;
    assert_null(itk_policy_refuse(&policy, &ident));
    ident.uid = 0;
    assert_non_null(itk_policy_refuse(&policy, &ident));
    policy.min_uid = 0;
    assert_null(itk_policy_refuse(&policy, &ident));
    ident.gid = 0;
    assert_non_null(itk_policy_refuse(&policy, &ident));
    policy.min_gid = 0;
    assert_null(itk_policy_refuse(&policy, &ident));
    ident.uid = (uid_t)-1;
    policy.max_uid = (uid_t)-1;
    assert_non_null(itk_policy_refuse(&policy, &ident));
}

static void ranges_hold_at_their_ends(void **state)
{
    itk_policy_t policy = wide();
    itk_ident_t ident = somebody();

    (void)state;
    policy.min_uid = policy.max_uid = ident.uid;
    policy.min_gid = policy.max_gid = ident.gid;
    assert_null(itk_policy_refuse(&policy, &ident));
    ident.uid++;
    assert_non_null(itk_policy_refuse(&policy, &ident));
    ident.uid -= 2;
    assert_non_null(itk_policy_refuse(&policy, &ident));
    ident.uid++;
    ident.gid++;
    assert_non_null(itk_policy_refuse(&policy, &ident));
}

static void only_indices_of_the_table_are_identities(void **state)
{
    itk_ident_t table[3] = {somebody(), somebody(), somebody()};
    itk_policy_t policy = wide();

    (void)state;
    policy.idents = table;
    policy.n_idents = 3;
    assert_null(itk_policy_ident(&policy, 0));
    assert_ptr_equal(itk_policy_ident(&policy, 2), &table[2]);
    assert_null(itk_policy_ident(&policy, 3));
    assert_null(itk_policy_ident(&policy, 0xffffffffu));
}

static void all_of_it_makes_an_identity(void **state)
{
    itk_ident_t a = somebody(), b = somebody();

    (void)state;
    assert_true(itk_policy_same(&a, &b));
    b.nice = 5;
    assert_false(itk_policy_same(&a, &b));
    b = somebody();
    b.n_groups = 1;
    assert_false(itk_policy_same(&a, &b));
    b = somebody();
    b.gid++;
    assert_false(itk_policy_same(&a, &b));
}

static void a_better_priority_is_noticed(void **state)
{
    itk_ident_t table[2] = {somebody(), somebody()};
    itk_policy_t policy = wide();

    (void)state;
    policy.idents = table;
    policy.n_idents = 2;
    assert_false(itk_policy_needs_nice(&policy, 0));
    table[1].nice = 5;
    assert_false(itk_policy_needs_nice(&policy, 0));
    assert_true(itk_policy_needs_nice(&policy, 10));
    table[1].nice = -1;
    assert_true(itk_policy_needs_nice(&policy, 0));
}

/* A sanitizer's own system calls are not on the broker's list. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Run F in a process of its own; its answer. */
static int apart(int (*f)(void))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        _exit(f());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int become(void)
{
    itk_ident_t ident = somebody();
    const char *what;
    gid_t have[8];
    uid_t r, e, s;

    if (itk_ident_assume(&ident, &what) != APR_SUCCESS) {
        return 1;
    }
    if (getresuid(&r, &e, &s) || r != 48000001 || e != r || s != r ||
        getgroups(8, have) != 2 || setuid(0) == 0 ||
        prctl(PR_GET_DUMPABLE) != 0) {
        return 2;
    }
    return itk_ident_prove(&ident, &what) == APR_SUCCESS ? 0 : 3;
}

static int become_without_setgid(void)
{
    int caps[1] = {CAP_SETUID};
    itk_ident_t ident = somebody();
    const char *what = "";

    if (itk_caps_keep(caps, 1) != APR_SUCCESS) {
        return 1;
    }
    return itk_ident_assume(&ident, &what) == EPERM &&
           strcmp(what, "setgroups") == 0 ? 0 : 2;
}

/* Half of it is not it: each missing part is found. */
static int prove_wrong_ones(void)
{
    itk_ident_t ident = somebody(), other;
    const char *what;

    if (itk_ident_assume(&ident, &what) != APR_SUCCESS) {
        return 1;
    }
    other = ident;
    other.uid++;
    if (itk_ident_prove(&other, &what) == APR_SUCCESS) {
        return 2;
    }
    other = ident;
    other.gid++;
    if (itk_ident_prove(&other, &what) == APR_SUCCESS) {
        return 3;
    }
    other = ident;
    other.n_groups = 1;
    return itk_ident_prove(&other, &what) == APR_SUCCESS ? 4 : 0;
}

/* Root in all but the effective uid can climb back, and is found out. */
static int prove_a_way_back(void)
{
    itk_ident_t ident = somebody();
    const char *what;

    if (setgroups(2, groups) || setresgid(48000001, 48000001, 48000001) ||
        setresuid(48000001, 48000001, 0)) {
        return 1;
    }
    return itk_ident_prove(&ident, &what) == APR_SUCCESS ? 2 : 0;
}

/* Permitted alone: nothing works yet, but it can be raised at any time. */
static int prove_a_capability(void)
{
    itk_ident_t ident = somebody();
    const char *what = "";

    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(2, groups) ||
        setresgid(48000001, 48000001, 48000001) ||
        setresuid(48000001, 48000001, 48000001)) {
        return 1;
    }
    return itk_ident_prove(&ident, &what) == APR_EMISMATCH &&
           strcmp(what, "proof of no capability") == 0 ? 0 : 2;
}

/* More groups than most have, in no order, and one of them another. */
static int prove_many_groups(void)
{
    itk_ident_t ident = somebody();
    const char *what = "";
    gid_t many[100];
    int i;

    for (i = 0; i < 100; i++) {
        many[i] = 48000000u + (gid_t)(i * 37 % 100);
    }
    ident.groups = many;
    ident.n_groups = 100;
    if (itk_ident_assume(&ident, &what) != APR_SUCCESS) {
        return 1;
    }
    many[50] = 48000200;
    return itk_ident_prove(&ident, &what) == APR_EMISMATCH &&
           strcmp(what, "proof of the groups") == 0 ? 0 : 2;
}

static int keep_nothing(void)
{
    cap_t mine, none = cap_init();

    if (itk_caps_none() != APR_SUCCESS) {
        return 1;
    }
    mine = cap_get_proc();
    return mine && none && cap_compare(mine, none) == 0 &&
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 2;
}

static int filter_the_broker(void)
{
    if (itk_caps_none() != APR_SUCCESS ||
        itk_seccomp_broker() != APR_SUCCESS) {
        return 1;
    }
    errno = 0;
    if (fork() != -1 || errno != EPERM) {
        return 2;
    }
    if (open("/dev/null", O_RDONLY) != -1 || errno != EPERM ||
        setuid(1) != -1 || errno != EPERM || kill(1, 0) != -1 ||
        errno != EPERM) {
        return 3;
    }
    return write(2, "", 0) == 0 ? 0 : 4;
}

static int close_all_but(void)
{
    int keep[3] = {20, -1, 9};
    int fd;

    for (fd = 3; fd < 30; fd++) {
        if (dup2(2, fd) != fd) {
            return 1;
        }
    }
    itk_close_others(keep, 3);
    for (fd = 0; fd < 30; fd++) {
        int open_still = fcntl(fd, F_GETFD) != -1;

        if (open_still != (fd < 3 || fd == 9 || fd == 20)) {
            return 2;
        }
    }
    return 0;
}

static int close_the_pods(void)
{
    int pod[2], half[2], plain[2];

    if (pipe2(pod, O_CLOEXEC) || pipe2(half, O_CLOEXEC) ||
        pipe2(plain, O_CLOEXEC) || fcntl(pod[0], F_SETFL, O_NONBLOCK) ||
        fcntl(half[0], F_SETFL, O_NONBLOCK)) {
        return 1;
    }
    (void)close(half[1]);
    itk_close_pods();
    return fcntl(pod[0], F_GETFD) == -1 && fcntl(pod[1], F_GETFD) == -1 &&
           fcntl(half[0], F_GETFD) != -1 && fcntl(plain[0], F_GETFD) != -1 &&
           fcntl(plain[1], F_GETFD) != -1 ? 0 : 2;
}

#define APART(name, f)                                                        \
    static void name(void **state)                                            \
    {                                                                         \
        (void)state;                                                          \
        if (geteuid() != 0 || (SANITIZED && (f) == filter_the_broker)) {      \
            skip();                                                           \
        }                                                                     \
        assert_int_equal(apart(f), 0);                                        \
    }

APART(root_becomes_somebody_for_good, become)
APART(a_missing_capability_is_an_error_with_its_step, become_without_setgid)
APART(another_identity_is_not_proven, prove_wrong_ones)
APART(a_way_back_is_found, prove_a_way_back)
APART(a_capability_is_found, prove_a_capability)
APART(many_groups_are_compared, prove_many_groups)
APART(no_capability_is_left, keep_nothing)
APART(the_broker_cannot_open_fork_or_signal, filter_the_broker)
APART(descriptors_are_closed_but_those_to_keep, close_all_but)
APART(pipes_of_death_are_closed_and_no_others, close_the_pods)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_and_nobody_are_refused),
        cmocka_unit_test(ranges_hold_at_their_ends),
        cmocka_unit_test(only_indices_of_the_table_are_identities),
        cmocka_unit_test(all_of_it_makes_an_identity),
        cmocka_unit_test(a_better_priority_is_noticed),
        cmocka_unit_test(root_becomes_somebody_for_good),
        cmocka_unit_test(a_missing_capability_is_an_error_with_its_step),
        cmocka_unit_test(another_identity_is_not_proven),
        cmocka_unit_test(a_way_back_is_found),
        cmocka_unit_test(a_capability_is_found),
        cmocka_unit_test(many_groups_are_compared),
        cmocka_unit_test(no_capability_is_left),
        cmocka_unit_test(the_broker_cannot_open_fork_or_signal),
        cmocka_unit_test(descriptors_are_closed_but_those_to_keep),
        cmocka_unit_test(pipes_of_death_are_closed_and_no_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
