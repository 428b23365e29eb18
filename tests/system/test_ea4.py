"""EasyApache 4 on a booted machine: a switch is a transaction of apt, the
server runs under cPanel's unit and is restarted by cPanel's script."""

LOG = "/var/log/restartsrv"


def calls(m):
    """Who called cPanel's script, and for what, since the last question."""
    said = m.path(LOG).read_text().splitlines()
    m.path(LOG).write_text("")
    return [" ".join(line.split()[:2]) for line in said]


RESTARTED = ["hand stop", "init stop", "hand restart", "init restart"]


def test_a_switch_and_back_under_cpanels_unit(ea4):
    """The script is asked, systemd knows the new main process, every byte
    comes back, and a restart right after finds nothing pending."""
    before = ea4.tree()
    assert ea4.runs("prefork")
    calls(ea4)
    _, answer = ea4.tool("switch", "event")
    data = answer["data"]
    assert data["verified"] == "running" and data["changed"]
    assert data["rehearsal"]["result"] == "passed"
    assert calls(ea4) == RESTARTED
    assert ea4.runs("event") and ea4.still()
    ea4.run(["systemctl", "restart", "httpd"])
    assert ea4.runs("event")
    calls(ea4)

    ea4.tool("rollback")
    assert calls(ea4) == RESTARTED
    assert ea4.runs("prefork") and ea4.still()
    assert ea4.tree() == before


HOOK = "/run/restartsrv-hook"
# What the script does when it is to start the server, and nobody but systemd
# calls it.
TROUBLE = {"does-nothing": "[ $by$want != handrestart ] || exit 0",
           "fails": "[ $by$want != handrestart ] || exit 1",
           "hangs": "[ $by = init ] || exec sleep 1000"}


def test_a_script_that_does_not_start_the_server(ea4):
    """The switch ends in time and goes back, and the old server is started
    by its unit."""
    before = ea4.tree()
    for how, trouble in TROUBLE.items():
        ea4.run(f"echo '{trouble}' >{HOOK}; chmod +x {HOOK}")
        rc, answer = ea4.tool("switch", "event", "--no-rehearsal",
                              "--timeout", "3", check=False)
        assert rc == 4, (how, answer)
        assert answer["data"]["rolled_back"], how
        assert ea4.tree() == before, how
        assert ea4.runs("prefork") and ea4.still(), how
        assert not ea4.run(["pgrep", "-x", "sleep"], check=False).stdout, how


def test_a_script_that_hangs_for_everybody(ea4):
    """systemd waits for it as well: the control command is what is left."""
    before = ea4.tree()
    ea4.run(f"echo 'exec sleep 1000' >{HOOK}; chmod +x {HOOK}")
    done = ea4.run(["ea-mpm", "switch", "event", "--no-rehearsal",
                    "--timeout", "3"], check=False)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "/usr/sbin/apachectl" in done.stderr
    assert ea4.tree() == before
    assert ea4.mpm_answers("prefork")
