"""Recovery at boot, and a switch, where sysvinit or OpenRC runs the machine."""

import os
import pathlib
import shutil

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SHIM = pathlib.Path(os.environ.get("BUILD", "build")) / "tests/faultshim.so"
LOG = "/var/tmp/calls"
SCRIPT = "/etc/init.d/ea-mpm-recover"
SWITCH = ["ea-mpm", "switch", "prefork", "--no-rehearsal", "--quiet"]

# Which init, and whose script: the package's (System V, which OpenRC reads
# too), or OpenRC's own, as `make install INIT=openrc` puts it there.
INITS = {"sysv": ("sysv", None), "openrc": ("openrc", None),
         "openrc-run": ("openrc", "ea-mpm-recover.openrc")}


def use_script(m, name):
    source = (TOP / "tools/ea-mpm/init" / name).read_text()
    m.write(SCRIPT, source.replace("@sbindir@", "/usr/sbin"), 0o755)
    assert "ea-mpm-recover" in m.run(["rc-update", "show"]).stdout
    described = m.run(["rc-service", "ea-mpm-recover", "describe"])
    assert "interrupted switch" in described.stdout + described.stderr


@pytest.fixture(params=INITS)
def machine(installed, request):
    init, script = INITS[request.param]
    m = installed(init)
    shutil.copy(SHIM, m.path("/usr/local/lib"))
    if script:
        use_script(m, script)
    assert m.show()["service"]["kind"] == init
    assert m.mpm_answers("event")
    return m


def switch(m, at=0):
    """Run the switch; kill it at the AT-th call that changes the disk."""
    return m.run(["env", "LD_PRELOAD=/usr/local/lib/faultshim.so",
                  f"FAULT_AT={at}", "FAULT_HOW=kill", f"FAULT_LOG={LOG}"]
                 + SWITCH, check=False).returncode


def without_an_mpm(m):
    """The call at which the old MPM is out and the new one not yet in."""
    for _ in range(2):          # the first one makes directories
        m.path(LOG).unlink(missing_ok=True)
        assert switch(m) == 0
        assert m.mpm_answers("prefork")
        m.tool("rollback", "--no-rehearsal")
        assert m.mpm_answers("event")
    return next(line.split()[0] for line in
                m.path(LOG).read_text().splitlines()
                if line.split()[1] == "renameat"
                and line.split()[2].startswith("mpm_prefork"))


def test_a_switch_cut_in_the_middle_is_undone_before_apache_starts(machine):
    """Without it, this server could not start at all."""
    m = machine
    assert switch(m, without_an_mpm(m)) != 0
    assert "No MPM loaded" in m.run(["apache2ctl", "-t"], check=False).stderr
    assert m.path("/var/lib/ea-mpm/open").is_symlink()
    m.power_cut()
    m.boot()
    assert not m.path("/var/lib/ea-mpm/open").is_symlink()
    assert m.mpm_answers("event")
    switches = m.tool("history")[1]["data"]["switches"]
    assert "undone" in {s["state"] for s in switches}, switches


def test_the_service_says_well_when_nothing_is_open(machine):
    """As people call it: started by hand, then at a boot."""
    m = machine
    m.run([SCRIPT, "start"])
    m.run(["service", "ea-mpm-recover", "start"])
    m.power_cut()
    m.boot()
    assert m.mpm_answers("event")
