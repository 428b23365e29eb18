"""Who holds which privilege, and who ever held a byte of a request."""

import os
import re
import shutil
import subprocess

import pytest

import users
from load import Load, alternate
from procs import Process
from roles import by_role, have_zygote, only, role, workers_of
from wait import wait_until

CAP_SETGID, CAP_SETUID = 1 << 6, 1 << 7
ID_CHANGES = re.compile(
    r"\b(set(re|res|fs)?[ug]id(32)?|setgroups(32)?|capset)\(.*= 0$")
RECEIVES = re.compile(r"\b(read|readv|recvfrom|recvmsg|recvmmsg|pread64)\b")


@pytest.fixture(scope="module")
def server(httpd_for_module):
    """Two vhosts with a user and one without."""
    server = httpd_for_module("itkish", ["php"])
    server.php_ini()
    for name in ("alice.test", "bob.test"):
        number = users.numeric_uid()
        host = server.vhost(name, f"#{number}", f"#{number}")
        _fill(host)
    _fill(server.vhost("plain.test"))
    server.start()
    return server


def _fill(host):
    host.put("index.html", host.name)
    host.put("wait.php", "<?php $n = basename($_GET['until']); while "
             "(!file_exists(__DIR__ . \"/$n\")) { usleep(5000); "
             "clearstatcache(); } echo 'went';")


def _audit(server, seen):
    """Note every process that is more than it may be."""
    uids = {host.uid for host in server.hosts.values()}
    for p in server.processes():
        kind = role(server, p)
        allowed = 0
        if kind in ("spawner", "spare"):
            allowed = CAP_SETUID | CAP_SETGID
        if kind == "parent":
            continue
        if p.caps["CapPrm"] & ~allowed or p.caps["CapEff"] & ~allowed \
                or p.caps["CapInh"] or p.caps["CapAmb"]:
            seen.add(f"{kind} {p} has {p.caps}")
        if kind in ("child", "worker", "zygote") \
                and (len(set(p.uids)) != 1 or p.uid not in uids):
            seen.add(f"{kind} {p} has ids {p.uids}")
        if kind == "other" and p.privileged:
            seen.add(f"unnamed and privileged: {p}")


def test_nobody_but_the_spawner_holds_a_capability(server):
    """/proc of every process, sampled while the server is busy."""
    seen = set()
    with Load(server, alternate(*server.hosts)) as load:
        def enough():
            _audit(server, seen)
            return load.done > 1500
        wait_until(enough, "1,500 answers", 30)
    assert load.errors == [] and load.refused == [] and load.lost == 0
    assert seen == set()
    roles = by_role(server)
    assert len(roles["spawner"]) == len(roles["broker"]) == 1
    assert roles["broker"][0].seccomp == 2
    assert "other" not in roles


def test_a_worker_has_exactly_the_users_ids(server):
    """All four uids and gids, and the groups."""
    for name in ("alice.test", "bob.test"):
        host = server.hosts[name]
        assert host.get().status == 200
        found = wait_until(lambda h=host: workers_of(server, h), "a worker")
        for p in found:
            assert set(p.uids) == {host.uid} and set(p.gids) == {host.gid}
            assert p.groups in ([], [host.gid])
            assert str(host.uid) in p.title


def test_workers_cannot_be_read_by_their_own_user(server):
    """Workers hold TLS keys: they are not dumpable."""
    have_zygote(server, server.hosts["alice.test"])
    for name in ("worker", "zygote"):
        for p in by_role(server)[name]:
            assert os.stat(f"/proc/{p.pid}/mem").st_uid == 0


def _sockets_listening():
    inodes = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as f:
            for line in f.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    inodes.add(fields[9])
    return {f"socket:[{n}]" for n in inodes}


def test_a_role_keeps_no_descriptor_it_does_not_need(server):
    """Listeners, pipes of death, and sockets of other roles are closed."""
    have_zygote(server, server.hosts["alice.test"])
    have_zygote(server, server.hosts["bob.test"])
    roles = by_role(server)
    listening = _sockets_listening()
    ends = {}           # what: who has it
    for name in ("spawner", "broker", "spare", "zygote", "worker"):
        for p in roles.get(name, []):
            fds = p.fds()
            assert not listening & set(fds.values()), (name, p)
            pipes = [t for t in fds.values() if t.startswith("pipe:")]
            assert len(pipes) == len(set(pipes)), (name, p, fds)
            for target in set(fds.values()):
                if target.startswith("socket:"):
                    ends.setdefault(target, []).append((name, p.pid))
    # A connected pair has one inode an end: nobody of another identity may
    # hold the same end, except broker and child, who share those they lease.
    for target, holders in ends.items():
        kinds = {kind for kind, _ in holders}
        assert len(holders) == 1 or "broker" in kinds, (target, holders)


