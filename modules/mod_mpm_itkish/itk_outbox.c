#include "itk_outbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "itk_sock.h"

#define ROOM 64             /* at first */

/* Room for one more: at the end, where others have left, or of new memory. */
static int make_room(itk_outbox_t *box)
{
    uint32_t room = box->room ? 2 * box->room : ROOM;
    itk_msg_t *more;

    if (box->end < box->room) {
        return 1;
    }
    if (box->first > box->room / 2) {
        memmove(box->msgs, box->msgs + box->first,
                (box->end - box->first) * sizeof(itk_msg_t));
        box->end -= box->first;
        box->first = 0;
        return 1;
    }
    more = realloc(box->msgs, room * sizeof(itk_msg_t));
    if (!more) {
        return 0;
    }
    box->msgs = more;
    box->room = room;
    return 1;
}

int itk_outbox_waits(const itk_outbox_t *box)
{
    return box->first < box->end;
}

apr_status_t itk_outbox_flush(itk_outbox_t *box, int sock)
{
    apr_status_t rv = APR_SUCCESS;

    while (itk_outbox_waits(box) && rv == APR_SUCCESS) {
        rv = itk_sock_send(sock, &box->msgs[box->first], -1, MSG_DONTWAIT);
        box->first += rv == APR_SUCCESS;
    }
    if (!itk_outbox_waits(box)) {
        box->first = box->end = 0;
    }
    return APR_STATUS_IS_EAGAIN(rv) ? APR_SUCCESS : rv;
}

apr_status_t itk_outbox_send(itk_outbox_t *box, int sock,
                             const itk_msg_t *msg)
{
    if (!make_room(box)) {
        return APR_ENOMEM;
    }
    box->msgs[box->end++] = *msg;
    return itk_outbox_flush(box, sock);
}

void itk_outbox_clear(itk_outbox_t *box)
{
    box->first = box->end = 0;
}
