"""What plan and check say on EasyApache 4: real rpm and dnf, a repository
with EasyApache's names and conflicts. Nothing here changes a package but
dnf itself."""

import pathlib
import re
import subprocess
import tempfile

import pytest

from ea4_rpm import extra
from fixtures import cache, rpms, tool

EA = "ea-apache24"
PREFORK, EVENT = f"{EA}-mod_mpm_prefork", f"{EA}-mod_mpm_event"
CGI, CGID, PHP = f"{EA}-mod_cgi", f"{EA}-mod_cgid", "ea-php74-php"
CONFS = "/etc/apache2/conf.modules.d"

def skipping(make, *args):
    try:
        return make(*args)
    except cache.Unavailable as e:
        pytest.skip(str(e))


def newer():
    """The same packages, one release later."""
    text = (rpms.DATA / "ea-apache24.spec").read_text()
    with tempfile.TemporaryDirectory() as tmp:
        spec = pathlib.Path(tmp, "ea-apache24.spec")
        spec.write_text(re.sub(r"(?m)^Release: .*", "Release: 2", text))
        return rpms.repository("ea4-newer", rpms.digest(__file__, spec),
                               [spec], rpms.ea4_files)


@pytest.fixture
def system():
    """EasyApache 4 with prefork and mod_cgi."""
    with skipping(lambda: rpms.RpmSystem(rpms.ea4_repository(), extra(),
                                         packages=[EA, PREFORK])) as made:
        yield made


def packages(system):
    return sorted(system.run(["rpm", "-qa"]).stdout.split())


def only_step(answer):
    steps = answer.data["steps"]
    assert [s["kind"] for s in steps] == ["packages"]
    return steps[0]


def lists(answer):
    """Names that come and that go."""
    step = only_step(answer)["packages"]
    return tuple({p["name"] for p in step[k]} for k in ("install", "remove"))


def dnf_says(system, *words):
    """The same by dnf's own solver."""
    done = system.dnf("install", "--allowerasing", "--assumeno", *words,
                      check=False).stdout
    comes, goes, into = set(), set(), None
    for line in done.splitlines():
        if re.match(r"(Install|Upgrad).*:$", line):
            into = comes
        elif re.match(r"Remov.*:$", line):
            into = goes
        elif re.match(r" \S", line) and into is not None:
            into.add(line.split()[0])
        elif not line.startswith(" "):
            into = None
    return comes, goes


def problems(answer):
    return [f["problem"] for f in answer.data["findings"]]


@pytest.mark.parametrize("mpm", ["event", "worker"])
def test_a_plan_is_the_transaction_that_dnf_finds_too(system, mpm):
    """MPM and CGI module are exchanged; no consent is needed; the plan
    changes nothing and leaves no file behind."""
    ea, before = tool.Tool(system), packages(system)
    target = f"{EA}-mod_mpm_{mpm}"
    answer = ea("plan", mpm)
    assert answer.rc == 0, answer
    assert answer.data["verdict"] == "ready"
    assert lists(answer) == ({target, CGID}, {PREFORK, CGI})
    assert lists(answer) == dnf_says(system, target)
    step = only_step(answer)
    after = {e["path"]: e["after"]["kind"] for e in step["effects"]}
    assert after[f"{CONFS}/000_mod_mpm_{mpm}.conf"] == "file"
    assert after[f"{CONFS}/000_mod_mpm_prefork.conf"] == "absent"
    assert set(step["profile_before"]["pkgs"]) == {EA, PREFORK, CGI}
    assert set(step["profile_after"]["pkgs"]) == {EA, target, CGID}
    text = ea.text("plan", mpm)
    assert f"+ {target}-2.4" in text and f"- {PREFORK}-2.4" in text
    assert packages(system) == before
    system.run("mkdir /run/tmp")
    system.run([tool.EA_MPM, "plan", mpm], env={"TMPDIR": "/run/tmp"})
    assert not system.run("ls /run/tmp").stdout


