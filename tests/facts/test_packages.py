"""Owners of files by real databases of dpkg, rpm and pacman below --root."""

import os
import shutil
import subprocess

import pytest

from fixtures import cache, elf_maker, hosts, unpacked
from dumped import dump

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="dpkg and rpm need root for a --root")


def _owners(facts):
    owned = {os.path.basename(m["so"]): (m["package"], m["package_version"])
             for m in facts["modules"] if m["so"]}
    owned.update({os.path.basename(m["file"]): (m["package"], m["version"])
                  for m in facts["installed"]})
    return owned


def _deb(tmp_path, name, version, files):
    """Build a package of empty FILES."""
    stage = tmp_path / f"deb-{name}"
    for file in files:
        (stage / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files[file], stage / file)
    (stage / "DEBIAN").mkdir()
    (stage / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        f"Maintainer: Nobody <nobody@example.org>\nDescription: test\n")
    deb = tmp_path / f"{name}.deb"
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", stage, deb],
                   check=True, capture_output=True)
    return deb


@pytest.mark.skipif(not shutil.which("dpkg"), reason="no dpkg here")
def test_dpkg_with_a_diversion_and_a_merged_usr(tmp_path):
    """A diverted file belongs to the package that it was diverted from; a
    package that ships /lib owns what lies in /usr/lib."""
    root = tmp_path / "root"
    hosts.make("debian12", root)
    for name in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    modules = "usr/lib/apache2/modules"

    def dpkg(*args):
        subprocess.run(["dpkg", f"--root={root}", "--force-all", *args],
                       check=True, capture_output=True)

    file = root / modules / "mod_mpm_event.so"
    dpkg("-i", _deb(tmp_path, "apache2-bin", "2.4.62-1~deb12u2",
                    {f"{modules}/mod_mpm_{m}.so": file
                     for m in ("event", "worker", "prefork")}))
    for mpm in ("event", "worker", "prefork"):
        elf_maker.named_module(root / modules / f"mod_mpm_{mpm}.so",
                               f"mpm_{mpm}")
    # prefork is diverted by a package that ships its own.
    subprocess.run(["dpkg-divert", "--root", root, "--package", "better-mpm",
                    "--rename", "--add", "--divert",
                    f"/{modules}/mod_mpm_prefork.so.orig",
                    f"/{modules}/mod_mpm_prefork.so"], check=True,
                   capture_output=True)
    dpkg("-i", _deb(tmp_path, "better-mpm", "1:2-3",
                    {f"{modules}/mod_mpm_prefork.so": file}))
    elf_maker.named_module(root / modules / "mod_mpm_prefork.so",
                           "mpm_prefork")
    # A package from before the merge names /lib.
    (root / "lib").symlink_to("usr/lib")
    dpkg("-i", _deb(tmp_path, "old-itk", "0.5",
                    {"lib/apache2/modules/mpm_itk.so": file}))
    elf_maker.module(root / modules / "mpm_itk.so", "mpm_itk_module",
                     "mpm_itk.c")
    owned = _owners(dump("--root", root))
    assert owned["mod_mpm_event.so"] == ("apache2-bin", "2.4.62-1~deb12u2")
    assert owned["mod_mpm_prefork.so"] == ("better-mpm", "1:2-3")
    assert owned["mpm_itk.so"] == ("old-itk", "0.5")
    assert owned["libphp8.2.so"] == (None, None)


_SPEC = """\
Name: {name}
Version: {version}
Release: {release}
Summary: test
License: none
BuildArch: noarch
%description
test
%install
mkdir -p %{{buildroot}}/{dir}
{copies}
%files
{files}
"""


def _rpm(tmp_path, name, version, release, directory, files):
    spec = tmp_path / f"{name}.spec"
    spec.write_text(_SPEC.format(
        name=name, version=version, release=release, dir=directory,
        copies="\n".join(f"echo {f} >%{{buildroot}}/{directory}/{f}"
                         for f in files),
        files="\n".join(f"/{directory}/{f}" for f in files)))
    subprocess.run(["rpmbuild", "-bb", "--quiet", "--define",
                    f"_topdir {tmp_path}/rpmbuild", spec], check=True,
                   capture_output=True)
    return next((tmp_path / "rpmbuild/RPMS").rglob(f"{name}-*.rpm"))


