"""Whatever breaks, the answer is 503 and a log line; never another user."""

import os
import re
import shutil
import signal

import pytest

from client import Closed
from roles import (by_role, have_zygote, only, role, stop_idle,
                   workers_of)
from wait import wait_until

LOG_ID = r"\bitk-[a-z-]+: "


@pytest.fixture
def server(httpd, uid):
    """alice and bob; what is theirs is 0600."""
    return _with_hosts(httpd("itkish", ["php"]), uid)


def _with_hosts(server, uid):
    server.php_ini()
    for name in ("alice.test", "bob.test"):
        host = server.vhost(name, uid())
        host.put("index.html", name)
        host.put("id.php", "<?php echo posix_geteuid();")
        host.put("wait.php", "<?php while (!file_exists(__DIR__ . '/go')) "
                 "{ usleep(5000); clearstatcache(); } echo 'went';")
    server.vhost("plain.test").put("index.html", "plain.test")
    return server


def _refused(server, name, pattern=LOG_ID, timeout=20):
    """NAME is answered with 503, once; the log says why, with an id."""
    mark = server.log.size()
    server.log.expect(LOG_ID)
    reply = server.get("/", name)
    assert reply.status == 503, reply
    assert int(reply.headers["Retry-After"]) > 0
    assert server.hosts[name].uid != 0
    wait_until(lambda: server.log.count(pattern, mark), pattern, timeout)
    return [line for line in server.log.text(mark).splitlines()
            if re.search(LOG_ID, line)]


def _freeze(server, *names):
    for name in names:
        os.kill(only(server, name).pid, signal.SIGSTOP)


def _thaw(server, pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass


def test_no_broker_is_503_for_a_user_nobody_runs_yet(server):
    """The broker is gone and nothing may restart it."""
    server.add("ItkishQueueTimeout 2")
    server.start()
    assert server.get("/", "plain.test").text == "plain.test"
    spawner, broker = only(server, "spawner"), only(server, "broker")
    os.kill(spawner.pid, signal.SIGSTOP)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        os.kill(broker.pid, signal.SIGKILL)
        _refused(server, "alice.test")
        assert server.get("/", "plain.test").text == "plain.test"
    finally:
        _thaw(server, [spawner.pid, server.pid])
    server.log.expect(LOG_ID, required=False)
    _comes_back(server)


def _comes_back(server, names=("alice.test", "bob.test")):
    for name in names:
        wait_until(lambda n=name: server.get("/", n).status == 200,
                   f"{name} is served again", 20)
        assert server.get("/", name).text == name


def test_a_stopped_broker_is_503_in_time(server):
    """A broker that does not answer costs ItkishQueueTimeout, not forever."""
    server.add("ItkishQueueTimeout 1")
    server.start()
    broker = only(server, "broker")
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        _refused(server, "alice.test")
    finally:
        _thaw(server, [broker.pid])
    server.log.expect(LOG_ID, required=False)
    _comes_back(server)


def test_a_stopped_spawner_is_503_in_time(server):
    """No zygote can be started: the same."""
    server.add("ItkishQueueTimeout 1")
    server.start()
    spawner = only(server, "spawner")
    os.kill(spawner.pid, signal.SIGSTOP)
    try:
        _refused(server, "alice.test")
    finally:
        _thaw(server, [spawner.pid])
    server.log.expect(LOG_ID, required=False)
    _comes_back(server)


def test_a_killed_broker_comes_back_by_itself(server):
    """And with it everybody is served, by the right user."""
    server.start()
    server.log.expect(r"itk-broker-restart|" + LOG_ID, required=False)
    uid = server.hosts["alice.test"].uid
    for _ in range(2):
        assert server.get("/id.php", "alice.test").text == str(uid)
        old = only(server, "broker").pid
        os.kill(old, signal.SIGKILL)
        wait_until(lambda o=old: [p for p in by_role(server).get("broker", [])
                                  if p.pid != o], "another broker", 20)
        _comes_back(server)


def test_a_killed_spawner_comes_back_by_itself(server):
    """The parent notices and starts all of it again."""
    server.start()
    server.log.expect(LOG_ID, required=False)
    assert server.get("/", "alice.test").text == "alice.test"
    old = only(server, "spawner").pid
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: [p for p in by_role(server).get("spawner", [])
                        if p.pid != old], "another spawner", 20)
    _comes_back(server)


def test_a_full_queue_is_503_after_its_timeout(server):
    """All workers busy: wait, then refuse; afterwards all is well."""
    server.add("ItkishMaxWorkers 1\nItkishQueueTimeout 1")
    server.start()
    with server.connect() as c:
        c.request("/wait.php", "alice.test", close=True)
        wait_until(lambda: workers_of(server, server.hosts["alice.test"]),
                   "alice's worker")
        lines = _refused(server, "bob.test")
        assert any("itk-queue-timeout" in line for line in lines), lines
        server.hosts["alice.test"].put("go", "")
        assert c.reply().text == "went"
    server.log.expect(LOG_ID, required=False)
    _comes_back(server)


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit")
def test_a_worker_that_cannot_be_forked_is_503(httpd, uid):
    """RLIMIT_NPROC of the user is used up by the zygote."""
    server = httpd("itkish", ["php"], wrapper=["prlimit", "--nproc=1"])
    _with_hosts(server, uid)
    server.add("ItkishQueueTimeout 2")
    server.start()
    lines = _refused(server, "alice.test")
    assert any("itk-spawn-failed" in line for line in lines), lines
    assert server.get("/", "plain.test").text == "plain.test"
    server.log.expect(LOG_ID, required=False)


