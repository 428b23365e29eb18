"""Users for the tests: numbers that nobody else uses, and real accounts."""

import contextlib
import itertools
import os
import pwd
import grp
import subprocess

from fixtures.accounts import unchanged

PREFIX = "itkt"
_numbers = itertools.count()


def numeric_uid():
    """A uid of no account that no other test process hands out."""
    return 200_000 + (os.getpid() % 60_000) * 2_000 + next(_numbers) % 2_000


def _run(*argv):
    subprocess.run(argv, check=True, capture_output=True, text=True)


def _forget_stale():
    """Remove accounts whose test process died before it could."""
    for entry in list(pwd.getpwall()):
        if entry.pw_name.startswith(PREFIX) and _owner_is_gone(entry.pw_name):
            subprocess.run(["userdel", entry.pw_name], capture_output=True)
    for entry in list(grp.getgrall()):
        if entry.gr_name.startswith(PREFIX) and _owner_is_gone(entry.gr_name):
            subprocess.run(["groupdel", entry.gr_name], capture_output=True)


def _owner_is_gone(name):
    pid = name[len(PREFIX):].split("x")[0]
    return pid.isdigit() and not os.path.exists(f"/proc/{pid}")


@contextlib.contextmanager
def accounts(count):
    """COUNT accounts, each with a group of its own and one shared group."""
    stem = f"{PREFIX}{os.getpid()}x"
    names = [f"{stem}{chr(ord('a') + n)}" for n in range(count)]
    shared = f"{stem}s"
    with unchanged():
        _forget_stale()
        _run("groupadd", shared)
        for name in names:
            _run("groupadd", name)
            _run("useradd", "-M", "-N", "-g", name, "-G", shared,
                 "-d", "/nonexistent", "-s", "/usr/sbin/nologin", name)
    try:
        yield [pwd.getpwnam(name) for name in names]
    finally:
        with unchanged():
            for name in names:
                subprocess.run(["userdel", name], capture_output=True)
                subprocess.run(["groupdel", name], capture_output=True)
            subprocess.run(["groupdel", shared], capture_output=True)
