"""Servers for the rehearsal's tests, and who watches them meanwhile."""

import hashlib
import json
import pathlib
import shutil
import signal
import subprocess

import pytest

from fixtures import cache

HERE = pathlib.Path(__file__).parent

# Asks a URL on a connection of its own, again and again, until told to stop.
PROBER = r"""
import http.client, json, signal, sys, time
going, ok, bad = True, 0, []
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
began = time.monotonic()
print("ready", flush=True)
while going:
    try:
        c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
        c.request("GET", "/")
        status = c.getresponse().status
        c.close()
        if status == 200:
            ok += 1
        else:
            bad.append(status)
    except OSError as e:
        bad.append(repr(e))
    time.sleep(0.001)
print(json.dumps({"ok": ok, "bad": bad[:5], "failed": len(bad),
                  "seconds": time.monotonic() - began}))
"""


class Prober:
    """Requests to the live server all the time; stop() tells how they went.

        with Prober(sb) as live:
            ...
        assert live.failed == 0
    """

    def __init__(self, sb, port=80):
        self.sb, self.port = sb, port

    def __enter__(self):
        self.process = self.sb.popen(
            ["/usr/bin/python3", "-c", PROBER, self.port],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *exc):
        # nsenter is the child; the prober is the child's child.
        pid = self.process.pid
        inner = pathlib.Path(f"/proc/{pid}/task/{pid}/children") \
            .read_text().split()
        for child in inner or [pid]:
            subprocess.run(["kill", "-TERM", child], check=False)
        out, _ = self.process.communicate(timeout=20)
        said = json.loads(out)
        self.ok, self.failed = said["ok"], said["failed"]
        self.bad = said["bad"]
        self.rate = (self.ok + self.failed) / said["seconds"]

    def unharmed(self):
        """Not one request failed, and there were enough to tell."""
        return self.failed == 0 and self.ok > 20


def _compiler():
    apxs = shutil.which("apxs") or shutil.which("apxs2")
    if not apxs:
        pytest.skip("needs apxs (apache2-dev)")
    return apxs


def trap_module():
    """The path of the compiled mod_trap.so."""
    apxs = _compiler()
    source = HERE / "modules/mod_trap.c"

    def make(out):
        shutil.copy(source, out / "mod_trap.c")
        done = subprocess.run([apxs, "-Wc,-Wall", "-Wc,-Werror", "-c",
                               "mod_trap.c"], cwd=out,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.copy(out / ".libs/mod_trap.so", out / "mod_trap.so")
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    return cache.entry("trap", key, make) / "mod_trap.so"


def use_trap(sb, lines):
    """Load the module in the sandbox's server with these directives."""
    sb.run(["cp", trap_module(), "/usr/lib/apache2/modules/mod_trap.so"])
    sb.write("/etc/apache2/mods-available/trap.load",
             "LoadModule trap_module /usr/lib/apache2/modules/mod_trap.so\n")
    sb.write("/etc/apache2/mods-available/trap.conf", lines + "\n")
    sb.run(["a2enmod", "-q", "trap"])


def vhost(name, docroot, port=80, more=""):
    """A <VirtualHost> and the permission to read its documents."""
    return (f"<VirtualHost *:{port}>\n    ServerName {name}\n"
            f"    DocumentRoot {docroot}\n{more}\n</VirtualHost>\n"
            f"<Directory {docroot}>\n    Require all granted\n"
            "    AllowOverride All\n</Directory>\n")


def add_site(sb, text, name="hosts"):
    """Enable a site with this text."""
    sb.write(f"/etc/apache2/sites-available/{name}.conf", text)
    sb.run(["a2ensite", "-q", name])


def start(sb):
    """Start the server and wait until it answers."""
    sb.run(["apache2ctl", "start"])
    for _ in range(200):
        if sb.get("http://127.0.0.1/")[0]:
            return
    raise AssertionError(sb.read("/var/log/apache2/error.log"))


def digest(sb):
    """Every file of the sandbox that a server could touch: path, inode,
    times, size; and the processes and mounts there are."""
    files = sb.run("find /etc /var /srv /run /tmp/. -xdev -not -path "
                   "'*/ea-mpm*' -not -path '/tmp/*' "
                   "-printf '%p %i %T@ %C@ %s %m %U\\n' | sort").stdout
    # The disks of machines that other tests boot come and go.
    mounts = sb.run("grep -v /ea-mpm-machine- /proc/self/mountinfo | sort | "
                    "cut -d' ' -f3-").stdout
    processes = sb.run("cat /proc/[0-9]*/comm 2>/dev/null | sort -u | "
                       "grep -vE '^(sh|cat|sort|grep)$'").stdout
    # A live server changes the number of its children; another world's
    # processes show by their namespaces.
    worlds = sb.run("for k in mnt net pid ipc uts; do readlink "
                    "/proc/[0-9]*/ns/$k | sort -u | wc -l; done").stdout
    return files, mounts, processes, worlds


def php_missing():
    """Why PHP tests cannot run here, or None."""
    mods = list(pathlib.Path("/usr/lib/apache2/modules").glob("libphp*.so"))
    if not mods:
        return "needs mod_php (libapache2-mod-php)"
    if not list(pathlib.Path("/usr/sbin").glob("php-fpm*")):
        return "needs php-fpm"
    return None


def php_version():
    """"8.2" of the installed mod_php."""
    mods = pathlib.Path("/usr/lib/apache2/modules").glob("libphp*.so")
    return sorted(mods)[-1].name[len("libphp"):-len(".so")]


def kill(pid):
    """End a process that may be gone already."""
    try:
        subprocess.run(["kill", f"-{int(signal.SIGKILL)}", str(pid)],
                       check=False, capture_output=True)
    except OSError:
        pass
