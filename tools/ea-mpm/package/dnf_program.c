#include "package/dnf.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "package/manager.h"

/* EL 7 has yum 3; on EL 8 and later dnf 4 has both names; dnf 5 takes both
 * over. yum 3 has other options than dnf 4, dnf 5 has no shell. */

#define ASK_TIMEOUT apr_time_from_sec(30)
#define OURS 4

const char *em_dnf_program(const em_view_t *view, apr_pool_t *p)
{
    return em_view_exists(view, "/usr/bin/dnf", p) ? "dnf"
           : em_view_exists(view, "/usr/bin/yum", p) ? "yum" : NULL;
}

/* The usual link of dnf 4: nobody need run it to know. */
static int is_link_of_dnf4(const em_view_t *view, const char *program,
                           apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, "/usr/bin/", program, NULL);
    em_node_t *node;

    return em_view_lstat(&node, view, path, p) == APR_SUCCESS
           && node->kind == EM_NODE_LINK && node->data
           && strcmp(node->data, "dnf-3") == 0;
}

/* "4.14.0" in "4.14.0\n  Installed: ..." and in "dnf5 version 4.14.0": the
 * first word that begins with a digit. */
static const char *version_in(const char *text, apr_pool_t *p)
{
    for (; *text; text++) {
        if (apr_isdigit(*text)) {
            return apr_pstrmemdup(p, text, strcspn(text, " \t\n"));
        }
        text += strcspn(text, " \t\n");
        if (!*text) {
            break;
        }
    }
    return NULL;
}

const char *em_dnf_foreign(const em_view_t *view, apr_pool_t *p)
{
    const char *program = em_dnf_program(view, p), *version = NULL;
    em_exec_out_t *out;

    if (is_link_of_dnf4(view, program, p)) {
        return NULL;
    }
    if (em_manager_exec(&out, em_argv(p, program, "--version", NULL),
                        ASK_TIMEOUT, NULL, p) == APR_SUCCESS
        && out->exit_code == 0) {
        version = version_in(out->out, p);
    }
    if (!version) {
        return apr_pstrcat(p, program, " of a version that it does not tell",
                           NULL);
    }
    return atoi(version) == OURS
               ? NULL : apr_pstrcat(p, program, " ", version, NULL);
}

/* Of dnf 5, too, the name may be yum. */
int em_foreign_is_yum(const char *foreign)
{
    return foreign && strncmp(foreign, "yum ", 4) == 0
           && atoi(foreign + 4) == 3;
}
