#include "host/httpd_probe.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define QUICK_TIMEOUT apr_time_from_sec(10)
#define MAX_SAID 4000           /* bytes of httpd's complaint that are kept */

/* "Apache/2.4.71 (Debian)" stands among the strings next to its shorter
 * forms; the one with a vendor tells most. */
static void version_from_elf(em_httpd_settings_t *set, const em_elf_t *elf,
                             apr_pool_t *p)
{
    apr_size_t from = 0;
    const char *text;

    while ((text = em_elf_literal(elf, "Apache/", &from, p))) {
        em_httpd_settings_t one = { 0 };

        if (em_httpd_parse_banner(&one, text, p)
            && (!set->version || *one.vendor)) {
            set->version = one.version;
            memcpy(set->v, one.v, sizeof(set->v));
            set->vendor = one.vendor;
        }
    }
}

/* All of it, or 0 when this file does not tell. */
static int from_elf(em_probe_t *probe, const em_elf_t *elf, apr_pool_t *p)
{
    em_httpd_settings_t *set = &probe->settings;

    probe->modules = em_elf_prelinked(elf, p);
    set->root = em_elf_literal(elf, " -D HTTPD_ROOT=\"", NULL, p);
    set->config_file = em_elf_literal(elf, " -D SERVER_CONFIG_FILE=\"", NULL,
                                      p);
    if (!probe->modules || !set->root || !set->config_file) {
        return 0;
    }
    set->pid_file = em_elf_literal(elf, " -D DEFAULT_PIDLOG=\"", NULL, p);
    set->error_log = em_elf_literal(elf, " -D DEFAULT_ERRORLOG=\"", NULL, p);
    set->suexec = em_elf_literal(elf, " -D SUEXEC_BIN=\"", NULL, p);
    set->mmn = em_elf_mmn(elf, "core_module", p);
    version_from_elf(set, elf, p);
    return set->version != NULL;
}

static const char *first_line(const em_exec_out_t *out, apr_pool_t *p)
{
    const char *text = out->err_len ? out->err : out->out;
    char *line = apr_pstrmemdup(p, text, strcspn(text, "\n"));
    char *c;

    for (c = line; *c; c++) {
        if (!apr_isprint(*c)) {
            *c = '?';
        }
    }
    if (strlen(line) > 200) {
        line[200] = '\0';
    }
    return line;
}

/* Run BINARY with one or two arguments and take its standard output. */
static apr_status_t ask(const char **ptext, const char *binary,
                        const char *const *args, const em_exec_how_t *how,
                        em_result_t *res, apr_pool_t *p)
{
    const char *argv[] = { binary, args[0], args[1], args[1] ? args[2] : NULL,
                           NULL };
    em_exec_how_t quick = *how;
    em_exec_out_t *out;
    apr_status_t rv;

    if (!quick.timeout || quick.timeout > QUICK_TIMEOUT) {
        quick.timeout = QUICK_TIMEOUT;
    }
    rv = em_exec(&out, argv, &quick, p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "httpd-unusable",
                              "cannot run %s: ", binary);
    }
    if (out->timed_out) {
        return em_result_fail(res, APR_TIMEUP, EM_EXIT_FAILED,
                              "httpd-timeout", "%s did not end within %d "
                              "seconds and was killed",
                              em_exec_quote(argv, p),
                              (int)apr_time_sec(quick.timeout));
    }
    if (!out->out_len) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                              "httpd-unusable", "%s printed nothing%s%s",
                              em_exec_quote(argv, p),
                              out->err_len ? "; it said: " : "",
                              out->err_len ? first_line(out, p) : "");
    }
    *ptext = out->out;
    return APR_SUCCESS;
}

static apr_status_t from_runs(em_probe_t *probe, const char *binary,
                              const em_exec_how_t *how, em_result_t *res,
                              apr_pool_t *p)
{
    static const char *const ask_v[] = { "-V", "-f", "/dev/null", NULL };
    static const char *const ask_l[] = { "-l", NULL, NULL, NULL };
    apr_array_header_t *names;
    const char *text;
    int i;
    apr_status_t rv = ask(&text, binary, ask_v, how, res, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    em_httpd_parse_settings(&probe->settings, text, p);
    if (!probe->settings.version || !probe->settings.root
        || !probe->settings.config_file) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                              "httpd-unusable", "%s does not answer -V as an "
                              "httpd does; it printed: %s", binary,
                              apr_pstrmemdup(p, text, strcspn(text, "\n")));
    }
    rv = ask(&text, binary, ask_l, how, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    names = em_httpd_parse_static(text, p);
    if (!names) {
        return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                              "httpd-unusable", "%s does not answer -l with "
                              "a list of modules", binary);
    }
    probe->modules = apr_array_make(p, names->nelts, sizeof(em_elf_module_t));
    for (i = 0; i < names->nelts; i++) {
        em_elf_module_t *m = apr_array_push(probe->modules);

        m->id = NULL;
        m->source = APR_ARRAY_IDX(names, i, const char *);
    }
    return APR_SUCCESS;
}