def _bounded(*caps):
    return ["setpriv", "--bounding-set=-all,"
            + ",".join(f"+{cap}" for cap in caps)]


NEEDS_SETPRIV = pytest.mark.skipif(shutil.which("setpriv") is None,
                                   reason="needs setpriv")


@NEEDS_SETPRIV
@pytest.mark.parametrize("caps", [
    ("setuid", "setgid", "kill"),
    ("chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid",
     "setpcap", "net_bind_service", "net_raw", "sys_chroot", "mknod",
     "audit_write", "setfcap")])
def test_the_capabilities_of_a_container_are_enough(httpd, uid, caps):
    """SETUID, SETGID and KILL alone, and a container's default set."""
    server = httpd("itkish", ["php"], wrapper=_bounded(*caps))
    _with_hosts(server, uid)
    server.start()
    for name in ("alice.test", "bob.test"):
        assert server.get("/id.php", name).text == str(server.hosts[name].uid)
    server.graceful()
    assert server.get("/", "alice.test").text == "alice.test"


@NEEDS_SETPRIV
@pytest.mark.parametrize("missing", ["setuid", "setgid"])
def test_a_missing_capability_refuses_or_503(httpd, uid, missing):
    """Without SETUID or SETGID no vhost with a user is ever served."""
    have = {"setuid", "setgid", "kill", "dac_override"} - {missing}
    server = httpd("itkish", ["php"], wrapper=_bounded(*sorted(have)))
    _with_hosts(server, uid)
    server.add("ItkishQueueTimeout 1")
    server._spawn()
    wait_until(lambda: server.process.poll() is not None
               or server.log.count("resuming normal"), "up or refused", 20)
    said = server.said()
    if server.process.poll() is not None:
        server.process = None
        assert re.search("CAP_|AH02162|setgid|setuid", said), said
        server.log.checked = server.log.size()
        return
    try:
        reply = server.get("/", "alice.test")
        assert reply.status == 503, reply
    except (Closed, OSError):
        pass
    assert re.search("CAP_|AH0216|itk-", server.said())
    server.stop()


def test_a_stopped_worker_is_noticed_and_replaced(server):
    """SIGSTOP by its own user: others are served, the worker is ended."""
    server.add("ItkishQueueTimeout 3")
    server.start()
    host = server.hosts["alice.test"]
    assert host.get().text == host.name
    server.log.expect(LOG_ID, required=False)
    stop_idle(server, host)
    for _ in range(4):
        reply = host.get()
        assert reply.status == 200 and reply.text == host.name
    wait_until(lambda: all(p.state != "T" for p in workers_of(server, host)),
               "stopped workers are gone", 20)


def test_a_stopped_zygote_does_not_stop_the_others(server):
    """One user's zygote stopped: the other user is served."""
    server.add("ItkishQueueTimeout 1")
    server.start()
    alice, bob = (server.hosts[f"{n}.test"] for n in ("alice", "bob"))
    zygote = have_zygote(server, alice)
    os.kill(zygote.pid, signal.SIGSTOP)
    try:
        assert bob.get().text == bob.name
    finally:
        _thaw(server, [zygote.pid])
    server.log.expect(LOG_ID, required=False)
    _comes_back(server)


def test_a_hostile_worker_cannot_disturb_the_others(server):
    """Native code in a worker writes to everything it has open."""
    server.add("ItkishQueueTimeout 2")
    alice, bob = (server.hosts[f"{n}.test"] for n in ("alice", "bob"))
    alice.put("hostile.php", """<?php
$c = FFI::cdef('long send(int, const void *, unsigned long, int);
    int open(const char *, int); long write(int, const void *, unsigned long);
    int shutdown(int, int); int getsockopt(int, int, int, void *, void *);');
$sent = 0;
foreach ([40, 1, 39, 41, 4000] as $size)
    foreach (scandir('/proc/self/fd') as $fd) if (is_numeric($fd) && $fd > 2)
        for ($n = 0; $n < 20; $n++)
            $sent += $c->send((int)$fd, random_bytes($size), $size, 0x4040) > 0;
# Well-formed answers too: magic, type, and anything else.
foreach (range(1, 70) as $type)
    foreach (scandir('/proc/self/fd') as $fd) if (is_numeric($fd) && $fd > 2) {
        $m = pack('VvvVVVVPVV', 0x314b5449, $type, $type & 1, random_int(0, 3),
                  random_int(0, 3), random_int(0, 9), random_int(0, 9),
                  random_int(0, 99), 0, 0);
        $sent += $c->send((int)$fd, $m, 40, 0x4040) > 0;
    }
echo $sent;
""")
    server.start()
    server.log.expect(LOG_ID, required=False)
    server.log.expect(r"\[core:|\[http:|\[mpm_itkish:", required=False)
    # Spares are nobody's yet, and may become alice's.
    others = {p.pid for p in server.processes()
              if p.uid != alice.uid and role(server, p) != "spare"}
    for _ in range(5):
        try:
            alice.get("/hostile.php")
        except Closed:
            pass
        for _ in range(3):
            assert bob.get().text == bob.name
            assert bob.get("/id.php").text == str(bob.uid)
    assert alice.get("/id.php").text == str(alice.uid)
    left = {p.pid for p in server.processes()}
    assert not {p for p in others - left}, "others died of it"
