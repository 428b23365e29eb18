"""Fixtures of the module tier; see README.md in the directory above."""

import signal
import threading

import pytest

import env
import users


def pytest_configure():
    """Stop the servers also when the run is ended from outside."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(autouse=True)
def error_log_is_clean():
    """Fail the test for every warning in a server's log it did not expect."""
    yield
    problems = []
    for server in env.LIVE:
        problems += server.log.problems()
    assert not problems, "\n".join(problems)


def _open(kind, modules, **kw):
    reason = env.missing(kind, modules)
    if reason:
        pytest.skip(reason)
    return env.Server(kind, modules, **kw)


@pytest.fixture
def httpd():
    """Make servers for one test: httpd("itkish", ["php"], Timeout=5)."""
    made = []

    def make(kind, modules=(), **kw):
        server = _open(kind, modules, **kw)
        made.append(server)
        return server
    yield make
    _close(made)


@pytest.fixture(scope="module")
def httpd_for_module():
    """The same for servers that every test of a file shares."""
    made = []

    def make(kind, modules=(), **kw):
        server = _open(kind, modules, **kw)
        made.append(server)
        return server
    yield make
    _close(made)


def _close(made):
    problems = []
    for server in made:
        try:
            server.stop()
            problems += server.log.problems()
        except AssertionError as e:
            problems.append(str(e))
        server.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def uid():
    """Hand out "#N" user names that nothing else on the machine uses."""
    return lambda: f"#{users.numeric_uid()}"


@pytest.fixture(scope="session")
def accounts():
    """Two real accounts, each with its own group and one they share."""
    reason = env.missing("prefork")
    if reason:
        pytest.skip(reason)
    with users.accounts(2) as made:
        yield made


def pytest_terminal_summary(terminalreporter):
    """Show the isolation attempts of every server kind as tried/succeeded."""
    totals = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.getreports(outcome):
            for name, value in getattr(report, "user_properties", ()):
                if name == "isolation" and report.when == "call":
                    kind, tried, won = value
                    seen = totals.setdefault(kind, [0, 0])
                    seen[0] += tried
                    seen[1] += won
    for kind, (tried, won) in sorted(totals.items()):
        terminalreporter.write_line(
            f"isolation: {kind}: {tried} tried, {won} succeeded")
