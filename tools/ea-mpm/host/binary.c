#include "host/binary.h"

#include <string.h>

#include <apr_strings.h>

#include "host/shellvars.h"

#define MAX_FILE (1024 * 1024)
#define HELPERS "/usr/share/apache2/script-helpers"

static int names_mpm(const em_layout_t *layout)
{
    return strcmp(layout->mpm_variable, "APACHE_MPM") == 0;
}

const char *em_binary_value(const em_layout_t *layout, const char *mpm,
                            const char *file)
{
    return names_mpm(layout) ? mpm : file;
}

/* /usr/sbin/httpd-event, on older systems httpd2-event; NULL: neither. */
static const char *of_mpm(const em_view_t *view, const char *mpm,
                          apr_pool_t *p)
{
    static const char *const stems[] = { "/usr/sbin/httpd-",
                                         "/usr/sbin/httpd2-", NULL };
    int i;

    for (i = 0; stems[i]; i++) {
        const char *file = apr_pstrcat(p, stems[i], mpm, NULL);

        if (em_view_exists(view, file, p)) {
            return file;
        }
    }
    return NULL;
}

static const char *first_of(const em_view_t *view, const char *mpms,
                            apr_pool_t *p)
{
    char *state, *mpm = apr_strtok(apr_pstrdup(p, mpms), " ", &state);

    for (; mpm; mpm = apr_strtok(NULL, " ", &state)) {
        const char *file = of_mpm(view, mpm, p);

        if (file) {
            return file;
        }
    }
    return NULL;
}

/* Which MPM an empty APACHE_MPM means changed with the releases: the first
 * there is in an order that the start script holds ("for mpm in event worker
 * prefork"), or where /usr/sbin/httpd, an alternative, leads to. */
static void choose_default(em_binary_t *choice, const em_view_t *view,
                           apr_pool_t *p)
{
    static const char loop[] = "for mpm in ";
    const char *order = "prefork event worker", *at = NULL, *real;
    em_node_t *node;

    if (em_view_read(&node, view, HELPERS, MAX_FILE, p) == APR_SUCCESS) {
        at = strstr(node->data, loop);
        if (!at && strstr(node->data, "readlink")
            && em_view_real(&real, view, "/usr/sbin/httpd", p) == APR_SUCCESS
            && em_view_exists(view, real, p)) {
            choice->file = real;
            choice->by = apr_psprintf(p, "APACHE_MPM is empty, and "
                                      "/usr/sbin/httpd leads to %s", real);
            return;
        }
    }
    if (at) {
        at += sizeof(loop) - 1;
        order = apr_pstrmemdup(p, at, strcspn(at, ";\n"));
    }
    choice->file = first_of(view, order, p);
    choice->by = apr_psprintf(p, "APACHE_MPM is empty, and of %s the first "
                              "installed is %s", order,
                              choice->file ? choice->file : "none");
}

static void choose_suse(em_binary_t *choice, const em_view_t *view,
                        const em_layout_t *layout, apr_pool_t *p)
{
    if (!choice->value || !*choice->value) {
        choose_default(choice, view, p);
        return;
    }
    choice->file = of_mpm(view, choice->value, p);
    if (!choice->file) {
        choice->missing = apr_pstrcat(p, "/usr/sbin/httpd-", choice->value,
                                      NULL);
        choice->file = first_of(view, "prefork event worker", p);
    }
    (void)layout;
}

static void choose_path(em_binary_t *choice, const em_view_t *view,
                        const em_layout_t *layout, apr_pool_t *p)
{
    choice->file = choice->value && *choice->value ? choice->value
                                                   : layout->binary;
    if (!choice->value) {
        choice->by = apr_psprintf(p, "%s is not set, which means %s",
                                  layout->mpm_variable, layout->binary);
    }
    else if (*choice->value != '/'
             || !em_view_exists(view, choice->value, p)) {
        choice->missing = *choice->value ? choice->value
                                         : "a program without a name";
        choice->file = layout->binary;
    }
}

void em_binary_choose(em_binary_t *choice, const em_view_t *view,
                      const em_layout_t *layout, apr_pool_t *p)
{
    em_shellvars_t sh = { apr_table_make(p, 16), NULL, 0 };
    em_node_t *node;

    memset(choice, 0, sizeof(*choice));
    if (layout->sysconfig && em_view_read(&node, view, layout->sysconfig,
                                          MAX_FILE, p) == APR_SUCCESS) {
        em_shellvars_parse(&sh, node->data, p);
        choice->value = apr_table_get(sh.vars, layout->mpm_variable);
    }
    if (names_mpm(layout)) {
        choose_suse(choice, view, layout, p);
    }
    else {
        choose_path(choice, view, layout, p);
    }
}
