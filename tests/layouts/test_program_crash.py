"""A switch between programs, killed at every call that changes the disk: what
recover leaves is old or new to the last byte, and starts.

By default each call is tried on one of the two layouts, in turn, whose steps
are the same; EA_MPM_ALL_KILLS=1 tries every call on both.
"""

import os

import pytest

from fixtures import cache, mpm_programs
from fixtures.sandbox import Sandbox
from fixtures.tool import BUILD, Tool

SHIM = BUILD / "tests/faultshim.so"
LAYOUTS = [mpm_programs.Suse, mpm_programs.El6]


@pytest.fixture(params=LAYOUTS)
def host(request):
    try:
        sb = Sandbox()
    except cache.Unavailable as e:
        pytest.skip(str(e))
    with sb:
        try:
            made = request.param(sb)
        except cache.Unavailable as e:
            pytest.skip(str(e))
        made.ea = Tool(sb)
        made.copy(SHIM, "/usr/lib/faultshim.so")
        yield made


def switch(host, at):
    """How many calls it made when it ended or was killed at the AT-th, and
    its exit code."""
    env = {"LD_PRELOAD": "/usr/lib/faultshim.so", "FAULT_AT": str(at),
           "FAULT_HOW": "kill", "FAULT_LOG": "/run/calls"}
    host.sb.run("rm -f /run/calls; touch /run/calls")
    done = host.ea.run("switch", "event", "--no-rehearsal", env=env)
    return len(host.sb.run(["cat", "/run/calls"]).stdout.splitlines()), \
        done.returncode


def test_every_call_may_be_the_last(host):
    """The server runs all the while, and after each recovery it answers
    under the MPM that its file names."""
    host.start()
    old = host.sb.read(host.sysconfig)
    for _ in range(2):          # the first one makes directories
        calls, code = switch(host, 0)
        assert code == 0 and calls > 10
        new = host.sb.read(host.sysconfig)
        assert host.ea("rollback", "--no-rehearsal").ok
    ends = {"old": 0, "new": 0}
    if os.environ.get("EA_MPM_ALL_KILLS"):
        moments = range(1, calls + 1)
    else:
        moments = range(1 + LAYOUTS.index(type(host)), calls + 1, 2)
    for at in moments:
        assert switch(host, at)[1] != 0
        done = host.ea("recover")
        assert done.ok, (at, done)
        now = host.sb.read(host.sysconfig)
        assert now in (old, new), at
        mpm = "prefork" if now == old else "event"
        ends["old" if now == old else "new"] += 1
        shown = host.ea("show").data["mpm"]
        assert host.answers(), at
        assert (shown["running"], shown["configured"]) == (mpm, mpm), at
        if mpm == "event":
            assert host.ea("rollback", "--no-rehearsal").ok
    print(f"killed at {len(moments)} of {calls} calls: {ends}")
