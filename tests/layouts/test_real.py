"""Every layout with a real httpd in its own paths: started by what starts it
there, switched to each MPM while it runs, and rolled back to the last byte.
"""

import pytest

import tally
from fixtures import cache, hosts, laid_out, unpacked
from fixtures.tool import Tool

URL = "http://127.0.0.1/"

# As /etc/rc.d/rc.httpd and /opt/lampp/lampp: what they pass to httpd beside
# "start" must be there after a switch, too.
RC_HTTPD = """#!/bin/sh
echo "$1" >>/run/control.calls
case "$1" in
start) /usr/sbin/apachectl -k start ;;
stop) /usr/sbin/apachectl -k stop ;;
*) exit 1 ;;
esac
"""
LAMPP = """#!/bin/sh
echo "$1" >>/run/control.calls
case "$1" in
startapache) cd /opt/lampp/etc/lampp
    exec /opt/lampp/bin/apachectl -E /opt/lampp/logs/error_log -k start \\
    -DSSL $(! test -e startphp || echo -DPHP) ;;
stopapache) exec /opt/lampp/bin/apachectl -k stop ;;
*) exit 1 ;;
esac
"""
# A monitor starts what is not there, unless it was told to leave it alone.
CTLSCRIPT = """#!/bin/sh
echo "$*" >>/run/control.calls
case "$1 $2" in
"start apache") touch /run/monitored
    exec /opt/bitnami/apache/bin/apachectl -k start ;;
"stop apache") rm -f /run/monitored
    exec /opt/bitnami/apache/bin/apachectl -k stop ;;
*) exit 1 ;;
esac
"""
MONITOR = """while :; do
    pid=$(cat /opt/bitnami/apache/logs/httpd.pid 2>/dev/null)
    if [ -e /run/monitored ] && ! kill -0 "${pid:-0}" 2>/dev/null; then
        echo restarted >>/run/control.calls
        /opt/bitnami/apache/bin/apachectl -k start
    fi
    sleep 0.02
done"""
OPENRC = """#!/sbin/openrc-run
supervisor={supervisor}
command=/usr/sbin/httpd
command_args="{args}"
{pidfile}
start_pre() {{ echo start >>/run/control.calls; }}
"""


def control(path, text):
    def start(sb):
        sb.write(path, text, 0o755)
        sb.run("mkdir -p /opt/lampp/etc/lampp")
        words = {"/etc/rc.d/rc.httpd": ["start"],
                 "/opt/lampp/lampp": ["startapache"],
                 "/opt/bitnami/ctlscript.sh": ["start", "apache"]}[path]
        sb.run([path, *words])
    return start


def monitored(sb):
    control("/opt/bitnami/ctlscript.sh", CTLSCRIPT)(sb)
    sb.popen(["sh", "-c", MONITOR], start_new_session=True)


def openrc(supervisor, args):
    def start(sb):
        unpacked.into(sb, "openrc")
        sb.write("/etc/init.d/apache2",
                 OPENRC.format(supervisor=supervisor, args=args,
                               pidfile="" if supervisor else
                               "pidfile=/var/www/logs/httpd.pid"), 0o755)
        sb.run("cd /run && mkdir -p openrc && cd openrc && mkdir daemons "
               "exclusive failed hotplugged inactive options scheduled "
               "started starting stopping tmp wasinactive && "
               "touch softlevel")
        sb.run(["rc-service", "apache2", "start"])
    return start


def runit(sb):
    unpacked.into(sb, "runit")
    sb.write("/etc/sv/apache/run", "#!/bin/sh\necho start "
             ">>/run/control.calls\nexec /usr/bin/httpd -DNO_DETACH\n", 0o755)
    sb.popen(["runsv", "/etc/sv/apache"], start_new_session=True)


def s6(sb):
    unpacked.into(sb, "s6")
    sb.write("/run/service/apache/run", "#!/bin/sh\necho start "
             ">>/run/control.calls\nexec /usr/bin/httpd -DNO_DETACH\n", 0o755)
    sb.popen(["s6-supervise", "/run/service/apache"],
             start_new_session=True)


def apachectl(sb, name):
    ctl = next((hosts.HOSTS / name / "tree").rglob("apachectl"))
    sb.run(["/" + str(ctl.relative_to(hosts.HOSTS / name / "tree")),
            "start"])


