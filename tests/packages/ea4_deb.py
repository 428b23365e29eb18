"""EasyApache 4 on DEBs with a running server, to be switched and disturbed."""

import contextlib
import difflib
import pathlib
import time

import pytest

from fixtures import cache, ea4_debs, tool
from fixtures.ea4_debs import HOOK

N = "ea-apache24-mod-"
CONF = "/etc/apache2/conf.modules.d/"
PREFORK = CONF + "000_mod_mpm_prefork.conf"
EVENT = CONF + "000_mod_mpm_event.conf"
SWITCH = ["switch", "event", "--without", "php"]
# Without mod_php, php-fpm runs PHP.
FPM = """<IfModule !php_module>
    <FilesMatch "\\.php$">
        SetHandler "proxy:unix:/run/php/fpm.sock|fcgi://localhost"
    </FilesMatch>
</IfModule>
"""


class Ea4Deb(ea4_debs.DebSystem):
    """prefork with mod_cgi and PHP as a module; its MPM's file edited."""

    def __init__(self, *install):
        super().__init__(ea4_debs.ea4_repository())
        try:
            self.apt("install", "ea-apache24", *(install or [
                N + "mpm-prefork", "ea-php74-php"]))
            self.write("/etc/apache2/conf.d/zz-fpm.conf", FPM)
            self._start_fpm()
            self.write("/var/www/html/sapi.php", "<?php echo PHP_SAPI;")
            self.write("/var/www/html/hello.cgi",
                       "#!/bin/sh\necho 'Content-Type: text/plain'\necho\n"
                       "echo hello", 0o755)
            self.run("sed -i '$a AddHandler cgi-script .cgi' "
                     "/etc/apache2/conf/httpd.conf")
            if not install:
                self.run(f"echo '# ours' >>{PREFORK}; chmod 640 {PREFORK}")
        except BaseException:
            self.close()
            raise

    def _start_fpm(self):
        fpm = sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))
        if not fpm:
            raise cache.Unavailable("needs php-fpm")
        pool = "/etc/php/*/fpm/pool.d/www.conf"
        self.run(f"sed -i 's|^listen = .*|listen = /run/php/fpm.sock|; "
                 f"s|^;*listen.mode.*|listen.mode = 0666|' {pool} && "
                 f"mkdir -p /run/php && {fpm[-1].name} -D")

    def start(self):
        self.run(["apachectl", "start"])
        self.answers()

    def answers(self):
        """Wait until / is served; True."""
        end = time.time() + 20
        while self.get("http://127.0.0.1/")[0] != 200:
            assert time.time() < end, self.read(
                "/var/log/apache2/error_log")[-3000:]
            time.sleep(0.02)
        return True

    def pids(self, name):
        """Processes inside whose name is NAME."""
        return self.run(f"grep -lx {name} /proc/[0-9]*/comm 2>/dev/null | "
                        "cut -d/ -f3", check=False).stdout.split()

    def files(self):
        """Every file with its mode and owner, every link."""
        return self.run(
            "cd / && find etc/apache2 etc/cpanel etc/sysconfig "
            "usr/lib64/apache2 \\( -type f -exec sha256sum {} + \\) -o "
            "\\( -type l -printf '%p -> %l\\n' \\) | sort; "
            "find etc/apache2 usr/lib64/apache2 -type f "
            "-printf '%p %m %u %g %T@\\n' | sort").stdout

    def tree(self):
        """The same with every package and its state."""
        return self.files() + self.run(
            "dpkg-query -W -f '${Package} ${Version} ${Status}\\n' 'ea-*'; "
            "dpkg --audit; ls /var/lib/dpkg/info").stdout

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


def made(*install):
    try:
        return Ea4Deb(*install)
    except cache.Unavailable as e:
        pytest.skip(str(e))


def same(before, after):
    assert before == after, "\n".join(difflib.unified_diff(
        before.splitlines(), after.splitlines(), lineterm="", n=0))


def tool_of(system):
    return tool.Tool(system, "--timeout", "30")


def runs(system, mpm):
    """It answers, and runs and has configured MPM."""
    system.answers()
    shown = tool_of(system)("show").data["mpm"]
    return (shown["running"], shown["configured"], shown["pending"]) \
        == (mpm, mpm, False)
