#include "host/gather.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "host/running.h"

#define DEFAULT_TIMEOUT apr_time_from_sec(30)

/* What one gathering carries along. */
typedef struct gathering_t {
    em_facts_t *facts;
    em_layout_t *layout;        /* facts->layout while it is made */
    em_options_t *options;
    em_probe_t *probe;
    em_exec_t *test;            /* httpd -t in progress, or NULL */
    const char *test_error;     /* why it is not */
    em_elf_cache_t *elfs;
    em_packages_t *packages;
    int booted;                 /* systemd runs this machine */
    em_result_t *res;
    apr_pool_t *p;
} gathering_t;

static int is_here(const em_facts_t *facts)
{
    return strcmp(em_view_root(facts->view), "/") == 0;
}

/* A path of the user's: relative ones begin at the working directory. */
static const char *absolute(const char *path, apr_pool_t *p)
{
    char cwd[4096];

    if (!path || *path == '/' || !getcwd(cwd, sizeof(cwd))) {
        return path;
    }
    return apr_pstrcat(p, cwd, "/", path, NULL);
}

/* Where an httpd is when no layout tells. */
static const char *find_binary(const em_view_t *view, apr_pool_t *p)
{
    static const char *const places[] = {
        "/usr/local/apache2/bin/httpd", "/usr/sbin/httpd",
        "/usr/sbin/apache2", "/usr/local/sbin/httpd", "/usr/local/bin/httpd",
        "/usr/bin/httpd", NULL
    };
    int i;

    for (i = 0; places[i]; i++) {
        if (em_view_exists(view, places[i], p)) {
            return places[i];
        }
    }
    return NULL;
}

static apr_status_t choose_binary(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    const char *binary = absolute(facts->how.httpd, g->p);

    if (!binary) {
        binary = g->options->binary;
    }
    if (!binary && facts->layout->mpm_variable) {
        binary = em_gather_choice(facts, facts->view, g->p);
    }
    if (!binary) {
        binary = facts->layout->binary;
    }
    if (!binary) {
        binary = find_binary(facts->view, g->p);
    }
    if (!binary || !em_view_exists(facts->view, binary, g->p)) {
        em_result_hint(g->res, "ea-mpm --httpd /path/to/httpd show");
        return em_result_fail(g->res, APR_ENOENT, EM_EXIT_FAILED,
                              "httpd-missing", binary
                              ? "there is no %s%s"
                              : "no Apache httpd was found on this system "
                                "(looked at the places of every known "
                                "layout)%s%s", binary
                              ? em_view_outside(facts->view, binary, g->p)
                              : "", "");
    }
    facts->httpd.binary = binary;
    return APR_SUCCESS;
}

static void find_layout(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    em_layout_how_t how = { absolute(facts->how.httpd, g->p),
                            absolute(facts->how.conf, g->p),
                            facts->how.instance };

    if (!is_here(facts)) {      /* paths inside the root are absolute */
        how.httpd = facts->how.httpd;
        how.conf = facts->how.conf;
    }
    g->layout = apr_pmemdup(g->p, em_layout_find(&facts->layout_evidence,
                                                 facts->view, &how, g->p),
                            sizeof(*g->layout));
    facts->layout = g->layout;
    facts->how.instance = how.instance;
    facts->how.conf = how.conf;
}

static void set_args(gathering_t *g)
{
    if (g->facts->how.conf) {
        APR_ARRAY_PUSH(g->facts->httpd.args, const char *) = "-f";
        APR_ARRAY_PUSH(g->facts->httpd.args, const char *)
            = g->facts->how.conf;
    }
}

/* Which configuration file: --conf, the service's -f, the compiled-in one;
 * relative to -d or the compiled-in root. */
static void set_paths(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    const em_httpd_settings_t *set = &g->probe->settings;
    const char *root = g->options->server_root;
    const char *conf = g->options->config_file;

    if (!root) {
        root = set->root;
    }
    if (facts->how.conf) {
        conf = facts->how.conf;
    }
    if (!conf) {
        conf = set->config_file;
    }
    facts->httpd.server_root = root;
    facts->httpd.config_file = em_gather_path(root, conf, g->p);
}

