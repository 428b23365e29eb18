#ifndef EM_HTTP_H
#define EM_HTTP_H

/* A small HTTP/1.1 client that asks many questions at a time: non-blocking,
 * one connection a question, every wait bounded. It trusts any certificate:
 * what counts is whether and how a vhost answers. */

#include "service/addr.h"

#define EM_HTTP_BODY_MAX (64 * 1024)

typedef struct em_ask_t {
    /* the question */
    const em_addr_t *addr;
    int tls;
    const char *host;           /* Host: and SNI */
    const char *method, *path;
    void *baton;                /* the caller's */
    /* the answer */
    int status;                 /* 0: none */
    const char *why;            /* of status 0 */
    const char *head;           /* header lines, NUL-terminated */
    const char *body;           /* as it came, at most EM_HTTP_BODY_MAX,
                                 * NUL-terminated; may be chunked */
    apr_size_t body_len;
} em_ask_t;

typedef struct em_http_how_t {
    int at_once;                        /* connections, default 16 */
    apr_interval_time_t each;           /* one answer, default 10 s */
    apr_interval_time_t total;          /* all of them, 0: no limit */
    /* Called for each answer as it comes; may be NULL. */
    void (*done)(void *baton, em_ask_t *ask);
    /* Looked at every now and then: is it no use to go on? May be NULL. */
    int (*hopeless)(void *baton);
    void *baton;
} em_http_how_t;

/* Ask all (em_ask_t *). Answers stand in the questions; those that the total
 * deadline cut off have status 0 and say so. */
void em_http_ask(const apr_array_header_t *asks, const em_http_how_t *how,
                 apr_pool_t *p);

#endif /* EM_HTTP_H */
