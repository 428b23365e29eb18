#include "itk_ident.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

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

static int has_no_capability(void)
{
    cap_t none = cap_init();
    cap_t mine = cap_get_proc();
    int same = none && mine && cap_compare(none, mine) == 0;

    (void)cap_free(none);
    (void)cap_free(mine);
    return same;
}

static int by_gid(const void *a, const void *b)
{
    gid_t x = *(const gid_t *)a;
    gid_t y = *(const gid_t *)b;

    return x < y ? -1 : x > y;
}

/* The kernel keeps groups sorted, the configuration's order may differ. */
static int has_groups(const itk_ident_t *ident)
{
    size_t bytes = (size_t)ident->n_groups * sizeof(gid_t);
    gid_t *want;
    gid_t *have;
    int n = getgroups(0, NULL);
    int same = 0;

    if (n != ident->n_groups) {
        return 0;
    }
    if (n == 0) {
        return 1;
    }
    want = malloc(bytes);
    have = malloc(bytes);
    if (want && have && getgroups(n, have) == n) {
        memcpy(want, ident->groups, bytes);
        qsort(want, (size_t)n, sizeof(gid_t), by_gid);
        qsort(have, (size_t)n, sizeof(gid_t), by_gid);
        same = memcmp(want, have, bytes) == 0;
    }
    free(want);
    free(have);
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