/* The rows of a layout that only the binary can tell. */
static void complete_layout(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    em_layout_t *layout = g->layout;
    const char *binary = facts->httpd.binary;

    if (!layout->binary) {
        const char *ctl = apr_pstrcat(
            g->p, apr_pstrmemdup(g->p, binary,
                                 (apr_size_t)(strrchr(binary, '/') - binary)),
            "/apachectl", NULL);

        layout->binary = binary;
        layout->ctl = !facts->how.conf && em_view_exists(facts->view, ctl,
                                                         g->p) ? ctl : NULL;
    }
    if (!layout->server_root) {
        layout->server_root = facts->httpd.server_root;
    }
    layout->config_file = facts->httpd.config_file;
    if (!layout->mpm_file && layout->mechanism == EM_MECH_LOADMODULE) {
        layout->mpm_file = layout->config_file;
    }
    if (facts->httpd.static_mpm && (layout->mechanism == EM_MECH_LOADMODULE
                                    || layout->mechanism == EM_MECH_LINKS)) {
        layout->mechanism = EM_MECH_REBUILD;
        facts->layout_evidence = apr_psprintf(
            g->p, "%s; %s is compiled into %s", facts->layout_evidence,
            facts->httpd.static_mpm, binary);
    }
}

static void start_test(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    em_exec_how_t how = {.env = facts->httpd.test_env,
                         .timeout = facts->how.timeout};
    char why[120];
    apr_status_t rv;

    if (facts->httpd.missing) {
        g->test_error = apr_psprintf(g->p, "%s in %s names %s, which is not "
                                     "there: the server cannot be started",
                                     facts->layout->mpm_variable,
                                     facts->layout->sysconfig,
                                     facts->httpd.missing);
        return;
    }
    if (!is_here(facts)) {
        g->test_error = "not run: programs of another system's tree are not";
        return;
    }
    rv = em_probe_test_start(&g->test, facts->httpd.binary,
                             facts->httpd.args, &how, g->p);
    if (rv != APR_SUCCESS) {
        g->test = NULL;
        g->test_error = apr_psprintf(g->p, "cannot run %s: %s",
                                     facts->httpd.binary,
                                     apr_strerror(rv, why, sizeof(why)));
    }
}

/* An instance that is not there, said in its own words. */
static apr_status_t check_instance(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    const char *name = facts->how.instance;

    if (!name || em_view_exists(facts->view, facts->layout->config_file,
                                g->p)) {
        return APR_SUCCESS;
    }
    em_result_hint(g->res, "ea-mpm --conf /path/to/its/file show");
    return em_result_fail(g->res, APR_ENOENT, EM_EXIT_FAILED,
                          "instance-unknown", "there is no instance %s of %s "
                          "here: its configuration would be %s", name,
                          facts->layout->title, facts->layout->config_file);
}

