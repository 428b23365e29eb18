#include "host/gather.h"

#include <string.h>

#include <apr_strings.h>

#include "host/running.h"

/* "apache2" of "apache2.service" and of "apache2@x.service". */
static const char *stem(const char *unit, apr_pool_t *p)
{
    return apr_pstrmemdup(p, unit, strcspn(unit, "@."));
}

/* The init script of one of the layout's units, or NULL. */
static const char *init_script(const em_facts_t *facts, apr_pool_t *p)
{
    char *state, *unit = apr_strtok(apr_pstrdup(p, facts->layout->units), " ",
                                    &state);

    for (; unit; unit = apr_strtok(NULL, " ", &state)) {
        const char *name = stem(unit, p);

        if (em_view_exists(facts->view, apr_pstrcat(p, "/etc/init.d/", name,
                                                    NULL), p)) {
            return name;
        }
    }
    return NULL;
}

/* Does the first process say NAME? */
static int init_is(const em_facts_t *facts, const char *name, apr_pool_t *p)
{
    em_node_t *node;

    return em_view_read(&node, facts->view, "/proc/1/comm", 64, p)
           == APR_SUCCESS
        && strncmp(node->data, name, strlen(name)) == 0
        && node->data[strlen(name)] == '\n';
}

static void set(em_service_t *service, em_service_kind_t kind,
                const char *unit, const char *why)
{
    service->kind = kind;
    service->unit = unit;
    service->why = why;
}

/* Where the running main process was started by systemd, the cgroup it is in
 * is its unit; a session or a cron job is not. */
static const char *running_unit(const em_facts_t *facts,
                                const em_options_t *options, apr_pool_t *p)
{
    const char *unit = em_running_unit(facts->running.pid, p);
    em_unit_file_t *file;

    if (!unit) {
        return NULL;
    }
    if (options->unit && strcmp(unit, options->unit->name) == 0) {
        return unit;
    }
    if ((strstr(unit, "httpd") || strstr(unit, "apache"))
        && em_unit_file_read(&file, facts->view, unit, p) == APR_SUCCESS) {
        return unit;
    }
    return NULL;
}

/* 1 when systemd is the one to ask. */
static int by_systemd(em_facts_t *facts, const em_options_t *options,
                      apr_pool_t *p)
{
    em_service_t *service = &facts->service;
    const char *unit;

    if (!service->running) {
        if (!options->unit) {
            return 0;
        }
        set(service, EM_SERVICE_SYSTEMD, options->unit->name,
            apr_psprintf(p, "systemd runs this machine and %s is there",
                         options->unit->path));
        return 1;
    }
    unit = running_unit(facts, options, p);
    if (!unit) {
        return 0;
    }
    set(service, EM_SERVICE_SYSTEMD, unit,
        apr_psprintf(p, "process %d belongs to %s", facts->running.pid,
                     unit));
    return 1;
}

void em_gather_service(em_facts_t *facts, const em_options_t *options,
                       int booted, apr_pool_t *p)
{
    em_service_t *service = &facts->service;
    const char *script = init_script(facts, p);
    const char *ctl = em_layout_ctl(facts->layout, facts->view, p);

    service->running = facts->running.pid != 0;
    service->ctl = ctl;
    if (strcmp(em_view_root(facts->view), "/") != 0) {
        set(service, EM_SERVICE_NONE, NULL, "another system's tree");
    }
    else if (em_gather_supervisor(facts, p)) {
        return;
    }
    else if (facts->layout->container && !service->running) {
        set(service, EM_SERVICE_NONE, NULL, "a container image without init");
    }
    else if (booted && by_systemd(facts, options, p)) {
        return;
    }
    else if (script && em_view_is_dir(facts->view, "/run/openrc", p)) {
        set(service, EM_SERVICE_OPENRC, script, "OpenRC runs this machine");
    }
    else if (script && !booted && init_is(facts, "init", p)) {
        set(service, EM_SERVICE_SYSV, script,
            apr_psprintf(p, "/etc/init.d/%s and a System V init", script));
    }
    else if (service->ctl) {
        set(service, EM_SERVICE_CTL, NULL,
            apr_psprintf(p, "no init system runs it; %s is there", ctl));
    }
    else {
        set(service, EM_SERVICE_SIGNAL, NULL,
            "no init system runs it and there is no control command");
    }
}
