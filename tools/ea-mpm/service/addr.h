#ifndef EM_ADDR_H
#define EM_ADDR_H

/* Where to connect to reach what the configuration names. */

#include <netinet/in.h>
#include <sys/socket.h>

#include "host/facts.h"

typedef struct em_addr_t {
    struct sockaddr_storage sa;
    socklen_t len;
    int port;
    const char *text;           /* "127.0.0.1:80", "[::1]:80" */
} em_addr_t;

/* ADDRESS as Listen and <VirtualHost> write it ("*", "_default_", NULL,
 * "0.0.0.0", "[::]", "192.0.2.1", "[2001:db8::1]", a host name). Wildcards
 * become the loopback address. APR_ENOENT for a name nobody can resolve. */
apr_status_t em_addr_of(em_addr_t **paddr, const char *address, int port,
                        apr_pool_t *p);
/* One address for every Listen, without doubles (em_addr_t *). */
apr_array_header_t *em_addr_listens(const em_facts_t *facts, apr_pool_t *p);
/* The addresses at which a vhost is reached: one for each Listen that serves
 * it; usually one (em_addr_t *). */
apr_array_header_t *em_addr_vhost(const em_facts_t *facts,
                                  const em_vhost_t *vhost, apr_pool_t *p);
/* FACTS with those Listens only that CONF, the configuration after a plan,
 * still has: a Listen inside <IfModule ssl_module> goes with the module. */
const em_facts_t *em_addr_facts_under(const em_facts_t *facts,
                                      const em_conf_t *conf, apr_pool_t *p);
/* Does somebody accept connections there? Waits at most TIMEOUT. */
int em_addr_accepts(const em_addr_t *addr, apr_interval_time_t timeout);

#endif /* EM_ADDR_H */
