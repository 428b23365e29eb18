#ifndef ITK_OUTBOX_H
#define ITK_OUTBOX_H

/* Messages for a peer that does not read fast enough, in order. Two processes
 * that both waited until the other has read would wait for ever; who has an
 * outbox goes on reading. */

#include "itk_wire.h"

#include <apr_errno.h>

typedef struct itk_outbox_t {
    itk_msg_t *msgs;        /* malloc()ed */
    uint32_t first;         /* the next one to go */
    uint32_t end;
    uint32_t room;
} itk_outbox_t;

/* Send MSG over SOCK, now or as soon as what waits before it has gone.
 * Anything but APR_SUCCESS means that the peer is lost. */
apr_status_t itk_outbox_send(itk_outbox_t *box, int sock,
                             const itk_msg_t *msg);

/* Is something waiting for SOCK to be writable? */
int itk_outbox_waits(const itk_outbox_t *box);

/* Send of it what can be sent. As itk_outbox_send(). */
apr_status_t itk_outbox_flush(itk_outbox_t *box, int sock);

/* The peer is gone: forget what it did not get. */
void itk_outbox_clear(itk_outbox_t *box);

#endif /* ITK_OUTBOX_H */
