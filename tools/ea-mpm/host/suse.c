#include "host/suse.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "host/binary.h"
#include "host/shellvars.h"

#define MAX_CONF (16 * 1024 * 1024)

typedef struct suse_t {
    apr_array_header_t *args;
    const em_view_t *view;
    const apr_table_t *vars;
    const char *mpm;            /* of the program that is started, or NULL */
    apr_pool_t *p;
} suse_t;

static void add(const suse_t *s, const char *option, const char *value)
{
    APR_ARRAY_PUSH(s->args, const char *) = option;
    if (value) {
        APR_ARRAY_PUSH(s->args, const char *) = value;
    }
}

static const char *value_of(const suse_t *s, const char *name)
{
    const char *value = apr_table_get(s->vars, name);

    return value ? value : "";
}

static apr_array_header_t *words_of(const suse_t *s, const char *name)
{
    return em_shellvars_split(value_of(s, name), s->p);
}

/* ---- modules ---- */

/* The file of a module: of the MPM's own directory before the common one. */
static const char *module_file(const suse_t *s, const char *module)
{
    static const char *const libs[] = { "/usr/lib64", "/usr/lib" };
    const char *own = s->mpm ? apr_pstrcat(s->p, "/apache2-", s->mpm, NULL)
                             : "/apache2";
    int i;

    for (i = 0; i < 8; i++) {
        const char *file = apr_pstrcat(s->p, libs[i / 4],
                                       i % 4 < 2 ? own : "/apache2",
                                       i % 2 ? "/" : "/mod_", module, ".so",
                                       NULL);

        if (em_view_exists(s->view, file, s->p)) {
            return file;
        }
    }
    return NULL;
}

static const char *module_id(const char *module, apr_pool_t *p)
{
    const char *name = strncmp(module, "mod_", 4) == 0 ? module + 4 : module;

    if (strcmp(name, "auth_mysql") == 0) {
        return "mysql_auth_module";
    }
    if (strncmp(name, "php", 3) == 0 && name[3] >= '8' && apr_isdigit(name[3])
        && !name[4]) {
        return "php_module";
    }
    return apr_pstrcat(p, name, "_module", NULL);
}

/* cgi and cgid change with the MPM, whichever is named. */
static const char *follow_mpm(const suse_t *s, const char *module)
{
    const char *bare = strncmp(module, "mod_", 4) == 0 ? module + 4 : module;
    int threaded = s->mpm && (strcmp(s->mpm, "event") == 0
                              || strcmp(s->mpm, "worker") == 0);

    if (strcmp(bare, "cgi") == 0 && threaded) {
        return apr_pstrcat(s->p, module, "d", NULL);
    }
    if (strcmp(bare, "cgid") == 0 && s->mpm
        && strcmp(s->mpm, "prefork") == 0) {
        return apr_pstrmemdup(s->p, module, strlen(module) - 1);
    }
    return module;
}

/* A module without a file is left out; a start says so and goes on. */
static void add_modules(const suse_t *s)
{
    apr_array_header_t *words = words_of(s, "APACHE_MODULES");
    int i;

    for (i = 0; i < words->nelts; i++) {
        const char *module = follow_mpm(s, APR_ARRAY_IDX(words, i,
                                                         const char *));
        const char *file = module_file(s, module);

        if (file) {
            add(s, "-C", apr_pstrcat(s->p, "LoadModule ",
                                     module_id(module, s->p), " ", file,
                                     NULL));
        }
    }
}

/* ---- the rest ---- */

static void add_globals(const suse_t *s)
{
    static const struct {
        const char *directive, *variable;
    } globals[] = {
        { "ServerAdmin", "APACHE_SERVERADMIN" },
        { "ServerName", "APACHE_SERVERNAME" },
        { "ServerSignature", "APACHE_SERVERSIGNATURE" },
        { "LogLevel", "APACHE_LOGLEVEL" },
        { "UseCanonicalName", "APACHE_USE_CANONICAL_NAME" },
        { "ServerTokens", "APACHE_SERVERTOKENS" },
        { "TraceEnable", "APACHE_TRACEENABLE" },
    };
    const char *log = value_of(s, "APACHE_ACCESS_LOG"), *comma;
    apr_size_t i;

    if (*log) {                 /* "file format, file format" */
        comma = strchr(log, ',');
        add(s, "-C", apr_pstrcat(s->p, "CustomLog ",
                                 apr_pstrmemdup(s->p, log,
                                                strcspn(log, ",")), NULL));
        if (comma) {
            add(s, "-C", apr_pstrcat(s->p, "CustomLog ", comma + 1, NULL));
        }
    }
    for (i = 0; i < sizeof(globals) / sizeof(*globals); i++) {
        const char *value = value_of(s, globals[i].variable);

        if (*value) {
            add(s, "-C", apr_pstrcat(s->p, globals[i].directive, " ", value,
                                     NULL));
        }
    }
}

