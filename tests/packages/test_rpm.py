"""The RPM packages: judged by rpmlint, built by rpmbuild, installed, upgraded
and erased by dnf beside a real httpd in the RHEL family's layout."""

import pathlib
import re
import shutil
import subprocess

import pytest

from fixtures import cache, debs, rpms, tool

TOP = pathlib.Path(__file__).resolve().parents[2]
VERSION = (TOP / "VERSION").read_text().strip()
OURS = ["ea-mpm", "mod_mpm_itkish"]


def skipping(make, *args):
    try:
        return make(*args)
    except cache.Unavailable as e:
        pytest.skip(str(e))


def _archive(source, out):
    """The source archive that the specs name."""
    tree = out / f"ea-mpm-{VERSION}"
    tree.mkdir()
    debs.tree(tree)
    subprocess.run(["tar", "-czf", source / f"ea-mpm-{VERSION}.tar.gz", "-C",
                    out, tree.name], check=True)
    shutil.rmtree(tree)


def _collect(packages, out):
    """A repository PACKAGES of what was built below OUT."""
    packages.mkdir()
    for rpm in (out / "RPMS").rglob("*.rpm"):
        rpm.rename(packages / rpm.name)
    rpms.index(packages)


def _clean(out):
    for name in ("BUILD", "BUILDROOT", "RPMS", "SOURCES"):
        shutil.rmtree(out / name, ignore_errors=True)


def _build(out):
    """Our packages, built inside an RPM system that has httpd-devel; and of
    what was compiled there another release."""
    source = out / "SOURCES"
    source.mkdir(parents=True)
    _archive(source, out)
    spec = (TOP / "rpm/ea-mpm.spec").read_text()
    with rpms.RpmSystem(rpms.el_repository()) as system:
        system.dnf("install", "httpd-devel")
        for release, how in ((1, ["-ba", "--noclean"]),
                             (2, ["-bb", "--noprep"])):
            (out / "ea-mpm.spec").write_text(re.sub(
                r"(?m)^(Release: *)1", rf"\g<1>{release}", spec))
            system.run(["rpmbuild", *how, "--nodeps", "--define",
                        f"_topdir {out}", out / "ea-mpm.spec"], timeout=600)
            _collect(out / f"packages-{release}", out)
    _clean(out)


def built(release=1):
    key = debs.digest() + "-" + rpms.digest(TOP / "rpm/ea-mpm.spec", __file__)
    return cache.entry("our-rpms", key, _build) / f"packages-{release}"


@pytest.fixture
def packages():
    return skipping(built)


@pytest.fixture
def system(packages):
    with skipping(lambda: rpms.RpmSystem(rpms.el_repository(), packages,
                                         packages=["httpd"])) as made:
        yield made


def started(system):
    system.run(["httpd", "-k", "start"])
    for _ in range(200):
        if system.get("http://127.0.0.1/")[0]:
            return
        system.run("sleep 0.05")
    raise AssertionError(system.read("/var/log/httpd/error_log"))


def test_rpmlint_finds_no_error_and_no_warning(packages):
    if not shutil.which("rpmlint"):
        pytest.skip("rpmlint is not installed")
    done = subprocess.run(
        ["rpmlint", "-c", TOP / "rpm/rpmlint.toml", *TOP.glob("rpm/*.spec"),
         *packages.glob("*.rpm")], capture_output=True, text=True)
    assert "0 errors, 0 warnings" in done.stdout, done.stdout + done.stderr


def test_dnf_erase_leaves_no_file_and_the_server_as_it_was(system):
    started(system)
    roots = ["/etc", "/usr", "/var/lib", "/srv"]
    # Directories of the distribution's own, and the sandbox's mount.
    noise = re.compile(r"/var/lib/(rpm|dnf)|/var/lib/ea-mpm$|"
                       r"/usr/share/(licenses|zsh/site-functions)$")
    before = system.listing(*roots)
    system.dnf("install", *OURS)
    assert tool.Tool(system, program="/usr/sbin/ea-mpm")("show").data[
        "layout"]["id"] == "el"
    system.dnf("remove", *OURS)
    left = {p for p in system.listing(*roots) - before if not noise.match(p)}
    assert left == set()
    assert system.get("http://127.0.0.1/")[0] == 200


def test_installing_the_module_changes_nothing_of_the_server(system):
    started(system)
    done = system.dnf("install", "mod_mpm_itkish")
    assert "ea-mpm switch itk" in done.stdout
    modules = system.run(["httpd", "-M"]).stdout
    assert "mpm_event_module" in modules and "itkish" not in modules


