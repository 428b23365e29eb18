#include "itk_sock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Room for more descriptors than any message may carry; what does not fit
 * the kernel closes and says so. */
#define FD_ROOM 4

typedef union control_t {
    struct cmsghdr align;
    char buf[CMSG_SPACE(FD_ROOM * sizeof(int)) +
             CMSG_SPACE(sizeof(struct ucred))];
} control_t;

apr_status_t itk_sock_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return errno;
    }
    return APR_SUCCESS;
}

apr_status_t itk_sock_want_sender(int sock)
{
    int on = 1;

    return setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0
               ? APR_SUCCESS : errno;
}

apr_status_t itk_sock_timeout(int sock, int ms)
{
    struct timeval tv;

    tv.tv_sec = ms / 1000;
    tv.tv_usec = (ms % 1000) * 1000;
    if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) != 0) {
        return errno;
    }
    return APR_SUCCESS;
}

static ssize_t send_with(int sock, const itk_msg_t *msg, int fd, int flags)
{
    struct iovec iov = {.iov_base = (void *)msg, .iov_len = sizeof(*msg)};
    struct msghdr mh;
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } control;
    struct cmsghdr *cm;

    memset(&mh, 0, sizeof(mh));
    memset(&control, 0, sizeof(control));
    mh.msg_iov = &iov;
    mh.msg_iovlen = 1;
    mh.msg_control = control.buf;
    mh.msg_controllen = sizeof(control.buf);
    cm = CMSG_FIRSTHDR(&mh);
    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cm), &fd, sizeof(int));
    return sendmsg(sock, &mh, flags);
}

apr_status_t itk_sock_send(int sock, const itk_msg_t *msg, int fd, int flags)
{
    ssize_t n;

    flags |= MSG_NOSIGNAL;
    do {        /* send() is the cheaper call */
        n = fd < 0 ? send(sock, msg, sizeof(*msg), flags)
                   : send_with(sock, msg, fd, flags);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno;
    }
    return n == (ssize_t)sizeof(*msg) ? APR_SUCCESS : APR_EINVAL;
}

/* The N descriptors in CM: the first becomes *PFD, all others are closed. */
static void take_fds(struct cmsghdr *cm, int n, int *pfd)
{
    int fd, i;

    for (i = 0; i < n; i++) {
        memcpy(&fd, CMSG_DATA(cm) + (size_t)i * sizeof(int), sizeof(int));
        if (*pfd < 0) {
            *pfd = fd;
        }
        else {
            (void)close(fd);
        }
    }
}

/* Take the descriptors and credentials out of MH. Returns how many
 * descriptors there were; *PFD is the first, or -1. */
static int take_control(struct msghdr *mh, int *pfd, struct ucred *pcred)
{
    struct cmsghdr *cm;
    int nfds = 0;

    for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
        size_t len = cm->cmsg_len - CMSG_LEN(0);

        if (cm->cmsg_level != SOL_SOCKET) {
            continue;
        }
        if (cm->cmsg_type == SCM_RIGHTS) {
            take_fds(cm, (int)(len / sizeof(int)), pfd);
            nfds += (int)(len / sizeof(int));
        }
        else if (cm->cmsg_type == SCM_CREDENTIALS && pcred &&
                 len >= sizeof(*pcred)) {
            memcpy(pcred, CMSG_DATA(cm), sizeof(*pcred));
        }
    }
    return nfds;
}

static apr_status_t receive(itk_msg_t *pmsg, int *pfd, struct ucred *pcred,
                            int sock, int flags)
{
    char buf[ITK_WIRE_SIZE + 1];
    struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};
    control_t control;
    struct msghdr mh;
    ssize_t n;
    int fd = -1;
    int nfds;

    memset(&mh, 0, sizeof(mh));
    mh.msg_iov = &iov;
    mh.msg_iovlen = 1;
    mh.msg_control = control.buf;
    mh.msg_controllen = sizeof(control.buf);
    n = recvmsg(sock, &mh, flags | MSG_CMSG_CLOEXEC);
    if (n < 0) {
        return errno;
    }
    nfds = take_control(&mh, &fd, pcred);
    if (n == 0 && nfds == 0) {
        return APR_EOF;
    }
    if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
        itk_wire_decode(pmsg, buf, (size_t)n, nfds) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return APR_EINVAL;
    }
    *pfd = fd;
    return APR_SUCCESS;
}

apr_status_t itk_sock_recv(itk_msg_t *pmsg, int *pfd, int sock, int flags)
{
    return receive(pmsg, pfd, NULL, sock, flags);
}

apr_status_t itk_sock_hear(itk_msg_t *pmsg, int sock, int flags)
{
    char buf[ITK_WIRE_SIZE + 1];
    struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};
    struct msghdr mh;
    ssize_t n;

    memset(&mh, 0, sizeof(mh));
    mh.msg_iov = &iov;
    mh.msg_iovlen = 1;
    n = recvmsg(sock, &mh, flags);
    if (n < 0) {
        return errno;
    }
    if (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        return APR_EINVAL;
    }
    if (n == 0) {
        return APR_EOF;
    }
    return itk_wire_decode(pmsg, buf, (size_t)n, 0) == 0 ? APR_SUCCESS
                                                         : APR_EINVAL;
}

apr_status_t itk_sock_recv_from(itk_msg_t *pmsg, int *pfd, pid_t *ppid,
                                uid_t *puid, int sock, int flags)
{
    struct ucred cred = {0, (uid_t)-1, (gid_t)-1};
    apr_status_t rv;

    rv = receive(pmsg, pfd, &cred, sock, flags);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (cred.uid == (uid_t)-1) {
        if (*pfd >= 0) {
            (void)close(*pfd);
            *pfd = -1;
        }
        return APR_EINVAL;
    }
    *ppid = cred.pid;
    *puid = cred.uid;
    return APR_SUCCESS;
}
