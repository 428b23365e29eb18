#ifndef ITK_POLICY_H
#define ITK_POLICY_H

/* Who may be who: the identities of the configuration and the limits, made
 * once by the parent and read-only in every process forked after that. */

#include <apr_errno.h>
#include <stdint.h>
#include <sys/types.h>

#define ITK_NICE_UNSET  100

/* One identity: everything that a process takes on with it. Two virtual
 * hosts share it only if all of it is equal. */
typedef struct itk_ident_t {
    const char *name;       /* for titles and logs */
    uid_t uid;
    gid_t gid;
    const gid_t *groups;    /* supplementary groups, resolved at start */
    int n_groups;
    int nice;               /* -20..19, ITK_NICE_UNSET: leave it */
} itk_ident_t;

typedef struct itk_policy_t {
    uint32_t gen;           /* the generation of this table */
    uint32_t n_idents;      /* [0] is the server's own User and Group */
    const itk_ident_t *idents;
    uid_t min_uid;
    uid_t max_uid;
    gid_t min_gid;
    gid_t max_gid;
    const char *chroot_dir; /* httpd's ChrootDir, or NULL */
    uint32_t max_workers;
    uint32_t max_children;  /* scoreboard slots */
    uint32_t min_spare;
    uint32_t idle_timeout;  /* seconds */
    uint32_t queue_timeout; /* milliseconds */
} itk_policy_t;

/* NULL if a process may become IDENT, else the reason in words. Root checks
 * this again right before it acts, whoever asked. */
const char *itk_policy_refuse(const itk_policy_t *policy,
                              const itk_ident_t *ident);

/* The identity of index N, or NULL if that is none that a zygote may be
 * started for (0 is the children's own and needs none). */
const itk_ident_t *itk_policy_ident(const itk_policy_t *policy, uint32_t n);

/* 1 if A and B are the same in all that matters to the kernel. */
int itk_policy_same(const itk_ident_t *a, const itk_ident_t *b);

/* 1 if some identity is to run at a better priority than NICE, the server's
 * own, which takes CAP_SYS_NICE. */
int itk_policy_needs_nice(const itk_policy_t *policy, int nice);

#endif /* ITK_POLICY_H */
