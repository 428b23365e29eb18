#ifndef ITK_PEEK_H
#define ITK_PEEK_H

/* Look at what a client sent without taking it from the kernel's queue.
 *
 * Every look starts at the head of the queue again (MSG_PEEK). Waiting for
 * more than is there uses SO_RCVLOWAT, which belongs to the socket and would
 * travel with it: itk_peek_done() puts it back. */

#include "apr_time.h"
#include "apr_errno.h"
#include <stddef.h>

typedef struct itk_peek_t {
    int fd;
    char *data;             /* the caller's buffer */
    size_t size;            /* of the buffer */
    size_t len;             /* bytes seen */
    apr_interval_time_t silence;    /* longest wait for one more byte */
    apr_interval_time_t total;      /* for all waiting together, 0: no limit;
                                     * may be changed between waits */
    /* private */
    apr_time_t began;       /* 0 until the first wait */
    apr_time_t heard;       /* when the last byte came */
    int lowat;              /* SO_RCVLOWAT as we left it */
} itk_peek_t;

/* Prepare to look at FD with the buffer DATA of SIZE bytes; no total. */
void itk_peek_init(itk_peek_t *peek, int fd, char *data, size_t size,
                   apr_interval_time_t silence);

/* Look without waiting. APR_SUCCESS: peek->len bytes are there (maybe as many
 * as before, at least one); APR_EAGAIN: none yet; APR_EOF: the client closed
 * without a byte; else the socket failed. */
apr_status_t itk_peek_now(itk_peek_t *peek);

/* Wait until NEED bytes are there (more than peek->len), then look.
 * APR_SUCCESS: peek->len grew, perhaps not up to NEED; APR_EAGAIN: SLICE
 * passed without news (0: no slice); APR_TIMEUP: nothing came for too long;
 * APR_EOF: the client sends nothing more; APR_ENOSPC: the kernel's or the
 * caller's buffer is full; else the socket failed. */
apr_status_t itk_peek_wait(itk_peek_t *peek, size_t need,
                           apr_interval_time_t slice);

/* Leave the socket as it was found. */
void itk_peek_done(itk_peek_t *peek);

#endif /* ITK_PEEK_H */
