"""tests/install-deps.sh where dnf is the package manager: real dnf and rpm,
and a repository of empty packages with the names of the lists."""

import pathlib
import re

import pytest

from fixtures import cache, rpms

TESTS = pathlib.Path(__file__).resolve().parents[1]
SCRIPT = TESTS / "install-deps.sh"
SPEC = """Name: all
Version: 1
Release: 1
Summary: Fixtures
License: Apache-2.0
BuildArch: noarch
AutoReqProv: no
%description
Fixtures.
"""
PACKAGE = """%package -n {0}
Summary: A fixture
{1}
%description -n {0}
A fixture.
%files -n {0}
"""


def listed(which):
    text = (TESTS / f"{which}.fedora").read_text()
    return re.findall(r"(?m)^\w\S*", text)


def repository(out, names, special):
    """Empty packages NAMES; SPECIAL has (package, its tags) for some."""
    spec = SPEC + "".join(PACKAGE.format(*special.get(name, (name, "")))
                          for name in sorted(set(names)))
    (out / "all.spec").write_text(spec)
    packages = out / "packages"
    packages.mkdir()
    for rpm in rpms.rpmbuild(out / "top", out / "all.spec"):
        rpm.rename(packages / rpm.name)
    rpms.index(packages)
    return packages


@pytest.fixture
def system(tmp_path):
    """system(names, special): an RPM system that is offered these."""
    opened = []

    def make(names, special):
        try:
            opened.append(rpms.RpmSystem(
                rpms.repository("host-base", rpms.digest(rpms.__file__), [],
                                lambda out: None),
                repository(tmp_path, names, special)))
        except cache.Unavailable as e:
            pytest.skip(str(e))
        opened[-1].run("rm -f /usr/bin/apt*")
        return opened[-1]
    yield make
    for one in opened:
        one.close()


def missing(sb, names):
    return [n for n in names if sb.run(["rpm", "-q", "--whatprovides", n],
                                       check=False).returncode != 0]


@pytest.mark.parametrize("which", ("deps", "demo/deps"))
def test_everything_in_the_list_is_installed(system, which):
    """Also what another package provides, as EL 8's python36 does python3;
    a second time there is nothing to do."""
    names = listed(which)
    assert len(names) > 15 and "python3" in names
    sb = system(names, {"python3": ("python36", "Provides: python3")})
    done = sb.run(["bash", SCRIPT, TESTS / which], timeout=120)
    assert missing(sb, names) == [], done.stdout + done.stderr
    done = sb.run(["bash", SCRIPT, TESTS / which])
    assert done.stdout.strip() == \
        "deps: everything in deps.fedora is installed"


def test_what_cannot_be_had_is_named_and_the_rest_installed(system):
    """One that no repository has, one that cannot be installed."""
    names = listed("deps")
    sb = system([n for n in names if n != "fish"],
                {"zsh": ("zsh", "Requires: nobody-has-this")})
    done = sb.run(["bash", SCRIPT], timeout=200)
    assert sorted(missing(sb, names)) == ["fish", "zsh"], done.stdout
    assert "no repository here has fish" in done.stdout
    assert "zsh could not be installed" in done.stdout
    assert "nobody-has-this" in done.stdout
