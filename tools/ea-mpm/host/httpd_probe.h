#ifndef EM_HTTPD_PROBE_H
#define EM_HTTPD_PROBE_H

/* Asking httpd. Compiled-in values are read from the binary file, which
 * costs no process and works below --root; where it is a wrapper script,
 * `-V -f /dev/null` and `-l` are run (neither reads a configuration). Of the
 * configuration, one run answers everything. */

#include "base/exec.h"
#include "base/result.h"
#include "base/view.h"
#include "host/elf.h"
#include "host/httpd_parse.h"

typedef struct em_probe_t {
    em_httpd_settings_t settings;
    apr_array_header_t *modules;    /* em_elf_module_t, compiled in; id may
                                     * be NULL */
} em_probe_t;

/* Fails with "httpd-unusable" where BINARY is no httpd or cannot be run. */
apr_status_t em_probe_binary(em_probe_t **pprobe, const em_view_t *view,
                             const char *binary, const em_exec_how_t *how,
                             em_result_t *res, apr_pool_t *p);

/* The MPM that is compiled into the program at PATH (of this machine, links
 * followed), read from the file; NULL: none, or it is no httpd. */
const char *em_probe_mpm(const char *path, apr_pool_t *p);
/* The same of a program in a tree, as it is or as it would be. */
const char *em_probe_mpm_in(const em_view_t *view, const char *path,
                            apr_pool_t *p);

/* What httpd says of the configuration. */
typedef struct em_probe_test_t {
    int ran;                        /* 0: could not be started */
    int ok;
    const char *output;             /* for people: what it complained of */
    apr_array_header_t *loaded;     /* em_httpd_loaded_t, or NULL */
    em_httpd_run_cfg_t run_cfg;
} em_probe_test_t;

/* Start `BINARY ARGS -t -D DUMP_MODULES -D DUMP_RUN_CFG`. DUMP_INCLUDES is
 * left out: httpd writes each line of it by itself, which takes longer than
 * reading the files. */
apr_status_t em_probe_test_start(em_exec_t **pexec, const char *binary,
                                 const apr_array_header_t *args,
                                 const em_exec_how_t *how, apr_pool_t *p);
void em_probe_test_finish(em_probe_test_t *ptest, em_exec_t *exec,
                          const char *binary, apr_pool_t *p);

#endif /* EM_HTTPD_PROBE_H */
