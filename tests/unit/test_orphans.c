/* Whose process it is that holds a port of a server which is to start. */

#include <arpa/inet.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/orphans.h"
#include "service/proc.h"
#include "unit.h"

static const char *self;
static const char *one, *two;   /* configurations of nobody else's servers */

static em_addr_t *addr(const char *address, int port)
{
    em_addr_t *a;

    assert_int_equal(em_addr_of(&a, address, port, pool), APR_SUCCESS);
    return a;
}

/* "127.0.0.1" as this machine's /proc/net/tcp writes it. */
static const char *line4(const char *address, int port, const char *state)
{
    return apr_psprintf(pool, "   0: %08X:%04X 00000000:0000 %s 00000000:"
                        "00000000 00:00000000 00000000     0        0 4711 1 "
                        "0000000000000000 100 0 0 10 0\n",
                        (unsigned)inet_addr(address), (unsigned)port, state);
}

static const char *line6(const char *hex, int port)
{
    return apr_psprintf(pool, "   0: %s:%04X 00000000000000000000000000000000"
                        ":0000 0A 00000000:00000000 00:00000000 00000000     "
                        "0        0 4711 1 0\n", hex, (unsigned)port);
}

static void a_socket_is_told_by_address_port_and_state(void **state)
{
    static const char any6[] = "00000000000000000000000000000000";
    const em_addr_t *a = addr("127.0.0.1", 80), *six = addr("[::1]", 80);
    const char *one6 = htonl(1) == 1 ? "00000000000000000000000000000001"
                                     : "00000000000000000000000001000000";

    (void)state;
    assert_int_equal(em_orphans_socket(line4("127.0.0.1", 80, "0A"), 0, a),
                     4711);
    assert_int_equal(em_orphans_socket(line4("0.0.0.0", 80, "0A"), 0, a),
                     4711);
    assert_int_equal(em_orphans_socket(line4("127.0.0.1", 80, "01"), 0, a),
                     0);
    assert_int_equal(em_orphans_socket(line4("127.0.0.1", 81, "0A"), 0, a),
                     0);
    assert_int_equal(em_orphans_socket(line4("127.0.0.2", 80, "0A"), 0, a),
                     0);
    assert_int_equal(em_orphans_socket(line4("0.0.0.0", 80, "0A"), 0, six),
                     0);
    assert_int_equal(em_orphans_socket(line6(any6, 80), 1, a), 4711);
    assert_int_equal(em_orphans_socket(line6(any6, 80), 1, six), 4711);
    assert_int_equal(em_orphans_socket(line6(one6, 80), 1, six), 4711);
    assert_int_equal(em_orphans_socket(line6(one6, 80), 1, a), 0);
    assert_int_equal(em_orphans_socket("  sl  local_address rem_address", 0,
                                       a), 0);
    assert_int_equal(em_orphans_socket("", 1, a), 0);
}

/* A "server" of this very program: leads its group, listens, and forks a
 * child that keeps the socket. Its pid, the child's and the port go out. */
static int serve(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0), said[3];
    pid_t child;

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsid();
    if (bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, 5) != 0
        || getsockname(fd, (struct sockaddr *)&sa, &n) != 0) {
        return 1;
    }
    child = fork();
    if (child != 0) {
        said[0] = (int)child;
        said[1] = ntohs(sa.sin_port);
        said[2] = (int)getpid();
        if (write(1, said, sizeof(said)) != sizeof(said)) {
            return 1;
        }
    }
    alarm(60);                  /* nothing is left of a test that dies */
    for (;;) {
        pause();
    }
}

typedef struct server_t {
    int pid, child, port;
} server_t;

/* By a process that ends at once: a server is nobody's child here, least of
 * all this program's, which is the same as the server's. */
static server_t start_with(const char *conf, const char *option,
                           const char *value, const char *variable)
{
    const char *argv[] = {self, "-f", conf, value ? option : NULL, value,
                          NULL};
    const char *env[] = {variable, NULL};
    server_t server = {0};
    int out[2], said[3];
    pid_t between;

    assert_int_equal(pipe(out), 0);
    between = fork();
    if (between == 0) {
        if (fork() == 0) {
            dup2(out[1], 1);
            close(out[0]);
            close(out[1]);
            execve(self, (char *const *)argv, (char *const *)env);
        }
        _exit(0);
    }
    close(out[1]);
    assert_int_equal(waitpid(between, NULL, 0), between);
    assert_int_equal(read(out[0], said, sizeof(said)), sizeof(said));
    close(out[0]);
    server.child = said[0];
    server.port = said[1];
    server.pid = said[2];
    return server;
}

static server_t start(const char *conf, const char *root)
{
    return start_with(conf, "-d", root, NULL);
}

static void kill_main(const server_t *server)
{
    em_proc_t *proc;

    assert_int_equal(em_proc_open(&proc, server->pid, pool), APR_SUCCESS);
    assert_int_equal(em_proc_signal(proc, SIGKILL), 0);
    assert_true(em_proc_wait(proc, apr_time_from_sec(10)));
}

static em_facts_t *facts_of(const char *conf, int port)
{
    em_facts_t *facts = apr_pcalloc(pool, sizeof(*facts));
    em_layout_t *layout = apr_pcalloc(pool, sizeof(*layout));
    em_listen_t *listen = apr_pcalloc(pool, sizeof(*listen));
    em_view_t *view;

    assert_int_equal(em_view_open(&view, "/", pool), APR_SUCCESS);
    facts->view = view;
    facts->layout = layout;
    facts->service.kind = EM_SERVICE_SIGNAL;
    facts->httpd.binary = self;
    facts->httpd.config_file = conf;
    facts->conf_how.server_root = "/etc";
    facts->conf_how.view = view;
    facts->conf_how.config_file = conf;
    facts->httpd.args = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(facts->httpd.args, const char *) = "-f";
    APR_ARRAY_PUSH(facts->httpd.args, const char *) = conf;
    facts->listens = apr_array_make(pool, 1, sizeof(em_listen_t *));
    listen->address = "127.0.0.1";
    listen->port = port;
    APR_ARRAY_PUSH(facts->listens, em_listen_t *) = listen;
    return facts;
}

