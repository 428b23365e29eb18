#include "host/layout.h"

#include <string.h>

#include <apr_strings.h>

#include "host/shellvars.h"

#define MAX_EVIDENCE_FILE (1024 * 1024)

/* Is one condition of a row's evidence true? */
static int condition_holds(const em_view_t *view, char *condition,
                           apr_pool_t *p)
{
    char *text = strchr(condition, '~');
    em_node_t *node;

    if (*condition == '!') {
        return !em_view_exists(view, condition + 1, p);
    }
    if (!text) {
        return em_view_exists(view, condition, p);
    }
    *text++ = '\0';
    return em_view_read(&node, view, condition, MAX_EVIDENCE_FILE, p)
        == APR_SUCCESS && strstr(node->data, text) != NULL;
}

static int evidence_holds(const em_view_t *view, const char *evidence,
                          apr_pool_t *p)
{
    char *state, *one = apr_strtok(apr_pstrdup(p, evidence), " ", &state);

    for (; one; one = apr_strtok(NULL, " ", &state)) {
        if (!condition_holds(view, one, p)) {
            return 0;
        }
    }
    return 1;
}

/* "/a and /b are there, /c is not" for people. */
static const char *evidence_sentence(const char *evidence, apr_pool_t *p)
{
    char *state, *one = apr_strtok(apr_pstrdup(p, evidence), " ", &state);
    const char *said = "";

    for (; one; one = apr_strtok(NULL, " ", &state)) {
        char *text = strchr(one, '~');

        if (text) {
            *text++ = '\0';
        }
        said = apr_pstrcat(p, said, *said ? ", " : "",
                           *one == '!' ? "no " : "",
                           *one == '!' ? one + 1 : one,
                           text ? " with " : "", text ? text : "", NULL);
    }
    return said;
}

static int same_file(const em_view_t *view, const char *a, const char *b,
                     apr_pool_t *p)
{
    const char *real_a = a, *real_b = b;

    (void)em_view_real(&real_a, view, a, p);
    (void)em_view_real(&real_b, view, b, p);
    return strcmp(real_a, real_b) == 0;
}

/* Does PATH lie below directory DIR? */
static int is_below(const em_view_t *view, const char *path, const char *dir,
                    apr_pool_t *p)
{
    const char *real = path, *real_dir = dir;
    apr_size_t len;

    (void)em_view_real(&real, view, path, p);
    (void)em_view_real(&real_dir, view, dir, p);
    len = strlen(real_dir);
    return strncmp(real, real_dir, len) == 0 && real[len] == '/';
}

/* May this row be meant by what the caller prescribes? A binary of another
 * place is another server; so is a configuration outside the layout's. */
static int row_fits(const em_view_t *view, const em_layout_t *row,
                    const em_layout_how_t *how, apr_pool_t *p)
{
    const char *dir;

    if (how->httpd && !same_file(view, how->httpd, row->binary, p)) {
        return 0;
    }
    if (!how->conf || same_file(view, how->conf, row->config_file, p)) {
        return 1;
    }
    dir = apr_pstrmemdup(p, row->config_file,
                         (apr_size_t)(strrchr(row->config_file, '/')
                                      - row->config_file));
    return is_below(view, how->conf, dir, p);
}

static const char *dir_of(const char *path, apr_pool_t *p)
{
    const char *slash = strrchr(path, '/');

    return apr_pstrmemdup(p, path, (apr_size_t)(slash - path));
}

