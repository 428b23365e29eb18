"""The harness itself: a test that cannot fail proves nothing."""

import subprocess

import pytest

from client import Closed


@pytest.mark.parametrize("kind", ["prefork", "mpm_itk", "itkish"])
def test_a_server_answers_and_leaves_nothing_behind(httpd, uid, kind):
    """Each kind serves two vhosts; the stock one cannot read 0600 files."""
    server = httpd(kind)
    alice = server.vhost("alice.test", uid())
    bob = server.vhost("bob.test", uid())
    alice.put("index.html", "alice\n")
    bob.put("index.html", "bob\n")
    server.start()
    if kind == "prefork":
        server.log.expect("AH00132: file permissions deny server access")
        assert alice.get().status == 403
        return
    assert alice.get().text == "alice"
    assert bob.get().text == "bob"
    server.log.expect("AH00132: file permissions deny server access",
                      required=False)
    alice.put("bobs.html", "bob's\n", uid=bob.uid, gid=bob.gid)
    with server.connect() as c:
        try:
            assert c.ask("/bobs.html", "alice.test").status == 403
        except Closed:
            assert kind == "mpm_itk"    # it drops the connection instead


def test_unexpected_log_lines_are_found(httpd):
    """A warning nobody expects is a problem, an expected one is not."""
    server = httpd("prefork")
    server.vhost("a.test")
    server.start()
    server.log.problems()
    server.hosts["a.test"].put("x.html", "x", uid=0, gid=0)
    assert server.get("/x.html", "a.test").status == 403
    assert any("AH00132" in line for line in server.log.problems())
    server.log.expect("never said")
    assert server.log.problems() == ["missing in the error log: never said"]


def test_stop_reports_a_process_that_stays(httpd, monkeypatch):
    """A left-behind process is found by the mark in its environment."""
    monkeypatch.setattr("env.LEFTOVER_TIMEOUT", 0.3)
    server = httpd("prefork")
    server.start()
    stray = subprocess.Popen(["sleep", "60"], env=server._environ())
    with pytest.raises(AssertionError, match="left behind"):
        server.stop()
    assert stray.wait(5) != 0
