"""SUSE's layout with real httpds: one program an MPM, chosen by APACHE_MPM."""

import difflib
import pathlib

import pytest

from fixtures import cache, mpm_programs
from fixtures.sandbox import Sandbox
from fixtures.tool import BUILD, Tool

ITKISH = BUILD / "modules/mod_mpm_itkish.so"
PHP = pathlib.Path("/usr/lib/apache2/modules")


@pytest.fixture
def suse(tallied):
    """suse(mpm="prefork", ...): the layout in a sandbox, stopped."""
    opened = []

    def make(*args, **kw):
        try:
            opened.append(Sandbox())
            host = mpm_programs.Suse(opened[-1], *args, **kw)
        except cache.Unavailable as e:
            pytest.skip(str(e))
        host.ea = Tool(opened[-1])
        host.trying = tallied("suse").trying
        return host
    yield make
    for sb in opened:
        sb.close()


def programs_pid(host):
    return int(host.sb.read(host.pid_file))


def edits(before, after):
    """The changed lines, as in a diff."""
    return [line for line in difflib.ndiff(before.splitlines(True),
                                           after.splitlines(True))
            if line[0] in "+-"]


def runs(host, mpm):
    """Answers under MPM, and everybody agrees that it is MPM."""
    shown = host.ea("show").data["mpm"]
    return host.answers() and shown["running"] == mpm \
        and shown["configured"] == mpm and not shown["pending"] \
        and host.exe(host.pid_file) == f"/usr/sbin/httpd-{mpm}"


def refused(host, target, problem, *words):
    """A switch that changes nothing, for that reason; its answer."""
    before, pid = host.sb.read(host.sysconfig), programs_pid(host)
    with host.trying("refuse", problem):
        done = host.ea("switch", target, *words)
        assert (done.rc, done.problem) == (3, problem), done
        assert host.sb.read(host.sysconfig) == before
        assert programs_pid(host) == pid and host.answers()
    return done


def test_show_knows_what_a_start_would_load(suse):
    """The modules are those that start_apache2 -M names, though nobody
    wrote a file to find them out."""
    host = suse("worker")
    shown = host.ea("show")
    assert shown.ok
    assert host.sb.run("ls /etc/apache2/sysconfig.d", check=False).returncode
    assert shown.data["mpm"]["configured"] == "worker"
    assert sorted(m["mpm"] for m in shown.data["installed"]) \
        == sorted(mpm_programs.MPMS)
    told = host.sb.run(["start_apache2", "-M"]).stdout
    assert {m["id"] for m in shown.data["modules"]} >= {
        line.split()[0] for line in told.splitlines() if "(shared)" in line}
    assert "cgid_module (shared)" in told
    assert not [m for m in shown.data["modules"] if m["id"] == "cgi_module"]


@pytest.mark.parametrize("form,mpm,because", [
    ("order", "event", "of event worker prefork the first installed is"),
    ("alternatives", "prefork", "/usr/sbin/httpd leads to")])
def test_an_empty_variable_is_the_start_scripts_choice(suse, form, mpm,
                                                       because):
    """Which one differs between releases; the plan says which it was."""
    host = suse("", form=form)
    host.start()
    assert host.exe(host.pid_file) == f"/usr/sbin/httpd-{mpm}"
    assert runs(host, mpm)
    plan = host.ea("plan", "worker")
    assert because in plan.data["steps"][0]["why"]


@pytest.mark.parametrize("home", mpm_programs.MPMS)
def test_each_mpm_is_reached_and_given_back(suse, home):
    """One word of one file changes; rolled back, not a byte differs."""
    host = suse(home)
    host.start()
    before = host.sb.read(host.sysconfig)
    for target in mpm_programs.MPMS:
        if target == home:
            done = host.ea("switch", target)
            assert done.ok and not done.data["changed"]
            continue
        with host.trying("live", target):
            done = host.ea("switch", target)
            assert done.ok and done.data["verified"] == "running", done
            assert done.data["rehearsal"]["result"] == "passed"
            assert edits(before, host.sb.read(host.sysconfig)) == [
                f'- APACHE_MPM="{home}"\n', f'+ APACHE_MPM="{target}"\n']
            assert runs(host, target)
            assert host.sb.get("http://127.0.0.1/cgi-bin/hello") \
                == (200, "from cgi\n")
        with host.trying("back", target):
            done = host.ea("rollback")
            assert done.ok and done.data["verified"] == "running", done
            assert host.sb.read(host.sysconfig) == before
            assert runs(host, home)


