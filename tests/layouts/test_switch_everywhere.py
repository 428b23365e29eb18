"""Every layout there is: each MPM it has is reached, and given back.

Trees of other systems (tests/hosts) below --root, so files only; servers
that really run have their own tiers.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

import pytest

import tally
from fixtures import hosts
from table import rows

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "crash"))
import trees  # noqa: E402

TOOL = pathlib.Path(os.environ.get("BUILD", "build")).resolve() / "bin/ea-mpm"
TARGETS = ("prefork", "worker", "event", "itk")
# Not for lack of a way: something is not installed, or PHP would break.
FOR_A_REASON = {"mpm-not-installed", "module-not-installed",
                "php-fpm-missing", "directive-without-module",
                "php-not-thread-safe", "php-source-leak"}
BY_FILES = ("loadmodule", "links", "binary")
# Nothing else may stand in the way of a switch here.
REFUSALS = FOR_A_REASON | {"static-mpm", "layout-unsupported",
                           "packages-unavailable", "target-refused"}


class Host:
    def __init__(self, name, directory):
        self.clean, self.root = directory / "clean", directory / "root"
        self.spec = hosts.make(name, self.clean)
        (self.clean / "var/lib").mkdir(parents=True, exist_ok=True)
        self._give_php_an_heir()
        self.reset()
        self.old = trees.snapshot(self.root)

    def _give_php_an_heir(self):
        """php-fpm of the version that Debian's trees have as a module."""
        etc = self.clean / "etc/apache2"
        if not (etc / "mods-available").is_dir():
            return
        for name in ("proxy", "proxy_fcgi", "setenvif"):
            so = f"/usr/lib/apache2/modules/mod_{name}.so"
            trees.write(self.clean, so)
            trees.write(etc, f"mods-available/{name}.load",
                        f"LoadModule {name}_module {so}\n")
        trees.write(self.clean, "usr/sbin/php-fpm8.2", mode=0o755)
        (etc / "conf-enabled").mkdir(exist_ok=True)
        trees.write(etc, "conf-available/php8.2-fpm.conf",
                    "<FilesMatch \".+\\.php$\">\nSetHandler "
                    "\"proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost\""
                    "\n</FilesMatch>\n")

    def reset(self):
        trees.copy(self.clean, self.root)

    def tool(self, *argv):
        done = subprocess.run([TOOL, "--root", self.root, *argv, "--json"],
                              capture_output=True, text=True)
        out = json.loads(done.stdout)
        assert out["ok"] == (done.returncode == 0), out
        return done.returncode, out

    def configured(self):
        return self.tool("show")[1]["data"]["mpm"]["configured"]

    def changed(self):
        """Paths that differ from the beginning, directories aside."""
        now = trees.snapshot(self.root)
        return sorted(p for p in set(now) | set(self.old)
                      if now.get(p) != self.old.get(p)
                      and not (self.root / p[1:]).is_dir())


def switch(host, target, *more):
    return host.tool("switch", target, "--no-restart", *more)


def try_target(host, target, count):
    """What became of it, in a word."""
    host.reset()
    with count.trying(tally.SWITCH, target):
        word = switch_and_back(host, target, count)
    if word not in ("current", "switched"):
        with count.trying(tally.REFUSE, word):
            assert word in REFUSALS, word
    return word


def switch_and_back(host, target, count):
    code, out = switch(host, target)
    if code and out["problem"] in ("php-not-thread-safe", "php-fpm-missing",
                                   "directive-without-module"):
        code, out = switch(host, target, "--with", "php=fpm")
    if code:
        assert code == 3, out
        assert host.changed() == [], out
        return out["problem"]
    if not out["data"]["changed"]:
        assert host.changed() == [] and host.configured() == target
        return "current"
    assert host.configured() == target, out
    steps = sorted(s["path"] for s in out["data"]["steps"])
    assert host.changed() == steps
    with count.trying(tally.BACK, target):
        code, out = host.tool("rollback", "--no-restart")
        assert code == 0, out
        assert host.changed() == []
        assert trees.snapshot(host.root) == host.old
    return "switched"


@pytest.mark.parametrize("name", hosts.names())
def test_each_mpm_is_reached_and_given_back_or_refused(tmp_path, name,
                                                       tallied):
    """Only the files of the plan change; refused means untouched."""
    host = Host(name, tmp_path)
    expect = host.spec["expect"]
    mechanism = expect["layout"]["mechanism"]
    known = tallied(expect["layout"]["id"])
    with known.trying(tally.SHOW, name):
        shown = host.tool("show")[1]["data"]
        assert shown["layout"]["id"] == expect["layout"]["id"]
        assert shown["layout"]["mechanism"] == mechanism
        assert shown["mpm"]["configured"] == expect["mpm"]["configured"]
    seen = {target: try_target(host, target, known) for target in TARGETS}
    print(name, mechanism, seen)
    count = collections.Counter(seen.values())
    if mechanism in BY_FILES:
        assert set(count) <= {"switched", "current"} | FOR_A_REASON, seen
        for mpm in host.spec["expect"]["installed"]:
            if mpm != "itk":
                assert seen[mpm] in ("switched", "current") \
                    or seen[mpm] in FOR_A_REASON, seen
        assert count["switched"] >= 1 or name in ("el7", "suse"), seen
    else:
        assert "switched" not in seen.values() or mechanism == "packages"


@pytest.mark.parametrize("name", [
    n for n in hosts.names()
    if hosts.spec(n)["expect"]["layout"]["mechanism"] == "loadmodule"
    and "two_places" not in hosts.spec(n)
    and hosts.spec(n)["expect"]["mpm"]["configured"]])
def test_there_and_back_again_is_where_one_was(tmp_path, name):
    """Lines are commented and uncommented: two switches cancel out, where
    the distribution ships a line for each MPM."""
    host = Host(name, tmp_path)
    home = host.spec["expect"]["mpm"]["configured"]
    tried = 0
    for target in TARGETS:
        host.reset()
        code, out = switch(host, target)
        if code or not out["data"]["changed"]:
            continue
        added = any(line.startswith("+LoadModule") and not any(
            other.startswith(("-#" + line[1:12], "-# " + line[1:12]))
            for other in step["diff"].splitlines())
            for step in out["data"]["steps"]
            for line in step["diff"].splitlines())
        if added or switch(host, home)[0]:
            continue
        assert host.configured() == home
        now = trees.untimed(trees.snapshot(host.root))
        assert now == trees.untimed(host.old), target
        tried += 1
    if not tried:
        pytest.skip("every way there adds a line, or none leads back")


def test_every_row_of_the_table_is_tried():
    """A layout that is added has a tree in tests/hosts from that day on."""
    tried = {hosts.spec(n)["expect"]["layout"]["id"] for n in hosts.names()}
    assert {row["id"] for row in rows()} == tried
