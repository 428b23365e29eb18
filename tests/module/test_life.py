"""Restarts, stops and logs: nothing lost, nothing left."""

import os
import re
import signal

import pytest

import users
from load import Load, alternate
from procs import Process
from roles import by_role, have_zygote, workers_of
from three_hosts import MAY_SAY, add_hosts, settled
from wait import wait_until


@pytest.fixture
def server(httpd):
    """alice, bob and a vhost of the server's own."""
    server = httpd("itkish", ["php"])
    server.php_ini()
    add_hosts(server)
    return server


def test_graceful_under_load_fails_nobody(server):
    """Seven graceful restarts; every request is answered by its vhost."""
    server.start()
    with Load(server, alternate(*server.hosts)) as load:
        for n in range(7):
            before = load.done
            server.graceful()
            wait_until(lambda b=before: load.done > b + 50, "50 answers")
    assert load.errors == [] and load.refused == []
    assert load.lost == 0
    wait_until(lambda: settled(server), "one spawner and one broker")


def test_graceful_lets_a_running_request_finish(server):
    """The old worker answers; the new generation serves meanwhile."""
    server.start()
    alice = server.hosts["alice.test"]
    with server.connect() as c:
        c.request("/wait.php", alice.name, close=True)
        old = wait_until(lambda: workers_of(server, alice), "a worker")
        server.graceful()
        assert alice.get().text == alice.name
        new = {p.pid for p in workers_of(server, alice)}
        assert new - {p.pid for p in old}
        alice.put("go", "")
        assert c.reply().text == "went"
    wait_until(lambda: not any(p.alive() for p in old), "old workers gone")
    wait_until(lambda: len(by_role(server)["spawner"]) == 1, "one spawner")


def test_an_idle_worker_of_an_old_generation_serves_nobody(server):
    """After a graceful, requests are answered by new workers only."""
    host = server.hosts["alice.test"]
    host.put("pid.php", "<?php echo getmypid();")
    server.start()
    old = {host.get("/pid.php").text for _ in range(3)}
    server.graceful()
    new = {host.get("/pid.php").text for _ in range(6)}
    assert not old & new


def test_graceful_takes_up_a_new_configuration(server, uid):
    """A user added, one removed, one changed."""
    server.start()
    alice = server.hosts["alice.test"]
    alice.put("id.php", "<?php echo posix_geteuid();", 0o644)
    assert alice.get("/id.php").text == str(alice.uid)
    fresh = users.numeric_uid()
    server.fragments = [f.replace(f"AssignUserID #{alice.uid} #{alice.uid}",
                                  f"AssignUserID #{fresh} #{fresh}")
                        for f in server.fragments]
    carol = server.vhost("carol.test", uid())
    carol.put("index.html", carol.name)
    server.write_config()
    server.graceful()
    assert alice.get("/id.php").text == str(fresh)
    assert carol.get().text == carol.name
    server.fragments = [re.sub(r"AssignUserID .*", "", f)
                        for f in server.fragments]
    server.write_config()
    server.graceful()
    assert alice.get("/id.php").text == str(Process(os.getpid()).uid or
                                            server.hosts["plain.test"].uid)
    wait_until(lambda: set(by_role(server)) == {"parent", "child"},
               "no role is left when nobody has a user")


def test_users_may_appear_on_a_graceful(httpd, uid):
    """A server started without identities gets them by graceful."""
    server = httpd("itkish")
    plain = server.vhost("plain.test")
    plain.put("index.html", plain.name)
    server.start()
    assert plain.get().status == 200
    alice = server.vhost("alice.test", uid())
    alice.put("index.html", alice.name)
    server.write_config()
    server.graceful()
    # A child of before may be about to take one connection more.
    wait_until(lambda: alice.get().text == alice.name, "alice is served")


