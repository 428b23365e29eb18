/* Print everything em_facts_gather() found as JSON, for tests that compare
 * it with httpd's own word: dump_facts [--root R] [--httpd B] [--conf C]
 * [--instance N] [--deep] [--available]; or its table: --layouts. On failure {"problem", "detail"} and exit 1. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "base/json.h"
#include "host/facts.h"

static em_json_t *strings(const apr_array_header_t *list, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);

    for (int i = 0; list && i < list->nelts; i++) {
        em_json_add_str(a, APR_ARRAY_IDX(list, i, const char *));
    }
    return a;
}

static em_json_t *httpd(const em_facts_t *facts, apr_pool_t *p)
{
    const em_httpd_t *h = &facts->httpd;
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "binary", h->binary);
    em_json_set_str(o, "version", h->version);
    em_json_set_str(o, "vendor", h->vendor);
    em_json_set_str(o, "mmn", h->mmn);
    em_json_set_str(o, "server_root", h->server_root);
    em_json_set_str(o, "config_file", h->config_file);
    em_json_set_str(o, "static_mpm", h->static_mpm);
    em_json_set(o, "static_modules", strings(h->static_modules, p));
    em_json_set(o, "args", strings(h->args, p));
    em_json_set_str(o, "pid_file", h->pid_file);
    em_json_set_str(o, "error_log", h->error_log);
    em_json_set_str(o, "user", h->user);
    em_json_set_str(o, "group", h->group);
    em_json_set_bool(o, "tested", h->tested);
    em_json_set_bool(o, "test_ok", h->test_ok);
    em_json_set_str(o, "test_output", h->test_output);
    em_json_set_int(o, "v2", h->v[2]);
    return o;
}

static em_json_t *layout(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "id", facts->layout->id);
    em_json_set_str(o, "mechanism", em_mechanism_name(
        facts->layout->mechanism));
    em_json_set_str(o, "evidence", facts->layout_evidence);
    em_json_set_str(o, "mpm_file", facts->layout->mpm_file);
    em_json_set_str(o, "modules_dir", facts->modules_dir);
    em_json_set_str(o, "container", facts->layout->container);
    return o;
}

static em_json_t *mpm(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p), *a = em_json_array(p);

    for (int i = 0; i < facts->configured_all->nelts; i++) {
        const em_mpm_line_t *line = APR_ARRAY_IDX(facts->configured_all, i,
                                                  em_mpm_line_t *);
        em_json_t *one = em_json_array(p);

        em_json_add_str(one, line->mpm);
        em_json_add_str(one, line->file->path);
        em_json_add(a, one);
    }
    em_json_set_str(o, "configured", facts->configured);
    em_json_set(o, "lines", a);
    em_json_set_str(o, "running", facts->running.mpm);
    em_json_set_int(o, "running_pid", facts->running.pid);
    em_json_set_str(o, "evidence", facts->running.evidence);
    em_json_set_int(o, "since", apr_time_sec(facts->running.since));
    em_json_set_bool(o, "pending", facts->pending);
    return o;
}

static em_json_t *installed(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);

    for (int i = 0; i < facts->installed->nelts; i++) {
        const em_installed_t *m = APR_ARRAY_IDX(facts->installed, i,
                                                em_installed_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "mpm", m->mpm);
        em_json_set_str(o, "id", m->id);
        em_json_set_str(o, "file", m->file);
        em_json_set_str(o, "package", m->package);
        em_json_set_str(o, "version", m->version);
        em_json_add(a, em_json_set_bool(o, "verified", m->verified));
    }
    return a;
}

static em_json_t *modules(const em_facts_t *facts, apr_pool_t *p)
{
    static const char *const threads[] = { "unknown", "safe", "unsafe" };
    em_json_t *a = em_json_array(p);

    for (int i = 0; i < facts->modules->nelts; i++) {
        const em_module_t *m = APR_ARRAY_IDX(facts->modules, i,
                                             em_module_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "id", m->id);
        em_json_set_str(o, "source", m->source);
        em_json_set_str(o, "so", m->so);
        em_json_set_str(o, "file", m->file);
        em_json_set_int(o, "line", m->line);
        em_json_set_str(o, "package", m->package);
        em_json_set_str(o, "package_version", m->package_version);
        em_json_set_str(o, "threads", threads[m->threads]);
        em_json_set_bool(o, "missing", m->missing);
        em_json_add(a, em_json_set_bool(o, "mismatch", m->mismatch));
    }
    return a;
}

static em_json_t *listens(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);

    for (int i = 0; i < facts->listens->nelts; i++) {
        const em_listen_t *l = APR_ARRAY_IDX(facts->listens, i,
                                             em_listen_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "address", l->address);
        em_json_set_int(o, "port", l->port);
        em_json_add(a, em_json_set_str(o, "protocol", l->protocol));
    }
    return a;
}

static em_json_t *vhosts(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);

    for (int i = 0; i < facts->vhosts->nelts; i++) {
        const em_vhost_t *v = APR_ARRAY_IDX(facts->vhosts, i, em_vhost_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "name", v->name);
        em_json_set_str(o, "address", v->address);
        em_json_set_int(o, "port", v->port);
        em_json_set_bool(o, "tls", v->tls);
        em_json_set_str(o, "document_root", v->document_root);
        em_json_set_str(o, "file", v->file);
        em_json_set_bool(o, "main", v->section == NULL);
        em_json_add(a, em_json_set_int(o, "line", v->line));
    }
    return a;
}

static em_json_t *htaccess(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);

    for (int i = 0; facts->htaccess && i < facts->htaccess->nelts; i++) {
        const em_htaccess_t *h = APR_ARRAY_IDX(facts->htaccess, i,
                                               em_htaccess_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "name", h->name);
        em_json_set_str(o, "args", h->args);
        em_json_set_str(o, "file", h->file);
        em_json_add(a, em_json_set_int(o, "line", h->line));
    }
    return a;
}

static em_json_t *others(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);

    for (int i = 0; i < facts->others->nelts; i++) {
        const em_other_t *other = APR_ARRAY_IDX(facts->others, i,
                                                em_other_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_int(o, "pid", other->pid);
        em_json_set_str(o, "unit", other->unit);
        em_json_add(a, o);
    }
    return a;
}

static em_json_t *available(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);

    for (int i = 0; facts->available && i < facts->available->nelts; i++) {
        const em_available_t *m = APR_ARRAY_IDX(facts->available, i,
                                                em_available_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "mpm", m->mpm);
        em_json_set_str(o, "package", m->package);
        em_json_add(a, em_json_set_str(o, "version", m->version));
    }
    return a;
}

static em_json_t *service(const em_facts_t *facts, apr_pool_t *p)
{
    static const char *const kinds[] = { "none", "systemd", "openrc", "sysv",
                                         "ctl", "signal" };
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "kind", kinds[facts->service.kind]);
    em_json_set_str(o, "unit", facts->service.unit);
    em_json_set_str(o, "ctl", facts->service.ctl);
    em_json_set_str(o, "why", facts->service.why);
    return em_json_set_bool(o, "running", facts->service.running);
}

static em_json_t *files(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);

    for (int i = 0; i < facts->conf->files->nelts; i++) {
        em_json_add_str(a, APR_ARRAY_IDX(facts->conf->files, i,
                                         em_conf_file_t *)->path);
    }
    return a;
}

static em_json_t *all(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p), *env = em_json_array(p);

    for (const char *const *e = facts->httpd.env; *e; e++) {
        em_json_add_str(env, *e);
    }
    em_json_set(o, "httpd", httpd(facts, p));
    em_json_set(o, "env", env);
    em_json_set(o, "layout", layout(facts, p));
    em_json_set(o, "mpm", mpm(facts, p));
    em_json_set(o, "installed", installed(facts, p));
    em_json_set(o, "modules", modules(facts, p));
    em_json_set(o, "listens", listens(facts, p));
    em_json_set(o, "vhosts", vhosts(facts, p));
    em_json_set(o, "htaccess", htaccess(facts, p));
    em_json_set(o, "files", files(facts, p));
    em_json_set(o, "available", available(facts, p));
    em_json_set(o, "others", others(facts, p));
    return em_json_set(o, "service", service(facts, p));
}

/* The table of layouts itself. */
static em_json_t *rows(apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    const em_layout_row_t *row;

    for (int i = 0; (row = em_layout_row(i)); i++) {
        const em_layout_t *l = &row->layout;
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "id", l->id);
        em_json_set_str(o, "title", l->title);
        em_json_set_str(o, "mechanism", em_mechanism_name(l->mechanism));
        em_json_set_str(o, "evidence", row->evidence);
        em_json_set_str(o, "binary", l->binary);
        em_json_set_str(o, "config_file", l->config_file);
        em_json_set_str(o, "mpm_file", l->mpm_file);
        em_json_set_str(o, "sysconfig", l->sysconfig);
        em_json_set_str(o, "units", l->units);
        em_json_set_str(o, "sysconfig", l->sysconfig);
        em_json_set_str(o, "mpm_variable", l->mpm_variable);
        em_json_set_str(o, "ctl", l->ctl);
        em_json_set_str(o, "control", l->control);
        em_json_set_str(o, "mpm_packages", l->mpm_packages);
        em_json_add(a, em_json_set_str(o, "container", l->container));
    }
    return a;
}

