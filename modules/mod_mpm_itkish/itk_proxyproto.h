#ifndef ITK_PROXYPROTO_H
#define ITK_PROXYPROTO_H

/* How long the PROXY protocol header is that a load balancer puts in front of
 * the client's bytes (versions 1 and 2; mod_remoteip's RemoteIPProxyProtocol).
 *
 * Only its length matters here: the process that serves the connection reads
 * the header itself. Headers that mod_remoteip refuses may be measured all
 * the same, as no request is ever read behind them. */

#include <stddef.h>

typedef enum {
    ITK_PROXY_MORE,     /* *pn is the number of bytes wanted in all */
    ITK_PROXY_HEADER,   /* *pn is the length of the header */
    ITK_PROXY_NONE      /* these bytes do not start with a header */
} itk_proxy_status_t;

/* Look at the first LEN bytes of a connection; sets *pn unless NONE. */
itk_proxy_status_t itk_proxyproto_measure(size_t *pn,
                                          const unsigned char *data,
                                          size_t len);

#endif /* ITK_PROXYPROTO_H */
