"""The RHEL family 6's layout with real httpds: HTTPD names the program."""

import pathlib

import pytest

from fixtures import cache, mpm_programs
from fixtures.sandbox import Sandbox
from fixtures.tool import BUILD, Tool

SHIPPED = "#HTTPD=/usr/sbin/httpd.worker\n"
PHP = pathlib.Path("/usr/lib/apache2/modules")


@pytest.fixture
def el6(tallied):
    """el6(init=None, ...): the layout in a sandbox, stopped. INIT: the name
    that its first process bears."""
    opened = []

    def make(init=None, **kw):
        try:
            opened.append(Sandbox(init=init))
            host = mpm_programs.El6(opened[-1], **kw)
        except cache.Unavailable as e:
            pytest.skip(str(e))
        host.ea = Tool(opened[-1])
        host.trying = tallied("rhel6").trying
        return host
    yield make
    for sb in opened:
        sb.close()


def program(mpm):
    return "/usr/sbin/httpd" + ("" if mpm == "prefork" else f".{mpm}")


def runs(host, mpm):
    """Answers under MPM, and everybody agrees that it is MPM."""
    shown = host.ea("show").data["mpm"]
    return host.answers() and shown["running"] == mpm \
        and shown["configured"] == mpm and not shown["pending"] \
        and host.exe(host.pid_file) == program(mpm)


def test_each_mpm_is_reached_and_given_back(el6):
    """The shipped comment is used where it says the same; else a line of
    its own follows it. Rolled back, not a byte differs."""
    host = el6()
    host.start()
    before = host.sb.read(host.sysconfig)
    assert runs(host, "prefork")
    for mpm, lines in (("worker", "HTTPD=/usr/sbin/httpd.worker\n"),
                       ("event", SHIPPED + "HTTPD=/usr/sbin/httpd.event\n")):
        with host.trying("live", mpm):
            done = host.ea("switch", mpm)
            assert done.ok and done.data["verified"] == "running", done
            assert host.sb.read(host.sysconfig) \
                == before.replace(SHIPPED, lines)
            assert runs(host, mpm)
        with host.trying("back", mpm):
            done = host.ea("rollback")
            assert done.ok and done.data["verified"] == "running", done
            assert host.sb.read(host.sysconfig) == before
            assert runs(host, "prefork")


def test_there_and_back_by_name(el6):
    """The plain program is prefork's, and is named like any other."""
    host = el6()
    host.start()
    assert host.ea("switch", "event").ok and runs(host, "event")
    assert host.ea("switch", "worker").ok and runs(host, "worker")
    assert host.ea("switch", "prefork").ok and runs(host, "prefork")
    assert SHIPPED + "HTTPD=/usr/sbin/httpd\n" in host.sb.read(
        host.sysconfig)


def test_of_several_lines_the_last_is_changed(el6):
    """As a shell reads them."""
    host = el6()
    more = "HTTPD=/usr/sbin/httpd.event\nHTTPD='/usr/sbin/httpd.worker' # x\n"
    host.sb.write(host.sysconfig, host.sb.read(host.sysconfig) + more)
    host.start()
    assert runs(host, "worker")
    assert host.ea("switch", "prefork").ok
    assert host.sb.read(host.sysconfig).endswith(
        "HTTPD=/usr/sbin/httpd.event\nHTTPD='/usr/sbin/httpd' # x\n")
    assert runs(host, "prefork")


def test_the_init_script_starts_what_was_stopped_before(el6):
    """Its own stop would not find a server that runs another program."""
    host = el6(init="init")
    host.sb.run(["/etc/init.d/httpd", "start"])
    host.sb.wait("curl -s http://127.0.0.1/ >/dev/null")
    assert host.ea("show").data["service"]["kind"] == "sysv"
    done = host.ea("switch", "worker")
    assert done.ok and done.data["verified"] == "running", done
    assert runs(host, "worker")
    assert host.sb.run(["/etc/init.d/httpd", "status"]).stdout.strip() \
        == host.sb.read(host.pid_file).strip()
    host.sb.run(["/etc/init.d/httpd", "stop"])


def test_running_and_named_program_are_told_apart(el6):
    """Both are static; what runs is read from the process."""
    host = el6()
    host.start()
    host.sb.write(host.sysconfig, "HTTPD=/usr/sbin/httpd.event\n")
    shown = host.ea("show").data["mpm"]
    assert (shown["running"], shown["configured"], shown["pending"]) \
        == ("prefork", "event", True)
    assert host.ea("switch", "event").ok and runs(host, "event")


def test_php_that_only_prefork_loads_is_seen_before(el6):
    """The distribution's php.conf guards LoadModule and leaves the handler:
    under event the script's text would be sent."""
    php = sorted(PHP.glob("libphp*.so"))
    if not php:
        pytest.skip("no mod_php on this machine")
    host = el6()
    host.copy(php[-1], "/usr/lib64/httpd/modules/libphp.so")
    host.sb.write("/etc/httpd/conf.d/php.conf",
                  "<IfModule prefork.c>\n"
                  "  LoadModule php_module modules/libphp.so\n</IfModule>\n"
                  "AddHandler application/x-httpd-php .php\n")
    host.sb.write("/var/www/html/a.php", "<?php echo 6*7;\n")
    host.start()
    assert host.sb.get("http://127.0.0.1/a.php") == (200, "42")
    before = host.sb.read(host.sysconfig)
    check = host.ea("check", "event")
    assert ("php-source-leak", "/etc/httpd/conf.d/php.conf", 4) in [
        (f["problem"], f["file"], f["line"])
        for f in check.data["findings"]]
    assert host.ea("switch", "event").rc == 3
    assert host.sb.read(host.sysconfig) == before and runs(host, "prefork")


