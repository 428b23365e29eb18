"""The router picks the vhost that stock httpd picks, whatever the bytes are."""

import select
import socket
import time

import pytest

import probe as probes
import routing


class Routed:
    """A stock server with the probe, and the vhosts of routing.Topology."""

    def __init__(self, make, *flags, timeout=None, accept_filter="none",
                 sanitizer=False, modules=(), config=""):
        self.server = make("prefork", ("ssl", "remoteip", "socache_shmcb",
                                       *modules),
                           MaxRequestWorkers=60, Timeout=20)
        self.server.add(config)
        self.server.add(f"AcceptFilter http {accept_filter}\n"
                        f"AcceptFilter https {accept_filter}\n")
        if sanitizer:
            self.server.env = {"LD_PRELOAD": probes.sanitizer(),
                               "ASAN_OPTIONS": "detect_leaks=0"}
        self.probe = probes.Probe(self.server, *flags, timeout=timeout)
        self.topology = routing.Topology(self.server)
        self.server.start()
        self.failures = []
        self.kinds = {}
        self.whys = {}
        self.pairs = set()

    def run(self, name, role, chunks, **kw):
        """One connection; the Answer."""
        port, self.reply = routing.exchange(self.topology.at[role], chunks,
                                            **kw)
        return self.probe.answer(port)

    def judge(self, case, **kw):
        """Note a difference between router and httpd."""
        name, role, chunks = case
        answer = self.run(name, role, chunks, **kw)
        self.kinds[answer.kind] = self.kinds.get(answer.kind, 0) + 1
        self.whys[answer.why] = self.whys.get(answer.why, 0) + 1
        if answer.served == "-":
            return answer       # httpd closed without logging a request
        self.pairs.add((role, answer.served))
        if answer.routed != answer.served or answer.kind not in (
                "server", "undecided"):
            self.failures.append(f"{role}: {name}: {chunks!r:.400}: {answer}")
        return answer

    def check(self):
        """Every difference so far, as one failure."""
        self.server.log.expect(routing.LOUD, required=False)
        failures, self.failures = self.failures, []
        assert not failures, f"{len(failures)} differ:\n" + "\n".join(failures)


def _skip_without_probe():
    reason = probes.available()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def routed(httpd_for_module):
    """The server that most tests of this file share."""
    _skip_without_probe()
    return Routed(httpd_for_module)


def test_every_case_of_the_corpus_is_routed_as_served(routed):
    """Hand-written heads on every kind of address, each sent at once."""
    tried = 0
    for case in routing.corpus(routed.topology):
        routed.judge(case)
        tried += 1
    routed.check()
    print(f"{tried} cases, {routed.kinds}")
    assert tried > 1500
    assert routed.kinds["server"] > 0.9 * tried - 200
    for role in ("names", "unsafe", "v6"):
        if role in routed.topology.at:
            names = {served.split(":")[0] for r, served in routed.pairs
                     if r == role}
            assert {"a.test", "b.test"} <= names, (role, names)
    assert {"c.test", "d.test"} <= {served.split(":")[0] for role, served
                                    in routed.pairs if role == "names"}


@pytest.mark.parametrize("data, vhost", [
    (routing.get("b.test"), "b.test"),
    (routing.get("B.TEST.:99"), "b.test"),
    (routing.get("exact.b.test"), "b.test"),    # its wildcard comes first
    (routing.get("nobody.test"), "a.test"),
    (routing.get(None, "/bpath/x", "HTTP/1.0"), "b.test"),
    (b"GET /bpath\r\n", "b.test"),              # HTTP/0.9
    (routing.get("a.test", "http://c.test/"), "c.test"),
    (routing.head("CONNECT c.test:443 HTTP/1.1", "Host: a.test"), "c.test"),
    (routing.head("GET / HTTP/1.1", "Host: b.test", "Host: b.test"),
     "a.test"),
    (routing.head("GET / HTTP/1.1", "Host:", " b.test"), "b.test"),
    (routing.head("GET / HTTP/1.1", "Host: b.test", "X"), "a.test"),
])
def test_the_corpus_means_what_it_says(routed, data, vhost):
    """A few answers of httpd, written down: the corpus reaches them."""
    answer = routed.run("pinned", "names", [data])
    assert answer.routed.split(":")[0] == vhost, answer
    assert answer.served in (answer.routed, "-"), answer


def test_a_head_may_arrive_byte_by_byte(routed):
    """Each byte in a segment of its own, for heads good and bad."""
    wanted = ("plain b", "2 blank lines first", "folded host", "two hosts",
              "http/0.9", "host folded behind", "bare LF",
              "no host", "forged dummy", "GET 'http://b.test/'",
              "behind 'X'")
    for role in ("names", "strict", "unsafe"):
        for name, data in routing.plain_cases():
            if name in wanted and len(data) < 300:
                routed.judge((name, role, [bytes([b]) for b in data]))
    routed.check()


