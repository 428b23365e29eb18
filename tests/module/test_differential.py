"""Stock prefork and the module answer the same bytes with the same vhost and
status: every vhost has another user, so a wrong choice would show as 421."""

import socket
from concurrent import futures

import pytest

import hellos
import routing
import users


class Pair:
    """Two servers with the same vhosts."""

    def __init__(self, make):
        self.uids = {}
        self.asked_again = 0
        self.failures = []
        self.seen = {}
        self.sides = []
        for kind, users_of in (("prefork", None), ("itkish", self._user)):
            server = make(kind, ("ssl", "remoteip", "socache_shmcb",
                                  "reqtimeout"),
                          MaxRequestWorkers=60)
            server.add("AcceptFilter http none\nAcceptFilter https none\n")
            topology = routing.Topology(server, users_of)
            server.start()
            self.sides.append((server, topology))

    def _user(self, name):
        return f"#{self.uids.setdefault(name, users.numeric_uid())}"

    def judge(self, case, **kw):
        """Note a difference between the answers.

        To a line longer than LimitRequestLine that comes in pieces and never
        ends, stock says 414 or nothing, as its reads happen to fall: what
        differs is asked again, in one piece."""
        name, role, chunks = case
        answers = self._ask(role, chunks, **kw)
        if answers[0] != answers[1] and len(chunks) > 1:
            self.asked_again += 1
            answers = self._ask(role, [b"".join(chunks)], **kw)
        self.seen[answers[0]] = self.seen.get(answers[0], 0) + 1
        if answers[0] != answers[1]:
            self.failures.append(
                f"{role}: {name}: {chunks!r:.400}: stock {answers[0]}, "
                f"itkish {answers[1]}")

    def _ask(self, role, chunks, **kw):
        return [routing.verdict(routing.exchange(topology.at[role], chunks,
                                                 **kw)[1])
                for _, topology in self.sides]

    def check(self):
        """Every difference so far, as one failure."""
        for server, _ in self.sides:
            server.log.expect(routing.LOUD, required=False)
        failures, self.failures = self.failures, []
        assert not failures, f"{len(failures)} differ:\n" + "\n".join(failures)


@pytest.fixture(scope="module")
def pair(httpd_for_module):
    """The two servers that the tests of this file share."""
    return Pair(httpd_for_module)


def test_every_case_of_the_corpus_is_answered_alike(pair):
    """Hand-written heads on every kind of address."""
    with futures.ThreadPoolExecutor(4) as pool:
        tried = len(list(pool.map(
            lambda case: pair.judge(case, patience=0.005),
            routing.corpus(pair.sides[0][1]))))
    pair.check()
    vhosts = {vhost for _, vhost in pair.seen if vhost}
    print(f"{tried} cases, {len(vhosts)} vhosts")
    assert {"names/a.test", "names/b.test", "names/c.test", "names/d.test",
            "main", "proxy/b.test"} <= vhosts
    at_work = {p.uid for p in pair.sides[1][0].processes()}
    assert set(pair.uids.values()) - {pair.uids["unused.test"]} <= at_work


def test_heads_in_pieces_are_answered_alike(pair):
    """Split at every place, and byte by byte."""
    data = routing.head("GET /bpath/x HTTP/1.1", "X: y", "Host: b.test")
    for i in range(1, len(data), 2):
        pair.judge(("split", "names", [data[:i], data[i:]]), delay=0.002)
    pair.judge(("bytes", "names", [bytes([b]) for b in data]))
    pair.check()


def test_generated_heads_are_answered_alike(pair):
    """A fuzzer with a time box, on four connections at once; the seed is
    printed and reproduces it."""
    seed = routing.fuzz_seed()
    roles = [role for role in (*routing.PLAIN_ROLES, "names", "names",
                               "proxy", "v6") if role in pair.sides[0][1].at]
    tried = routing.fuzz(routing.fuzz_seconds(), seed, roles,
                         lambda case: pair.judge(case, patience=0.02), 4)
    print(f"ITK_FUZZ_SEED={seed}: {tried} inputs, {pair.asked_again} twice")
    pair.check()
    assert tried > 50 and pair.asked_again <= 1 + tried / 200


def _tls(topology, role, sni, host, first=b""):
    with socket.create_connection(topology.at[role], 20) as s:
        s.sendall(first)
        talk = hellos.Talk(s, sni, lambda data: [data])
        return (topology.certs[talk.certificate],
                *routing.verdict(talk.ask(routing.get(host))))


def test_tls_requests_are_answered_alike(pair):
    """Certificate, vhost and status, with names known and unknown."""
    proxy = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n"
    for role, first in (("tls", b""), ("tls_proxy", proxy)):
        for name in ("a.test", "b.test", "c.test", "x.b.test", "nobody.test",
                     "exact.b.test", None):
            host = name or "a.test"
            stock, itkish = [_tls(topology, role, name, host, first)
                             for _, topology in pair.sides]
            assert stock == itkish, (role, name)
            assert stock[1] in (200, 404), (role, name, stock)
    for data in (routing.get("c.test"), b"\x16\x03\x01\0\0", b"x\r\n\r\n"):
        pair.judge(("no TLS", "tls", [data]))
    pair.check()


def test_a_name_that_host_contradicts_is_refused(pair):
    """The one difference: stock may serve Host's vhost, the module cannot,
    as the user was chosen by the name in the ClientHello."""
    for sni, host in (("a.test", "b.test"), ("b.test", "a.test"),
                      (None, "b.test")):
        _, itkish = pair.sides[1]
        assert _tls(itkish, "tls", sni, host)[1] == 421
    for server, _ in pair.sides:
        server.log.expect("AH02032", required=False)


def test_a_head_that_does_not_come_in_time_is_answered_alike(pair):
    """408 by the default vhost, which has another user than Host's."""
    good = routing.get("b.test")
    for data in (good[:-2], good[:-6]):
        pair.judge(("late", "hasty", [data]), patience=15)
    pair.check()
    assert pair.seen[408, "hasty/a.test"] == 2


def test_wake_up_connections_reach_no_virtual_host(pair):
    """What prefork sends to its idle children is closed by the child: no
    worker starts for it, and nobody's log has a 421."""
    stock, itkish = pair.sides
    wake = (b"OPTIONS * HTTP/1.0\r\nUser-Agent: x (internal dummy "
            b"connection)\r\n\r\n")
    reply = routing.exchange(stock[1].at["names"], [wake])[1]
    assert routing.verdict(reply)[0] == 200
    assert routing.exchange(itkish[1].at["names"], [wake])[1] == b""
