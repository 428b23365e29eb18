"""The sandbox that the other tiers trust."""

import hashlib
import pathlib

from fixtures import accounts, debian_tree


def _digest(directory):
    lines = []
    for path in sorted(pathlib.Path(directory).rglob("*")):
        if path.is_symlink():
            lines.append(f"{path} -> {path.readlink()}")
        elif path.is_file():
            data = path.read_bytes()
            lines.append(f"{path} {hashlib.sha256(data).hexdigest()}")
    return lines


def test_nothing_written_in_a_sandbox_is_real(debian):
    """A switch by the distribution's tools leaves the machine's /etc alone."""
    debian().close()            # or skip here: /etc is not all readable then
    with accounts.unchanged():
        before = _digest("/etc")
        sb = debian("prefork", ["php8.2"] if pathlib.Path(
            "/usr/lib/apache2/modules/libphp8.2.so").exists() else [])
        sb.write("/etc/ea-mpm/x", "x")
        sb.write("/usr/share/x/y", "x")
        assert sb.run(["a2query", "-M"]).stdout.split() == ["prefork"]
        assert _digest("/etc") == before
    assert not pathlib.Path("/usr/share/x").exists()


def test_the_distributions_server_runs_and_stops_inside(debian):
    """apache2ctl starts it, it answers, and a stopped one leaves no zombie."""
    sb = debian()
    pid = debian_tree.start(sb)
    status, body = sb.get("http://127.0.0.1/")
    assert status == 200 and "Debian" in body
    debian_tree.stop(sb, pid)


def test_two_sandboxes_know_nothing_of_each_other(debian):
    """Each has its own files, processes and ports."""
    one, two = debian(), debian()
    debian_tree.start(one)
    debian_tree.start(two)
    one.write("/var/www/html/only.txt", "one")
    assert one.get("http://127.0.0.1/only.txt") == (200, "one")
    assert two.get("http://127.0.0.1/only.txt")[0] == 404


def test_closing_a_sandbox_ends_what_ran_in_it(debian):
    """The processes are gone when close() returns."""
    sb = debian()
    sb.run(["apache2ctl", "start"])
    ns = pathlib.Path(f"/proc/{sb.pid}/ns/pid").readlink()
    sb.close()
    left = [p for p in pathlib.Path("/proc").glob("[0-9]*/ns/pid")
            if _link(p) == ns]
    assert left == []


def _link(path):
    try:
        return path.readlink()
    except OSError:
        return None
