#!/usr/bin/python3
"""Write docs/layouts.md from the table in tools/ea-mpm/host/layouts.c and
the trees in tests/hosts:  python3 tests/facts/layout_docs.py >docs/layouts.md
"""

import json
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))

from fixtures import hosts                                  # noqa: E402
from dumped import PROGRAM                                  # noqa: E402

_HEAD = """\
# Layouts

How distributions arrange httpd, and what `ea-mpm` does about it. A layout is
recognised by what is there, in the order of this table, never by the name of
the distribution; adding one is adding a row to
`tools/ea-mpm/host/layouts.c`, from which this page is written
(`tests/facts/layout_docs.py`).

Where `-l` shows an MPM that is compiled in, the mechanism is *rebuild*
whatever the row says. A server that fits no row, or is given with `--httpd`
or `--conf` from outside its row's directories, is treated as *source* with
the paths that its binary holds.
"""

_MECHANISMS = """\

## Mechanisms

| mechanism | what a switch changes |
|---|---|
| loadmodule | LoadModule lines: commented, uncommented, or inserted into the MPM file; every other byte stays |
| links | links in mods-enabled and conf-enabled, and the markers below /var/lib/apache2, as a2enmod and a2dismod leave them |
| packages | nothing: an MPM is a package there, and editing lines would be undone; the refusal says so and how to go on |
| binary | the variable that names the MPM's program, in the file that the service reads; every other byte stays |
| rebuild | nothing: the MPM is compiled in; the refusal says so and how to go on |
"""

_REAL = {"debian": "the package installed by dpkg in a sandbox, and booted "
                   "under systemd",
         "suse": "httpds built for these paths, a program an MPM, in a "
                 "sandbox",
         "rhel6": "httpds built for these paths, a program an MPM, in a "
                  "sandbox (2.4; 2.2 by its files alone)",
         "source": "httpd built from source, MPMs shared and static"}


def _code(text):
    return f"`{text}`" if text else ""


def _evidence(text):
    said = []
    for one in text.split():
        if one.startswith("!"):
            said.append(f"no `{one[1:]}`")
        elif "~" in one:
            path, _, word = one.partition("~")
            said.append(f"`{path}` with `{word}`")
        else:
            said.append(f"`{one}`")
    return ", ".join(said)


def _changes(row):
    if row["mechanism"] == "links":
        return "`mods-enabled/`, `/var/lib/apache2`"
    if row["mechanism"] == "loadmodule":
        return _code(row["mpm_file"])
    if row["mechanism"] == "binary":
        return f"`{row['mpm_variable']}` in `{row['sysconfig']}`"
    return "refused"


def _restart(row):
    if row["container"]:
        return "the container's first process is httpd: not restarted"
    ways = [_code(unit) for unit in (row["units"] or "").split()]
    if row["ctl"]:
        ways.append(_code(row["ctl"]))
    return ", else ".join(ways)


def _tested(row):
    trees = [name for name in hosts.names()
             if hosts.spec(name)["expect"]["layout"]["id"] == row["id"]]
    said = [f"tests/hosts: {', '.join(trees)}"] if trees else []
    if row["id"] in _REAL:
        said.append(_REAL[row["id"]])
    return "; ".join(said) or "-"


def render():
    """The page."""
    done = subprocess.run([PROGRAM, "--layouts"], capture_output=True,
                          text=True, check=True)
    page = _HEAD + ("\n| layout | recognised by | mechanism | changes | "
                    "restart | tested with |\n|---|---|---|---|---|---|\n")
    for row in json.loads(done.stdout):
        page += (f"| **{row['id']}** {row['title']} "
                 f"| {_evidence(row['evidence'])} | {row['mechanism']} "
                 f"| {_changes(row)} | {_restart(row)} | {_tested(row)} |\n")
    return page + _MECHANISMS


if __name__ == "__main__":
    sys.stdout.write(render())
