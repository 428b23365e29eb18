"""Moments of a package transaction: scripts of the test packages wait where
they find a gate (see tests/fixtures/rpm/*.spec)."""

import contextlib
import os

from fixtures import sandbox
from fixtures.tool import EA_MPM


def killings(moments, victims):
    """(moment, victim) to try: at each moment another victim, in turn; with
    EA_MPM_ALL_KILLS=1 at each moment every victim."""
    victims = list(victims)
    if os.environ.get("EA_MPM_ALL_KILLS"):
        return [(moment, who) for moment in moments for who in victims]
    return [(moment, victims[n % len(victims)])
            for n, moment in enumerate(moments)]


class Disturbed:
    """A sandbox in which programs are killed."""

    @staticmethod
    def clean_env(extra):
        """What is killed leaves its temporary files; /tmp is the machine's,
        /run is not."""
        return dict(sandbox.Sandbox.clean_env(extra), TMPDIR="/run")

    def pids(self, name):
        """Processes inside whose name is NAME."""
        return self.run(f"grep -lx {name} /proc/[0-9]*/comm 2>/dev/null | "
                        "cut -d/ -f3", check=False).stdout.split()

    def kill(self, name):
        """Kill all of that name; a helper of one ends with it by itself."""
        pids = self.pids(name)
        assert pids, name
        self.run(["kill", "-9", *pids], check=False)
        self.wait(f"! grep -qlx {name} /proc/[0-9]*/comm 2>/dev/null")


class Gates(Disturbed):
    @contextlib.contextmanager
    def gate(self, name):
        """Let a script of a package wait; yields what lets it go on."""
        fifo = f"/run/gate-{name}"
        self.run(f"rm -f {fifo}*; mkfifo {fifo}")

        def go():
            # Opened for writing, unless its reader is dead.
            self.run(f"[ ! -p {fifo} ] || timeout 2 sh -c ': >{fifo}'; "
                     f"rm -f {fifo}", check=False)
        try:
            yield go
        finally:
            go()

    def reached(self, name, timeout=60):
        self.wait(f"[ -e /run/gate-{name}.reached ]", timeout)

    def waiting_run(self, gate, *words):
        """A switch (or rollback) in progress, stopped at a script's gate."""
        run = self.popen([str(EA_MPM), "--json", *words, "--no-rehearsal"],
                         stdout=-1, stderr=-1, text=True)
        try:
            self.reached(gate)
        except AssertionError:
            run.kill()
            raise AssertionError(run.communicate())
        return run
