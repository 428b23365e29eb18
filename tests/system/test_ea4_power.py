"""The power fails while packages are exchanged. At the next boot, with no
network, the packages are whole again and those of one MPM, and the server
that runs it answers.

By default a sample of the moments is tried; EA_MPM_ALL_POWER_CUTS=1 tries
every call of dpkg's, and of ea-mpm's own, that changes the disk.
"""

import difflib
import os
import pathlib
import shutil
import time

import pytest

from fixtures.ea4_machine import N, SCRIPT, SOURCES

ALL = bool(os.environ.get("EA_MPM_ALL_POWER_CUTS"))
BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
SHIM = BUILD / "tests/faultshim.so"
INSIDE = "/usr/local/lib/faultshim.so"
SHARES = 4 if ALL else 1    # of the moments, for tests in parallel
LOG = "/var/tmp/calls"
SWITCH = ["ea-mpm", "switch", "event", "--no-rehearsal", "--quiet"]
# Stands in front of PROGRAM: the call number @AT@ of all its runs together
# is not reached before the power fails.
WRAPPER = f"""#!/bin/sh
if [ -e /run/fault ]; then
    done=$(wc -l <{LOG})
    at=$(($(cat /run/fault) - done))
    [ $at -gt 0 ] || at=0
    export LD_PRELOAD={INSIDE} FAULT_AT=$at FAULT_HOW=stop FAULT_LOG={LOG}
fi
exec @PROGRAM@.real "$@"
"""

pytestmark = pytest.mark.skipif(not SHIM.exists(),
                                reason="the fault shim is not built")


def wrap(m, program):
    """Let PROGRAM's calls be counted."""
    m.path(program).rename(m.path(program + ".real"))
    m.write(program, WRAPPER.replace("@PROGRAM@", program), 0o755)


def stop_at(m, at):
    """Let the wrapped program stop at its AT-th call; 0: count them all."""
    m.path(LOG).write_text("")
    m.run(f"echo {at} >/run/fault")


def journal_state(m):
    """The state of the open journal on the disk, or None."""
    state = m.path("/var/lib/ea-mpm/open/state")
    return state.read_text().split()[0] if state.exists() else None


def calls(m):
    return len(m.path(LOG).read_text().splitlines())


def cut_at(m, at):
    """A switch that comes as far as that call, and no further."""
    stop_at(m, at)
    run = m.popen(SWITCH, stdout=-1, stderr=-1)
    end = time.monotonic() + 60
    while calls(m) < at:
        assert run.poll() is None, (at, run.communicate())
        assert time.monotonic() < end
        time.sleep(0.01)
    m.power_cut()
    run.kill()          # nsenter stops with what it entered for
    run.communicate()


def boot_offline(m):
    """The next boot, where apt knows of no repository."""
    m.path(SOURCES).rename(m.path(SOURCES + ".gone"))
    m.boot()
    m.path(SOURCES + ".gone").rename(m.path(SOURCES))


def moments(m, sample):
    """At which calls of a whole run, just counted, the power is cut: around
    every change of the journal's state, and SAMPLE more."""
    lines = m.path(LOG).read_text().splitlines()
    if ALL:
        return list(range(1, len(lines) + 1))
    states = {at for number, line in enumerate(lines, 1)
              for at in (number, number + 1)
              if "rename" in line and line.split()[2:] == ["state"]}
    step = len(lines) / sample
    return sorted(states | {round((i + 0.5) * step) for i in range(sample)})


def same(before, after, at):
    assert before == after, f"cut at {at}:\n" + "\n".join(
        difflib.unified_diff(before.splitlines(), after.splitlines(),
                             lineterm="", n=0))


def newest(m):
    """(id, state) of the newest change."""
    switches = m.tool("history")[1]["data"]["switches"]
    return (switches[0]["id"], switches[0]["state"]) if switches else None


# How many moments of each are tried.
PROGRAMS = {"/usr/bin/dpkg": 6, "/usr/bin/apt-get": 2, "/usr/sbin/ea-mpm": 2}


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_power_cut_while_it_works(ea4, program, share):
    """dpkg: removing, unpacking, configuring, purging. apt: downloading too.
    ea-mpm: what lies before and after. An open journal is undone."""
    before = ea4.tree()
    shutil.copy(SHIM, ea4.path(INSIDE))
    wrap(ea4, program)
    stop_at(ea4, 0)
    ea4.run(SWITCH)
    total, points = calls(ea4), moments(ea4, PROGRAMS[program])
    ea4.run("rm /run/fault")
    assert ea4.runs("event")
    after = ea4.tree()
    ea4.tool("rollback", "--no-rehearsal")
    same(before, ea4.tree(), "no moment")
    ended = {}
    for at in points[share::SHARES]:
        last = newest(ea4)
        cut_at(ea4, at)
        state = journal_state(ea4)
        boot_offline(ea4)
        assert not ea4.path("/var/lib/ea-mpm/open").exists(), at
        new = ea4.mpm_answers("event")
        same(after if new else before, ea4.tree(), (at, state))
        assert ea4.runs("event" if new else "prefork") and ea4.still(), at
        said = newest(ea4)
        if said == last:
            said = (None, "none")
        assert said[1] == ("committed" if new else "undone" if state
                           else "none"), (at, state, said)
        ended[said[1]] = ended.get(said[1], 0) + 1
        if new:
            ea4.tool("rollback", "--no-rehearsal")
            same(before, ea4.tree(), at)
    print(f"{program}: power cuts at {sum(ended.values())} of {total} calls: "
          f"{ended}")


# What cPanel's 500-restartsrv_httpd does after every transaction, unless the
# power fails first.
HOOK = f"""#!/bin/sh
if [ -e /run/cut ]; then
    : >/run/cut.reached
    exec sleep 1000
fi
{SCRIPT} --stop
{SCRIPT}
"""


# apt's own work at boot, at its longest.
DAILY = """[Service]
Type=simple
ExecStartPre=
ExecStart=
ExecStart=/usr/bin/flock /var/lib/dpkg/lock-frontend sleep 1000
"""


def test_neither_hooks_nor_apts_daily_work_stop_the_boot(ea4):
    """What a hook starts waits for the end of the recovery, which waits for
    its hooks: at boot they must not start anything. And nobody else may have
    the packages before."""
    before = ea4.tree()
    ea4.write("/usr/local/sbin/hook", HOOK, 0o755)
    ea4.write("/etc/apt/apt.conf.d/zz-hooks",
              'DPkg::Post-Invoke { "/usr/local/sbin/hook"; };\n')
    ea4.run(SWITCH)
    assert ea4.runs("event") and ea4.still()
    ea4.tool("rollback", "--no-rehearsal")
    ea4.write("/etc/systemd/system/apt-daily.service.d/long.conf", DAILY)
    ea4.run(["systemctl", "-q", "add-wants", "multi-user.target",
             "apt-daily.service"])
    ea4.run("touch /run/cut")
    run = ea4.popen(SWITCH, stdout=-1, stderr=-1)
    ea4.run("until [ -e /run/cut.reached ]; do sleep 0.02; done")
    ea4.power_cut()
    run.communicate()
    assert journal_state(ea4) == "applying"
    boot_offline(ea4)
    assert ea4.active("apt-daily") == "active"
    same(before, ea4.tree(), "the hooks")
    assert ea4.runs("prefork") and ea4.still()
    assert newest(ea4)[1] == "undone"
