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
    {"", ".rpmsave", "rpm"},
    {"", ".rpmorig", "rpm"},
    {"", ".dpkg-dist", "dpkg"},
    {"", ".dpkg-new", "dpkg"},
    {"", ".dpkg-old", "dpkg"},
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

/* ---- of the server as it is ---- */

/* Beside the main file and all that load modules. */
static void beside_loaders(em_judge_t *j)
{
    const apr_array_header_t *modules = j->facts->modules;
    apr_hash_t *seen = apr_hash_make(j->pool);

    look_beside(j, j->facts->httpd.config_file);
    apr_hash_set(seen, j->facts->httpd.config_file, APR_HASH_KEY_STRING, "");
    for (int i = 0; i < modules->nelts; i++) {
        const char *file = APR_ARRAY_IDX(modules, i, em_module_t *)->file;

        if (file && strchr(file, '/')
            && !apr_hash_get(seen, file, APR_HASH_KEY_STRING)) {
            look_beside(j, file);
            apr_hash_set(seen, file, APR_HASH_KEY_STRING, "");
        }
    }
}

/* A file that httpd reads although its package was removed. */
static void read_still(em_judge_t *j)
{
    const em_view_t *view = j->facts->view;
    apr_hash_t *left = em_package_left(view, j->pool);
    const apr_array_header_t *files = j->facts->conf
                                          ? j->facts->conf->files : NULL;

    for (int i = 0; apr_hash_count(left) && files && i < files->nelts; i++) {
        const char *path = APR_ARRAY_IDX(files, i, em_conf_file_t *)->path;
        const char *real = path;
        const em_package_t *package;
        em_finding_t *f;

        if (em_view_real(&real, view, path, j->pool) != APR_SUCCESS) {
            real = path;
        }
        package = apr_hash_get(left, real, APR_HASH_KEY_STRING);
        if (!package) {
            continue;
        }
        f = em_judge_add(j, "config-of-removed-package", EM_INFO, "httpd "
                         "reads %s, which %s left when it was removed and "
                         "not purged", path, package->name);
        f->file = path;
        em_judge_resolve(f, apr_psprintf(j->pool, "apt-get purge %s, which "
                                         "takes the file away",
                                         package->name));
    }
}

apr_array_header_t *em_check_notes(const em_facts_t *facts, apr_pool_t *p)
{
    em_judge_t j = {
        .facts = facts, .pool = p,
        .findings = apr_array_make(p, 4, sizeof(em_finding_t *))
    };

    beside_loaders(&j);
    read_still(&j);
    return j.findings;
}
