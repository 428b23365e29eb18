"""One vhost's user against the other's files and against root's.

Every attempt is counted and shown at the end of the run as tried/succeeded.
mpm-itk runs the same attempts: where it lets one through, the test is seen
to be able to fail.
"""

import os
import subprocess

import pytest

import users
from client import Closed
from helpers_build import build, compiler

MODULES = ["php", "cgi", "dav", "dav_fs", "include", "auth_basic",
           "authn_core", "authn_file", "authz_user"]
WORD = "TopSecretWord"
ROOT_WORD = "RootOnlyWord"
# Denied attempts are logged; what must not be there is checked separately.
DENIALS = r"\[(core|authn_file|auth_basic|include|dav|cgi|php|authz_core)" \
    r":(error|crit|alert)\]|itkmpm|htaccess"


@pytest.fixture(scope="module", params=["mpm_itk", "itkish"])
def server(request, httpd_for_module):
    """alice attacks; bob and root each have a file only they may read."""
    server = httpd_for_module(request.param, MODULES)
    server.php_ini()
    for name in ("alice", "bob"):
        number = users.numeric_uid()
        server.vhost(f"{name}.test", f"#{number}", f"#{number}", extra=f"""
DavLockDB {server.root}/www/{name}.test/.locks
<Directory {server.root}/www>
    Options +Includes +ExecCGI +FollowSymLinks
    AddHandler cgi-script .cgi
    AddOutputFilter INCLUDES .shtml
</Directory>
<Location /dav>
    Dav On
</Location>
""")
    bob = server.hosts["bob.test"]
    bob.put("secret.txt", f"{WORD} of bob\n")
    bob.put("secret.php", f"<?php echo '{WORD}';")
    bob.put("htpasswd", "eve:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
    bob.put("index.html", "bob\n")
    with open(f"{server.root}/rootonly", "w") as f:
        f.write(f"{ROOT_WORD}:$6$salt$hash:1:0:99999:7:::\n")
    os.chmod(f"{server.root}/rootonly", 0o600)
    os.mkdir(f"{server.root}/private", 0o700)
    with open(f"{server.root}/private/exists", "w") as f:
        f.write(f"{ROOT_WORD}\n")
    server.start()
    return server


@pytest.fixture
def alice(server):
    """The attacker's vhost."""
    return server.hosts["alice.test"]


class Tally:
    """Counts the attempts of one test."""

    def __init__(self, record, server):
        self.record, self.server = record, server
        self.tried = self.won = 0
        self.wins = []

    def add(self, what, success):
        """One attempt and whether it got through."""
        self.tried += 1
        if success:
            self.won += 1
            self.wins.append(what)

    def leak(self, what, path, host, word=WORD, **kw):
        """Ask for PATH; a success if WORD comes back or is logged."""
        mark = self.server.log.size()
        try:
            body = host.get(path, **kw).body.decode(errors="replace")
        except Closed:
            body = ""
        self.add(what, word in body or word in self.server.log.text(mark))

    def finish(self):
        """Report, and demand that nothing succeeded."""
        self.record("isolation", [self.server.kind, self.tried, self.won])
        assert self.tried > 0
        if self.server.kind == "itkish":
            assert self.wins == []


@pytest.fixture
def tally(record_property, server):
    """Counting starts at zero for every test."""
    server.log.expect(DENIALS, required=False)
    return Tally(record_property, server)


def _link(host, name, target):
    path = host.path(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)
    os.chown(path, host.uid, host.gid, follow_symlinks=False)


def test_static_requests_and_symlinks(server, alice, tally):
    """The other user's file by path tricks and by symbolic links."""
    bob = server.hosts["bob.test"]
    _link(alice, "link.txt", bob.path("secret.txt"))
    _link(alice, "bobdir", bob.docroot)
    _link(alice, "root.txt", f"{server.root}/rootonly")
    tally.leak("symlink", "/link.txt", alice)
    tally.leak("directory symlink", "/bobdir/secret.txt", alice)
    tally.leak("symlink to php source", "/bobdir/secret.php", alice)
    tally.leak("root's by symlink", "/root.txt", alice, ROOT_WORD)
    for path in ("/../bob.test/secret.txt", "/%2e%2e/bob.test/secret.txt",
                 "/.%2e/bob.test/secret.txt", "//..//bob.test/secret.txt",
                 "/bobdir/./secret.txt", f"{bob.path('secret.txt')}"):
        tally.leak(path, path, alice)
    tally.leak("absolute URI", "http://alice.test/bobdir/secret.txt", alice)
    tally.leak("as a range", "/link.txt", alice,
               headers={"Range": "bytes=0-40"})
    tally.finish()


def test_htaccess_links_are_neither_parsed_nor_logged(server, alice, tally):
    """A .htaccess that is a symlink to a root-only file says nothing."""
    bob = server.hosts["bob.test"]
    alice.put("h1/x.html", "x\n", 0o644)
    alice.put("h2/x.html", "x\n", 0o644)
    _link(alice, "h1/.htaccess", f"{server.root}/rootonly")
    _link(alice, "h2/.htaccess", bob.path("secret.txt"))
    tally.leak(".htaccess -> root's file", "/h1/x.html", alice, ROOT_WORD)
    tally.leak(".htaccess -> bob's file", "/h2/x.html", alice)
    if server.kind == "itkish":
        assert alice.get("/h1/x.html").status == 403
        assert alice.get("/h2/x.html").status == 403
    elif not tally.wins:
        pytest.skip("this mpm-itk has closed the .htaccess leak")
    tally.finish()


def test_htaccess_expressions_see_no_more_than_the_user(server, alice, tally):
    """<If -f> is no oracle for names the user cannot see."""
    for name in ("exists", "missing"):
        alice.put(f"if-{name}/x.html", "x\n", 0o644)
        alice.put(f"if-{name}/.htaccess",
                  f"<If \"-f '{server.root}/private/{name}'\">\n"
                  "    Header set X-There yes\n</If>\n", 0o644)
        reply = alice.get(f"/if-{name}/x.html")
        tally.add(f"-f {name}", reply.headers.get("X-There") == "yes")
    alice.put("if-size/x.html", "x\n", 0o644)
    alice.put("if-size/.htaccess",
              f"<If \"-s '{server.root}/private/exists'\">\n"
              "    Header set X-There yes\n</If>\n", 0o644)
    reply = alice.get("/if-size/x.html")
    tally.add("-s", reply.headers.get("X-There") == "yes")
    alice.put("if-file/x.html", "x\n", 0o644)
    alice.put("if-file/.htaccess", "<If \"file('"
              f"{server.root}/rootonly') =~ /{ROOT_WORD}/\">\n"
              "    Header set X-There yes\n</If>\n", 0o644)
    reply = alice.get("/if-file/x.html")
    tally.add("file()", reply.headers.get("X-There") == "yes")
    tally.finish()


def test_htaccess_files_named_in_directives(server, alice, tally):
    """Password files, error documents and handlers read as the user."""
    bob = server.hosts["bob.test"]
    alice.put("auth/x.html", "x\n", 0o644)
    alice.put("auth/.htaccess", "AuthType Basic\nAuthName x\n"
              f"AuthUserFile {bob.path('htpasswd')}\nRequire valid-user\n",
              0o644)
    reply = alice.get("/auth/x.html",
                      headers={"Authorization": "Basic ZXZlOnNlY3JldA=="})
    tally.add("AuthUserFile", reply.status == 200)
    _link(alice, "err/link.txt", bob.path("secret.txt"))
    alice.put("err/.htaccess", "ErrorDocument 404 /err/link.txt\n", 0o644)
    tally.leak("ErrorDocument", "/err/none", alice)
    alice.put("auto/.htaccess", "php_value auto_prepend_file "
              f"{bob.path('secret.txt')}\n", 0o644)
    alice.put("auto/x.php", "<?php echo 'mine';", 0o644)
    tally.leak("auto_prepend_file", "/auto/x.php", alice)
    tally.finish()


def test_server_side_includes(server, alice, tally):
    """SSI include, fsize and exec read as the user."""
    bob = server.hosts["bob.test"]
    _link(alice, "ssi.txt", bob.path("secret.txt"))
    alice.put("a.shtml", '<!--#include virtual="/ssi.txt" -->')
    alice.put("b.shtml", '<!--#include file="ssi.txt" -->')
    alice.put("c.shtml", f'<!--#exec cmd="cat {bob.path("secret.txt")} '
              f'{server.root}/rootonly 2>/dev/null" -->')
    for name in "abc":
        tally.leak(f"{name}.shtml", f"/{name}.shtml", alice)
    tally.leak("exec root's", "/c.shtml", alice, ROOT_WORD)
    tally.finish()


def test_php_and_cgi_read_as_the_user(server, alice, tally):
    """Files opened by scripts, by name, by link and through /proc."""
    bob = server.hosts["bob.test"]
    paths = [bob.path("secret.txt"), bob.path("secret.php"),
             f"{server.root}/rootonly", f"{server.root}/private/exists",
             f"/proc/{server.pid}/environ", f"/proc/{server.pid}/root"
             + bob.path("secret.txt"), f"/proc/self/cwd/{server.root}/rootonly"]
    quoted = ", ".join(f"'{path}'" for path in paths)
    alice.put("read.php", "<?php foreach ([" + quoted + "] as $p) {"
              "echo @file_get_contents($p), @shell_exec('cat ' . $p . "
              "' 2>/dev/null'), @implode('', (array)@file($p)); }"
              "foreach (glob('/proc/[0-9]*/root" + bob.path("secret.txt")
              + "') as $p) echo @file_get_contents($p);")
    alice.put("include.php", "<?php @include '" + bob.path("secret.php")
              + "'; @readfile('" + bob.path("secret.txt") + "');")
    alice.put("read.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n"
              "\\r\\n'\ncat " + " ".join(paths) + " 2>/dev/null\n", 0o700)
    for path in ("/read.php", "/include.php", "/read.cgi"):
        tally.leak(path, path, alice)
        tally.leak(path, path, alice, ROOT_WORD)
    tally.finish()


def test_webdav_changes_nothing_of_the_others(server, alice, tally):
    """PUT, COPY, MOVE, DELETE and PROPFIND through a symbolic link."""
    bob = server.hosts["bob.test"]
    alice.put("dav/mine", "mine\n")
    _link(alice, "dav/bob", bob.docroot)
    _link(alice, "dav/secret", bob.path("secret.txt"))
    before = sorted(os.listdir(bob.docroot))

    def changed():
        with open(bob.path("secret.txt")) as f:
            return sorted(os.listdir(bob.docroot)) != before or WORD \
                not in f.read()
    base = "http://alice.test/dav"
    for method, path, kw in (
            ("PUT", "/dav/bob/new", {"body": b"x"}),
            ("PUT", "/dav/secret", {"body": b"x"}),
            ("DELETE", "/dav/bob/secret.txt", {}),
            ("MKCOL", "/dav/bob/made", {}),
            ("MOVE", "/dav/mine", {"headers":
                                   {"Destination": base + "/bob/moved"}})):
        try:
            alice.get(path, method=method, **kw)
        except Closed:
            pass
        tally.add(f"{method} {path}", changed())
    try:
        alice.get("/dav/secret", method="COPY",
                  headers={"Destination": base + "/copied"})
    except Closed:
        pass
    tally.leak("COPY", "/dav/copied", alice)
    tally.leak("GET", "/dav/bob/secret.txt", alice)
    tally.finish()


def _attack_url(server, name):
    """The attack helper's arguments: everybody but the attacker."""
    bob = server.hosts["bob.test"]
    bob.get("/")                # so that a worker of bob's may be there
    everybody = server.processes()
    alice_uid = server.hosts["alice.test"].uid
    others = [str(p.pid) for p in everybody if p.uid != alice_uid]
    # Of its own workers it may signal them, but not look into them.
    pids = [str(p.pid) for p in everybody]
    files = ",".join([bob.path("secret.txt"), f"{server.root}/rootonly",
                      f"{server.root}/private/exists"])
    return (f"/{name}?victim={bob.uid}&files={files}"
            f"&signals={','.join(others)}&pids={','.join(pids)}")


def _count(tally, text):
    lines = [line.rsplit(" ", 1) for line in text.splitlines()]
    assert lines[-1] == ["done", "0"]
    for what, won in lines[:-1]:
        tally.add(what, won == "1")


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
@pytest.mark.parametrize("how", ["cgi", "php"])
def test_climbing_ptrace_and_signals(server, alice, tally, tmp_path, how):
    """Other ids, capabilities, /proc, ptrace and kill, from CGI and FFI."""
    alice.get("/")              # a worker of alice's own, where they are warm
    if how == "cgi":
        alice.put("attack.cgi", "", 0o700)
        build("attack.c", alice.path("attack.cgi"))
    else:
        library = build("attack.c", alice.path("attack.so"), "-shared",
                        "-fPIC")
        alice.put("attack.php", "<?php $c = FFI::cdef('int attack(const char "
                  f"*, char *, int);', '{library}'); "
                  "$b = FFI::new('char[65536]');"
                  "$n = $c->attack($_SERVER['QUERY_STRING'], $b, 65536);"
                  "echo FFI::string($b, $n), \"done 0\\n\";")
    _count(tally, alice.get(_attack_url(server, f"attack.{how}")).text)
    assert tally.tried > 30
    tally.finish()


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_the_attacks_work_for_root(tmp_path):
    """The helper's attempts succeed where they are allowed to."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    program = build("attack.c", str(tmp_path / "attack"))
    victim = subprocess.Popen(["sleep", "60"])
    try:
        said = subprocess.run(
            [program], check=True, text=True, capture_output=True,
            env={"QUERY_STRING": f"victim=4242&pids={victim.pid}"
                 f"&signals={victim.pid}&files=/etc/shadow"}).stdout
    finally:
        victim.kill()
        victim.wait()
    won = {line.rsplit(" ", 1)[0] for line in said.splitlines()
           if line.endswith(" 1")}
    assert {f"ptrace({victim.pid})", f"open(/proc/{victim.pid}/mem)",
            f"kill({victim.pid})", "read(/etc/shadow)", "setuid(0)",
            "setuid(victim)"} <= won


@pytest.mark.parametrize("checked", [False, True])
def test_opcache_as_the_manual_advises(httpd, uid, checked):
    """validate_permission=1 keeps a cached script from other users; without
    it the shared cache gives it away, as the manual says."""
    server = httpd("itkish", ["php"])
    server.php_ini("zend_extension=opcache", "opcache.enable=1",
                   "opcache.file_update_protection=0",
                   f"opcache.validate_permission={int(checked)}",
                   f"opcache.validate_root={int(checked)}")
    alice, bob = (server.vhost(f"{n}.test", uid()) for n in ("alice", "bob"))
    secret = bob.put("secret.php", f"<?php echo '{WORD}';")
    alice.put("steal.php", f"<?php @include '{secret}'; echo 'end';")
    server.start()
    server.log.expect("PHP|secret.php", required=False)
    for _ in range(3):
        assert bob.get("/secret.php").text == WORD
    said = alice.get("/steal.php").text
    assert said.endswith("end")
    if not checked and WORD not in said:
        pytest.skip("this opcache is not shared between users")
    assert (WORD in said) != checked
