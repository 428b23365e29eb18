"""Nothing of a rehearsal gets out, nothing of the real system gets in."""

import json
import contextlib
import os
import random
import re
import signal
import subprocess
import time

import pytest

import stage
from fixtures.tool import EA_MPM, Tool, install

ROUNDS = int(os.environ.get("EA_MPM_REHEARSALS", "12"))

# A listener that notes every visitor in a file beside its socket.
LISTENER = r"""
import os, socket, sys
kind, path = sys.argv[1:3]
os.makedirs(os.path.dirname(path), exist_ok=True)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "dgram"
                  else socket.SOCK_STREAM)
s.bind(path)
os.chmod(path, 0o666)
if kind == "stream":
    s.listen(50)
print("up", flush=True)
while True:
    if kind == "stream":
        s.accept()[0].close()
    else:
        s.recv(4096)
    with open(path + ".visited", "a") as f:
        f.write("x")
"""

# A piped log is a program of the configuration that runs inside.
VISITOR = r"""#!/usr/bin/python3
import os, socket, sys
said = []
for kind, path in [line.split() for line in open("/srv/visit.txt")]:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "dgram"
                      else socket.SOCK_STREAM)
    try:
        s.connect(path)
        s.send(b"hello")
        said.append("reached " + path)
    except OSError as e:
        said.append(f"{e.errno} {path}")
for address in ("192.0.2.1", "10.0.0.1", "1.1.1.1"):
    s = socket.socket()
    s.settimeout(2)
    try:
        s.connect((address, 80))
        said.append("reached " + address)
    except OSError as e:
        said.append(f"{e.errno} {address}")
names = sorted(os.listdir("/sys/class/net")) if os.path.isdir(
    "/sys/class/net") else []
said.append("net " + " ".join(names))
sys.stderr.write("[visitor:crit] " + "; ".join(said) + "\n")
sys.stderr.flush()
sys.stdin.read()
"""


def test_what_is_written_inside_does_not_appear_outside(debian):
    """Logs, pid files, sockets, caches, a file written by a module: none of
    it, no time and no inode changes, with PHP, CGI and TLS caches running."""
    sb = debian("prefork", ["cgid", "ssl", "status"])
    stage.use_trap(sb, "TrapTouch /var/lib/touched")
    sb.write("/etc/apache2/conf-available/more.conf",
             "SSLSessionCache shmcb:/run/apache2/cache(512000)\n"
             "Mutex sysvsem\n")
    sb.run(["a2enconf", "-q", "more"])
    # A document root on a mount of its own, and a log that is too large to
    # be copied into memory.
    sb.run("mkdir -p /srv/own && mount -t tmpfs own /srv/own && "
           "echo own >/srv/own/index.html && "
           "truncate -s 3G /var/log/apache2/big.log")
    stage.add_site(sb, stage.vhost(
        "own.test", "/srv/own",
        more='CustomLog /var/log/apache2/big.log combined\n'
             'ErrorLog "|/usr/bin/rotatelogs /var/log/apache2/e.%Y 86400"'))
    stage.start(sb)
    touched = sb.read("/var/lib/touched")
    before = stage.digest(sb)
    semaphores = sb.run("ipcs -s").stdout
    done = Tool(sb)("rehearse", "event")
    assert done.rc == 0, done
    assert stage.digest(sb) == before
    assert sb.run("ipcs -s").stdout == semaphores
    assert sb.read("/var/lib/touched") == touched
    assert sb.run("ls /srv/own").stdout == "index.html\n"
    rows = {v["name"]: v for v in done.data["vhosts"]}
    assert rows["own.test"]["before"] == rows["own.test"]["after"] == 200


