#include "service/orphans.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/log.h"
#include "conf/conf.h"
#include "host/options.h"
#include "host/running.h"
#include "service/proc.h"

/* For all of them together; then SIGKILL. Children of event and worker wait
 * for their main process's word and heed no SIGTERM. */
#define TERM_GRACE apr_time_from_sec(1)
#define KILL_GRACE apr_time_from_sec(5)
/* Children that were being forked when the main process died. */
#define ROUNDS 5

/* What httpd itself would try. A port that only root may bind counts as free:
 * whoever may not start the server there has nobody to end either. */
static int is_taken(const em_addr_t *addr)
{
    int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1, taken;

    if (fd < 0) {
        return 0;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    taken = bind(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0
            && errno == EADDRINUSE;
    close(fd);
    return taken;
}

/* em_addr_t * of those ADDRS at which somebody listens. */
static apr_array_header_t *all_taken(const apr_array_header_t *addrs,
                                     apr_pool_t *p)
{
    apr_array_header_t *taken = apr_array_make(p, 2, sizeof(em_addr_t *));

    for (int i = 0; i < addrs->nelts; i++) {
        em_addr_t *addr = APR_ARRAY_IDX(addrs, i, em_addr_t *);

        if (is_taken(addr)) {
            APR_ARRAY_PUSH(taken, em_addr_t *) = addr;
        }
    }
    return taken;
}

/* An address as /proc/net writes it: words of 32 bits in the byte order of
 * this machine. */
static int read_address(const char *hex, int six, struct in6_addr *paddr)
{
    int words = six ? 4 : 1;

    memset(paddr, 0, sizeof(*paddr));
    for (int i = 0; i < words; i++) {
        unsigned word;

        if (sscanf(hex + 8 * i, "%8x", &word) != 1) {
            return 0;
        }
        memcpy(paddr->s6_addr + 4 * i, &word, 4);
    }
    return strlen(hex) == 8 * (size_t)words;
}

unsigned long em_orphans_socket(const char *line, int six,
                                const em_addr_t *addr)
{
    static const struct in6_addr any;
    const void *wanted = addr->sa.ss_family == AF_INET6
        ? (const void *)&((const struct sockaddr_in6 *)&addr->sa)->sin6_addr
        : (const void *)&((const struct sockaddr_in *)&addr->sa)->sin_addr;
    int family = six ? AF_INET6 : AF_INET;
    unsigned long inode;
    struct in6_addr its;
    char hex[33];
    unsigned port, state;

    if (sscanf(line, " %*d: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s "
               "%*s %*u %*u %lu", hex, &port, &state, &inode) != 4
        || state != 0x0a || (int)port != addr->port
        || !read_address(hex, six, &its)) {
        return 0;
    }
    if (memcmp(&its, &any, sizeof(any)) == 0) {
        return six || addr->sa.ss_family == AF_INET ? inode : 0;
    }
    return family == addr->sa.ss_family
           && memcmp(&its, wanted, six ? 16 : 4) == 0 ? inode : 0;
}

/* The inodes of the sockets that listen at ADDRS. */
static apr_array_header_t *sockets_at(const apr_array_header_t *addrs,
                                      apr_pool_t *p)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    apr_array_header_t *inodes = apr_array_make(p, 4, sizeof(unsigned long));
    char line[512];

    for (int six = 0; six < 2; six++) {
        FILE *f = fopen(tables[six], "re");

        while (f && fgets(line, sizeof(line), f)) {
            for (int i = 0; i < addrs->nelts; i++) {
                unsigned long inode = em_orphans_socket(line, six,
                    APR_ARRAY_IDX(addrs, i, em_addr_t *));

                if (inode) {
                    APR_ARRAY_PUSH(inodes, unsigned long) = inode;
                }
            }
        }
        if (f) {
            fclose(f);
        }
    }
    return inodes;
}

int em_orphans_holds(int pid, const apr_array_header_t *inodes,
                     apr_pool_t *p)
{
    const char *path = apr_psprintf(p, "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    struct dirent *entry;
    int holds = 0;

    while (dir && !holds && (entry = readdir(dir)) != NULL) {
        char link[64];
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, link,
                               sizeof(link) - 1);
        unsigned long inode;

        link[n > 0 ? n : 0] = '\0';
        if (sscanf(link, "socket:[%lu]", &inode) != 1) {
            continue;
        }
        for (int i = 0; i < inodes->nelts; i++) {
            holds |= APR_ARRAY_IDX(inodes, i, unsigned long) == inode;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return holds;
}

/* -d as the command line ARGS gives it, or NULL. */
static const char *root_of(const apr_array_header_t *args, apr_pool_t *p)
{
    const char *const *values = em_options_values(args, 'd', p);
    const char *last = NULL;

    for (; *values; values++) {
        last = *values;
    }
    return last;
}

/* The same file under another ServerRoot is another server. */
static int same_root(int pid, const em_facts_t *facts, apr_pool_t *p)
{
    const char *its = root_of(em_running_args(pid, p), p);
    const char *ours = facts->httpd.args ? root_of(facts->httpd.args, p)
                                         : NULL;
    const char *known = facts->conf_how.server_root;

    if (its && (ours || known)) {
        return strcmp(its, ours ? ours : known) == 0;
    }
    return !its && (!ours || (known && strcmp(ours, known) == 0));
}

static const char *value_of(const char *const *env, const char *name)
{
    apr_size_t len = strlen(name);

    for (; env && *env; env++) {
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=') {
            return *env + len + 1;
        }
    }
    return NULL;
}

/* Many servers can be made of one file with ${VAR} in it: what it asks of the
 * environment has to be the same. */
static int same_environment(int pid, const em_facts_t *facts,
                            const em_conf_t *conf, apr_pool_t *p)
{
    const char *const *env = em_running_env(pid, p);

    for (apr_hash_index_t *i = apr_hash_first(p, conf->env_asked); i;
         i = apr_hash_next(i)) {
        const char *its = value_of(env, apr_hash_this_key(i));
        const char *ours = value_of(facts->httpd.env, apr_hash_this_key(i));

        if (its ? !ours || strcmp(its, ours) != 0 : ours != NULL) {
            return 0;
        }
    }
    return 1;
}

static int has_word(const char *const *words, const char *word)
{
    while (*words && strcmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

/* Are all of the values THESE among THOSE, but those that only say how to
 * run? */
static int are_in(const char *const *these, const char *const *those)
{
    static const char *const modes[] = {
        "FOREGROUND", "NO_DETACH", "ONE_PROCESS", "DEBUG", NULL
    };

    for (; *these; these++) {
        if (!has_word(those, *these) && !has_word(modes, *these)) {
            return 0;
        }
    }
    return 1;
}

/* Nor is it the same server with another -D, -C or -c. */
static int same_options(int pid, const em_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *args = em_running_args(pid, p);
    const apr_array_header_t *known = facts->httpd.args
        ? facts->httpd.args : apr_array_make(p, 1, sizeof(const char *));

    for (const char *letter = "DCc"; *letter; letter++) {
        const char *const *its = em_options_values(args, *letter, p);
        const char *const *ours = em_options_values(known, *letter, p);

        if (!are_in(its, ours) || !are_in(ours, its)) {
            return 0;
        }
    }
    return 1;
}

int em_orphans_is_ours(int pid, const em_facts_t *facts,
                       const em_conf_t *conf,
                       const apr_array_header_t *inodes, apr_pool_t *p)
{
    return em_running_is_orphan(pid, facts, p) && em_running_is_here(pid, p)
           && em_running_uses_conf(pid, facts, p)
           && same_root(pid, facts, p) && same_options(pid, facts, p)
           && same_environment(pid, facts, conf, p)
           && em_orphans_holds(pid, inodes, p);
}

int em_orphans_blocks(int pid, const em_facts_t *facts, apr_pool_t *p)
{
    return same_root(pid, facts, p)
           && em_orphans_holds(pid, sockets_at(em_addr_listens(facts, p), p),
                               p);
}

/* em_proc_t * of the orphans that hold INODES. The handle comes first: what
 * is found out is of that process or of none, which em_proc_alive tells. */
static apr_array_header_t *find(const em_facts_t *facts,
                                const em_conf_t *conf,
                                const apr_array_header_t *inodes,
                                apr_pool_t *p)
{
    apr_array_header_t *found = apr_array_make(p, 8, sizeof(em_proc_t *));
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    em_proc_t *proc;

    while (dir && (entry = readdir(dir)) != NULL) {
        int pid = apr_isdigit(entry->d_name[0]) ? atoi(entry->d_name) : 0;

        if (pid > 1 && em_running_is_server(pid, facts, p)
            && em_proc_open(&proc, pid, p) == APR_SUCCESS
            && em_orphans_is_ours(pid, facts, conf, inodes, p)
            && em_proc_alive(proc)) {
            APR_ARRAY_PUSH(found, em_proc_t *) = proc;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return found;
}

static void end_all(const em_facts_t *facts, const apr_array_header_t *procs)
{
    apr_time_t until = apr_time_now() + TERM_GRACE;

    for (int i = 0; i < procs->nelts; i++) {
        const em_proc_t *proc = APR_ARRAY_IDX(procs, i, em_proc_t *);

        em_log(facts->how.log, EM_LOG_WARN, "process %d outlived its main "
               "process and holds a port of this server: ending it",
               proc->pid);
        (void)em_proc_signal(proc, SIGTERM);
    }
    for (int i = 0; i < procs->nelts; i++) {
        const em_proc_t *proc = APR_ARRAY_IDX(procs, i, em_proc_t *);
        apr_time_t left = until - apr_time_now();

        if (em_proc_wait(proc, left > 0 ? left : 0)) {
            continue;
        }
        em_log(facts->how.log, EM_LOG_WARN, "process %d does not end: "
               "killing it", proc->pid);
        (void)em_proc_signal(proc, SIGKILL);
        (void)em_proc_wait(proc, KILL_GRACE);
    }
}

static int main_lives(const em_facts_t *facts, apr_pool_t *p)
{
    em_running_t now;

    em_running_find(&now, facts, p);
    return now.pid != 0;
}

void em_orphans_end(const em_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *addrs, *taken, *procs;
    em_conf_t *conf = NULL;

    if (facts->service.kind == EM_SERVICE_SYSTEMD
        || strcmp(em_view_root(facts->view), "/") != 0) {
        return;
    }
    addrs = em_addr_listens(facts, p);
    for (int i = 0; i < ROUNDS; i++) {
        taken = all_taken(addrs, p);
        if (taken->nelts == 0 || main_lives(facts, p)) {
            return;
        }
        if (!conf && em_conf_read(&conf, &facts->conf_how, em_result_make(p),
                                  p) != APR_SUCCESS) {
            return;             /* whose they are cannot be told */
        }
        procs = find(facts, conf, sockets_at(taken, p), p);
        if (procs->nelts == 0) {
            return;             /* somebody else's: httpd says so */
        }
        end_all(facts, procs);
    }
}
