"""Configurations, servers and file systems that are not as they should be.

Each gets an answer in bounded time, with the reason, and nothing changes.
"""

import os

import pytest

from fixtures import tool

_STATE = r"""
cd /
for d in etc/apache2 etc/apache2-* var/lib/apache2; do
    [ -d $d ] && find $d -printf '%p %y %m %U %G %l\n'
done | sort
find etc/apache2/ var/lib/apache2/ -type f ! -size +20M -print0 | sort -z |
    xargs -0 sha256sum
"""


class Server:
    """A sandbox with the distribution's Apache, and the tool in it."""

    def __init__(self, sb):
        self.sb = sb
        self.ea = tool.Tool(sb)

    def state(self):
        return self.sb.run(_STATE).stdout

    def refuses(self, *words, rc=None, problem=None, **kw):
        """The command fails, and the configuration is as it was."""
        before = self.state()
        done = self.ea(*words, **kw)
        assert not done.ok, done
        assert self.state() == before
        if rc is not None:
            assert done.rc == rc, done
        if problem is not None:
            assert done.problem == problem, done
        return done


@pytest.fixture
def server(debian):
    return Server(debian("prefork"))


def targets(done):
    return {t["mpm"]: t["verdict"] for t in done.data["targets"]}


def test_a_binary_configuration_is_shown_as_broken_and_not_switched(server):
    with open("/bin/ls", "rb") as f:
        junk = f.read(4096)
    server.sb.path("/etc/apache2/mods-enabled/junk.conf").write_bytes(junk)
    done = server.ea("show")
    assert done.data["mpm"]["configured"] == "prefork", done
    assert done.data["httpd"]["config_test"]["ok"] is False
    server.refuses("switch", "event", "--no-rehearsal")


def test_a_syntax_error_elsewhere_leaves_show_right_and_blocks_a_switch(
        server):
    """The answer names httpd's own message with its file and line."""
    server.sb.write("/etc/apache2/mods-enabled/zz.conf", "Nonsense on\n")
    done = server.ea("show")
    assert done.data["mpm"]["configured"] == "prefork"
    assert "zz.conf" in done.data["httpd"]["config_test"]["output"]
    server.refuses("switch", "event")


def test_an_unreadable_configuration_is_named(server):
    """To a user who may not read it: which file, and what to type."""
    server.sb.run("chmod 600 /etc/apache2/apache2.conf; "
                  "chown root:root /etc/apache2/apache2.conf")
    program = tool.install(server.sb)
    done = tool.Answer(server.sb.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         program, "show", "--json"], check=False))
    assert done.rc == 1 and "/etc/apache2/apache2.conf" in done.detail, done


def test_a_line_of_100_mb_is_answered(server):
    """In seconds, and with the MPM still told."""
    server.sb.run("{ printf '# '; head -c 100M /dev/zero | tr '\\0' x; "
                  "printf '\\n'; } >/etc/apache2/mods-enabled/aa.conf")
    done = server.ea("show", timeout=90)
    if done.ok:
        assert done.data["mpm"]["configured"] == "prefork"
    else:
        assert "aa.conf" in done.detail


def test_an_include_that_includes_itself_ends(server):
    server.sb.write("/etc/apache2/mods-enabled/loop.conf",
                    "Include mods-enabled/loop.conf\n")
    done = server.ea("show")
    assert done.data["mpm"]["configured"] == "prefork"
    assert done.data["httpd"]["config_test"]["ok"] is False
    server.refuses("switch", "event")


def test_an_include_of_a_directory_with_odd_names_is_read(server):
    """Blanks, quotes, a newline, bytes that are not UTF-8."""
    directory = server.sb.path("/etc/apache2/mods-enabled")
    for name in (b"a b.conf", b"quo\"te'.conf", b"new\nline.conf",
                 b"\xff\xfe.conf", b"-dash.conf", b"$(id).conf"):
        with open(os.fsencode(str(directory)) + b"/" + name, "wb") as f:
            f.write(b"# nothing\n")
    done = server.ea("show")
    assert done.ok and done.data["mpm"]["configured"] == "prefork"
    assert done.data["httpd"]["config_test"]["ok"] is True
    done = server.ea("plan", "event")
    assert done.ok, done


def test_without_a_server_the_answer_says_so(sandbox, tmp_path):
    """An empty tree: no httpd; what was looked for is told."""
    ea = tool.Tool(sandbox(), "--root", tmp_path)
    for words in (("show",), ("list",), ("check", "event"),
                  ("switch", "event")):
        done = ea(*words)
        assert done.rc == 1 and done.data is None, done
        assert "httpd" in done.detail or "Apache" in done.detail, done
    assert ea("history").data == {"switches": []}
    assert ea("recover").data["changed"] is False
    assert os.listdir(tmp_path) in ([], ["var"])


def test_a_missing_binary_is_named(server):
    done = server.refuses("show", "--httpd", "/usr/sbin/no-such-httpd", rc=1)
    assert "/usr/sbin/no-such-httpd" in done.detail


_FAKE = {
    "hangs": "#!/bin/sh\nsleep 1000 & sleep 1000\n",
    "rubbish": "#!/bin/sh\nhead -c 300000 /dev/urandom\n",
    "silent": "#!/bin/sh\nexit 0\n",
    "dies": "#!/bin/sh\nkill -SEGV $$\n",
    "endless": "#!/bin/sh\nwhile :; do echo Server version: Apache/; done\n",
}