def test_no_real_service_can_be_reached_from_inside(debian):
    """Database, php-fpm, mail, D-Bus, syslog: sockets of all kinds in all
    places, and every network address."""
    sb = debian("prefork")
    sockets = {"stream": ["/run/mysqld/mysqld.sock",
                          "/run/php/php8.2-fpm.sock",
                          "/run/dbus/system_bus_socket",
                          "/var/spool/postfix/public/pickup",
                          "/srv/private.sock", "/tmp/ea-mpm-test.sock"],
               "dgram": ["/run/systemd/journal/dev-log"]}
    listeners = []
    marker = f"/tmp/ea-mpm-{os.getpid()}-{random.randrange(10**9)}.sock"
    sockets["stream"][-1] = marker
    try:
        for kind, paths in sockets.items():
            for path in paths:
                process = sb.popen(["/usr/bin/python3", "-c", LISTENER, kind,
                                    path], stdout=subprocess.PIPE, text=True)
                listeners.append(process)
                assert process.stdout.readline() == "up\n"
        sb.write("/srv/visit.txt", "".join(
            f"{kind} {path}\n" for kind, paths in sockets.items()
            for path in paths))
        sb.write("/usr/local/bin/visitor", VISITOR, 0o755)
        # What it says at level crit in the error log is quoted when a start
        # fails; so let it.
        stage.add_site(sb, 'CustomLog "|/usr/local/bin/visitor" combined\n')
        stage.use_trap(sb, "TrapHang always")
        done = Tool(sb, "--timeout", "4")("rehearse", "event")
        said = re.search(r"\[visitor:crit\] ([^\n]*)", done.detail)
        assert said, done
        said = said.group(1).split("; ")
        assert len(said) == 7 + 3 + 1 and "reached" not in " ".join(said)
        assert said[-1] == "net lo"
        for kind, paths in sockets.items():
            for path in paths:
                visited = sb.run(["test", "-e", path + ".visited"],
                                 check=False).returncode
                assert visited != 0, f"{path} was reached"
    finally:
        for process in listeners:
            process.kill()
            process.wait()
        for name in (marker, marker + ".visited"):
            if os.path.exists(name):
                os.unlink(name)


def test_a_socket_let_in_is_reached_and_only_that(debian):
    """--allow-socket names one; its neighbour stays out of reach."""
    sb = debian("prefork")
    listeners = []
    try:
        for path in ("/run/a/allowed.sock", "/run/a/other.sock"):
            process = sb.popen(["/usr/bin/python3", "-c", LISTENER, "stream",
                                path], stdout=subprocess.PIPE, text=True)
            listeners.append(process)
            assert process.stdout.readline() == "up\n"
        stage.use_trap(sb, "TrapConnect /run/a/allowed.sock")
        done = Tool(sb)("rehearse", "event", "--allow-socket",
                        "/run/a/allowed.sock")
        assert done.rc == 0, done
        assert sb.read("/run/a/allowed.sock.visited")
        sb.write("/etc/apache2/mods-available/trap.conf",
                 "TrapConnect /run/a/other.sock\n")
        done = Tool(sb)("rehearse", "event", "--allow-socket",
                        "/run/a/allowed.sock")
        assert done.data["result"] == "inconclusive"
        assert sb.run("test -e /run/a/other.sock.visited",
                      check=False).returncode != 0
        missing = Tool(sb)("rehearse", "event", "--allow-socket",
                           "/run/a/no.sock")
        assert missing.rc == 1
        assert "/run/a/no.sock" in missing.detail
    finally:
        for process in listeners:
            process.kill()
            process.wait()


def test_nothing_is_left_whatever_ends_it(debian):
    """Half of the rehearsals are killed with SIGKILL at a random moment, one
    in four is interrupted: no process, no mount, no file stays."""
    sb = debian("prefork", ["cgid"])
    stage.start(sb)
    Tool(sb)("rehearse", "event")
    before = stage.digest(sb)
    shapes = {"killed": 0, "interrupted": 0, "whole": 0}
    for i in range(ROUNDS):
        process = sb.popen([EA_MPM, "rehearse", "event", "--json"],
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        if i % 2 == 0 or i % 4 == 1:
            number = signal.SIGKILL if i % 2 == 0 else signal.SIGINT
            time.sleep(random.random() * 0.4)
            children = subprocess.run(
                ["cat", f"/proc/{process.pid}/task/{process.pid}/children"],
                capture_output=True, text=True).stdout.split()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), number)     # it may be done by now
            shapes["killed" if number == signal.SIGKILL
                   else "interrupted"] += 1
        else:
            shapes["whole"] += 1
        process.wait(timeout=60)
    assert shapes["killed"] >= ROUNDS // 2
    deadline = time.monotonic() + 10
    while stage.digest(sb) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    after = stage.digest(sb)
    assert after == before
    assert after[-1].split() == ["1"] * 5       # no world but this one


