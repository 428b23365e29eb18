"""A throwaway httpd: its own ServerRoot, ports, users and processes.

    with Server("itkish", modules=["php"]) as server:
        alice = server.vhost("alice.test", user="#61001")
        server.start()
        assert server.get("/", "alice.test").status == 200

Kinds: "prefork" is the stock server, "mpm_itk" the same with the
distribution's mpm-itk, "itkish" the same with the module of this tree.
"""

import contextlib
import glob
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from certs import make_certificate
from client import Connection
from errorlog import ErrorLog
from procs import marked, processes
from wait import wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
KINDS = ("prefork", "mpm_itk", "itkish")
LIVE = []               # servers that run now; conftest checks their logs
LEFTOVER_TIMEOUT = 5.0  # seconds for the last process to go after the parent
BASE_MODULES = ("authz_core", "authz_host", "unixd", "mime", "dir", "alias",
                "log_config", "env", "setenvif", "headers")
# Where the file is not mod_<name>.so.
FILES = {"php": ("libphp*.so", "mod_php*.so"), "mpm_itk": ("mpm_itk.so",)}
PHP_HANDLER = ('<FilesMatch "\\.php$">\n'
               '    SetHandler application/x-httpd-php\n</FilesMatch>\n')


def _apxs(variable):
    tool = os.environ.get("APXS") or shutil.which("apxs") \
        or shutil.which("apxs2")
    if tool is None:
        return None
    done = subprocess.run([tool, "-q", variable], capture_output=True,
                          text=True)
    return done.stdout.strip() or None


def httpd_binary():
    """The server under test: $HTTPD, or what apxs and PATH know."""
    named = os.environ.get("HTTPD")
    if named:
        return named
    for name in ("apache2", "httpd"):
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
        if found:
            return found
    return None


def modules_dir():
    """Where httpd's own modules lie: $HTTPD_MODULES, or what apxs says."""
    return os.environ.get("HTTPD_MODULES") or _apxs("LIBEXECDIR") \
        or "/usr/lib/apache2/modules"


def itkish_module():
    """The module of this tree: $ITKISH_MODULE, or what `make` built."""
    build = os.path.join(TOP, os.environ.get("BUILD", "build"))
    return os.environ.get("ITKISH_MODULE") \
        or os.path.join(build, "modules/mod_mpm_itkish.so")


def module_file(name):
    """The path of module NAME, or None where it is not installed."""
    if name == "mpm_itkish":
        path = itkish_module()
        return path if os.path.exists(path) else None
    for pattern in FILES.get(name, (f"mod_{name}.so",)):
        found = sorted(glob.glob(os.path.join(modules_dir(), pattern)))
        if found:
            return found[-1]
    return None


def load_line(name):
    """A LoadModule line that is right for static and shared builds."""
    path = module_file(name)
    if path is None:
        return ""
    return (f"<IfModule !{name}_module>\n"
            f"    LoadModule {name}_module {path}\n</IfModule>\n")


def missing(kind, modules=()):
    """Why a server of KIND with MODULES cannot be run here, or None."""
    if os.getuid() != 0:
        return "needs root: the server changes users"
    if httpd_binary() is None:
        return "needs an httpd (set HTTPD)"
    wanted = list(modules) + (["mpm_itkish"] if kind == "itkish" else
                              ["mpm_itk"] if kind == "mpm_itk" else [])
    for name in wanted:
        if module_file(name) is None:
            return f"needs mod_{name}"
    return None


class Vhost:
    """One virtual host of a server, with a document root of its own."""

    def __init__(self, server, name, uid, gid):
        self.server = server
        self.name = name
        self.uid = uid
        self.gid = gid
        self.docroot = os.path.join(server.root, "www", name)
        os.makedirs(self.docroot)
        os.chown(self.docroot, uid, gid)

    def path(self, name):
        """The file NAME below the document root."""
        return os.path.join(self.docroot, name)

    def put(self, name, content, mode=0o600, uid=None, gid=None):
        """Write a file that belongs to the vhost's user; return its path."""
        path = self.path(name)
        made = []
        directory = os.path.dirname(path)
        while not os.path.isdir(directory):
            made.append(directory)
            directory = os.path.dirname(directory)
        for directory in reversed(made):
            os.mkdir(directory)
            os.chown(directory, self.uid, self.gid)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes)
                    else content.encode())
        os.chown(path, self.uid if uid is None else uid,
                 self.gid if gid is None else gid)
        os.chmod(path, mode)
        return path

    def get(self, path="/", **kw):
        """One request to this vhost on a connection of its own."""
        return self.server.get(path, self.name, **kw)


