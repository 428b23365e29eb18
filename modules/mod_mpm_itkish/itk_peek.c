#include "itk_peek.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

void itk_peek_init(itk_peek_t *peek, int fd, char *data, size_t size,
                   apr_interval_time_t timeout)
{
    peek->fd = fd;
    peek->data = data;
    peek->size = size;
    peek->len = 0;
    peek->timeout = timeout;
    peek->deadline = 0;
    peek->lowat = 1;
}

apr_status_t itk_peek_now(itk_peek_t *peek)
{
    ssize_t n;

    do {
        n = recv(peek->fd, peek->data, peek->size, MSG_PEEK | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? APR_EAGAIN : errno;
    }
    if (n == 0) {
        return APR_EOF;
    }
    peek->len = (size_t)n;
    return APR_SUCCESS;
}

static apr_status_t set_lowat(itk_peek_t *peek, size_t need)
{
    int lowat = need < peek->size ? (int)need : (int)peek->size;

    if (lowat == peek->lowat) {
        return APR_SUCCESS;
    }
    if (setsockopt(peek->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat,
                   sizeof(lowat)) < 0) {
        return errno;
    }
    peek->lowat = lowat;
    return APR_SUCCESS;
}

/* Milliseconds from NOW to the nearer of the deadline and the end of SLICE. */
static int wait_time(const itk_peek_t *peek, apr_time_t now,
                     apr_interval_time_t slice)
{
    apr_interval_time_t left = peek->deadline - now;

    if (slice > 0 && slice < left) {
        left = slice;
    }
    return left > 0 ? (int)apr_time_as_msec(left + 999) : 0;
}

/* Poll until something happens or the time is over. */
static apr_status_t wait_for_news(itk_peek_t *peek, apr_interval_time_t slice,
                                  short *pevents)
{
    struct pollfd pfd = { peek->fd, POLLIN | POLLRDHUP, 0 };
    apr_time_t now = apr_time_now();
    int n;

    if (peek->deadline == 0) {
        peek->deadline = now + peek->timeout;
    }
    while ((n = poll(&pfd, 1, wait_time(peek, now, slice))) < 0) {
        if (errno != EINTR) {
            return errno;
        }
        now = apr_time_now();
    }
    if (n == 0) {
        return apr_time_now() >= peek->deadline ? APR_TIMEUP : APR_EAGAIN;
    }
    *pevents = pfd.revents;
    return APR_SUCCESS;
}

apr_status_t itk_peek_wait(itk_peek_t *peek, size_t need,
                           apr_interval_time_t slice)
{
    size_t before = peek->len;
    short events = 0;
    apr_status_t rv;

    if (before >= peek->size) {
        return APR_ENOSPC;
    }
    rv = set_lowat(peek, need);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = wait_for_news(peek, slice, &events);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = itk_peek_now(peek);
    if (rv != APR_SUCCESS || peek->len > before) {
        return rv;
    }
    return events & (POLLRDHUP | POLLHUP | POLLERR) ? APR_EOF : APR_ENOSPC;
}

void itk_peek_done(itk_peek_t *peek)
{
    if (peek->lowat != 1) {
        (void)set_lowat(peek, 1);
    }
}
