"""Killed or refused at every single call, the files are old or new.

The tool's own plan, journal, apply, undo and recover, driven over small
trees without a server (driver.c), once per call that changes a file system.
"""

import errno
import os
import pathlib
import subprocess
import tempfile

import pytest

import trees

DRIVER = trees.BUILD / "tests/crashdriver"
KINDS = {"links": trees.links, "lines": trees.lines}


class Bench:
    """One tree that is put back before every try."""

    def __init__(self, kind, directory):
        self.kind = kind
        self.clean = directory / "clean"
        self.root = directory / "root"
        self.log = directory / "log"
        self.clean.mkdir()
        KINDS[kind](self.clean)
        self.start = self.clean
        self.old = trees.snapshot(self.clean)
        self.reset()
        done = self.run("switch", "event")
        assert done.returncode == 0, done.stdout
        self.new = trees.untimed(trees.snapshot(self.root))
        assert self.new != trees.untimed(self.old)

    def reset(self):
        trees.copy(self.start, self.root)

    def run(self, *argv, at=None, how="kill", on=False):
        env = {"PATH": os.environ["PATH"]}
        if at is not None:
            env.update(LD_PRELOAD=str(trees.SHIM), FAULT_AT=str(at),
                       FAULT_HOW=str(how), FAULT_LOG=str(self.log))
        if on:
            env["FAULT_ON"] = "1"
        return subprocess.run([DRIVER, self.kind, self.root, *argv],
                              env=env, capture_output=True, text=True)

    def points(self, *argv):
        """How many calls a run makes that nothing disturbs."""
        self.log.unlink(missing_ok=True)
        done = self.run(*argv, at=0)
        assert done.returncode == 0, done.stdout
        self.calls = self.log.read_text().splitlines()
        assert len(self.calls) > 20
        return len(self.calls)

    def where(self, n):
        return f"call {n}: {self.calls[n - 1]}"

    def state(self):
        """"old" or "new", or what is wrong."""
        now = trees.snapshot(self.root)
        if now == self.old:
            return "old"
        if trees.untimed(now) == self.new:
            return "new"
        old = [f"{p}: {now.get(p)} was {self.old.get(p)}"
               for p in sorted(set(now) | set(self.old))
               if now.get(p) != self.old.get(p)]
        return "neither old nor new:\n" + "\n".join(old)

    def recovered(self, n):
        """Recover, twice; the state that is reached."""
        done = self.run("recover")
        assert done.returncode == 0, f"{self.where(n)}: {done.stdout}"
        state = self.state()
        assert state in ("old", "new"), f"{self.where(n)}: {state}"
        if n % 8 == 0:          # there is nothing left to do
            assert self.run("recover").returncode == 0
            assert self.state() == state
        return state


@pytest.fixture(params=sorted(KINDS))
def bench(request, tmp_path):
    """On a disk."""
    return Bench(request.param, tmp_path)


@pytest.fixture(params=sorted(KINDS))
def quick_bench(request, tmp_path):
    """In memory, where the machine has that: syncing is another test's."""
    if not os.access("/dev/shm", os.W_OK):
        yield Bench(request.param, tmp_path)
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield Bench(request.param, pathlib.Path(directory))


def told(bench, what, tried):
    print(f"{bench.kind}: {what}: {tried} points tried, all old or new")


def test_a_switch_killed_at_every_call_is_recovered(bench):
    """Old and new byte for byte, with mode, owner, attributes, times."""
    bench.reset()
    points = bench.points("switch", "event")
    seen = []
    for n in range(1, points + 1):
        bench.reset()
        done = bench.run("switch", "event", at=n)
        assert done.returncode == -9, f"{bench.where(n)}: {done}"
        seen.append(bench.recovered(n))
    assert set(seen) == {"old", "new"}      # killed after the commit: new
    told(bench, "switch killed", points)


def test_recover_killed_at_every_call_is_recovered(bench):
    """Undoing is interrupted as often as it likes."""
    bench.reset()
    points = bench.points("switch", "event")
    # All that was changed, and not yet committed.
    worst = next(n for n in range(points, 0, -1) if "rename" in
                 bench.calls[n - 1])
    bench.reset()
    bench.run("switch", "event", at=worst)
    trees.copy(bench.root, bench.clean.parent / "broken")
    bench.start = bench.clean.parent / "broken"
    assert bench.state() == "new"
    bench.reset()
    points = bench.points("recover")
    for n in range(1, points + 1):
        bench.reset()
        assert bench.run("recover", at=n).returncode == -9
        assert bench.recovered(n) == "old" or n == points, bench.where(n)
    told(bench, "recover killed", points)


def test_a_rollback_killed_at_every_call_is_recovered(bench):
    """The way back is as safe as the way there."""
    bench.reset()
    assert bench.run("switch", "event").returncode == 0
    trees.copy(bench.root, bench.clean.parent / "switched")
    bench.start = bench.clean.parent / "switched"
    bench.reset()
    points = bench.points("rollback")
    seen = []
    for n in range(1, points + 1):
        bench.reset()
        assert bench.run("rollback", at=n).returncode == -9
        seen.append(bench.recovered(n))
    assert set(seen) == {"old", "new"}
    told(bench, "rollback killed", points)


@pytest.mark.parametrize("error, on", [
    ("ENOSPC", False), ("EIO", False), ("EROFS", False), ("EACCES", False),
    ("ENOSPC", True), ("EROFS", True)])
def test_a_call_that_fails_loses_nothing(quick_bench, error, on):
    """The exit code tells the state: 0 new, 1 and 4 old, 5 recover."""
    bench = quick_bench
    bench.reset()
    points = bench.points("switch", "event")
    codes = {}
    for n in range(1, points + 1):
        bench.reset()
        done = bench.run("switch", "event", at=n, how=getattr(errno, error),
                         on=on)
        code = done.returncode
        where = f"{bench.where(n)}: exit {code}: {done.stdout}"
        assert code in (0, 1, 4, 5), where
        codes[code] = codes.get(code, 0) + 1
        if code == 0:
            assert bench.state() == "new", where + bench.state()
        else:
            assert done.stdout, where
        if code in (1, 4):
            assert bench.state() == "old", where + bench.state()
        state = bench.recovered(n)
        assert code == 5 or state == ("new" if code == 0 else "old"), where
    assert 1 in codes and len(codes) > 1, codes
    told(bench, f"{error}{' from then on' if on else ''} {codes}", points)