def test_interrupted_it_says_so_and_changes_nothing(debian):
    sb = debian("prefork")
    stage.use_trap(sb, "TrapHang threaded")
    stage.start(sb)
    process = sb.popen([EA_MPM, "switch", "event", "--json"],
                       stdout=subprocess.PIPE, text=True)
    # Its own "start" inside is a second httpd of the same command line.
    deadline = time.monotonic() + 20
    while int(sb.run("readlink "
                     "/proc/[0-9]*/ns/mnt | sort -u | wc -l").stdout) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = subprocess.run(
        ["cat", f"/proc/{process.pid}/task/{process.pid}/children"],
        capture_output=True, text=True).stdout.split()[0]
    os.kill(int(child), signal.SIGTERM)
    os.kill(int(child), signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    answer = json.loads(out)
    assert process.returncode == 1
    assert answer["problem"] == "interrupted"
    assert sb.get("http://127.0.0.1/")[0] == 200
    assert Tool(sb)("recover").data["changed"] is False


@pytest.mark.parametrize("how, word", [
    (["capsh", "--drop=cap_sys_admin", "--"], "mount namespace"),
    (["unshare", "--net", "--mount", "--", "capsh", "--drop=cap_sys_admin",
      "--"], "mount namespace"),
])
def test_without_the_right_it_names_what_is_missing(debian, how, word):
    """Without CAP_SYS_ADMIN there is no stage; the new configuration is then
    tested as one file, and a fault in it still refuses."""
    sb = debian("prefork")
    if sb.run("command -v capsh", check=False).returncode != 0:
        pytest.skip("needs capsh (libcap2-bin)")
    tool = f"{EA_MPM} --json rehearse event"
    done = sb.run([*how, "-c", tool], check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert '"rehearsal-unavailable"' in done.stdout
    assert word in done.stdout and "CAP_SYS_ADMIN" in done.stdout
    sb.write("/etc/apache2/conf-available/tuning.conf",
             "# mine\nMaxSpareServers 7\n")
    sb.run(["a2enconf", "-q", "tuning"])
    done = sb.run([*how, "-c", tool], check=False)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "MaxSpareServers" in done.stdout
    assert "line 2 of /etc/apache2/conf-enabled/tuning.conf" in done.stdout


def test_not_root_is_told(debian):
    sb = debian("prefork")
    done = sb.run(["setpriv", "--reuid=65534", "--regid=65534",
                   "--clear-groups", install(sb), "--json", "rehearse",
                   "event"], check=False)
    assert done.returncode in (1, 3), done.stdout + done.stderr
    assert "CAP_SYS_ADMIN" in done.stdout or "root" in done.stdout


# An overlay over /usr and one over that: as deep as the kernel stacks them.
DEEP = """
set -e
mount -t tmpfs deep /media
for d in usr srv; do
    mkdir -p /media/$d/u /media/$d/w /media/$d/m /media/$d/u2 /media/$d/w2
    mount -t overlay deep -o \
        lowerdir=/$d,upperdir=/media/$d/u,workdir=/media/$d/w /media/$d/m
    mount -t overlay deep -o \
        lowerdir=/media/$d/m,upperdir=/media/$d/u2,workdir=/media/$d/w2 /$d \
        2>/dev/null || mount --bind /media/$d/m /$d
done
"""


def test_where_no_overlay_can_be_had_it_binds_and_copies(debian):
    """File systems that are overlays of overlays already (containers in
    containers): read-only inside, document roots copied, sockets covered."""
    sb = debian("prefork")
    listener = None
    stage.add_site(sb, stage.vhost("deep.test", "/srv/deep"))
    sb.write("/srv/deep/index.html", "deep")
    sb.run(DEEP)
    try:
        listener = sb.popen(["/usr/bin/python3", "-c", LISTENER, "stream",
                             "/srv/s/here.sock"], stdout=subprocess.PIPE,
                            text=True)
        assert listener.stdout.readline() == "up\n"
        stage.start(sb)
        before = stage.digest(sb)
        done = Tool(sb)("rehearse", "event")
        assert done.rc == 0 and done.data["result"] == "passed", done
        row = [v for v in done.data["vhosts"]
               if v["name"] == "deep.test"][0]
        assert (row["before"], row["after"]) == (200, 200)
        assert stage.digest(sb) == before
        stage.use_trap(sb, "TrapConnect /srv/s/here.sock")
        done = Tool(sb)("rehearse", "event")
        assert done.data["result"] == "inconclusive"
        assert sb.run("test -e /srv/s/here.sock.visited",
                      check=False).returncode != 0
    finally:
        if listener:
            listener.kill()
            listener.wait()
