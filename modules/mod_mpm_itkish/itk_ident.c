#include "itk_ident.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A new worker proves who it is; memory that it allocates for that is its own
 * from then on, not shared with the others. */
#define FEW_GROUPS  32

#define STEP(what, call)            \
    do {                            \
        *pwhat = (what);            \
        if ((call) != 0) {          \
            return errno;           \
        }                           \
    } while (0)

#define PROVE(what, fact)           \
    do {                            \
        *pwhat = (what);            \
        if (!(fact)) {              \
            return APR_EMISMATCH;   \
        }                           \
    } while (0)

static int drop_capabilities(void)
{
    cap_t none = cap_init();
    int rc;

    if (!none) {
        return -1;
    }
    rc = cap_set_proc(none);
    (void)cap_free(none);
    return rc;
}

/* Asked of the kernel itself: libcap allocates. */
static int has_no_capability(void)
{
    struct __user_cap_header_struct head = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };
    struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];
    int i;

    memset(set, 0xff, sizeof(set));
    if (syscall(SYS_capget, &head, set) != 0) {
        return 0;
    }
    for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        if (set[i].effective || set[i].permitted || set[i].inheritable) {
            return 0;
        }
    }
    return 1;
}

static int by_gid(const void *a, const void *b)
{
    gid_t x = *(const gid_t *)a;
    gid_t y = *(const gid_t *)b;

    return x < y ? -1 : x > y;
}

/* WANT and HAVE have room for N groups. */
static int same_groups(const itk_ident_t *ident, gid_t *want, gid_t *have,
                       int n)
{
    size_t bytes = (size_t)n * sizeof(gid_t);

    if (getgroups(n, have) != n) {
        return 0;
    }
    memcpy(want, ident->groups, bytes);
    qsort(want, (size_t)n, sizeof(gid_t), by_gid);
    qsort(have, (size_t)n, sizeof(gid_t), by_gid);
    return memcmp(want, have, bytes) == 0;
}

/* The kernel keeps groups sorted, the configuration's order may differ. */
static int has_groups(const itk_ident_t *ident)
{
    gid_t few[2][FEW_GROUPS];
    int n = getgroups(0, NULL);
    gid_t *many;
    int same;

    if (n != ident->n_groups) {
        return 0;
    }
    if (n <= FEW_GROUPS) {
        return n == 0 || same_groups(ident, few[0], few[1], n);
    }
    many = malloc(2 * (size_t)n * sizeof(gid_t));
    same = many && same_groups(ident, many, many + n, n);
    free(many);
    return same;
}

/* Nothing may lead back. Each of these must fail for an ordinary user. */
static int can_climb(const itk_ident_t *ident)
{
    if (ident->uid == 0) {
        return 0;               /* explicitly allowed, and already there */
    }
    return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || setuid(0) == 0 ||
           (ident->gid != 0 && setgid(0) == 0) || setgroups(0, NULL) == 0;
}

apr_status_t itk_ident_prove(const itk_ident_t *ident, const char **pwhat)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;

    STEP("getresuid", getresuid(&ruid, &euid, &suid));
    STEP("getresgid", getresgid(&rgid, &egid, &sgid));
    PROVE("proof of the uid", ruid == ident->uid && euid == ident->uid &&
                              suid == ident->uid);
    PROVE("proof of the gid", rgid == ident->gid && egid == ident->gid &&
                              sgid == ident->gid);
    PROVE("proof of the groups", has_groups(ident));
    PROVE("proof of no capability", has_no_capability());
    PROVE("proof of no way back", !can_climb(ident));
    return APR_SUCCESS;
}

apr_status_t itk_ident_assume(const itk_ident_t *ident, const char **pwhat)
{
    if (ident->nice != ITK_NICE_UNSET) {
        STEP("setpriority", setpriority(PRIO_PROCESS, 0, ident->nice));
    }
    STEP("setgroups", setgroups((size_t)ident->n_groups, ident->groups));
    STEP("setresgid", setresgid(ident->gid, ident->gid, ident->gid));
    STEP("setresuid", setresuid(ident->uid, ident->uid, ident->uid));
    STEP("capset", drop_capabilities());
#ifdef PR_CAP_AMBIENT
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
#endif
    STEP("prctl(PR_SET_DUMPABLE)", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    return itk_ident_prove(ident, pwhat);
}
