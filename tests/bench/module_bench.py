#!/usr/bin/env python3
"""Measure mod_mpm_itkish against stock prefork and the distribution's mpm-itk.

The three servers run at the same time with the same configuration and are
loaded in turn, in another order every round, so that what disturbs the
machine disturbs all of them; what counts is the median of the ratios taken
within a round.

The load comes from wrk with one thread. Without keep-alive it costs the same
CPU per request as ab (about 30 us here), and it can go round many virtual
hosts, speak TLS with a name, and counts every answer that is not a success.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "module"))

import env                                              # noqa: E402
import users                                            # noqa: E402
from procs import Process                               # noqa: E402

HOSTING = ["php", "ssl", "socache_shmcb", "rewrite", "deflate", "expires",
           "auth_basic", "authn_core", "authn_file", "authz_user",
           "autoindex", "cgi", "filter", "include", "negotiation", "proxy",
           "proxy_http", "reqtimeout", "status", "unique_id"]
MINIMAL = []


class Case:
    """One measurement: what is asked of which configuration."""

    def __init__(self, name, title, vs_stock=None, vs_itk=None, modules=HOSTING,
                 connections=10, path="/index.html", keepalive=False,
                 tls=False, hosts=1, identities=True, ask="own"):
        self.name, self.title = name, title
        self.vs_stock, self.vs_itk = vs_stock, vs_itk
        self.modules, self.connections = modules, connections
        self.path, self.keepalive, self.tls = path, keepalive, tls
        self.hosts, self.identities, self.ask = hosts, identities, ask


CASES = [
    Case("static10", "6-byte file, c=10", 0.80, 15),
    Case("static100", "6-byte file, c=100", 0.85, 15, connections=100),
    Case("minimal10", "6-byte file, few modules, c=10", 0.80, 7,
         modules=MINIMAL),
    Case("php10", "mod_php script, c=10", 0.80, 15, path="/hello.php"),
    Case("php100", "mod_php script, c=100", 0.80, 15, path="/hello.php",
         connections=100),
    Case("keep10", "keep-alive, c=10", 0.97, keepalive=True),
    Case("keep100", "keep-alive, c=100", 0.97, keepalive=True,
         connections=100),
    Case("tls10", "TLS, c=10", 0.93, 2.5, tls=True),
    Case("users200", "200 users in turn, c=10", 0.72, hosts=200),
    Case("users1000", "1,000 users in turn, c=10", 0.60, hosts=1000),
    Case("beside", "vhost without a user beside one", 0.99, ask="plain"),
    Case("unused", "module loaded, no user at all", 0.99, identities=False,
         ask="plain"),
]


def build(kind, case):
    """A started server for CASE."""
    c = case.connections
    server = env.Server(
        kind, case.modules, LogLevel="warn", StartServers=c + 6,
        MinSpareServers=5, MaxSpareServers=c + 12, MaxRequestWorkers=c + 60,
        KeepAlive="On", MaxKeepAliveRequests=0, ServerLimit=c + 60)
    if "php" in case.modules:
        server.php_ini()
    if case.tls:
        server.tls_port = server.listen(protocol="https")
        server.add("SSLSessionCache shmcb:run/ssl(512000)")
    for n in range(case.hosts):
        user = f"#{users.numeric_uid()}" if case.identities else None
        add_host(server, case, "localhost" if n == 0 else f"h{n}.test", user)
    add_host(server, case, "plain.test", None)
    server.start()
    return server


def add_host(server, case, name, user):
    """A vhost whose files stock prefork can read as well."""
    host = server.vhost(name, user, tls=case.tls,
                        port=getattr(server, "tls_port", None))
    host.put("index.html", "hello\n", 0o644)
    host.put("hello.php", "<?php echo 'hello', \"\\n\";", 0o644)


def lua_script(server, case):
    """A wrk script that asks every vhost in turn; returns its path."""
    names = [n for n in server.hosts if n != "plain.test"]
    if case.ask == "plain":
        names = ["plain.test"]
    path = os.path.join(server.root, "conf/load.lua")
    close = "" if case.keepalive else "Connection: close\\r\\n"
    with open(path, "w") as f:
        f.write("local asks, n = {}, 0\n")
        for name in names:
            f.write(f'asks[#asks + 1] = "GET {case.path} HTTP/1.1\\r\\n'
                    f'Host: {name}\\r\\n{close}\\r\\n"\n')
        f.write("request = function()\n    n = n % #asks + 1\n"
                "    return asks[n]\nend\n")
    return path


def load(server, case, seconds):
    """Requests per second; exits when an answer was not a success."""
    port = getattr(server, "tls_port", server.port)
    scheme = "https" if case.tls else "http"
    done = subprocess.run(
        ["wrk", "-t1", f"-c{case.connections}", f"-d{seconds}", "--timeout",
         "20", "-s", lua_script(server, case), f"{scheme}://localhost:{port}/"],
        capture_output=True, text=True)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    lost = re.search(r"Socket errors: (.*)", done.stdout)
    if not rate or bad or lost:
        sys.exit(f"{server.kind}/{case.name}: {done.stdout}{done.stderr}"
                 f"{server.log.text()[-2000:]}")
    return float(rate.group(1))


def server_cpu(server):
    """Seconds of CPU that a server has used, ended children included."""
    used = 0.0
    for process in server.processes():
        try:
            with open(f"/proc/{process.pid}/schedstat") as f:
                own = int(f.read().split()[0])      # nanoseconds
            with open(f"/proc/{process.pid}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        ended = sum(map(int, fields[13:15]))        # of its children
        used += own / 1e9 + ended / os.sysconf("SC_CLK_TCK")
    return used


def warm_up(server, case):
    """Everybody has been served once; caches between processes are full."""
    for name in list(server.hosts) if case.hosts > 1 else ():
        assert server.get(case.path, name).status == 200
    load(server, case, 1 + case.connections // 25)


def end(server):
    """Stop SERVER. What the peer leaves behind, as a process of mpm-itk that
    was just forked may be, is ended by pid and costs no measurement; of ours
    nothing may be left."""
    try:
        server.close()
    except AssertionError as e:
        if server.kind == "itkish":
            raise
        print(f"{server.kind}: {e}", file=sys.stderr)


@contextlib.contextmanager
def servers(kinds, case):
    """All kinds at once for one case."""
    made = {}
    try:
        for kind in kinds:
            made[kind] = build(kind, case)
        yield made
    finally:
        with contextlib.ExitStack() as all_of_them:
            for server in made.values():
                all_of_them.callback(end, server)


def measure(case, kinds, rounds, seconds):
    """({kind: [rate per round]}, {kind: CPU microseconds per request})."""
    rates = {kind: [] for kind in kinds}
    used = dict.fromkeys(kinds, 0.0)
    with servers(kinds, case) as made:
        for kind in kinds:
            warm_up(made[kind], case)
        for n in range(rounds):
            turn = kinds[n % len(kinds):] + kinds[:n % len(kinds)]
            for kind in turn:
                before = server_cpu(made[kind])
                rates[kind].append(load(made[kind], case, seconds))
                used[kind] += server_cpu(made[kind]) - before
    return rates, {kind: used[kind] * 1e6 / (sum(rates[kind]) * seconds)
                   for kind in kinds}


def ratio(rates, kind, to):
    """Median of the ratios of the rounds, or None."""
    if kind not in rates or to not in rates:
        return None
    return statistics.median(a / b for a, b in zip(rates[kind], rates[to]))


# ------------------------------------------------- latency and memory


def cold_latency(kind, path, count=120):
    """Median milliseconds of the first request to each of COUNT users."""
    case = Case("cold", "", path=path, hosts=count)
    with servers([kind], case) as made:
        server = made[kind]
        server.get(path, "plain.test")
        took = []
        for name in server.hosts:
            if name != "plain.test":
                before = time.perf_counter()
                reply = server.get(path, name)
                took.append((time.perf_counter() - before) * 1000)
                assert reply.status == 200, reply
    return statistics.median(took)


def total_pss(server):
    """KiB of all processes of a server."""
    total = 0
    for process in server.processes():
        try:
            total += Process(process.pid).pss_kib()
        except ProcessLookupError:
            pass
    return total


def settled_pss(server):
    """The same once nothing moves: connections just closed keep children and
    workers busy for a moment, and a spare may be about to be forked."""
    before, last = None, -1
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        pids = [p.pid for p in server.processes()]
        now = total_pss(server)
        if pids == before and abs(now - last) <= 4:
            return now
        before, last = pids, now
        time.sleep(0.3)
    return last


def hold(server, path, count, names):
    """COUNT connections that each got one answer and stay open."""
    kept = []
    for n in range(count):
        c = server.connect()
        reply = c.ask(path, names[n % len(names)])
        assert reply.status == 200, reply
        kept.append(c)
    return kept


def worker_pss(path, modules):
    """KiB that one more warm worker of a user costs. Every child has handed
    over a connection before, so that its own growth is not counted."""
    case = Case("pss", "", path=path, connections=30, modules=modules,
                hosts=2)
    with servers(["itkish"], case) as made:
        server = made["itkish"]
        for c in hold(server, path, case.connections + 6, ["h1.test"]):
            c.close()
        hold(server, path, 1, ["localhost"])[0].close()
        before, workers = settled_pss(server), len(server.workers())
        for c in hold(server, path, 21, ["localhost"]):
            c.close()
        more = len(server.workers()) - workers
        assert more >= 20, server.workers()
        return (settled_pss(server) - before) / more


def busy_pss(kind, path, modules):
    """MiB of all processes while 100 connections to 20 users are open."""
    case = Case("pss", "", path=path, connections=100, hosts=20,
                modules=modules)
    with servers([kind], case) as made:
        server = made[kind]
        names = [n for n in server.hosts if n != "plain.test"]
        kept = hold(server, path, 100, names)
        used = total_pss(server) / 1024
        for c in kept:
            c.close()
    return used


# ------------------------------------------------------------- output


def verdict(value, target, less=False):
    """How VALUE stands to TARGET, as a word."""
    if target is None or value is None:
        return ""
    good = value <= target if less else value >= target
    return "ok" if good else "short"


def show(value, form="{:.2f}x"):
    """VALUE or a dash."""
    return "-" if value is None else form.format(value)


def run_rates(cases, kinds, rounds, seconds):
    """Measure and print the throughput table; returns its rows."""
    print(f"{'case':34} {'stock/s':>9} {'itk/s':>9} {'itkish/s':>9} "
          f"{'vs stock':>9} {'target':>7} {'vs itk':>9} {'target':>7}   "
          "CPU us/request")
    rows = []
    for case in cases:
        rates, cpu = measure(case, kinds, rounds, seconds)
        row = {"case": case.name, "rates": rates, "cpu_us": cpu,
               "vs_stock": ratio(rates, "itkish", "prefork"),
               "vs_itk": ratio(rates, "itkish", "mpm_itk")}
        rows.append(row)
        middle = {kind: statistics.median(r) for kind, r in rates.items()}
        print(f"{case.title:34} {show(middle.get('prefork'), '{:.0f}'):>9} "
              f"{show(middle.get('mpm_itk'), '{:.0f}'):>9} "
              f"{show(middle.get('itkish'), '{:.0f}'):>9} "
              f"{show(row['vs_stock']):>9} "
              f"{show(case.vs_stock, '{:.2f}'):>7} "
              f"{show(row['vs_itk'], '{:.1f}x'):>9} "
              f"{show(case.vs_itk, '{:.1f}'):>7}   "
              f"{'/'.join(f'{cpu[kind]:.0f}' for kind in kinds):14} "
              f"{verdict(row['vs_stock'], case.vs_stock)} "
              f"{verdict(row['vs_itk'], case.vs_itk)}".rstrip(), flush=True)
    return rows


def run_costs(kinds):
    """Measure and print latency and memory; returns the values."""
    rows = {}

    def line(title, unit, values, target):
        rows[title] = values
        shown = "  ".join(f"{k} {v:.2f}" for k, v in values.items())
        print(f"{title:48} {shown} {unit} (target {target:g}) "
              f"{verdict(values.get('itkish'), target, less=True)}",
              flush=True)
    users_kinds = [k for k in kinds if k != "prefork"]
    line("first request of a cold user, p50", "ms",
         {k: cold_latency(k, "/index.html") for k in users_kinds}, 1.5)
    line("first PHP request of a cold user, p50", "ms",
         {k: cold_latency(k, "/hello.php") for k in users_kinds}, 3.0)
    if "itkish" in kinds:
        for title, path, modules, target in (
                ("few modules", "/index.html", MINIMAL, 180),
                ("PHP, few others", "/hello.php", ["php"], 420),
                ("all modules", "/index.html", HOSTING, 180),
                ("PHP, all modules", "/hello.php", HOSTING, 420)):
            line(f"one more warm worker, PSS: {title}", "KiB",
                 {"itkish": worker_pss(path, modules)}, target)
    for title, path, modules in (
            ("few modules", "/index.html", MINIMAL),
            ("all modules", "/index.html", HOSTING),
            ("PHP, all modules", "/hello.php", HOSTING)):
        title = f"100 connections, PSS of all: {title}"
        values = {k: busy_pss(k, path, modules) for k in kinds}
        line(title, "MiB", values, values.get("mpm_itk", 0))
    return rows


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true",
                        help="3 rounds of 1 s instead of 9 of 2 s")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--cases", help="comma-separated case names: "
                        + ",".join(c.name for c in CASES) + ",costs")
    parser.add_argument("--json", help="also write everything to this file")
    args = parser.parse_args()
    # So that the servers are stopped, whoever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rounds = args.rounds or (3 if args.quick else 9)
    seconds = args.seconds or (1 if args.quick else 2)
    kinds = [k for k in env.KINDS if env.missing(k, HOSTING) is None]
    for kind in env.KINDS:
        if kind not in kinds:
            print(f"{kind}: skipped: {env.missing(kind, HOSTING)}")
    if not kinds:
        return 77
    wanted = args.cases.split(",") if args.cases else None
    cases = [c for c in CASES if not wanted or c.name in wanted]
    print(f"{rounds} rounds of {seconds} s, {os.cpu_count()} CPUs; without "
          "keep-alive where not said")
    result = {"rounds": rounds, "seconds": seconds,
              "rates": run_rates(cases, kinds, rounds, seconds)}
    if not wanted or "costs" in wanted:
        result["costs"] = run_costs(kinds)
    if args.json:
        with tempfile.NamedTemporaryFile(
                "w", dir=os.path.dirname(os.path.abspath(args.json)),
                delete=False) as f:
            json.dump(result, f, indent=1)
        os.replace(f.name, args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
