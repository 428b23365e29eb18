#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/exec.h"
#include "rehearse/php.h"

/* Where distributions put php-fpm and its configuration. "%" stands for the
 * same text in both. */
static const struct {
    const char *binary, *conf;
} known[] = {
    {"/usr/sbin/php-fpm%", "/etc/php/%/fpm/php-fpm.conf"},  /* Debian */
    {"/usr/sbin/php-fpm", "/etc/php-fpm.conf"},             /* RHEL */
    {"/usr/bin/php-fpm", "/etc/php/php-fpm.conf"},          /* Arch */
    {"/usr/sbin/php-fpm%", "/etc/php%/php-fpm.conf"},       /* Alpine */
    {"/usr/local/sbin/php-fpm", "/usr/local/etc/php-fpm.conf"},
    {"/opt/remi/%/root/usr/sbin/php-fpm", "/etc/opt/remi/%/php-fpm.conf"},
    {"/opt/cpanel/%/root/usr/sbin/php-fpm",
     "/opt/cpanel/%/root/etc/php-fpm.conf"},
    {"/opt/plesk/php/%/sbin/php-fpm", "/opt/plesk/php/%/etc/php-fpm.conf"}
};

/* PATTERN with its "%" replaced. */
static const char *fill(const char *pattern, const char *text, apr_pool_t *p)
{
    const char *percent = strchr(pattern, '%');

    return percent ? apr_pstrcat(p, apr_pstrmemdup(p, pattern, (apr_size_t)
                                                   (percent - pattern)),
                                 text, percent + 1, NULL) : pattern;
}

/* -- php-fpm's configuration --------------------------------------------- */

/* A line without blanks around it and without its comment. */
static char *trimmed(char *line)
{
    char *end;

    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    if (*line == ';' || *line == '#') {
        *line = '\0';
    }
    end = line + strlen(line);
    while (end > line && apr_isspace(end[-1])) {
        *--end = '\0';
    }
    return line;
}

/* The value of "KEY = value", quotes taken off; NULL: another line. */
static char *value_of(char *line, const char *key)
{
    size_t n = strlen(key);

    if (strncmp(line, key, n) != 0) {
        return NULL;
    }
    line += n;
    line += strspn(line, " \t");
    if (*line++ != '=') {
        return NULL;
    }
    line += strspn(line, " \t\"");
    line[strcspn(line, "\"")] = '\0';
    return line;
}

/* php-fpm's forms of an address in the form of httpd's backends: "9000" and
 * "*:9000" are 127.0.0.1:9000 for a client here. */
static const char *as_backend(const char *listen, const char *pool,
                              apr_pool_t *p)
{
    const char *dollar = strstr(listen, "$pool");

    if (dollar) {
        listen = apr_pstrcat(p, apr_pstrmemdup(p, listen, (apr_size_t)
                                               (dollar - listen)), pool,
                             dollar + 5, NULL);
    }
    if (listen[strspn(listen, "0123456789")] == '\0') {
        return apr_pstrcat(p, "127.0.0.1:", listen, NULL);
    }
    if (strncmp(listen, "*:", 2) == 0 || strncmp(listen, "0.0.0.0:", 8) == 0
        || strncmp(listen, "[::]:", 5) == 0) {
        return apr_pstrcat(p, "127.0.0.1", strrchr(listen, ':'), NULL);
    }
    return strncmp(listen, "localhost:", 10) == 0
           ? apr_pstrcat(p, "127.0.0.1", listen + 9, NULL)
           : apr_pstrdup(p, listen);
}

static void read_conf(apr_array_header_t *listens, const char *file,
                      int depth, apr_pool_t *p)
{
    FILE *f = fopen(file, "re");
    const char *pool = "www";
    char buffer[4096], *value;
    glob_t found;

    while (f && fgets(buffer, sizeof(buffer), f)) {
        char *line = trimmed(buffer);

        if (*line == '[') {
            line[strcspn(line, "]")] = '\0';
            pool = apr_pstrdup(p, line + 1);
        }
        else if ((value = value_of(line, "listen")) != NULL) {
            APR_ARRAY_PUSH(listens, const char *) = as_backend(value, pool,
                                                               p);
        }
        else if (depth < 4 && (value = value_of(line, "include")) != NULL
                 && glob(value, 0, NULL, &found) == 0) {
            for (size_t i = 0; i < found.gl_pathc; i++) {
                read_conf(listens, found.gl_pathv[i], depth + 1, p);
            }
            globfree(&found);
        }
    }
    if (f) {
        fclose(f);
    }
}

