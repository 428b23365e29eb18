#!/usr/bin/env python3
"""Measure ea-mpm on the distribution's Apache, in a sandbox.

show:   against one `httpd -t -D DUMP_MODULES` of the same configuration, with
        5, 1,000 and 5,000 virtual hosts. Both run in turn, in another order
        every round; what counts is the median of the rounds' ratios.
switch: its outage, as a prober on the port sees it, against that of
        `apache2ctl stop` and `start` of the same server.
"""

import argparse
import json
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fixtures import debian_tree, tool                  # noqa: E402
from fixtures.cache import Unavailable                  # noqa: E402

VHOST = """<VirtualHost *:80>
    ServerName site{n}.example
    ServerAlias www.site{n}.example
    DocumentRoot /var/www/html
    CustomLog /var/log/apache2/access.log combined
    <Directory /var/www/html>
        AllowOverride All
        Require all granted
    </Directory>
</VirtualHost>
"""

# Runs inside: times commands in turn, or watches a port meanwhile.
INSIDE = r"""
import json, os, socket, subprocess, sys, threading, time

def timed(argv):
    began = time.monotonic()
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return (time.monotonic() - began) * 1000

def outage(argvs):
    # From the first refused connection to the first accepted one, in ms.
    stop, marks = threading.Event(), {}
    def watch():
        while not stop.is_set():
            try:
                socket.create_connection(("127.0.0.1", 80), 1).close()
                if "down" in marks:
                    marks.setdefault("up", time.monotonic())
            except OSError:
                marks.setdefault("down", time.monotonic())
            time.sleep(0.0005)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    for argv in argvs:
        subprocess.run(argv, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, check=True)
    deadline = time.monotonic() + 20
    while "up" not in marks and time.monotonic() < deadline:
        time.sleep(0.001)
    stop.set()
    watcher.join()
    return (marks["up"] - marks["down"]) * 1000

job = json.load(sys.stdin)
env = subprocess.run("set -a; . /etc/apache2/envvars; env -0", shell=True,
                     capture_output=True, text=True).stdout
os.environ.update(e.split("=", 1) for e in env.split("\0") if "=" in e)
rows = []
for i in range(job["rounds"]):
    names = sorted(job["commands"], reverse=i % 2 == 1)
    if job["kind"] == "time":
        rows.append({n: timed(job["commands"][n][0]) for n in names})
    else:
        rows.append({n: outage(job["commands"][n]) for n in names})
json.dump(rows, sys.stdout)
"""


def measure(sb, kind, commands, rounds):
    done = sb.run(["/usr/bin/python3", "-c", INSIDE], timeout=900,
                  input=json.dumps({"kind": kind, "commands": commands,
                                    "rounds": rounds}))
    return json.loads(done.stdout)


def report(title, rows, mine, other, limit):
    ratio = statistics.median(r[mine] / r[other] for r in rows)
    print(f"{title:28} {mine} {statistics.median(r[mine] for r in rows):8.1f}"
          f" ms   {other} {statistics.median(r[other] for r in rows):8.1f} ms"
          f"   ratio {ratio:.2f} (<= {limit})", flush=True)
    return ratio <= limit


def bench_show(sb, rounds):
    # apache2ctl makes it at the first start; httpd does not run without.
    sb.run(["mkdir", "-p", "/run/apache2"])
    good = True
    for n in (5, 1000, 5000):
        sb.write("/etc/apache2/sites-enabled/bench.conf",
                 "".join(VHOST.format(n=i) for i in range(n)))
        rows = measure(sb, "time", {
            "show": [[str(tool.EA_MPM), "show"]],
            "httpd": [["/usr/sbin/apache2", "-t", "-D", "DUMP_MODULES"]],
        }, rounds)
        good &= report(f"show, {n} virtual hosts", rows, "show", "httpd",
                       1.3)
    return good


# apache2ctl does not wait for the old server to leave its ports.
STOP_START = [["sh", "-c", "pid=$(cat /run/apache2/apache2.pid); "
               "apache2ctl stop; while kill -0 $pid 2>/dev/null; do "
               "sleep 0.005; done; apache2ctl start"]]


def bench_outage(sb, rounds):
    sb.write("/etc/apache2/sites-enabled/bench.conf", VHOST.format(n=0))
    sb.run(["apache2ctl", "start"])
    ea = str(tool.EA_MPM)
    rows = measure(sb, "outage", {
        # there and back is one round; the outage seen is that of the first
        "switch": [[ea, "switch", "worker", "--no-rehearsal"]],
        "stop+start": STOP_START,
    }, 1)
    for _ in range(rounds - 1):
        sb.run([ea, "switch", "event", "--no-rehearsal"], timeout=120)
        rows += measure(sb, "outage", {
            "switch": [[ea, "switch", "worker", "--no-rehearsal"]],
            "stop+start": STOP_START,
        }, 1)
    return report("outage of a switch", rows, "switch", "stop+start", 1.2)


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--rounds", type=int, default=10)
    rounds = args.parse_args().rounds
    try:
        with debian_tree.debian("event") as sb:
            good = bench_show(sb, rounds)
        with debian_tree.debian("event") as sb:
            good &= bench_outage(sb, rounds)
    except Unavailable as e:
        print(f"tool bench skipped: {e}")
        return 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
