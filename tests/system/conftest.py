"""Booted machines with the project's own packages installed."""

import json

import pytest

from fixtures import cache, debs
from fixtures.machine import Machine


class Installed(Machine):
    """A booted machine with ea-mpm (and the module) installed by apt."""

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


@pytest.fixture
def installed():
    """installed(init="systemd"): boot one more machine; all are switched off
    at the end."""
    machines = []

    def make(init="systemd"):
        try:
            packages = [debs.package("ea-mpm")]
            machines.append(Installed(init))
        except cache.Unavailable as e:
            pytest.skip(str(e))
        machines[-1].boot()
        machines[-1].install(*packages)
        return machines[-1]
    yield make
    for machine in machines:
        machine.close()
