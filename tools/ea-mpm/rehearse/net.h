#ifndef EM_NET_H
#define EM_NET_H

#include <apr_tables.h>

/* Bring up the loopback interface of this (new) network namespace and put
 * ADDRESSES (const char *, numeric; others are ignored) on it, so that a
 * server can bind the addresses of the real machine. 0, or errno. */
int em_net_up(const apr_array_header_t *addresses);

#endif /* EM_NET_H */
