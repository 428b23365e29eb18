"""SUSE: the program of an MPM is a package that may be missing. A switch
installs it by a real zypper from a real repository, and the way back removes
it again; disturbed at every moment."""

import difflib
import json

import pytest

import suse_rpm
from ea4 import same
from fixtures import rpms
from fixtures.tool import EA_MPM
from rpm_gates import killings
from suse_rpm import tool_of

SWITCH = ["switch", "event"]


@pytest.fixture
def server():
    with suse_rpm.made() as system:
        system.start()
        yield system


def package(mpm, rel=1):
    return f"apache2-{mpm}-2.4.71-{rel}.x86_64"


def as_before(system, before):
    """Everything of the old state, and a server that starts again from it."""
    same(before, system.tree())
    assert system.whole() == []
    assert system.left_behind() == []
    assert system.runs("prefork")
    system.restart()
    assert system.runs("prefork")


def edits(before, after):
    return [line for line in difflib.ndiff(before.splitlines(True),
                                           after.splitlines(True))
            if line[0] in "+-"]


def refused(system, problem, *words, rc=3):
    """A switch that changes nothing, for that reason; its answer."""
    before, pid = system.tree(), system.read("/run/httpd.pid")
    done = tool_of(system)(*SWITCH, *words)
    assert (done.rc, done.problem) == (rc, problem), done
    same(before, system.tree())
    assert system.read("/run/httpd.pid") == pid and system.host.answers()
    return done


def test_show_and_plan_tell_the_package(server):
    """What is to be had, and the transaction before the edit; nothing is
    written for it."""
    before = server.tree()
    ea = tool_of(server)
    shown = ea("show")
    assert [m["mpm"] for m in shown.data["installed"]] == ["prefork"]
    assert {t["mpm"]: t["verdict"] for t in shown.data["targets"]} \
        == {"prefork": "current", "worker": "not-asked",
            "event": "not-asked", "itk": "impossible"}
    plan = ea("plan", "event")
    first, second = plan.data["steps"]
    assert first["kind"] == "packages"
    packages = first["packages"]
    assert packages["manager"] == "zypper" and packages["remove"] == []
    assert [(p["name"], p["version"], p["asked"])
            for p in packages["install"]] == [("apache2-event", "2.4.71-1",
                                               True)]
    assert "/usr/sbin/httpd-event" in [e["path"] for e in first["effects"]]
    assert second["path"] == "/etc/sysconfig/apache2"
    text = ea.text("plan", "event")
    assert "One transaction of zypper" in text
    assert "+ apache2-event-2.4.71-1" in text
    assert [(a["mpm"], a["package"], a["version"])
            for a in ea("list", "--available").data["available"]] == [
                ("worker", "apache2-worker", "2.4.71-1"),
                ("event", "apache2-event", "2.4.71-1")]
    same(before, server.tree())
    assert server.left_behind("/run", "/var/tmp") == []


@pytest.mark.parametrize("target", ["event", "worker"])
def test_an_mpm_without_its_package_and_back(server, target):
    """Package and variable in one change; the rollback needs no repository
    and brings back every byte and the same packages."""
    before, sysconfig = server.tree(), server.read("/etc/sysconfig/apache2")
    packages = server.packages()
    ea = tool_of(server)
    done = ea("switch", target)
    assert done.ok and done.data["verified"] == "running", done
    assert done.data["rehearsal"]["result"] == "passed"
    assert [s["kind"] for s in done.data["steps"]] == ["packages", "path"]
    assert set(server.packages()) - set(packages) == {package(target)}
    assert server.whole() == []
    assert server.left_behind("/run", "/var/tmp") == []
    assert edits(sysconfig, server.read("/etc/sysconfig/apache2")) == [
        '- APACHE_MPM="prefork"\n', f'+ APACHE_MPM="{target}"\n']
    assert server.runs(target)
    assert server.host.exe("/run/httpd.pid") == f"/usr/sbin/httpd-{target}"
    assert server.get("http://127.0.0.1/cgi-bin/hello") == (200,
                                                            "from cgi\n")
    history = ea("history").data["switches"][0]
    assert history["packages_bytes"] > 10000
    assert "ea-mpm" in server.read("/var/log/zypp/history")
    server.restart()
    assert server.runs(target)

    server.run("rm -rf /etc/zypp/repos.d/* /var/cache/zypp")
    back = ea("rollback")
    assert back.ok and back.data["verified"] == "running", back
    assert server.packages() == packages
    assert server.left_behind("/run", "/var/tmp") == []
    as_before(server, before)


def test_an_mpm_that_is_there_takes_no_package():
    """Nobody asks zypper, and nothing but the variable changes."""
    with suse_rpm.made(mpms=("prefork", "worker")) as system:
        system.start()
        system.run("rm -rf /etc/zypp/repos.d/*; chmod 0 /usr/bin/zypper")
        before = system.tree()
        done = tool_of(system)("switch", "worker")
        assert done.ok and system.runs("worker"), done
        assert [s["kind"] for s in done.data["steps"]] == ["path"]
        assert tool_of(system)("rollback").ok
        as_before(system, before)


