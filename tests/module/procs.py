"""What /proc says about the processes of one throwaway server."""

import os
import re


class Process:
    """A snapshot of one process; raises ProcessLookupError when it is gone."""

    def __init__(self, pid):
        self.pid = pid
        status = _read(f"/proc/{pid}/status")
        fields = dict(line.split(":", 1) for line in status.splitlines()
                      if ":" in line)
        self.state = fields["State"].split()[0]
        self.ppid = int(fields["PPid"])
        self.uids = tuple(map(int, fields["Uid"].split()))
        self.gids = tuple(map(int, fields["Gid"].split()))
        self.groups = sorted(map(int, fields["Groups"].split()))
        self.caps = {name: int(fields[name], 16) for name in
                     ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        self.seccomp = int(fields.get("Seccomp", "0"))
        stat = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        self.pgrp, self.session = int(stat[2]), int(stat[3])
        raw = _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
        self.title = raw or fields["Name"].strip()

    def __repr__(self):
        return (f"<{self.pid} uid={self.uids[1]} ppid={self.ppid} "
                f"{self.state} {self.title!r}>")

    @property
    def uid(self):
        """The effective uid."""
        return self.uids[1]

    @property
    def privileged(self):
        """Whether it is root in any id or holds any usable capability."""
        return (0 in self.uids or 0 in self.gids[:3]
                or self.caps["CapPrm"] != 0 or self.caps["CapEff"] != 0)

    def fds(self):
        """{fd: link target} of what it has open."""
        found = {}
        base = f"/proc/{self.pid}/fd"
        try:
            names = os.listdir(base)
        except OSError:
            return found
        for name in names:
            try:
                found[int(name)] = os.readlink(f"{base}/{name}")
            except OSError:
                pass
        return found

    def anon_kib(self):
        """Its private memory in KiB."""
        text = _read(f"/proc/{self.pid}/status")
        return int(re.search(r"^RssAnon:\s+(\d+)", text, re.M).group(1))

    def private_kib(self):
        """What it has written since it was forked, in KiB."""
        text = _read(f"/proc/{self.pid}/smaps_rollup")
        return int(re.search(r"^Private_Dirty:\s+(\d+)", text, re.M).group(1))

    def pss_kib(self):
        """Its proportional set size in KiB."""
        text = _read(f"/proc/{self.pid}/smaps_rollup")
        return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))

    def alive(self):
        """Whether the pid still runs (a zombie does not)."""
        try:
            return Process(self.pid).state != "Z"
        except ProcessLookupError:
            return False


def _read(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(path) from None


def processes(match):
    """Every process for which MATCH(process) holds, by pid; no zombies."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            process = Process(int(name))
        except (ProcessLookupError, OSError):
            continue
        if process.state != "Z" and match(process):
            found.append(process)
    return sorted(found, key=lambda p: p.pid)


def marked(pid, mark):
    """Whether the environment of PID holds the bytes MARK."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            return mark in f.read()
    except OSError:
        return False
