"""Fixtures that more than one tier uses (tests/fixtures)."""

import signal

import pytest

from fixtures import cache, debian_tree, httpd_builds, sandbox as sandboxes


def pytest_configure():
    """Whoever runs the tests in the background, or by nohup, has these
    ignored, and every program under test would inherit it."""
    for name in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(name) == signal.SIG_IGN:
            signal.signal(name, signal.SIG_DFL)


def _made(make):
    """A fixture body: hand out a function that opens sandboxes, close all."""
    opened = []

    def open_one(*args, **kw):
        try:
            opened.append(make(*args, **kw))
        except cache.Unavailable as e:
            pytest.skip(str(e))
        return opened[-1]
    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def sandbox():
    """sandbox(layers=None): a private copy of this machine."""
    yield from _made(sandboxes.Sandbox)


@pytest.fixture
def debian():
    """debian(mpm="event", mods=()): the distribution's Apache in a sandbox,
    stopped, as dpkg and a2enmod leave it."""
    yield from _made(debian_tree.debian)


@pytest.fixture(scope="module")
def debian_for_module():
    """The same for a sandbox that every test of a file shares."""
    yield from _made(debian_tree.debian)


@pytest.fixture
def shared_httpd(tmp_path):
    """shared_httpd(mpm="event"): an httpd built from source with all MPMs as
    modules, at a place of its own, stopped."""
    yield from _built(httpd_builds.shared, tmp_path)


@pytest.fixture
def static_httpd(tmp_path):
    """The same with prefork compiled in."""
    yield from _built(lambda: httpd_builds.static("prefork"), tmp_path)


def _built(build, directory):
    made = []

    def make(mpm="event"):
        try:
            made.append(httpd_builds.Relocated(
                build(), directory / f"httpd{len(made)}", mpm))
        except cache.Unavailable as e:
            pytest.skip(str(e))
        return made[-1]
    yield make
    for one in made:
        one.stop()
