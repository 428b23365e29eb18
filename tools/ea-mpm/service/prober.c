#include "service/service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "service/addr.h"

/* One connection to each port every INTERVAL_MS: opened and closed at once,
 * which costs a worker some microseconds. Enough to tell an outage to a few
 * milliseconds, and far from what a server would notice. */
#define INTERVAL_MS 2
#define MAX_PORTS 8

struct em_prober_t {
    pid_t pid;                  /* 0: stopped */
    int fd;                     /* socket: closing our end stops it; the
                                 * result comes back through it */
};

typedef struct port_t {
    const em_addr_t *addr;
    int down;
    apr_time_t since;           /* of the outage that lasts */
    apr_interval_time_t longest;
} port_t;

/* Monotonic: the clock may be set while we measure. */
static apr_time_t ticks(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return apr_time_from_sec(ts.tv_sec) + ts.tv_nsec / 1000;
}

static void look_at(port_t *port)
{
    int up = em_addr_accepts(port->addr, apr_time_from_sec(1));
    apr_time_t now = ticks();

    if (!up && !port->down) {
        port->down = 1;
        port->since = now;
    }
    else if (up && port->down) {
        port->down = 0;
        if (now - port->since > port->longest) {
            port->longest = now - port->since;
        }
    }
}

static long result_of(const port_t *ports, int n)
{
    apr_interval_time_t longest = 0;

    for (int i = 0; i < n; i++) {
        if (ports[i].down) {
            return -1;
        }
        if (ports[i].longest > longest) {
            longest = ports[i].longest;
        }
    }
    return (long)((longest + 999) / 1000);
}

static void child_main(const apr_array_header_t *addrs, int fd)
{
    port_t ports[MAX_PORTS] = {{0}};
    int n = addrs->nelts < MAX_PORTS ? addrs->nelts : MAX_PORTS;
    struct pollfd pfd = {fd, POLLIN, 0};
    long result;

    for (int other = 3; other < 1024; other++) {
        if (other != fd) {
            (void)close(other);         /* the lock above all */
        }
    }
    (void)signal(SIGINT, SIG_IGN);      /* our parent decides */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < n; i++) {
        ports[i].addr = APR_ARRAY_IDX(addrs, i, em_addr_t *);
    }
    do {
        for (int i = 0; i < n; i++) {
            look_at(&ports[i]);
        }
    } while (poll(&pfd, 1, INTERVAL_MS) == 0);
    for (int i = 0; i < n; i++) {
        look_at(&ports[i]);     /* the state at the very end */
    }
    result = result_of(ports, n);
    _exit(write(fd, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
}

static apr_status_t reap(void *data)
{
    em_prober_t *prober = data;

    if (prober->pid > 0) {
        (void)kill(prober->pid, SIGKILL);
        while (waitpid(prober->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        close(prober->fd);
        prober->pid = 0;
    }
    return APR_SUCCESS;
}

apr_status_t em_prober_start(em_prober_t **pprober, const em_facts_t *facts,
                             apr_pool_t *p)
{
    apr_array_header_t *addrs = em_addr_listens(facts, p);
    em_prober_t *prober = apr_pcalloc(p, sizeof(*prober));
    int fds[2];

    if (addrs->nelts == 0) {
        return APR_ENOENT;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    prober->pid = fork();
    if (prober->pid == 0) {
        close(fds[0]);
        child_main(addrs, fds[1]);
    }
    close(fds[1]);
    if (prober->pid < 0) {
        close(fds[0]);
        return APR_FROM_OS_ERROR(errno);
    }
    prober->fd = fds[0];
    apr_pool_cleanup_register(p, prober, reap, apr_pool_cleanup_null);
    *pprober = prober;
    return APR_SUCCESS;
}

long em_prober_stop(em_prober_t *prober)
{
    struct pollfd pfd = {prober->fd, POLLIN, 0};
    long result = -1;

    if (prober->pid <= 0) {
        return -1;
    }
    (void)shutdown(prober->fd, SHUT_WR);
    if (poll(&pfd, 1, 10000) != 1
        || read(prober->fd, &result, sizeof(result)) != sizeof(result)) {
        result = -1;
    }
    (void)reap(prober);
    return result;
}