class Server:
    """See the top of this file. Everything it makes is gone after stop()."""

    def __init__(self, kind, modules=(), user="www-data", group="www-data",
                 mpm="prefork", wrapper=(), **tuning):
        self.kind = kind
        self.modules = [*BASE_MODULES, *modules]
        self.user, self.group = user, group
        self.mpm = mpm
        self.wrapper = list(wrapper)    # argv put before httpd: setpriv, ...
        self.load_first = False         # the module before the MPM
        self.tuning = {"StartServers": 2, "MinSpareServers": 1,
                       "MaxSpareServers": 4, "MaxRequestWorkers": 20,
                       "Timeout": 20, "KeepAliveTimeout": 5,
                       "LogLevel": "info", **tuning}
        self.root = tempfile.mkdtemp(prefix="itkish-")
        os.chmod(self.root, 0o755)
        for name in ("conf", "logs", "run", "www", "php"):
            os.mkdir(os.path.join(self.root, name))
        self.mark = f"ITKISH_TEST_ROOT={self.root}".encode()
        self._held = []                 # sockets that reserve our ports
        self.port = self.new_port()
        self.listens = [f"Listen 127.0.0.1:{self.port}"]
        self.fragments = []
        self.hosts = {}
        self.env = {}
        self.log = ErrorLog(os.path.join(self.root, "logs/error.log"))
        self.process = None
        self._certificate = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # ---------------------------------------------------------------- build

    def new_port(self, address="127.0.0.1"):
        """A port nobody else gets while this server lives."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        held = socket.socket(family, socket.SOCK_STREAM)
        held.bind((address, 0))
        # Lets httpd bind the same port: neither of us reserves by listening.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.append(held)
        return held.getsockname()[1]

    def listen(self, address="127.0.0.1", protocol=""):
        """One more Listen; returns its port."""
        port = self.new_port(address)
        shown = f"[{address}]" if ":" in address else address
        self.listens.append(f"Listen {shown}:{port} {protocol}".rstrip())
        return port

    def add(self, text):
        """Append a fragment to the configuration."""
        self.fragments.append(text)

    def vhost(self, name, user=None, group=None, extra="", port=None,
              tls=False, address="*", listed=True):
        """A virtual host; USER and GROUP as AssignUserID takes them."""
        group = group if group is not None else user
        host = Vhost(self, name, *self._ids(user, group))
        lines = [f"<VirtualHost {address}:{port or self.port}>",
                 f"    ServerName {name}",
                 f"    DocumentRoot {host.docroot}"]
        if user is not None and self.kind != "prefork":
            lines.append(f"    AssignUserID {user} {group}")
        if tls:
            crt, key = self.certificate()
            lines += ["    SSLEngine on", f"    SSLCertificateFile {crt}",
                      f"    SSLCertificateKeyFile {key}"]
        lines += ["    " + line for line in extra.splitlines()]
        lines.append("</VirtualHost>\n")
        if listed:
            self.add("\n".join(lines))
        self.hosts[name] = host
        return host

    def _ids(self, user, group):
        if user is None:
            user, group = self.user, self.group
        uid = int(user[1:]) if user.startswith("#") \
            else pwd.getpwnam(user).pw_uid
        gid = int(group[1:]) if group.startswith("#") \
            else grp.getgrnam(group).gr_gid
        return uid, gid

    def certificate(self):
        """Paths of the certificate and key of this server."""
        if self._certificate is None:
            self._certificate = make_certificate(
                os.path.join(self.root, "conf"))
        return self._certificate

    def php_ini(self, *lines, extensions=("posix", "ffi")):
        """The php.ini of the server's mod_php, with these extensions."""
        text = [f"extension={name}" for name in extensions]
        text += ["ffi.enable=true", "display_errors=1", "log_errors=0",
                 *lines]
        with open(os.path.join(self.root, "php/php.ini"), "w") as f:
            f.write("\n".join(text) + "\n")

    def config(self):
        """The whole configuration as text."""
        loads = [f"mpm_{self.mpm}", *dict.fromkeys(self.modules)]
        if self.kind != "prefork":
            loads.insert(0 if self.load_first else len(loads),
                         {"itkish": "mpm_itkish"}.get(self.kind, self.kind))
        text = [f"ServerRoot {self.root}", "DefaultRuntimeDir run",
                "PidFile run/httpd.pid", "ServerName localhost",
                *self.listens, "ErrorLog logs/error.log",
                *[load_line(name) for name in loads],
                f"User {self.user}", f"Group {self.group}",
                "Mutex default", "TypesConfig /dev/null",
                "AddType text/html .html .shtml", "DirectoryIndex index.html"]
        if "php" in self.modules:
            text += [f"PHPIniDir {self.root}/conf", PHP_HANDLER]
        if self.mpm not in ("prefork", "none"):
            self.tuning.pop("MaxSpareServers", None)
            self.tuning.pop("MinSpareServers", None)
        text += [f"{name} {value}" for name, value in self.tuning.items()]
        text += ["<Directory />", "    AllowOverride All",
                 "    Require all granted", "</Directory>",
                 *self.fragments]
        return "\n".join(text) + "\n"

    def write_config(self):
        """Write the configuration file; returns its path."""
        path = os.path.join(self.root, "conf/httpd.conf")
        with open(path, "w") as f:
            f.write(self.config())
        return path

    # ----------------------------------------------------------------- run

    def _argv(self, *options):
        return [*self.wrapper, httpd_binary(), "-f",
                os.path.join(self.root, "conf/httpd.conf"), *options]

    def _environ(self):
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                           "LD_PRELOAD")}
        env.update(self.env, LC_ALL="C",
                   PHP_INI_SCAN_DIR=os.path.join(self.root, "php"),
                   ITKISH_TEST_ROOT=self.root)
        return env

    def configtest(self):
        """Run httpd -t; CompletedProcess with both outputs as one text."""
        self.write_config()
        return subprocess.run(self._argv("-t"), env=self._environ(), text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)

    def _spawn(self):
        self.write_config()
        with open(os.path.join(self.root, "logs/stderr.log"), "ab") as err:
            self.process = subprocess.Popen(
                self._argv("-DFOREGROUND"), env=self._environ(), stdin=subprocess.DEVNULL,
                stdout=err, stderr=err, start_new_session=True, cwd="/")

    def start(self):
        """Start and wait until it answers on its first port."""
        LIVE.append(self)
        self._spawn()

        def up():
            if self.process.poll() is not None:
                raise AssertionError("httpd did not start:\n" + self.said())
            return self.log.count("resuming normal operations")
        wait_until(up, "httpd started", 30)
        return self

    def start_fails(self):
        """Start a server that must refuse; returns everything it said."""
        self._spawn()
        code = self.process.wait(30)
        self.process = None
        self._nothing_left()
        self.log.checked = self.log.size()      # the caller reads it all
        assert code != 0, "httpd started:\n" + self.said()
        return self.said()

    def said(self):
        """stderr and error log together."""
        with open(os.path.join(self.root, "logs/stderr.log"),
                  errors="replace") as f:
            return f.read() + self.log.text()

    @property
    def pid(self):
        """The pid of the httpd parent."""
        pattern = os.path.join(self.root, "run/httpd.pid")
        with open(pattern) as f:
            return int(f.read())

    def kill(self, number):
        """Send a signal to the httpd parent."""
        os.kill(self.pid, number)

    def graceful(self, timeout=20):
        """SIGUSR1, and wait until the new configuration serves."""
        self._again(signal.SIGUSR1, "Graceful restart requested", timeout)

    def restart(self, timeout=30):
        """SIGHUP, and wait until the new configuration serves."""
        self._again(signal.SIGHUP, "SIGHUP received", timeout)

    def _again(self, number, line, timeout):
        mark = self.log.size()
        self.kill(number)
        wait_until(lambda: self.log.count("resuming normal operations", mark),
                   f"httpd restarted ({line})", timeout)

    def stop(self, number=signal.SIGTERM, timeout=30):
        """Stop by pid and check that no process of ours is left."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if self in LIVE:
            LIVE.remove(self)
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._kill_all(process)
            raise AssertionError("httpd did not stop:\n"
                                 + self.log.text()[-3000:]) from None
        self._nothing_left(process)

    def processes(self, match=lambda process: True):
        """Every live process of this server, whatever it calls itself."""
        session = self.process.pid if self.process else -1
        return processes(lambda p: (p.session == session or p.pgrp == session
                                    or marked(p.pid, self.mark))
                         and match(p))

    def _nothing_left(self, process=None):
        session = process.pid if process else -1

        def ours(p):
            return session in (p.session, p.pgrp) or marked(p.pid, self.mark)
        try:
            wait_until(lambda: not processes(ours), "all processes gone",
                       LEFTOVER_TIMEOUT)
        except AssertionError:
            left = processes(ours)
            for p in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(p.pid, signal.SIGKILL)
            raise AssertionError(f"left behind: {left}") from None

    def _kill_all(self, process):
        process.kill()
        process.wait()
        for p in processes(lambda p: process.pid in (p.session, p.pgrp)):
            try:
                os.kill(p.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self):
        """Stop and remove everything."""
        try:
            self.stop()
        finally:
            for held in self._held:
                held.close()
            if os.environ.get("KEEP_SERVER_ROOT") is None:
                shutil.rmtree(self.root, ignore_errors=True)

    # ----------------------------------------------------------------- ask

    def connect(self, port=None, sni=None, address="127.0.0.1", **kw):
        """A client connection; SNI a name, or False for TLS without one."""
        return Connection((address, port or self.port), sni, **kw)

    def get(self, path="/", host="localhost", port=None, sni=None,
            address="127.0.0.1", **kw):
        """One request on a connection of its own."""
        with self.connect(port, sni, address) as c:
            c.request(path, host, close=True, **kw)
            return c.reply(kw.get("method", "GET"))

    def raw(self, data, port=None, sni=None):
        """Send bytes; return every byte of the answer."""
        with self.connect(port, sni) as c:
            c.send(data)
            return c.rest()

    def access_log(self, name="access.log"):
        """The lines of an access log below logs/."""
        try:
            with open(os.path.join(self.root, "logs", name)) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def workers(self):
        """Processes that run under the id of one of the vhosts."""
        uids = {host.uid for host in self.hosts.values()} \
            - {self._ids(None, None)[0]}
        return self.processes(lambda p: p.uid in uids)


def escape(text):
    """TEXT as a literal in a pattern."""
    return re.escape(text)
