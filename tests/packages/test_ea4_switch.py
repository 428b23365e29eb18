"""EasyApache 4: a switch is a package transaction of a real dnf on a real RPM
database, under a real server; disturbed at every moment, there and back."""

import json
import time

import pytest

import ea4_rpm
from ea4 import (CONF, PREFORK, SCRIPT, SWITCH, kept_edits, php, runs,
                 same, serves_mod_php_again, tool_of)
from ea4_rpm import left_behind
from fixtures.tool import EA_MPM
from rpm_gates import killings

EVENT_SET = ["ea-apache24-2.4.71-1.x86_64",
             "ea-apache24-mod_cgid-2.4.71-1.x86_64",
             "ea-apache24-mod_mpm_event-2.4.71-1.x86_64"]


@pytest.fixture
def server():
    with ea4_rpm.made() as system:
        system.start()
        yield system


def prefork_as_before(system, before):
    """Everything of the old state, a server that runs, and one that starts
    again from it."""
    same(before, system.tree())
    assert system.whole() == []
    assert left_behind(system) == []
    serves_mod_php_again(system)


def test_prefork_with_cgi_and_php_to_event_and_back(server):
    """The issue's end: another package set, the server answers under it, and
    the rollback brings back every byte, with the repositories gone."""
    before = server.tree()
    ea = tool_of(server)
    assert php(server) == (200, "apache2handler")
    assert server.get("http://127.0.0.1/hello.cgi") == (200, "hello\n")
    done = ea(*SWITCH)
    assert done.ok, done
    assert done.data["verified"] == "running" and done.data["changed"]
    assert done.data["rehearsal"]["result"] == "passed"
    assert server.packages() == EVENT_SET
    assert server.whole() == []
    assert server.reasons() == {
        "ea-apache24": "user", "ea-apache24-mod_mpm_event": "user",
        "ea-apache24-mod_cgid": "dependency"}
    assert runs(server, "event")
    assert php(server) == (200, "fpm-fcgi")
    assert server.get("http://127.0.0.1/hello.cgi") == (200, "hello\n")
    assert server.read(PREFORK + ".rpmsave").endswith("# ours\n")
    history = ea("history").data["switches"][0]
    assert history["packages_bytes"] > 100000

    server.run("rm -rf /etc/yum.repos.d/* /var/cache/dnf/*")
    back = ea("rollback")
    assert back.ok, back
    assert back.data["verified"] == "running"
    prefork_as_before(server, before)
    assert "Mutex sysvsem" in server.read(PREFORK)


def test_a_start_that_fails_after_the_transaction_is_undone(server):
    """The rehearsal would have seen it; without it the way back must."""
    server.write("/etc/apache2/conf.d/trap.conf",
                 "<IfModule mpm_event_module>\n"
                 "    CustomLog /nowhere/at/all common\n</IfModule>\n")
    before = server.tree()
    done = tool_of(server)(*SWITCH, "--no-rehearsal")
    assert done.rc == 4, done
    assert "/nowhere/at/all" in done.detail
    assert done.data["rolled_back"] and not done.data["changed"]
    prefork_as_before(server, before)


def test_the_rehearsal_starts_the_packages_that_are_not_installed(server):
    server.write("/etc/apache2/conf.d/trap.conf",
                 "<IfModule mpm_event_module>\n"
                 "    CustomLog /nowhere/at/all common\n</IfModule>\n")
    before = server.tree()
    pid = server.read("/run/apache2/httpd.pid")
    done = tool_of(server)(*SWITCH)
    assert (done.rc, done.data["rehearsal"]["result"]) == (3, "failed"), done
    assert "rehearsal failed" in done.detail
    same(before, server.tree())
    assert server.read("/run/apache2/httpd.pid") == pid


GATES = ["event-pre", "event-post", "prefork-preun", "prefork-postun",
         "event-posttrans"]
VICTIMS = {"ea-mpm": ["ea-mpm"], "dnf": ["dnf"], "both": ["dnf", "ea-mpm"]}


