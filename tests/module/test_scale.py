"""Many users on one server."""

import threading

import pytest

import users
from roles import by_role
from wait import wait_until

WAIT = ("<?php while (!file_exists(__DIR__ . '/go')) { usleep(5000); "
        "clearstatcache(); } echo 'went';")


def _users(server, count):
    for n in range(count):
        number = users.numeric_uid()
        host = server.vhost(f"h{n}.test", f"#{number}", f"#{number}")
        host.put("index.html", host.name)
    return [f"h{n}.test" for n in range(count)]


def _at_most(server, count):
    """A worker that was told to leave may need a moment."""
    wait_until(lambda: len(by_role(server).get("worker", [])) <= count,
               f"at most {count} workers")


def test_a_thousand_users_each_served_as_himself(httpd):
    """1,000 vhosts with 0600 files, fifty workers at most."""
    server = httpd("itkish", StartServers=4, MaxSpareServers=10)
    server.add("ItkishMaxWorkers 50")
    names = _users(server, 1000)
    server.start()
    wrong = []

    def ask(part):
        for name in part:
            reply = server.get("/", name)
            if (reply.status, reply.text) != (200, name):
                wrong.append((name, reply))
    threads = [threading.Thread(target=ask, args=(names[n::4],))
               for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    _at_most(server, 50)
    server.graceful()
    assert server.get("/", names[500]).text == names[500]


def test_every_user_can_stay_warm(httpd):
    """Without ItkishMaxWorkers: more users than twice MaxRequestWorkers,
    each served again by the process that served him first."""
    server = httpd("itkish", ["php"], MaxRequestWorkers=5)
    server.php_ini()
    names = _users(server, 90)
    for name in names:
        server.hosts[name].put("pid.php", "<?php echo getmypid();")
    server.start()
    first = [server.get("/pid.php", name).text for name in names]
    again = [server.get("/pid.php", name).text for name in names]
    kept = sum(a == b for a, b in zip(first, again))
    assert kept >= 80, kept


def test_at_the_cap_the_least_recently_used_idle_worker_goes(httpd):
    """Three workers for four users in turn: nobody is refused."""
    server = httpd("itkish")
    server.add("ItkishMaxWorkers 3")
    names = _users(server, 4)
    server.start()
    for n in range(40):
        name = names[n % 4]
        reply = server.get("/", name)
        assert (reply.status, reply.text) == (200, name)
        _at_most(server, 3)


def test_at_the_cap_requests_wait_for_the_busy_ones(httpd):
    """Everything busy: requests wait in order and are then served."""
    server = httpd("itkish", ["php"])
    server.php_ini()
    server.add("ItkishMaxWorkers 2\nItkishQueueTimeout 15")
    names = _users(server, 3)
    for name in names:
        server.hosts[name].put("wait.php", WAIT)
    server.start()
    held = []
    for name in names[:2]:
        c = server.connect()
        c.request("/wait.php", name, close=True)
        held.append(c)
        wait_until(lambda n=len(held): len(by_role(server).get(
            "worker", [])) >= n, "a busy worker")
    waiting = []
    for _ in range(4):
        c = server.connect()
        c.request("/", names[2], close=True)
        waiting.append(c)
    server.hosts[names[0]].put("go", "")
    for c in waiting:
        assert c.reply().text == names[2]
        c.close()
    server.hosts[names[1]].put("go", "")
    for c in held:
        assert c.reply().text == "went"
        c.close()


def test_children_keep_their_low_descriptors_free(httpd):
    """The pairs of forty users' workers lie above what scripts select()."""
    server = httpd("itkish", StartServers=1, MaxSpareServers=1,
                   MaxRequestWorkers=1)
    names = _users(server, 40)
    server.start()
    server.log.expect("AH00161", required=False)   # one child is the limit
    for _ in range(2):
        for name in names:
            assert server.get("/", name).text == name
    child, = by_role(server)["child"]
    sockets = [fd for fd, what in child.fds().items()
               if what.startswith("socket:")]
    assert len([fd for fd in sockets if fd >= 512]) == len(names)
    assert len([fd for fd in sockets if fd < 512]) < 8


@pytest.mark.parametrize("limit", ["256:256", "256:4096"])
def test_few_open_files_are_enough(httpd, limit):
    """A hundred users, and children that may open 256 files, or raise that."""
    server = httpd("itkish", wrapper=["prlimit", f"--nofile={limit}"],
                   StartServers=1, MaxSpareServers=1, MaxRequestWorkers=1)
    names = _users(server, 100)
    server.start()
    server.log.expect("AH00161", required=False)   # one child is the limit
    for _ in range(2):
        for name in names:
            assert server.get("/", name).text == name
