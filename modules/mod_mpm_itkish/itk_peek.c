#include "itk_peek.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

void itk_peek_init(itk_peek_t *peek, int fd, char *data, size_t size,
                   apr_interval_time_t silence)
{
    peek->fd = fd;
    peek->data = data;
    peek->size = size;
    peek->len = 0;
    peek->silence = silence;
    peek->total = 0;
    peek->began = peek->heard = 0;
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

/* When the client's time is over. */
static apr_time_t deadline(const itk_peek_t *peek)
{
    apr_time_t at = peek->heard + peek->silence;

    if (peek->total > 0 && peek->began + peek->total < at) {
        at = peek->began + peek->total;
    }
    return at;
}

/* Milliseconds from NOW to the nearer of the deadline and the end of SLICE. */
static int wait_time(const itk_peek_t *peek, apr_time_t now,
                     apr_interval_time_t slice)
{
    apr_interval_time_t left = deadline(peek) - now;

    if (slice > 0 && slice < left) {
        left = slice;
    }
    if (left > apr_time_from_sec(3600)) {
        left = apr_time_from_sec(3600);
    }
    return left > 0 ? (int)apr_time_as_msec(left + 999) : 0;
}

/* Poll until something happens or the time is over; what happened, 0 if
 * nothing, -1 with errno set. */
static int wait_for_news(itk_peek_t *peek, apr_interval_time_t slice)
{
    struct pollfd pfd = { peek->fd, POLLIN | POLLRDHUP, 0 };
    apr_time_t now = apr_time_now();
    int n;

    if (peek->began == 0) {
        peek->began = peek->heard = now;
    }
    while ((n = poll(&pfd, 1, wait_time(peek, now, slice))) < 0) {
        if (errno != EINTR) {
            return -1;
        }
        now = apr_time_now();
    }
    return n > 0 ? pfd.revents : 0;
}

apr_status_t itk_peek_wait(itk_peek_t *peek, size_t need,
                           apr_interval_time_t slice)
{
    size_t before = peek->len;
    apr_status_t rv;
    apr_time_t now;
    int events;

    if (before >= peek->size) {
        return APR_ENOSPC;
    }
    rv = set_lowat(peek, need);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    events = wait_for_news(peek, slice);
    if (events < 0) {
        return errno;
    }
    /* Fewer bytes than wanted make no event, but they are a sign of life. */
    rv = itk_peek_now(peek);
    now = apr_time_now();
    if (rv == APR_SUCCESS && peek->len > before) {
        peek->heard = now;
        return peek->total > 0 && now >= peek->began + peek->total
            ? APR_TIMEUP : APR_SUCCESS;
    }
    if (events != 0 && rv == APR_SUCCESS) {
        return events & (POLLRDHUP | POLLHUP | POLLERR) ? APR_EOF : APR_ENOSPC;
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)) {
        return rv;
    }
    return now >= deadline(peek) ? APR_TIMEUP : APR_EAGAIN;
}

void itk_peek_done(itk_peek_t *peek)
{
    if (peek->lowat != 1) {
        (void)set_lowat(peek, 1);
    }
}
