"""EasyApache 4 on DEBs with a running server, to be switched and disturbed."""

import contextlib

import pytest

from ea4 import CONF, PREFORK, Server
from fixtures import cache, ea4_debs
from fixtures.ea4_debs import HOOK

N = "ea-apache24-mod-"
EVENT = CONF + "000_mod_mpm_event.conf"


class Ea4Deb(Server, ea4_debs.DebSystem):
    """prefork with mod_cgi and PHP as a module; its MPM's file edited."""

    def __init__(self, *install, prepare=None):
        super().__init__(ea4_debs.ea4_repository(), [
            "ea-apache24", *(install or [N + "mpm-prefork", "ea-php74-php"])],
            prepare)
        try:
            self._furnish()
            if not install:
                self.run(f"echo '# ours' >>{PREFORK}; chmod 640 {PREFORK}")
        except BaseException:
            self.close()
            raise

    def files(self):
        """Every file with its mode and owner, every link."""
        return self.run(
            "cd / && find etc/apache2 etc/cpanel etc/sysconfig "
            "usr/lib64/apache2 \\( -type f -exec sha256sum {} + \\) -o "
            "\\( -type l -printf '%p -> %l\\n' \\) | sort; "
            "find etc/apache2 usr/lib64/apache2 -type f "
            "-printf '%p %m %u %g %T@\\n' | sort").stdout

    def tree(self):
        """The same with every package, its state and its mark."""
        return self.files() + self.run(
            "dpkg-query -W -f '${Package} ${Version} ${Status}\\n' 'ea-*'; "
            "dpkg --audit; ls /var/lib/dpkg/info").stdout \
            + "".join(f"{name} is there for others\n"
                      for name in sorted(self.automatic())) \
            + self.remains()

    def remains(self):
        """What dpkg has of packages that were removed and not purged, to
        the byte."""
        entries = [entry for entry in
                   self.read("/var/lib/dpkg/status").split("\n\n")
                   if "\nStatus: deinstall ok config-files\n" in entry]
        names = [entry.split("\n")[0].split()[1] for entry in entries]
        files = [self.run(f"cd /var/lib/dpkg/info && stat -c '%n %a' {n}.* "
                          f"&& sha256sum {n}.*").stdout for n in names]
        return "".join(sorted(entries) + files) + self.run(
            "ls -A /var/lib/dpkg/updates").stdout

    def automatic(self):
        """What autoremove may take where nothing needs it."""
        return set(self.run(["apt-mark", "showauto"]).stdout.split())

    def would_autoremove(self):
        said = self.run(["apt-get", "-s", "autoremove"]).stdout
        return [line for line in said.splitlines()
                if line.startswith(("Remv", "Purg"))]

    @contextlib.contextmanager
    def gate(self, step):
        """Let dpkg wait before it runs the maintainer script STEP (package,
        script, first argument); yields what lets it go on."""
        self.run("rm -f /run/gate*; mkfifo /run/gate")
        self.write(HOOK, "#!/bin/sh\n"
                   f"case \"$1 $2 $3\" in '{step}')\n"
                   ": >/run/gate.reached; [ ! -p /run/gate ] || "
                   "cat </run/gate >/dev/null;; esac\n", 0o755)

        def go():
            # Opened for writing, unless its reader is dead.
            self.run(f"rm -f {HOOK}; [ ! -p /run/gate ] || "
                     "timeout 2 sh -c ': >/run/gate'; rm -f /run/gate",
                     check=False)
        try:
            yield go
        finally:
            go()

    def reached(self, timeout=60):
        self.wait("[ -e /run/gate.reached ]", timeout)


def made(*install, kind=Ea4Deb, **kw):
    try:
        return kind(*install, **kw)
    except cache.Unavailable as e:
        pytest.skip(str(e))
