#include "plan/plan.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

typedef struct name_t {
    const char *name;
    const char *what;           /* canonical target, or the explanation */
} name_t;

static const name_t targets[] = {
    {"prefork", "prefork"},
    {"worker", "worker"},
    {"event", "event"},
    {"itk", "itk"},
    {"itkish", "itk"},
};

/* MPMs of other systems and other times. People find them in old documents
 * and ask for them. */
static const name_t foreign[] = {
    {"winnt", "is the MPM of Windows and is built there only"},
    {"netware", "was the MPM of Novell NetWare, which httpd 2.4 still had "
                "and no Linux ever did"},
    {"mpmt_os2", "is the MPM of OS/2"},
    {"os2", "is the MPM of OS/2"},
    {"spmt_os2", "was an MPM of OS/2 in httpd 2.0"},
    {"beos", "was the MPM of BeOS, removed with httpd 2.4"},
    {"perchild", "was httpd 2.0's experiment with one user per process and "
                 "never worked; itk is what does that today"},
    {"threadpool", "was an experiment in httpd 2.0, removed with 2.2; "
                   "worker and event took its place"},
    {"leader", "was an experiment in httpd 2.0, removed with 2.4; worker "
               "and event took its place"},
    {"peruser", "was a third-party MPM for httpd 2.2 with one user per "
                "vhost; itk is what does that today"},
    {"metuxmpm", "was a third-party MPM for httpd 2.0 with one user per "
                 "vhost; itk is what does that today"},
    {"dexter", "was an MPM of the httpd 2.0 alphas"},
    {"mpmt_pthread", "was an MPM of the httpd 2.0 alphas, later named "
                     "worker"},
    {"threaded", "was an MPM of the httpd 2.0 alphas, later named worker"},
    {"motorz", "is an experiment of httpd's development branch that no "
               "release has"},
    {"simple", "is an experiment of httpd's development branch that no "
               "release has"},
};

/* The bare name in what people type: "mpm_event", "mod_mpm_event.so",
 * "mpm_event_module", "event.c", "apache2-mpm-event", "Event". */
static const char *bare(const char *name, apr_pool_t *p)
{
    static const char *const fronts[] = {
        "apache2-", "ea-apache24-", "httpd-", "libapache2-", "mod_", "mod-",
        "mpm_", "mpm-"
    };
    static const char *const backs[] = {".so", ".load", ".c", "_module"};
    char *s = apr_pstrdup(p, name);
    apr_size_t len;

    for (char *c = s; *c; c++) {
        *c = apr_tolower(*c);
    }
    for (size_t i = 0; i < sizeof(fronts) / sizeof(*fronts); i++) {
        len = strlen(fronts[i]);
        if (strncmp(s, fronts[i], len) == 0) {
            s += len;
        }
    }
    for (size_t i = 0; i < sizeof(backs) / sizeof(*backs); i++) {
        apr_size_t back = strlen(backs[i]);

        len = strlen(s);
        if (len > back && strcmp(s + len - back, backs[i]) == 0) {
            s[len - back] = '\0';
        }
    }
    return s;
}

const char *em_target_parse(const char *name, em_result_t *res,
                            apr_pool_t *p)
{
    const char *s = bare(name, p);

    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        if (strcmp(s, targets[i].name) == 0) {
            return targets[i].what;
        }
    }
    em_result_hint(res, "ea-mpm list");
    for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
        if (strcmp(s, foreign[i].name) == 0) {
            em_result_fail(res, APR_EINVAL, EM_EXIT_REFUSED, "mpm-foreign",
                           "%s %s. The MPMs to choose from are prefork, "
                           "worker, event and itk", foreign[i].name,
                           foreign[i].what);
            return NULL;
        }
    }
    em_result_fail(res, APR_EINVAL, EM_EXIT_USAGE, "mpm-unknown",
                   "there is no MPM '%s'. The MPMs to choose from are "
                   "prefork, worker, event and itk", name);
    return NULL;
}
