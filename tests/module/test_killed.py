"""Processes that are killed, stopped or die: only they are affected."""

import os
import signal

import pytest

from load import Load, alternate
from roles import by_role, have_zygote, only, stop_idle, workers_of
from three_hosts import MAY_SAY, WAIT, add_hosts, settled
from wait import wait_until


@pytest.fixture
def server(httpd):
    """alice, bob and a vhost of the server's own."""
    server = httpd("itkish", ["php"])
    server.php_ini()
    add_hosts(server)
    return server


@pytest.mark.parametrize("victim", ["worker", "zygote", "broker", "spawner",
                                    "child"])
def test_kill_9_under_load_costs_only_what_is_in_flight(server, victim):
    """At most one lost reply a kill (none for the broker); then all well."""
    server.start()
    server.log.expect(MAY_SAY, required=False)
    server.log.expect(r"\[mpm_prefork:", required=False)
    kills = 0
    with Load(server, alternate("alice.test", "bob.test")) as load:
        wait_until(lambda: load.done > 50, "load")
        for _ in range(3 if victim == "spawner" else 6):
            for p in by_role(server).get(victim, [])[:2]:
                try:
                    os.kill(p.pid, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
            before = load.done
            wait_until(lambda b=before: load.done > b + 30, "answers again",
                       20)
    assert load.errors == []
    print(f"{victim}: {kills} kills, {load.done} answers, {load.lost} lost, "
          f"{len(load.refused)} refused")
    allowed = {"worker": kills, "child": kills, "zygote": 0, "broker": 0,
               "spawner": 0}[victim]
    assert load.lost <= allowed
    assert all(r.status == 503 for r in load.refused)
    if victim in ("worker", "child", "zygote"):
        assert load.refused == []
    for name in server.hosts:
        assert server.get("/", name).text == name
    slots_are_free(server)


def slots_are_free(server):
    """As many requests at once as MaxRequestWorkers allows are served."""
    for name in ("alice.test", "bob.test"):
        server.hosts[name].put("wait.php", WAIT)
    held = []
    for n in range(20):
        c = server.connect()
        c.request("/wait.php", ("alice.test", "bob.test")[n % 2], close=True)
        held.append(c)
    # prefork adds children by ones, twos, fours; forty processes have to start.
    try:
        wait_until(lambda: len(by_role(server).get("worker", ())) >= 20,
                   "twenty workers at once: no slot is stuck", 60)
    except AssertionError as e:
        raise AssertionError(f"{e}: {server.processes()}") from None
    for name in ("alice.test", "bob.test"):
        server.hosts[name].put("go", "")
    for c in held:
        assert c.reply().text == "went"
        c.close()


def test_a_script_that_dies_costs_its_own_answer_only(server):
    """A worker that kills itself; its successor serves the next request."""
    host = server.hosts["alice.test"]
    host.put("die.php", "<?php posix_kill(getmypid(), 9);")
    server.start()
    server.log.expect("itk-worker-(died|lost)", required=False)
    for _ in range(5):
        head = b"GET /die.php HTTP/1.0\r\nHost: alice.test\r\n\r\n"
        assert server.raw(head) == b""
        assert host.get().text == host.name
    assert only(server, "broker")


def test_a_script_that_leaves_the_process_group_is_stopped_too(server):
    """setsid in a worker's script does not outlive stop."""
    host = server.hosts["alice.test"]
    host.put("setsid.php", "<?php posix_setsid(); echo 'ok';")
    server.start()
    assert host.get("/setsid.php").status == 200
    server.log.expect(MAY_SAY, required=False)
    server.stop()


def test_stopped_processes_do_not_keep_a_generation(server):
    """Workers and zygote stopped by their user, idle: gone with a
    graceful."""
    server.start()
    alice = server.hosts["alice.test"]
    have_zygote(server, alice)
    server.log.expect(MAY_SAY, required=False)
    stopped = [p for p in server.processes() if p.uid == alice.uid]
    stop_idle(server, alice)
    for p in stopped:
        os.kill(p.pid, signal.SIGSTOP)
    server.graceful()
    assert alice.get().text == alice.name
    wait_until(lambda: not any(p.alive() for p in stopped), "they are gone")
    wait_until(lambda: settled(server), "one spawner and one broker")


def test_workers_of_a_killed_broker_leave(server):
    """A user's only worker, which has no zygote to tell it, another user's
    zygote and workers, one of them stopped; nobody asks for them again."""
    server.start()
    server.log.expect(MAY_SAY, required=False)
    alice, bob = (server.hosts[f"{n}.test"] for n in ("alice", "bob"))
    have_zygote(server, bob)
    assert alice.get().status == 200
    old = [p for p in server.processes() if p.uid in (alice.uid, bob.uid)]
    stop_idle(server, alice)
    os.kill(only(server, "broker").pid, signal.SIGKILL)
    wait_until(lambda: not any(p.alive() for p in old), "they are gone", 20)
    for host in (alice, bob):
        assert host.get().text == host.name


def test_stopped_idle_workers_use_up_no_place(server):
    """Their user stops them again and again; others are served."""
    server.add("ItkishMaxWorkers 4\nItkishIdleTimeout 1")
    server.start()
    server.log.expect(MAY_SAY, required=False)
    alice, bob = (server.hosts[f"{n}.test"] for n in ("alice", "bob"))
    seen = set()

    def many():
        assert alice.get().text == alice.name
        seen.update(stop_idle(server, alice))
        assert bob.get().text == bob.name
        return len(seen) >= 5
    wait_until(many, "stopped workers are replaced", 40)
    wait_until(lambda: not [p for p in workers_of(server, alice)
                            if p.state == "T"], "stopped ones are gone", 40)
