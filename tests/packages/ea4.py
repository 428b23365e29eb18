"""A server of EasyApache 4 to be switched, whatever its packages are."""

import difflib
import pathlib
import re
import time

from fixtures import cache, tool
from rpm_gates import Disturbed

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


class Server(Disturbed):
    """The part of such a system that is the same everywhere."""

    def _furnish(self):
        """PHP by either of the two ways, a script, and what they need."""
        self.write("/etc/apache2/conf.d/zz-guard.conf", GUARD)
        self._start_fpm()
        self.write("/var/www/html/sapi.php", "<?php echo PHP_SAPI;")
        self.write("/var/www/html/hello.cgi",
                   "#!/bin/sh\necho 'Content-Type: text/plain'\necho\n"
                   "echo hello", 0o755)

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


def kept_edits(system, told):
    """{edited file: its last line}, from where a rollback by force TOLD that
    what was in it is."""
    places = re.findall(r"(/\S+) was edited since the change \S+; what was "
                        r"in it is kept as (/\S+)", re.sub(r"\s+", " ", told))
    return {path: system.read(kept).splitlines()[-1]
            for path, kept in places}


def php(system):
    return system.get("http://127.0.0.1/sapi.php")


def stop(system):
    system.run("kill $(cat /run/apache2/httpd.pid); "
               "while [ -e /run/apache2/httpd.pid ]; do sleep .05; done")


def serves_mod_php_again(system):
    """It runs prefork with mod_php, and starts again from what is there."""
    assert runs(system, "prefork")
    assert php(system) == (200, "apache2handler")
    stop(system)
    system.start()
    assert php(system) == (200, "apache2handler")
