"""The router picks the vhost that stock httpd picks, whatever the bytes are."""

import pytest

import routing
from routed import Routed, skip_without_probe


@pytest.fixture(scope="module")
def routed(httpd_for_module):
    """The server that most tests of this file share."""
    skip_without_probe()
    return Routed(httpd_for_module)


def test_every_case_of_the_corpus_is_routed_as_served(routed):
    """Hand-written heads on every kind of address, each sent at once."""
    tried = 0
    for case in routing.corpus(routed.topology):
        routed.judge(case, patience=0.005)
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


def test_a_broken_head_is_answered_before_its_end(routed):
    """httpd refuses a field without a colon when the next line is there; the
    router does not wait for an empty line, however the bytes come."""
    head = b"GET / HTTP/1.1\r\nX\r\nY\r\n"
    for chunks in ([head], [head[:16], head[16:]], [bytes([b]) for b in head]):
        answer = routed.judge(("broken", "names", chunks), delay=0.002,
                              patience=15)
        assert (answer.why, answer.status) == ("head", 400), answer
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