static int lives(int pid)
{
    em_proc_t *proc;

    return em_proc_open(&proc, pid, pool) == APR_SUCCESS;
}

static void orphans_end_when_their_main_process_is_gone(void **state)
{
    server_t server = start(one, NULL);
    em_facts_t *facts = facts_of(one, server.port);

    (void)state;
    em_orphans_end(facts, pool);
    assert_true(lives(server.child));
    kill_main(&server);
    assert_true(lives(server.child));
    facts->service.kind = EM_SERVICE_SYSTEMD;
    em_orphans_end(facts, pool);
    assert_true(lives(server.child));
    facts->service.kind = EM_SERVICE_SIGNAL;
    em_orphans_end(facts, pool);
    assert_false(lives(server.child));
}

static void another_servers_orphans_are_left_alone(void **state)
{
    server_t server = start(one, NULL);
    server_t rooted = start(one, "/srv/other");
    em_facts_t *facts;

    (void)state;
    kill_main(&server);
    kill_main(&rooted);
    em_orphans_end(facts_of(two, server.port), pool);
    assert_true(lives(server.child));
    em_orphans_end(facts_of(one, rooted.port), pool);
    assert_true(lives(server.child));
    assert_true(lives(rooted.child));
    facts = facts_of(one, server.port);
    facts->httpd.binary = "/bin/true";
    em_orphans_end(facts, pool);
    assert_true(lives(server.child));
    em_orphans_end(facts_of(one, server.port), pool);
    assert_false(lives(server.child));
    assert_true(lives(rooted.child));
    assert_int_equal(kill(rooted.child, SIGKILL), 0);
}

/* Does the start of a server with VARIABLE and DEFINE end the orphan? */
static int ends(const server_t *orphan, const char *variable,
                const char *define)
{
    const char *env[] = {"UNUSED=1", variable, NULL};
    em_facts_t *facts = facts_of(one, orphan->port);

    facts->httpd.env = env;
    facts->conf_how.env = env;
    if (define) {
        APR_ARRAY_PUSH(facts->httpd.args, const char *) = "-D";
        APR_ARRAY_PUSH(facts->httpd.args, const char *) = define;
    }
    em_orphans_end(facts, pool);
    return !lives(orphan->child);
}

static void an_instance_is_told_by_its_environment_and_options(void **state)
{
    server_t a = start_with(one, NULL, NULL, "INSTANCE=a");
    server_t defined = start_with(one, "-D", "A", "INSTANCE=a");
    server_t foreground = start_with(one, "-D", "FOREGROUND", "INSTANCE=a");

    (void)state;
    kill_main(&a);
    kill_main(&defined);
    kill_main(&foreground);
    assert_false(ends(&a, "INSTANCE=b", NULL));
    assert_false(ends(&a, NULL, NULL));
    assert_false(ends(&a, "INSTANCE=a", "A"));
    assert_false(ends(&defined, "INSTANCE=a", NULL));
    assert_true(ends(&a, "INSTANCE=a", NULL));
    assert_true(ends(&defined, "INSTANCE=a", "A"));
    assert_true(ends(&foreground, "INSTANCE=a", NULL));
}

static void an_unreadable_configuration_proves_nothing(void **state)
{
    server_t server = start(two, NULL);

    (void)state;
    kill_main(&server);
    em_orphans_end(facts_of(two, server.port), pool);
    assert_true(lives(server.child));
    assert_int_equal(kill(server.child, SIGKILL), 0);
}

static void a_second_server_of_the_configuration_forbids_it(void **state)
{
    server_t dead = start(one, NULL);
    server_t alive = start(one, NULL);

    (void)state;
    kill_main(&dead);
    em_orphans_end(facts_of(one, dead.port), pool);
    assert_true(lives(dead.child));
    /* And it is in the way of a server on its own port only. */
    assert_true(em_orphans_blocks(alive.pid, facts_of(one, alive.port),
                                  pool));
    assert_false(em_orphans_blocks(alive.pid, facts_of(one, dead.port),
                                   pool));
    kill_main(&alive);
    assert_int_equal(kill(dead.child, SIGKILL), 0);
    assert_int_equal(kill(alive.child, SIGKILL), 0);
}

/* The first of the configurations is there. */
static int write_one(void **state)
{
    static char path[] = "/tmp/em-orphans-XXXXXX";
    static const char text[] = "PidFile /run/${INSTANCE}.pid\n";
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0) {
        return -1;
    }
    close(fd);
    one = path;
    return 0;
}

static int remove_one(void **state)
{
    (void)unlink(one);
    return pool_down(state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_is_told_by_address_port_and_state),
        cmocka_unit_test(orphans_end_when_their_main_process_is_gone),
        cmocka_unit_test(another_servers_orphans_are_left_alone),
        cmocka_unit_test(an_instance_is_told_by_its_environment_and_options),
        cmocka_unit_test(an_unreadable_configuration_proves_nothing),
        cmocka_unit_test(a_second_server_of_the_configuration_forbids_it)
    };

    if (argc > 1) {
        return serve();
    }
    self = realpath(argv[0], NULL);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    two = apr_psprintf(pool, "/etc/two-%d.conf", (int)getpid());
    return cmocka_run_group_tests(tests, write_one, remove_one);
}
