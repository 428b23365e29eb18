/* What the package manager could install: list --available. */

#include <string.h>
#include <apr_strings.h>
#include "base/exec.h"
#include "host/gather.h"

/* Packages that bring an MPM, by package manager. Debian keeps the three in
 * apache2-bin, Fedora and EL in httpd-core or httpd; EasyApache 4 and SUSE
 * have one package each. */
static const struct {
    const char *manager;
    const char *mpm, *package;
} offers[] = {
    { "apt", "itk", "libapache2-mod-mpm-itkish" },
    { "apt", "itk", "libapache2-mpm-itk" },
    { "apt", "prefork", "apache2-bin" },
    { "apt", "worker", "apache2-bin" },
    { "apt", "event", "apache2-bin" },
    { "apt", "prefork", "ea-apache24-mod-mpm-prefork" },
    { "apt", "worker", "ea-apache24-mod-mpm-worker" },
    { "apt", "event", "ea-apache24-mod-mpm-event" },
    { "apt", "itk", "ea-apache24-mod-mpm-itk" },
    { "dnf", "itk", "mod_mpm_itkish" },
    { "dnf", "itk", "httpd-itk" },
    { "dnf", "prefork", "httpd" },
    { "dnf", "worker", "httpd" },
    { "dnf", "event", "httpd" },
    { "dnf", "prefork", "ea-apache24-mod_mpm_prefork" },
    { "dnf", "worker", "ea-apache24-mod_mpm_worker" },
    { "dnf", "event", "ea-apache24-mod_mpm_event" },
    { "dnf", "itk", "ea-apache24-mod_mpm_itk" },
    { NULL, NULL, NULL }
};

static void offer(em_facts_t *facts, const char *manager,
                  const char *package, const char *version, apr_pool_t *p)
{
    int i;

    for (i = 0; offers[i].manager; ++i) {
        em_available_t *one;

        if (strcmp(offers[i].manager, manager)
            || strcmp(offers[i].package, package)) {
            continue;
        }
        one = apr_pcalloc(p, sizeof(*one));
        one->mpm = offers[i].mpm;
        one->package = offers[i].package;
        one->version = apr_pstrdup(p, version);
        APR_ARRAY_PUSH(facts->available, em_available_t *) = one;
    }
}

/* `apt-cache policy`: "name:", "  Installed: (none)", "  Candidate: 1.2". */
static void parse_apt(em_facts_t *facts, char *text, apr_pool_t *p)
{
    const char *package = NULL;
    char *line, *state;
    int installed = 0;

    for (line = apr_strtok(text, "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        if (*line != ' ') {
            line[strcspn(line, ":")] = '\0';
            package = line;
        }
        else if (!strncmp(line, "  Installed: ", 13)) {
            installed = strcmp(line + 13, "(none)") != 0;
        }
        else if (!strncmp(line, "  Candidate: ", 13) && package && !installed
                 && strcmp(line + 13, "(none)")) {
            offer(facts, "apt", package, line + 13, p);
        }
    }
}

/* `dnf list --available`: "name.arch  version-release  repository". */
static void parse_dnf(em_facts_t *facts, char *text, apr_pool_t *p)
{
    char *line, *state, *words;

    for (line = apr_strtok(text, "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        char *name = apr_strtok(line, " \t", &words);
        char *version = name ? apr_strtok(NULL, " \t", &words) : NULL;
        char *arch = name ? strrchr(name, '.') : NULL;

        if (version && arch) {
            *arch = '\0';
            offer(facts, "dnf", name, version, p);
        }
    }
}

/* The manager's own command line, with the packages behind it. */
static const char *const *ask(const char *manager, const char *const *words,
                              apr_pool_t *p)
{
    apr_array_header_t *argv = apr_array_make(p, 24, sizeof(const char *));
    int i, j, known;

    while (*words) {
        APR_ARRAY_PUSH(argv, const char *) = *words++;
    }
    for (i = 0; offers[i].manager; ++i) {
        for (j = known = 0; j < i; ++j) {
            known |= !strcmp(offers[j].package, offers[i].package);
        }
        if (!known && !strcmp(offers[i].manager, manager)) {
            APR_ARRAY_PUSH(argv, const char *) = offers[i].package;
        }
    }
    APR_ARRAY_PUSH(argv, const char *) = NULL;
    return (const char *const *)argv->elts;
}

void em_gather_available(em_facts_t *facts, apr_pool_t *p)
{
    static const struct {
        const char *program, *manager;
        const char *words[7];
        void (*parse)(em_facts_t *facts, char *text, apr_pool_t *p);
    } managers[] = {
        { "/usr/bin/apt-cache", "apt",
          { "env", "LC_ALL=C", "apt-cache", "policy", NULL }, parse_apt },
        { "/usr/bin/dnf", "dnf",
          { "env", "LC_ALL=C", "dnf", "-q", "list", "--available", NULL },
          parse_dnf },
        { "/usr/bin/yum", "dnf",
          { "env", "LC_ALL=C", "yum", "-q", "list", "available", NULL },
          parse_dnf }
    };
    em_exec_how_t how = { 0 };
    em_exec_out_t *out;
    apr_size_t i;

    if (strcmp(em_view_root(facts->view), "/")) {
        return;     /* its package manager is not ours to run */
    }
    how.timeout = facts->how.timeout;
    for (i = 0; i < sizeof(managers) / sizeof(managers[0]); ++i) {
        if (!em_view_exists(facts->view, managers[i].program, p)) {
            continue;
        }
        facts->available = apr_array_make(p, 8, sizeof(em_available_t *));
        if (em_exec(&out, ask(managers[i].manager, managers[i].words, p),
                    &how, p) == APR_SUCCESS && out->exited) {
            managers[i].parse(facts, apr_pstrdup(p, out->out), p);
        }
        return;
    }
}