def test_a_script_inherits_no_descriptor(server):
    """What a program started by PHP has open: its own three and the pipe."""
    host = server.hosts["alice.test"]
    host.put("fds.php", "<?php echo shell_exec('ls -l /proc/self/fd');")
    said = host.get("/fds.php").text
    open_fds = [line for line in said.splitlines() if "->" in line]
    # PHP leaves the script itself open.
    others = [line for line in open_fds
              if not re.search(r" [0-2] -> |/proc/\d+/fd$|/fds\.php$", line)]
    assert open_fds and others == []


def test_scripts_may_start_set_id_programs(server):
    """mail() needs them: no seccomp filter, no no_new_privs, and the
    capabilities such a program may have are not taken away."""
    host = server.hosts["alice.test"]
    host.put("status.php", "<?php echo shell_exec('cat /proc/self/status');")
    said = dict(line.split(":", 1) for line in
                host.get("/status.php").text.splitlines())
    assert said["NoNewPrivs"].strip() == "0"
    assert said["Seccomp"].strip() == "0"
    assert said["CapPrm"].strip("\t 0") == ""
    assert int(said["CapBnd"], 16) == Process(os.getpid()).caps["CapBnd"]


def _trace(server, output):
    pids = [arg for p in server.processes() for arg in ("-p", str(p.pid))]
    tracer = subprocess.Popen(
        ["strace", "-f", "-q", "-s", "600", "-o", output, "-e",
         "trace=read,readv,recvfrom,recvmsg,recvmmsg,pread64,setuid,setgid,"
         "setreuid,setregid,setresuid,setresgid,setfsuid,setfsgid,setgroups,"
         "capset,fork,vfork,clone,clone3,execve", *pids],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def attached():
        def tracer_of(pid):
            with open(f"/proc/{pid}/status") as f:
                return "TracerPid:\t0\n" not in f.read()
        return all(tracer_of(p.pid) for p in server.processes())
    wait_until(attached, "strace attached to every process", 20)
    return tracer


def _calls(output):
    """(pid, system call) in the order in which they ended."""
    begun = {}
    with open(output, errors="replace") as f:
        for line in f:
            pid, _, rest = line.strip().partition(" ")
            rest = rest.strip()
            if rest.endswith("<unfinished ...>"):
                begun[pid] = rest[:-len("<unfinished ...>")].rstrip()
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>", rest)
            if resumed:
                rest = begun.pop(pid, "") + rest[resumed.end():]
            yield int(pid), rest


def _holders(output, word):
    """{pid: whether it changed ids or capabilities after it got WORD}."""
    holders = {}
    for pid, call in _calls(output):
        if word in call and RECEIVES.search(call):
            holders.setdefault(pid, False)
        elif pid in holders and ID_CHANGES.search(call):
            holders[pid] = True
    return holders


def _gave_up_first(output, word, pid, uids):
    """Whether PID, before it got WORD, became one of UIDS and then set its
    capabilities to none."""
    became = gave_up = False
    for caller, call in _calls(output):
        if caller != pid:
            continue
        if word in call and RECEIVES.search(call):
            break
        user = re.search(r"\bsetresuid\((\d+), \1, \1\) += 0$", call)
        if user:
            became = int(user.group(1)) in uids
        elif re.search(r"\bcapset\(.*effective=0, permitted=0, "
                       r"inheritable=0}\) += 0$", call):
            gave_up = became
    return gave_up


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("kind", ["mpm_itk", "itkish"])
def test_no_privileged_process_ever_held_a_request_byte(httpd, uid, tmp_path,
                                                        kind):
    """strace of every process: who received a request was nobody special by
    then (a spare has become somebody's worker and given up everything), and
    never changed its ids afterwards. mpm-itk's processes do."""
    server = httpd(kind, ["php"])
    server.php_ini()
    hosts = [server.vhost(f"{n}.test", uid()) for n in ("alice", "bob")]
    for host in hosts:
        _fill(host)
    server.start()
    if kind == "itkish":        # or it is born while strace attaches
        only(server, "spare")
    output = str(tmp_path / "trace")
    tracer = _trace(server, output)
    privileged = set()
    word = "RequestMarker"
    try:
        for n in range(20):
            assert hosts[n % 2].get(f"/?{word}").status == 200
            privileged |= {p.pid for p in server.processes() if p.privileged}
        with server.connect() as c:
            c.request(f"/wait.php?until=go&{word}", hosts[0].name)
            wait_until(lambda: server.workers(), "a worker")
            privileged |= {p.pid for p in server.processes() if p.privileged}
            hosts[0].put("go", "")
            assert c.reply().text == "went"
    finally:
        tracer.terminate()
        tracer.wait(10)
    holders = _holders(output, word)
    assert len(holders) >= 2
    if kind == "mpm_itk":
        assert any(holders.values())
        return
    assert server.pid not in holders
    uids = [host.uid for host in hosts]
    for pid in privileged & set(holders):
        assert _gave_up_first(output, word, pid, uids)
    assert not any(holders.values())
    for name in ("spawner", "broker"):
        assert only(server, name).pid not in holders
