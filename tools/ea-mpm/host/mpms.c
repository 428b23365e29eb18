#include "host/gather.h"

#include <string.h>

#include <apr_strings.h>

/* Where modules lie: what the layout says, else the directory of the first
 * LoadModule line, else ServerRoot/modules. */
static const char *find_modules_dir(const em_facts_t *facts, apr_pool_t *p)
{
    const char *dir = facts->layout->modules_dir;
    const em_directive_t *d;
    int i = 0;

    if (dir && em_view_is_dir(facts->view, dir, p)) {
        return dir;
    }
    while ((d = em_conf_next(facts->conf, "LoadModule", &i))) {
        const char *so = em_conf_word(d->args, 1, p);

        if (so && strchr(so, '/')) {
            so = em_gather_path(facts->httpd.server_root, so, p);
            dir = apr_pstrmemdup(p, so, (apr_size_t)(strrchr(so, '/') - so));
            if (*dir && em_view_is_dir(facts->view, dir, p)) {
                return dir;
            }
        }
    }
    return em_gather_path(facts->httpd.server_root, "modules", p);
}

static em_installed_t *make_installed(const char *mpm, const char *id,
                                      const char *file, int verified,
                                      apr_pool_t *p)
{
    em_installed_t *one = apr_pcalloc(p, sizeof(*one));

    one->mpm = mpm;
    one->id = id;
    one->file = file;
    one->verified = verified;
    return one;
}

static void add_installed(em_facts_t *facts, em_installed_t *one)
{
    APR_ARRAY_PUSH(facts->installed, em_installed_t *) = one;
}

/* mod_mpm_event.so, mpm_itk.so, mod_mpm_itkish.so: one MPM a file, known by
 * the module it exports. */
static void installed_module(em_facts_t *facts, const char *name,
                             em_elf_cache_t *elfs, apr_pool_t *p)
{
    const char *stem = strncmp(name, "mod_", 4) == 0 ? name + 4 : name;
    const char *mpm = em_httpd_mpm_of(name, p);
    apr_size_t len = strlen(name);
    const char *file, *id;
    const em_elf_t *elf;

    if (!mpm || len < 4 || strcmp(name + len - 3, ".so") != 0) {
        return;
    }
    file = apr_pstrcat(p, facts->modules_dir, "/", name, NULL);
    id = apr_pstrcat(p, apr_pstrmemdup(p, stem, strcspn(stem, ".")),
                     "_module", NULL);
    elf = em_elf_cache_get(elfs, file);
    add_installed(facts, make_installed(mpm, id, file,
                                        elf && em_elf_exports(elf, id), p));
}

static const char *mpm_id(const char *mpm, apr_pool_t *p)
{
    return apr_psprintf(p, "mpm_%s_module", mpm);
}

em_installed_t *em_facts_program(const em_view_t *view, const char *mpm,
                                 apr_pool_t *p)
{
    static const char *const stems[] = {
        "/usr/sbin/httpd-", "/usr/sbin/httpd2-", "/usr/sbin/httpd.", NULL
    };

    for (int i = 0; stems[i]; i++) {
        const char *file = apr_pstrcat(p, stems[i], mpm, NULL), *held;

        if (em_view_exists(view, file, p)) {
            held = em_probe_mpm_in(view, file, p);
            return make_installed(mpm, mpm_id(mpm, p), file,
                                  held && strcmp(held, mpm) == 0, p);
        }
    }
    return NULL;
}

/* SUSE and RHEL 6: a program for each MPM, httpd-event or httpd.event, and
 * on RHEL 6 the plain one as well. */
static void installed_binaries(em_facts_t *facts, apr_pool_t *p)
{
    static const char *const mpms[] = { "prefork", "worker", "event", NULL };
    const char *plain = facts->layout->binary, *held;

    for (int i = 0; mpms[i]; i++) {
        em_installed_t *one = em_facts_program(facts->view, mpms[i], p);

        if (one) {
            add_installed(facts, one);
        }
    }
    held = em_probe_mpm_in(facts->view, plain, p);
    if (held && !em_facts_installed(facts, held)) {
        add_installed(facts, make_installed(held, mpm_id(held, p), plain, 1,
                                            p));
    }
}