/* Everything that is needed before the configuration can be read. */
static apr_status_t look_at_httpd(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    em_exec_how_t how = { 0 };
    apr_status_t rv;

    em_options_read(&g->options, facts->view, facts->layout,
                    facts->how.instance, g->booted, facts->how.log, g->p);
    facts->httpd.args = g->options->args;
    facts->httpd.env = g->options->env;
    facts->httpd.test_env = g->options->test_env;
    facts->httpd.starter = g->options->starter;
    rv = choose_binary(g);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    set_args(g);
    em_adopt_defines(facts, g->p);
    if (!facts->how.httpd) {    /* the layout's own: it may be run unseen, */
        start_test(g);          /* and httpd reads along with us */
    }
    how.env = facts->httpd.test_env;
    how.timeout = facts->how.timeout;
    rv = em_probe_binary(&g->probe, facts->view, facts->httpd.binary, &how,
                         g->res, g->p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    facts->httpd.version = g->probe->settings.version;
    memcpy(facts->httpd.v, g->probe->settings.v, sizeof(facts->httpd.v));
    facts->httpd.vendor = g->probe->settings.vendor;
    facts->httpd.mmn = g->probe->settings.mmn;
    em_gather_compiled(facts, g->probe, g->p);
    set_paths(g);
    complete_layout(g);
    return APR_SUCCESS;
}

static apr_status_t read_conf(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    em_source_names_t *names = apr_palloc(g->p, sizeof(*names));
    em_conf_how_t *how = &facts->conf_how;
    const char *root;
    em_conf_t *conf;
    apr_status_t rv;

    names->elfs = g->elfs;
    names->server_root = facts->httpd.server_root;
    names->pool = g->p;
    how->view = facts->view;
    em_gather_conf_how(facts, g->p);
    how->source_name = em_source_name;
    how->baton = names;
    how->cache = em_conf_cache(g->p);
    em_result_activity(g->res, "reading %s", how->config_file);
    rv = em_conf_read(&conf, how, g->res, g->p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(g->res, rv, EM_EXIT_FAILED, "conf-unreadable",
                              "cannot read %s: ", how->config_file);
    }
    facts->conf = conf;
    root = em_gather_global(facts, "ServerRoot", g->p);
    if (root && *root == '/') {
        facts->httpd.server_root = root;
        names->server_root = root;
    }
    return APR_SUCCESS;
}

/* The pid file and error log as the configuration says, before httpd's own
 * answer (which there may never be). */
static void set_files(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    const em_httpd_settings_t *set = &g->probe->settings;
    const char *root = facts->httpd.server_root;
    const char *pid = em_gather_global(facts, "PidFile", g->p);
    const char *log = em_gather_global(facts, "ErrorLog", g->p);

    pid = pid ? pid : set->pid_file;
    log = log ? log : set->error_log;
    facts->httpd.pid_file = pid ? em_gather_path(root, pid, g->p) : NULL;
    facts->httpd.error_log = log && *log != '|'
        && strncmp(log, "syslog", 6) != 0 && strchr(log, '/')
        ? em_gather_path(root, log, g->p) : NULL;
    facts->httpd.user = em_gather_global(facts, "User", g->p);
    facts->httpd.group = em_gather_global(facts, "Group", g->p);
}

struct em_facts_test_t {
    em_exec_t *exec;
};

static void set_pending(em_facts_t *facts)
{
    facts->pending = facts->running.pid && facts->running.mpm
        && (!facts->configured
            || strcmp(facts->running.mpm, facts->configured) != 0);
}

/* What httpd itself says outranks what was read. */
static void take_run_cfg(em_facts_t *facts, const em_httpd_run_cfg_t *cfg,
                         apr_pool_t *p)
{
    const char *root = cfg->server_root ? cfg->server_root
                                        : facts->httpd.server_root;

    if (cfg->document_root) {           /* the compiled-in one too */
        APR_ARRAY_IDX(facts->vhosts, 0, em_vhost_t *)->document_root
            = cfg->document_root;
    }
    if (cfg->pid_file) {
        const char *path = em_gather_path(root, cfg->pid_file, p);

        if (!facts->httpd.pid_file
            || strcmp(path, facts->httpd.pid_file) != 0) {
            facts->httpd.pid_file = path;
            em_running_find(&facts->running, facts, p);
        }
    }
}

int em_facts_settle(em_facts_t *facts, apr_pool_t *p)
{
    em_httpd_t *httpd = &facts->httpd;
    const char *before = facts->configured;
    em_probe_test_t test;

    if (!facts->test) {
        return 0;
    }
    em_probe_test_finish(&test, facts->test->exec, httpd->binary, p);
    facts->test = NULL;
    httpd->tested = test.ran;
    httpd->test_ok = test.ok;
    httpd->test_output = test.ok || geteuid() == 0 ? test.output
        : apr_pstrcat(p, test.output, "\n(tested without the rights of root, "
                      "which the server has when it starts)", NULL);
    take_run_cfg(facts, &test.run_cfg, p);
    if (test.ok && test.loaded) {
        em_gather_mpm(facts, test.loaded, p);
    }
    set_pending(facts);
    return !test.ok || !before != !facts->configured
        || (before && strcmp(before, facts->configured) != 0);
}

/* Wait for the test, or leave it be for now. */
static void take_test(gathering_t *g)
{
    em_facts_t *facts = g->facts;

    em_gather_mpm(facts, NULL, g->p);
    if (!g->test) {
        facts->httpd.tested = facts->httpd.missing && is_here(facts);
        facts->httpd.test_output = g->test_error;
        return;
    }
    facts->test = apr_palloc(g->p, sizeof(*facts->test));
    facts->test->exec = g->test;
    if (facts->how.defer) {     /* taken for accepted until it is settled */
        facts->httpd.tested = facts->httpd.test_ok = 1;
        facts->httpd.test_output = "";
        return;
    }
    (void)em_facts_settle(facts, g->p);
}

/* Who owns the modules and the binaries. */
static void wish_packages(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    int i;

    g->packages = em_packages_make(facts->view, g->p);
    for (i = 0; i < facts->modules->nelts; i++) {
        em_module_t *m = APR_ARRAY_IDX(facts->modules, i, em_module_t *);

        if (m->so && !m->missing) {
            em_packages_wish(g->packages, m->so);
        }
    }
    for (i = 0; i < facts->installed->nelts; i++) {
        em_packages_wish(g->packages,
                         APR_ARRAY_IDX(facts->installed, i,
                                       em_installed_t *)->file);
    }
    em_packages_start(g->packages);
}

static void take_packages(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    const em_package_wish_t *wish;
    int i;

    em_packages_finish(g->packages);
    for (i = 0; i < facts->modules->nelts; i++) {
        em_module_t *m = APR_ARRAY_IDX(facts->modules, i, em_module_t *);

        if (m->so && !m->missing) {
            wish = em_packages_wish(g->packages, m->so);
            m->package = wish->package;
            m->package_version = wish->version;
        }
    }
    for (i = 0; i < facts->installed->nelts; i++) {
        em_installed_t *one = APR_ARRAY_IDX(facts->installed, i,
                                            em_installed_t *);

        wish = em_packages_wish(g->packages, one->file);
        one->package = wish->package;
        one->version = wish->version;
    }
}

/* Everything, once the view is open. */
static apr_status_t gather(gathering_t *g)
{
    em_facts_t *facts = g->facts;
    apr_status_t rv;

    em_result_activity(g->res, "looking for httpd");
    if (facts->how.instance && strchr(facts->how.instance, '/')) {
        return em_result_fail(g->res, APR_EINVAL, EM_EXIT_USAGE,
                              "instance-unknown", "--instance %s: that is a "
                              "path, not the name of an instance",
                              facts->how.instance);
    }
    find_layout(g);
    rv = check_instance(g);
    if (rv == APR_SUCCESS) {
        rv = look_at_httpd(g);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!g->test) {
        start_test(g);
    }
    g->elfs = em_elf_cache_make(facts->view, g->p);
    rv = read_conf(g);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    set_files(g);
    em_gather_modules(facts, g->probe, g->elfs, g->p);
    em_gather_installed(facts, g->elfs, g->p);
    wish_packages(g);
    em_gather_listens(facts, g->p);
    em_gather_vhosts(facts, g->p);
    em_running_find(&facts->running, facts, g->p);
    take_test(g);
    take_packages(g);
    em_gather_others(facts, g->probe, g->p);
    em_gather_service(facts, g->options, g->booted, g->p);
    set_pending(facts);
    if (facts->how.deep) {
        em_gather_htaccess(facts, g->p);
    }
    if (facts->how.available) {
        em_gather_available(facts, g->p);
    }
    return APR_SUCCESS;
}

apr_status_t em_facts_gather(em_facts_t **pfacts, const em_facts_how_t *how,
                             em_result_t *res, apr_pool_t *p)
{
    em_facts_t *facts = apr_pcalloc(p, sizeof(*facts));
    gathering_t g = { .facts = facts, .res = res, .p = p };
    em_view_t *view;
    apr_status_t rv;

    facts->how = *how;
    if (!facts->how.timeout) {
        facts->how.timeout = DEFAULT_TIMEOUT;
    }
    rv = em_view_open(&view, how->root ? how->root : "/", p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "root-unusable",
                              "cannot use %s as root: ", how->root);
    }
    facts->view = view;
    g.booted = is_here(facts) && em_view_is_dir(view, "/run/systemd/system",
                                                p);
    rv = gather(&g);
    if (rv == APR_SUCCESS) {
        *pfacts = facts;
    }
    return rv;
}