apr_array_header_t *em_fpm_listens(const char *file, apr_pool_t *p)
{
    apr_array_header_t *listens = apr_array_make(p, 8, sizeof(const char *));

    read_conf(listens, file, 0, p);
    return listens;
}

/* -- starting ------------------------------------------------------------ */

static int same_backend(const char *a, const char *b)
{
    if (strncmp(a, "localhost:", 10) == 0 && strncmp(b, "127.0.0.1:", 10)
                                             == 0) {
        return strcmp(a + 10, b + 10) == 0;
    }
    return strcmp(a, b) == 0;
}

/* How many of BACKENDS the configuration listens on; SERVED marks them. The
 * directory of a socket is made where only a start at boot would make it. */
static int serves(const char *conf, const apr_array_header_t *backends,
                  char *served, apr_pool_t *p)
{
    apr_array_header_t *listens = em_fpm_listens(conf, p);
    int n = 0;

    for (int i = 0; i < listens->nelts; i++) {
        const char *listen = APR_ARRAY_IDX(listens, i, const char *);
        const char *slash = strrchr(listen, '/');

        for (int j = 0; j < backends->nelts; j++) {
            if (!served[j] && same_backend(APR_ARRAY_IDX(backends, j,
                                                         const char *),
                                           listen)) {
                served[j] = 2;      /* not yet: php-fpm has to start */
                n++;
            }
        }
        if (n && slash && slash > listen) {
            (void)mkdir(apr_pstrmemdup(p, listen, (apr_size_t)
                                       (slash - listen)), 0755);
        }
    }
    return n;
}

static int start_one(const char *binary, const char *conf,
                     apr_interval_time_t timeout, apr_pool_t *p)
{
    const char *argv[] = {binary, "--daemonize", "--fpm-config", conf, NULL};
    em_exec_how_t how = {.timeout = timeout};
    em_exec_out_t *out;

    return em_exec(&out, argv, &how, p) == APR_SUCCESS && out->exited
           && out->exit_code == 0;
}

static void try_one(const char *binary, const char *conf,
                    const apr_array_header_t *backends, char *served,
                    apr_interval_time_t timeout, apr_pool_t *p)
{
    int ok;

    if (access(binary, X_OK) != 0 || access(conf, R_OK) != 0
        || !serves(conf, backends, served, p)) {
        return;
    }
    ok = start_one(binary, conf, timeout, p);
    for (int i = 0; i < backends->nelts; i++) {
        if (served[i] == 2) {
            served[i] = (char)ok;
        }
    }
}

apr_status_t em_fpm_start(int *pmissing, const apr_array_header_t *backends,
                          apr_interval_time_t timeout, apr_pool_t *p)
{
    char *served = apr_pcalloc(p, (apr_size_t)backends->nelts + 1);
    glob_t found;

    for (size_t i = 0; backends->nelts && i < sizeof(known) / sizeof(*known);
         i++) {
        const char *pattern = known[i].binary;
        size_t before = strcspn(pattern, "%");
        const char *after = pattern[before] ? pattern + before + 1 : "";

        if (glob(fill(pattern, "*", p), 0, NULL, &found) != 0) {
            continue;
        }
        for (size_t j = 0; j < found.gl_pathc; j++) {
            const char *path = found.gl_pathv[j];
            size_t n = strlen(path);
            const char *middle = n >= before + strlen(after)
                ? apr_pstrmemdup(p, path + before, n - before
                                 - strlen(after)) : "";

            try_one(path, fill(known[i].conf, middle, p), backends, served,
                    timeout, p);
        }
        globfree(&found);
    }
    *pmissing = 0;
    for (int i = 0; i < backends->nelts; i++) {
        *pmissing += served[i] != 1;
    }
    return APR_SUCCESS;
}
