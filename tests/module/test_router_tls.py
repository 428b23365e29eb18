"""The router reads the name in a ClientHello as OpenSSL and mod_ssl do."""

import random
import socket
import time

import pytest

import hellos
import probe as probes
import routing

PROXY_V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n"


class TlsRouted:
    """A stock server with the probe and TLS vhosts."""

    def __init__(self, make):
        self.server = make("prefork", ("ssl", "remoteip", "socache_shmcb"),
                           MaxRequestWorkers=60)
        self.server.add("AcceptFilter https none\n")
        self.probe = probes.Probe(self.server)
        self.topology = routing.Topology(self.server)
        self.server.start()

    def hello(self, data, role="tls", chunks=None, **kw):
        """Send hand-made bytes; (Answer, the vhost whose certificate came)."""
        port, answer = routing.exchange(self.topology.at[role],
                                        chunks or [data], hang_up=True, **kw)
        return self.probe.answer(port), hellos.certificate_in(
            answer, self.topology.certs)

    def request(self, sni, role, reshape=lambda data: [data], first=b""):
        """A whole request by OpenSSL's client; (Answer, vhost by cert)."""
        with socket.create_connection(self.topology.at[role], 20) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(first)
            talk = hellos.Talk(s, sni, reshape)
            talk.ask(routing.get(sni or "a.test"))
            port = s.getsockname()[1]
        return self.probe.answer(port), \
            self.topology.certs[talk.certificate]


@pytest.fixture(scope="module")
def routed(httpd_for_module):
    """One server for all tests of this file."""
    reason = probes.available()
    if reason:
        pytest.skip(reason)
    return TlsRouted(httpd_for_module)


def vhost(answer):
    """The server name the router said."""
    return answer.routed.split(":")[0]


def test_hand_made_hellos_get_the_certificate_of_the_routed_vhost(routed):
    """Every shape of name, extension and record that is legal, and not."""
    wrong, agreed = [], 0
    for name, data, wanted in hellos.cases():
        answer, presented = routed.hello(data)
        if presented != wanted:
            wrong.append(f"{name}: OpenSSL chose {presented}, not {wanted}")
        elif presented is not None and vhost(answer) != presented:
            wrong.append(f"{name}: {presented} answered, {answer}")
        agreed += presented is not None
    assert not wrong, "\n".join(wrong)
    assert agreed > 25


def test_hellos_may_arrive_in_any_segments(routed):
    """Byte by byte, and split at every third place, in odd records too."""
    whole = hellos.named("b.test")
    odd = hellos.records(hellos.hello(hellos.server_name("b.test")), 7)
    for data in (whole, odd):
        answer, presented = routed.hello(None, chunks=[
            bytes([b]) for b in data])
        assert vhost(answer) == presented == "b.test"
        for i in range(1, len(data), 3):
            answer, presented = routed.hello(None, chunks=[data[:i], data[i:]],
                                             delay=0.001)
            assert vhost(answer) == presented == "b.test", i


@pytest.mark.parametrize("role, first", [("tls", b""),
                                         ("tls_proxy", PROXY_V1)])
def test_requests_are_served_by_the_vhost_of_the_name(routed, role, first):
    """Handshake and request by OpenSSL's client, its hello in odd records."""
    def seven(data):
        return [hellos.records(data[5:], 7)]

    def segments(data):
        return [data[i:i + 50] for i in range(0, len(data), 50)]
    for sni in ("a.test", "b.test", "c.test", "x.b.test", "exact.b.test"):
        for reshape in (lambda data: [data], seven, segments):
            answer, presented = routed.request(sni, role, reshape, first)
            assert answer.kind == "server" and answer.why == "sni", answer
            assert answer.routed == answer.served, answer
            assert vhost(answer) == presented


def test_without_a_name_only_the_address_decides(routed):
    """UNDECIDED where several vhosts share it, certain where one has it."""
    answer, presented = routed.request(None, "tls")
    assert answer.kind == "undecided" and vhost(answer) == presented == "a.test"
    answer, presented = routed.request(None, "tls_single")
    assert answer.kind == "server" and answer.routed == answer.served
    answer, presented = routed.hello(
        b"\x80\x2e\x01\x03\x03\0\x15\0\0\0\x10" + bytes(37))
    assert answer.kind == "undecided", answer


def test_plain_http_on_a_tls_port_goes_where_httpd_answers_it(routed):
    """mod_ssl answers 400 as if "GET / HTTP/1.0" had been asked."""
    for data in (routing.get("c.test"), b"GET /\r\n", b"POST / HTTP/1.1\r\n",
                 b"HEAD / HTTP/1.0\r\n\r\n"):
        port, reply = routing.exchange(routed.topology.at["tls"], [data])
        answer = routed.probe.answer(port)
        assert answer.served == answer.routed and answer.status == 400, answer
        assert vhost(answer) == "b.test"    # it has ServerPath /
    for data in (b"FOO\r\n\r\n", b"\0" * 20, b"SSH-2.0-x\r\n"):
        port, reply = routing.exchange(routed.topology.at["tls"], [data])
        assert routed.probe.answer(port).kind == "server"


def test_mutated_hellos_never_part_router_and_server(routed):
    """Bytes changed, added and cut, within a time box; the seed is printed."""
    seed = routing.fuzz_seed()
    rng = random.Random(seed)
    pool = [data for _, data, _ in hellos.cases() if len(data) < 3000]
    end = time.monotonic() + routing.fuzz_seconds() / 2
    tried = answered = 0
    while time.monotonic() < end:
        data = bytearray(rng.choice(pool))
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(len(data))
            kind = rng.randrange(4)
            if kind < 2:
                data[at] = rng.choice((0, 1, 3, 22, 255, rng.randrange(256)))
            elif kind == 2:
                data[at:at] = rng.randbytes(rng.randrange(1, 5))
            else:
                del data[at:at + rng.randrange(1, 5)]
            if not data:
                data += b"\x16"
        answer, presented = routed.hello(bytes(data), patience=0.01)
        tried += 1
        if presented is not None:
            answered += 1
            assert vhost(answer) == presented, (seed, bytes(data).hex(),
                                                answer)
    print(f"ITK_FUZZ_SEED={seed}: {tried} inputs, {answered} answered")
    assert answered > 10
