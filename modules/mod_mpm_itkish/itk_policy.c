#include "itk_policy.h"

#include <stddef.h>
#include <string.h>

const char *itk_policy_refuse(const itk_policy_t *policy,
                              const itk_ident_t *ident)
{
    if (ident->uid == (uid_t)-1 || ident->gid == (gid_t)-1) {
        return "the id -1 is nobody's";
    }
    if (ident->uid < policy->min_uid || ident->uid > policy->max_uid) {
        return ident->uid == 0 ? "uid 0 is root; only LimitUIDRange 0 ... "
                                 "allows it"
                               : "the uid is outside of LimitUIDRange";
    }
    if (ident->gid < policy->min_gid || ident->gid > policy->max_gid) {
        return ident->gid == 0 ? "gid 0 is root's group; only LimitGIDRange "
                                 "0 ... allows it"
                               : "the gid is outside of LimitGIDRange";
    }
    if (ident->nice != ITK_NICE_UNSET &&
        (ident->nice < -20 || ident->nice > 19)) {
        return "the nice value is outside of -20..19";
    }
    return NULL;
}

const itk_ident_t *itk_policy_ident(const itk_policy_t *policy, uint32_t n)
{
    return n == 0 || n >= policy->n_idents ? NULL : &policy->idents[n];
}

int itk_policy_same(const itk_ident_t *a, const itk_ident_t *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->nice == b->nice &&
           a->n_groups == b->n_groups &&
           (a->n_groups == 0 ||
            memcmp(a->groups, b->groups,
                   (size_t)a->n_groups * sizeof(gid_t)) == 0);
}

int itk_policy_needs_nice(const itk_policy_t *policy, int nice)
{
    uint32_t i;

    for (i = 0; i < policy->n_idents; i++) {
        if (policy->idents[i].nice < nice) {
            return 1;
        }
    }
    return 0;
}
