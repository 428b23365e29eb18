"""Runs in a sandbox: break `ea-mpm switch --no-restart` at every call.

    inside.py TOOL SHIM KIND TARGET SHARE OF

KIND says what to watch (see KINDS). Of all calls this process tries every
OF-th, beginning with SHARE. Prints one JSON object; the first wrong state
ends it with "wrong".
"""

import errno
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import trees  # noqa: E402

STATE = pathlib.Path("/var/lib/ea-mpm")
SAVED = pathlib.Path("/var/tmp/saved")
LOG = pathlib.Path("/var/tmp/calls")
KINDS = {
    "links": (["/etc/apache2", "/var/lib/apache2/module"],
              ["apache2ctl", "configtest"]),
    "lines": (["/usr/local/apache2/conf"],
              ["/usr/local/apache2/bin/httpd", "-t"]),
}
ERRORS = ("ENOSPC", "EIO", "EROFS", "EACCES")


class Wrong(Exception):
    pass


class Server:
    def __init__(self, tool, shim, kind, target):
        self.tool, self.shim, self.target = tool, shim, target
        self.dirs, self.test = KINDS[kind]
        self.tested = {}
        for n, where in enumerate(self.dirs):
            trees.copy(pathlib.Path(where), self._saved(n))
        self.old = self.snapshot()
        done = self.switch()
        if done.returncode != 0:
            raise Wrong(f"the switch itself: {done.stdout}{done.stderr}")
        self.new = self.untimed()
        self.config_test("new")
        self.reset()
        LOG.unlink(missing_ok=True)
        self.switch(at=0)
        self.calls = LOG.read_text().splitlines()

    @staticmethod
    def _saved(n):
        SAVED.mkdir(exist_ok=True)
        return SAVED / str(n)

    def reset(self):
        shutil.rmtree(STATE, ignore_errors=True)
        for n, where in enumerate(self.dirs):
            trees.copy(self._saved(n), pathlib.Path(where))

    def snapshot(self):
        return {where: trees.snapshot(where) for where in self.dirs}

    def untimed(self):
        return {where: trees.untimed(s)
                for where, s in self.snapshot().items()}

    def run(self, argv, **env):
        return subprocess.run(
            argv, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, **env}, timeout=120)

    def switch(self, at=None, how="kill"):
        env = {}
        if at is not None:
            env = {"LD_PRELOAD": self.shim, "FAULT_AT": str(at),
                   "FAULT_HOW": str(how), "FAULT_LOG": str(LOG)}
        return self.run([self.tool, "switch", self.target, "--no-restart",
                         "--no-rehearsal", "--json"], **env)

    def state(self):
        if self.snapshot() == self.old:
            return "old"
        if self.untimed() == self.new:
            return "new"
        for where, was in self.old.items():
            now = trees.snapshot(where)
            for path in sorted(set(now) | set(was)):
                if now.get(path) != was.get(path):
                    print(where + path, now.get(path), was.get(path),
                          file=sys.stderr)
        return "neither"

    def config_test(self, state):
        """httpd takes it. Equal bytes need one answer only."""
        if state not in self.tested:
            done = self.run(self.test)
            self.tested[state] = done.returncode
            if done.returncode != 0:
                raise Wrong(f"{state}: {done.stdout}{done.stderr}")

    def recover(self, what):
        done = self.run([self.tool, "recover", "--json"])
        if done.returncode != 0:
            raise Wrong(f"{what}: recover: {done.stdout}{done.stderr}")
        state = self.state()
        if state == "neither":
            raise Wrong(f"{what}: neither old nor new")
        self.config_test(state)
        return state

    def kill(self, n):
        what = f"killed at {self.calls[n - 1]}"
        self.reset()
        done = self.switch(at=n)
        if done.returncode != -9:
            raise Wrong(f"{what}: exit {done.returncode}: {done.stdout}")
        return self.recover(what)

    def refuse(self, n):
        error = ERRORS[n // 3 % len(ERRORS)]
        self.reset()
        done = self.switch(at=n, how=getattr(errno, error))
        code = done.returncode
        what = f"{error} at {self.calls[n - 1]}: exit {code}: {done.stdout}"
        if code not in (0, 1, 4, 5) or \
                json.loads(done.stdout)["ok"] != (code == 0):
            raise Wrong(what + done.stderr)
        state = self.state()
        if code != 5 and state != ("new" if code == 0 else "old"):
            raise Wrong(f"{what}: state {state}")
        self.recover(what)
        return code


def main(tool, shim, kind, target, share, of):
    out = {"kind": kind, "killed": {}, "refused": {}, "wrong": None}
    try:
        server = Server(tool, shim, kind, target)
        out["points"] = len(server.calls)
        for n in range(1 + int(share), len(server.calls) + 1, int(of)):
            state = server.kill(n)
            out["killed"][state] = out["killed"].get(state, 0) + 1
            if n % 3:           # test_files.py tries every error everywhere
                continue
            code = str(server.refuse(n))
            out["refused"][code] = out["refused"].get(code, 0) + 1
        out["tested"] = server.tested
    except Wrong as e:
        out["wrong"] = str(e)
    print(json.dumps(out))


main(*sys.argv[1:])
