"""Each message between the processes of a really started server, cut short,
changed, lost, refused by the kernel: the answer is 503 or right (another
worker's), never another user's; one line says so; then all is as before."""

import contextlib
import os
import re
import signal
import time

import pytest

import helpers_build
import users
from client import Closed
from faults import FORK, RECV, Faults, Rule, What, changed
from roles import by_role, only, stop_idle, waits_for_work
from wait import wait_until

# As in itk_wire.h.
(HELLO, LEASE, FETCH, RETURN, STUCK, LEAVES) = (2, 4, 6, 8, 12, 14)
(WELCOME, GRANT, DENY, ALSO) = (3, 5, 7, 9)
(JOB, QUIT, PING, DONE, REFUSED, PONG) = (20, 22, 24, 21, 23, 25)
(ZYGOTE, SIGNAL, FIRST) = (40, 42, 44)
(ZYGOTE_UP, FIRST_UP, FIRST_DOWN) = (41, 45, 47)
(SPAWN, SPAWNED, DIED) = (60, 61, 63)

WORKERS = 4             # ItkishMaxWorkers
QUEUE_MS = 300          # ItkishQueueTimeout
DEADLINE = 15.0         # an answer, of whatever kind, takes no longer
HOSTS = 520             # each row takes a user of its own
ID = re.compile(r":(?:warn|error|crit)\].*? (itk-[a-z-]+): ")

BAD, LOST, DIED_OF = "itk-bad-message", "itk-worker-lost", "itk-worker-died"
WRONG, STUCK_IS = "itk-wrong-generation", "itk-worker-stuck"
AGAIN, NOBODY = "itk-broker-restart", "itk-no-broker"
UNFORKED = "itk-spawn-failed"


class World:
    """The server, its rules, and what a test asks of it."""

    def __init__(self, make):
        self.server = make("itkish", ["status"], StartServers=8,
                           MinSpareServers=1, MaxSpareServers=20)
        self.server.add(f"ItkishMaxWorkers {WORKERS}\nItkishIdleTimeout 1\n"
                        f"ItkishQueueTimeout {QUEUE_MS}ms\n")
        self.faults = Faults(self.server)
        self.plain = self.server.vhost("plain.test", extra="<Location /status>"
                                       "\nSetHandler server-status\n"
                                       "</Location>")
        self.plain.put("index.html", "plain.test")
        self.hosts = [self._host(n) for n in range(HOSTS)]
        self.unused = iter(self.hosts[WORKERS:])
        self.slow = []          # hosts of rows that take their time
        self.server.start()
        self.pids(())
        self.before = self.open_files()

    def _host(self, n):
        # The files of one host are no other user's, nor the server's own.
        host = self.server.vhost(f"h{n}.test", f"#{users.numeric_uid()}")
        host.put("index.html", host.name)
        return host

    def pids(self, rules):
        """The processes that RULES speak of, when there is the spare that the
        next new user takes."""
        def spare():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                # One that is somebody's now may still have that title.
                return any(waits_for_work(p) for p in
                           by_role(self.server).get("spare", ()))
            return False
        wait_until(spare, "a spare", 15)
        return {name: only(self.server, name).pid for name in
                {rule.by.lstrip("-") for rule in rules if rule.by}}

    def ask(self, host):
        """What becomes of one request: ok, 503 or closed; nothing else."""
        begun = time.monotonic()
        try:
            reply = host.get()
        except (Closed, ConnectionResetError):
            return "closed"
        finally:
            assert time.monotonic() - begun < DEADLINE, "too late"
        return self.judge(reply, host)

    @staticmethod
    def judge(reply, host):
        """The same of a reply that came."""
        if reply.status == 503:
            assert int(reply.headers["Retry-After"]) > 0
            return "503"
        assert (reply.status, reply.text) == (200, host.name), reply
        return "ok"

    def said(self, mark):
        """The ids of the lines since MARK, but for those on slow rows and
        those that all_serve() causes when it asks too early."""
        return sorted(
            found.group(1) for line in self.server.log.text(mark).splitlines()
            if not any(re.search(rf"#{host.uid}\b", line)
                       for host in self.slow)
            for found in [ID.search(line)]
            if found and found.group(1) != "itk-queue-timeout")

    def all_serve(self):
        """As many workers as there may be serve at once: no place is lost.
        (One that was told to leave may take a moment.)"""
        def at_once():
            held = [self.server.connect() for _ in range(WORKERS)]
            try:
                # All are asked before any is given up.
                return ["ok"] * WORKERS == [
                    self.judge(c.ask("/", host.name), host)
                    for c, host in zip(held, self.hosts)]
            finally:
                for c in held:
                    c.close()
        wait_until(at_once, "all workers serve again", DEADLINE)

    def open_files(self):
        """{role: numbers of open files of its processes}; those of a child
        without the pairs of workers."""
        roles = by_role(self.server)
        return {name: [sum(1 for fd in p.fds() if fd < 512)
                       for p in roles.get(name, ())]
                for name in ("parent", "spawner", "broker", "child")}

    def run(self, row, label):
        """One row; what is wrong with it, or None."""
        how, rules, outcome, ids = row
        host = next(self.unused)
        pids = self.pids(rules)
        mark = self.server.log.size()
        try:
            with self.faults.on(rules, pids):
                came = how(self, host, rules)
                wait_until(lambda: self.faults.hits(len(rules)) == len(rules),
                           "the message came by")
            wait_until(lambda: self.ask(host) == "ok", "it is served again",
                       DEADLINE)
            self.all_serve()
            wait_until(lambda: len(self.said(mark)) >= len(ids),
                       f"{ids} in the log", DEADLINE)
        except AssertionError as e:
            return f"{label}: {e}: {self.said(mark)}"
        said = self.said(mark)
        if UNFORKED in ids:     # for a second the broker does not try again
            ids, said = set(ids), set(said)
        if (came, sorted(said)) != (outcome, sorted(ids)):
            return f"{label}: {came}, {said}; not {outcome}, {ids}"
        return None


