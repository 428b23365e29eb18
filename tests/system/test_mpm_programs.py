"""Layouts whose MPM is a program of its own, on booted machines: SUSE's under
systemd, the RHEL family 6's under sysvinit."""

import pytest

from fixtures import cache, mpm_programs


def on(machine, layout):
    """LAYOUT instead of Debian's Apache on MACHINE, not started."""
    machine.run("service apache2 stop")
    try:
        return layout(machine)
    except cache.Unavailable as e:
        pytest.skip(str(e))


def text(m, path):
    return m.path(path).read_text()


def await_answer(m, port=80):
    m.run(f"for i in $(seq 200); do curl -s http://127.0.0.1:{port}/ && exit;"
          " sleep 0.05; done; exit 1")


def program(m, unit):
    pid = m.run(["systemctl", "show", "-p", "MainPID", "--value",
                 unit]).stdout.strip()
    return pid, m.run(["readlink", f"/proc/{pid}/exe"]).stdout.strip()


@pytest.fixture
def suse(installed):
    m = installed()
    m.suse = on(m, mpm_programs.Suse)
    m.suse.units()
    m.run(["systemctl", "start", "apache2"])
    await_answer(m)
    return m


def test_suses_unit_is_stopped_and_started(suse):
    """The unit's own commands, with the program that the file then names; a
    reload right after is harmless, and nothing is left failed."""
    m = suse
    assert m.mpm_answers("prefork")
    assert m.show()["service"]["unit"] == "apache2.service"
    before = text(m, m.suse.sysconfig)
    _, answer = m.tool("switch", "event")
    assert answer["data"]["verified"] == "running"
    assert answer["data"]["rehearsal"]["result"] == "passed"
    assert m.mpm_answers("event")
    pid, exe = program(m, "apache2")
    assert exe == "/usr/sbin/httpd-event"
    assert "-DSYSTEMD" in m.run(["cat", f"/proc/{pid}/cmdline"]).stdout
    m.run(["systemctl", "reload", "apache2"])
    assert m.mpm_answers("event") and program(m, "apache2")[0] == pid
    m.tool("rollback")
    assert text(m, m.suse.sysconfig) == before
    assert m.mpm_answers("prefork") and m.active() == "active"
    assert m.run(["systemctl", "show", "-p", "NRestarts", "--value",
                  "apache2"]).stdout.strip() == "0"
    assert m.run(["systemctl", "--failed", "--no-legend"]).stdout == ""


def test_suses_old_server_comes_back_when_the_unit_fails(suse):
    """For a reason that no check can see."""
    m = suse
    m.write("/usr/local/sbin/only-prefork",
            "#!/bin/sh\n! grep -q 'APACHE_MPM=\"event\"' "
            f"{m.suse.sysconfig}\n", 0o755)
    m.write("/etc/systemd/system/apache2.service.d/guard.conf",
            "[Service]\nExecStartPre=/usr/local/sbin/only-prefork\n")
    m.run(["systemctl", "daemon-reload"])
    before = text(m, m.suse.sysconfig)
    code, answer = m.tool("switch", "event", check=False)
    assert code == 4 and answer["data"]["rolled_back"], answer
    assert text(m, m.suse.sysconfig) == before
    assert m.active() == "active" and m.mpm_answers("prefork")


def test_an_instance_of_suses_unit_is_switched_alone(suse):
    """apache2@web by its own file; apache2 keeps its process."""
    m = suse
    m.run("cd /etc/apache2 && sed -e 's/listen.conf/listen@web.conf/' "
          "-e 's/error_log/web_log/' httpd.conf >httpd@web.conf && "
          "echo 'Listen 127.0.0.1:8080' >listen@web.conf && "
          "cd /etc/sysconfig && sed 's|^APACHE_HTTPD_CONF=.*|"
          "APACHE_HTTPD_CONF=/etc/apache2/httpd@web.conf|' "
          "apache2 >apache2@web")
    m.run(["systemctl", "start", "apache2@web"])
    await_answer(m, 8080)
    first, before = program(m, "apache2"), text(m, m.suse.sysconfig)
    _, answer = m.tool("--instance", "web", "switch", "worker")
    assert answer["data"]["verified"] == "running"
    assert program(m, "apache2@web")[1] == "/usr/sbin/httpd-worker"
    assert m.get("http://127.0.0.1:8080/") == (200, "hello\n")
    assert program(m, "apache2") == first
    assert text(m, m.suse.sysconfig) == before


def test_el6s_init_script_is_used(installed):
    """A booted sysvinit: the program of HTTPD, before and after."""
    m = installed("sysv")
    host = on(m, mpm_programs.El6)
    m.run(["service", "httpd", "start"])
    await_answer(m)
    assert m.show()["service"]["kind"] == "sysv"
    before = text(m, host.sysconfig)
    for mpm in ("worker", "event"):
        _, answer = m.tool("switch", mpm)
        assert answer["data"]["verified"] == "running"
        assert m.mpm_answers(mpm)
        m.run(["service", "httpd", "status"])
        m.tool("rollback")
        assert m.mpm_answers("prefork")
        assert text(m, host.sysconfig) == before
