/* JSON of show and list. */

#include <string.h>
#include "out/fmt.h"
#include "out/json_parts.h"

static em_json_t *httpd(const em_httpd_t *h, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);
    em_json_t *test = em_json_object(p);

    em_json_set_str(o, "binary", h->binary);
    em_json_set_str(o, "version", h->version);
    em_json_set_str(o, "vendor", h->vendor);
    em_json_set_str(o, "server_root", h->server_root);
    em_json_set_str(o, "config_file", h->config_file);
    em_json_set_str(o, "static_mpm", h->static_mpm);
    em_json_set(o, "arguments", em_json_strings(h->args, p));
    /* null where httpd could not be run (the tree of another system). */
    if (h->tested) {
        em_json_set_bool(test, "ok", h->test_ok);
    }
    else {
        em_json_set_null(test, "ok");
    }
    em_json_set_str(test, "output", h->test_output);
    return em_json_set(o, "config_test", test);
}

static em_json_t *layout(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "id", facts->layout->id);
    em_json_set_str(o, "title", facts->layout->title);
    em_json_set_str(o, "mechanism",
                    em_mechanism_name(facts->layout->mechanism));
    return em_json_set_str(o, "evidence", facts->layout_evidence);
}

static em_json_t *mpm(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);
    em_json_t *all = em_json_array(p);
    const char *name = facts->configured;
    int i;

    em_json_set_str(o, "configured", name);
    for (i = 0; facts->configured_all && i < facts->configured_all->nelts;
         ++i) {
        const em_mpm_line_t *line =
            APR_ARRAY_IDX(facts->configured_all, i, em_mpm_line_t *);
        em_json_t *l = em_json_object(p);

        em_json_set_str(l, "name", line->mpm);
        em_json_set_str(l, "file", line->file->path);
        em_json_add(all, em_json_set_int(l, "line", line->line));
    }
    em_json_set(o, "configured_all", all);
    em_json_set_str(o, "running", facts->running.mpm);
    if (facts->running.pid) {
        em_json_set_int(o, "running_pid", facts->running.pid);
    }
    else {
        em_json_set_null(o, "running_pid");
    }
    em_json_set_bool(o, "pending", facts->pending);
    if (!name) {
        em_json_set_null(o, "threaded");
        return em_json_set_null(o, "forked");
    }
    em_json_set_bool(o, "threaded",
                     !strcmp(name, "worker") || !strcmp(name, "event"));
    /* What httpd -V prints: all of them fork. */
    return em_json_set_bool(o, "forked", 1);
}

em_json_t *em_json_installed(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; i < facts->installed->nelts; ++i) {
        const em_installed_t *m =
            APR_ARRAY_IDX(facts->installed, i, em_installed_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "mpm", m->mpm);
        em_json_set_str(o, "module", m->id);
        em_json_set_str(o, "file", m->file);
        em_json_set_str(o, "package", m->package);
        em_json_set_str(o, "version", m->version);
        em_json_add(a, em_json_set_bool(o, "verified", m->verified));
    }
    return a;
}

static em_json_t *available(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; i < facts->available->nelts; ++i) {
        const em_available_t *m =
            APR_ARRAY_IDX(facts->available, i, em_available_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "mpm", m->mpm);
        em_json_set_str(o, "package", m->package);
        em_json_add(a, em_json_set_str(o, "version", m->version));
    }
    return a;
}

static em_json_t *modules(const em_facts_t *facts, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; i < facts->modules->nelts; ++i) {
        const em_module_t *m =
            APR_ARRAY_IDX(facts->modules, i, em_module_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "id", m->id);
        em_json_set_str(o, "file", m->so);
        em_json_set_str(o, "package", m->package);
        em_json_set_str(o, "package_version", m->package_version);
        if (m->threads == EM_THREADS_UNKNOWN) {
            em_json_set_null(o, "thread_safe");
        }
        else {
            em_json_set_bool(o, "thread_safe", m->threads == EM_THREADS_SAFE);
        }
        em_json_set_str(o, "config_file", m->file);
        em_json_set_int(o, "line", m->line);
        em_json_set_bool(o, "missing", m->missing);
        em_json_add(a, em_json_set_bool(o, "mismatch", m->mismatch));
    }
    return a;
}

static const char *service_kind(em_service_kind_t kind)
{
    switch (kind) {
    case EM_SERVICE_NONE:
        break;
    case EM_SERVICE_SYSTEMD:
        return "systemd";
    case EM_SERVICE_OPENRC:
        return "openrc";
    case EM_SERVICE_SYSV:
        return "sysv";
    case EM_SERVICE_CTL:
        return "control-command";
    case EM_SERVICE_SIGNAL:
        return "signals";
    case EM_SERVICE_SUPERVISED:
        return "supervised";
    }
    return "none";
}

static em_json_t *service(const em_service_t *s, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "kind", service_kind(s->kind));
    em_json_set_str(o, "unit", s->unit);
    em_json_set_str(o, "command", s->ctl);
    em_json_set_bool(o, "running", s->running);
    return em_json_set_str(o, "why", s->why);
}

static em_json_t *targets(const apr_array_header_t *checks, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; i < checks->nelts; ++i) {
        const em_check_t *c = APR_ARRAY_IDX(checks, i, em_check_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "mpm", c->target);
        em_json_set_str(o, "verdict", em_verdict_name(c->verdict));
        em_json_add(a, em_json_set(o, "findings",
                                   em_json_findings(c->findings, p)));
    }
    return a;
}

void em_json_show(em_out_t *out, const em_report_t *report,
                  const em_result_t *res)
{
    const em_facts_t *facts = report->facts;
    apr_pool_t *p = out->pool;
    em_json_t *o;

    (void)res;
    if (!facts || !report->checks) {
        return;
    }
    o = em_json_object(p);
    em_json_set(o, "httpd", httpd(&facts->httpd, p));
    em_json_set(o, "layout", layout(facts, p));
    em_json_set(o, "mpm", mpm(facts, p));
    em_json_set(o, "installed", em_json_installed(facts, p));
    em_json_set(o, "modules", modules(facts, p));
    em_json_set(o, "service", service(&facts->service, p));
    em_json_set(o, "targets", targets(report->checks, p));
    em_json_set_int(o, "vhosts", facts->vhosts ? facts->vhosts->nelts : 0);
    em_json_set_str(o, "interrupted",
                    report->open ? report->open->id : NULL);
    em_json_set(o, "notes", em_json_findings(report->notes, p));
    out->data = o;
}

void em_json_list(em_out_t *out, const em_report_t *report,
                  const em_result_t *res)
{
    const em_facts_t *facts = report->facts;
    em_json_t *o;

    (void)res;
    if (!facts) {
        return;
    }
    o = em_json_object(out->pool);
    em_json_set_str(o, "configured", facts->configured);
    em_json_set_str(o, "running", facts->running.mpm);
    em_json_set(o, "installed", em_json_installed(facts, out->pool));
    if (facts->available) {
        em_json_set(o, "available", available(facts, out->pool));
    }
    else {
        em_json_set_null(o, "available");
    }
    out->data = o;
}
