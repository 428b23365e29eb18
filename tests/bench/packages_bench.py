#!/usr/bin/env python3
"""Measure a switch of EasyApache 4's packages against a bare dnf.

In a sandbox with a real dnf and rpm database: the transaction alone, typed
into dnf's shell beside a stopped server, in turn with `ea-mpm switch` (its
transaction runs under the old server) and `rollback`. What counts is what the
switch adds to the transaction, and how long the server stood.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "packages"))

import ea4_rpm                                          # noqa: E402
from ea4 import PREFORK, SWITCH, tool_of                # noqa: E402
from fixtures.cache import Unavailable                  # noqa: E402

THERE = """install ea-apache24-mod_mpm_event
remove ea-apache24-mod_mpm_prefork
remove ea-apache24-mod_cgi
remove ea-php74-php
run
"""
BACK = """install ea-apache24-mod_mpm_prefork
install ea-php74-php
remove ea-apache24-mod_mpm_event
remove ea-apache24-mod_cgid
run
"""
LIMIT = 1000    # milliseconds of ours, beside the transaction


def by_dnf(server):
    """Milliseconds of dnf alone, there; it comes back untimed."""
    server.run(["apachectl", "stop"])
    took = []
    for script in (THERE, BACK):
        server.write("/var/tmp/script", script)
        began = time.monotonic()
        server.dnf("shell", "/var/tmp/script")
        took.append((time.monotonic() - began) * 1000)
    server.run(f"rm /var/tmp/script; test ! -e {PREFORK}.rpmsave || "
               f"mv {PREFORK}.rpmsave {PREFORK}")
    server.start()
    return took[0]


def by_switch(server):
    """{phase: milliseconds} of a switch, which is rolled back untimed."""
    ea = tool_of(server)
    done = ea.run("--progress-fd", "2", *SWITCH, "--no-rehearsal")
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    events = [json.loads(line) for line in done.stderr.splitlines()
              if line.startswith("{")]
    back = ea("rollback", "--no-rehearsal")
    if not back.ok:
        sys.exit(str(back))
    return {e["name"]: e["ms"] for e in events if e.get("state") == "end"} \
        | {"all": max(e["elapsed_ms"] for e in events)}


def main():
    """Measure in turn, print medians and the limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    try:
        system = ea4_rpm.made()
    except Unavailable as e:
        print(f"skipped: {e}")
        return 77
    with system as server:
        server.start()
        alone, phases = [], []
        for _ in range(rounds):
            alone.append(by_dnf(server))
            phases.append(by_switch(server))
    dnf = statistics.median(alone)
    print(f"{'dnf alone':24} {dnf:6.0f} ms")
    for name in phases[0]:
        print(f"{'switch: ' + name:24} "
              f"{statistics.median(one[name] for one in phases):6.0f} ms")
    ours = statistics.median(
        one["packages"] - bare + one["prepare"] + one["apply"]
        for one, bare in zip(phases, alone))
    print(f"ours beside it: {ours:.0f} ms (limit {LIMIT}) "
          f"{'ok' if ours <= LIMIT else 'over'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
