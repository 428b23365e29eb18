/* The list of commands and the list of options. */

#include <string.h>
#include "cmd/cmd.h"

const em_cmd_t *const em_cmds[] = {
    &em_cmd_show, &em_cmd_list, &em_cmd_check, &em_cmd_plan,
    &em_cmd_rehearse, &em_cmd_switch, &em_cmd_rollback, &em_cmd_recover,
    &em_cmd_history, &em_cmd_rules, &em_cmd_version, &em_cmd_help, NULL
};

const char *const em_targets[] = {
    "prefork", "worker", "event", "itk", NULL
};

const em_opt_t em_opts[] = {
    { EM_OPT_JSON, "json", NULL,
      "print one JSON object instead of text", 1 },
    { EM_OPT_ROOT, "root", "DIR",
      "work on the system whose root directory is DIR; nothing is "
      "restarted there", 1 },
    { EM_OPT_HTTPD, "httpd", "FILE",
      "the server's binary, where it is not found by itself", 1 },
    { EM_OPT_CONF, "conf", "FILE",
      "the server's main configuration file", 1 },
    { EM_OPT_INSTANCE, "instance", "NAME",
      "another instance of the server: apache2@NAME or httpd@NAME", 1 },
    { EM_OPT_TIMEOUT, "timeout", "SECONDS",
      "how long one run of httpd, one stop or start, or one rehearsal may "
      "take", 1 },
    { EM_OPT_QUIET, "quiet", NULL,
      "no progress and no notes on standard error", 1 },
    { EM_OPT_PROGRESS_FD, "progress-fd", "N",
      "write progress as JSON lines to file descriptor N", 1 },
    { EM_OPT_HELP, "help", NULL,
      "explain the command", 1 },
    { EM_OPT_AVAILABLE, "available", NULL,
      "list as well what the package manager could install", 0 },
    { EM_OPT_DEEP, "deep", NULL,
      "read every .htaccess file below the document roots, too", 0 },
    { EM_OPT_WITH, "with", "WHAT",
      "carry out a change that the target needs: php=fpm moves PHP from "
      "mod_php to php-fpm; to itk, itk=itkish or itk=mpm-itk says which "
      "module, where both are there; on EasyApache, packages lets come "
      "what the MPM's package requires; may be repeated", 0 },
    { EM_OPT_WITHOUT, "without", "MODULE",
      "disable a module that the target does not go with, on EasyApache "
      "remove its package; may be repeated", 0 },
    { EM_OPT_DRY_RUN, "dry-run", NULL,
      "say what would be done and change nothing", 0 },
    { EM_OPT_NO_RESTART, "no-restart", NULL,
      "change the files only; the server goes on as it is until it is "
      "stopped and started", 0 },
    { EM_OPT_END_CONTAINER, "end-container", NULL,
      "where a container ends with the server, end it once the files are "
      "changed; its restart policy has to bring it back", 0 },
    { EM_OPT_NO_REHEARSAL, "no-rehearsal", NULL,
      "skip the dress rehearsal", 0 },
    { EM_OPT_REQUIRE_REHEARSAL, "require-rehearsal", NULL,
      "go on only if the dress rehearsal could be held and passed", 0 },
    { EM_OPT_ALLOW_SOCKET, "allow-socket", "PATH",
      "let the rehearsed server reach this UNIX socket of the real system; "
      "may be repeated", 0 },
    { EM_OPT_ASK_ROOT, "ask-root", NULL,
      "request / of every virtual host in the rehearsal, which runs the "
      "sites' own code", 0 },
    { EM_OPT_FORCE, "force", NULL,
      "roll back although files were changed since the switch", 0 },
    { 0, NULL, NULL, NULL, 0 }
};

const em_opt_t *em_opt_find(em_opt_id_t id)
{
    const em_opt_t *opt;

    for (opt = em_opts; opt->name; ++opt) {
        if (opt->id == id) {
            return opt;
        }
    }
    return NULL;
}

const em_cmd_t *em_cmd_find(const char *name)
{
    int i;

    for (i = 0; em_cmds[i]; ++i) {
        if (!strcmp(em_cmds[i]->name, name)) {
            return em_cmds[i];
        }
    }
    return NULL;
}

int em_cmd_takes(const em_cmd_t *cmd, em_opt_id_t id)
{
    const em_opt_t *opt = em_opt_find(id);
    int i;

    if (opt && opt->everywhere) {
        return 1;
    }
    for (i = 0; cmd->options && cmd->options[i]; ++i) {
        if (cmd->options[i] == id) {
            return 1;
        }
    }
    return 0;
}

const char *em_cmd_synopsis(const em_cmd_t *cmd)
{
    switch (cmd->arg) {
    case EM_ARG_TARGET:
        return cmd->arg_required ? "TARGET" : "[TARGET]";
    case EM_ARG_ID:
        return cmd->arg_required ? "ID" : "[ID]";
    case EM_ARG_COMMAND:
        return "[COMMAND]";
    case EM_ARG_NONE:
        break;
    }
    return "";
}
