"""ea-mpm killed at its own calls, all through a switch that exchanges
packages: what lies before, between and after the package manager's part."""

import os
import pathlib

import pytest

import ea4_rpm
from ea4 import SWITCH, runs, tool_of
from fixtures.tool import EA_MPM

SHIM = pathlib.Path(EA_MPM).parents[1] / "tests/faultshim.so"
LOG = "/run/calls"
SHARES = 3
MOMENTS = 40 if os.environ.get("EA_MPM_ALL_KILLS") else 4   # of each share


@pytest.fixture
def server():
    with ea4_rpm.made() as system:
        system.start()
        yield system


def switch(system, at):
    return system.run([
        "env", f"LD_PRELOAD={SHIM}", f"FAULT_AT={at}", "FAULT_HOW=kill",
        f"FAULT_LOG={LOG}", "TMPDIR=/run", str(EA_MPM), "--timeout", "30",
        *SWITCH, "--no-rehearsal"], check=False, timeout=120)


def calls_of(system):
    """How many calls a whole switch makes that change a file system."""
    assert switch(system, 0).returncode == 0
    calls = len(system.read(LOG).splitlines())
    assert tool_of(system)("rollback", "--no-rehearsal").ok
    return calls


@pytest.mark.parametrize("share", range(SHARES))
def test_killed_at_a_call_of_its_own(server, share):
    """recover ends with the old or the new set of packages, whole, and a
    server that runs it."""
    total = calls_of(server)
    old = server.packages()
    step = total / (SHARES * MOMENTS)
    ended = {"prefork": 0, "event": 0}
    for i in range(MOMENTS):
        at = max(1, round((i * SHARES + share + 0.5) * step))
        killed = switch(server, at)
        assert killed.returncode == -9 or killed.returncode == 137, \
            (at, total, killed)
        recovered = tool_of(server)("recover")
        assert recovered.ok, (at, recovered)
        new = server.packages() != old
        assert runs(server, "event" if new else "prefork"), at
        assert server.whole() == [], at
        ended["event" if new else "prefork"] += 1
        if new:
            assert tool_of(server)("rollback", "--no-rehearsal").ok, at
            assert server.packages() == old, at
    print(f"{total} calls, killed at {MOMENTS}: {ended}")
    assert ended["prefork"]