@pytest.mark.parametrize("gate, who", killings(GATES, VICTIMS))
def test_killed_in_the_middle_of_the_transaction(server, gate, who):
    """ea-mpm, dnf or both, while a script of a package runs: recover (or the
    living ea-mpm itself) ends with the old set and its server."""
    before = server.tree()
    with server.gate(gate) as go:
        run = server.waiting_run(gate, *SWITCH)
        for name in VICTIMS[who]:
            server.kill(name)
        if who == "ea-mpm":
            # dnf is at work still: recover waits for it.
            recover = server.popen([str(EA_MPM), "--json",
                                    "recover"], stdout=-1, stderr=-1,
                                   text=True)
            server.wait("grep -lx ea-mpm /proc/[0-9]*/comm >/dev/null")
            assert recover.poll() is None
            go()
            out, err = recover.communicate(timeout=120)
            assert recover.returncode == 0, out + err
            assert json.loads(out)["data"]["rolled_back"]
        go()
        out, err = run.communicate(timeout=120)
        answer = json.loads(out) if who == "dnf" else None
        if answer and gate == "event-posttrans":
            # The database has it all by then: it is done.
            assert answer["ok"] and runs(server, "event"), out + err
            assert server.packages() == EVENT_SET
            assert server.whole() == []
            assert tool_of(server)("rollback").ok
        elif answer:
            assert run.returncode == 4, out + err
            assert answer["problem"] == "transaction-failed"
        else:
            assert run.returncode != 0
            assert tool_of(server)("recover").ok
    prefork_as_before(server, before)
    assert tool_of(server)("history").data["switches"][-1]["state"] \
        == ("committed" if answer and answer["ok"] else "undone")


@pytest.mark.parametrize("gate", ["event-pre", "prefork-preun"])
def test_ctrl_c_lets_the_transaction_end_and_undoes_it(server, gate):
    """SIGINT to the whole process group, as a terminal sends it."""
    before = server.tree()
    with server.gate(gate) as go:
        run = server.waiting_run(gate, *SWITCH)
        for pid in server.pids("ea-mpm"):
            server.run(["kill", "-INT", pid])
        time.sleep(0.2)     # nothing is to happen
        assert run.poll() is None
        assert server.pids("dnf")
        go()
        out, err = run.communicate(timeout=120)
    answer = json.loads(out)
    assert run.returncode == 4, out + err
    assert answer["problem"] == "interrupted"
    prefork_as_before(server, before)


def test_a_package_manager_at_work_is_told_and_nothing_changes(server):
    """Another dnf holds the lock: exit code 6 with its pid."""
    with server.gate("event-pre") as go:
        other = server.popen(
            ["dnf", "-y", "--releasever=9", "swap",
             "ea-apache24-mod_mpm_prefork", "ea-apache24-mod_mpm_event",
             "--allowerasing"], stdout=-1, stderr=-1)
        server.reached("event-pre")
        pid = server.pids("dnf")[0]
        done = tool_of(server)(*SWITCH)
        assert (done.rc, done.problem) == (6, "package-manager-busy"), done
        assert pid in done.detail and "dnf" in done.detail
        assert not server.pids("ea-mpm")
        # It goes on where it waited.
        go()
        other.communicate(timeout=60)
    assert server.packages() == EVENT_SET


def test_no_room_for_the_packages_changes_nothing(server):
    """The journal is on a full file system."""
    before = server.tree()
    pid = server.read("/run/apache2/httpd.pid")
    server.run("mkdir -p /var/lib/ea-mpm && mount -t tmpfs -o size=300k,"
               "mode=700 small /var/lib/ea-mpm")
    done = tool_of(server)(*SWITCH, "--no-rehearsal")
    assert (done.rc, done.problem) == (1, "journal-write-failed"), done
    same(before, server.tree())
    assert server.read("/run/apache2/httpd.pid") == pid
    assert server.run("find /var/lib/ea-mpm -type f").stdout.split() \
        == ["/var/lib/ea-mpm/lock"]


def test_a_damaged_package_in_an_open_journal_is_told(server):
    """Nothing is brought back from bytes that are not what they were."""
    with server.gate("event-post") as go:
        run = server.waiting_run("event-post", *SWITCH)
        server.kill("dnf")
        server.kill("ea-mpm")
        go()
        run.communicate(timeout=60)
    file = server.run("ls /var/lib/ea-mpm/journal/2*/packages/*prefork*"
                      ).stdout.strip()
    server.run(f"cp {file} /var/tmp/good && echo x >>{file}")
    done = tool_of(server)("recover")
    assert (done.rc, done.problem) == (5, "journal-corrupt"), done
    assert "prefork" in done.detail
    server.run(f"cp /var/tmp/good {file} && rm /var/tmp/good")
    assert tool_of(server)("recover").ok
    assert runs(server, "prefork")


