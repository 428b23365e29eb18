"""EasyApache 4 on Ubuntu: a switch is one transaction of a real apt on a real
dpkg database, under a real server; disturbed at every moment, there and
back."""

import json

import pytest

import ea4_deb
from ea4 import (CONF, PREFORK, SWITCH, kept_edits, php, runs, same,
                 serves_mod_php_again, tool_of)
from ea4_deb import EVENT, N
from fixtures import ea4_debs
from fixtures.tool import EA_MPM
from rpm_gates import killings

EVENT_SET = {"ea-apache24": ("2.4.71-1", "installed"),
             N + "cgid": ("2.4.71-1", "installed"),
             N + "mpm-event": ("2.4.71-1", "installed")}


@pytest.fixture
def server():
    with ea4_deb.made() as system:
        system.start()
        yield system


def prefork_as_before(system, before):
    """Everything of the old state, a server that runs, and one that starts
    again from it."""
    same(before, system.tree())
    serves_mod_php_again(system)


def test_prefork_with_cgi_and_php_to_event_and_back(server):
    """Another package set and nothing of the old one, the server answers
    under it; the rollback brings back every byte, the edited file edited,
    with the repository gone."""
    before = server.tree()
    ea = tool_of(server)
    assert php(server) == (200, "apache2handler")
    assert server.get("http://127.0.0.1/hello.cgi") == (200, "hello\n")
    done = ea(*SWITCH)
    assert done.ok, done
    assert done.data["verified"] == "running" and done.data["changed"]
    assert done.data["rehearsal"]["result"] == "passed"
    assert server.packages() == EVENT_SET
    assert server.automatic() == {N + "cgid"}
    assert runs(server, "event")
    assert php(server) == (200, "fpm-fcgi")
    assert server.get("http://127.0.0.1/hello.cgi") == (200, "hello\n")

    server.run("rm -rf /etc/apt/sources.list /var/lib/apt/lists/* "
               "/var/cache/apt/*")
    back = ea("rollback")
    assert back.ok, back
    prefork_as_before(server, before)
    assert server.read(PREFORK).endswith("# ours\n")


def test_marks_go_over_to_what_takes_the_place(server):
    """An MPM that ea-apache24 brought is followed by one that is there for
    ea-apache24; mod_cgi, asked for, by a mod_cgid that is asked for."""
    server.run(["apt-mark", "auto", N + "mpm-prefork", "ea-php74-php"])
    server.run(["apt-mark", "manual", N + "cgi"])
    before = server.tree()
    planned = tool_of(server)("plan", "event", "--without", "php").data
    packages = planned["steps"][0]["packages"]
    assert {p["name"]: p["auto"] for p in packages["install"]} \
        == {N + "mpm-event": True, N + "cgid": False}
    assert tool_of(server)(*SWITCH).ok
    assert server.automatic() == {N + "mpm-event"}
    assert server.would_autoremove() == []
    assert tool_of(server)("rollback").ok
    prefork_as_before(server, before)


def test_an_mpm_that_nothing_needs_is_marked_as_asked_for():
    """event came for http2 alone: to follow it as somebody's dependency
    would hand prefork over to the next autoremove."""
    with ea4_deb.made(N + "mpm-event", N + "http2") as system:
        system.start()
        system.run("sed -i '/^Package: ea-apache24$/,/^$/{/^Depends/d}' "
                   "/var/lib/dpkg/status")
        system.run(["apt-mark", "auto", N + "mpm-event"])
        before = system.tree()
        ea = tool_of(system)
        done = ea("switch", "prefork", "--without", "mod_http2")
        assert done.ok, done
        assert system.automatic() == {N + "cgi"}
        assert system.would_autoremove() == []
        assert ea("rollback").ok
        same(before, system.tree())