void em_gather_installed(em_facts_t *facts, em_elf_cache_t *elfs,
                         apr_pool_t *p)
{
    const char *mpm = facts->httpd.static_mpm;
    apr_array_header_t *names;
    int i;

    facts->modules_dir = find_modules_dir(facts, p);
    facts->installed = apr_array_make(p, 4, sizeof(em_installed_t *));
    if (facts->layout->mechanism == EM_MECH_BINARY) {
        installed_binaries(facts, p);
    }
    if (mpm && !em_facts_installed(facts, mpm)) {
        add_installed(facts, make_installed(mpm, mpm_id(mpm, p),
                                            facts->httpd.binary, 1, p));
    }
    if (em_view_list(&names, facts->view, facts->modules_dir, p)
        != APR_SUCCESS) {
        return;
    }
    for (i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (strstr(name, "mpm_")) {
            installed_module(facts, name, elfs, p);
        }
    }
}

/* Of two that do the same (mpm_itk and mpm_itkish) the one of ours. */
const em_installed_t *em_facts_installed(const em_facts_t *facts,
                                         const char *mpm)
{
    const em_installed_t *found = NULL;
    int i;

    for (i = 0; i < facts->installed->nelts; i++) {
        const em_installed_t *one = APR_ARRAY_IDX(facts->installed, i,
                                                  em_installed_t *);

        if (strcmp(one->mpm, mpm) == 0
            && (!found || strcmp(one->id, "mpm_itkish_module") == 0)) {
            found = one;
        }
    }
    return found;
}

/* The one MPM of the list, NULL: none or several. itk modules count apart. */
static const char *only_mpm(const apr_array_header_t *mpms, int *pitk)
{
    const char *only = NULL;
    int i, several = 0;

    *pitk = 0;
    for (i = 0; i < mpms->nelts; i++) {
        const char *mpm = APR_ARRAY_IDX(mpms, i, const char *);

        if (strcmp(mpm, "itk") == 0) {
            *pitk = 1;
        }
        else if (only && strcmp(only, mpm) != 0) {
            several = 1;
        }
        else {
            only = mpm;
        }
    }
    return several ? NULL : only;
}

static const char *named(const apr_array_header_t *mpms)
{
    int itk;
    const char *mpm = only_mpm(mpms, &itk);

    return mpm && itk && strcmp(mpm, "prefork") == 0 ? "itk" : mpm;
}

/* What the walk found: active lines and the compiled-in MPM. */
static apr_array_header_t *walked_mpms(em_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *mpms = apr_array_make(p, 4, sizeof(const char *));
    int i;

    facts->configured_all = apr_array_make(p, 4, sizeof(em_mpm_line_t *));
    if (facts->httpd.static_mpm) {
        APR_ARRAY_PUSH(mpms, const char *) = facts->httpd.static_mpm;
    }
    for (i = 0; i < facts->conf->mpm_lines->nelts; i++) {
        em_mpm_line_t *line = APR_ARRAY_IDX(facts->conf->mpm_lines, i,
                                            em_mpm_line_t *);

        if (line->state == EM_LINE_ACTIVE) {
            APR_ARRAY_PUSH(facts->configured_all, em_mpm_line_t *) = line;
        }
    }
    for (i = 0; i < facts->modules->nelts; i++) {
        const em_module_t *module = APR_ARRAY_IDX(facts->modules, i,
                                                  em_module_t *);
        const char *mpm = module->so ? em_httpd_mpm_of(module->id, p) : NULL;

        if (mpm) {
            APR_ARRAY_PUSH(mpms, const char *) = mpm;
        }
    }
    return mpms;
}

/* httpd's own list of what it loaded. */
static apr_array_header_t *told_mpms(const apr_array_header_t *loaded,
                                     apr_pool_t *p)
{
    apr_array_header_t *mpms = apr_array_make(p, 4, sizeof(const char *));
    int i;

    for (i = 0; i < loaded->nelts; i++) {
        const char *mpm = em_httpd_mpm_of(
            APR_ARRAY_IDX(loaded, i, em_httpd_loaded_t).id, p);

        if (mpm) {
            APR_ARRAY_PUSH(mpms, const char *) = mpm;
        }
    }
    return mpms;
}

void em_gather_mpm(em_facts_t *facts, const apr_array_header_t *loaded,
                   apr_pool_t *p)
{
    const char *walked = named(walked_mpms(facts, p));
    const char *told;

    facts->configured = facts->httpd.missing ? NULL : walked;
    if (!loaded) {
        return;
    }
    told = named(told_mpms(loaded, p));
    if (told && (!walked || strcmp(told, walked) != 0)) {
        em_log(facts->how.log, EM_LOG_WARN, "httpd says that it would run "
               "%s, the configuration as read here says %s; httpd is right",
               told, walked ? walked : "none");
        facts->configured = told;
    }
}