def test_what_the_files_become_is_what_dnf_makes_of_them(system):
    """Every effect of the plan, after dnf has carried it out; an edited
    configuration file stays as .rpmsave."""
    edited = f"{CONFS}/000_mod_mpm_prefork.conf"
    system.write(edited, system.read(edited) + "# ours\n")
    step = only_step(tool.Tool(system)("plan", "event"))
    system.write("/run/script", f"install {EVENT} {CGID}\n"
                                 f"remove {PREFORK} {CGI}\nrun\n")
    system.dnf("--setopt=clean_requirements_on_remove=0", "shell",
               "/run/script")
    assert f"{edited}.rpmsave" in {e["path"] for e in step["effects"]}
    for effect in step["effects"]:
        path = system.path(effect["path"])
        there = path.is_file()
        assert there == (effect["after"]["kind"] == "file"), effect
        if there:
            assert path.stat().st_size == effect["after"]["size"], effect


def test_dso_php_needs_consent_and_says_what_to_type(system):
    system.dnf("install", PHP)
    ea, before = tool.Tool(system), packages(system)
    answer = ea("check", "event")
    assert answer.rc == 3 and "packages-need-consent" in problems(answer)
    one = [f for f in answer.data["findings"]
           if f["problem"] == "packages-need-consent"][0]
    assert f"{PHP}-7.4.33-1 would be removed" in one["message"]
    assert "/etc/apache2/conf.d/php.conf:" in one["message"]
    assert any("switch event --with php=fpm" in r for r in one["resolutions"])
    # Without it .php would be sent as source: that is another refusal.
    answer = ea("check", "event", "--without", "php")
    assert answer.rc == 3 and "php-source-leak" in problems(answer)
    assert "packages-need-consent" not in problems(answer)
    system.write("/etc/apache2/conf.d/php.conf",
                 '<FilesMatch "\\.php$">\nRequire all denied\n</FilesMatch>\n')
    answer = ea("plan", "event", "--without", "php")
    assert answer.rc == 0, answer
    assert lists(answer) == ({EVENT, CGID}, {PREFORK, CGI, PHP})
    assert packages(system) == before


def test_itk_takes_the_place_of_ruid2_with_consent(system):
    """and the users that depend on ruid2 are named."""
    system.dnf("install", f"{EA}-mod_ruid2")
    conf = "/etc/apache2/conf/httpd.conf"
    system.write(conf, system.read(conf) + "<VirtualHost *:80>\n"
                 "ServerName bob.example\nDocumentRoot /var/www/html\n"
                 "<IfModule ruid2_module>\nRMode config\n"
                 "RUidGid bob bob\n</IfModule>\n</VirtualHost>\n")
    ea = tool.Tool(system)
    answer = ea("check", "itk")
    assert answer.rc == 3
    one = [f for f in answer.data["findings"]
           if f["problem"] == "packages-need-consent"][0]
    assert "mod_ruid2" in one["message"] and "bob.example" in one["message"]
    assert any("--without mod_ruid2" in r for r in one["resolutions"])
    answer = ea("plan", "itk", "--without", "mod_ruid2")
    assert lists(answer) == ({f"{EA}-mod_mpm_itk"}, {f"{EA}-mod_ruid2"})
    assert "packages-need-consent" not in problems(answer)


def test_http2_goes_with_event_with_consent_only(system):
    system.dnf("install", "--allowerasing", EVENT, f"{EA}-mod_http2")
    ea = tool.Tool(system)
    answer = ea("check", "prefork")
    assert answer.rc == 3 and "packages-need-consent" in problems(answer)
    answer = ea("plan", "prefork", "--without", "mod_http2")
    assert answer.rc == 0, answer
    assert lists(answer) == ({PREFORK, CGI}, {EVENT, CGID, f"{EA}-mod_http2"})


def test_a_version_that_is_gone_leaves_no_way_back(system):
    """Only a later release is offered: it would take httpd along, and what is
    installed could not be brought back. dnf upgrade helps."""
    system.run("rm /etc/yum.repos.d/*")
    system.offer(skipping(newer))
    system.run("dnf clean all")
    ea = tool.Tool(system)
    answer = ea("check", "event")
    assert answer.rc == 3 and problems(answer) == ["no-way-back"], answer
    message = answer.data["findings"][0]["message"]
    assert f"{PREFORK}-2.4.71-1" in message
    command = re.search(r"dnf upgrade ea-[\w. -]*", message).group(0)
    system.run(command.replace("dnf", "dnf -y --releasever=9"))
    answer = ea("plan", "event")
    assert answer.rc == 0, answer
    assert {p["version"] for p in only_step(answer)["packages"]["install"]} \
        == {"2.4.71-2"}