def test_what_is_not_installed_or_not_known_is_refused(el6):
    """With what to type, and nothing is touched."""
    host = el6(mpms=("prefork", "worker"))
    host.start()
    before = host.sb.read(host.sysconfig)
    for target in ("event", "itk"):
        with host.trying("refuse", target):
            done = host.ea("switch", target)
            assert (done.rc, done.problem) == (3, "mpm-not-installed"), done
            assert "nstall" in done.detail
    done = host.ea("switch", "worker", "--without", "nothing")
    assert (done.rc, done.problem) == (2, "module-unknown"), done
    host.sb.write("/etc/httpd/conf.d/tuning.conf", "ThreadsPerChild 4\n")
    assert host.ea("check", "worker").ok
    host.sb.write("/etc/httpd/conf.d/tuning.conf", "MaxSpareServers 4\n")
    with host.trying("refuse", "directive-of-other-mpm"):
        done = host.ea("switch", "worker")
        assert (done.rc, done.problem) == (3, "directive-of-other-mpm"), done
        assert host.sb.read(host.sysconfig) == before
        assert runs(host, "prefork")


def test_another_servers_file_is_not_chosen_there(el6):
    """--conf of a file that the service does not read."""
    host = el6()
    host.start()
    before = host.sb.read(host.sysconfig)
    host.sb.run("cd /etc/httpd/conf && cp httpd.conf other.conf")
    done = host.ea("--conf", "/etc/httpd/conf/other.conf", "switch", "event")
    assert (done.rc, done.problem) == (3, "layout-unsupported"), done
    assert host.sb.read(host.sysconfig) == before
    assert host.ea("--conf", host.main_conf, "switch", "event").ok
    assert runs(host, "event")


def test_modules_are_lines_there(el6):
    """itk and --without change the configuration with the variable."""
    host = el6()
    host.copy(BUILD / "modules/mod_mpm_itkish.so",
              "/usr/lib64/httpd/modules/mod_mpm_itkish.so")
    host.start()
    files = (host.sysconfig, host.main_conf)
    before = [host.sb.read(f) for f in files]
    done = host.ea("switch", "itk")
    assert done.ok and done.data["verified"] == "running", done
    assert host.ea("show").data["mpm"]["running"] == "itk" and host.answers()
    assert host.sb.read(host.sysconfig) == before[0]
    done = host.ea("switch", "worker", "--without", "status")
    assert done.ok and runs(host, "worker"), done
    assert "\n#LoadModule status_module" in host.sb.read(host.main_conf)
    assert host.ea("rollback").ok and host.ea("rollback").ok
    assert [host.sb.read(f) for f in files] == before
    assert runs(host, "prefork")


def test_a_start_that_fails_ends_with_the_old_server(el6):
    """Seen in the rehearsal; and where nobody rehearses, undone."""
    host = el6()
    host.sb.write("/usr/lib64/httpd/modules/mod_bad.so", "no module\n")
    host.start()
    before = host.sb.read(host.sysconfig)
    # A condition that only the running system fulfils.
    host.sb.write("/etc/httpd/conf.d/late.conf",
                  "<IfModule worker.c>\nListen 127.0.0.1:81\n</IfModule>\n")
    taken = host.sb.popen(["python3", "-c", "import socket,sys\n"
                           "s=socket.socket()\ns.bind(('127.0.0.1',81))\n"
                           "s.listen()\nsys.stdin.read()"], stdin=-1)
    try:
        host.sb.wait("ss -ltn | grep -q 127.0.0.1:81")
        done = host.ea("switch", "worker", "--no-rehearsal")
    finally:
        taken.stdin.close()
        taken.wait(timeout=10)
    assert (done.rc, done.problem) == (4, "start-failed"), done
    assert host.sb.read(host.sysconfig) == before and runs(host, "prefork")


@pytest.mark.parametrize("moment", [
    "[ -e /var/lib/ea-mpm/open ]",
    "grep -q ^HTTPD=/usr/sbin/httpd.event /etc/sysconfig/httpd"])
def test_killed_in_the_middle_it_is_recovered(el6, moment):
    """Old or new, whole, and the server answers under it."""
    host = el6()
    host.start()
    before = host.sb.read(host.sysconfig)
    host.sb.write("/run/kill.sh", "echo $$ >/run/ea.pid\n"
                  f"exec {host.ea.program} switch event\n")
    run = host.sb.popen(["sh", "/run/kill.sh"])
    host.sb.wait(f"{moment} || {{ [ -s /run/ea.pid ] && "
                 "! kill -0 $(cat /run/ea.pid) 2>/dev/null; }", 60)
    host.sb.run("kill -9 $(cat /run/ea.pid)", check=False)
    run.wait(timeout=30)
    assert host.ea("recover").ok
    mpm = host.ea("show").data["mpm"]["configured"]
    assert mpm in ("prefork", "event") and runs(host, mpm)
    assert (host.sb.read(host.sysconfig) == before) == (mpm == "prefork")
