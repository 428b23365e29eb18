/* A module with faults on demand, for the rehearsal's tests.
 *
 *   TrapHang threaded|always    post_config does not come back
 *   TrapCrash threaded          children end by a signal as they start
 *   TrapConnect PATH            no start without this UNIX socket
 *   TrapTouch PATH              appends a line to PATH at every start
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "ap_mpm.h"

static const char *hang, *crash, *wanted, *touch;

static const char *set(cmd_parms *cmd, void *dummy, const char *value)
{
    (void)dummy;
    *(const char **)cmd->cmd->cmd_data = apr_pstrdup(cmd->server->process
                                                     ->pool, value);
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("TrapHang", set, &hang, RSRC_CONF, "when"),
    AP_INIT_TAKE1("TrapCrash", set, &crash, RSRC_CONF, "when"),
    AP_INIT_TAKE1("TrapConnect", set, &wanted, RSRC_CONF, "path"),
    AP_INIT_TAKE1("TrapTouch", set, &touch, RSRC_CONF, "path"),
    {NULL}
};

static int is_time(const char *when)
{
    int threaded = 0;

    ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded);
    return when && (strcmp(when, "always") == 0 || threaded);
}

static int can_connect(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), ok;

    apr_cpystrn(sa.sun_path, path, sizeof(sa.sun_path));
    ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
    close(fd);
    return ok;
}

static int post_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    FILE *f = touch ? fopen(touch, "a") : NULL;

    (void)p, (void)plog, (void)ptemp;
    if (f) {
        fprintf(f, "started\n");
        fclose(f);
    }
    if (is_time(hang)) {
        for (;;) {
            sleep(60);
        }
    }
    if (wanted && !can_connect(wanted)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "trap: no %s", wanted);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static void child_init(apr_pool_t *p, server_rec *s)
{
    (void)p, (void)s;
    if (is_time(crash)) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
}

static void hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA trap_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, commands, hooks
};