def test_cgi_follows_and_is_told(suse):
    """start_apache2 loads cgid where APACHE_MODULES says cgi."""
    host = suse()
    plan = host.ea("plan", "event")
    assert [(c["module"], c["what"]) for c in plan.data["consequences"]] \
        == [("cgi_module", "replaced by cgid_module")]


def test_only_files_where_no_restart_is_wanted(suse):
    """The new program tests the configuration; what a start writes stays."""
    host = suse()
    host.start()
    generated = host.sb.read("/etc/apache2/sysconfig.d/loadmodule.conf")
    done = host.ea("switch", "event", "--no-restart")
    assert done.ok and done.data["verified"] == "configtest", done
    assert host.sb.read("/etc/apache2/sysconfig.d/loadmodule.conf") \
        == generated
    shown = host.ea("show").data["mpm"]
    assert (shown["running"], shown["configured"], shown["pending"]) \
        == ("prefork", "event", True)


def test_a_package_that_is_not_there_is_named(suse):
    """With the command that installs it."""
    host = suse(mpms=("prefork", "worker"))
    host.start()
    done = refused(host, "event", "mpm-not-installed")
    assert "zypper install apache2-event" in done.detail


def test_a_program_of_another_mpm_is_found_out(suse):
    """By what is compiled into it, not by its name."""
    host = suse()
    host.sb.run("cp /usr/sbin/httpd-prefork /usr/sbin/httpd-event")
    host.start()
    done = refused(host, "event", "mpm-file-mismatch")
    assert "/usr/sbin/httpd-event" in done.detail


def test_itk_is_not_there_until_its_module_is(suse):
    """It is prefork with a module, of which none is installed."""
    host = suse()
    host.start()
    refused(host, "itk", "mpm-not-installed")


def test_itk_comes_and_goes_as_a_word(suse):
    """Of APACHE_MODULES, in the same edit as the program."""
    host = suse("event")
    host.copy(ITKISH, "/usr/lib64/apache2/mod_mpm_itkish.so")
    host.start()
    before = host.sb.read(host.sysconfig)
    done = host.ea("switch", "itk")
    assert done.ok and done.data["verified"] == "running", done
    assert [line for line in edits(before, host.sb.read(host.sysconfig))
            if line[0] == "+"] == [
                '+ APACHE_MODULES="authz_core authz_host dir alias mime '
                'log_config cgi status mpm_itkish"\n',
                '+ APACHE_MPM="prefork"\n']
    assert host.ea("show").data["mpm"]["running"] == "itk" and host.answers()
    done = host.ea("switch", "prefork")
    assert done.ok and runs(host, "prefork"), done
    assert edits(before, host.sb.read(host.sysconfig)) == [
        '- APACHE_MPM="event"\n', '+ APACHE_MPM="prefork"\n']
    assert host.ea("switch", "itk").ok
    done = host.ea("switch", "event")
    assert done.ok and runs(host, "event"), done
    assert host.sb.read(host.sysconfig) == before


def test_modules_go_when_asked(suse):
    """A word of APACHE_MODULES; one that is not there is no request."""
    host = suse()
    host.start()
    before = host.sb.read(host.sysconfig)
    done = host.ea("switch", "event", "--without", "mod_status")
    assert done.ok and runs(host, "event"), done
    assert ('+ APACHE_MODULES="authz_core authz_host dir alias mime '
            'log_config cgi"\n') in edits(before,
                                          host.sb.read(host.sysconfig))
    assert "status_module" not in [m["id"] for m in
                                   host.ea("show").data["modules"]]
    assert host.ea("rollback").ok and runs(host, "prefork")
    assert host.sb.read(host.sysconfig) == before
    done = host.ea("switch", "event", "--without", "nothing")
    assert (done.rc, done.problem) == (2, "module-unknown"), done
    host.sb.write(host.sysconfig, before + 'APACHE_MODULES+=" env"\n')
    refused(host, "event", "mpm-not-reached", "--without", "status")