apr_status_t em_probe_binary(em_probe_t **pprobe, const em_view_t *view,
                             const char *binary, const em_exec_how_t *how,
                             em_result_t *res, apr_pool_t *p)
{
    em_probe_t *probe = apr_pcalloc(p, sizeof(*probe));
    em_elf_t *elf;
    apr_status_t rv;

    em_result_activity(res, "looking at %s", binary);
    rv = em_elf_in(&elf, view, binary, p);
    if (rv == APR_SUCCESS) {
        if (!from_elf(probe, elf, p)) {
            return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                                  "httpd-unusable", "%s is a program but not "
                                  "an Apache httpd (or one built in an "
                                  "unknown way)", binary);
        }
    }
    else if (rv == APR_EBADF && strcmp(em_view_root(view), "/") == 0) {
        rv = from_runs(probe, binary, how, res, p);
    }
    else if (rv == APR_EBADF) {
        rv = em_result_fail(res, rv, EM_EXIT_FAILED, "httpd-unusable",
                            "%s%s is not an ELF program, and programs of "
                            "another system's tree are not run",
                            em_view_root(view), binary);
    }
    else {
        rv = em_result_fail(res, rv, EM_EXIT_FAILED,
                            APR_STATUS_IS_ENOENT(rv) ? "httpd-missing"
                                                     : "httpd-unusable",
                            "cannot read %s: ", binary);
    }
    if (rv == APR_SUCCESS) {
        *pprobe = probe;
    }
    return rv;
}

/* The MPM that is compiled into the program, or NULL. */
static const char *compiled_mpm(const em_elf_t *elf, apr_pool_t *p)
{
    apr_array_header_t *modules = em_elf_prelinked(elf, p);
    int i;

    for (i = 0; modules && i < modules->nelts; i++) {
        const char *mpm = em_httpd_mpm_of(
            APR_ARRAY_IDX(modules, i, em_elf_module_t).source, p);

        if (mpm && strcmp(mpm, "itk") != 0) {
            return mpm;
        }
    }
    return NULL;
}

const char *em_probe_mpm(const char *path, apr_pool_t *p)
{
    em_elf_t *elf;

    return em_elf_open(&elf, path, p) == APR_SUCCESS ? compiled_mpm(elf, p)
                                                     : NULL;
}

const char *em_probe_mpm_in(const em_view_t *view, const char *path,
                            apr_pool_t *p)
{
    em_elf_t *elf;

    return em_elf_in(&elf, view, path, p) == APR_SUCCESS
           ? compiled_mpm(elf, p) : NULL;
}

apr_status_t em_probe_test_start(em_exec_t **pexec, const char *binary,
                                 const apr_array_header_t *args,
                                 const em_exec_how_t *how, apr_pool_t *p)
{
    static const char *const tail[] = {
        "-t", "-D", "DUMP_MODULES", "-D", "DUMP_RUN_CFG", NULL
    };
    apr_array_header_t *argv = apr_array_make(p, 16, sizeof(const char *));
    int i;

    APR_ARRAY_PUSH(argv, const char *) = binary;
    apr_array_cat(argv, args);
    for (i = 0; tail[i]; i++) {
        APR_ARRAY_PUSH(argv, const char *) = tail[i];
    }
    APR_ARRAY_PUSH(argv, const char *) = NULL;
    return em_exec_start(pexec, (const char *const *)argv->elts, how, p);
}

/* httpd's complaint: its stderr without the harmless AH00558 (no FQDN). */
static const char *complaint(const em_exec_out_t *out, apr_pool_t *p)
{
    const char *said = "", *line = out->err;

    while (*line && strlen(said) < MAX_SAID) {
        apr_size_t len = strcspn(line, "\n");
        const char *one = apr_pstrmemdup(p, line, len);

        if (len && !strstr(one, "AH00558") && strcmp(one, "Syntax OK") != 0) {
            said = apr_pstrcat(p, said, *said ? "\n" : "", one, NULL);
        }
        line += len + (line[len] == '\n');
    }
    return said;
}

void em_probe_test_finish(em_probe_test_t *ptest, em_exec_t *exec,
                          const char *binary, apr_pool_t *p)
{
    em_exec_out_t *out;
    apr_status_t rv = em_exec_wait(&out, exec);
    char why[120];

    memset(ptest, 0, sizeof(*ptest));
    if (rv != APR_SUCCESS) {
        ptest->output = apr_psprintf(p, "cannot run %s: %s", binary,
                                     apr_strerror(rv, why, sizeof(why)));
        return;
    }
    ptest->ran = 1;
    ptest->ok = out->exited && out->exit_code == 0 && !out->timed_out;
    ptest->loaded = em_httpd_parse_modules(out->out, p);
    em_httpd_parse_run_cfg(&ptest->run_cfg, out->out, p);
    ptest->output = complaint(out, p);
    if (out->timed_out) {
        ptest->output = apr_psprintf(p, "%s -t did not end within %d seconds "
                                     "and was killed", binary,
                                     (int)apr_time_sec(out->took));
    }
    else if (out->signal) {
        ptest->output = apr_psprintf(p, "%s -t was ended by signal %d%s%s",
                                     binary, out->signal,
                                     *ptest->output ? "\n" : "",
                                     ptest->output);
    }
}
