"""The power fails in the middle of a switch. After the next boot the server
answers, the files are those of one MPM, and nothing is left open.

By default a sample of the moments is tried, at least one in every state of
the journal; EA_MPM_ALL_POWER_CUTS=1 tries every call that changes the disk.
"""

import os
import pathlib
import shutil

import pytest

BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
SHIM = BUILD / "tests/faultshim.so"
LOG = "/var/tmp/calls"
TREE = ("cd /etc/apache2 && find . -type f | sort | xargs sha256sum; "
        "find . -type l -printf '%p %l\\n' | sort")
SWITCH = ["ea-mpm", "switch", "event", "--with", "php=fpm", "--no-rehearsal",
          "--quiet"]


def switch(m, at=0):
    """Run the switch; kill it at the AT-th call that changes the disk."""
    return m.run(["env", "LD_PRELOAD=/usr/local/lib/faultshim.so",
                  f"FAULT_AT={at}", "FAULT_HOW=kill", f"FAULT_LOG={LOG}"]
                 + SWITCH, check=False)


def journal_state(m):
    """The state of the open journal on the disk, or None."""
    state = m.path("/var/lib/ea-mpm/open/state")
    return state.read_text().split()[0] if state.exists() else None


def state_changes(m):
    """The last call in every state of the journal, and the first."""
    return {at for number, line in
            enumerate(m.path(LOG).read_text().splitlines(), 1)
            for at in (number - 1, number)
            if "rename" in line and line.split()[2:] == ["state"]}


def points(m, total, sample):
    """Which calls to die at: around every change of state, and SAMPLE more.

    The former first: what a cut during the writing of a journal leaves behind
    is cleared by the next one, which shifts the count of calls."""
    if os.environ.get("EA_MPM_ALL_POWER_CUTS"):
        return range(1, total + 1)
    return sorted(state_changes(m)) + list(sample)


def prepared(m):
    """The tree before, the tree after a switch that nothing disturbs, and in
    how many calls one is made (not the first: that makes directories)."""
    shutil.copy(SHIM, m.path("/usr/local/lib"))
    before = m.run(TREE).stdout
    for _ in range(2):
        m.path(LOG).unlink(missing_ok=True)
        switch(m)
        after = m.run(TREE).stdout
        if after != before:
            m.tool("rollback", "--no-rehearsal")
            assert m.run(TREE).stdout == before
    return before, after, len(m.path(LOG).read_text().splitlines())


def cut_and_boot(m, at):
    """One power cut; the journal's state at that moment."""
    m.path(LOG).unlink(missing_ok=True)
    done = switch(m, at)
    assert done.returncode != 0
    state = journal_state(m)
    m.power_cut()
    m.boot()
    # A link that leads nowhere is what is left of a journal that never was.
    assert not m.path("/var/lib/ea-mpm/open").exists(), at
    assert m.active() == "active", at
    assert m.get("http://127.0.0.1/")[0] == 200, at
    return state


@pytest.mark.skipif(not SHIM.exists(), reason="the fault shim is not built")
def test_a_power_cut_in_a_switch_that_fails_leaves_the_old_server(installed):
    """The unit refuses event, so that one run goes through the states
    prepared, applying and undoing."""
    m = installed()
    m.write("/etc/systemd/system/apache2.service.d/guard.conf",
            "[Service]\nExecStartPre=/usr/bin/test ! -e "
            "/etc/apache2/mods-enabled/mpm_event.load\n")
    m.run(["systemctl", "daemon-reload"])
    before, after, total = prepared(m)
    assert after == before
    seen = {}
    for at in points(m, total, range(1, total + 1, total // 8)):
        state = cut_and_boot(m, at)
        seen[state] = seen.get(state, 0) + 1
        assert m.run(TREE).stdout == before, (at, state)
        assert m.mpm_answers("prefork"), (at, state)
    print(f"power cuts recovered at boot, by state: {seen} "
          f"({total} moments in all)")
    assert {"prepared", "applying", "undoing"} <= set(seen)


@pytest.mark.skipif(not SHIM.exists(), reason="the fault shim is not built")
def test_a_power_cut_in_a_switch_that_works_leaves_one_mpm(installed):
    """Before, between and after the steps, while they are brought to the
    disk under the new server, and when all is done."""
    m = installed()
    before, after, total = prepared(m)
    assert after != before
    seen, kept = {}, 0
    half = range(total // 2, total + 1)     # where files are changed
    for at in points(m, total, [*half[::len(half) // 6], total]):
        state = cut_and_boot(m, at)
        now = m.run(TREE).stdout
        assert now in (before, after), at
        assert m.mpm_answers("event" if now == after else "prefork"), at
        seen[state] = seen.get(state, 0) + 1
        if now == after:
            kept += 1
            m.tool("rollback", "--no-rehearsal")
    print(f"power cuts recovered at boot, by state: {seen} "
          f"({total} moments in all)")
    assert {"applying", "applied"} <= set(seen)
    assert kept                 # killed when all was done
