"""EasyApache 4 on RPMs with a running server, to be switched and disturbed."""

import contextlib

import pytest

from ea4 import PREFORK, Server
from fixtures import cache, rpms


class Ea4(Server, rpms.RpmSystem):
    """prefork with mod_cgi and PHP as a module; its MPM's file edited."""

    def __init__(self, *more):
        super().__init__(rpms.ea4_repository())
        try:
            self.dnf("install", "ea-apache24", "ea-apache24-mod_mpm_prefork",
                     "ea-php74-php", *more)
            self._furnish()
            self.run(f"sed -i 's/^Mutex.*/Mutex sysvsem/' {PREFORK}; "
                     f"echo '# ours' >>{PREFORK}; chmod 640 {PREFORK}; "
                     f"touch -d 2020-02-02 {PREFORK}")
        except BaseException:
            self.close()
            raise

    def packages(self):
        return self.run("rpm -qa 'ea-*' | sort").stdout.split()

    def tree(self):
        """Every package, file (with mode, owner and time) and link."""
        return self.run(
            "rpm -qa 'ea-*' | sort; cd / && find etc/apache2 etc/cpanel "
            "etc/sysconfig usr/lib64/apache2 "
            "\\( -type f -exec sha256sum {} + \\) -o "
            "\\( -type l -printf '%p -> %l\\n' \\) | sort; "
            "find etc/apache2 usr/lib64/apache2 -type f "
            "-printf '%p %m %u %g %T@\\n' | sort").stdout

    def whole(self):
        """What rpm says against its packages, but for configuration."""
        said = self.run("rpm -Va --nodeps 'ea-*'; rpm -Va --nofiles 'ea-*'",
                        check=False).stdout
        return [line for line in said.splitlines() if "  c /" not in line]

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


def made(*more, kind=Ea4):
    try:
        return kind(*more)
    except cache.Unavailable as e:
        pytest.skip(str(e))


def left_behind(system):
    """Names of ours, of dnf's or rpm's that nobody needs any more."""
    return system.run(
        "find /etc /usr/lib64/apache2 /var/tmp "
        "\\( -name '.ea-mpm*' -o -name '*;????????' -o -name '*.rpm' "
        "-o -name '*.rpmsave' -o -name '*.rpmnew' \\) "
        "2>/dev/null", check=False).stdout.split()