# name of the host, how it is started, what `show` says of the service
WAYS = {
    "alpine-openrc": ("alpine", openrc("", "-k start"), "openrc"),
    "alpine-supervised": ("alpine", openrc("supervise-daemon",
                                           "-DFOREGROUND"), "supervised"),
    "arch": ("arch", None, "control-command"),
    "bitnami": ("bitnami", monitored, "control-command"),
    "bitnami-apache2": ("bitnami-apache2", None, "control-command"),
    "docker-httpd": ("docker-httpd", None, "control-command"),
    "el9": ("el9", None, "control-command"),
    "freebsd": ("freebsd", None, "control-command"),
    "scl": ("scl", None, "control-command"),
    "slackware": ("slackware", control("/etc/rc.d/rc.httpd", RC_HTTPD),
                  "control-command"),
    "source": ("source", None, "control-command"),
    "void-runit": ("void", runit, "supervised"),
    "void-s6": ("void", s6, "supervised"),
    "xampp": ("xampp", control("/opt/lampp/lampp", LAMPP),
              "control-command"),
}


class Server:
    def __init__(self, sb, name):
        self.sb, self.name, self.tool = sb, name, Tool(sb)
        self.spec = laid_out.install(sb, name)
        self.home = self.spec["expect"]["mpm"]["configured"]

    def begin(self, way):
        if self.name == "freebsd":      # two MPMs: it does not start as it is
            self.home = "event"
            assert self.tool("switch", "event", "--no-restart").rc == 0
        if way:
            way(self.sb)
        else:
            apachectl(self.sb, self.name)
        self.sb.wait(f"curl -sf {URL} && [ -s {self.pid_file} ]")

    @property
    def pid_file(self):
        return laid_out.pid_file(self.name)

    def pid(self):
        return int(self.sb.read(self.pid_file))

    def files(self):
        """Every byte below the directories that hold the configuration."""
        where = " ".join({f"/{p.relative_to(hosts.HOSTS / self.name / 'tree')}"
                          for p in (hosts.HOSTS / self.name / "tree")
                          .rglob("*") if p.is_file()})
        return self.sb.run(f"stat -c '%n %a %U %G %Y' {where}; "
                           f"sha256sum {where}").stdout

    def runs(self, mpm):
        shown = self.tool("show").data["mpm"]
        return self.sb.get(URL)[0] == 200 and not shown["pending"] \
            and shown["running"] == mpm == shown["configured"]


@pytest.fixture
def server(sandbox):
    """server(name): the layout of tests/hosts/NAME in a sandbox."""
    def make(name):
        sb = sandbox()
        try:
            return Server(sb, name)
        except cache.Unavailable as e:
            pytest.skip(str(e))
    return make


@pytest.mark.parametrize("name", WAYS)
def test_each_mpm_runs_and_the_way_back_is_exact(server, tallied, name):
    """The old process is gone, the new one runs the MPM and answers."""
    layout, way, kind = WAYS[name]
    server = server(layout)
    count = tallied(server.spec["expect"]["layout"]["id"])
    server.begin(way)
    with count.trying(tally.SHOW, name):
        data = server.tool("show").data
        assert data["layout"]["id"] == server.spec["expect"]["layout"]["id"]
        assert data["service"]["kind"] == kind, data["service"]
        assert server.runs(server.home)
    before = server.files()
    for target in ("prefork", "worker", "event"):
        if target == server.home:
            continue
        pid = server.pid()
        quick = ["--no-rehearsal"] if target == "worker" else []
        with count.trying(tally.LIVE, target):
            done = server.tool("switch", target, *quick)
            assert done.rc == 0, done
            assert done.data["verified"] == "running", done
            assert server.runs(target) and server.pid() != pid
        with count.trying(tally.BACK, target):
            done = server.tool("rollback", *quick)
            assert done.rc == 0 and server.runs(server.home), done
            assert server.files() == before


def test_debians_own_package_as_well(debian, tallied):
    """Links and markers, by apache2ctl."""
    sb, count = debian("prefork"), tallied("debian")
    tool = Tool(sb)
    sb.run(["apache2ctl", "start"])
    sb.wait(f"curl -sf {URL}")
    files = ("cd / && find etc/apache2 var/lib/apache2 "
             "-printf '%p %y %m %u %g %l\\n' | sort; "
             "find etc/apache2 -type f | sort | xargs sha256sum")
    before = sb.run(files).stdout
    for target in ("worker", "event"):
        with count.trying(tally.LIVE, target):
            done = tool("switch", target)
            assert done.rc == 0 and done.data["verified"] == "running", done
            assert tool("show").data["mpm"]["running"] == target
            assert sb.get(URL)[0] == 200
        with count.trying(tally.BACK, target):
            assert tool("rollback").rc == 0
            assert tool("show").data["mpm"]["running"] == "prefork"
            assert sb.run(files).stdout == before


