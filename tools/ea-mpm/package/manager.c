#include "package/manager.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <apr_strings.h>

#include "base/steady.h"

#define MAX_WORDS 1500          /* of a manager's output, for people */

static const em_manager_t *const managers[] = {
    &em_manager_apt, &em_manager_zypper, &em_manager_dnf, &em_manager_yum,
};

const em_manager_t *em_manager_find(const em_view_t *view, apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(managers) / sizeof(*managers); i++) {
        if (managers[i]->is_here(view, p)) {
            return managers[i];
        }
    }
    return NULL;
}

const em_manager_t *em_manager_named(const char *name)
{
    for (size_t i = 0; i < sizeof(managers) / sizeof(*managers); i++) {
        if (strcmp(managers[i]->name, name) == 0) {
            return managers[i];
        }
    }
    return NULL;
}

const char *em_manager_name(const em_manager_t *manager)
{
    return manager->name;
}

const char *em_manager_upgrade(const em_manager_t *manager)
{
    return manager->upgrade;
}

const char *em_package_foreign(const em_manager_t *manager,
                               const em_view_t *view, apr_pool_t *p)
{
    return manager->foreign && strcmp(em_view_root(view), "/") == 0
               ? manager->foreign(view, p) : NULL;
}

/* ---- runs ---- */

apr_array_header_t *em_argv(apr_pool_t *p, ...)
{
    apr_array_header_t *argv = apr_array_make(p, 24, sizeof(const char *));
    const char *one;
    va_list ap;

    va_start(ap, p);
    while ((one = va_arg(ap, const char *)) != NULL) {
        APR_ARRAY_PUSH(argv, const char *) = one;
    }
    va_end(ap);
    return argv;
}

void em_argv_add(apr_array_header_t *argv, const char *word)
{
    APR_ARRAY_PUSH(argv, const char *) = word;
}

apr_status_t em_manager_exec(em_exec_out_t **pout,
                             const apr_array_header_t *argv,
                             apr_interval_time_t timeout, em_log_t *log,
                             apr_pool_t *p)
{
    /* At boot, before the server, the unit says that nothing is to be started
     * from here: what scripts of packages start there waits for the end of
     * this very run (ea-mpm-recover.service). */
    const char *offline = getenv("SYSTEMD_OFFLINE") ? "SYSTEMD_OFFLINE=1"
                                                    : NULL;
    const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL=C", "LANG=C", "HOME=/root", "TERM=dumb",
        "DEBIAN_FRONTEND=noninteractive", "APT_LISTCHANGES_FRONTEND=none",
        "NEEDRESTART_SUSPEND=1", offline, NULL
    };
    em_exec_how_t how = {.env = env, .timeout = timeout, .log = log};
    apr_array_header_t *ended = apr_array_copy(p, argv);

    APR_ARRAY_PUSH(ended, const char *) = NULL;
    if (timeout == EM_TO_THE_END) {
        return em_steady(pout, (const char *const *)ended->elts, env, log, p);
    }
    return em_exec(pout, (const char *const *)ended->elts, &how, p);
}

/* The end of a text says what went wrong. */
static const char *tail(const char *text, apr_size_t max)
{
    apr_size_t len = strlen(text);
    const char *line;

    if (len <= max) {
        return text;
    }
    text += len - max;
    line = strchr(text, '\n');
    return line && line[1] ? line + 1 : text;
}

const char *em_exec_words(const em_exec_out_t *out, apr_pool_t *p)
{
    const char *err = tail(out->err, MAX_WORDS);
    char *words = apr_pstrcat(
        p, err, *err && err[strlen(err) - 1] != '\n' ? "\n" : "",
        tail(out->out, MAX_WORDS), NULL);
    apr_size_t len = strlen(words);

    while (len && (words[len - 1] == '\n' || words[len - 1] == ' ')) {
        words[--len] = '\0';
    }
    if (out->timed_out) {
        return apr_pstrcat(p, "it did not end in time. ", words, NULL);
    }
    return words;
}

apr_status_t em_manager_unavailable(em_result_t *res, apr_status_t rv,
                                    const char *program,
                                    const em_exec_out_t *out,
                                    const char *what, apr_pool_t *p)
{
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "packages-unavailable",
                              "cannot run %s: ", program);
    }
    return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED,
                          "packages-unavailable", "%s %s: %s", program, what,
                          em_exec_words(out, p));
}

apr_status_t em_manager_needs_host(const em_view_t *view, const char *name,
                                   em_result_t *res)
{
    return strcmp(em_view_root(view), "/") == 0 ? APR_SUCCESS
           : em_result_fail(res, APR_ENOTIMPL, EM_EXIT_FAILED,
                            "packages-unavailable",
                            "%s is not asked for the packages of another "
                            "tree (--root)", name);
}

/* ---- packages ---- */

em_package_t *em_package_make(const char *name, const char *version,
                              const char *arch, apr_pool_t *p)
{
    em_package_t *package = apr_pcalloc(p, sizeof(*package));

    package->name = name;
    package->version = version;
    package->arch = arch;
    package->provides = apr_array_make(p, 4, sizeof(em_cap_t));
    package->requires = apr_array_make(p, 4, sizeof(apr_array_header_t *));
    package->conflicts = apr_array_make(p, 2, sizeof(em_cap_t));
    return package;
}

em_package_t *em_package_in(const apr_array_header_t *list, const char *name)
{
    for (int i = 0; i < list->nelts; i++) {
        em_package_t *package = APR_ARRAY_IDX(list, i, em_package_t *);

        if (strcmp(package->name, name) == 0) {
            return package;
        }
    }
    return NULL;
}

void em_package_offer(apr_hash_t *available, em_package_t *package,
                      apr_pool_t *p)
{
    apr_array_header_t *list = apr_hash_get(available, package->name,
                                            APR_HASH_KEY_STRING);

    if (!list) {
        list = apr_array_make(p, 2, sizeof(em_package_t *));
        apr_hash_set(available, package->name, APR_HASH_KEY_STRING, list);
    }
    APR_ARRAY_PUSH(list, em_package_t *) = package;
}
