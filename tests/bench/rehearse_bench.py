#!/usr/bin/env python3
"""Measure the dress rehearsal on the distribution's Apache, in a sandbox.

Whole rehearsals (the current configuration and the target's) of a server
with 3 virtual hosts and PHP, and of one with 1,000 virtual hosts, each in
turn with a bare start and stop of the same server; and what is left of 100
rehearsals of which 50 are killed with SIGKILL at random moments, and how many
requests to the live server failed meanwhile.
"""

import argparse
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "rehearse"))

import stage                                            # noqa: E402
from fixtures import debian_tree, tool                  # noqa: E402
from fixtures.cache import Unavailable                  # noqa: E402

# Start, wait until it answers, stop, wait until it is gone; in one shell.
BARE = """
apache2ctl start 2>/dev/null
until curl -so /dev/null http://127.0.0.1/; do :; done
pid=$(cat /run/apache2/apache2.pid)
apache2ctl stop 2>/dev/null
while [ -e /proc/$pid ]; do sleep 0.002; done
"""


def timed(run):
    began = time.monotonic()
    run()
    return time.monotonic() - began


def rehearse(sb, *args):
    done = tool.Tool(sb)("rehearse", *args, timeout=300)
    assert done.data["result"] == "passed", done
    return done


def compare(title, sb, rounds, limit, *args):
    rehearsed, bare = [], []
    for i in range(rounds):
        turns = [lambda: rehearsed.append(timed(lambda: rehearse(sb, *args))),
                 lambda: bare.append(timed(lambda: sb.run(BARE)))]
        for turn in turns if i % 2 else reversed(turns):
            turn()
    ratio = statistics.median(r / b for r, b in zip(rehearsed, bare))
    median = statistics.median(rehearsed)
    print(f"{title:28} {median:6.2f} s (<= {limit} s)   bare start+stop "
          f"{statistics.median(bare):5.2f} s   ratio {ratio:.2f}", flush=True)
    return median <= limit


def hosts(sb, n):
    sb.run(f"for i in $(seq 0 {n - 1}); do mkdir -p /srv/v$i; done")
    stage.add_site(sb, "".join(stage.vhost(f"v{i}.test", f"/srv/v{i}")
                               for i in range(n)))


def without_logs(text):
    return [line for line in text.splitlines() if "/var/log/" not in line]


def run_and_kill(sb, count):
    for i in range(count):
        process = sb.popen([tool.EA_MPM, "rehearse", "worker", "--json"],
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        if i % 2:
            time.sleep(random.random() * 0.4)
            children = f"/proc/{process.pid}/task/{process.pid}/children"
            for pid in pathlib.Path(children).read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        process.wait(timeout=120)


def leftovers(sb, count):
    stage.start(sb)
    rehearse(sb, "worker")
    before = stage.digest(sb)
    with stage.Prober(sb) as live:
        run_and_kill(sb, count)
    deadline = time.monotonic() + 10
    while stage.digest(sb)[1:] != before[1:] and time.monotonic() < deadline:
        time.sleep(0.05)
    after = stage.digest(sb)
    # The live server's own log grew by the prober's requests.
    after, before = [[without_logs(text) for text in texts]
                     for texts in (after, before)]
    same = [a == b for a, b in zip(after, before)]
    names = ["files", "mounts", "processes", "namespaces"]
    print(f"left of {count} rehearsals, {count // 2} killed: " + ", ".join(
        f"{name} {'as before' if ok else 'CHANGED'}"
        for name, ok in zip(names, same)), flush=True)
    print(f"live server meanwhile: {live.ok} requests, {live.rate:.0f} a "
          f"second, {live.failed} failed (0)", flush=True)
    return all(same) and live.failed == 0


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--rounds", type=int, default=10)
    args.add_argument("--killed", type=int, default=100)
    given = args.parse_args()
    good = True
    try:
        if not stage.php_missing():
            with debian_tree.debian("prefork",
                                    [f"php{stage.php_version()}"]) as sb:
                hosts(sb, 3)
                good &= compare("rehearsal, 3 hosts, PHP", sb, given.rounds,
                                3, "event", "--with", "php=fpm")
        with debian_tree.debian("event") as sb:
            hosts(sb, 1000)
            good &= compare("rehearsal, 1000 hosts", sb,
                            max(3, given.rounds // 3), 15, "worker")
        with debian_tree.debian("event", ["cgid"]) as sb:
            good &= leftovers(sb, given.killed)
    except Unavailable as e:
        print(f"rehearsal bench skipped: {e}")
        return 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
