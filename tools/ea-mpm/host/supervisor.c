#include "host/gather.h"

#include <string.h>

#include <apr_strings.h>

#include "host/running.h"

/* Who would start the server again, or end with it, when it is stopped: a
 * supervisor is the parent of the main process. A signal to a supervised
 * server would be answered with a new one in the middle of the change. */

typedef struct supervisor_t {
    const char *comm;           /* of the parent */
    const char *title;
    const char *tool;           /* that holds it and lets it go; NULL: there
                                 * is none that can be called for sure */
    int named;                  /* told the service's name, not its
                                 * directory */
    const char *restart;        /* what a person types, with that in it */
} supervisor_t;

static const supervisor_t supervisors[] = {
    {"runsv", "runit", "sv", 0, "sv restart %s"},
    {"s6-supervise", "s6", "s6-svc", 0, "s6-svc -r %s"},
    {"supervise", "daemontools", "svc", 0, "svc -t %s"},
    {"supervise-daemo", "OpenRC's supervise-daemon", "rc-service", 1,
     "rc-service %s restart"},
    {"supervisord", "supervisord", NULL, 1, NULL},
};

/* What a container runs as its first process to reap children: it ends when
 * the one that it started does. */
static const char *const container_inits[] = {
    "tini", "docker-init", "dumb-init", "catatonit", "podman-init", "sh",
    "bash", "dash", "ash", NULL
};

static const char *find_tool(const em_view_t *view, const char *name,
                             apr_pool_t *p)
{
    static const char *const dirs[] = {
        "/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin",
        "/command", NULL
    };

    for (int i = 0; dirs[i]; i++) {
        const char *path = apr_pstrcat(p, dirs[i], "/", name, NULL);

        if (em_view_exists(view, path, p)) {
            return path;
        }
    }
    return NULL;
}

static const supervisor_t *supervisor_of(int parent, apr_pool_t *p)
{
    const char *comm = em_running_comm(parent, p);

    for (size_t i = 0; comm && i < sizeof(supervisors)
                                   / sizeof(*supervisors); i++) {
        if (strcmp(comm, supervisors[i].comm) == 0) {
            return &supervisors[i];
        }
    }
    return NULL;
}

/* The value of NAME in the environment of PID, or "". */
static const char *env_of(int pid, const char *name, apr_pool_t *p)
{
    apr_size_t len = strlen(name);

    for (const char *const *e = em_running_env(pid, p); *e; e++) {
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=') {
            return *e + len + 1;
        }
    }
    return "";
}

/* supervisord tells a process its own name. */
static const char *supervisorctl(int pid, apr_pool_t *p)
{
    const char *group = env_of(pid, "SUPERVISOR_GROUP_NAME", p);
    const char *name = env_of(pid, "SUPERVISOR_PROCESS_NAME", p);

    if (!*name) {
        return "supervisorctl restart NAME";    /* NAME: status tells */
    }
    return *group && strcmp(group, name) != 0
           ? apr_psprintf(p, "supervisorctl restart %s:%s", group, name)
           : apr_psprintf(p, "supervisorctl restart %s", name);
}

/* What the tool is told: where the supervisor works, or the word behind its
 * own name. */
static const char *target_of(const supervisor_t *s, int parent,
                             apr_pool_t *p)
{
    apr_array_header_t *args;

    if (!s->named) {
        return em_running_cwd(parent, p);
    }
    args = em_running_args(parent, p);
    return args->nelts > 1 ? APR_ARRAY_IDX(args, 1, const char *) : NULL;
}

/* TEXT with TARGET in the place of its "%s". */
static const char *with_target(const char *text, const char *target,
                               apr_pool_t *p)
{
    const char *at = strstr(text, "%s");

    return apr_pstrcat(p, apr_pstrmemdup(p, text, (apr_size_t)(at - text)),
                       target, at + 2, NULL);
}

static void take(em_facts_t *facts, const supervisor_t *s, int parent,
                 apr_pool_t *p)
{
    em_service_t *service = &facts->service;
    const char *target = s->tool ? target_of(s, parent, p) : NULL;

    service->ctl = s->tool ? find_tool(facts->view, s->tool, p) : NULL;
    service->why = apr_psprintf(p, "%s (process %d) keeps it running",
                                s->title, parent);
    service->by_hand = target ? with_target(s->restart, target, p)
                     : s->tool ? NULL : supervisorctl(facts->running.pid, p);
    if (service->ctl && target) {
        service->kind = EM_SERVICE_SUPERVISED;
        service->unit = target;
        return;
    }
    service->kind = EM_SERVICE_NONE;
    service->ctl = NULL;
}

/* Does httpd stay in the foreground, so that its parent waits for it? */
static int in_foreground(int pid, apr_pool_t *p)
{
    apr_array_header_t *args = em_running_args(pid, p);
    const char *const *defines = em_options_values(args, 'D', p);

    for (; *defines; defines++) {
        if (strcmp(*defines, "FOREGROUND") == 0
            || strcmp(*defines, "NO_DETACH") == 0) {
            return 1;
        }
    }
    for (int i = 1; i < args->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(args, i, const char *), "-X") == 0) {
            return 1;
        }
    }
    return 0;
}

/* "docker restart 0123456789ab": a container's host name is the beginning of
 * its id unless somebody gave it another. */
static const char *restart_container(const em_facts_t *facts, apr_pool_t *p)
{
    em_node_t *node;

    if (em_view_read(&node, facts->view, "/etc/hostname", 256, p)
        == APR_SUCCESS
        && strspn(node->data, "0123456789abcdef") == 12
        && (node->data[12] == '\n' || node->data[12] == '\0')) {
        return apr_pstrcat(p, "docker restart ",
                           apr_pstrmemdup(p, node->data, 12), NULL);
    }
    return "docker restart CONTAINER";
}

/* Does the container live as long as this server? */
static int is_the_container(int pid, int parent, apr_pool_t *p)
{
    const char *first = em_running_comm(1, p);

    if (pid == 1) {
        return 1;
    }
    for (int i = 0; parent == 1 && first && container_inits[i]; i++) {
        if (strcmp(first, container_inits[i]) == 0) {
            return in_foreground(pid, p);
        }
    }
    return 0;
}

int em_gather_supervisor(em_facts_t *facts, apr_pool_t *p)
{
    em_service_t *service = &facts->service;
    int pid = facts->running.pid, parent;
    const supervisor_t *s;

    if (!pid) {
        return 0;
    }
    parent = pid > 1 ? em_running_parent(pid, p) : 0;
    if (is_the_container(pid, parent, p)) {
        service->kind = EM_SERVICE_NONE;
        service->container = 1;
        service->by_hand = restart_container(facts, p);
        service->why = pid == 1
            ? "httpd is the first process of a container, which ends with it"
            : "httpd is what this container runs, and it ends with it";
        return 1;
    }
    s = supervisor_of(parent, p);
    if (s) {
        take(facts, s, parent, p);
    }
    return s != NULL;
}