/* KEY of EasyApache's "key=value" file. */
static const char *path_key(const char *text, const char *key, apr_pool_t *p)
{
    apr_size_t len = strlen(key);
    const char *line = text;

    while (line && *line) {
        if (strncmp(line, key, len) == 0 && line[len] == '='
            && line[len + 1] == '/') {
            return apr_pstrmemdup(p, line + len + 1,
                                  strcspn(line + len + 1, " \t\r\n"));
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}

static void take_path(const char **slot, const char *text, const char *key,
                      apr_pool_t *p)
{
    const char *path = path_key(text, key, p);

    if (path) {
        *slot = path;
    }
}

/* EasyApache 4 keeps every path in one file; it outranks our row. */
static void take_ea4_paths(em_layout_t *layout, const em_view_t *view,
                           apr_pool_t *p)
{
    em_node_t *node;

    if (em_view_read(&node, view, "/etc/cpanel/ea4/paths.conf",
                     MAX_EVIDENCE_FILE, p) != APR_SUCCESS) {
        return;
    }
    take_path(&layout->binary, node->data, "bin_httpd", p);
    take_path(&layout->ctl, node->data, "bin_apachectl", p);
    take_path(&layout->server_root, node->data, "dir_base", p);
    take_path(&layout->config_file, node->data, "file_conf", p);
    take_path(&layout->modules_dir, node->data, "dir_modules", p);
}

/* SUSE: /etc/sysconfig/apache2@NAME says which configuration, and if it does
 * not, /etc/apache2@NAME has it. */
static void take_suse_instance(em_layout_t *layout, const em_view_t *view,
                               const char *name, apr_pool_t *p)
{
    em_shellvars_t sh = { apr_table_make(p, 8), NULL, 0 };
    const char *conf = NULL;
    em_node_t *node;

    layout->sysconfig = apr_pstrcat(p, layout->sysconfig, "@", name, NULL);
    if (em_view_read(&node, view, layout->sysconfig, MAX_EVIDENCE_FILE, p)
        == APR_SUCCESS) {
        em_shellvars_parse(&sh, node->data, p);
        conf = apr_table_get(sh.vars, "APACHE_HTTPD_CONF");
    }
    layout->config_file = conf && *conf ? conf
        : apr_pstrcat(p, "/etc/apache2@", name, "/httpd.conf", NULL);
    layout->ctl = NULL;         /* apachectl knows the first one only */
}

/* /etc/apache2-NAME beside /etc/apache2; conf/NAME.conf beside httpd.conf. */
static void take_instance(em_layout_t *layout, const em_view_t *view,
                          const char *name, apr_pool_t *p)
{
    char *unit = apr_pstrdup(p, layout->units);
    char *dot = strchr(unit, '.');

    if (dot) {
        *dot = '\0';
        layout->units = apr_pstrcat(p, unit, "@", name, ".service", NULL);
    }
    if (layout->mechanism == EM_MECH_LINKS) {
        const char *ctl = apr_pstrcat(p, layout->ctl, "-", name, NULL);

        layout->server_root = apr_pstrcat(p, layout->server_root, "-", name,
                                          NULL);
        layout->config_file = apr_pstrcat(p, layout->server_root,
                                          "/apache2.conf", NULL);
        layout->sysconfig = apr_pstrcat(p, layout->server_root, "/envvars",
                                        NULL);
        layout->ctl = em_view_exists(view, ctl, p) ? ctl : NULL;
        layout->control = NULL;
    }
    else if (strcmp(layout->id, "suse") == 0) {
        take_suse_instance(layout, view, name, p);
    }
    else {
        layout->config_file = apr_pstrcat(p, dir_of(layout->config_file, p),
                                          "/", name, ".conf", NULL);
        layout->ctl = NULL;     /* apachectl knows the first one only */
        layout->control = NULL;
    }
}

/* A layout that nothing but the binary tells about. */
static em_layout_t *derived(const em_layout_how_t *how, apr_pool_t *p)
{
    em_layout_t *layout = apr_pcalloc(p, sizeof(*layout));

    layout->id = "source";
    layout->title = "built from source";
    layout->mechanism = EM_MECH_LOADMODULE;
    layout->binary = how->httpd;
    layout->config_file = how->conf;
    layout->units = "";
    layout->mpm_file = how->conf;
    return layout;
}

static const em_layout_row_t *find_row(const em_view_t *view,
                                       const em_layout_how_t *how,
                                       apr_pool_t *p)
{
    const em_layout_row_t *row;
    int i;

    for (i = 0; (row = em_layout_row(i)); i++) {
        if (evidence_holds(view, row->evidence, p)
            && row_fits(view, &row->layout, how, p)) {
            return row;
        }
    }
    return NULL;
}

/* --conf /etc/apache2-NAME/apache2.conf means Debian's instance NAME. */
static void conf_to_instance(em_layout_how_t *how, apr_pool_t *p)
{
    static const char prefix[] = "/etc/apache2-";
    const char *name;

    if (how->conf && !how->instance
        && strncmp(how->conf, prefix, sizeof(prefix) - 1) == 0) {
        name = how->conf + sizeof(prefix) - 1;
        if (strcmp(name + strcspn(name, "/"), "/apache2.conf") == 0) {
            how->instance = apr_pstrmemdup(p, name, strcspn(name, "/"));
            how->conf = NULL;
        }
    }
}

const em_layout_t *em_layout_find(const char **pevidence,
                                  const em_view_t *view,
                                  em_layout_how_t *how, apr_pool_t *p)
{
    const em_layout_row_t *row;
    em_layout_t *layout;

    conf_to_instance(how, p);
    row = find_row(view, how, p);
    if (!row) {
        *pevidence = how->conf ? apr_psprintf(p, "%s was given", how->conf)
            : how->httpd ? apr_psprintf(p, "%s was given", how->httpd)
            : "no known layout";
        return derived(how, p);
    }
    layout = apr_pmemdup(p, &row->layout, sizeof(*layout));
    *pevidence = evidence_sentence(row->evidence, p);
    if (strcmp(layout->id, "ea4") == 0) {
        take_ea4_paths(layout, view, p);
    }
    if (how->instance) {
        take_instance(layout, view, how->instance, p);
    }
    if (how->conf) {
        layout->config_file = how->conf;
        if (!same_file(view, how->conf, row->layout.config_file, p)
            && !how->instance) {
            layout->ctl = NULL; /* it would start the usual one */
            layout->control = NULL;
        }
    }
    return layout;
}

/* The file and the words of a layout's own control command. */
static const char *control_part(const em_layout_t *layout, int n,
                                apr_pool_t *p)
{
    const char *s = layout->control;

    for (; n > 0; n--) {
        s += strcspn(s, "|") + 1;
    }
    return apr_pstrmemdup(p, s, strcspn(s, "|"));
}

const char *em_layout_ctl(const em_layout_t *layout, const em_view_t *view,
                          apr_pool_t *p)
{
    const char *file = layout->control ? control_part(layout, 0, p) : NULL;
    em_node_t *node;

    if (file && em_view_lstat(&node, view, file, p) == APR_SUCCESS
        && node->kind == EM_NODE_FILE && (node->mode & 0111)) {
        return file;
    }
    return layout->ctl && em_view_exists(view, layout->ctl, p) ? layout->ctl
                                                              : NULL;
}

const char *const *em_layout_command(const em_layout_t *layout,
                                     const char *ctl, int start,
                                     apr_pool_t *p)
{
    int own = layout->control
              && strcmp(ctl, control_part(layout, 0, p)) == 0;
    char *state, *words = own ? (char *)control_part(layout, start ? 1 : 2, p)
                              : apr_pstrdup(p, start ? "start" : "");
    const char **argv = apr_pcalloc(p, 8 * sizeof(*argv));

    argv[0] = ctl;
    argv[1] = apr_strtok(words, " ", &state);
    for (int i = 2; argv[i - 1] && i < 7; i++) {
        argv[i] = apr_strtok(NULL, " ", &state);
    }
    return argv[1] ? argv : NULL;
}