def test_a_head_split_anywhere_is_routed_alike(routed):
    """Two segments, split at every place, with time to look in between."""
    data = routing.head("GET /bpath/x HTTP/1.1", "X: y", "Host: b.test",
                        "Z: z")
    for i in range(1, len(data)):
        answer = routed.judge(("split", "names", [data[:i], data[i:]]),
                              delay=0.002)
        assert answer.served.startswith("b.test"), (i, answer)
    routed.check()


def test_proxy_headers_may_be_split_anywhere(routed):
    """The same through mod_remoteip's PROXY protocol, both versions."""
    cases = dict(routing.proxy_cases())
    for name in ("v1", "v2"):
        data = cases[name]
        for i in range(1, len(data), 3):
            answer = routed.judge((name, "proxy", [data[:i], data[i:]]),
                                  delay=0.002)
            assert answer.served.startswith("b.test"), (i, answer)
    routed.check()


def test_a_client_may_be_excepted_from_the_proxy_protocol(routed):
    """RemoteIPProxyProtocolExceptions: depends on the client's address."""
    good = routing.get("b.test")
    answer = routed.judge(("excepted", "proxy", [good]), source="127.0.0.3")
    assert answer.served.startswith("b.test")
    answer = routed.judge(("not excepted", "proxy", [good]))
    assert answer.served == "-"
    routed.check()


def test_generated_heads_are_routed_as_served(routed):
    """A fuzzer with a time box; the seed is printed and reproduces it."""
    seed = routing.fuzz_seed()
    roles = [role for role in (*routing.PLAIN_ROLES, "names", "names",
                               "proxy", "v6") if role in routed.topology.at]
    tried = routing.fuzz(routing.fuzz_seconds(), seed, roles,
                         lambda case: routed.judge(case, patience=0.01))
    print(f"ITK_FUZZ_SEED={seed}: {tried} inputs, {routed.kinds}, "
          f"{routed.whys}")
    routed.check()
    assert tried > 50
    assert routed.whys["host seen before"] > 10 and routed.whys["head"] > 10


def test_a_host_seen_before_is_remembered_for_its_address_only(routed):
    """The same name means another vhost elsewhere, or on a shorter leash."""
    good = routing.get("B.test")
    for role in ("names", "strict", "limits", "first_address",
                 "second_address", "any_port", "names"):
        for _ in range(6):      # every child sees it
            answer = routed.judge(("plain", role, [good]))
            assert answer.routed.startswith("b.test"), (role, answer)
        assert routed.judge(("many", role, [routing.head(
            "GET / HTTP/1.1", "Host: B.test", *["X: y"] * 5)])).routed \
            .startswith("a.test" if role in ("limits",) else "b.test")
        assert routed.judge(("again", role, [good])).why == "host seen before"
    # Two vhosts, first the other one.
    assert routed.judge(("first", "first_address", [
        routing.get("nobody.test")])).routed.startswith("b.test")
    routed.check()


def test_the_router_says_nothing_in_the_log(routed):
    """httpd's parser runs twice, its complaint is written once."""
    mark = routed.server.log.size()
    for i in range(5):
        routed.judge(("refused", "strict", [routing.get(f"x{i}.test")]))
    routed.check()
    assert routed.server.log.count("AH10157", mark) == 5


def test_a_client_that_falls_silent_is_given_up_in_time(httpd):
    """Half a head goes to the default vhost, nothing at all to nobody."""
    _skip_without_probe()
    routed = Routed(httpd, timeout=0.3)
    good = routing.get("b.test")
    for data, kind, why in ((b"", "gone", "silent"),
                            (good[:-2], "server", "incomplete in time"),
                            (b"GET /", "server", "incomplete in time")):
        answer = routed.run("silent", "names", [data], patience=2)
        assert (answer.kind, answer.why) == (kind, why)
        assert answer.routed.startswith("a.test")
    routed.check()


def test_a_broken_head_is_answered_before_its_end(routed):
    """httpd refuses a field without a colon when the next line is there; the
    router does not wait for an empty line, however the bytes come."""
    head = b"GET / HTTP/1.1\r\nX\r\nY\r\n"
    for chunks in ([head], [head[:16], head[16:]], [bytes([b]) for b in head]):
        answer = routed.judge(("broken", "names", chunks), delay=0.002,
                              patience=15)
        assert (answer.why, answer.status) == ("head", 400), answer
    routed.check()


