#include "check/judge.h"

#include <string.h>

#include <apr_strings.h>

/* What a package manager left beside a configuration file that its owner has
 * edited. httpd does not read it; who merges it must not bring a second MPM
 * line along. */

typedef struct leftover_t {
    const char *before, *after; /* around the file's name */
    const char *whose;
} leftover_t;

static const leftover_t leftovers[] = {
    {"", ".pacnew", "pacman"},
    {"", ".rpmnew", "rpm"},
    {"", ".dpkg-dist", "dpkg"},
    {"", ".dpkg-new", "dpkg"},
    {"", ".ucf-dist", "ucf"},
    {"", ".apk-new", "apk"},
    {"", ".new", "slackpkg"},
    {"._cfg0000_", "", "portage"},
};

static void look_beside(em_judge_t *j, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    const char *dir = apr_pstrmemdup(j->pool, path,
                                     (apr_size_t)(name - path));

    for (size_t i = 0; i < sizeof(leftovers) / sizeof(*leftovers); i++) {
        const leftover_t *l = &leftovers[i];
        const char *beside = apr_pstrcat(j->pool, dir, l->before, name,
                                         l->after, NULL);
        em_finding_t *f;

        if (!em_view_exists(j->facts->view, beside, j->pool)) {
            continue;
        }
        f = em_judge_add(j, "config-not-merged", EM_INFO, "%s left %s, which "
                         "httpd does not read, because %s was edited. When "
                         "you merge it, keep one LoadModule line for an MPM",
                         l->whose, beside, path);
        f->file = beside;
        em_judge_resolve(f, apr_psprintf(j->pool, "diff %s %s", path,
                                         beside));
    }
}

/* Beside the main file and every file that the plan changes. */
void em_judge_leftovers(em_judge_t *j)
{
    const char *main_file = j->facts->httpd.config_file;

    look_beside(j, main_file);
    for (int i = 0; i < j->plan->steps->nelts; i++) {
        const em_step_t *step = APR_ARRAY_IDX(j->plan->steps, i,
                                              em_step_t *);

        if (step->kind == EM_STEP_PATH && strchr(step->path, '/')
            && step->after.kind == EM_NODE_FILE
            && strcmp(step->path, main_file) != 0) {
            look_beside(j, step->path);
        }
    }
}