@pytest.mark.parametrize("kind", sorted(_FAKE))
def test_a_server_binary_that_misbehaves_is_survived(server, kind):
    """It hangs, prints rubbish or without end, says nothing, or crashes:
    an answer within the timeout, no process left, nothing changed."""
    server.sb.write("/usr/local/sbin/fake-httpd", _FAKE[kind], 0o755)
    before = server.state()
    done = server.ea("show", "--httpd", "/usr/local/sbin/fake-httpd",
                     "--timeout", "2", timeout=60)
    if done.ok:     # what the files say is right even so
        assert done.data["mpm"]["configured"] in ("prefork", None)
    server.refuses("switch", "event", "--no-rehearsal", "--httpd",
                   "/usr/local/sbin/fake-httpd", "--timeout", "2",
                   timeout=60)
    assert server.state() == before
    left = server.sb.run("pgrep -f [f]ake-httpd; pgrep -x sleep", check=False)
    assert left.stdout == "", left.stdout


def test_a_read_only_file_system_changes_nothing(server):
    server.sb.run("mount -o remount,ro,bind /etc")
    done = server.refuses("switch", "event", "--no-rehearsal")
    assert done.rc in (1, 4), done
    assert "ead-only" in done.detail, done


def test_a_state_directory_that_cannot_be_written_changes_nothing(server):
    """No journal, no switch."""
    server.sb.run("mkdir -p /var/lib/ea-mpm && mount -t tmpfs -o ro,mode=700 "
                  "none /var/lib/ea-mpm")
    done = server.refuses("switch", "event", "--no-rehearsal", rc=1)
    assert "/var/lib/ea-mpm" in done.detail


def test_a_held_lock_is_exit_code_6_and_says_by_whom(server):
    """The pid of the holder, and every reading command still answers."""
    server.sb.run("install -d -m 700 /var/lib/ea-mpm")
    holder = server.sb.popen(["/usr/bin/python3", "-c", """
import fcntl, json, os, struct, sys
fd = os.open("/var/lib/ea-mpm/lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
start = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19])
os.write(fd, json.dumps({"pid": os.getpid(), "start": start,
                         "command": "switch worker",
                         "since": "today"}).encode())
print(os.getpid(), flush=True)
sys.stdin.read()
"""], stdin=-1, stdout=-1, text=True)
    try:
        pid = holder.stdout.readline().strip()
        for words in (("switch", "event"), ("rollback",), ("recover",)):
            done = server.refuses(*words, rc=6, problem="lock-held")
            assert pid in done.detail and "switch worker" in done.detail
        for words in (("show",), ("check", "event"), ("history",),
                      ("switch", "event", "--dry-run")):
            assert server.ea(*words).ok
    finally:
        holder.stdin.close()
        holder.wait(timeout=10)
        holder.stdout.close()


@pytest.mark.parametrize("junk", ["", "{", "\0" * 100, '{"format": 99}'])
def test_a_damaged_journal_stops_writers_and_says_what_to_do(server, junk):
    """Nothing is changed, by recover neither; show still answers."""
    server.sb.run("install -d -m 700 /var/lib/ea-mpm/journal")
    server.sb.write("/var/lib/ea-mpm/journal/20260101T000000-1/intent.json",
                    junk)
    server.sb.write("/var/lib/ea-mpm/journal/20260101T000000-1/state",
                    "applying\n")
    for words in (("switch", "event"), ("recover",)):
        done = server.refuses(*words)
        assert done.rc in (1, 5), done
        assert "20260101T000000-1" in done.detail, done
    assert server.ea("show").ok


def test_symlinked_configuration_directories_are_followed(server):
    """/etc/apache2 itself and mods-enabled live elsewhere: the switch goes
    through and the links stay."""
    server.sb.run("mv /etc/apache2/mods-enabled /srv/enabled && "
                  "ln -s /srv/enabled /etc/apache2/mods-enabled && "
                  "mv /etc/apache2 /srv/apache2 && "
                  "ln -s /srv/apache2 /etc/apache2")
    # a relative link inside mods-enabled now leads nowhere; admins who move
    # the directory make the links absolute
    server.sb.run("cd /srv/enabled && for l in *; do ln -sfn "
                  "/etc/apache2/mods-available/$l $l; done")
    assert server.ea("show").data["mpm"]["configured"] == "prefork"
    done = server.ea("switch", "event", "--no-rehearsal")
    assert done.ok, done
    assert server.ea("show").data["mpm"]["configured"] == "event"
    assert server.sb.run("readlink /etc/apache2 /etc/apache2/mods-enabled"
                         ).stdout == "/srv/apache2\n/srv/enabled\n"
    server.sb.run("apache2ctl configtest")


def test_a_rollback_without_a_switch_says_so(server):
    done = server.refuses("rollback", rc=1)
    assert done.detail
    done = server.refuses("rollback", "20200101T000000-1", rc=1)
    assert "20200101T000000-1" in done.detail
    done = server.refuses("rollback", "../../../etc/passwd")


def test_unknown_changes_are_usage_errors(server):
    for words in (("--with", "php=magic"), ("--with", "nonsense"),
                  ("--without", "no_such_module")):
        done = server.refuses("switch", "event", *words, rc=2)
        assert words[1].split("=")[0] in done.detail, done
