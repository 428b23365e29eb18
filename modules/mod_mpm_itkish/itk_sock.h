#ifndef ITK_SOCK_H
#define ITK_SOCK_H

/* Sending and receiving one itk_msg_t with at most one descriptor over a
 * SEQPACKET socket: whole messages, and end of file when the peer dies. */

#include <apr_errno.h>
#include <sys/types.h>
#include "itk_wire.h"

/* A connected pair, both ends close-on-exec. */
apr_status_t itk_sock_pair(int pair[2]);

/* Have the kernel note on each message to SOCK who sent it. Only messages
 * sent after this carry it, so this comes before anybody can send. */
apr_status_t itk_sock_want_sender(int sock);

/* Let a receive on SOCK give up after MS milliseconds (0: never). A property
 * of the socket, so it holds for every process that shares it. */
apr_status_t itk_sock_timeout(int sock, int ms);

/* Send MSG, with FD if it is not -1. FLAGS as in sendmsg(2); MSG_NOSIGNAL is
 * added. Interrupted sends are repeated. */
apr_status_t itk_sock_send(int sock, const itk_msg_t *msg, int fd, int flags);

/* Receive one message. *PFD becomes the descriptor that came with it
 * (close-on-exec, the caller's to close) or -1. APR_EOF when the peer is
 * gone; APR_EINVAL when what came is not exactly one whole message with the
 * descriptors of its type (all descriptors are closed); APR_EAGAIN on
 * timeout; APR_EINTR when a signal arrived first. */
apr_status_t itk_sock_recv(itk_msg_t *pmsg, int *pfd, int sock, int flags);

/* The same, cheaper, where no message of this peer may bring a descriptor: it
 * is APR_EINVAL with one, which the kernel closes. */
apr_status_t itk_sock_hear(itk_msg_t *pmsg, int sock, int flags);

/* As itk_sock_recv(), also telling who sent it as the kernel saw it. A message
 * without credentials (see itk_sock_want_sender) is APR_EINVAL. */
apr_status_t itk_sock_recv_from(itk_msg_t *pmsg, int *pfd, pid_t *ppid,
                                uid_t *puid, int sock, int flags);

#endif /* ITK_SOCK_H */