static void add_includes(const suse_t *s, const char *variable, int files)
{
    apr_array_header_t *words = words_of(s, variable);
    int i;

    for (i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        const char *path = *word == '/' ? word
            : apr_pstrcat(s->p, "/etc/apache2/", word, NULL);
        const char *above = apr_pstrmemdup(
            s->p, path, (apr_size_t)(strrchr(path, '/') - path));

        if (em_view_exists(s->view, path, s->p)
            || (!files && em_view_is_dir(s->view, above, s->p))) {
            add(s, "-c", apr_pstrcat(s->p, "Include ", path, NULL));
        }
    }
}

static void add_flags(const suse_t *s)
{
    apr_array_header_t *words = words_of(s, "APACHE_SERVER_FLAGS");
    const char *status = value_of(s, "APACHE_EXTENDED_STATUS");
    int i;

    for (i = 0; i < words->nelts; i++) {
        const char *flag = APR_ARRAY_IDX(words, i, const char *);

        if (strcmp(flag, "-D") != 0) {
            add(s, apr_pstrcat(s->p, "-D", strncmp(flag, "-D", 2) == 0
                                               ? flag + 2 : flag, NULL),
                NULL);
        }
    }
    if (strcmp(status, "lua") == 0) {
        add(s, "-DLUA_STATUS", NULL);
    }
    else if (strcmp(status, "on") == 0) {
        add(s, "-DEXTENDED_STATUS", NULL);
    }
}

int em_suse_includes_generated(const em_view_t *view, const char *conf,
                               apr_pool_t *p)
{
    const char *line;
    em_node_t *node;

    if (em_view_read(&node, view, conf, MAX_CONF, p) != APR_SUCCESS) {
        return 0;
    }
    for (line = node->data; line && *line; line = strchr(line, '\n')) {
        apr_size_t len;

        line += strspn(line, " \t\r\n");
        len = strcspn(line, "\n");
        if (*line != '#'
            && memmem(line, len, "sysconfig.d/loadmodule.conf", 27)) {
            return 1;
        }
    }
    return 0;
}

void em_suse_args(apr_array_header_t *args, const em_view_t *view,
                  const em_layout_t *layout, const apr_table_t *vars,
                  const char *instance, apr_pool_t *p)
{
    suse_t s = { args, view, vars, NULL, p };
    const char *conf, *dash;
    em_binary_t choice;

    em_binary_choose(&choice, view, layout, p);
    dash = choice.file ? strrchr(choice.file, '-') : NULL;
    s.mpm = choice.value && *choice.value ? choice.value
            : dash ? dash + 1 : NULL;
    conf = value_of(&s, "APACHE_HTTPD_CONF");
    if (!*conf) {               /* not the layout's: --conf may be in there */
        conf = instance ? apr_pstrcat(p, "/etc/apache2@", instance,
                                      "/httpd.conf", NULL)
                        : "/etc/apache2/httpd.conf";
    }
    if (em_view_exists(view, layout->sysconfig, p)) {
        add(&s, "-DSYSCONFIG", NULL);
    }
    add_flags(&s);
    if (em_suse_includes_generated(view, conf, p)) {
        add(&s, "-f", conf);
        return;
    }
    add(&s, "-C", apr_pstrcat(p, "PidFile /run/httpd", instance ? "@" : "",
                              instance ? instance : "", ".pid", NULL));
    add_modules(&s);
    add_globals(&s);
    add(&s, "-f", conf);
    add_includes(&s, "APACHE_CONF_INCLUDE_FILES", 1);
    add_includes(&s, "APACHE_CONF_INCLUDE_DIRS", 0);
}