def test_a_mark_that_cannot_be_set_is_told(server):
    """apt-mark does not work: nothing is undone for that, but the admin
    learns what to type."""
    server.write("/usr/bin/apt-mark", "#!/bin/sh\necho broken >&2\nexit 1\n",
                 0o755)
    done = tool_of(server).run(*SWITCH)
    assert done.returncode == 0, done
    assert f"apt-mark auto {N}cgid" in done.stderr
    assert "broken" in done.stderr
    assert runs(server, "event")


def test_mod_php_goes_only_when_it_is_named(server):
    """Nothing that the MPM does not need goes silently."""
    before = server.tree()
    done = tool_of(server)("switch", "event")
    assert done.rc == 3, done
    assert "ea-php74-php" in json.dumps(done.json)
    same(before, server.tree())


LOCKS = ["dpkg/lock-frontend", "dpkg/lock", "apt/lists/lock"]
HOLD = ("import fcntl, sys\nf = open(sys.argv[1], 'a')\nfcntl.lockf(f, "
        "fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()\n")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_of_apt_or_dpkg_is_told_and_nothing_changes(server, lock):
    """Exit code 6, with the pid and the command of who holds it."""
    before = server.tree()
    holder = server.popen(["python3", "-c", HOLD, f"/var/lib/{lock}"],
                          stdin=-1, stdout=-1, text=True)
    assert holder.stdout.readline() == "held\n"
    done = tool_of(server)(*SWITCH)
    pid, = server.run("grep -lx python3 /proc/[0-9]*/comm | cut -d/ -f3"
                      ).stdout.split()
    holder.communicate("")
    assert (done.rc, done.problem) == (6, "package-manager-busy"), done
    assert f"process {pid} (python3" in done.detail
    same(before, server.tree())
    assert runs(server, "prefork")


def test_an_apt_at_work_is_told(server):
    """In the middle of its work, between its own locks."""
    with server.gate(f"{N}http2 preinst install") as go:
        other = server.popen(["apt-get", "-y", "--purge", "install",
                              N + "http2", N + "mpm-event"],
                             stdout=-1, stderr=-1)
        server.reached()
        done = tool_of(server)(*SWITCH)
        assert (done.rc, done.problem) == (6, "package-manager-busy"), done
        assert "apt-get" in done.detail
        go()
        other.communicate(timeout=60)


STEPS = [f"{N}mpm-prefork prerm remove", f"{N}mpm-prefork postrm remove",
         f"{N}mpm-event preinst install", f"{N}cgid postinst configure",
         f"{N}mpm-event postinst configure", f"{N}mpm-prefork postrm purge"]
VICTIMS = {"ea-mpm": ["ea-mpm"], "apt": ["apt-get", "dpkg"],
           "all": ["ea-mpm", "apt-get", "dpkg"]}


@pytest.mark.parametrize("step, who", killings(STEPS, VICTIMS))
def test_killed_in_the_middle_of_the_transaction(server, step, who):
    """ea-mpm, apt with dpkg, or all three, before a maintainer script: recover
    (or the living ea-mpm itself) ends with the old set and its server."""
    before = server.tree()
    with server.gate(step) as go:
        run = server.popen([str(EA_MPM), "--json", *SWITCH,
                            "--no-rehearsal"], stdout=-1, stderr=-1,
                           text=True)
        server.reached()
        for name in VICTIMS[who]:
            pids = server.pids(name)
            assert pids, name
            server.run(["kill", "-9", *pids], check=False)
        go()
        out, err = run.communicate(timeout=120)
    if who == "apt":
        assert run.returncode == 4, out + err
        assert json.loads(out)["problem"] == "transaction-failed"
    else:
        assert run.returncode != 0
        done = tool_of(server)("recover")
        assert done.ok, done
    prefork_as_before(server, before)
    assert tool_of(server)("history").data["switches"][0]["state"] \
        == "undone"