def test_an_empty_variable_and_the_link_that_a_script_moves(server):
    """The package's script points /usr/sbin/httpd at the new program; the
    way back points it at the old one."""
    server.host.choose("")
    link = "readlink /usr/sbin/httpd"
    assert server.run(link).stdout == "httpd-prefork\n"
    before = server.tree()
    done = tool_of(server)(*SWITCH)
    assert done.ok and server.runs("event"), done
    assert server.run(link).stdout == "httpd-event\n"
    back = tool_of(server)("rollback")
    assert back.ok, back
    assert server.run(link).stdout == "httpd-prefork\n"
    as_before(server, before)


def test_an_instance_gets_the_package_alone(server):
    """apache2@web is switched; the first server goes on."""
    server.run("cd /etc/apache2 && sed -e 's/listen.conf/listen@web.conf/' "
               "-e 's/error_log/web_log/' -e 's/cgid.sock/web.sock/' "
               "httpd.conf >httpd@web.conf && "
               "echo 'Listen 127.0.0.1:8080' >listen@web.conf && "
               "cd /etc/sysconfig && sed -e 's|^APACHE_HTTPD_CONF=.*|"
               "APACHE_HTTPD_CONF=\"/etc/apache2/httpd@web.conf\"|' apache2 "
               ">apache2@web")
    server.run(["start_apache2", "-k", "start"], env={"HTTPD_INSTANCE": "web"})
    server.wait("curl -s http://127.0.0.1:8080/ >/dev/null")
    before, pid = server.tree(), server.read("/run/httpd.pid")
    ea = tool_of(server)
    done = ea("--instance", "web", *SWITCH)
    assert done.ok and done.data["verified"] == "running", done
    assert server.host.exe("/run/httpd@web.pid") == "/usr/sbin/httpd-event"
    assert server.get("http://127.0.0.1:8080/") == (200, "hello\n")
    assert server.read("/run/httpd.pid") == pid and server.runs("prefork")
    assert ea("--instance", "web", "rollback").ok
    same(before, server.tree())
    assert server.host.exe("/run/httpd@web.pid") == "/usr/sbin/httpd-prefork"


# ---- refused ----

def test_a_package_that_nobody_offers_is_refused(server):
    """With what adds a repository; the offer of another is none."""
    server.run("rm -rf /etc/zypp/repos.d/*")
    server.offer("/var/cache/only-old", "old")
    server.run("mkdir -p /var/cache/only-old && cp "
               f"{rpms.suse_repository()}/apache2-worker* "
               "/var/cache/only-old && createrepo_c -q /var/cache/only-old")
    done = refused(server, "mpm-not-installed")
    assert "no repository of zypper has apache2-event" in done.detail
    assert "zypper addrepo" in done.detail
    assert tool_of(server)("plan", "worker").ok
    server.run("rm -rf /etc/zypp/repos.d/*")        # no zypper to speak of
    done = refused(server, "mpm-not-installed")
    assert "zypper install apache2-event" in done.detail


def test_repositories_out_of_reach_are_told(server):
    """In zypper's own words."""
    server.run("rm -rf /etc/zypp/repos.d/* /var/cache/zypp/*")
    server.offer("http://127.0.0.1:9/gone", "gone")
    done = refused(server, "packages-unavailable")
    assert "127.0.0.1:9/gone" in done.detail


@pytest.mark.parametrize("check", ["repo_gpgcheck", "pkg_gpgcheck"])
def test_what_zypper_does_not_trust_is_not_taken(server, check):
    """Neither a repository nor a package without the signature that is
    asked for; zypper says so."""
    server.run("sed -i 's/^gpgcheck=0/gpgcheck=0\\n" + check + "=1/' "
               "/etc/zypp/repos.d/*.repo; rm -rf /var/cache/zypp/*")
    done = refused(server, "packages-unavailable")
    assert "signed" in done.detail or "signature" in done.detail.lower()


def test_the_version_that_fits_is_chosen():
    """To change the MPM is no reason to get another server."""
    old, new = rpms.suse_repository(), rpms.suse_repository(2)
    with suse_rpm.made(old) as system:
        system.start()
        before = system.tree()
        system.offer(new, "updates")
        done = tool_of(system)(*SWITCH)
        assert done.ok and package("event") in system.packages(), done
        assert tool_of(system)("rollback").ok
        same(before, system.tree())
        system.run("rm -rf /etc/zypp/repos.d/*")
        system.offer(new, "updates")
        done = refused(system, "packages-conflict")
        assert "apache2-event-2.4.71-2 requires apache2 = 2.4.71-2" \
            in done.detail
        assert "zypper update apache2" in done.detail
        system.zypper("update", "apache2", "apache2-prefork")
        done = tool_of(system)(*SWITCH)
        assert done.ok and package("event", 2) in system.packages(), done


