/* The client that asks vhosts, and the prober that measures an outage,
 * against small servers of the test's own. */

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/answers.h"
#include "service/http.h"
#include "service/service.h"
#include "unit.h"

static int listening(int *pport)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)},
                             .sin_port = htons((unsigned short)*pport)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 4096), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    *pport = ntohs(sa.sin_port);
    return fd;
}

/* A server that answers by what the path asks for. */
static void serve(int fd)
{
    char request[2048];
    ssize_t n;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int c = accept(fd, NULL, NULL);
        const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

        n = c >= 0 ? read(c, request, sizeof(request) - 1) : 0;
        request[n > 0 ? n : 0] = '\0';
        if (strstr(request, " /rubbish ")) {
            answer = "SSH-2.0-OpenSSH\r\n\r\n";
        }
        else if (strstr(request, " /nothing ")) {
            answer = "";
        }
        else if (strstr(request, " /endless ")) {
            answer = "HTTP/1.1 200 OK\r\n\r\nmore";
        }
        else if (strstr(request, " /host ") && strstr(request,
                                                      "Host: b.test\r\n")) {
            answer = "HTTP/1.1 404 Not Found\r\n\r\n";
        }
        if (*answer && write(c, answer, strlen(answer)) < 0) {
            _exit(1);
        }
        if (strstr(request, " /endless ")) {
            continue;           /* stays open, silent */
        }
        if (c >= 0) {
            close(c);
        }
    }
}

static em_ask_t *question(em_addr_t *addr, const char *path)
{
    em_ask_t *ask = apr_pcalloc(pool, sizeof(*ask));

    ask->addr = addr;
    ask->method = "GET";
    ask->path = path;
    ask->host = "b.test";
    return ask;
}

static void answers_of_every_kind_are_taken(void **state)
{
    static const char *const paths[] = {"/", "/rubbish", "/nothing",
                                        "/endless", "/host"};
    em_http_how_t how = {.at_once = 3, .each = apr_time_from_msec(300)};
    apr_array_header_t *asks = apr_array_make(pool, 8, sizeof(em_ask_t *));
    int port = 0, fd = listening(&port);
    em_addr_t *addr;
    pid_t pid = fork();
    em_ask_t **got;

    (void)state;
    if (pid == 0) {
        serve(fd);
    }
    close(fd);
    assert_int_equal(em_addr_of(&addr, "*", port, pool), APR_SUCCESS);
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        APR_ARRAY_PUSH(asks, em_ask_t *) = question(addr, paths[i]);
    }
    em_http_ask(asks, &how, pool);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    got = (em_ask_t **)asks->elts;
    assert_int_equal(got[0]->status, 200);
    assert_string_equal(got[0]->body, "hi");
    assert_int_equal(got[1]->status, 0);
    assert_string_equal(got[1]->why, "the answer is not HTTP");
    assert_int_equal(got[2]->status, 0);
    assert_int_equal(got[3]->status, 0);
    assert_string_equal(got[3]->why, "no answer in time");
    assert_int_equal(got[4]->status, 404);
}

static void nobody_there_is_no_answer(void **state)
{
    em_http_how_t how = {0};
    apr_array_header_t *asks = apr_array_make(pool, 1, sizeof(em_ask_t *));
    int port = 0;
    em_addr_t *addr;

    (void)state;
    close(listening(&port));
    assert_int_equal(em_addr_of(&addr, "127.0.0.1", port, pool),
                     APR_SUCCESS);
    APR_ARRAY_PUSH(asks, em_ask_t *) = question(addr, "/");
    em_http_ask(asks, &how, pool);
    assert_int_equal(APR_ARRAY_IDX(asks, 0, em_ask_t *)->status, 0);
    assert_string_equal(APR_ARRAY_IDX(asks, 0, em_ask_t *)->why,
                        "connection refused");
}

static void the_total_deadline_holds(void **state)
{
    em_http_how_t how = {.at_once = 2, .each = apr_time_from_sec(60),
                         .total = apr_time_from_msec(300)};
    apr_array_header_t *asks = apr_array_make(pool, 9, sizeof(em_ask_t *));
    int port = 0, fd = listening(&port);    /* accepts, never answers */
    apr_time_t begun = apr_time_now();
    em_addr_t *addr;

    (void)state;
    assert_int_equal(em_addr_of(&addr, "127.0.0.1", port, pool),
                     APR_SUCCESS);
    for (int i = 0; i < 9; i++) {
        APR_ARRAY_PUSH(asks, em_ask_t *) = question(addr, "/");
    }
    em_http_ask(asks, &how, pool);
    close(fd);
    assert_true(apr_time_now() - begun < apr_time_from_sec(10));
    assert_string_equal(APR_ARRAY_IDX(asks, 8, em_ask_t *)->why,
                        "no time left");
}