def test_a_start_that_fails_after_the_transaction_is_undone(server):
    """The rehearsal would have seen it; without it the way back must."""
    server.write("/etc/apache2/conf.d/trap.conf",
                 "<IfModule mpm_event_module>\n"
                 "    CustomLog /nowhere/at/all common\n</IfModule>\n")
    before = server.tree()
    done = tool_of(server)(*SWITCH, "--no-rehearsal")
    assert done.rc == 4, done
    prefork_as_before(server, before)


def worker_removed(system):
    system.apt("install", N + "mpm-prefork", N + "mpm-worker-", N + "cgid-")
    system.run(f"echo '# mine' >>{CONF}000_mod_mpm_worker.conf")


def event_removed(system):
    system.apt("install", N + "mpm-prefork", N + "mpm-event-", N + "cgid-")
    system.run(f"rm {EVENT} {CONF}005_mod_cgid.conf")


def test_files_left_by_a_plain_removal_are_purged_on_the_way():
    """"apt remove" leaves 000_mod_mpm_worker.conf, which loads a module that
    is gone: httpd does not start. The switch takes it away, too."""
    with ea4_deb.made(N + "mpm-worker", prepare=worker_removed) as system:
        assert system.run(["httpd", "-t"], check=False).returncode != 0
        ea = tool_of(system)
        check = ea("check", "event")
        assert check.ok, check
        assert f"{N}mpm-worker" in ea.text("plan", "event")
        done = ea("switch", "event", "--no-restart")
        assert done.ok, done
        assert system.packages() == EVENT_SET
        system.start()
        assert runs(system, "event")
        # What was there before did not start: it is not brought back, but
        # the edit is in the journal.
        after = system.tree()
        for option, rc in (("--no-restart", 3), ("--no-rehearsal", 4)):
            back = ea("rollback", option)
            assert (back.rc, "mod_mpm_worker.so" in back.detail) \
                == (rc, True), back
            assert runs(system, "event")
            same(after, system.tree())
        assert system.run("grep -rl '# mine' /var/lib/ea-mpm/journal").stdout


def test_files_left_by_a_plain_removal_are_back_after_a_failure():
    """They were purged already when the switch failed."""
    with ea4_deb.made(N + "mpm-worker", prepare=worker_removed) as system:
        system.write("/etc/apache2/conf.d/trap.conf",
                     "<IfModule mpm_event_module>\nNonsense\n</IfModule>\n")
        before = system.tree()
        done = tool_of(system)("switch", "event", "--no-rehearsal",
                               "--no-restart")
        assert (done.rc, "Nonsense" in done.detail) == (4, True), done
        same(before, system.tree())


def test_a_file_deleted_after_a_plain_removal_comes_back():
    """The admin deleted what "apt remove" left; to dpkg that file is to stay
    deleted, and event would come without its LoadModule line."""
    with ea4_deb.made(N + "mpm-event", prepare=event_removed) as system:
        system.run("rm /etc/apache2/conf.d/cgid.conf")
        system.start()
        before = system.tree()
        ea = tool_of(system)
        done = ea("switch", "event")
        assert done.ok, done
        assert runs(system, "event")
        assert system.packages() == EVENT_SET
        back = ea("rollback")
        assert back.ok, back
        same(before, system.tree())
        assert runs(system, "prefork")


EDITED = """# mine
<IfModule cgid_module>
    ScriptSock /run/apache2/cgid_sock
</IfModule>
"""


def test_show_notes_what_removed_packages_left_in_use():
    """and what dpkg put beside edited files; nothing else, and check's own
    words for it."""
    with ea4_deb.made(N + "mpm-event", prepare=event_removed) as system:
        system.write("/etc/apache2/conf.d/cgid.conf", EDITED)
        ea = tool_of(system)
        note, = ea("show").data["notes"]
        assert (note["problem"], note["severity"], note["file"]) == (
            "config-of-removed-package", "info",
            "/etc/apache2/conf.d/cgid.conf")
        assert f"{N}cgid" in note["message"]
        system.run(f"cp {PREFORK} {PREFORK}.dpkg-dist")
        assert [n["problem"] for n in ea("show").data["notes"]] == [
            "config-not-merged", "config-of-removed-package"]
        text = " ".join(ea.text("show").split())
        assert f"diff {PREFORK} {PREFORK}.dpkg-dist" in text
        assert f"apt-get purge {N}cgid" in text
        system.run(f"rm {PREFORK}.dpkg-dist; dpkg --purge {N}cgid")
        assert ea("show").data["notes"] == []


