/* A switch of files and nothing else, quick enough to be broken thousands of
 * times: the tool's own plan, journal, apply, undo and recover over a small
 * tree, without a server.
 *
 *   driver links|lines ROOT switch TARGET
 *   driver links|lines ROOT recover | rollback
 *
 * Exit codes and their meaning are those of ea-mpm; the problem id is
 * printed. */
#include <stdio.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "change/change.h"
#include "plan/plan.h"

typedef struct driver_t {
    apr_pool_t *pool;
    em_result_t *res;
    em_view_t *view;
    em_facts_t facts;
    em_layout_t layout;
} driver_t;

static void installed(driver_t *d, const char *mpm)
{
    em_installed_t *one = apr_pcalloc(d->pool, sizeof(*one));

    one->mpm = mpm;
    one->id = apr_pstrcat(d->pool, "mpm_", mpm, "_module", NULL);
    one->file = apr_pstrcat(d->pool, d->facts.modules_dir, "/mod_mpm_", mpm,
                            ".so", NULL);
    APR_ARRAY_PUSH(d->facts.installed, em_installed_t *) = one;
}

static apr_status_t facts(driver_t *d, const char *kind)
{
    em_facts_t *f = &d->facts;
    int links = strcmp(kind, "links") == 0;
    em_conf_t *conf;
    apr_status_t rv;

    f->layout = &d->layout;
    f->view = d->view;
    d->layout.mechanism = links ? EM_MECH_LINKS : EM_MECH_LOADMODULE;
    f->httpd.server_root = links ? "/etc/apache2" : "/etc/httpd";
    f->httpd.config_file = links ? "/etc/apache2/apache2.conf"
                                 : "/etc/httpd/conf/httpd.conf";
    f->modules_dir = links ? "/usr/lib/apache2/modules"
                           : "/etc/httpd/modules";
    f->installed = apr_array_make(d->pool, 3, sizeof(void *));
    f->modules = apr_array_make(d->pool, 1, sizeof(void *));
    installed(d, "prefork");
    installed(d, "worker");
    installed(d, "event");
    f->conf_how.view = d->view;
    f->conf_how.server_root = f->httpd.server_root;
    f->conf_how.config_file = f->httpd.config_file;
    rv = em_conf_read(&conf, &f->conf_how, d->res, d->pool);
    f->conf = conf;
    for (int i = 0; rv == APR_SUCCESS && i < conf->mpm_lines->nelts; i++) {
        const em_mpm_line_t *line
            = APR_ARRAY_IDX(conf->mpm_lines, i, em_mpm_line_t *);

        if (line->state == EM_LINE_ACTIVE) {
            f->configured = line->mpm;
        }
    }
    return rv;
}

/* As em_switch_run: any failure after the journal exists is undone. */
static int carry_out(driver_t *d, const em_plan_t *plan)
{
    em_txn_t *txn;
    apr_status_t rv = em_txn_begin(&txn, d->view, plan, NULL, d->res,
                                   d->pool);

    if (rv != APR_SUCCESS) {
        return d->res->exit_code;
    }
    rv = em_txn_prepare(txn, d->facts.conf, d->res);
    if (rv == APR_SUCCESS) {
        rv = em_txn_apply(txn, NULL, d->res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_txn_settle(txn, NULL, d->res);
    }
    if (rv == APR_SUCCESS) {
        rv = em_txn_commit(txn, d->res);
    }
    if (rv == APR_SUCCESS) {
        return 0;
    }
    rv = em_txn_undo(txn, NULL, d->res);
    return rv == APR_SUCCESS ? EM_EXIT_ROLLED_BACK : EM_EXIT_ATTENTION;
}

static int run_switch(driver_t *d, const char *kind, const char *target)
{
    em_request_t request = {.target = target};
    em_plan_t *plan;

    if (facts(d, kind) != APR_SUCCESS
        || em_plan_make(&plan, &d->facts, &request, d->res, d->pool)
           != APR_SUCCESS) {
        return d->res->exit_code;
    }
    if (plan->impossible) {
        printf("%s: %s\n", plan->impossible, plan->impossible_why);
        return EM_EXIT_REFUSED;
    }
    return em_plan_is_empty(plan) ? 0 : carry_out(d, plan);
}

static int run_rollback(driver_t *d)
{
    em_plan_t *plan;

    if (em_txn_rollback_plan(&plan, d->view, NULL, 0, d->res, d->pool)
        != APR_SUCCESS) {
        return d->res->exit_code;
    }
    return em_plan_is_empty(plan) ? 0 : carry_out(d, plan);
}

static int run_recover(driver_t *d)
{
    em_txn_t *txn;

    if (em_txn_open(&txn, d->view, d->res, d->pool) != APR_SUCCESS) {
        return d->res->exit_code;
    }
    return !txn || em_txn_undo(txn, NULL, d->res) == APR_SUCCESS
               ? 0 : d->res->exit_code;
}

static int run(driver_t *d, int argc, char **argv)
{
    em_lock_t *lock;

    if (em_lock_take(&lock, d->view, "driver", d->res, d->pool)
        != APR_SUCCESS) {
        return d->res->exit_code;
    }
    if (strcmp(argv[3], "recover") == 0) {
        return run_recover(d);
    }
    if (strcmp(argv[3], "rollback") == 0) {
        return run_rollback(d);
    }
    return argc > 4 ? run_switch(d, argv[1], argv[4]) : EM_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    driver_t d = {0};
    int rc;

    if (argc < 4 || apr_initialize() != APR_SUCCESS) {
        return EM_EXIT_USAGE;
    }
    apr_pool_create(&d.pool, NULL);
    d.res = em_result_make(d.pool);
    if (em_view_open(&d.view, argv[2], d.pool) != APR_SUCCESS) {
        return EM_EXIT_USAGE;
    }
    rc = run(&d, argc, argv);
    if (d.res->problem) {
        printf("%s: %s\n", d.res->problem, d.res->detail);
    }
    apr_terminate();
    return rc;
}
