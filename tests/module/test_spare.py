"""Spares: a process forked before somebody needs it."""

import os
import signal

import pytest

from roles import by_role, have_zygote, workers_of
from wait import wait_until


@pytest.fixture
def server(httpd, uid):
    """Two users who have no process yet."""
    server = httpd("itkish")
    for name in ("alice.test", "bob.test"):
        server.vhost(name, uid()).put("index.html", name)
    server.start()
    return server


def _spare(server, but=()):
    """The pid of the spare, which is none of those in BUT."""
    def there():
        found = [p.pid for p in by_role(server).get("spare", [])]
        return found[0] if len(found) == 1 and found[0] not in but else None
    return wait_until(there, "a spare")


def test_the_first_request_of_a_user_waits_for_no_fork(server):
    """The process is the one that was there, and another spare follows."""
    for host in server.hosts.values():
        spare = _spare(server)
        assert host.get("/index.html").text == host.name
        worker, = workers_of(server, host)
        assert worker.pid == spare and not worker.privileged
        _spare(server, but=[spare])


def test_a_second_request_at_once_makes_a_zygote(server):
    """It is the spare too; the worker that it forks is its own child. When
    the first worker ends, the zygote stays, and makes the next one."""
    host = server.hosts["alice.test"]
    assert host.get("/index.html").status == 200
    first, = workers_of(server, host)
    spare = _spare(server)
    zygote = have_zygote(server, host)
    assert zygote.pid == spare and not zygote.privileged
    second, = (p for p in workers_of(server, host) if p.pid != first.pid)
    assert second.ppid == zygote.pid and first.ppid != zygote.pid
    server.log.expect("itk-worker-died", required=False)
    for p in (first, second):
        os.kill(p.pid, signal.SIGKILL)
    assert host.get("/index.html").text == host.name
    assert all(p.ppid == zygote.pid for p in workers_of(server, host))


def test_a_killed_spare_costs_nothing(server):
    """The one who would have got it is served by a process just forked."""
    os.kill(_spare(server), signal.SIGKILL)
    for host in server.hosts.values():
        assert host.get("/index.html").text == host.name
        assert workers_of(server, host)


def test_a_generation_that_ends_keeps_no_spare(server):
    """Also when its spawner stays for a connection that is still served."""
    alice = server.hosts["alice.test"]
    with server.connect() as c:
        assert c.ask("/index.html", alice.name).status == 200
        spawner, = by_role(server)["spawner"]
        old = _spare(server)
        server.graceful()
        _spare(server, but=[old])
        left = {p.pid for p in server.processes()}
        assert old not in left or spawner.pid not in left