def test_a_zypper_that_wants_something_else_is_heeded(server):
    """Its solver knows of a lock that nobody else knows of."""
    server.zypper("addlock", "apache2-event")
    done = refused(server, "transaction-differs")
    assert "zypper" in done.detail
    server.zypper("removelock", "apache2-event")


def test_a_zypper_at_work_is_told_and_nothing_changes(server):
    """Exit code 6 with its pid."""
    with server.gate("worker-pre") as go:
        other = server.popen(["zypper", "-n", "install", "apache2-worker"],
                             stdout=-1, stderr=-1)
        server.reached("worker-pre")
        pid = server.pids("zypper")[0]
        done = tool_of(server)(*SWITCH)
        assert (done.rc, done.problem) == (6, "package-manager-busy"), done
        assert f"process {pid} (zypper" in done.detail
        go()
        other.communicate(timeout=60)
    assert package("worker") in server.packages()
    assert server.runs("prefork")


# ---- undone ----

TRAP = ("<IfModule event.c>\n    CustomLog /nowhere/at/all common\n"
        "</IfModule>\n")


def test_the_rehearsal_starts_the_program_that_is_not_installed(server):
    server.write("/etc/apache2/conf.d/trap.conf", TRAP)
    before, pid = server.tree(), server.read("/run/httpd.pid")
    done = tool_of(server)(*SWITCH)
    assert (done.rc, done.data["rehearsal"]["result"]) == (3, "failed"), done
    same(before, server.tree())
    assert server.read("/run/httpd.pid") == pid


def test_a_start_that_fails_after_the_transaction_is_undone(server):
    """Without the rehearsal, which would have seen it."""
    server.write("/etc/apache2/conf.d/trap.conf", TRAP)
    before = server.tree()
    done = tool_of(server)(*SWITCH, "--no-rehearsal")
    assert done.rc == 4, done
    assert "/nowhere/at/all" in done.detail
    assert done.data["rolled_back"] and not done.data["changed"]
    as_before(server, before)


def test_scripts_that_restart_the_server_do_no_harm(server):
    """As those of SUSE's packages may: there, still under the old MPM, and
    on the way back with the program gone."""
    before = server.tree()
    for moment in ("event-posttrans", "event-postun"):
        server.write(f"/run/hook-{moment}", "#!/bin/sh\n"
                     f"echo {moment} >>/run/hooked\n"
                     "start_apache2 -k restart; sleep 0.5\n", 0o755)
    done = tool_of(server)(*SWITCH)
    assert done.ok and server.runs("event"), done
    assert tool_of(server)("rollback").ok
    assert server.read("/run/hooked").split() == ["event-posttrans",
                                                  "event-postun"]
    as_before(server, before)


GATES = ["event-pre", "event-post", "event-posttrans"]
VICTIMS = {"ea-mpm": ["ea-mpm"], "zypper": ["zypper"],
           "both": ["zypper", "ea-mpm"]}


@pytest.mark.parametrize("gate, who", killings(GATES, VICTIMS))
def test_killed_in_the_middle_of_the_transaction(server, gate, who):
    """recover (or the living ea-mpm itself) ends with the old packages and
    the old server."""
    before = server.tree()
    with server.gate(gate) as go:
        run = server.waiting_run(gate, *SWITCH)
        for name in VICTIMS[who]:
            server.kill(name)
        if who == "ea-mpm":
            # zypper is at work still: recover waits for it.
            recover = server.popen([str(EA_MPM), "--json", "recover"],
                                   stdout=-1, stderr=-1, text=True)
            server.wait("grep -lx ea-mpm /proc/[0-9]*/comm >/dev/null")
            assert recover.poll() is None
            go()
            out, err = recover.communicate(timeout=120)
            assert recover.returncode == 0, out + err
            assert json.loads(out)["data"]["rolled_back"]
        go()
        out, err = run.communicate(timeout=120)
        if who == "zypper":
            # The rpm that it had started went on; then that is undone.
            assert run.returncode == 4, out + err
            assert json.loads(out)["problem"] == "transaction-failed"
        else:
            assert run.returncode != 0
            assert tool_of(server)("recover").ok
    as_before(server, before)


def test_killed_while_the_package_goes_again(server):
    """The way back, killed in its transaction: recover ends with the new
    set, whole, and the server runs."""
    before = server.tree()
    assert tool_of(server)(*SWITCH, "--no-rehearsal").ok
    after = server.tree()
    with server.gate("event-preun") as go:
        run = server.waiting_run("event-preun", "rollback")
        server.kill("zypper")
        server.kill("ea-mpm")
        go()
        run.communicate(timeout=60)
    assert tool_of(server)("recover").ok
    same(after, server.tree())
    assert server.whole() == [] and server.runs("event")
    assert tool_of(server)("rollback").ok
    as_before(server, before)
