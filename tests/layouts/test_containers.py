"""Containers that end with httpd: a PID namespace in which it is the first
process, as the official images run it, or the only child of a small init."""

import signal
import subprocess
import time

import pytest

import tally
from fixtures import cache, laid_out, unpacked
from fixtures.tool import Answer, EA_MPM

URL = "http://127.0.0.1/"
# As in the images.
HTTPD_FOREGROUND = """#!/bin/sh
set -e
rm -f /usr/local/apache2/logs/httpd.pid
exec /usr/local/apache2/bin/httpd -DFOREGROUND "$@"
"""
APACHE2_FOREGROUND = """#!/bin/bash
set -e
. /etc/apache2/envvars
mkdir -p /run/apache2 /run/lock/apache2
rm -f "$APACHE_PID_FILE"
exec /usr/sbin/apache2 -DFOREGROUND "$@"
"""


class Container:
    """COMMAND as the first process of a PID namespace inside sandbox SB."""

    def __init__(self, sb, *command):
        self.sb, self.command = sb, command
        self.start()

    def start(self):
        self.shell = self.sb.popen(
            ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
             *self.command], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        self.sb.wait(f"curl -sf {URL}")
        self.first = self._first()

    def _first(self):
        """Its first process, by its number in the sandbox."""
        done = self.sb.run("for p in /proc/[0-9]*; do "
                           "[ \"$(tr '\\0' ' ' <$p/cmdline)\" ] || continue; "
                           "set -- $(grep NSpid $p/status); "
                           "[ \"$3\" = 1 ] && echo ${p#/proc/}; done; :")
        return int(done.stdout.split()[0])

    def tool(self, *words):
        """docker exec: inside its namespaces. None: ended with it."""
        done = self.sb.run(["nsenter", "-t", str(self.first), "-p", "-m",
                            "--", str(EA_MPM), "--json", *words],
                           check=False, timeout=120)
        return Answer(done) if done.stdout else None

    def stopped(self, timeout=20):
        """Its first process is gone (who waits for it gets httpd's signal
        to its process group, and may be gone before)."""
        try:
            self.sb.wait(f"! kill -0 {self.first} 2>/dev/null", timeout)
            self.shell.wait(timeout=timeout)
            return True
        except (AssertionError, subprocess.TimeoutExpired):
            return False

    def restart(self):
        """docker restart: SIGTERM, then the same files again."""
        if self.shell.poll() is None:
            self.sb.run(["kill", "-TERM", str(self.first)])
            assert self.stopped()
        self.start()


@pytest.fixture
def httpd_image(sandbox):
    """httpd_image(*command): the official httpd image's layout, running."""
    running = []

    def make(*before):
        sb = sandbox()
        try:
            laid_out.install(sb, "docker-httpd")
            if before:
                unpacked.into(sb, "tini")
        except cache.Unavailable as e:
            pytest.skip(str(e))
        sb.write("/usr/local/bin/httpd-foreground", HTTPD_FOREGROUND, 0o755)
        sb.write("/etc/hostname", "0123456789ab\n")
        running.append(Container(sb, *before,
                                 "/usr/local/bin/httpd-foreground"))
        return running[-1]
    yield make
    for one in running:
        one.shell.send_signal(signal.SIGKILL)
        one.shell.wait()


def only_files(container, count, home, target):
    """A switch that leaves the server alone, a restart, and the way back."""
    with count.trying(tally.SHOW, "first process"):
        shown = container.tool("show").data
        assert shown["service"]["kind"] == "none"
        assert shown["mpm"]["running"] == home
    with count.trying(tally.SWITCH, target):
        done = container.tool("switch", target)
        assert done.rc == 0 and done.data["verified"] == "configtest", done
        assert done.data["outage_ms"] is None
        assert done.data["restart_with"] == "docker restart 0123456789ab"
        assert "container" in done.err
        shown = container.tool("show").data["mpm"]
        assert shown["running"] == home and shown["pending"], shown
        assert container.sb.get(URL)[0] == 200
    with count.trying(tally.LIVE, target):
        container.restart()
        shown = container.tool("show").data["mpm"]
        assert shown["running"] == target and not shown["pending"], shown
    with count.trying(tally.BACK, target):
        assert container.tool("rollback").rc == 0
        container.restart()
        assert container.tool("show").data["mpm"]["running"] == home


@pytest.mark.parametrize("init", [(), ("tini", "--")], ids=["bare", "tini"])
def test_the_httpd_image_changes_its_files_and_says_what_restarts_it(
        httpd_image, tallied, init):
    only_files(httpd_image(*init), tallied("docker-httpd"), "event",
               "prefork")


def test_the_php_image_does_the_same_by_links(debian, tallied):
    sb = debian("prefork")
    sb.write("/usr/local/bin/apache2-foreground", APACHE2_FOREGROUND, 0o755)
    sb.write("/etc/hostname", "0123456789ab\n")
    container = Container(sb, "/usr/local/bin/apache2-foreground")
    try:
        assert container.tool("show").data["layout"]["id"] == "docker-php"
        only_files(container, tallied("docker-php"), "prefork", "event")
    finally:
        container.shell.send_signal(signal.SIGKILL)
        container.shell.wait()


def test_end_container_ends_it_when_the_files_are_changed(httpd_image):
    """The tool ends with it; the same files started again run the MPM."""
    container = httpd_image()
    container.tool("switch", "prefork", "--end-container")
    assert container.stopped()
    container.start()
    shown = container.tool("show").data["mpm"]
    assert shown["running"] == "prefork" and not shown["pending"]


def test_end_container_follows_an_earlier_switch_too(httpd_image):
    container = httpd_image()
    assert container.tool("switch", "worker").rc == 0
    container.tool("switch", "worker", "--end-container")
    assert container.stopped()
    container.start()
    assert container.tool("show").data["mpm"]["running"] == "worker"


def test_end_container_is_refused_where_there_is_none(debian):
    """and nothing is changed or stopped."""
    sb = debian("prefork")
    sb.run(["apache2ctl", "start"])
    sb.wait(f"curl -sf {URL}")
    done = sb.run([str(EA_MPM), "--json", "switch", "event",
                   "--end-container"], check=False)
    answer = Answer(done)
    assert answer.rc == 3 and answer.problem == "not-a-container", answer
    assert sb.get(URL)[0] == 200


def test_an_image_that_is_being_built_has_nothing_to_restart(httpd_image):
    """RUN ea-mpm switch event in a Dockerfile: no server, files only."""
    container = httpd_image()
    container.sb.run(["kill", "-TERM", str(container.first)])
    assert container.stopped()
    deadline = time.monotonic() + 10
    done = container.sb.run([str(EA_MPM), "--json", "switch", "worker"],
                            check=False)
    assert Answer(done).rc == 0 and time.monotonic() < deadline + 60
    container.start()
    assert container.tool("show").data["mpm"]["running"] == "worker"
