#ifndef EM_FACTS_H
#define EM_FACTS_H

/* Everything known about the server on this host, gathered once, before
 * anything else, and read-only from then on. Every command renders from it.
 * All of it lives in the pool given to em_facts_gather(). */

#include "base/log.h"
#include "base/result.h"
#include "base/view.h"
#include "conf/conf.h"
#include "host/layout.h"

/* What the caller may prescribe; NULL or 0 = find out. */
typedef struct em_facts_how_t {
    const char *root;           /* --root, default "/" */
    const char *httpd;          /* --httpd BINARY */
    const char *conf;           /* --conf FILE */
    const char *instance;       /* --instance NAME (apache2@NAME, httpd@NAME) */
    int deep;                   /* --deep: read every .htaccess */
    int defer;                  /* leave httpd's own test of the configuration
                                 * running, see em_facts_settle() */
    int available;              /* ask the package manager what it could
                                 * install (list --available) */
    apr_interval_time_t timeout;    /* of one httpd run, default 30 s */
    em_log_t *log;
} em_facts_how_t;

typedef struct em_httpd_t {
    const char *binary;         /* absolute, inside the root */
    const char *version;        /* "2.4.71" */
    int v[3];
    const char *vendor;         /* "Debian", "Red Hat Enterprise Linux", "" */
    const char *mmn;            /* "20120211:142" */
    const char *server_root;    /* -d, ServerRoot or HTTPD_ROOT */
    const char *config_file;    /* absolute */
    const char *missing;        /* the program that the service would start
                                 * and that is not there; binary is then
                                 * another one; or NULL */
    const char *static_mpm;     /* "prefork" of a static build, else NULL */
    apr_array_header_t *static_modules; /* const char *: "core.c" ... */
    apr_array_header_t *args;   /* const char *: what the service passes:
                                 * -D X, -f F, -d D, -C, -c */
    apr_array_header_t *starter;    /* const char *: the command that runs
                                     * httpd with these arguments and writes
                                     * files before (SUSE's start_apache2),
                                     * to which -k or -t is added; or NULL */
    const char *const *env;     /* whole environment for every run */
    const char *const *test_env;    /* the same for -t and -V: run and lock
                                 * directories that only a start makes (gone
                                 * after a boot) stand in as ones that are
                                 * there, or httpd refuses the configuration */
    const char *pid_file;       /* absolute */
    const char *error_log;      /* absolute, or NULL (pipe, syslog) */
    const char *user, *group;
    /* What httpd says of the configuration as it is now (-t). */
    int tested;                 /* 0: could not be run (--root of another
                                 * system, missing): see test_output */
    int test_ok;
    const char *test_output;    /* its stderr (and stdout when it failed) */
} em_httpd_t;

typedef enum {
    EM_THREADS_UNKNOWN, EM_THREADS_SAFE, EM_THREADS_UNSAFE
} em_threads_t;

typedef struct em_module_t {
    const char *id;             /* "php_module" */
    const char *source;         /* "mod_php.c", read from the file's own
                                 * module record where possible, or NULL */
    const char *so;             /* absolute, NULL for a static module */
    const char *file;           /* where its LoadModule stands */
    int line;
    const char *package;        /* owner, or NULL */
    const char *package_version;
    em_threads_t threads;       /* told by the file's own symbols (mod_php
                                 * NTS/ZTS); unknown for most */
    int missing;                /* the .so is not there */
    int mismatch;               /* the .so does not export id */
} em_module_t;

typedef struct em_installed_t {
    const char *mpm;            /* "event", "itk" */
    const char *id;             /* "mpm_event_module", "mpm_itkish_module" */
    const char *file;           /* .so or per-MPM binary, absolute */
    const char *package, *version;  /* or NULL */
    int verified;               /* exports its module symbol */
} em_installed_t;

typedef struct em_available_t {
    const char *mpm, *package, *version;
} em_available_t;

typedef struct em_listen_t {
    const char *address;        /* "127.0.0.1", "[::]", "*" */
    int port;
    const char *protocol;       /* "http", "https", or NULL */
    const char *file;
    int line;
} em_listen_t;

typedef struct em_vhost_t {
    const char *name;           /* ServerName, or NULL */
    const char *address;        /* first address of <VirtualHost>, or NULL
                                 * for the main server */
    int port;                   /* 0 = any */
    int tls;                    /* SSLEngine on */
    const char *document_root;
    const char *file;
    int line;
    const em_conf_section_t *section;   /* NULL for the main server */
} em_vhost_t;

/* A directive in a .htaccess file (with --deep). */
typedef struct em_htaccess_t {
    const char *name, *args, *file;
    int line;
} em_htaccess_t;

