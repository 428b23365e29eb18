#include "package/rpm_db.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "package/rpm.h"

/* A transaction that was killed in the middle leaves packages of both sets,
 * files of packages that the database does not know yet, and files missing
 * of packages that it still knows. Here rpm is told package by package, from
 * the files, and what is nobody's goes. */

#define TIMEOUT apr_time_from_sec(1800)

typedef struct repair_t {
    const em_transaction_t *txn;
    const em_view_t *view;
    em_log_t *log;
    const char **pwords;
    apr_pool_t *pool;
} repair_t;

static apr_status_t rpm(repair_t *r, const char *const *words,
                        const apr_array_header_t *more, em_exec_out_t **pout)
{
    apr_array_header_t *argv = em_rpm_argv(r->view, r->pool);
    int asks = strcmp(*words, "-V") == 0;
    apr_status_t rv;

    for (; *words; words++) {
        APR_ARRAY_PUSH(argv, const char *) = *words;
    }
    apr_array_cat(argv, more);
    rv = em_manager_exec(pout, argv, asks ? TIMEOUT : EM_TO_THE_END,
                         asks ? NULL : r->log, r->pool);
    if (rv != APR_SUCCESS) {
        *r->pwords = "rpm cannot be run";
    }
    else if (!(*pout)->exited) {
        *r->pwords = em_exec_words(*pout, r->pool);
        rv = APR_EGENERAL;
    }
    return rv;
}

static apr_array_header_t *names_of(const apr_array_header_t *list,
                                    apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 8, sizeof(const char *));

    for (int i = 0; i < list->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *)
            = APR_ARRAY_IDX(list, i, em_package_t *)->name;
    }
    return names;
}

/* Is exactly this one there of its name? */
static int is_there(const em_package_t *package,
                    const apr_array_header_t *found)
{
    int n = 0, same = 0;

    for (int i = 0; i < found->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(found, i, em_package_t *);

        if (strcmp(one->name, package->name) == 0) {
            n++;
            same += strcmp(one->version, package->version) == 0;
        }
    }
    return n == 1 && same == 1;
}

/* ---- what must not be there ---- */

static apr_status_t erase_new(repair_t *r)
{
    static const char *const words[] = {"-e", "--nodeps", NULL};
    const apr_array_header_t *new = r->txn->install;
    apr_array_header_t *found, *argv;
    em_exec_out_t *out;

    if (new->nelts == 0) {
        return APR_SUCCESS;
    }
    found = em_rpm_versions(names_of(new, r->pool), r->view, r->pool);
    if (!found) {
        *r->pwords = "the rpm database cannot be read";
        return APR_EGENERAL;
    }
    argv = apr_array_make(r->pool, 8, sizeof(const char *));
    for (int i = 0; i < found->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(found, i, em_package_t *);
        const em_package_t *ours = em_package_in(new, one->name);
        const em_package_t *old = em_package_in(r->txn->remove, one->name);

        if (ours && strcmp(ours->version, one->version) == 0 && !old) {
            APR_ARRAY_PUSH(argv, const char *) = em_rpm_full(one, r->pool);
        }
    }
    return argv->nelts ? rpm(r, words, argv, &out) : APR_SUCCESS;
}

/* ---- what must be there ---- */

