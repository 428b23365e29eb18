"""Somebody at a terminal loses patience while packages are exchanged: Ctrl-C,
Ctrl-C again, Ctrl-Z, a closed window. The package manager is not torn; the
switch goes back and says so."""

import pytest

import ea4_deb
import ea4_rpm
from ea4 import SWITCH, runs, same, tool_of
from fixtures.terminal import CTRL_BACKSLASH, CTRL_C, CTRL_Z, Terminal
from fixtures.tool import EA_MPM

IMPATIENCE = [[CTRL_C], [CTRL_Z, CTRL_BACKSLASH, CTRL_C, CTRL_Z, CTRL_C],
              [None], [CTRL_C, None]]
KINDS = {"apt": (ea4_deb.made, f"{ea4_deb.N}mpm-event preinst install", "dpkg"),
         "dnf": (ea4_rpm.made, "event-pre", "dnf")}


@pytest.fixture(params=KINDS)
def server(request):
    """(a server, a moment in the middle of its transaction, who works)."""
    make, moment, who = KINDS[request.param]
    with make() as system:
        system.start()
        yield system, moment, who


def wait_for(system, moment):
    if isinstance(system, ea4_rpm.Ea4):
        system.reached(moment)
    else:
        system.reached()


def impatient(system, moment, who, keys):
    """A switch that sees KEYS in the middle of its transaction: its exit code
    and what the terminal showed."""
    with system.gate(moment) as go:
        on = Terminal(system, [str(EA_MPM), *SWITCH, "--no-rehearsal"])
        wait_for(system, moment)
        at_work = system.pids(who)
        assert at_work
        for one in keys:
            on.type(one)
        assert on.stays(0.3)
        assert system.pids(who) == at_work
        go()
        return on.end()


def test_the_transaction_is_not_torn(server):
    """It comes to its end, then the switch goes back: exit code 4."""
    system, moment, who = server
    before = system.tree()
    for keys in IMPATIENCE:
        code, text = impatient(system, moment, who, keys)
        assert code == 4, (keys, text)
        if None not in keys:
            assert "nterrupted by signal" in text
            assert "Every file is as it was" in text
        same(before, system.tree())
        assert runs(system, "prefork")
        newest = tool_of(system)("history").data["switches"][0]
        assert newest["state"] == "undone", keys
        assert not system.pids("ea-mpm")
