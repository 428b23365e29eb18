#include "itk_kids.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int itk_kids_create(itk_kids_t *kids, const itk_policy_t *policy)
{
    kids->policy = policy;
    kids->room = 2 * (policy->n_idents + policy->max_workers);
    kids->all = calloc(kids->room, sizeof(itk_kid_t));
    return kids->all != NULL;
}

itk_kid_t *itk_kids_find(const itk_kids_t *kids, pid_t pid)
{
    uint32_t i;

    for (i = 0; i < kids->room; i++) {
        if (kids->all[i].pid == pid) {
            return &kids->all[i];
        }
    }
    return NULL;
}

int itk_kids_left(const itk_kids_t *kids, int orphans)
{
    uint32_t i;

    for (i = 0; i < kids->room; i++) {
        if (kids->all[i].pid && (kids->all[i].orphan || !orphans)) {
            return 1;
        }
    }
    return 0;
}

void itk_kids_orphan(const itk_kids_t *kids)
{
    uint32_t i;

    for (i = 0; i < kids->room; i++) {
        kids->all[i].orphan = 1;
    }
}

void itk_kids_wake_orphans(const itk_kids_t *kids)
{
    uint32_t i;

    for (i = 0; i < kids->room; i++) {
        if (kids->all[i].pid > 0 && kids->all[i].orphan) {
            (void)kill(kids->all[i].pid, SIGCONT);
        }
    }
}

static int become_for_a_moment(uid_t uid)
{
    return setresuid((uid_t)-1, uid, (uid_t)-1) == 0;
}

static int is_orphaned_first(const itk_kid_t *kid)
{
    return kid->pid > 0 && kid->first && kid->orphan;
}

static int is_there(const itk_kid_t *kid)
{
    return kid->pid > 0;
}

static void signal_those(const itk_kids_t *kids, int sig, int sock,
                         int (*match)(const itk_kid_t *kid))
{
    uint32_t i;

    if (fork() != 0) {
        return;
    }
    (void)close(sock);
    for (i = 0; i < kids->room; i++) {
        const itk_kid_t *kid = &kids->all[i];

        if (match(kid) &&
            become_for_a_moment(kids->policy->idents[kid->ident].uid)) {
            (void)kill(kid->pid, sig);
            (void)kill(kid->pid, SIGCONT);
            if (!become_for_a_moment(0)) {
                break;
            }
        }
    }
    _exit(0);
}

void itk_kids_drain_orphans(const itk_kids_t *kids, int sock)
{
    uint32_t i = 0;

    while (i < kids->room && !is_orphaned_first(&kids->all[i])) {
        i++;
    }
    if (i < kids->room) {
        signal_those(kids, SIGUSR1, sock, is_orphaned_first);
    }
}

void itk_kids_signal(const itk_kids_t *kids, int sig, int sock)
{
    signal_those(kids, sig, sock, is_there);
}