def left_by_an_older_release(system):
    """event and mod_cgid of release 1 were removed, not purged, one of their
    files edited; everything else is release 2, and that is all there is."""
    event_removed(system)
    system.write("/etc/apache2/conf.d/cgid.conf", EDITED)
    system.run("chmod 600 /etc/apache2/conf.d/cgid.conf; "
               "touch -d 2020-02-02 /etc/apache2/conf.d/cgid.conf")
    system.offer(ea4_debs.ea4_repository(2))
    system.apt("upgrade")
    states = {name: version for name, (version, state)
              in system.packages().items() if state == "config-files"}
    assert states == {N + "mpm-event": "2.4.71-1", N + "cgid": "2.4.71-1"}


@pytest.fixture
def older():
    with ea4_deb.made(N + "mpm-event",
                      prepare=left_by_an_older_release) as system:
        system.start()
        yield system


def test_what_an_older_release_left_is_left_again(older):
    """The entry in dpkg's status, its scripts and its files, of a version
    that cannot be had any more; there, back, there again, and back."""
    before = older.tree()
    ea = tool_of(older)
    done = ea("switch", "event")
    assert done.ok, done
    assert runs(older, "event")
    assert older.read("/etc/apache2/conf.d/cgid.conf") == EDITED
    after = older.tree()
    back = ea("rollback")
    assert back.ok, back
    same(before, older.tree())
    assert older.run(["dpkg", "--audit"]).stdout == ""
    again = ea("rollback", back.data["id"])
    assert again.ok, again
    same(after, older.tree())
    assert ea("rollback").ok
    same(before, older.tree())
    assert runs(older, "prefork")


def killed_and_recovered(system, step, *command):
    """ea-mpm COMMAND, killed with apt and dpkg where STEP begins."""
    with system.gate(step) as go:
        run = system.popen([str(EA_MPM), *command, "--no-rehearsal"],
                           stdout=-1, stderr=-1)
        system.reached()
        for name in VICTIMS["all"]:
            system.run(["kill", "-9", *system.pids(name)], check=False)
        go()
        run.communicate(timeout=120)
    done = tool_of(system)("recover")
    assert done.ok, done


@pytest.mark.parametrize("step", [
    f"{N}mpm-event prerm remove", f"{N}mpm-event postrm remove",
    f"{N}mpm-prefork preinst install", f"{N}mpm-prefork postinst configure"])
def test_a_rollback_to_what_was_left_is_killed(older, step):
    """recover ends where the rollback began."""
    assert tool_of(older)("switch", "event").ok
    before = older.tree()
    killed_and_recovered(older, step, "rollback")
    same(before, older.tree())
    assert runs(older, "event")


def test_a_switch_that_fails_leaves_what_was_left(older):
    older.write("/etc/apache2/conf.d/trap.conf",
                "<IfModule mpm_event_module>\n    CustomLog "
                "/nowhere/at/all common\n</IfModule>\n")
    before = older.tree()
    done = tool_of(older)("switch", "event", "--no-rehearsal")
    assert done.rc == 4, done
    same(before, older.tree())
    assert runs(older, "prefork")


@pytest.mark.parametrize("step", STEPS[2:])
def test_killed_while_packages_come_back_to_what_they_left(step):
    """event and mod_cgid were removed, not purged: recover leaves them so."""
    with ea4_deb.made(N + "mpm-event", prepare=event_removed) as system:
        system.run("rm /etc/apache2/conf.d/cgid.conf")
        system.start()
        before = system.tree()
        killed_and_recovered(system, step, "switch", "event")
        same(before, system.tree())
        assert runs(system, "prefork")


