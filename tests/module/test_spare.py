"""Spares: a zygote and its first worker, forked before somebody needs them."""

import os
import signal

import pytest

from roles import by_role, workers_of
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
    """The pids of a complete spare, none of them in BUT."""
    def there():
        pids = {p.pid for p in by_role(server).get("spare", [])}
        return pids if len(pids) == 2 and not pids & set(but) else None
    return wait_until(there, "a spare and its first worker")


def test_the_first_request_of_a_user_waits_for_no_fork(server):
    """The processes are those that were there, and another spare follows."""
    for host in server.hosts.values():
        spare = _spare(server)
        assert host.get("/index.html").text == host.name
        worker, = workers_of(server, host)
        zygote, = (p for p in by_role(server)["zygote"] if p.uid == host.uid)
        assert {worker.pid, zygote.pid} == spare
        assert not worker.privileged and not zygote.privileged
        assert worker.ppid == zygote.pid
        _spare(server, but=spare)


@pytest.mark.parametrize("victim", ["zygote", "worker"])
def test_a_killed_spare_costs_nothing(server, victim):
    """The one who would have got it is served by processes just forked."""
    spare = _spare(server)
    pids = {p.pid: p for p in by_role(server)["spare"]}
    first = [pid for pid, p in pids.items() if p.ppid not in pids]
    os.kill(first[0] if victim == "zygote" else max(spare - set(first)),
            signal.SIGKILL)
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
        _spare(server, but=old)
        left = {p.pid for p in server.processes()}
        assert not old & left or spawner.pid not in left
