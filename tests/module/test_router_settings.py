"""The router under other settings and builds: each test has its own server."""

import select
import socket
import time

import pytest

import probe as probes
import routing
from routed import Routed, skip_without_probe


def test_a_client_that_falls_silent_is_given_up_in_time(httpd):
    """Half a head goes to the default vhost, nothing at all to nobody."""
    skip_without_probe()
    routed = Routed(httpd, timeout=0.3)
    good = routing.get("b.test")
    for data, kind, why in ((b"", "gone", "silent"),
                            (good[:-2], "server", "incomplete in time"),
                            (b"GET /", "server", "incomplete in time")):
        answer = routed.run("silent", "names", [data], patience=2)
        assert (answer.kind, answer.why) == (kind, why)
        assert answer.routed.startswith("a.test")
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
    skip_without_probe()
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


@pytest.mark.parametrize("accept_filter, flags", [
    ("data", ()), ("none", ("-DITK_OLD_PARSER",))])
def test_other_builds_and_settings_route_alike(httpd, accept_filter, flags):
    """The default AcceptFilter; and the code for httpd before 2.4.49."""
    skip_without_probe()
    routed = Routed(httpd, *flags, accept_filter=accept_filter)
    for case in routing.corpus(routed.topology):
        # StrictHostCheck is newer than the old parser, for Unsafe see there.
        if case[1] in ("names", "limits", "registered", "proxy"):
            routed.judge(case, patience=0.005)
    routed.check()


def test_no_input_makes_the_router_touch_foreign_memory(httpd):
    """Corpus and generator with the router under ASan and UBSan: a finding
    ends the child, which the error log tells."""
    skip_without_probe()
    if not probes.sanitizer():
        pytest.skip("needs the compiler's libasan")
    routed = Routed(httpd, "-g", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", sanitizer=True)
    for case in routing.corpus(routed.topology):
        if case[1] in ("names", "unsafe", "proxy"):
            routed.judge(case, patience=0.005)
    seed = routing.fuzz_seed()
    roles = ["names", "unsafe", "limits", "proxy"]
    tried = routing.fuzz(routing.fuzz_seconds() / 2, seed, roles,
                         lambda case: routed.judge(case, patience=0.01))
    print(f"ITK_FUZZ_SEED={seed}: {tried} inputs")
    routed.check()
    assert "Sanitizer" not in routed.server.said()
