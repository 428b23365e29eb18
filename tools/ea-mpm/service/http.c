#include "service/http.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "service/tls.h"

#define AT_ONCE_MAX 64
#define HEAD_MAX (32 * 1024)

typedef enum { IDLE, CONNECTING, SENDING, READING } talk_state_t;

/* One connection with one question. */
typedef struct talk_t {
    talk_state_t state;
    em_ask_t *ask;
    int fd;
    em_tls_t *tls;
    short want;                 /* poll events that take it further */
    apr_time_t deadline;
    const char *request;
    apr_size_t sent, request_len;
    char *data;                 /* malloc: reused by the next question */
    apr_size_t len;
} talk_t;

typedef struct client_t {
    const em_http_how_t *how;
    apr_pool_t *pool;
    talk_t talks[AT_ONCE_MAX];
    int n, busy;
} client_t;

/* -- the answer ---------------------------------------------------------- */

/* The status of "HTTP/1.1 200 OK", 0: that is no HTTP. */
static int status_of(const char *data, apr_size_t len)
{
    if (len < 12 || strncmp(data, "HTTP/1.", 7) != 0 || data[8] != ' '
        || !apr_isdigit(data[9]) || !apr_isdigit(data[10])
        || !apr_isdigit(data[11])) {
        return 0;
    }
    return atoi(data + 9);
}

/* Value of header NAME in HEAD, -1 when absent. */
static long long content_length(const char *head)
{
    const char *line = head;

    while ((line = strchr(line, '\n')) != NULL) {
        line++;
        if (strncasecmp(line, "Content-Length:", 15) == 0) {
            return atoll(line + 15);
        }
    }
    return -1;
}

/* Split what came into head and body; 1 when the answer is whole. */
static int is_whole(talk_t *talk, apr_pool_t *p, int closed)
{
    em_ask_t *ask = talk->ask;
    const char *end;
    apr_size_t head;
    long long length;

    talk->data[talk->len] = '\0';
    end = memmem(talk->data, talk->len, "\r\n\r\n", 4);
    if (!end) {
        return closed || talk->len >= HEAD_MAX;
    }
    head = (apr_size_t)(end - talk->data) + 4;
    if (!ask->head) {
        ask->head = apr_pstrmemdup(p, talk->data, head);
    }
    length = content_length(ask->head);
    if (!closed && strcmp(ask->method, "HEAD") != 0
        && talk->len < HEAD_MAX + EM_HTTP_BODY_MAX
        && (length < 0 || (long long)(talk->len - head) < length)) {
        return 0;
    }
    ask->status = status_of(talk->data, talk->len);
    if (!ask->status) {
        ask->why = "the answer is not HTTP";
    }
    ask->body_len = talk->len - head;
    if (ask->body_len > EM_HTTP_BODY_MAX) {
        ask->body_len = EM_HTTP_BODY_MAX;
    }
    ask->body = apr_pstrmemdup(p, talk->data + head, ask->body_len);
    return 1;
}

/* -- one connection ------------------------------------------------------ */

static void finish(client_t *client, talk_t *talk, const char *why)
{
    em_ask_t *ask = talk->ask;

    if (!ask->status && !ask->why) {
        ask->why = why ? why : "closed without an answer";
    }
    if (talk->tls) {
        em_tls_close(talk->tls);
        talk->tls = NULL;
    }
    if (talk->fd >= 0) {
        close(talk->fd);
        talk->fd = -1;
    }
    talk->state = IDLE;
    talk->ask = NULL;
    client->busy--;
    if (client->how->done) {
        client->how->done(client->how->baton, ask);
    }
}