def test_two_hundred_gracefuls_leak_nothing(httpd):
    """Processes, descriptors and memory of parent, spawner and broker."""
    server = httpd("itkish")        # without PHP, which leaks by itself
    add_hosts(server)
    server.start()

    def look():
        roles = by_role(server)
        return {name: (len(roles.get(name, [])),
                       len(roles[name][0].fds()) if name in roles else 0)
                for name in ("parent", "spawner", "broker")}

    for _ in range(20):
        server.graceful()
    assert server.get("/", "alice.test").status == 200
    wait_until(lambda: settled(server), "one spawner and one broker")
    before, memory = look(), Process(server.pid).anon_kib()
    for n in range(180):
        server.graceful()
        if n % 10 == 0:
            assert server.get("/", "alice.test").text == "alice.test"
    assert server.get("/", "alice.test").status == 200
    wait_until(lambda: settled(server), "one spawner and one broker")
    assert look() == before
    assert Process(server.pid).anon_kib() < memory + 100


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGWINCH])
def test_stop_leaves_nothing(server, number):
    """stop and graceful-stop, with warm workers and an open connection."""
    server.start()
    for name in server.hosts:
        assert server.get("/", name).status == 200
    for name in ("alice.test", "bob.test"):
        have_zygote(server, server.hosts[name])
    with server.connect() as c:
        assert c.ask("/", "alice.test").status == 200
        assert len(by_role(server)["zygote"]) >= 2
        server.stop(number)         # asserts that nothing is left


def test_graceful_stop_finishes_what_runs(server):
    """The request under way is answered, then everything goes."""
    server.start()
    alice = server.hosts["alice.test"]
    with server.connect() as c:
        c.request("/wait.php", alice.name, close=True)
        wait_until(lambda: workers_of(server, alice), "a worker")
        server.kill(signal.SIGWINCH)
        wait_until(lambda: server.log.count("AH00494|shutting down"),
                   "the stop has begun")
        alice.put("go", "")
        assert c.reply().text == "went"
    server.stop(signal.SIGWINCH)


def test_restart_brings_everybody_back(server):
    """A hard restart, three times, with requests before and after."""
    server.start()
    server.log.expect(MAY_SAY, required=False)
    for _ in range(3):
        for name in server.hosts:
            assert server.get("/", name).text == name
        server.restart()
    for name in server.hosts:
        assert server.get("/", name).text == name


def test_log_rotation_by_graceful(server):
    """Renamed logs get nothing more once the old generation is gone."""
    server.add(f"CustomLog {server.root}/logs/access.log \"%v %r\"")
    for name in ("alice.test", "bob.test"):
        assert server.hosts[name]
    server.start()
    log = f"{server.root}/logs/access.log"
    assert server.get("/?one", "alice.test").status == 200
    wait_until(lambda: any("?one" in x for x in server.access_log()), "a line")
    os.rename(log, log + ".1")
    server.graceful()
    assert server.get("/?two", "alice.test").status == 200
    wait_until(lambda: any("?two" in x for x in server.access_log()), "a line")
    assert not any("?two" in x for x in server.access_log("access.log.1"))


def test_idle_workers_go_away(server):
    """After ItkishIdleTimeout no worker and no zygote is left."""
    server.add("ItkishIdleTimeout 1")
    server.start()
    for name in server.hosts:
        assert server.get("/", name).status == 200
    assert server.workers()
    have_zygote(server, server.hosts["alice.test"])
    wait_until(lambda: not {"worker", "zygote"} & set(by_role(server)),
               "idle workers and zygotes gone", 15)
    assert server.get("/", "alice.test").text == "alice.test"


def test_spare_workers_stay(server):
    """ItkishMinSpare keeps some warm past the idle timeout."""
    server.add("ItkishIdleTimeout 1\nItkishMinSpare 1")
    server.start()
    host = server.hosts["alice.test"]
    assert host.get().status == 200
    warm = wait_until(lambda: workers_of(server, host), "a worker")
    mark = server.log.size()
    bob = server.hosts["bob.test"]

    def old_enough():
        bob.get()
        return Process(warm[0].pid) and _age(warm[0].pid) > 4
    wait_until(old_enough, "the worker is older than the timeout", 15, 0.2)
    assert warm[0].alive()
    assert server.log.text(mark).count("error") == 0


def _age(pid):
    with open(f"/proc/{pid}/stat") as f:
        started = int(f.read().rpartition(")")[2].split()[19])
    with open("/proc/uptime") as f:
        uptime = float(f.read().split()[0])
    return uptime - started / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("line, tuning", [
    ("ItkishConnectionsPerWorker 5", {}),
    ("", {"MaxConnectionsPerChild": 5})])
def test_workers_leave_after_their_connections(httpd, line, tuning):
    """No worker serves more than five connections, and most serve five."""
    server = httpd("itkish", ["php"], **tuning)
    server.php_ini()
    add_hosts(server)
    server.add(line)
    host = server.hosts["alice.test"]
    host.put("pid.php", "<?php echo getmypid();")
    server.start()
    pids = [host.get("/pid.php").text for _ in range(50)]
    counts = sorted(pids.count(pid) for pid in set(pids))
    assert counts[-1] == 5 and counts.count(5) >= 5, counts