@pytest.mark.skipif(not shutil.which("rpmbuild"), reason="no rpm here")
def test_rpm_answers_for_all_files_at_once(tmp_path):
    """Names and versions of an EL tree; a module that nobody owns has none;
    links of the modules directory are followed."""
    root = tmp_path / "root"
    hosts.make("el9", root)
    modules = "usr/lib64/httpd/modules"
    rpm = ["rpm", "--root", root, "--dbpath", "/var/lib/rpm"]
    subprocess.run([*rpm, "--initdb"], check=True, capture_output=True)
    packages = [
        _rpm(tmp_path, "httpd-core", "2.4.57", "5.el9", modules,
             [f"mod_mpm_{m}.so" for m in ("event", "worker", "prefork")]
             + ["mod_cgi.so", "mod_alias.so"]),
        _rpm(tmp_path, "httpd-itk", "2.4.7.04", "1.el9", modules,
             ["mod_mpm_itk.so"])]
    subprocess.run([*rpm, "-i", "--nodeps", "--justdb", "--force",
                    *packages], check=True, capture_output=True)
    facts = dump("--root", root)
    owned = _owners(facts)
    assert owned["mod_mpm_prefork.so"] == ("httpd-core", "2.4.57-5.el9")
    assert owned["mod_cgi.so"] == ("httpd-core", "2.4.57-5.el9")
    assert owned["mod_mpm_itk.so"] == ("httpd-itk", "2.4.7.04-1.el9")
    assert owned["mod_dir.so"] == (None, None)
    assert facts["mpm"]["configured"] == "prefork"


PKGINFO = """pkgname = {name}
pkgbase = {name}
pkgver = {version}
pkgdesc = test
builddate = 1700000000
packager = Nobody
size = 1
arch = any
backup = etc/httpd/conf/httpd.conf
"""


def _pacman_package(tmp_path, root, name, version, files):
    """A package of the FILES that lie below ROOT."""
    stage = tmp_path / f"pkg-{name}"
    for file in files:
        (stage / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / file, stage / file)
    (stage / ".PKGINFO").write_text(PKGINFO.format(name=name,
                                                   version=version))
    package = tmp_path / f"{name}-{version}-any.pkg.tar.gz"
    subprocess.run(["tar", "-czf", package, "-C", stage, ".PKGINFO",
                    *sorted(os.listdir(stage))[1:]], check=True)
    return package


def test_pacman_says_the_same(sandbox, tmp_path):
    """Two packages installed by a real pacman: the database that it wrote,
    read directly, against its own answer."""
    sb = sandbox()
    try:
        unpacked.into(sb, "pacman-package-manager")
    except cache.Unavailable as e:
        pytest.skip(str(e))
    root = tmp_path / "root"
    hosts.make("arch", root)
    modules = "usr/lib/httpd/modules"
    for dest in ("var/lib/pacman", "var/cache/pacman"):
        (root / dest).mkdir(parents=True)
    event, itk = f"{modules}/mod_mpm_event.so", f"{modules}/mod_mpm_itk.so"
    elf_maker.module(root / itk, "mpm_itk_module", "mpm_itk.c")
    pacman = ["pacman", "--root", root, "--dbpath", root / "var/lib/pacman",
              "--cachedir", root / "var/cache/pacman", "--noconfirm"]
    for name, version, files in (
            ("apache", "2.4.62-1", ["usr/bin/httpd", event,
                                    "etc/httpd/conf/httpd.conf"]),
            ("mod-itk", "2:1.0_rc1-3", [itk])):
        sb.run([*pacman, "-U", "--overwrite", "*",
                _pacman_package(tmp_path, root, name, version, files)])
    owned = _owners(dump("--root", root))
    for file in (event, itk):
        said = sb.run([*pacman, "-Qo", root / file]).stdout.split()
        assert owned[os.path.basename(file)] == tuple(said[-2:]), said
    assert owned["mod_mpm_worker.so"] == (None, None)


def test_apk_by_its_database(tmp_path):
    """The text that apk keeps, in both of its places."""
    for place in ("lib/apk/db", "usr/lib/apk/db"):
        root = tmp_path / place.split("/")[0]
        hosts.make("alpine", root)
        (root / place).mkdir(parents=True)
        (root / place / "installed").write_text(
            "C:Q1x=\nP:musl\nV:1.2.5-r9\nA:x86_64\nF:lib\n"
            "R:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1y=\n\n"
            "C:Q1z=\nP:apache2\nV:2.4.62-r0\nA:x86_64\nF:usr/lib/apache2\n"
            "R:mod_mpm_event.so\na:0:0:755\nR:mod_mpm_worker.so\n"
            "F:usr/sbin\nR:httpd\n\n")
        owned = _owners(dump("--root", root))
        assert owned["mod_mpm_event.so"] == ("apache2", "2.4.62-r0")
        assert owned["mod_mpm_worker.so"] == ("apache2", "2.4.62-r0")
        assert owned["mod_mpm_prefork.so"] == (None, None)