def test_the_tool_switches_through_00_mpm_conf_and_back(system):
    """event to prefork, to itk with the packaged module, and rolled back."""
    system.dnf("install", *OURS)
    started(system)
    ea = tool.Tool(system, program="/usr/sbin/ea-mpm")
    shown = ea("show").data
    assert shown["mpm"]["configured"] == "event"
    assert shown["installed"][0]["package"] == "httpd"
    before = system.read("/etc/httpd/conf.modules.d/00-mpm.conf")
    for target in ("prefork", "itk"):
        done = ea("switch", target)
        assert done.ok, done
        assert ea("show").data["mpm"]["running"] == target
        assert system.get("http://127.0.0.1/")[0] == 200
    for _ in range(2):
        assert ea("rollback").ok
    assert system.read("/etc/httpd/conf.modules.d/00-mpm.conf") == before
    assert ea("show").data["mpm"]["running"] == "event"
    assert system.get("http://127.0.0.1/")[0] == 200


def test_an_upgrade_keeps_edited_configuration(system):
    """%config(noreplace): an edited file stays, the new one is .rpmnew or
    not written at all; the recorded changes stay as well."""
    system.dnf("install", *OURS)
    ea = tool.Tool(system, program="/usr/sbin/ea-mpm")
    started(system)
    assert ea("switch", "itk").ok
    conf = "/etc/httpd/conf.modules.d/00-mpm-itkish.conf"
    edited = system.read(conf)
    assert re.search(r"(?m)^LoadModule mpm_itkish_module", edited)
    system.offer(skipping(built, 2))
    system.dnf("upgrade", *OURS)
    versions = system.run(["rpm", "-q", *OURS]).stdout
    assert versions.count("-2") == 2, versions
    assert system.read(conf) == edited
    assert [h["to"] for h in ea("history").data["switches"]] == ["itk"]
    assert system.get("http://127.0.0.1/")[0] == 200


def test_the_package_that_can_undo_stays_while_a_switch_is_open(system):
    system.dnf("install", "ea-mpm")
    system.run("mkdir -p /var/lib/ea-mpm/journal/x && ln -s journal/x "
               "/var/lib/ea-mpm/open")
    done = system.dnf("remove", "ea-mpm", check=False)
    assert "ea-mpm recover" in done.stdout + done.stderr
    assert system.run(["rpm", "-q", "ea-mpm"], check=False).returncode == 0


# ---- EasyApache 4 ----

SPEC4 = "ea-apache24-mod_mpm_itkish"


def _build4(out):
    source = out / "SOURCES"
    source.mkdir(parents=True)
    _archive(source, out)
    with rpms.RpmSystem(rpms.ea4_repository()) as system:
        system.dnf("install", "ea-apache24-devel",
                   "ea-apache24-mod_mpm_prefork")
        system.run(["rpmbuild", "-ba", "--nodeps", "--define",
                    f"_topdir {out}", TOP / f"rpm/{SPEC4}.spec"],
                   timeout=600)
    _collect(out / "packages", out)
    _clean(out)


def ours_for_ea4():
    """Our package for EasyApache 4, as a repository."""
    key = debs.digest() + "-" + rpms.digest(TOP / f"rpm/{SPEC4}.spec")
    return cache.entry("our-rpms-ea4", key, _build4) / "packages"


@pytest.fixture
def easyapache():
    """EasyApache 4 with prefork, and our package on offer."""
    with skipping(rpms.RpmSystem, rpms.ea4_repository(),
                  skipping(ours_for_ea4)) as made:
        yield made


def test_on_easyapache_4_the_module_serves_vhosts_as_their_users(easyapache):
    """Installed beside prefork it is loaded; with event, mpm-itk or HTTP/2
    dnf refuses it, as it refuses mpm-itk there."""
    system = easyapache
    system.dnf("install", "ea-apache24", "ea-apache24-mod_mpm_prefork", SPEC4)
    system.run("useradd -M alice && install -d -o alice -m 711 /srv/alice && "
               "echo hers >/srv/alice/index.html && "
               "chown alice /srv/alice/index.html && "
               "chmod 600 /srv/alice/index.html")
    conf = "/etc/apache2/conf/httpd.conf"
    system.write(conf, system.read(conf).replace(
        "DocumentRoot /var/www/html\n</VirtualHost>",
        "DocumentRoot /srv/alice\nAssignUserID alice alice\n</VirtualHost>"))
    system.run(["httpd", "-t"])
    started(system)
    assert system.get("http://127.0.0.1/", "-H", "Host: alice.example") == \
        (200, "hers\n")
    for other in ("ea-apache24-mod_mpm_itk", "ea-apache24-mod_mpm_event",
                  "ea-apache24-mod_http2"):
        refused = system.dnf("install", other, check=False)
        assert refused.returncode != 0, other
        assert "conflicts with" in refused.stdout + refused.stderr
    system.run("httpd -k stop")
    system.write(conf, system.read(conf).replace("AssignUserID", "#"))
    system.dnf("remove", SPEC4)
    system.run(["httpd", "-t"])
