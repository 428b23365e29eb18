"""Booted machines with the project's own packages installed."""

import json

import pytest

from fixtures import cache, debs, ea4_machine, machine
from fixtures.machine import Machine


def _with_package(layers):
    """LAYERS, and over them what apt makes of ea-mpm there."""
    package = debs.package("ea-mpm")
    key = "-".join(path.parent.name for path in
                   [package, machine.base(), *layers])
    return [machine.layer("installed-machine", key,
                          lambda m: m.install(package), layers), *layers]


class Installed(Machine):
    """A booted machine with ea-mpm installed by apt: under systemd before
    the boot, once for all, elsewhere after it."""

    def __init__(self, init="systemd", layers=()):
        super().__init__(init, _with_package(layers)
                         if init == "systemd" else layers)

    def begin(self):
        self.boot()
        if self.init != "systemd":
            self.install(debs.package("ea-mpm"))

    def tool(self, *args, check=True, timeout=180):
        """Run ea-mpm --json; (exit code, the object that it printed)."""
        done = self.run(["ea-mpm", *args, "--json"], check=False,
                        timeout=timeout)
        answer = json.loads(done.stdout)
        if check:
            assert done.returncode == 0, (answer, done.stderr)
        return done.returncode, answer

    def show(self):
        return self.tool("show")[1]["data"]

    def active(self, unit="apache2"):
        return self.run(["systemctl", "is-active", unit],
                        check=False).stdout.strip()

    def mpm_answers(self, mpm):
        """The server answers, and its main process runs MPM."""
        status, _ = self.get("http://127.0.0.1/")
        shown = self.show()["mpm"]
        return status == 200 and shown["running"] == mpm \
            and shown["configured"] == mpm and not shown["pending"]


class Ea4(Installed):
    """The same with EasyApache 4: DEBs, cPanel's unit and its script."""

    def __init__(self):
        super().__init__(layers=[ea4_machine.layer()])

    def active(self, unit="httpd"):
        return super().active(unit)

    def tree(self):
        """Every file of the server's, and every package with its state."""
        return self.run(
            "cd / && find etc/apache2 etc/cpanel etc/sysconfig/httpd "
            "usr/lib64/apache2 \\( -type f -exec sha256sum {} + \\) -o "
            "\\( -type l -printf '%p -> %l\\n' \\) | sort; "
            "find etc/apache2 usr/lib64/apache2 -type f "
            "-printf '%p %m %u %g %T@\\n' | sort; "
            "dpkg-query -W -f '${Package} ${Version} ${Status}\\n' 'ea-*'; "
            "dpkg --audit; ls /var/lib/dpkg/info /var/lib/dpkg/updates"
        ).stdout

    def runs(self, mpm):
        """The unit is active, its main process is the one that answers under
        MPM, and no other server is there."""
        main = self.run(["systemctl", "show", "-p", "MainPID", "--value",
                         "httpd"]).stdout.strip()
        assert self.active() == "active"
        assert main == self.run(["cat", "/run/apache2/httpd.pid"]
                                ).stdout.strip()
        mains = self.run("for p in $(pgrep -x httpd); do awk '$1 == \"PPid:\" "
                         "&& $2 == 1 {print '$p'}' /proc/$p/status; done"
                         ).stdout.split()
        assert mains == [main]
        return self.mpm_answers(mpm)

    def still(self):
        """No package manager, no script and no ea-mpm is left at work."""
        left = self.run("pgrep -ax 'ea-mpm|apt-get|dpkg|dpkg-deb|systemctl|"
                        "restartsrv_http'", check=False).stdout
        assert not left, left
        jobs = self.run(["systemctl", "list-jobs", "--no-legend"]).stdout
        assert not jobs.strip() or jobs.startswith("No jobs"), jobs
        failed = self.run(["systemctl", "--failed", "--no-legend"]).stdout
        assert not failed.strip(), failed
        return True


def _booted(make):
    """A fixture body: boot machines of a kind with our package, switch all
    off at the end."""
    machines = []

    def one(*args):
        try:
            machines.append(make(*args))
        except cache.Unavailable as e:
            pytest.skip(str(e))
        machines[-1].begin()
        return machines[-1]
    yield one
    for m in machines:
        m.close()


@pytest.fixture
def installed():
    """installed(init="systemd"): boot one more machine."""
    yield from _booted(Installed)


@pytest.fixture
def ea4():
    """A booted machine with EasyApache 4."""
    for make in _booted(Ea4):
        yield make()
