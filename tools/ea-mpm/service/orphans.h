#ifndef EM_ORPHANS_H
#define EM_ORPHANS_H

/* Children of a server whose main process was killed: nobody stops them, and
 * they hold the ports that the next start needs. */

#include "base/result.h"
#include "conf/conf.h"
#include "service/addr.h"

/* Before a start: where a port of FACTS is taken, no main process of this
 * server lives and orphans of this very server hold it, end them (SIGTERM,
 * then SIGKILL) and wait until the port is free. Processes of another
 * configuration, or of another server of the same one (its options, what it
 * takes from the environment), and those of which that cannot be told, are
 * left alone.
 * systemd ends the whole control group itself: nothing is done there. */
void em_orphans_end(const em_facts_t *facts, apr_pool_t *p);

/* Does the main process PID, found by its command line, hold a port of FACTS
 * under the same ServerRoot? One that does not may be another's. */
int em_orphans_blocks(int pid, const em_facts_t *facts, apr_pool_t *p);

/* The inode of the socket that LINE of /proc/net/tcp, or of tcp6 (SIX),
 * describes, when it listens where a server on ADDR has to; else 0. */
unsigned long em_orphans_socket(const char *line, int six,
                                const em_addr_t *addr);
/* Does PID hold one of the sockets INODES (unsigned long)? */
int em_orphans_holds(int pid, const apr_array_header_t *inodes,
                     apr_pool_t *p);
/* May PID be ended: an orphan of the server of FACTS and CONF, by program,
 * configuration, ServerRoot, options and environment, that holds one of
 * INODES? */
int em_orphans_is_ours(int pid, const em_facts_t *facts,
                       const em_conf_t *conf,
                       const apr_array_header_t *inodes, apr_pool_t *p);

#endif /* EM_ORPHANS_H */
