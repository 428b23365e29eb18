#include "host/options.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/exec.h"
#include "host/shellvars.h"
#include "host/suse.h"

#define MAX_FILE (1024 * 1024)
#define EVAL_TIMEOUT apr_time_from_sec(10)

extern char **environ;

static void set_env(apr_table_t *env, const char *pair, apr_pool_t *p)
{
    const char *eq = strchr(pair, '=');

    if (eq && eq != pair) {
        apr_table_set(env, apr_pstrmemdup(p, pair, (apr_size_t)(eq - pair)),
                      eq + 1);
    }
}

static int add_pair(void *baton, const char *key, const char *value)
{
    apr_array_header_t *list = baton;

    APR_ARRAY_PUSH(list, const char *) = apr_pstrcat(list->pool, key, "=",
                                                     value, NULL);
    return 1;
}

/* A table as K=V, NULL-terminated. */
static const char *const *env_of(const apr_table_t *env, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 32, sizeof(const char *));

    apr_table_do(add_pair, list, env, NULL);
    APR_ARRAY_PUSH(list, const char *) = NULL;
    return (const char *const *)list->elts;
}

/* May the file be run as us? Only root's and our own, which nobody else can
 * write; anything else could make us run a stranger's commands. */
static int is_trusted(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode)
        && (st.st_uid == 0 || st.st_uid == geteuid())
        && !(st.st_mode & S_IWOTH)
        && (!(st.st_mode & S_IWGRP) || st.st_gid == 0
            || st.st_gid == getegid());
}

/* What apache2ctl does: source the file, then look at the variables. The two
 * that need not be exported are put first. */
