#include "host/gather.h"

#include <string.h>

#include <apr_strings.h>

#include "host/running.h"

/* Other servers of the same binary: instances that may share the file that a
 * switch changes, and would then die at their next reload. */

static const char *last_of(const char *const *values)
{
    const char *last = NULL;

    for (; *values; values++) {
        last = *values;
    }
    return last;
}

static void push_new(apr_array_header_t *files, const char *path)
{
    for (int i = files->nelts - 1; i >= 0 && i >= files->nelts - 3; i--) {
        if (strcmp(APR_ARRAY_IDX(files, i, const char *), path) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(files, const char *) = path;
}

/* PATH in the real directory: a link in a directory that is one itself. */
static const char *in_real_dir(const char *path, const em_view_t *view,
                               apr_pool_t *p)
{
    const char *slash = strrchr(path, '/'), *dir;

    if (!slash || slash == path
        || em_view_real(&dir, view, apr_pstrmemdup(p, path, (apr_size_t)
                                                   (slash - path)), p)
           != APR_SUCCESS) {
        return path;
    }
    return apr_pstrcat(p, dir, slash, NULL);
}

/* The paths of the files that a walk read, and where links lead, the real
 * ones: a switch may change a link as well as a file. */
static apr_array_header_t *files_of(const em_conf_t *conf,
                                    const em_view_t *view, apr_pool_t *p)
{
    apr_array_header_t *files = apr_array_make(p, conf->files->nelts,
                                               sizeof(const char *));
    int i;

    for (i = 0; i < conf->files->nelts; i++) {
        const char *path = APR_ARRAY_IDX(conf->files, i,
                                         em_conf_file_t *)->path;
        const char *real = path;

        (void)em_view_real(&real, view, path, p);
        push_new(files, real);
        push_new(files, path);
        push_new(files, in_real_dir(path, view, p));
    }
    return files;
}

/* Walk its configuration as its own command line and environment say. */
static em_other_t *look_at(const em_facts_t *facts, int pid,
                           const em_probe_t *probe, apr_pool_t *p)
{
    apr_array_header_t *args = em_running_args(pid, p);
    const char *root = last_of(em_options_values(args, 'd', p));
    const char *conf = last_of(em_options_values(args, 'f', p));
    em_other_t *other = apr_pcalloc(p, sizeof(*other));
    em_conf_how_t how = facts->conf_how;
    em_result_t *ignored = em_result_make(p);
    em_conf_t *walk;

    how.server_root = root ? root : probe->settings.root;
    how.config_file = em_gather_path(how.server_root, conf ? conf
                                     : probe->settings.config_file, p);
    how.env = em_running_env(pid, p);
    how.defines = em_options_values(args, 'D', p);
    how.before = em_options_values(args, 'C', p);
    how.after = em_options_values(args, 'c', p);
    other->pid = pid;
    other->unit = em_running_unit(pid, p);
    other->config_file = how.config_file;
    other->files = em_conf_read(&walk, &how, ignored, p) == APR_SUCCESS
        ? files_of(walk, facts->view, p)
        : apr_array_make(p, 0, sizeof(const char *));
    return other;
}

void em_gather_others(em_facts_t *facts, const em_probe_t *probe,
                      apr_pool_t *p)
{
    apr_array_header_t *pids;
    const char *ours;
    int i;

    facts->others = apr_array_make(p, 2, sizeof(em_other_t *));
    if (strcmp(em_view_root(facts->view), "/") != 0) {
        return;
    }
    pids = em_running_others(facts, p);
    ours = facts->running.pid ? em_running_unit(facts->running.pid, p) : NULL;
    for (i = 0; i < pids->nelts; i++) {
        int pid = APR_ARRAY_IDX(pids, i, int);
        const char *unit = em_running_unit(pid, p);

        /* What the unit's last stop has not ended yet is of the same one. */
        if (!ours || !unit || strcmp(ours, unit) != 0) {
            APR_ARRAY_PUSH(facts->others, em_other_t *)
                = look_at(facts, pid, probe, p);
        }
    }
}

int em_other_reads(const em_other_t *other, const char *path)
{
    int i;

    for (i = 0; i < other->files->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(other->files, i, const char *), path) == 0) {
            return 1;
        }
    }
    return 0;
}
