"""Processes that are late, as where much is to be done, and not stopped."""

import contextlib

import pytest

import helpers_build
from faults import FORK, Faults, Rule, What
from roles import by_role, have_zygote

SLOW_MS = 900           # for one fork
AT_ONCE = 5


@pytest.mark.skipif(helpers_build.compiler() is None,
                    reason="needs a C compiler")
def test_a_zygote_with_many_to_start_is_not_taken_for_stopped(httpd, uid):
    """Its last worker comes long after the time in which a worker has to
    begin; everybody is served, and nobody was killed for it."""
    server = httpd("itkish", StartServers=AT_ONCE + 3)
    host = server.vhost("alice.test", uid())
    host.put("index.html", host.name)
    faults = Faults(server)
    server.start()
    zygote = have_zygote(server, host)
    slow = Rule(0, What.DELAY, SLOW_MS, where=FORK, by="zygote",
                times=AT_ONCE)
    with contextlib.ExitStack() as stack:
        def ask():
            c = stack.enter_context(server.connect())
            c.request("/", host.name)
            return c
        stack.callback(faults.close)
        for c in [ask(), ask()]:
            assert c.reply().status == 200
        with faults.on([slow], {"zygote": zygote.pid}):
            for c in [ask() for _ in range(AT_ONCE)]:
                assert c.reply().text == host.name
            assert faults.hits(1) == AT_ONCE
        assert zygote.pid in [p.pid for p in by_role(server)["zygote"]]