def test_a_rollback_refuses_where_packages_or_files_were_changed(server):
    ea = tool_of(server)
    assert ea(*SWITCH).ok
    server.run(f"echo '# mine' >>{CONF}000_mod_mpm_event.conf; "
               "echo '# yours' >>/etc/apache2/conf.d/cgid.conf")
    after = server.tree()
    done = ea("rollback")
    assert (done.rc, done.problem) == (3, "changed-since-switch"), done
    change = ea("history").data["switches"][0]["id"]
    assert (f"/etc/apache2/conf.d/cgid.conf and {CONF}000_mod_mpm_event.conf "
            f"were edited after the change {change}") in done.detail
    assert f"ea-mpm rollback {change} --force" in done.detail
    same(after, server.tree())
    forced = ea("rollback", change, "--force")
    assert forced.ok, forced
    assert kept_edits(server, forced.err) == {
        f"{CONF}000_mod_mpm_event.conf": "# mine",
        "/etc/apache2/conf.d/cgid.conf": "# yours"}
    assert runs(server, "prefork")
    # The edit is not lost: rpm put it beside.
    assert server.read(CONF + "000_mod_mpm_event.conf.rpmsave"
                       ).endswith("# mine\n")
    server.run(f"rm {CONF}000_mod_mpm_event.conf.rpmsave "
               "/etc/apache2/conf.d/cgid.conf.rpmsave")
    assert ea(*SWITCH).ok
    server.run(["rpm", "-e", "--nodeps", "ea-apache24-mod_cgid"])
    done = ea("rollback")
    assert (done.rc, done.problem) == (3, "changed-since-switch"), done
    assert "ea-mpm switch prefork" in ea.text("rollback", expect=3)


def test_only_the_newest_changes_keep_their_packages(server):
    """Five of them; an older one says where else the way is."""
    ea = tool_of(server)
    server.run(["apachectl", "stop"])
    for _ in range(3):
        assert ea(*SWITCH, "--no-rehearsal").ok
        assert ea("rollback", "--no-rehearsal").ok
    sizes = [s["packages_bytes"] for s in ea("history").data["switches"]]
    assert [bool(s) for s in sizes] == [True] * 5 + [False]
    assert "packages:" in ea.text("history")


def test_show_notes_an_edit_that_rpm_put_aside(server):
    server.run(f"cp {PREFORK} {PREFORK}.rpmsave")
    note, = tool_of(server)("show").data["notes"]
    assert (note["problem"], note["file"]) == ("config-not-merged",
                                               PREFORK + ".rpmsave")
    assert f"diff {PREFORK} {PREFORK}.rpmsave" \
        in " ".join(tool_of(server).text("show").split())


def dnf_runs(system, *args):
    """The dnf commands of one run of ea-mpm."""
    system.run(": >/var/log/dnf.log")
    answer = tool_of(system)(*args)
    return answer, [line.split("Base command: ")[1] for line
                    in system.read("/var/log/dnf.log").splitlines()
                    if "Base command: " in line]


def test_options_that_check_tries_cost_no_second_fetch(server):
    """check finds that --without php is needed, and that it helps."""
    refused, tried = dnf_runs(server, "check", "event")
    assert refused.rc == 3
    assert "--without" in json.dumps(refused.data["findings"])
    ready, asked = dnf_runs(server, "check", "event", "--without", "php")
    assert ready.rc == 0
    assert sorted(tried) == sorted(asked)
    assert left_in_run(server) == []


def left_in_run(system):
    return system.run("ls -d /run/ea-mpm-*", check=False).stdout.split()


