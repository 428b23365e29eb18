"""The Debian packages: judged by lintian, installed and purged for real."""

import os
import re
import shutil
import subprocess

import pytest

from fixtures import cache, debs
from fixtures.machine import Machine

MODULE = "libapache2-mod-mpm-itkish"
AVAILABLE = "/etc/apache2/mods-available/"
ENABLED = "/etc/apache2/mods-enabled/"


@pytest.fixture(scope="module")
def packages():
    try:
        return [debs.package(name) for name in ("ea-mpm", MODULE)]
    except cache.Unavailable as e:
        pytest.skip(str(e))


@pytest.fixture
def machine():
    try:
        made = Machine()
    except cache.Unavailable as e:
        pytest.skip(str(e))
    with made:
        yield made


def listing(machine):
    """Every path of the machine's disk, less what apt and dpkg note about
    themselves and what running programs leave behind."""
    noise = re.compile(
        r"/(proc|sys|run|dev|tmp)(/|$)|/var/(cache|log|tmp|lib/(apt|dpkg|"
        r"systemd|ucf))(/|$)|/etc/(ld\.so\.cache|resolv\.conf)$"
        r"|/root/\.|/var/lib/(logrotate|apache2/\w+/\w+_by_\w+$)")
    found = set()
    for directory, subdirs, files in os.walk(machine.root):
        inside = directory[len(str(machine.root)):]
        for name in subdirs + files:
            path = f"{inside}/{name}"
            if not noise.match(path):
                found.add(path)
    return found


def enabled(machine, module):
    return os.path.lexists(machine.path(f"{ENABLED}{module}.load"))


def test_lintian_finds_no_error_and_no_warning(packages):
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    changes = list(packages[0].parent.glob("*.changes"))
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning",
         "--suppress-tags", "bad-distribution-in-changes-file,"
         "unreleased-changes"] + changes, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"^[EW]: ", done.stdout, re.M), done.stdout


def test_building_twice_gives_the_same_bytes(packages, tmp_path):
    debs.build(tmp_path)
    for package in packages:
        again = tmp_path / package.name
        assert again.read_bytes() == package.read_bytes(), package.name


def test_purge_leaves_no_file(packages, machine):
    machine.boot()
    before = listing(machine)
    machine.install(*packages)
    assert machine.run(["ea-mpm", "show"]).returncode == 0
    assert listing(machine) - before
    machine.run(["apt-get", "remove", "-y", "-q", "ea-mpm", MODULE])
    machine.run(["apt-get", "purge", "-y", "-q", "ea-mpm", MODULE])
    assert listing(machine) - before == set()
    assert before - listing(machine) == set()
    assert machine.get("http://127.0.0.1/")[0] == 200


def test_the_module_is_enabled_where_prefork_is_on(packages, machine):
    machine.boot()
    machine.install(packages[1])
    assert enabled(machine, "mpm_itkish")
    assert machine.run(["systemctl", "is-active", "apache2"]).stdout == \
        "active\n"
    loaded = machine.run(["apache2ctl", "-M"]).stdout
    assert "mpm_itkish_module" in loaded
    assert machine.get("http://127.0.0.1/")[0] == 200


def test_installing_the_module_never_switches_a_live_server(packages,
                                                            machine):
    machine.offline("a2dismod -q php8.2 mpm_prefork && a2enmod -q mpm_event")
    machine.boot()
    done = machine.install(packages[1])
    assert "ea-mpm switch itk" in done.stdout
    assert not enabled(machine, "mpm_itkish")
    assert enabled(machine, "mpm_event")
    assert "Server MPM:     event" in machine.run(["apache2ctl", "-V"]).stdout
    assert machine.get("http://127.0.0.1/")[0] == 200


def test_removal_is_refused_while_a_vhost_needs_the_module(packages,
                                                           machine):
    machine.offline(["useradd", "alice"])
    machine.boot()
    machine.install(packages[1])
    site = "/etc/apache2/sites-enabled/000-default.conf"
    text = machine.path(site).read_text()
    machine.write(site, text.replace(
        "</VirtualHost>", "AssignUserID alice alice\n</VirtualHost>"))
    machine.run(["systemctl", "restart", "apache2"])
    done = machine.run(["apt-get", "remove", "-y", "-q", MODULE], check=False)
    assert done.returncode != 0
    assert "AssignUserID" in done.stdout + done.stderr
    assert "000-default.conf" in done.stdout + done.stderr
    machine.run(["systemctl", "restart", "apache2"])
    assert machine.get("http://127.0.0.1/")[0] == 200
    machine.write(site, text)
    machine.run(["apt-get", "remove", "-y", "-q", MODULE])
    # Nobody starts a server this often by hand: forget systemd's count.
    machine.run(["systemctl", "reset-failed", "apache2"])
    machine.run(["systemctl", "restart", "apache2"])
    assert machine.get("http://127.0.0.1/")[0] == 200


def test_an_upgrade_keeps_edited_configuration(packages, machine):
    machine.boot()
    machine.install(*packages)
    conf = AVAILABLE + "mpm_itkish.conf"
    machine.write(conf, "# mine\n")
    machine.write("/etc/ea-mpm/rules.d/mine.json", '{"rules": []}\n')
    machine.run(["apt-get", "install", "-y", "-q", "--reinstall"] +
                [f"/var/cache/{p.name}" for p in packages])
    assert machine.path(conf).read_text() == "# mine\n"
    assert machine.path("/etc/ea-mpm/rules.d/mine.json").exists()
    assert enabled(machine, "mpm_itkish")