typedef enum {
    EM_SERVICE_NONE,            /* nothing to restart: a tree (--root), an
                                 * image, no init and no running server */
    EM_SERVICE_SYSTEMD,
    EM_SERVICE_OPENRC,
    EM_SERVICE_SYSV,
    EM_SERVICE_CTL,             /* apachectl or the like */
    EM_SERVICE_SIGNAL,          /* signals to the main pid, start by argv */
    EM_SERVICE_SUPERVISED       /* runit, s6 ...: `ctl` is the tool that
                                 * holds it and lets it go, `unit` what that
                                 * is told */
} em_service_kind_t;
#define EM_SERVICE_LAST EM_SERVICE_SUPERVISED

typedef struct em_service_t {
    em_service_kind_t kind;
    const char *unit;           /* "apache2.service" */
    const char *ctl;            /* absolute path of apachectl/apache2ctl */
    int running;
    int container;              /* the container ends with the server */
    const char *by_hand;        /* what restarts it in full where that is
                                 * neither the init system nor ctl, or NULL */
    int plain;                  /* without the panel's own script, where
                                 * there is one */
    const char *why;            /* how this was found out */
} em_service_t;

typedef struct em_running_t {
    int pid;                    /* main process, 0: not running */
    const char *mpm;            /* from its maps or executable, or NULL */
    const char *exe;
    const char *evidence;       /* "mod_mpm_event.so in /proc/42/maps" */
    apr_time_t since;
} em_running_t;

/* Another server of the same binary that runs now (an instance). */
typedef struct em_other_t {
    int pid;                    /* main process */
    const char *unit;           /* its systemd unit, or NULL */
    const char *config_file;
    apr_array_header_t *files;  /* const char *: all files that it reads, by
                                 * their real paths and those of links */
} em_other_t;

struct em_facts_test_t;         /* httpd's test in progress */

typedef struct em_facts_t {
    em_facts_how_t how;
    struct em_facts_test_t *test;       /* NULL: its answer is in */
    const em_view_t *view;
    em_httpd_t httpd;
    const em_layout_t *layout;
    const char *layout_evidence;
    const char *modules_dir;            /* absolute */
    em_conf_how_t conf_how;             /* to walk again over another view */
    const em_conf_t *conf;
    /* mpm */
    const char *configured;             /* "event", "itk" (prefork + itk
                                         * module), NULL: none or several */
    apr_array_header_t *configured_all; /* em_mpm_line_t *, active ones */
    em_running_t running;
    apr_array_header_t *others;         /* em_other_t * */
    int pending;                        /* running and configured differ */
    apr_array_header_t *installed;      /* em_installed_t * */
    apr_array_header_t *available;      /* em_available_t *, or NULL */
    apr_array_header_t *modules;        /* em_module_t *, loaded ones */
    apr_array_header_t *listens;        /* em_listen_t * */
    apr_array_header_t *vhosts;         /* em_vhost_t * */
    apr_array_header_t *htaccess;       /* em_htaccess_t *, NULL: not read */
    em_service_t service;
} em_facts_t;

/* Gather. Fails only where there is no httpd to speak of or its main
 * configuration cannot be read; a configuration that httpd refuses is a fact,
 * not a failure. */
apr_status_t em_facts_gather(em_facts_t **pfacts, const em_facts_how_t *how,
                             em_result_t *res, apr_pool_t *p);

/* With how->defer httpd reads the configuration while the caller goes on with
 * the walk's answer, as if httpd had accepted it. This waits for httpd's own
 * answer. 1: it is another one, so judge again what was judged. */
int em_facts_settle(em_facts_t *facts, apr_pool_t *p);

/* What FACTS become in the tree of VIEW (the same with changes laid over it),
 * as far as it chooses how httpd is run: the program, what is compiled into
 * it, the arguments. conf_how reads the configuration of VIEW; all else, conf
 * too, is as it was. */
apr_status_t em_facts_under(em_facts_t **punder, const em_facts_t *facts,
                            const em_view_t *view, em_result_t *res,
                            apr_pool_t *p);

/* The loaded module ID ("php_module"), or NULL. */
const em_module_t *em_facts_module(const em_facts_t *facts, const char *id);
/* Is the module ID in the file SO (as LoadModule names it) thread-safe, told
 * by the file's own symbols? For modules that only a plan would load. */
em_threads_t em_facts_threads(const em_facts_t *facts, const char *id,
                              const char *so, apr_pool_t *p);
/* Does OTHER read the file or link at PATH? */
int em_other_reads(const em_other_t *other, const char *path);
/* The installed MPM, or NULL. */
const em_installed_t *em_facts_installed(const em_facts_t *facts,
                                         const char *mpm);
/* Where each MPM is a program: that of MPM in the tree of VIEW, or NULL. */
em_installed_t *em_facts_program(const em_view_t *view, const char *mpm,
                                 apr_pool_t *p);

#endif /* EM_FACTS_H */
