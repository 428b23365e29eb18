#!/usr/bin/python3
"""Write docs/layouts.md from the table in tools/ea-mpm/host/layouts.c and
the trees in tests/hosts:  python3 tests/facts/layout_docs.py >docs/layouts.md
"""

import pathlib
import sys

TOP = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
sys.path.insert(0, str(TOP / "tests/layouts"))

from fixtures import hosts                                  # noqa: E402
from table import REAL, rows                                # noqa: E402

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
| packages | the packages of the MPM, of its CGI module and, with consent, of what uses the old MPM: one transaction of dnf or apt, the way back fetched first; no line is edited |
| binary | the variable that names the MPM's program, in the file that the service reads; every other byte stays. On SUSE, where that program is not installed, first one transaction of zypper that installs its package in the version that fits the server, fetched before; the way back removes it again |
| rebuild | nothing: the MPM is compiled in; the refusal prints the configure line, make.conf line or port option that builds it with the other one, and what would break after that |
"""

_RESTART = """\

## Who restarts the server

The init system that runs it, else the layout's own command, else its control
program. Where somebody else depends on the running server, that comes first:

| the main process | what a switch does |
|---|---|
| is the first process of a container, or the only child of a small init (tini, dumb-init, a shell) | changes the files and says what restarts the container, which ends with the server; `--end-container` ends it as the very last thing |
| has runit's, s6's or daemontools' supervisor, or OpenRC's supervise-daemon as its parent | tells the supervisor to hold it, changes the files, lets it go again |
| has supervisord as its parent | changes the files and says what to type: nobody can tell how its control program is to be called |
| shares changed files with servers of other units (`apache2@NAME`, `httpd@NAME`) | stops, starts and verifies each of them too; if one fails, all go back |
| shares changed files with a server that no unit runs | is refused, with what to type |

In a Dockerfile there is no server: `RUN ea-mpm switch event` changes the
files of the image.
"""


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


def _packages(row):
    return ", ".join(_code(pair.split("=")[1])
                     for pair in row["mpm_packages"].split())


def _changes(row):
    if row["mechanism"] == "links":
        return "`mods-enabled/`, `/var/lib/apache2`"
    if row["mechanism"] == "loadmodule":
        return _code(row["mpm_file"])
    if row["mechanism"] == "binary":
        change = f"`{row['mpm_variable']}` in `{row['sysconfig']}`"
        if row["id"] == "suse":
            change += ", and the package of a program that is missing: " \
                + _packages(row)
        return change
    if row["mechanism"] == "packages":
        return "packages: " + _packages(row)
    return "refused"


def _restart(row):
    if row["container"]:
        return "the container ends with httpd: by hand, or `--end-container`"
    ways = [_code(unit) for unit in (row["units"] or "").split()]
    if row["control"]:
        path, start, stop = row["control"].split("|")
        ways.append(_code(f"{path} {start}")
                    + (f" and `{stop}`" if stop else ""))
    if row["ctl"]:
        ways.append(_code(row["ctl"]))
    return ", else ".join(ways)


def _tested(row):
    trees = [name for name in hosts.names()
             if hosts.spec(name)["expect"]["layout"]["id"] == row["id"]]
    said = [f"tests/hosts: {', '.join(trees)}"] if trees else []
    if row["id"] in REAL:
        said.append(REAL[row["id"]])
    return "; ".join(said) or "-"


def render():
    """The page."""
    page = _HEAD + ("\n| layout | recognised by | mechanism | changes | "
                    "restart | tested with |\n|---|---|---|---|---|---|\n")
    for row in rows():
        page += (f"| **{row['id']}** {row['title']} "
                 f"| {_evidence(row['evidence'])} | {row['mechanism']} "
                 f"| {_changes(row)} | {_restart(row)} | {_tested(row)} |\n")
    return page + _MECHANISMS + _RESTART


if __name__ == "__main__":
    sys.stdout.write(render())