def test_a_file_that_does_more_than_assign_is_refused(suse):
    """What a later command of the line says wins in a shell; and where only
    a shell can tell, the rehearsal does."""
    host = suse()
    host.start()
    plain = host.sb.read(host.sysconfig)
    host.sb.write(host.sysconfig, plain + "X=1; APACHE_MPM=prefork\n")
    done = refused(host, "event", "mpm-not-reached")
    assert "by hand" in done.detail
    host.sb.write(host.sysconfig, plain + "case x in x) APACHE_MPM=prefork;;"
                                          " esac\n")
    before = host.sb.read(host.sysconfig)
    assert host.ea("switch", "event").rc == 3
    assert host.sb.read(host.sysconfig) == before and host.answers()


def test_a_directive_of_the_other_mpm_is_seen_before(suse):
    """With its file and line."""
    host = suse()
    host.sb.write("/etc/apache2/conf.d/tuning.conf",
                  "# mine\nMaxSpareServers 7\n")
    host.start()
    done = refused(host, "worker", "directive-of-other-mpm")
    assert "/etc/apache2/conf.d/tuning.conf:2" in done.detail


def test_php_that_only_prefork_has_is_seen_before(suse):
    """mod_php lies in prefork's directory alone: under event its scripts
    would be sent as text."""
    php = sorted(PHP.glob("libphp*.so"))
    if not php:
        pytest.skip("no mod_php on this machine")
    host = suse()
    host.copy(php[-1], "/usr/lib64/apache2-prefork/mod_php8.so")
    host.set("APACHE_MODULES", "authz_core authz_host dir alias mime "
             "log_config php8")
    host.sb.write("/etc/apache2/conf.d/mod_php8.conf",
                  "<FilesMatch \"\\.php$\">\n"
                  "SetHandler application/x-httpd-php\n</FilesMatch>\n")
    host.sb.write("/srv/www/htdocs/a.php", "<?php echo 6*7;\n")
    host.start()
    assert host.sb.get("http://127.0.0.1/a.php") == (200, "42")
    check = host.ea("check", "event")
    leak = [f for f in check.data["findings"]
            if f["problem"] == "php-source-leak"][0]
    assert (leak["file"], leak["line"]) \
        == ("/etc/apache2/conf.d/mod_php8.conf", 2)
    assert any("--with php=fpm" in r for r in leak["resolutions"])
    refused(host, "event", "php-fpm-conf-missing")  # what else there is to do
    assert host.sb.get("http://127.0.0.1/a.php") == (200, "42")


def break_event(host):
    """A module of event's own tree that this httpd cannot load."""
    host.sb.write("/usr/lib64/apache2-event/mod_dir.so", "no module\n")


def test_a_start_that_would_fail_is_seen_in_the_rehearsal(suse):
    """The other program is really started, with its own modules."""
    host = suse()
    break_event(host)
    host.start()
    done = host.ea("switch", "event")
    assert done.rc == 3, done
    assert runs(host, "prefork")
    assert 'APACHE_MPM="prefork"' in host.sb.read(host.sysconfig)


def test_a_start_that_fails_ends_with_the_old_server(suse):
    """Every byte back, and it answers."""
    host = suse()
    host.start()
    before = host.sb.read(host.sysconfig)
    host.sb.run("sed -i 's|^exec \"$httpd\"|[ \"$HTTPD_MPM $*\" != "
                "\"event -k start\" ] \\|\\| { echo no start >\\&2; exit 1; }"
                "; exec \"$httpd\"|' /usr/sbin/start_apache2")
    done = host.ea("switch", "event", "--no-rehearsal")
    assert (done.rc, done.problem) == (4, "start-failed"), done
    assert "no start" in done.detail
    assert host.sb.read(host.sysconfig) == before and runs(host, "prefork")


@pytest.mark.parametrize("moment", [
    "[ -e /var/lib/ea-mpm/open ]",
    "grep -q 'APACHE_MPM=\"event\"' /etc/sysconfig/apache2",
    "[ -e /proc/$(cat /run/httpd.pid)/exe ] && "
    "[ \"$(readlink /proc/$(cat /run/httpd.pid)/exe)\" "
    "= /usr/sbin/httpd-event ]"])
