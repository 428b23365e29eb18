#include "host/gather.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "package/zypp.h"

#define ASK_TIMEOUT apr_time_from_sec(120)  /* dnf may load its metadata */

/* An MPM and the package that would bring it. */
typedef struct offer_t {
    const char *mpm, *package;
} offer_t;

/* A package manager: how to ask it for versions of packages, and the reader
 * of its answer, which puts name -> version into VERSIONS. */
typedef struct manager_t {
    const char *program;        /* absolute, tells that it is there */
    const char *argv[8];        /* package names go behind */
    void (*read)(apr_hash_t *versions, const char *text, apr_pool_t *p);
} manager_t;

/* apt-cache policy: "NAME:\n  Installed: ...\n  Candidate: VERSION\n". */
static void read_policy(apr_hash_t *versions, const char *text,
                        apr_pool_t *p)
{
    char *state, *line = apr_strtok(apr_pstrdup(p, text), "\n", &state);
    const char *name = NULL;

    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        apr_size_t len = strlen(line);

        if (*line != ' ' && len && line[len - 1] == ':') {
            line[len - 1] = '\0';
            name = line;
        }
        else if (name && strncmp(line, "  Candidate: ", 13) == 0
                 && strcmp(line + 13, "(none)") != 0) {
            apr_hash_set(versions, name, APR_HASH_KEY_STRING, line + 13);
        }
    }
}

/* repoquery with our format: "NAME\tVERSION\n", the last is the newest. */
static void read_tabs(apr_hash_t *versions, const char *text, apr_pool_t *p)
{
    char *state, *line = apr_strtok(apr_pstrdup(p, text), "\n", &state);

    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        char *tab = strchr(line, '\t');

        if (tab) {
            *tab = '\0';
            apr_hash_set(versions, line, APR_HASH_KEY_STRING, tab + 1);
        }
    }
}

static const manager_t managers[] = {
    { "/usr/bin/zypper", { "zypper", "--non-interactive", "--no-refresh",
                           "--xmlout", "search", "-s", "--match-exact" },
      em_zypp_versions },
    { "/usr/bin/dnf", { "dnf", "-q", "repoquery", "--latest-limit=1", "--qf",
                        "%{name}\t%{version}-%{release}\n" }, read_tabs },
    { "/usr/bin/repoquery", { "repoquery", "-q", "--qf",
                              "%{name}\t%{version}-%{release}\n" },
      read_tabs },
    { "/usr/bin/apt-cache", { "apt-cache", "policy" }, read_policy },
};

/* The manager of this layout: apt where dpkg keeps the database. */
static const manager_t *find_manager(const em_facts_t *facts, apr_pool_t *p)
{
    int dpkg = em_view_exists(facts->view, "/var/lib/dpkg/status", p);
    apr_size_t i;

    for (i = 0; i < sizeof(managers) / sizeof(*managers); i++) {
        if (dpkg == (managers[i].read == read_policy)
            && em_view_exists(facts->view, managers[i].program, p)
            && (managers[i].read != em_zypp_versions
                || em_zypp_is_here(facts->view, p))) {
            return &managers[i];
        }
    }
    return NULL;
}

/* EasyApache's DEBs have the RPMs' names with every _ as -. */
static const char *spelled(const char *package, const manager_t *manager,
                           apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, package), *c;

    for (c = copy; manager->read == read_policy && *c; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    return copy;
}

/* What the layout knows of and is not installed. */
static apr_array_header_t *offers(const em_facts_t *facts,
                                  const manager_t *manager, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 4, sizeof(offer_t));
    char *state, *pair = apr_strtok(
        apr_pstrdup(p, facts->layout->mpm_packages), " ", &state);

    for (; pair; pair = apr_strtok(NULL, " ", &state)) {
        char *eq = strchr(pair, '=');

        *eq = '\0';
        if (!em_facts_installed(facts, pair)) {
            offer_t *offer = apr_array_push(list);

            offer->mpm = pair;
            offer->package = spelled(eq + 1, manager, p);
        }
    }
    return list;
}

static apr_hash_t *ask(const manager_t *manager,
                       const apr_array_header_t *list, apr_pool_t *p)
{
    static const char *const env[] = {
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/", NULL
    };
    em_exec_how_t how = {.env = env, .timeout = ASK_TIMEOUT};
    apr_array_header_t *argv = apr_array_make(p, 16, sizeof(const char *));
    apr_hash_t *versions = apr_hash_make(p);
    em_exec_out_t *out;
    int i;

    for (i = 0; i < 8 && manager->argv[i]; i++) {
        APR_ARRAY_PUSH(argv, const char *) = manager->argv[i];
    }
    for (i = 0; i < list->nelts; i++) {
        APR_ARRAY_PUSH(argv, const char *) = APR_ARRAY_IDX(list, i,
                                                           offer_t).package;
    }
    APR_ARRAY_PUSH(argv, const char *) = NULL;
    if (em_exec(&out, (const char *const *)argv->elts, &how, p)
        != APR_SUCCESS || !out->exited) {
        return NULL;
    }
    manager->read(versions, out->out, p);
    return versions;
}

void em_gather_available(em_facts_t *facts, apr_pool_t *p)
{
    const manager_t *manager = find_manager(facts, p);
    apr_array_header_t *list;
    apr_hash_t *versions = NULL;
    apr_time_t begun;
    int i;

    if (!manager || !facts->layout->mpm_packages
        || strcmp(em_view_root(facts->view), "/") != 0) {
        return;
    }
    begun = em_phase_begin(facts->how.log, "asking the package manager");
    list = offers(facts, manager, p);
    facts->available = apr_array_make(p, 4, sizeof(em_available_t *));
    if (list->nelts) {
        versions = ask(manager, list, p);
    }
    for (i = 0; versions && i < list->nelts; i++) {
        const offer_t *offer = &APR_ARRAY_IDX(list, i, offer_t);
        const char *version = apr_hash_get(versions, offer->package,
                                           APR_HASH_KEY_STRING);
        em_available_t *one;

        if (version) {
            one = apr_pcalloc(p, sizeof(*one));
            one->mpm = offer->mpm;
            one->package = offer->package;
            one->version = version;
            APR_ARRAY_PUSH(facts->available, em_available_t *) = one;
        }
    }
    em_phase_end(facts->how.log, "asking the package manager", begun,
                 versions || !list->nelts ? "ok" : "failed");
}
