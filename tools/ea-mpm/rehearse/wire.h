#ifndef EM_WIRE_H
#define EM_WIRE_H

/* Messages from the inside: one JSON object a line, "t" names its kind.
 *
 *   unavailable  step, path, error
 *   begin        name
 *   end          name, us (microseconds), result
 *   count        done, of
 *   fault        phase, order, detail, timeout
 *   answer       i, status, php, why
 *   log          level, line
 *   note         text
 *   done
 */

#include "base/json.h"

void em_wire_send(int fd, const em_json_t *message, apr_pool_t *p);
em_json_t *em_wire_message(const char *kind, apr_pool_t *p);

/* The reading end: bytes in, messages out. */
typedef struct em_wire_t {
    int fd;
    char *data;                 /* malloc */
    apr_size_t len, size;
    int closed;
} em_wire_t;

/* The next whole message, NULL when none has come yet (or the end: closed).
 * Reads without waiting. A line that is no JSON ends it. */
em_json_t *em_wire_next(em_wire_t *wire, apr_pool_t *p);

#endif /* EM_WIRE_H */
