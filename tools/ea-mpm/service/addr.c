#include "service/addr.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

static int is_wildcard(const char *address)
{
    return !address || !*address || strcmp(address, "*") == 0
           || strcmp(address, "0.0.0.0") == 0
           || strcmp(address, "_default_") == 0
           || strcmp(address, "[::]") == 0 || strcmp(address, "::") == 0;
}

/* "[::1]" -> "::1" without a zone: "[fe80::1%eth0]" is for another host. */
static const char *bare(const char *address, apr_pool_t *p)
{
    apr_size_t n = strlen(address);

    return *address == '[' && address[n - 1] == ']'
           ? apr_pstrmemdup(p, address + 1, n - 2) : address;
}

apr_status_t em_addr_of(em_addr_t **paddr, const char *address, int port,
                        apr_pool_t *p)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    em_addr_t *addr = apr_pcalloc(p, sizeof(*addr));
    char service[16];

    if (is_wildcard(address)) {
        address = address && strchr(address, ':') ? "::1" : "127.0.0.1";
    }
    snprintf(service, sizeof(service), "%d", port);
    if (getaddrinfo(bare(address, p), service, &hints, &found) != 0
        || !found || found->ai_addrlen > sizeof(addr->sa)) {
        if (found) {
            freeaddrinfo(found);
        }
        return APR_ENOENT;
    }
    memcpy(&addr->sa, found->ai_addr, found->ai_addrlen);
    addr->len = found->ai_addrlen;
    addr->port = port;
    addr->text = apr_psprintf(p, found->ai_family == AF_INET6 ? "[%s]:%d"
                              : "%s:%d", bare(address, p), port);
    freeaddrinfo(found);
    *paddr = addr;
    return APR_SUCCESS;
}

static void add_once(apr_array_header_t *addrs, em_addr_t *addr)
{
    for (int i = 0; i < addrs->nelts; i++) {
        const em_addr_t *have = APR_ARRAY_IDX(addrs, i, em_addr_t *);

        if (have->len == addr->len
            && memcmp(&have->sa, &addr->sa, addr->len) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(addrs, em_addr_t *) = addr;
}

apr_array_header_t *em_addr_listens(const em_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *addrs = apr_array_make(p, 4, sizeof(em_addr_t *));
    em_addr_t *addr;

    for (int i = 0; facts->listens && i < facts->listens->nelts; i++) {
        const em_listen_t *listen = APR_ARRAY_IDX(facts->listens, i,
                                                  em_listen_t *);

        if (em_addr_of(&addr, listen->address, listen->port, p)
            == APR_SUCCESS) {
            add_once(addrs, addr);
        }
    }
    return addrs;
}

apr_array_header_t *em_addr_vhost(const em_facts_t *facts,
                                  const em_vhost_t *vhost, apr_pool_t *p)
{
    apr_array_header_t *addrs = apr_array_make(p, 1, sizeof(em_addr_t *));
    em_addr_t *addr;

    for (int i = 0; facts->listens && i < facts->listens->nelts; i++) {
        const em_listen_t *listen = APR_ARRAY_IDX(facts->listens, i,
                                                  em_listen_t *);
        const char *where = is_wildcard(vhost->address) ? listen->address
                          : vhost->address;

        if (vhost->port != 0 && vhost->port != listen->port) {
            continue;
        }
        /* A Listen on another address than the vhost's does not serve it. */
        if (!is_wildcard(vhost->address) && !is_wildcard(listen->address)
            && strcasecmp(vhost->address, listen->address) != 0) {
            continue;
        }
        if (em_addr_of(&addr, where, listen->port, p) == APR_SUCCESS) {
            add_once(addrs, addr);
        }
    }
    return addrs;
}

/* Is "80", "192.0.2.1:80" or "[::]:80" this Listen? */
static int is_listen(const em_listen_t *listen, const char *word)
{
    const char *colon = strrchr(word, ':');
    size_t n = colon ? (size_t)(colon - word) : 0;

    if (atoi(colon ? colon + 1 : word) != listen->port) {
        return 0;
    }
    if (!colon) {
        return is_wildcard(listen->address);
    }
    return (listen->address && strlen(listen->address) == n
            && strncasecmp(listen->address, word, n) == 0)
           || (is_wildcard(listen->address) && (n == 1 && *word == '*'));
}

static int still_listens(const em_conf_t *conf, const em_listen_t *listen,
                         apr_pool_t *p)
{
    static const char *const names[] = {"Listen", "Port"};
    const em_directive_t *d;

    for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
        int i = 0;

        while ((d = em_conf_next(conf, names[k], &i)) != NULL) {
            const char *word = em_conf_word(d->args, 0, p);

            if (word && is_listen(listen, word)) {
                return 1;
            }
        }
    }
    return 0;
}

const em_facts_t *em_addr_facts_under(const em_facts_t *facts,
                                      const em_conf_t *conf, apr_pool_t *p)
{
    em_facts_t *under = apr_pmemdup(p, facts, sizeof(*facts));

    under->listens = apr_array_make(p, 4, sizeof(em_listen_t *));
    for (int i = 0; facts->listens && i < facts->listens->nelts; i++) {
        em_listen_t *listen = APR_ARRAY_IDX(facts->listens, i,
                                            em_listen_t *);

        /* One that not even the present configuration is seen to have came
         * from elsewhere (-c, an own notation): keep it. */
        if (still_listens(conf, listen, p)
            || !still_listens(facts->conf, listen, p)) {
            APR_ARRAY_PUSH(under->listens, em_listen_t *) = listen;
        }
    }
    return under;
}

/* A connection to a free port of the ephemeral range can meet itself (its own
 * source port is the one it asks for): nobody accepted that. */
static int met_itself(int fd)
{
    struct sockaddr_storage here, there;
    socklen_t n = sizeof(here), m = sizeof(there);

    memset(&here, 0, sizeof(here));
    memset(&there, 0, sizeof(there));
    return getsockname(fd, (struct sockaddr *)&here, &n) == 0
           && getpeername(fd, (struct sockaddr *)&there, &m) == 0
           && n == m && memcmp(&here, &there, n) == 0;
}

int em_addr_accepts(const em_addr_t *addr, apr_interval_time_t timeout)
{
    int fd = socket(addr->sa.ss_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd pfd = {fd, POLLOUT, 0};
    int error = 0;
    socklen_t n = sizeof(error);

    if (fd < 0) {
        return 0;
    }
    if (connect(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0) {
        error = errno;
        if (error == EINPROGRESS) {
            error = poll(&pfd, 1, (int)(timeout / 1000)) == 1
                    && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0
                    ? error : ETIMEDOUT;
            if (!(pfd.revents & POLLOUT)) {
                error = error ? error : ETIMEDOUT;
            }
        }
    }
    error = error == 0 && met_itself(fd) ? ECONNREFUSED : error;
    close(fd);
    return error == 0;
}
