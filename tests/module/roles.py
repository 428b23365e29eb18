"""The processes of an itkish server by role, as their titles say."""

import contextlib
import os
import re
import signal

from wait import wait_until

TITLE = re.compile(r"itk (spawner|broker|spare|zygote|worker)\b")


def role(server, process):
    """parent, child, spawner, broker, spare, zygote, worker; or other."""
    if process.pid == server.pid:
        return "parent"
    named = TITLE.search(process.title)
    if named:
        return named.group(1)
    return "child" if process.ppid == server.pid else "other"


def by_role(server):
    """{role: [process]} of everything that runs now."""
    found = {}
    for process in server.processes():
        found.setdefault(role(server, process), []).append(process)
    return found


def only(server, name):
    """The one process of a role; it may only just start or leave."""
    def one():
        found = by_role(server).get(name, [])
        return found[0] if len(found) == 1 else None
    return wait_until(one, f"one {name}")


def workers_of(server, host):
    """The workers that run as HOST's user."""
    return [p for p in by_role(server).get("worker", [])
            if p.uid == host.uid]


def have_zygote(server, host):
    """HOST's zygote, which he has once he needs two workers at a time."""
    with server.connect() as c:
        assert c.ask("/", host.name).status == 200
        assert host.get("/").status == 200
        found, = (p for p in by_role(server)["zygote"] if p.uid == host.uid)
        return found


def waits_for_work(process):
    """It has answered its child and waits for a message (the kernel's name
    for that; reading from a client has another)."""
    with open(f"/proc/{process.pid}/wchan") as f:
        return f.read() == "__skb_wait_for_more_packets"


def stop_idle(server, host):
    """Stop HOST's workers as their user may, and return the pids. A client may
    have all of its answer before the worker says so to its child; one that is
    stopped in between is at work, which is another matter."""
    stopped = set()
    for p in workers_of(server, host):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if p.state != "T":
                wait_until(lambda w=p: waits_for_work(w), "idle")
                os.kill(p.pid, signal.SIGSTOP)
                stopped.add(p.pid)
    return stopped