def test_a_held_package_stays_where_it_is(server):
    """apt-mark hold is the admin's word: refused with apt's."""
    server.run(["apt-mark", "hold", N + "mpm-prefork"])
    before = server.tree()
    done = tool_of(server)(*SWITCH)
    assert done.rc == 3, done
    assert "eld packages" in json.dumps(done.json)
    same(before, server.tree())


def test_a_version_that_is_not_to_be_had_any_more(server):
    """Where the repository has only a later release, the installed packages
    could not be brought back: refused, unless apt's cache has them."""
    server.offer(ea4_debs.ea4_repository(2))
    server.run(["apt-mark", "auto", "ea-apache24"])
    before = server.tree()
    done = tool_of(server)(*SWITCH)
    assert done.rc == 3, done
    assert "no-way-back" in json.dumps(done.json)
    assert "2.4.71-1" in json.dumps(done.json)
    same(before, server.tree())
    old = ea4_debs.ea4_repository()
    server.run(f"cp {old}/*.deb /var/cache/apt/archives/")
    done = tool_of(server)(*SWITCH, "--with", "packages")
    assert done.ok, done
    assert server.packages()["ea-apache24"] == ("2.4.71-2", "installed")
    assert server.automatic() == {"ea-apache24", N + "cgid"}
    assert runs(server, "event")
    back = tool_of(server)("rollback")
    assert back.ok, back
    prefork_as_before(server, before)


def test_edits_since_the_switch_are_named_and_kept(server):
    """A hook or the admin edited files later: apt would purge them. All are
    named, with what to type; by force their last content is kept."""
    before = server.tree()
    ea = tool_of(server)
    done = ea(*SWITCH)
    assert done.ok, done
    cgid = "/etc/apache2/conf.d/cgid.conf"
    server.run(f"echo '# mine' >>{EVENT}; echo '# yours' >>{cgid}; "
               f"echo '# new' >{PREFORK}")
    edited = server.tree()
    refused = ea("rollback")
    assert (refused.rc, refused.problem) == (3, "changed-since-switch")
    assert (f"{cgid}, {PREFORK} and {EVENT} were edited" in refused.detail
            or f"{cgid}, {EVENT} and {PREFORK} were edited"
            in refused.detail), refused
    command = f"ea-mpm rollback {done.data['id']} --force"
    assert command in refused.detail
    same(edited, server.tree())
    forced = ea(*command.split()[1:])
    assert forced.ok, forced
    assert kept_edits(server, forced.err) \
        == {EVENT: "# mine", cgid: "# yours", PREFORK: "# new"}
    prefork_as_before(server, before)


def test_what_is_no_file_any_more_has_to_be_moved(server):
    ea = tool_of(server)
    assert ea(*SWITCH).ok
    server.run(f"mkdir {PREFORK}; touch {PREFORK}/x")
    for force in ([], ["--force"]):
        refused = ea("rollback", *force)
        assert refused.rc == 3, refused
        assert f"mv {PREFORK} {PREFORK}.aside" in refused.detail
        assert server.run(["ls", PREFORK]).stdout == "x\n"


def test_hooks_of_apt_run_and_may_restart_the_server(server):
    """EasyApache's own hooks sit in DPkg::Post-Invoke and restart httpd
    hard: the switch goes on from there."""
    server.write("/etc/apt/apt.conf.d/zz-universal-hooks",
                 'DPkg::Post-Invoke { "echo hook >>/run/hooks; kill $(cat '
                 '/run/apache2/httpd.pid); while [ -e /run/apache2/httpd.pid '
                 ']; do sleep .05; done; apachectl start"; };\n')
    done = tool_of(server)(*SWITCH)
    assert done.ok, done
    assert runs(server, "event")
    assert server.read("/run/hooks") == "hook\n"
