#include "rehearse/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "rehearse/net.h"
#include "rehearse/tree.h"
#include "rehearse/wire.h"

#define MANY_FILES 65536

struct em_ns_t {
    pid_t keeper;               /* 0: ended */
    int fd;
};

typedef struct world_t {
    const em_ns_how_t *how;
    void (*body)(void *baton, int fd);
    void *baton;
    int fd;
    pid_t parent;               /* ea-mpm; whoever else is ours by now means
                                 * that it died before we could ask */
    const apr_array_header_t *sockets;
    apr_pool_t *pool;
} world_t;

const char *em_ns_step_says(em_ns_step_t step)
{
    static const char *const says[] = {
        [EM_NS_FORK] = "a process",
        [EM_NS_MOUNTS] = "a mount namespace (CAP_SYS_ADMIN)",
        [EM_NS_NETWORK] = "a network namespace (CAP_SYS_ADMIN)",
        [EM_NS_IPC] = "an IPC namespace (CAP_SYS_ADMIN)",
        [EM_NS_UTS] = "a UTS namespace (CAP_SYS_ADMIN)",
        [EM_NS_PIDS] = "a PID namespace (CAP_SYS_ADMIN)",
        [EM_NS_PRIVATE] = "private mounts",
        [EM_NS_SCRATCH] = "a tmpfs",
        [EM_NS_ROOT] = "an overlay or a bind mount of the root",
        [EM_NS_SUBMOUNT] = "an overlay or a bind mount of a file system",
        [EM_NS_DEVICES] = "a device directory",
        [EM_NS_PROC] = "a /proc",
        [EM_NS_SOCKET] = "a UNIX socket hidden or let in",
        [EM_NS_PIVOT] = "a change of the root",
        [EM_NS_LOOPBACK] = "a loopback interface (CAP_NET_ADMIN)",
        [EM_NS_CAPABILITIES] = "a smaller set of capabilities"
    };

    return says[step];
}

static void unavailable(const world_t *world, const em_tree_error_t *error)
{
    em_json_t *message = em_wire_message("unavailable", world->pool);

    em_json_set_str(message, "step", em_ns_step_says(error->step));
    em_json_set_str(message, "path", error->path);
    em_json_set_str(message, "error", strerror(error->error));
    em_wire_send(world->fd, message, world->pool);
}

static int failed(const world_t *world, em_ns_step_t step)
{
    em_tree_error_t error = {step, errno, NULL};

    unavailable(world, &error);
    return 0;
}

/* Die with the parent. It may have died before we asked for that. */
static void follow(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
}

/* What nobody needs to run a server, and what reaches out of a mount
 * namespace. Children of init cannot get them back. */
static int drop_capabilities(void)
{
    static const int dropped[] = {
        CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_MKNOD,
        CAP_SYSLOG, CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_WAKE_ALARM
    };

    for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++) {
        if (prctl(PR_CAPBSET_READ, dropped[i]) == 1
            && prctl(PR_CAPBSET_DROP, dropped[i]) != 0) {
            return 0;
        }
    }
    return 1;
}

/* Only our pipe comes along: not the lock, not the caller's files. */
static void keep_only(int fd)
{
    int null = open("/dev/null", O_RDWR);

    for (int other = 0; other < 3 && null >= 0; other++) {
        (void)dup2(null, other);
    }
    for (int other = 3; other < 1024; other++) {
        if (other != fd) {
            (void)close(other);
        }
    }
}

/* What apachectl and units raise before a start; a thousand hosts with logs of
 * their own need it. */
static void allow_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < MANY_FILES) {
        limit.rlim_cur = MANY_FILES;
        if (limit.rlim_max < MANY_FILES) {
            limit.rlim_max = MANY_FILES;
        }
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Pid 1 inside. Orphans stay zombies until the end, which is near. */
static void init_main(world_t *world)
{
    em_tree_error_t error = {0};
    int net;

    (void)setsid();
    (void)umask(022);
    keep_only(world->fd);
    allow_files();
    if (!em_tree_enter(&error, world->how, world->sockets, world->pool)) {
        unavailable(world, &error);
        _exit(1);
    }
    net = em_net_up(world->how->addresses);
    if (net) {
        errno = net;
        (void)failed(world, EM_NS_LOOPBACK);
        _exit(1);
    }
    if (!drop_capabilities()) {
        (void)failed(world, EM_NS_CAPABILITIES);
        _exit(1);
    }
    world->body(world->baton, world->fd);
    _exit(0);
}

static int unshare_all(const world_t *world)
{
    static const struct {
        int flag;
        em_ns_step_t step;
    } steps[] = {
        {CLONE_NEWNS, EM_NS_MOUNTS}, {CLONE_NEWNET, EM_NS_NETWORK},
        {CLONE_NEWIPC, EM_NS_IPC}, {CLONE_NEWUTS, EM_NS_UTS},
        {CLONE_NEWPID, EM_NS_PIDS}
    };

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        if (unshare(steps[i].flag) != 0) {
            return failed(world, steps[i].step);
        }
    }
    return 1;
}