def _trickle(address, data, pause, patience=20):
    """Send DATA byte by byte until an answer comes, or PATIENCE seconds are
    over; returns our port."""
    end = time.monotonic() + patience
    with socket.create_connection(address, 20) as s:
        port = s.getsockname()[1]
        for byte in data:
            if select.select([s], [], [], pause)[0] or time.monotonic() > end:
                break
            s.sendall(bytes([byte]))
        select.select([s], [], [], max(0, end - time.monotonic()))
    return port


def test_a_slow_client_has_as_long_as_stock_would_give_it(httpd):
    """Timeout is the longest silence; mod_reqtimeout bounds the whole head,
    and may be told otherwise by a vhost."""
    _skip_without_probe()
    routed = Routed(httpd, timeout=2, modules=("reqtimeout",), config=(
        "RequestReadTimeout handshake=0 header=3-4,MinRate=20\n"))
    at = routed.topology.at
    # 33 bytes at 50 per second.
    answer = routed.probe.answer(
        _trickle(at["names"], routing.get("b.test"), 0.02))
    assert answer.served.startswith("b.test") and answer.kind == "server"
    # Less than MinRate: three seconds and a little is all it gets.
    answer = routed.probe.answer(
        _trickle(at["names"], routing.get("b.test"), 0.25, 5))
    assert answer.why == "incomplete in time", answer
    assert answer.routed.startswith("a.test")
    # As slow, but this vhost sets no limit.
    answer = routed.probe.answer(
        _trickle(at["patient"], b"GET /xxxxxxxxxxxx\r\n", 0.25))
    assert answer.why == "head" and answer.routed.startswith("a.test"), answer
    routed.check()


def test_dummy_connections_are_told_from_requests(routed):
    """httpd's own wake-ups, exactly as it sends them, and forgeries."""
    wake = (b"OPTIONS * HTTP/1.0\r\nUser-Agent: Apache/2.4 (internal dummy "
            b"connection)\r\n\r\n")
    alert = b"\x15\x03\x01\x00\x02\x01\x00"
    assert routed.run("wake", "names", [wake]).kind == "dummy"
    assert routed.run("wake", "tls", [alert]).kind == "dummy"
    for forged in (wake + routing.get("b.test"),
                   wake.replace(b"Apache/2.4", b"x\nHost: b.test\nX:"),
                   wake.replace(b"Apache/2.4", b"x\r\nHost: b.test\r\nX:"),
                   wake.replace(b"1.0", b"1.1"),
                   b"\r\n" + wake, wake + b"\r\n"):
        assert routed.run("forged", "names", [forged]).kind == "server"
    # Not from another machine: its address is not the server's.
    assert routed.run("from elsewhere", "names", [wake],
                      source="127.0.0.9").kind == "server"


def test_head_larger_than_the_peek_is_guessed(routed):
    """100 KB of headers with Host in front: right, but not certain."""
    fill = [f"X-{i}: {'y' * 8000}" for i in range(13)]
    answer = routed.run("large", "names", [routing.head(
        "GET / HTTP/1.1", "Host: b.test", *fill)])
    assert answer.kind == "undecided"
    assert answer.routed == answer.served
    assert answer.served.startswith("b.test")


@pytest.mark.parametrize("accept_filter, flags", [
    ("data", ()), ("none", ("-DITK_OLD_PARSER",))])
def test_other_builds_and_settings_route_alike(httpd, accept_filter, flags):
    """The default AcceptFilter; and the code for httpd before 2.4.49."""
    _skip_without_probe()
    routed = Routed(httpd, *flags, accept_filter=accept_filter)
    for case in routing.corpus(routed.topology):
        # StrictHostCheck is newer than the old parser, for Unsafe see there.
        if case[1] in ("names", "limits", "registered", "proxy"):
            routed.judge(case)
    routed.check()


def test_no_input_makes_the_router_touch_foreign_memory(httpd):
    """Corpus and generator with the router under ASan and UBSan: a finding
    ends the child, which the error log tells."""
    _skip_without_probe()
    if not probes.sanitizer():
        pytest.skip("needs the compiler's libasan")
    routed = Routed(httpd, "-g", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", sanitizer=True)
    for case in routing.corpus(routed.topology):
        if case[1] in ("names", "unsafe", "proxy"):
            routed.judge(case)
    seed = routing.fuzz_seed()
    roles = ["names", "unsafe", "limits", "proxy"]
    tried = routing.fuzz(routing.fuzz_seconds() / 2, seed, roles,
                         lambda case: routed.judge(case, patience=0.01))
    print(f"ITK_FUZZ_SEED={seed}: {tried} inputs")
    routed.check()
    assert "Sanitizer" not in routed.server.said()
