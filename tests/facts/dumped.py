"""Run dump_facts and read what it printed."""

import json
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD") or TOP / "build")
PROGRAM = str(BUILD / "tests/dump_facts")


def dump(*args, sandbox=None, **kw):
    """The facts as a dict; {"problem": ...} where they cannot be had."""
    argv = [PROGRAM, *map(str, args)]
    if sandbox:
        done = sandbox.run(argv, check=False, **kw)
    else:
        done = subprocess.run(argv, capture_output=True, text=True,
                              timeout=60, **kw)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert ("problem" in found) == (done.returncode == 1)
    return found
