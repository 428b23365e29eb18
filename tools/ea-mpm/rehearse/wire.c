#include "rehearse/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#define LINE_MAX_BYTES (1024 * 1024)

em_json_t *em_wire_message(const char *kind, apr_pool_t *p)
{
    return em_json_set_str(em_json_object(p), "t", kind);
}

void em_wire_send(int fd, const em_json_t *message, apr_pool_t *p)
{
    const char *line = apr_pstrcat(p, em_json_text(message, 0, p), "\n",
                                   NULL);
    size_t left = strlen(line);

    while (left > 0) {
        ssize_t n = write(fd, line, left);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;             /* nobody listens any more */
        }
        line += n;
        left -= (size_t)n;
    }
}

/* What is in the pipe now. */
static void fill(em_wire_t *wire)
{
    struct pollfd pfd = {wire->fd, POLLIN, 0};
    ssize_t n;

    while (!wire->closed && poll(&pfd, 1, 0) > 0) {
        if (wire->size - wire->len < 65536) {
            char *data = realloc(wire->data, wire->size + 131072);

            if (!data) {
                wire->closed = 1;
                return;
            }
            wire->data = data;
            wire->size += 131072;
        }
        n = read(wire->fd, wire->data + wire->len, 65536);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0 || wire->len > LINE_MAX_BYTES * 4) {
            wire->closed = 1;
            return;
        }
        wire->len += (apr_size_t)n;
    }
}

em_json_t *em_wire_next(em_wire_t *wire, apr_pool_t *p)
{
    em_json_t *message = NULL;
    const char *error;
    char *newline = wire->len ? memchr(wire->data, '\n', wire->len) : NULL;
    apr_size_t n;

    if (!newline) {
        fill(wire);
        newline = wire->len ? memchr(wire->data, '\n', wire->len) : NULL;
    }
    if (!newline) {
        return NULL;
    }
    n = (apr_size_t)(newline - wire->data);
    if (em_json_parse(&message, &error, wire->data, n, p) != APR_SUCCESS
        || !em_json_is_object(message)) {
        wire->closed = 1;
        wire->len = 0;
        return NULL;
    }
    wire->len -= n + 1;
    memmove(wire->data, newline + 1, wire->len);
    return message;
}