def test_an_admin_who_disabled_the_module_is_left_alone(packages, machine):
    machine.boot()
    machine.install(packages[1])
    machine.run(["a2dismod", "-q", "mpm_itkish"])
    machine.run(["apt-get", "install", "-y", "-q", "--reinstall",
                 f"/var/cache/{packages[1].name}"])
    assert not enabled(machine, "mpm_itkish")


def test_without_apache_the_tool_installs_and_says_so(packages, machine):
    machine.offline("apt-get purge -y -q apache2 'libapache2-mod-php*' "
                    "apache2-bin apache2-utils apache2-data")
    machine.offline(["dpkg", "-i", "--force-depends"] + [
        _copied(machine, packages[0])])
    done = machine.offline(["ea-mpm", "show"], check=False)
    assert done.returncode == 1
    assert "httpd" in done.stdout + done.stderr


def _copied(machine, package):
    shutil.copy(package, machine.path("/var/cache"))
    return f"/var/cache/{package.name}"


@pytest.mark.parametrize("state", ["stopped", "masked", "broken"])
def test_a_server_that_is_not_well_does_not_stop_an_installation(
        packages, machine, state):
    machine.boot()
    if state == "broken":
        machine.write("/etc/apache2/conf-enabled/broken.conf", "Bogus On\n")
    else:
        machine.run(["systemctl", "stop", "apache2"])
    if state == "masked":
        machine.run(["systemctl", "mask", "apache2"])
    machine.install(*packages)
    installed = machine.run(["dpkg-query", "-Wf", "${db:Status-Status} ",
                             "ea-mpm", MODULE]).stdout
    assert installed == "installed installed "
    active = machine.run(["systemctl", "is-active", "apache2"],
                         check=False).stdout.strip()
    assert active == ("active" if state == "broken" else "inactive")


def test_policy_rc_d_is_obeyed_in_a_chroot(packages, machine):
    machine.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
    machine.install(*packages)
    assert enabled(machine, "mpm_itkish")
    machine.path("/usr/sbin/policy-rc.d").unlink()
    machine.boot()
    assert machine.get("http://127.0.0.1/")[0] == 200


def test_an_open_switch_keeps_the_tool_that_can_undo_it(packages, machine):
    """Neither removal nor upgrade in the middle of a switch."""
    machine.boot()
    machine.install(packages[0])
    machine.run("mkdir -p /var/lib/ea-mpm/journal/x && chmod -R go= "
                "/var/lib/ea-mpm && ln -s journal/x /var/lib/ea-mpm/open")
    again = ["apt-get", "install", "-y", "-q", "--reinstall",
             f"/var/cache/{packages[0].name}"]
    for argv in (["apt-get", "remove", "-y", "-q", "ea-mpm"], again):
        done = machine.run(argv, check=False)
        assert done.returncode != 0
        assert "ea-mpm recover" in done.stdout + done.stderr
    machine.run("rm -r /var/lib/ea-mpm/open /var/lib/ea-mpm/journal/x")
    machine.run(again)
    assert machine.run(["ea-mpm", "show"]).returncode == 0


def test_two_mpms_enabled_at_once_are_no_obstacle(packages, machine):
    """A server that cannot start: both packages install, and the tool says
    what is wrong with it."""
    machine.offline("ln -s ../mods-available/mpm_event.load "
                    "/etc/apache2/mods-enabled/")
    machine.boot()
    machine.install(*packages)
    shown = machine.run(["ea-mpm", "show"], check=False).stdout
    assert "mpm_event.load" in shown and "mpm_prefork.load" in shown


def test_without_systemd_the_packages_install_and_the_tool_works(packages,
                                                                 machine):
    """As in an image build: nothing is booted, no init runs."""
    machine.install(*packages)
    machine.offline("a2dismod -q php8.2")
    machine.offline(["ea-mpm", "switch", "event", "--no-restart"])
    assert enabled(machine, "mpm_event")
    assert not enabled(machine, "mpm_prefork")


@pytest.mark.parametrize("name", ["switch", "vhost-users"])
def test_the_autopkgtests_pass(packages, machine, name):
    """What debian/tests promises of the installed packages."""
    machine.offline("a2dismod -q php8.2")
    machine.boot()
    machine.install(*packages)
    script = debs.TOP / "debian/tests" / name
    machine.write(f"/usr/local/bin/{name}", script.read_text(), 0o755)
    # systemd's start limit is for services that fail, not for tests.
    machine.write("/etc/systemd/system/apache2.service.d/limit.conf",
                  "[Unit]\nStartLimitIntervalSec=0\n")
    machine.run(["systemctl", "daemon-reload"])
    machine.run([f"/usr/local/bin/{name}"])


def test_the_source_archive_is_the_same_every_time(tmp_path):
    """`make dist` twice from one commit, minutes apart: the same bytes."""
    def dist(where):
        done = subprocess.run(
            ["git", "clone", "-q", debs.TOP, where], capture_output=True,
            text=True)
        if done.returncode != 0:
            pytest.skip(f"not a git checkout: {done.stderr.strip()}")
        for path in where.rglob("*"):
            os.utime(path, (0, len(str(path))), follow_symlinks=False)
        env = {k: v for k, v in os.environ.items()
               if k not in ("MAKEFLAGS", "MAKELEVEL", "BUILD")}
        subprocess.run(["make", "-s", "dist"], cwd=where, env=env,
                       capture_output=True, check=True)
        return next((where / "dist").glob("*.tar.gz")).read_bytes()
    assert dist(tmp_path / "a") == dist(tmp_path / "b")