/* The keeper's child, for its signal handler. */
static volatile sig_atomic_t init_pid;

static void end_init(int signo)
{
    (void)signo;
    (void)kill((pid_t)init_pid, SIGKILL);
}

/* The keeper may be gone before its child asked to die with it, and getppid()
 * reads 0 across PID namespaces either way. The pipe tells: its writing end
 * is the keeper's alone. */
static void follow_keeper(const int alive[2])
{
    struct pollfd pfd = {alive[0], POLLIN, 0};

    close(alive[1]);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&pfd, 1, 0) != 0) {
        _exit(1);
    }
}

/* The process that ea-mpm watches: it makes the namespaces and is the parent
 * of pid 1, which dies with it. Asked to end by SIGTERM it kills pid 1 and
 * waits: the kernel lets go of a PID namespace's first process only when all
 * others in it are gone. */
static void keeper_main(world_t *world)
{
    struct sigaction action;
    int alive[2];
    pid_t init;

    (void)setpgid(0, 0);        /* ^C is ea-mpm's to handle */
    follow(world->parent);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
    if (!unshare_all(world)) {
        _exit(1);
    }
    init = pipe2(alive, O_CLOEXEC) == 0 ? fork() : -1;
    if (init == 0) {
        follow_keeper(alive);
        init_main(world);
    }
    if (init < 0) {
        (void)failed(world, EM_NS_FORK);
        _exit(1);
    }
    init_pid = init;
    memset(&action, 0, sizeof(action));
    action.sa_handler = end_init;
    (void)sigaction(SIGTERM, &action, NULL);
    close(alive[0]);
    close(world->fd);
    while (waitpid(init, NULL, 0) < 0 && errno == EINTR) {
    }
    _exit(0);
}

static apr_status_t end(void *data)
{
    em_ns_end(data);
    return APR_SUCCESS;
}

static const apr_array_header_t *sockets_now(apr_pool_t *p)
{
    apr_array_header_t *parts = apr_array_make(p, 8, sizeof(const char *));
    FILE *f = fopen("/proc/net/unix", "re");
    char buffer[8192];
    size_t n;

    while (f && (n = fread(buffer, 1, sizeof(buffer), f)) > 0) {
        APR_ARRAY_PUSH(parts, const char *) = apr_pstrmemdup(p, buffer, n);
    }
    if (f) {
        fclose(f);
    }
    return em_sockets_parse(apr_array_pstrcat(p, parts, '\0'), p);
}

apr_status_t em_ns_start(em_ns_t **pns, const em_ns_how_t *how,
                         void (*body)(void *baton, int fd), void *baton,
                         apr_pool_t *p)
{
    world_t world = {how, body, baton, -1, getpid(), sockets_now(p), p};
    em_ns_t *ns = apr_pcalloc(p, sizeof(*ns));
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    ns->keeper = fork();
    if (ns->keeper == 0) {
        close(fds[0]);
        world.fd = fds[1];
        keeper_main(&world);
    }
    close(fds[1]);
    if (ns->keeper < 0) {
        close(fds[0]);
        return APR_FROM_OS_ERROR(errno);
    }
    ns->fd = fds[0];
    apr_pool_cleanup_register(p, ns, end, apr_pool_cleanup_null);
    *pns = ns;
    return APR_SUCCESS;
}

int em_ns_fd(const em_ns_t *ns)
{
    return ns->fd;
}

void em_ns_end(em_ns_t *ns)
{
    pid_t ended = 0;

    if (ns->keeper <= 0) {
        return;
    }
    (void)kill(ns->keeper, SIGTERM);
    for (int i = 0; i < 5000 && ended == 0; i++) {
        ended = waitpid(ns->keeper, NULL, WNOHANG);
        if (ended == 0 || (ended < 0 && errno == EINTR)) {
            ended = 0;
            apr_sleep(2000);
        }
    }
    if (ended == 0) {           /* somebody inside hangs in the kernel */
        (void)kill(ns->keeper, SIGKILL);
        (void)waitpid(ns->keeper, NULL, 0);
    }
    close(ns->fd);
    ns->keeper = 0;
}
