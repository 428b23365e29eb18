"""EasyApache 4 on RPMs with a running server, to be switched and disturbed."""

import contextlib
import difflib
import pathlib
import time

import pytest

from fixtures import cache, rpms, tool

CONF = "/etc/apache2/conf.modules.d/"
PREFORK = CONF + "000_mod_mpm_prefork.conf"
SWITCH = ["switch", "event", "--without", "php"]
SCRIPT = "/usr/local/cpanel/scripts/restartsrv_httpd"
# Without mod_php, php-fpm runs PHP.
GUARD = """<IfModule !php_module>
    <FilesMatch "\\.php$">
        SetHandler "proxy:unix:/run/php/fpm.sock|fcgi://localhost"
    </FilesMatch>
</IfModule>
AddHandler cgi-script .cgi
"""


class Ea4(rpms.RpmSystem):
    """prefork with mod_cgi and PHP as a module; its MPM's file edited."""

    def __init__(self, *more):
        super().__init__(rpms.ea4_repository())
        try:
            self.dnf("install", "ea-apache24", "ea-apache24-mod_mpm_prefork",
                     "ea-php74-php", *more)
            self.write("/etc/apache2/conf.d/zz-guard.conf", GUARD)
            self._start_fpm()
            self.write("/var/www/html/sapi.php", "<?php echo PHP_SAPI;")
            self.write("/var/www/html/hello.cgi",
                       "#!/bin/sh\necho 'Content-Type: text/plain'\necho\n"
                       "echo hello", 0o755)
            self.run(f"sed -i 's/^Mutex.*/Mutex sysvsem/' {PREFORK}; "
                     f"echo '# ours' >>{PREFORK}; chmod 640 {PREFORK}; "
                     f"touch -d 2020-02-02 {PREFORK}")
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

    def pids(self, name):
        """Processes inside whose name is NAME."""
        return self.run(f"grep -lx {name} /proc/[0-9]*/comm 2>/dev/null | "
                        "cut -d/ -f3", check=False).stdout.split()

    def restartsrv(self):
        """cPanel's script: --stop stops hard, without it there is a server
        afterwards that runs what is configured."""
        self.write(SCRIPT, "#!/bin/sh\n"
                   "echo \"restartsrv_httpd $*\" >>/var/log/restartsrv\n"
                   "pid=$(cat /run/apache2/httpd.pid 2>/dev/null)\n"
                   "stop() { [ -z \"$pid\" ] || kill \"$pid\" 2>/dev/null; "
                   "while [ -n \"$pid\" ] && kill -0 \"$pid\" 2>/dev/null; "
                   "do sleep 0.05; done; rm -f /run/apache2/httpd.pid; }\n"
                   "case \" $* \" in *' --stop '*|*' stop '*) stop; exit 0;; "
                   "esac\nstop\nexec /usr/sbin/apachectl start\n", 0o755)


def made(*more):
    try:
        return Ea4(*more)
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


def left_behind(system):
    """Names of ours, of dnf's or rpm's that nobody needs any more."""
    return system.run(
        "find /etc /usr/lib64/apache2 /var/tmp "
        "\\( -name '.ea-mpm*' -o -name '*;????????' -o -name '*.rpm' "
        "-o -name '*.rpmsave' -o -name '*.rpmnew' \\) "
        "2>/dev/null", check=False).stdout.split()