/* Has it all of its files, but for edited configuration? */
static int is_whole(repair_t *r, const em_package_t *package)
{
    static const char *const words[] = {
        "-V", "--nodeps", "--noscripts", "--noghost", "--nomtime", "--nomode",
        "--nouser", "--nogroup", NULL
    };
    apr_array_header_t *name = apr_array_make(r->pool, 1,
                                              sizeof(const char *));
    em_exec_out_t *out;
    char *state, *line;

    APR_ARRAY_PUSH(name, const char *) = em_rpm_full(package, r->pool);
    if (rpm(r, words, name, &out) != APR_SUCCESS) {
        return 0;
    }
    line = apr_strtok(apr_pstrdup(r->pool, out->out), "\n", &state);
    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        /* "S.5....T.  c /path": a configuration file may differ. */
        if (strncmp(line, "missing", 7) == 0 || !strstr(line, "  c /")) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t install_old(repair_t *r)
{
    static const char *const words[] = {
        "-U", "--oldpackage", "--replacepkgs", "--replacefiles", "--nodeps",
        "--nosignature", NULL
    };
    const apr_array_header_t *old = r->txn->remove;
    apr_array_header_t *found, *argv;
    em_exec_out_t *out = NULL;

    if (old->nelts == 0) {
        return APR_SUCCESS;
    }
    found = em_rpm_versions(names_of(old, r->pool), r->view, r->pool);
    if (!found) {
        *r->pwords = "the rpm database cannot be read";
        return APR_EGENERAL;
    }
    argv = apr_array_make(r->pool, 8, sizeof(const char *));
    for (int i = 0; i < old->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(old, i, em_package_t *);

        if (is_there(one, found) && is_whole(r, one)) {
            continue;
        }
        if (!one->file) {
            *r->pwords = apr_pstrcat(r->pool, "there is no file of ",
                                     em_rpm_full(one, r->pool), NULL);
            return APR_ENOENT;
        }
        APR_ARRAY_PUSH(argv, const char *) = one->file;
    }
    if (argv->nelts == 0) {
        return APR_SUCCESS;
    }
    (void)rpm(r, words, argv, &out);
    if (out && out->exit_code != 0) {
        *r->pwords = em_exec_words(out, r->pool);
    }
    return APR_SUCCESS;         /* the database is asked afterwards */
}

/* ---- what is nobody's ---- */

static int is_owned(repair_t *r, const char *path)
{
    static const char *const words[] = {"-qf", NULL};
    apr_array_header_t *one = apr_array_make(r->pool, 1,
                                             sizeof(const char *));
    em_exec_out_t *out;

    APR_ARRAY_PUSH(one, const char *) = path;
    return rpm(r, words, one, &out) != APR_SUCCESS || out->exit_code == 0;
}

/* rpm writes a file as "NAME;HEX" before it takes its name. */
static int is_unfinished(const char *name, const char *of)
{
    apr_size_t len = strlen(of);

    return strncmp(name, of, len) == 0 && name[len] == ';'
           && strlen(name + len + 1) == 8
           && strspn(name + len + 1, "0123456789abcdef") == 8;
}

static void sweep_beside(repair_t *r, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dir = em_view_outside(
        r->view, apr_pstrmemdup(r->pool, path, (apr_size_t)(slash - path)),
        r->pool);
    struct dirent *e;
    DIR *d = opendir(dir);

    while (d && (e = readdir(d)) != NULL) {
        if (is_unfinished(e->d_name, slash + 1)) {
            (void)unlink(apr_pstrcat(r->pool, dir, "/", e->d_name, NULL));
        }
    }
    if (d) {
        closedir(d);
    }
}

/* Files of the packages that shall not be there, as these brought them. */
static void sweep(repair_t *r, const em_package_t *package)
{
    em_result_t *res = em_result_make(r->pool);
    apr_array_header_t *files;

    if (!package->file
        || em_rpm_unpack(&files, package, res, r->pool) != APR_SUCCESS) {
        return;
    }
    for (int i = 0; i < files->nelts; i++) {
        const em_owned_t *owned = APR_ARRAY_IDX(files, i, em_owned_t *);
        em_node_t *now;

        sweep_beside(r, owned->path);
        if (em_view_lstat(&now, r->view, owned->path, r->pool) != APR_SUCCESS
            || now->kind != owned->node.kind) {
            continue;
        }
        if (now->kind == EM_NODE_FILE
            && em_view_read(&now, r->view, owned->path, owned->node.len + 1,
                            r->pool) != APR_SUCCESS) {
            continue;
        }
        if (em_node_same(now, &owned->node) && !is_owned(r, owned->path)) {
            (void)unlink(em_view_outside(r->view, owned->path, r->pool));
        }
    }
}

apr_status_t em_rpm_repair(const em_transaction_t *txn,
                           const em_view_t *view, em_log_t *log,
                           const char **pwords, apr_pool_t *p)
{
    repair_t r = {txn, view, log, pwords, p};
    apr_status_t rv;

    if (!em_rpm_database(view, p)) {
        *pwords = "there is no rpm database";
        return APR_ENOENT;
    }
    rv = erase_new(&r);
    if (rv == APR_SUCCESS) {
        rv = install_old(&r);
    }
    for (int i = 0; rv == APR_SUCCESS && i < txn->install->nelts; i++) {
        sweep(&r, APR_ARRAY_IDX(txn->install, i, em_package_t *));
    }
    for (int i = 0; rv == APR_SUCCESS && i < txn->remove->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(txn->remove, i,
                                                em_package_t *);
        em_result_t *res = em_result_make(p);
        apr_array_header_t *files;

        if (one->file
            && em_rpm_unpack(&files, one, res, p) == APR_SUCCESS) {
            for (int j = 0; j < files->nelts; j++) {
                sweep_beside(&r, APR_ARRAY_IDX(files, j, em_owned_t *)->path);
            }
        }
    }
    return rv;
}
