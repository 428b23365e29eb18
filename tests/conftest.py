"""Fixtures that more than one tier uses (tests/fixtures)."""

import pytest

from fixtures import cache, debian_tree, sandbox as sandboxes


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
