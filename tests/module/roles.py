"""The processes of an itkish server by role, as their titles say."""

import re

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
