#ifndef EM_ANSWERS_H
#define EM_ANSWERS_H

#include "service/http.h"
#include "service/service.h"

struct em_answers_t {
    apr_array_header_t *asks;   /* em_ask_t *, in the order of the vhosts */
    int of;                     /* vhosts there are */
};

/* The first vhost that answered BEFORE and answers in another class (2xx,
 * 3xx, 4xx, 5xx) AFTER, as a sentence; NULL: all as before, or better: a
 * fault that is gone, and with OWN_USERS (vhosts may have them) what only
 * these may read. */
const char *em_answers_differ(const em_answers_t *before,
                              const em_answers_t *after, int own_users,
                              apr_pool_t *p);

#endif /* EM_ANSWERS_H */