def test_what_a_killed_switch_left_in_tmpdir_is_swept(server):
    """By recover, but nothing that is somebody else's, or only looks so."""
    with server.gate("event-post") as go:
        run = server.waiting_run("event-post", *SWITCH)
        server.run(["kill", "-9", *server.pids("dnf"),
                    *server.pids("ea-mpm")])
        go()
        run.communicate(timeout=60)
    assert left_in_run(server)
    server.run("cd /run && mkdir -m 700 precious ea-mpm-scratch-other && "
               "touch precious/x ea-mpm-scratch-other/x && "
               "chown -R 12345 ea-mpm-scratch-other && "
               "ln -s precious ea-mpm-scratch-link && "
               "mkdir -m 755 ea-mpm-scratch-open && "
               "touch ea-mpm-scratch-open/x ea-mpm-scratch-file")
    assert tool_of(server)("recover").ok
    assert left_in_run(server) == [
        f"/run/ea-mpm-scratch-{name}" for name in
        ("file", "link", "open", "other")]
    assert server.run("cd /run && ls precious/x ea-mpm-scratch-open/x "
                      "ea-mpm-scratch-other/x").returncode == 0


def test_a_plan_sweeps_what_nobody_holds(server):
    server.run("mkdir -m 700 /run/ea-mpm-scratch-held "
               "/run/ea-mpm-scratch-dead; "
               "touch /run/ea-mpm-scratch-held/x /run/ea-mpm-scratch-dead/x")
    holder = server.popen(["flock", "/run/ea-mpm-scratch-held", "sh", "-c",
                           "echo held; cat"], stdin=-1, stdout=-1, text=True)
    assert holder.stdout.readline() == "held\n"
    assert tool_of(server)("plan", "event", "--without", "php").ok
    assert left_in_run(server) == ["/run/ea-mpm-scratch-held"]
    assert server.run("ls /run/ea-mpm-scratch-held").stdout == "x\n"
    holder.communicate("")
    assert tool_of(server)("plan", "event", "--without", "php").ok
    assert left_in_run(server) == []


def test_cpanels_script_stops_and_starts_the_server(server):
    """restartsrv_httpd --stop, then restartsrv_httpd, where it is."""
    server.restartsrv()
    ea = tool_of(server)
    done = ea(*SWITCH)
    assert done.ok, done
    assert server.read("/var/log/restartsrv").splitlines() \
        == ["restartsrv_httpd --stop", "restartsrv_httpd "]
    assert runs(server, "event")


def test_hooks_that_restart_the_server_are_left_their_work(server):
    """As cPanel's do after every transaction: then it is only verified."""
    server.restartsrv()
    server.write("/run/hook-event-posttrans",
                 f"#!/bin/sh\n{SCRIPT} --stop; {SCRIPT}\n", 0o755)
    before = server.tree()
    done = tool_of(server)(*SWITCH)
    assert done.ok, done
    assert done.data["verified"] == "running"
    assert server.read("/var/log/restartsrv").count("restartsrv_httpd") == 2
    assert runs(server, "event")
    assert tool_of(server)("rollback").ok
    prefork_as_before(server, before)


def test_a_hook_that_ends_the_server_is_made_good(server):
    """A reload between transaction and restart kills the old one."""
    server.write("/run/hook-event-posttrans", "#!/bin/sh\n"
                 "kill -USR1 $(cat /run/apache2/httpd.pid)\nsleep 1\n",
                 0o755)
    done = tool_of(server)(*SWITCH)
    assert done.ok, done
    assert runs(server, "event")


def test_cpanels_profile_of_the_state_before_is_named(server):
    server.write("/usr/local/bin/ea_current_to_profile", "#!/bin/sh\n"
                 "f=/etc/cpanel/ea4/profiles/custom/current_state_at_1.json\n"
                 "mkdir -p ${f%/*}; rpm -qa 'ea-*' | sort >$f; echo $f\n",
                 0o755)
    before = server.packages()
    ea = tool_of(server)
    assert ea(*SWITCH).ok
    profile = ea("history").data["switches"][0]["profile"]
    assert profile.endswith("current_state_at_1.json")
    assert server.read(profile).split() == before


def test_without_cpanels_tool_the_journal_has_the_profile(server):
    names = {p.rsplit("-", 2)[0] for p in server.packages()}
    ea = tool_of(server)
    assert ea(*SWITCH).ok
    change = ea("history").data["switches"][0]
    assert change["profile"].endswith(f"/journal/{change['id']}/profile.json")
    profile = json.loads(server.read(change["profile"]))
    assert set(profile["pkgs"]) == names
    assert profile["version"] and profile["name"] and profile["tags"]
