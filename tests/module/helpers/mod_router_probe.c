/* A test of the router inside stock httpd: it asks the router first, lets
 * httpd serve the connection, and writes both answers to one line:
 *
 *   <client port> <kind> <routed vhost> <served vhost or -> <status> <why>
 *
 * One line per connection, when it ends; the first request counts. */

#include "mod_mpm_itkish_router.h"

#include "http_config.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_strings.h"

#include <unistd.h>

extern module AP_MODULE_DECLARE_DATA router_probe_module;

typedef struct probe_t {
    itk_route_t route;
    apr_status_t rv;
    apr_port_t port;
    server_rec *served;
    int status;
} probe_t;

static apr_file_t *answers;
static apr_interval_time_t patience;

static const char *set_file(cmd_parms *cmd, void *dir, const char *path)
{
    (void)dir;
    if (apr_file_open(&answers, ap_server_root_relative(cmd->temp_pool, path),
                      APR_WRITE | APR_CREATE | APR_APPEND, APR_OS_DEFAULT,
                      cmd->pool) != APR_SUCCESS) {
        return "cannot open the file";
    }
    return NULL;
}

static const char *set_timeout(cmd_parms *cmd, void *dir, const char *ms)
{
    (void)cmd;
    (void)dir;
    patience = apr_time_from_msec(apr_atoi64(ms));
    return NULL;
}

static const char *name_of(apr_pool_t *p, const server_rec *s)
{
    if (s == NULL) {
        return "-";
    }
    return s->is_virtual ? apr_psprintf(p, "%s:%u", s->server_hostname,
                                        s->defn_line_number) : "main";
}

static apr_status_t write_answer(void *data)
{
    static const char *const kinds[] = {
        "server", "undecided", "dummy", "gone"
    };
    conn_rec *c = data;
    probe_t *probe = ap_get_module_config(c->conn_config,
                                          &router_probe_module);
    char *line = apr_psprintf(c->pool, "%u %s %s %s %d %s\n", probe->port,
                              probe->rv == APR_SUCCESS
                              ? kinds[probe->route.kind] : "failed",
                              name_of(c->pool, probe->route.server),
                              name_of(c->pool, probe->served), probe->status,
                              probe->route.why ? probe->route.why : "-");
    apr_size_t len = strlen(line);

    (void)apr_file_write(answers, line, &len);
    return APR_SUCCESS;
}

static int ask_router(conn_rec *c, void *csd)
{
    probe_t *probe;
    int lowat = 0;
    socklen_t size = sizeof(lowat);
    int fd;

    if (answers == NULL || c->sbh == NULL) {
        return DECLINED;
    }
    probe = apr_pcalloc(c->pool, sizeof(*probe));
    probe->port = c->client_addr->port;
    probe->rv = itk_route(&probe->route, c, csd,
                          patience ? patience : c->base_server->timeout);
    apr_os_sock_get(&fd, csd);
    if (getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &size) < 0
        || lowat != 1) {
        probe->rv = APR_EGENERAL;
    }
    ap_set_module_config(c->conn_config, &router_probe_module, probe);
    apr_pool_cleanup_register(c->pool, c, write_answer,
                              apr_pool_cleanup_null);
    return DECLINED;
}

static int note_answer(request_rec *r)
{
    probe_t *probe = ap_get_module_config(r->connection->conn_config,
                                          &router_probe_module);

    if (probe != NULL && probe->served == NULL) {
        probe->served = r->server;
        probe->status = r->status;
    }
    return DECLINED;
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_pre_connection(ask_router, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(note_answer, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("RouterProbeFile", set_file, NULL, RSRC_CONF,
                  "where the answers go"),
    AP_INIT_TAKE1("RouterProbeTimeout", set_timeout, NULL, RSRC_CONF,
                  "milliseconds the router waits"),
    { .name = NULL }
};

AP_DECLARE_MODULE(router_probe) = {
    STANDARD20_MODULE_STUFF,
    .cmds = commands, .register_hooks = register_hooks
};