static void begin(client_t *client, talk_t *talk, em_ask_t *ask)
{
    apr_interval_time_t each = client->how->each ? client->how->each
                                                 : apr_time_from_sec(10);

    talk->ask = ask;
    talk->state = CONNECTING;
    talk->want = POLLOUT;
    talk->len = talk->sent = 0;
    talk->deadline = apr_time_now() + each;
    talk->request = apr_psprintf(client->pool,
                                 "%s %s HTTP/1.1\r\nHost: %s\r\n"
                                 "User-Agent: ea-mpm\r\nAccept: */*\r\n"
                                 "Connection: close\r\n\r\n", ask->method,
                                 ask->path, ask->host && *ask->host
                                 ? ask->host : "localhost");
    talk->request_len = strlen(talk->request);
    client->busy++;
    talk->fd = socket(ask->addr->sa.ss_family,
                      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (talk->fd < 0
        || (connect(talk->fd, (const struct sockaddr *)&ask->addr->sa,
                    ask->addr->len) != 0 && errno != EINPROGRESS)) {
        finish(client, talk, "connection refused");
    }
}

static const char *connected(talk_t *talk, apr_pool_t *p)
{
    int error = 0;
    socklen_t n = sizeof(error);

    if (getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0
        || error != 0) {
        return "connection refused";
    }
    if (talk->ask->tls
        && em_tls_open(&talk->tls, talk->fd, talk->ask->host, p)
           != APR_SUCCESS) {
        return "no TLS session could be made";
    }
    talk->state = SENDING;
    talk->want = POLLOUT;
    return NULL;
}

/* The next piece of the request; 0, or errno. */
static int send_some(talk_t *talk)
{
    ssize_t n = talk->tls
        ? em_tls_write(talk->tls, talk->request + talk->sent,
                       talk->request_len - talk->sent, &talk->want)
        : send(talk->fd, talk->request + talk->sent,
               talk->request_len - talk->sent, MSG_NOSIGNAL);

    if (n < 0) {
        return errno == EINTR ? EAGAIN : errno;
    }
    talk->sent += (apr_size_t)n;
    if (talk->sent == talk->request_len) {
        talk->state = READING;
        talk->want = POLLIN;
    }
    return 0;
}

/* The next piece of the answer; 1 when there can be no more. */
static int read_some(talk_t *talk, int *perror)
{
    apr_size_t room = HEAD_MAX + EM_HTTP_BODY_MAX - talk->len;
    ssize_t n = talk->tls
        ? em_tls_read(talk->tls, talk->data + talk->len, room, &talk->want)
        : recv(talk->fd, talk->data + talk->len, room, 0);

    if (n < 0) {
        *perror = errno == EINTR ? EAGAIN : errno;
        return *perror != EAGAIN;
    }
    talk->len += (apr_size_t)n;
    return n == 0;
}

/* Take a connection as far as it goes without waiting. */
static void advance(client_t *client, talk_t *talk)
{
    const char *why = NULL;
    int error = 0;

    if (talk->state == CONNECTING) {
        why = connected(talk, client->pool);
    }
    while (!why && talk->state == SENDING) {
        error = send_some(talk);
        if (error == EAGAIN) {
            return;
        }
        /* A server that answers before it has read everything (a refused
         * client certificate) still has something to say. */
        if (error) {
            why = talk->tls ? "the TLS handshake failed"
                            : "closed without an answer";
        }
    }
    while (!why && talk->state == READING) {
        int closed = read_some(talk, &error);

        if (error == EAGAIN) {
            return;
        }
        if (is_whole(talk, client->pool, closed) || closed) {
            finish(client, talk, NULL);
            return;
        }
    }
    if (why) {
        finish(client, talk, why);
    }
}

/* -- all of them --------------------------------------------------------- */

static void refill(client_t *client, const apr_array_header_t *asks,
                   int *pnext)
{
    for (int i = 0; i < client->n && *pnext < asks->nelts; i++) {
        while (client->talks[i].state == IDLE && *pnext < asks->nelts) {
            begin(client, &client->talks[i],
                  APR_ARRAY_IDX(asks, (*pnext)++, em_ask_t *));
        }
    }
}

static void wait_and_advance(client_t *client)
{
    struct pollfd fds[AT_ONCE_MAX];
    apr_time_t now;

    for (int i = 0; i < client->n; i++) {
        talk_t *talk = &client->talks[i];

        fds[i].fd = talk->state == IDLE ? -1 : talk->fd;
        fds[i].events = talk->want;
        fds[i].revents = 0;
    }
    (void)poll(fds, (nfds_t)client->n, 50);
    now = apr_time_now();
    for (int i = 0; i < client->n; i++) {
        talk_t *talk = &client->talks[i];

        if (talk->state != IDLE && fds[i].revents) {
            advance(client, talk);
        }
        else if (talk->state != IDLE && now >= talk->deadline) {
            finish(client, talk, "no answer in time");
        }
    }
}

/* What the total deadline leaves. */
static void give_up(client_t *client, const apr_array_header_t *asks,
                    int next)
{
    for (int i = 0; i < client->n; i++) {
        if (client->talks[i].state != IDLE) {
            finish(client, &client->talks[i], "no time left");
        }
    }
    for (; next < asks->nelts; next++) {
        em_ask_t *ask = APR_ARRAY_IDX(asks, next, em_ask_t *);

        ask->why = "no time left";
        if (client->how->done) {
            client->how->done(client->how->baton, ask);
        }
    }
}

void em_http_ask(const apr_array_header_t *asks, const em_http_how_t *how,
                 apr_pool_t *p)
{
    client_t *client = apr_pcalloc(p, sizeof(*client));
    apr_time_t end = how->total ? apr_time_now() + how->total : 0;
    int next = 0;

    client->how = how;
    client->pool = p;
    client->n = how->at_once > 0 ? how->at_once : 16;
    client->n = client->n < AT_ONCE_MAX ? client->n : AT_ONCE_MAX;
    for (int i = 0; i < client->n; i++) {
        client->talks[i].fd = -1;
        client->talks[i].data = malloc(HEAD_MAX + EM_HTTP_BODY_MAX + 1);
        if (!client->talks[i].data) {
            client->n = i;      /* as many as there is memory for */
        }
    }
    while (client->n > 0 && (next < asks->nelts || client->busy > 0)) {
        if ((end && apr_time_now() >= end)
            || (how->hopeless && how->hopeless(how->baton))) {
            break;
        }
        refill(client, asks, &next);
        if (client->busy > 0) {
            wait_and_advance(client);
        }
    }
    give_up(client, asks, next);
    for (int i = 0; i < client->n; i++) {
        free(client->talks[i].data);
    }
}
