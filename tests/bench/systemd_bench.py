#!/usr/bin/python3
"""The outage of a switch under systemd against `systemctl restart apache2`.

On a booted machine with our package, alternating, measured for both by the
same prober from outside the tool: it connects again and again inside the
machine's network and notes the longest time without an accepted connection.

A switch has to change files between stop and start, so it cannot use the one
transaction of a restart. What the two calls of systemctl cost by themselves
is measured and told as well: no switch can be quicker than that.
"""

import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fixtures import cache, debs                # noqa: E402
from fixtures.machine import Machine            # noqa: E402

ROUNDS = 20

PROBER = """
import select, socket, sys, time
worst = 0.0
last = time.monotonic()
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.001)[0]:
    s = socket.socket()
    s.settimeout(0.5)
    try:
        s.connect(("127.0.0.1", 80))
        now = time.monotonic()
        worst = max(worst, now - last)
        last = now
    except OSError:
        pass
    s.close()
print(worst * 1000)
"""


def outage(m, argv):
    """Milliseconds without an accepted connection while ARGV runs."""
    prober = subprocess.Popen(
        ["nsenter", "-t", str(m._leader), "-n", "--", sys.executable, "-c",
         PROBER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert prober.stdout.readline() == "ready\n"
    m.run(argv)
    out, _ = prober.communicate("stop\n", timeout=30)
    m.run(["systemctl", "reset-failed", "apache2"])
    return float(out)


def median_ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs))


def main():
    try:
        machine = Machine()
    except cache.Unavailable as e:
        print(f"systemd: not measured: {e}")
        return 0
    switches, restarts, pairs = [], [], []
    with machine as m:
        m.offline("a2dismod -q php8.2")
        m.boot()
        m.install(debs.package("ea-mpm"))
        for i in range(ROUNDS):
            target = ("event", "prefork")[i % 2]
            switches.append(outage(m, ["ea-mpm", "switch", target]))
            restarts.append(outage(m, ["systemctl", "restart", "apache2"]))
            pairs.append(outage(m, ["sh", "-c", "systemctl stop apache2 && "
                                    "systemctl start apache2"]))
    ratio = median_ratio(switches, restarts)
    print(f"systemd: outage of a switch {statistics.median(switches):.0f} ms,"
          f" of systemctl restart {statistics.median(restarts):.0f} ms,"
          f" median of paired ratios {ratio:.2f}"
          f" (limit 1.2, {ROUNDS} rounds)")
    print(f"systemd: stop and start without a change "
          f"{statistics.median(pairs):.0f} ms,"
          f" {median_ratio(pairs, restarts):.2f} of a restart")
    return 0 if ratio <= 1.2 else 1


if __name__ == "__main__":
    sys.exit(main())
