"""The processes of an itkish server by role, as their titles say."""

import re

TITLE = re.compile(r"itk (spawner|broker|zygote|worker)\b")


def role(server, process):
    """parent, child, spawner, broker, zygote, worker; or other."""
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
    """The one process of a role."""
    found = by_role(server).get(name, [])
    assert len(found) == 1, f"{name}: {found} of {server.processes()}"
    return found[0]


def workers_of(server, host):
    """The workers that run as HOST's user."""
    return [p for p in by_role(server).get("worker", [])
            if p.uid == host.uid]