def test_the_control_command_starts_it_with_its_own_options(server):
    """XAMPP's lampp passes -DSSL; a switch must not lose it."""
    server = server("xampp")
    server.begin(WAYS["xampp"][1])
    assert server.tool("switch", "event").rc == 0
    line = server.sb.read(f"/proc/{server.pid()}/cmdline").split("\0")
    assert "SSL" in "".join(line), line
    assert server.sb.read("/run/control.calls").split() \
        == ["startapache", "startapache"]


def test_the_mod_php_that_its_command_asks_for_is_seen(server, tallied):
    """It is loaded only with -DPHP, which no file of the tree says."""
    server = server("xampp")
    so = server.sb.run("ls /usr/lib/apache2/modules/libphp*.so",
                       check=False).stdout.split()
    if not so:
        pytest.skip("libapache2-mod-php is not installed")
    server.sb.run(f"cp {so[0]} /opt/lampp/modules/libphp.so; "
                  "mkdir -p /opt/lampp/etc/lampp; "
                  "touch /opt/lampp/etc/lampp/startphp")
    server.begin(WAYS["xampp"][1])
    with tallied("xampp").trying(tally.REFUSE, "php-not-thread-safe"):
        done = server.tool("switch", "event")
        found = {f["problem"]
                 for f in server.tool("check", "event").data["findings"]}
        assert done.rc == 3 and "php-not-thread-safe" in found, done
    assert server.runs("prefork")


def test_a_monitor_is_told_before_the_server_is_stopped(server):
    """Bitnami's would start the old one again with half the files."""
    server = server("bitnami")
    server.begin(monitored)
    assert server.tool("switch", "event").rc == 0
    calls = server.sb.read("/run/control.calls").splitlines()
    assert calls == ["start apache", "stop apache", "start apache"], calls
    assert server.runs("event")


@pytest.mark.parametrize("way", [runit, s6], ids=["runit", "s6"])
def test_a_supervisor_starts_it_once(server, way):
    """Held while the files change: no server on the way, and it is kept
    running as before, afterwards."""
    server = server("void")
    server.begin(way)
    assert server.tool("switch", "prefork").rc == 0
    assert server.sb.read("/run/control.calls").split() == ["start"] * 2
    pid = server.pid()
    server.sb.run(["kill", "-TERM", str(pid)])
    server.sb.wait(f'[ "$(cat {server.pid_file})" != {pid} ]')
    server.sb.wait(f"curl -sf {URL}")
    assert server.runs("prefork")


def test_a_new_server_that_dies_under_a_supervisor_is_undone(server):
    """runsv would start it once a second, for ever, on files that change."""
    server = server("void")
    server.begin(runit)
    server.sb.write("/etc/sv/apache/run", "#!/bin/sh\n"
                    "echo start >>/run/control.calls\n"
                    "grep -q '^LoadModule mpm_event' /etc/apache/httpd.conf "
                    "|| exit 1\nexec /usr/bin/httpd -DNO_DETACH\n", 0o755)
    before = server.files()
    done = server.tool("--timeout", "8", "switch", "prefork",
                       "--no-rehearsal")
    assert done.rc == 4 and done.data["rolled_back"], done
    assert server.files() == before and server.runs("event")


def test_supervisord_is_left_to_the_person(server):
    """It cannot be called for sure: nothing is stopped, and what restarts
    the server is said."""
    server = server("source")
    sb = server.sb
    sb.run("cp /bin/sh /run/supervisord")
    sb.popen(["/run/supervisord", "-c", "SUPERVISOR_PROCESS_NAME=web "
              "SUPERVISOR_GROUP_NAME=front /usr/local/apache2/bin/httpd "
              "-DFOREGROUND; :"], start_new_session=True)
    sb.wait(f"curl -sf {URL} && [ -s {server.pid_file} ]")
    pid = server.pid()
    done = server.tool("switch", "prefork")
    assert done.rc == 0 and done.data["verified"] == "configtest", done
    assert done.data["restart_with"] == "supervisorctl restart front:web"
    assert server.pid() == pid and sb.get(URL)[0] == 200


def test_pacnew_is_mentioned_and_not_read(server):
    server = server("arch")
    server.begin(None)
    server.sb.write("/etc/httpd/conf/httpd.conf.pacnew",
                    "LoadModule mpm_worker_module modules/mod_mpm_worker.so\n")
    found = [f for f in server.tool("check", "prefork").data["findings"]
             if f["problem"] == "config-not-merged"]
    assert len(found) == 1 and found[0]["severity"] == "info"
    assert found[0]["file"].endswith("httpd.conf.pacnew")
    assert server.tool("switch", "prefork").rc == 0
    assert server.runs("prefork")