def test_killed_in_the_middle_it_is_recovered(suse, moment):
    """Old or new, whole, and the server answers under it."""
    host = suse()
    host.start()
    before = host.sb.read(host.sysconfig)
    host.sb.write("/run/kill.sh", "echo $$ >/run/ea.pid\n"
                  f"exec {host.ea.program} switch event\n")
    run = host.sb.popen(["sh", "/run/kill.sh"])
    host.sb.wait(f"{{ {moment}; }} 2>/dev/null || {{ [ -s /run/ea.pid ] && "
                 "! kill -0 $(cat /run/ea.pid) 2>/dev/null; }", 60)
    host.sb.run("kill -9 $(cat /run/ea.pid)", check=False)
    run.wait(timeout=30)
    done = host.ea("recover")
    assert done.ok, done
    mpm = host.ea("show").data["mpm"]["configured"]
    assert mpm in ("prefork", "event") and runs(host, mpm)
    assert edits(before, host.sb.read(host.sysconfig)) == (
        [] if mpm == "prefork" else
        ['- APACHE_MPM="prefork"\n', '+ APACHE_MPM="event"\n'])


def test_a_name_without_a_program_is_a_fault_that_a_switch_mends(suse):
    """start_apache2 refuses to start it; so httpd is not asked."""
    host = suse("prefork", mpms=("prefork", "event"))
    host.set("APACHE_MPM", "worker")
    assert host.ctl("start", check=False).returncode
    shown = host.ea("show")
    assert shown.data["mpm"]["configured"] is None
    check = host.ea("check", "event")
    assert "mpm-binary-missing" in [f["problem"]
                                    for f in check.data["findings"]]
    done = host.ea("switch", "event")
    assert done.ok, done
    host.start()
    assert runs(host, "event")


def test_an_instance_is_switched_alone(suse):
    """apache2@web has a sysconfig file of its own; the first server goes
    on."""
    host = suse()
    host.sb.run("cd /etc/apache2 && sed -e 's/listen.conf/listen@web.conf/' "
                "-e 's/error_log/web_log/' -e 's/cgid.sock/web.sock/' "
                "httpd.conf >httpd@web.conf && "
                "echo 'Listen 127.0.0.1:8080' >listen@web.conf && "
                "cd /etc/sysconfig && sed -e "
                "'s|^APACHE_HTTPD_CONF=.*|APACHE_HTTPD_CONF="
                "\"/etc/apache2/httpd@web.conf\"|' apache2 >apache2@web")
    host.start()
    host.sb.run(["start_apache2", "-k", "start"],
                env={"HTTPD_INSTANCE": "web"})
    host.sb.wait("curl -s http://127.0.0.1:8080/ >/dev/null")
    pid, before = programs_pid(host), host.sb.read(host.sysconfig)
    done = host.ea("--instance", "web", "switch", "event")
    assert done.ok and done.data["verified"] == "running", done
    assert [s["path"] for s in done.data["steps"]] \
        == ["/etc/sysconfig/apache2@web"]
    assert host.exe("/run/httpd@web.pid") == "/usr/sbin/httpd-event"
    assert host.sb.get("http://127.0.0.1:8080/") == (200, "hello\n")
    assert programs_pid(host) == pid and runs(host, "prefork")
    assert host.sb.read(host.sysconfig) == before
    done = host.ea("--instance", "web", "rollback")
    assert done.ok, done
    assert host.exe("/run/httpd@web.pid") == "/usr/sbin/httpd-prefork"


def test_another_servers_file_is_not_chosen_there(suse):
    """--conf of a file that this sysconfig file does not start."""
    host = suse()
    host.sb.run("sed s/error_log/other_log/ /etc/apache2/httpd.conf "
                ">/etc/apache2/other.conf")
    host.start()
    done = host.ea("--conf", "/etc/apache2/other.conf", "switch", "event")
    assert (done.rc, done.problem) == (3, "layout-unsupported"), done
    assert "--instance" in done.detail
    assert host.ea("--conf", host.main_conf, "switch", "event").ok


def test_a_release_that_includes_generated_files_is_refused(suse):
    """What the next start writes there is not known before; the message
    says what to do by hand."""
    host = suse()
    host.sb.run("echo 'Include /etc/apache2/sysconfig.d/loadmodule.conf' "
                ">>/etc/apache2/httpd.conf")
    host.start()
    done = refused(host, "event", "layout-unsupported")
    assert 'set APACHE_MPM="event"' in done.detail