static void addresses_of_listen_are_understood(void **state)
{
    em_addr_t *addr;

    (void)state;
    assert_int_equal(em_addr_of(&addr, "[::]", 80, pool), APR_SUCCESS);
    assert_string_equal(addr->text, "[::1]:80");
    assert_int_equal(em_addr_of(&addr, "_default_", 443, pool), APR_SUCCESS);
    assert_string_equal(addr->text, "127.0.0.1:443");
    assert_int_equal(em_addr_of(&addr, "[2001:db8::1]", 8, pool),
                     APR_SUCCESS);
    assert_string_equal(addr->text, "[2001:db8::1]:8");
    assert_int_not_equal(em_addr_of(&addr, "no such host.invalid", 80, pool),
                         APR_SUCCESS);
}

/* Facts with one Listen, which is all that the prober needs. */
static em_facts_t *facts_of(int port)
{
    em_facts_t *facts = apr_pcalloc(pool, sizeof(*facts));
    em_listen_t *one = apr_pcalloc(pool, sizeof(*one));

    one->address = "127.0.0.1";
    one->port = port;
    facts->listens = apr_array_make(pool, 1, sizeof(em_listen_t *));
    APR_ARRAY_PUSH(facts->listens, em_listen_t *) = one;
    return facts;
}

/* Wait until somebody came to FD, so that the prober has seen the port. */
static void await_visitor(int fd)
{
    int c = accept(fd, NULL, NULL);

    assert_true(c >= 0);
    close(c);
}

static void an_outage_is_measured(void **state)
{
    int port = 0, fd = listening(&port);
    em_prober_t *prober;
    apr_time_t down;
    long ms, took;

    (void)state;
    assert_int_equal(em_prober_start(&prober, facts_of(port), pool),
                     APR_SUCCESS);
    await_visitor(fd);
    close(fd);
    down = apr_time_now();
    apr_sleep(apr_time_from_msec(150));
    fd = listening(&port);
    took = (long)((apr_time_now() - down) / 1000);
    await_visitor(fd);
    ms = em_prober_stop(prober);
    close(fd);
    assert_in_range(ms, 100, took + 200);
}

static void no_outage_is_zero_and_a_lasting_one_is_told(void **state)
{
    int port = 0, fd = listening(&port);
    em_prober_t *prober;

    (void)state;
    assert_int_equal(em_prober_start(&prober, facts_of(port), pool),
                     APR_SUCCESS);
    await_visitor(fd);
    await_visitor(fd);
    assert_int_equal(em_prober_stop(prober), 0);
    assert_int_equal(em_prober_start(&prober, facts_of(port), pool),
                     APR_SUCCESS);
    await_visitor(fd);
    close(fd);
    assert_int_equal(em_prober_stop(prober), -1);
}

/* A vhost that answered WAS and answers NOW. */
static int differs(int was, int now, int own_users)
{
    em_addr_t at = {.text = "127.0.0.1:80"};
    em_answers_t both[2];

    for (int i = 0; i < 2; i++) {
        em_ask_t *ask = apr_pcalloc(pool, sizeof(*ask));

        ask->addr = &at;
        ask->status = i ? now : was;
        ask->why = "refused";
        both[i].asks = apr_array_make(pool, 1, sizeof(em_ask_t *));
        APR_ARRAY_PUSH(both[i].asks, em_ask_t *) = ask;
    }
    return em_answers_differ(&both[0], &both[1], own_users, pool) != NULL;
}

static void what_answers_better_is_no_fault(void **state)
{
    (void)state;
    assert_false(differs(200, 204, 0));
    assert_true(differs(200, 0, 0));
    assert_true(differs(200, 403, 1));
    assert_true(differs(404, 500, 0));
    assert_false(differs(0, 500, 0));
    assert_false(differs(500, 200, 0));
    assert_false(differs(404, 301, 0));
    /* Let in, where nobody was: only users of their own explain it. */
    assert_true(differs(401, 200, 1));
    assert_true(differs(403, 200, 0));
    assert_false(differs(403, 200, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_every_kind_are_taken),
        cmocka_unit_test(nobody_there_is_no_answer),
        cmocka_unit_test(the_total_deadline_holds),
        cmocka_unit_test(addresses_of_listen_are_understood),
        cmocka_unit_test(what_answers_better_is_no_fault),
        cmocka_unit_test(an_outage_is_measured),
        cmocka_unit_test(no_outage_is_zero_and_a_lasting_one_is_told)
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