# How a message is brought about; each gives what became of the request.

def first(world, host, rules):
    """The first request of a user: through the broker, the spawner, the spare
    and back."""
    del rules
    return world.ask(host)


def second(world, host, rules):
    """A user's second request at the same time: his zygote is started, and
    forks the worker."""
    del rules
    with world.server.connect() as c:
        assert world.judge(c.ask("/", host.name), host) == "ok"
        return world.ask(host)


def later(world, host, rules):
    """Requests until some child asks for the pair of a worker it never met;
    there are others that it could be sent along with that one."""
    def met():
        nonlocal host
        for n in range(24):
            outcome = world.ask(world.hosts[n // 2 % 2] if n % 2 else host)
            if world.faults.hits(len(rules)):
                return outcome
        host = next(world.unused)       # every child has met that one
        return None
    return wait_until(met, "a message of that kind")


def stopped(world, host, rules):
    """A worker that its user stopped, and lets go on in the end. (It may just
    have been told to leave, as idle.)"""
    def met():
        assert world.ask(host) == "ok"
        stopped = stop_idle(world.server, host)
        try:
            outcome = world.ask(host)
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        return world.faults.hits(len(rules)) and outcome
    return wait_until(met, "a message of that kind", 2 * DEADLINE)


def queued(world, host, rules):
    """One request more than workers, until one is free."""
    def met():
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(world.server.connect())
                    for _ in range(WORKERS + 1)]
            last = held.pop()
            for c, other in zip(held, world.hosts):
                if c.ask("/", other.name).status != 200:
                    return None     # a worker of before is still leaving
            last.request("/", host.name, close=True)
            assert world.plain.get().status == 200
            for c in held:
                c.close()
            outcome = world.judge(last.reply(), host)
        return world.faults.hits(len(rules)) and outcome
    return wait_until(met, "a message of that kind")


# What is done to a message: faults that every reader must notice, refusals of
# the kernel, and wrong contents.

CUT = {f"{n} bytes": (What.RESIZE, n) for n in (39, 1, 41, 64)}
REFUSED_BY_KERNEL = {name: (What.FAIL, number) for name, number in (
    ("ENOBUFS", 105), ("EPIPE", 32), ("EMSGSIZE", 90))}
UNKNOWN = {"type": (What.SET, 99), "flags": (What.SET, 0x8000),
           "magic": (What.ADD, 1)}
CARRIES = (GRANT, ALSO, JOB, ZYGOTE, FIRST, SPAWN)


def rows(kind, how, bad, failed=("ok", ()), by=None, before=(), empty=None,
         kernel=tuple(REFUSED_BY_KERNEL), **fields):
    """{what: row} for messages of KIND. BAD: what follows when they make no
    sense, EMPTY when they look like the end, FAILED when they cannot be sent;
    FIELDS: what follows when that field is one more."""
    found = {}

    def add(name, rule, follows):
        found[name] = (how, [*before, rule], *follows)
    for name, (what, value) in CUT.items():
        add(name, Rule(kind, what, value, by=by), bad)
    for name, (what, value) in UNKNOWN.items():
        add(name, Rule(kind, what, value, name, by=by), bad)
    add("one descriptor more", Rule(kind, What.MORE_FD, by=by), bad)
    if kind in CARRIES:
        add("no descriptor", Rule(kind, What.NO_FD, by=by), bad)
    add("0 bytes", Rule(kind, What.RESIZE, 0, by=by), empty or bad)
    for name in kernel:
        what, value = REFUSED_BY_KERNEL[name]
        add(name, Rule(kind, what, value, by=by), failed)
    for name, follows in fields.items():
        add(name, changed(kind, name, "+1", by=by), follows)
    return found


OK = ("ok", ())
SAYS = ("ok", (BAD,))
ANEW = ("ok", (AGAIN,))
SAYS_ANEW = ("ok", (BAD, AGAIN))
CUT_OFF = Rule(LEASE, What.RESIZE, 39)      # that child has to say hello
UNKNOWN_USER = changed(LEASE, "ident", 0)   # is denied
OTHER_WORKER = changed(GRANT, "ident", "+1")    # is not taken, and asked
OTHER_TIME = changed(JOB, "gen", "+1")      # is refused

LEGS = {
    "lease": {
        **rows(LEASE, first, SAYS, empty=OK, gen=SAYS, ident=("503", (BAD,)),
               slot=OK, serial=OK, nonce=("503", (NOBODY,)), value=OK),
        "lost": (first, [Rule(LEASE, What.LOSE)], "503", (NOBODY,))},
    "fetch": rows(FETCH, later, SAYS, empty=OK, gen=SAYS, ident=OK, slot=OK,
                  serial=OK, value=OK),
    "return": rows(RETURN, queued, SAYS, empty=OK, gen=SAYS, ident=OK,
                   slot=OK, serial=OK, value=OK),
    "grant": {
        **rows(GRANT, first, OK, gen=("503", (BAD,)), ident=("503", (BAD,)),
               slot=OK, serial=("503", (WRONG,)), value=OK),
        "no file number free": (
            first, [Rule(GRANT, What.NO_ROOM, where=RECV)], *OK)},
    "also": {
        **rows(ALSO, later, OK, gen=OK, ident=OK, slot=OK, serial=OK,
               nonce=OK, value=OK),
        "no file number free": (
            later, [Rule(ALSO, What.NO_ROOM, where=RECV)], *OK)},
    "hello": {
        **rows(HELLO, first, ("ok", (BAD, BAD)), ("ok", (BAD,)),
               before=[CUT_OFF], gen=("ok", (BAD, BAD)), slot=SAYS,
               nonce=("503", (BAD, NOBODY))),
        "0 bytes": (first, [CUT_OFF, Rule(HELLO, What.RESIZE, 0)], "ok",
                    (BAD, BAD))},
    "welcome": rows(WELCOME, first, SAYS, SAYS, before=[CUT_OFF], gen=SAYS,
                    ident=SAYS, slot=SAYS, value=SAYS),
    "deny": {
        **rows(DENY, first, OK, before=[UNKNOWN_USER], gen=("503", (BAD,))),
        **{f"for reason {n}": (
            first, [UNKNOWN_USER, changed(DENY, "value", n)], "503", (BAD,))
           for n in (0, 77, -1)}},
    "job": {
        **rows(JOB, first, SAYS, gen=("503", (WRONG,)),
               ident=("503", (WRONG,)), serial=("503", (WRONG,)),
               nonce=SAYS, value=OK),
        "no such slot": (first, [changed(JOB, "slot", 9999)], "503",
                         (WRONG,)),
        "too late": (first, [changed(JOB, "until", "-9000")], "503",
                     (WRONG,)),
        "lost": (first, [Rule(JOB, What.LOSE)], "ok", (STUCK_IS, DIED_OF)),
        "no file number free": (
            first, [Rule(JOB, What.NO_ROOM, where=RECV)], *SAYS)},
    "done": {
        **rows(DONE, first, SAYS, ("ok", (LOST,)), empty=("ok", (LOST,)),
               gen=OK, ident=OK, slot=OK, serial=OK, value=OK, nonce=SAYS),
        "says that it leaves": (first, [changed(DONE, "flags", 1)], *OK)},
    "refused": {
        **rows(REFUSED, first, SAYS, empty=OK, before=[OTHER_TIME],
               gen=("503", (WRONG,)), nonce=SAYS),
        **{f"for reason {n}": (
            first, [OTHER_TIME, changed(REFUSED, "value", n)], "503", (BAD,))
           for n in (0, 77, -1)}},
    "leaves": rows(LEAVES, first, ("503", (WRONG, BAD)), ("503", (WRONG,)),
                   before=[OTHER_TIME], empty=("503", (WRONG,)),
                   gen=("503", (WRONG, BAD)), slot=("503", (WRONG,)),
                   serial=("503", (WRONG,))),
    "ping": rows(PING, first, ("503", (BAD, BAD)), ("503", (BAD,)),
                 before=[OTHER_WORKER], empty=("503", (BAD,)),
                 gen=("503", (BAD,)), slot=("503", (BAD,)),
                 nonce=("503", (BAD,))),
    "pong": rows(PONG, first, ("503", (BAD,)), ("503", (BAD,)),
                 before=[OTHER_WORKER],
                 gen=("503", (BAD,)), nonce=("503", (BAD,))),
    "quit": rows(QUIT, first, SAYS, ("ok", (DIED_OF,)), empty=OK,
                 kernel=("ENOBUFS", "EMSGSIZE"), gen=OK, ident=OK, slot=OK,
                 serial=OK, nonce=OK, value=OK),
    "first, to the spare": rows(
        FIRST, first, OK, by="spawner", gen=OK, ident=("503", (WRONG,)),
        slot=OK, serial=("503", (WRONG,)), nonce=OK, value=OK),
    "zygote, to the spare": rows(
        ZYGOTE, second, OK, by="spawner", gen=OK, ident=SAYS, slot=OK,
        serial=OK, nonce=OK, value=OK),
    "spawn": rows(
        SPAWN, second, SAYS, OK, by="broker", gen=SAYS, ident=SAYS,
        nonce=OK, value=OK),
    "spawned": rows(SPAWNED, second, SAYS, OK, empty=OK, gen=SAYS, ident=OK,
                    slot=OK, serial=OK, nonce=OK, value=OK),
    "died": rows(DIED, second, SAYS, OK, empty=OK, gen=SAYS, ident=OK,
                 nonce=OK, value=OK),
    "stuck": {
        "39 bytes": (stopped, [Rule(STUCK, What.RESIZE, 39)], "503",
                     (BAD, UNFORKED))},
    "fork": {
        "of a first worker": (
            first, [Rule(FIRST, What.FAIL, 32, by="spawner"),
                    Rule(0, What.FAIL, 12, where=FORK, by="spawner")], "503",
            (UNFORKED, UNFORKED))},
}
# The same, where it is the broker that is restarted.
LEGS_ANEW = {
    "first, to the spawner": rows(
        FIRST, first, SAYS_ANEW, ANEW, by="broker", gen=SAYS_ANEW,
        ident=("503", (WRONG,)), slot=OK, serial=("503", (WRONG,)), nonce=OK,
        value=OK),
    "first up": rows(FIRST_UP, first, ANEW, ANEW, gen=ANEW, ident=OK,
                     slot=OK, serial=OK, nonce=OK, value=OK),
    "first down": {
        **rows(FIRST_DOWN, first, ANEW, ANEW, gen=ANEW, nonce=OK, value=OK),
        "another user's": (first, [changed(FIRST_DOWN, "ident", 1)], *OK)},
    "zygote, to the spawner": rows(
        ZYGOTE, second, SAYS_ANEW, ANEW, by="broker", gen=SAYS_ANEW,
        ident=SAYS, slot=OK, serial=OK, nonce=OK, value=OK),
    "zygote up": rows(ZYGOTE_UP, second, ANEW, ANEW, gen=ANEW, ident=OK,
                      slot=OK, serial=OK, nonce=OK, value=OK),
    "signal": {
        "39 bytes": (stopped, [Rule(SIGNAL, What.RESIZE, 39)], "ok",
                     (STUCK_IS, BAD, AGAIN))},
}
# What heals by itself, but only when the broker loses its patience. (The first
# death is of the first host's worker.)
SLOW = {
    "another slot's worker died": [changed(DIED, "slot", "+1")],
    "another slot's first worker is down": [changed(FIRST_DOWN, "slot", "+1")],
    "a worker of another slot": [changed(SPAWN, "slot", "+1", by="broker")],
    "another worker": [changed(SPAWN, "serial", "+1", by="broker")],
}


@pytest.fixture(scope="module")
def world(httpd_for_module):
    """The server that all rows share."""
    if helpers_build.compiler() is None:
        pytest.skip("needs a C compiler")
    world = World(httpd_for_module)
    world.server.log.expect(ID.pattern, required=False)
    for rules in SLOW.values():
        if rules[0].kind in (DIED, FIRST_DOWN):
            wait_until(lambda: "worker" not in by_role(world.server),
                       "nobody is left whose end could be taken for it")
        world.slow.append(next(world.unused))
        with world.faults.on(rules, world.pids(rules)):
            assert second(world, world.slow[-1], rules) in ("ok", "503")
            wait_until(lambda n=len(rules): world.faults.hits(n) == n,
                       "the message came by")
    yield world
    world.faults.close()


def try_all(world, leg, table):
    """Every row of TABLE; what went wrong, as one failure."""
    wrong = [problem for name, row in table.items()
             for problem in [world.run(row, f"{leg}: {name}")] if problem]
    print(f"{leg}: {len(table)} tried, {len(table) - len(wrong)} right")
    world.server.log.expect(ID.pattern, required=False)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("leg", LEGS)
def test_whatever_becomes_of(world, leg):
    """Every fault on one leg; see the table."""
    try_all(world, leg, LEGS[leg])


def test_slow_ones_have_healed(world):
    """Zygotes that the broker has no true picture of are ended, and say so;
    this comes before another broker starts with an empty picture."""
    log = world.server.log
    log.expect(ID.pattern, required=False)
    for host in world.slow:
        wait_until(lambda h=host: log.count(
            rf"itk-(worker|zygote)-stuck: .*#{h.uid}\b")
            and not any(p.uid == h.uid for p in world.server.processes()),
            f"the zygote of {host.name} is ended", 30)
        assert world.ask(host) == "ok"


@pytest.mark.parametrize("leg", LEGS_ANEW)
def test_a_broker_anew_after(world, leg):
    """Every fault that ends the broker; see the table."""
    try_all(world, leg, LEGS_ANEW[leg])


def board(server):
    """mod_status's view of the children."""
    said = server.get("/status?auto", "plain.test").text
    return re.search(r"^Scoreboard: (.*)$", said, re.M).group(1)


def test_nothing_is_left_of_all_this(world):
    """Workers and zygotes go when idle; no file is open, no place of the
    scoreboard taken that was not before."""
    server = world.server
    server.log.expect(ID.pattern, required=False)
    wait_until(lambda: not {"worker", "zygote"} & set(by_role(server)),
               "workers and zygotes leave", 20)
    wait_until(lambda: board(server).count("W") == 1
               and set(board(server)) <= set("_W."),
               "an idle scoreboard", 30)
    wait_until(lambda: not {"worker", "zygote"} & set(by_role(server)),
               "they leave again", 20)
    world.pids(())
    children = len(board(server).replace(".", ""))
    wait_until(lambda: world.open_files()["broker"][0]
               <= world.before["broker"][0] + children,
               "the broker forgets whom it was told wrong things of", 20)
    after = world.open_files()
    assert after["parent"] == world.before["parent"]
    assert after["spawner"] == world.before["spawner"]
    assert max(after["child"]) <= max(world.before["child"]) + 1