int main(int argc, char **argv)
{
    em_facts_how_t how = { 0 };
    em_facts_t *facts;
    em_result_t *res;
    em_json_t *o;
    apr_pool_t *p;
    int rc = 0;

    apr_initialize();
    apr_pool_create(&p, NULL);
    if (argc == 2 && strcmp(argv[1], "--layouts") == 0) {
        puts(em_json_text(rows(p), 1, p));
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--deep") == 0) {
            how.deep = 1;
            continue;
        }
        if (strcmp(argv[i], "--available") == 0) {
            how.available = 1;
            continue;
        }
        if (strcmp(argv[i], "--root") == 0) {
            how.root = value;
        }
        else if (strcmp(argv[i], "--httpd") == 0) {
            how.httpd = value;
        }
        else if (strcmp(argv[i], "--conf") == 0) {
            how.conf = value;
        }
        else if (strcmp(argv[i], "--instance") == 0) {
            how.instance = value;
        }
        else if (strcmp(argv[i], "--timeout") == 0 && value) {
            how.timeout = apr_time_from_sec(atoi(value));
        }
        i++;
    }
    res = em_result_make(p);
    if (em_facts_gather(&facts, &how, res, p) == APR_SUCCESS) {
        o = all(facts, p);
    }
    else {
        o = em_json_object(p);
        em_json_set_str(o, "problem", res->problem);
        em_json_set_str(o, "detail", res->detail);
        em_json_set_str(o, "hint", res->hint);
        rc = 1;
    }
    puts(em_json_text(o, 1, p));
    apr_pool_destroy(p);
    apr_terminate();
    return rc;
}
