"""Connections older than a graceful restart, which ask only after it: their
generation serves them as it was configured, or nobody does."""

import os
import signal

import pytest

import users
from client import Closed
from roles import by_role, only, workers_of
from wait import wait_until


@pytest.fixture
def server(httpd, uid):
    """alice and bob, files 0600."""
    server = httpd("itkish")
    for name in ("alice.test", "bob.test"):
        server.vhost(name, uid()).put("index.html", name)
    server.start()
    return server


def change_alice(server):
    """From the next graceful on, alice's host is another user's, who may not
    read her files."""
    old = server.hosts["alice.test"].uid
    server.fragments = [f.replace(f"#{old} #{old}",
                                  "#{0} #{0}".format(users.numeric_uid()))
                        for f in server.fragments]
    server.write_config()
    server.log.expect("AH00132: file permissions deny")


def new_generation(server, old):
    """Graceful, and wait until the new generation has its own broker."""
    server.graceful()
    return wait_until(lambda: [p for p in by_role(server).get("broker", ())
                               if p.pid != old.pid], "a new broker")[0]


@pytest.mark.parametrize("user", ["met before", "new"])
def test_a_silent_connection_is_served_by_its_own_generation(server, user):
    """Accepted before the restart, asks after it: the old configuration."""
    host = server.hosts["alice.test"]
    old = only(server, "broker")
    if user == "met before":
        assert host.get().text == host.name
    with server.connect() as c:
        c.send(b"GET / HTTP/1.1\r\n")       # it is being looked at
        change_alice(server)
        new_generation(server, old)
        assert host.get().status == 403     # the new user's
        c.send(b"Host: alice.test\r\nConnection: close\r\n\r\n")
        reply = c.reply()
    assert (reply.status, reply.text) == (200, host.name)
    wait_until(lambda: not old.alive(), "the old generation leaves")


def test_a_kept_connection_is_not_taken_over(server):
    """A second request on a connection of the old generation: closed, as
    stock does, or answered by the old user; never by the new one."""
    host = server.hosts["alice.test"]
    old = only(server, "broker")
    with server.connect() as c:
        assert c.ask("/", host.name).text == host.name
        workers = workers_of(server, host)
        change_alice(server)
        new_generation(server, old)
        try:
            reply = c.ask("/", host.name)
            assert (reply.status, reply.text) == (200, host.name)
        except (Closed, BrokenPipeError, ConnectionResetError):
            pass
    assert host.get().status == 403
    wait_until(lambda: not any(p.alive() for p in workers + [old]),
               "the old generation leaves")


@pytest.mark.parametrize("victim", ["broker", "spawner"])
def test_an_old_generation_that_lost_its_head(server, victim):
    """Its broker or spawner killed, its connection asks: 503, or its own
    user; the new generation does not notice."""
    host, bob = server.hosts["alice.test"], server.hosts["bob.test"]
    server.add("ItkishQueueTimeout 1")
    server.write_config()
    old = only(server, "broker")
    new_generation(server, old)
    old, dead = only(server, "broker"), only(server, victim)
    with server.connect() as c:
        c.send(b"GET / HTTP/1.1\r\n")
        change_alice(server)
        new_generation(server, old)
        server.log.expect(r"\bitk-[a-z-]+: ", required=False)
        os.kill(dead.pid, signal.SIGKILL)
        c.send(b"Host: alice.test\r\nConnection: close\r\n\r\n")
        reply = c.reply()
    assert reply.status == 503 or \
        (reply.status, reply.text) == (200, host.name), reply
    assert bob.get().text == bob.name
    assert host.get().status == 403
    wait_until(lambda: len(by_role(server)["spawner"]) == 1
               and len(by_role(server)["broker"]) == 1, "one generation", 20)
    print(f"{victim}: {reply.status}")