def test_another_release_needs_consent(system):
    """The old one is still offered, but not event's."""
    system.run(f"mkdir /srv/old && cp {rpms.ea4_repository()}/*.rpm /srv/old "
               f"&& rm /srv/old/{EVENT}-* && createrepo_c -q /srv/old && "
               "rm /etc/yum.repos.d/*")
    system.offer("/srv/old")
    system.offer(skipping(newer))
    system.run("dnf clean all")
    ea = tool.Tool(system)
    answer = ea("check", "event")
    assert answer.rc == 3
    assert "packages-need-consent" in problems(answer), answer
    assert any("--with packages" in r for f in answer.data["findings"]
               for r in f["resolutions"])
    answer = ea("plan", "event", "--with", "packages")
    assert answer.rc == 0, answer
    assert EA in lists(answer)[0] & lists(answer)[1]


def test_nothing_to_choose_from(system):
    system.run("rm /etc/yum.repos.d/*; dnf clean all")
    answer = tool.Tool(system)("check", "event")
    assert answer.rc == 3
    assert problems(answer)[0] in ("packages-conflict",
                                   "packages-unavailable")


def test_while_rpm_is_at_work_everything_waits(system):
    """Exit code 6 with the process that is at work; show answers anyway."""
    system.run("(dnf -y --releasever=9 install slow >/dev/null 2>&1 &)")
    system.wait("[ -e /run/waiting ]")
    ea = tool.Tool(system)
    try:
        answer = ea("plan", "event")
        assert answer.rc == 6 and answer.problem == "package-manager-busy"
        assert "dnf" in answer.detail and "process" in answer.detail
        assert ea("show").rc == 0
    finally:
        system.write("/run/go", "")
    system.wait("rpm -q slow && [ ! -e /var/lib/dnf/rpmdb_lock.pid ]")
    system.wait("! pgrep -x dnf", timeout=30)
    assert ea("plan", "event").rc == 0


def test_without_network_the_cached_metadata_is_not_enough(system):
    """dnf's words are told, and nothing is left half-done."""
    repo = rpms.ea4_repository()
    server = system.popen(["python3", "-m", "http.server", "8099", "-b",
                           "127.0.0.1", "-d", str(repo)],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    try:
        system.run("rm /etc/yum.repos.d/*")
        system.write("/etc/yum.repos.d/ea4.repo", "[EA4]\nname=EA4\n"
                     "baseurl=http://127.0.0.1:8099/\nenabled=1\n"
                     "metadata_expire=1\n")
        system.wait("curl -sf http://127.0.0.1:8099/repodata/repomd.xml "
                    ">/dev/null")
        system.run("dnf makecache")
        ea = tool.Tool(system)
        assert ea("plan", "event").rc == 0
    finally:
        server.terminate()
        server.wait()
    system.run("kill $(pgrep -f http.server)", check=False)
    answer = ea("check", "event")
    assert answer.rc == 3
    assert problems(answer) == ["packages-unavailable"], answer
    assert ea("show").rc == 0


def test_show_asks_no_package_manager(system):
    """It would take seconds; the targets are there to be asked for."""
    system.run("mv /usr/bin/dnf /usr/bin/dnf.away; printf "
               "'#!/bin/sh\\ntouch /run/asked\\n' >/usr/bin/dnf; "
               "chmod 755 /usr/bin/dnf")
    shown = tool.Tool(system)("show").data
    assert {t["mpm"]: t["verdict"] for t in shown["targets"]} == {
        "prefork": "current", "worker": "not-asked", "event": "not-asked",
        "itk": "not-asked"}
    assert not system.path("/run/asked").exists()
    assert shown["installed"][0]["package"] == PREFORK