static apr_status_t evaluate(apr_table_t *env, const char *path,
                             const char **parguments, const char **phttpd,
                             apr_pool_t *p)
{
    static const char script[] =
        "exec 3>&1 >/dev/null 2>&1; . \"$0\"; "
        "printf '%s\\0%s\\0' \"$APACHE_ARGUMENTS\" \"$APACHE_HTTPD\" >&3; "
        "exec env -0 >&3 3>&-";
    const char *const argv[] = { "/bin/sh", "-c", script, path, NULL };
    em_exec_how_t how = {.env = env_of(env, p), .timeout = EVAL_TIMEOUT};
    em_exec_out_t *out;
    const char *s, *end;
    apr_status_t rv = em_exec(&out, argv, &how, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    s = out->out;
    end = s + out->out_len;
    if (!out->exited || out->exit_code != 0 || s == end || end[-1] != '\0') {
        return APR_EGENERAL;
    }
    *parguments = s;
    s += strlen(s) + 1;
    *phttpd = s < end ? s : "";
    s += s < end ? strlen(s) + 1 : 0;
    apr_table_clear(env);
    for (; s < end; s += strlen(s) + 1) {
        set_env(env, s, p);
    }
    return APR_SUCCESS;
}

/* Variables of a file as data. */
static apr_table_t *parsed(const em_view_t *view, const char *path,
                           apr_pool_t *p)
{
    em_shellvars_t sh = { apr_table_make(p, 16), NULL, 0 };
    em_node_t *node;

    if (path && em_view_read(&node, view, path, MAX_FILE, p) == APR_SUCCESS) {
        em_shellvars_parse(&sh, node->data, p);
    }
    return sh.vars;
}

static const char *value_of(const apr_table_t *vars, const char *name)
{
    const char *value = apr_table_get(vars, name);

    return value && *value ? value : NULL;
}

typedef struct export_t {
    apr_table_t *env;
    const apr_table_t *vars;
} export_t;

static int export_one(void *baton, const char *name, const char *none)
{
    export_t *to = baton;
    const char *value = apr_table_get(to->vars, name);

    (void)none;
    if (value) {
        apr_table_set(to->env, name, value);
    }
    return 1;
}

static int unset_one(void *baton, const char *name, const char *value)
{
    export_t *to = baton;

    (void)value;
    if (!apr_table_get(to->vars, name)) {
        apr_table_unset(to->env, name);
    }
    return 1;
}

/* The file read as data into ENV. Returns whether a shell would have done
 * the same. */
static int read_as_data(apr_table_t *env, const em_view_t *view,
                        const char *path, const char **parguments,
                        const char **phttpd, apr_pool_t *p)
{
    em_shellvars_t sh = { apr_table_copy(p, env), apr_table_make(p, 16), 0 };
    export_t to = { env, sh.vars };
    em_node_t *node;

    if (em_view_read(&node, view, path, MAX_FILE, p) != APR_SUCCESS) {
        return 0;
    }
    em_shellvars_parse(&sh, node->data, p);
    apr_table_do(unset_one, &to, apr_table_copy(p, env), NULL);
    apr_table_do(export_one, &to, sh.exported, NULL);
    apr_table_do(export_one, &to, apr_table_copy(p, env), NULL);
    *parguments = value_of(sh.vars, "APACHE_ARGUMENTS");
    *phttpd = value_of(sh.vars, "APACHE_HTTPD");
    return sh.understood;
}

/* Debian's envvars: a shell script that apache2ctl sources. Most of them are
 * plain enough to be read; the others are run where they can be trusted. */
static apr_table_t *read_envvars(em_options_t *o, apr_table_t *env,
                                 const em_view_t *view, const char *path,
                                 const char *confdir, em_log_t *log,
                                 apr_pool_t *p)
{
    const char *arguments = NULL, *httpd = NULL;
    const char *outside = em_view_outside(view, path, p);
    apr_table_t *read;

    if (confdir) {
        apr_table_set(env, "APACHE_CONFDIR", confdir);
    }
    read = apr_table_copy(p, env);
    if (!read_as_data(read, view, path, &arguments, &httpd, p)
        && strcmp(em_view_root(view), "/") == 0
        && em_view_exists(view, path, p)) {
        if (is_trusted(outside)
            && evaluate(env, outside, &arguments, &httpd, p) == APR_SUCCESS) {
            read = env;
        }
        else {
            em_log(log, EM_LOG_WARN, "%s is read as data, not run: it is not "
                   "root's alone, or running it failed", path);
        }
    }
    if (arguments && *arguments) {
        apr_array_cat(o->args, em_shellvars_split(arguments, p));
    }
    o->binary = httpd && *httpd ? httpd : NULL;
    return read;
}

/* Is WORD (ExecStart's first) httpd itself rather than its control script? */
static int is_httpd(const char *word)
{
    const char *slash = strrchr(word, '/');
    const char *name = slash ? slash + 1 : word;

    return strncmp(name, "httpd", 5) == 0 || strcmp(name, "apache2") == 0;
}

/* Leave out what says what to do rather than how the server is set up. */
static void add_arguments(apr_array_header_t *args,
                          const apr_array_header_t *words, int from)
{
    int i;

    for (i = from; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        const char *next = i + 1 < words->nelts
            ? APR_ARRAY_IDX(words, i + 1, const char *) : "";

        if (strcmp(word, "-k") == 0) {
            i++;
        }
        else if (strcmp(word, "-D") == 0
                 && (strcmp(next, "FOREGROUND") == 0
                     || strcmp(next, "NO_DETACH") == 0)) {
            i++;
        }
        else if (*word && strcmp(word, "-DFOREGROUND") != 0
                 && strcmp(word, "-DNO_DETACH") != 0
                 && strcmp(word, "-X") != 0 && strcmp(word, "start") != 0) {
            APR_ARRAY_PUSH(args, const char *) = word;
        }
    }
}

/* The first unit of the layout that exists. */
static const em_unit_file_t *find_unit(const em_view_t *view,
                                       const char *units, apr_pool_t *p)
{
    char *state, *name = apr_strtok(apr_pstrdup(p, units ? units : ""), " ",
                                    &state);
    em_unit_file_t *unit;

    for (; name; name = apr_strtok(NULL, " ", &state)) {
        if (em_unit_file_read(&unit, view, name, p) == APR_SUCCESS) {
            return unit;
        }
    }
    return NULL;
}

static int copy_pair(void *baton, const char *key, const char *value)
{
    apr_table_set(baton, key, value);
    return 1;
}

/* What the service begins with: systemd gives a clean environment. */
static apr_table_t *base_env(const em_unit_file_t *unit, int booted,
                             apr_pool_t *p)
{
    apr_table_t *env = apr_table_make(p, 32);
    int i;

    if (!unit || !booted) {
        for (i = 0; environ[i]; i++) {
            set_env(env, environ[i], p);
        }
    }
    if (!apr_table_get(env, "PATH")) {
        apr_table_set(env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                                   "/usr/bin:/sbin:/bin");
    }
    if (unit) {
        apr_table_do(copy_pair, env, unit->env, NULL);
    }
    return env;
}

/* bin/envvars beside the binary, which bin/apachectl sources. */
static const char *envvars_beside(const em_layout_t *layout, apr_pool_t *p)
{
    const char *slash = layout->ctl ? strrchr(layout->ctl, '/') : NULL;

    return slash ? apr_pstrcat(p, apr_pstrmemdup(p, layout->ctl,
                                   (apr_size_t)(slash - layout->ctl)),
                               "/envvars", NULL) : NULL;
}

/* OPTIONS or APACHE2_OPTS of a sysconfig or conf.d file, where no
 * unit has already said them. */
static void take_sysconfig(em_options_t *o, const em_view_t *view,
                           const em_layout_t *layout, apr_pool_t *p)
{
    apr_table_t *vars = parsed(view, layout->sysconfig, p);
    const char *options = value_of(vars, "OPTIONS");

    if (!options) {
        options = value_of(vars, "APACHE2_OPTS");
    }
    if (options) {
        add_arguments(o->args, em_shellvars_split(options, p), 0);
    }
}

/* SUSE's start_apache2, with what else its unit passes. */
static void take_suse(em_options_t *o, const em_view_t *view,
                      const em_layout_t *layout, const char *instance,
                      apr_table_t *env, apr_pool_t *p)
{
    apr_array_header_t *more = apr_array_make(p, 4, sizeof(const char *));

    if (o->unit && o->unit->exec_start->nelts) {
        add_arguments(more, o->unit->exec_start, 1);
    }
    if (em_view_exists(view, EM_SUSE_STARTER, p)) {
        o->starter = apr_array_make(p, 4, sizeof(const char *));
        APR_ARRAY_PUSH(o->starter, const char *) = EM_SUSE_STARTER;
        apr_array_cat(o->starter, more);
    }
    if (instance) {             /* as older and newer releases call it */
        apr_table_set(env, "HTTPD_INSTANCE", instance);
        apr_table_set(env, "START_APACHE_INSTANCE", instance);
    }
    em_suse_args(o->args, view, layout, parsed(view, layout->sysconfig, p),
                 instance, p);
    apr_array_cat(o->args, more);
}

const char *const *em_options_values(const apr_array_header_t *args,
                                     char letter, apr_pool_t *p)
{
    apr_array_header_t *values = apr_array_make(p, 4, sizeof(const char *));
    int i;

    for (i = 0; i < args->nelts; i++) {
        const char *arg = APR_ARRAY_IDX(args, i, const char *);

        if (arg[0] != '-' || !arg[1]) {
            continue;
        }
        if (arg[1] == letter && arg[2]) {
            APR_ARRAY_PUSH(values, const char *) = arg + 2;
        }
        else if (strchr("DfdCcekE", arg[1]) && !arg[2]
                 && i + 1 < args->nelts) {
            i++;
            if (arg[1] == letter) {
                APR_ARRAY_PUSH(values, const char *)
                    = APR_ARRAY_IDX(args, i, const char *);
            }
        }
    }
    APR_ARRAY_PUSH(values, const char *) = NULL;
    return (const char *const *)values->elts;
}

static const char *last_value(const apr_array_header_t *args, char letter,
                              apr_pool_t *p)
{
    const char *const *values = em_options_values(args, letter, p);
    const char *last = NULL;

    for (; *values; values++) {
        last = *values;
    }
    return last;
}

/* apache2ctl makes the run and lock directories before anything else; a
 * config test must not, and httpd refuses a DefaultRuntimeDir or Mutex that
 * is not there. */
static const char *const *test_env_of(apr_table_t *env, const em_view_t *view,
                                      apr_pool_t *p)
{
    static const char *const dirs[] = { "APACHE_RUN_DIR", "APACHE_LOCK_DIR",
                                        NULL };
    apr_table_t *copy = apr_table_copy(p, env);
    int i;

    for (i = 0; dirs[i]; i++) {
        const char *dir = apr_table_get(env, dirs[i]);

        if (dir && *dir == '/' && !em_view_is_dir(view, dir, p)) {
            apr_table_set(copy, dirs[i],
                          em_view_is_dir(view, "/run", p) ? "/run" : "/tmp");
        }
    }
    return env_of(copy, p);
}

void em_options_read(em_options_t **poptions, const em_view_t *view,
                     const em_layout_t *layout, const char *instance,
                     int booted, em_log_t *log, apr_pool_t *p)
{
    em_options_t *o = apr_pcalloc(p, sizeof(*o));
    const char *beside = envvars_beside(layout, p);
    int exec_httpd;
    apr_table_t *env;

    o->args = apr_array_make(p, 8, sizeof(const char *));
    o->unit = find_unit(view, layout->units, p);
    env = base_env(o->unit, booted, p);
    exec_httpd = o->unit && o->unit->exec_start->nelts
        && is_httpd(APR_ARRAY_IDX(o->unit->exec_start, 0, const char *));
    if (layout->mechanism == EM_MECH_LINKS) {
        if (instance) {
            APR_ARRAY_PUSH(o->args, const char *) = "-d";
            APR_ARRAY_PUSH(o->args, const char *) = layout->server_root;
        }
        env = read_envvars(o, env, view, layout->sysconfig,
                           layout->server_root, log, p);
    }
    else if (strcmp(layout->id, "suse") == 0) {
        take_suse(o, view, layout, instance, env, p);
    }
    else if (exec_httpd) {
        add_arguments(o->args, o->unit->exec_start, 1);
    }
    else {
        if (beside && em_view_exists(view, beside, p)) {
            env = read_envvars(o, env, view, beside, NULL, log, p);
        }
        take_sysconfig(o, view, layout, p);
    }
    o->env = env_of(env, p);
    o->test_env = test_env_of(env, view, p);
    o->server_root = last_value(o->args, 'd', p);
    o->config_file = last_value(o->args, 'f', p);
    *poptions = o;
}
