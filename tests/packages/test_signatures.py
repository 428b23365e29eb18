"""Packages are taken as the admin's own settings say: with gpgcheck=1 only
what the repository's key signed, there and back; nothing imports a key, and
nothing changes where dnf or apt refuses."""

import json

import pytest

import ea4_deb
import ea4_rpm
from ea4 import SWITCH, runs, same, tool_of
from fixtures import ea4_debs, rpms

# They share two systems with keys.
pytestmark = pytest.mark.xdist_group("signatures")

EVENT = "ea-apache24-mod_mpm_event"
PREFORK = "ea-apache24-mod_mpm_prefork"
GPG = "GNUPGHOME=/srv/gpg gpg --batch --quiet "


def make_keys(system, *names):
    """/srv/NAME.key of each."""
    system.run("mkdir -p -m 700 /srv/gpg")
    for name in names:
        system.run(f"{GPG} --passphrase '' --quick-gen-key {name}@test "
                   f"rsa2048 sign never && {GPG} --armor --export "
                   f"{name}@test >/srv/{name}.key")


def end_agent(system):
    system.run("GNUPGHOME=/srv/gpg gpgconf --kill all", check=False)


# ---- dnf ----

class Signed(ea4_rpm.Ea4):
    """Its repository is a signed one; rpm knows that key."""

    def __init__(self, **how):
        super().__init__(**how)
        try:
            make_keys(self, "ours", "other")
            self.run(f"mkdir /srv/repo && cp {rpms.ea4_repository()}/*.rpm "
                     "/srv/repo && rm /etc/yum.repos.d/*")
            self.sign("ours", "ea-*")
            self.run("cp -a /srv/repo /srv/good; rpm --import /srv/ours.key")
            self.start()
        except BaseException:
            self.close()
            raise

    def sign(self, name, packages):
        self.run("cd /srv/repo && GNUPGHOME=/srv/gpg rpmsign --define "
                 f"'_gpg_name {name}@test' --define '__gpg /usr/bin/gpg' "
                 f"--addsign {packages}.rpm")

    def offers(self, gpgcheck=1, local=0):
        """dnf with the packages that lie there now."""
        self.run("createrepo_c -q /srv/repo; dnf clean all; sed -i "
                 "/localpkg_gpgcheck/d /etc/dnf/dnf.conf; echo "
                 f"localpkg_gpgcheck={local} >>/etc/dnf/dnf.conf")
        self.write("/etc/yum.repos.d/ea4.repo", "[ea4]\nname=EA4\n"
                   f"baseurl=file:///srv/repo\ngpgcheck={gpgcheck}\n"
                   "gpgkey=file:///srv/ours.key\n")

    def keys(self):
        return self.run("rpm -q gpg-pubkey", check=False).stdout


@pytest.fixture(scope="module")
def the_signed():
    with ea4_rpm.made(kind=Signed) as system:
        yield system
        end_agent(system)


@pytest.fixture
def signed(the_signed):
    the_signed.run("rm -rf /srv/repo && cp -a /srv/good /srv/repo")
    return the_signed


def refused(system, words):
    """A switch changes nothing and gives dnf's or apt's WORDS."""
    before = system.tree()
    done = tool_of(system)(*SWITCH)
    assert done.rc == 3, done
    assert words in json.dumps(done.json), done.json
    same(before, system.tree())
    assert runs(system, "prefork")
    return json.dumps(done.json)


def test_signed_packages_go_and_come_back(signed):
    """Also where every file must be signed, and with no repository left."""
    signed.offers(local=1)
    before = signed.tree()
    done = tool_of(signed)(*SWITCH)
    assert done.ok, done
    assert runs(signed, "event")
    signed.run("rm -rf /etc/yum.repos.d/* /var/cache/dnf/*")
    done = tool_of(signed)("rollback")
    assert done.ok, done
    same(before, signed.tree())
    assert runs(signed, "prefork")


def test_a_key_that_rpm_does_not_know_is_not_imported(signed):
    """dnf -y would take it from where gpgkey= says; that is for the admin."""
    signed.offers()
    keys = signed.keys()
    signed.run(f"rpm -e {keys}")
    try:
        said = refused(signed, "Refusing to automatically import keys")
        assert "rpm --import" in said
        assert "not installed" in signed.keys()
    finally:
        signed.run("rpm --import /srv/ours.key")
    assert signed.keys() == keys


@pytest.mark.parametrize("package", [EVENT, PREFORK])
def test_an_unsigned_package_is_refused(signed, package):
    """One that comes, or one that the way back would need."""
    signed.run(f"rpmsign --delsign /srv/repo/{package}-2*.rpm")
    signed.offers()
    refused(signed, f"{package}-2.4.71-1.x86_64.rpm is not signed")


def test_somebody_elses_signature_is_refused(signed):
    signed.run(f"rpmsign --delsign /srv/repo/{EVENT}-2*.rpm")
    signed.sign("other", f"{EVENT}-2*")
    signed.offers()
    refused(signed, "import keys")


def test_unsigned_files_are_refused_where_dnf_wants_them_signed(signed):
    """localpkg_gpgcheck: it is files that dnf is given in the end."""
    signed.run("rpmsign --delsign /srv/repo/ea-*.rpm")
    signed.offers(gpgcheck=0, local=1)
    refused(signed, "is not signed")
    signed.offers(gpgcheck=0)
    answer = tool_of(signed)("plan", *SWITCH[1:])
    assert answer.ok, answer


# ---- apt ----

class SignedDeb(ea4_deb.Ea4Deb):
    """Its repository, /srv/repo, is a signed one."""

    def __init__(self, *_):
        super().__init__()
        try:
            make_keys(self, "ours")
            self.run(f"cp -r {ea4_debs.ea4_repository()} /srv/good; "
                     "gpg --dearmor </srv/ours.key >/srv/ours.gpg")
            self.start()
        except BaseException:
            self.close()
            raise

    def offers(self, before="", options="signed-by=/srv/ours.gpg",
               apt_options=""):
        """apt with a repository that was signed after BEFORE."""
        self.run("rm -rf /srv/repo /var/lib/apt/lists/* && "
                 f"cp -r /srv/good /srv/repo && cd /srv/repo && {before or ':'}"
                 " && printf 'SHA256:\\n %s %s Packages\\n' "
                 "$(sha256sum <Packages | cut -d' ' -f1) "
                 "$(wc -c <Packages) >Release && "
                 f"{GPG} --clearsign -o InRelease Release && rm Release")
        self.write("/etc/apt/sources.list",
                   f"deb [{options}] file:///srv/repo ./\n")
        self.run(f"apt-get {apt_options} update")


@pytest.fixture(scope="module")
def signed_deb():
    with ea4_deb.made(kind=SignedDeb) as system:
        yield system
        end_agent(system)


def test_apts_signed_packages_go_and_come_back(signed_deb):
    signed_deb.offers()
    before = signed_deb.tree()
    done = tool_of(signed_deb)(*SWITCH)
    assert done.ok, done
    assert runs(signed_deb, "event")
    signed_deb.run("rm -rf /srv/repo /var/lib/apt/lists/*")
    done = tool_of(signed_deb)("rollback")
    assert done.ok, done
    same(before, signed_deb.tree())


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_a_deb_that_is_not_the_signed_one_is_refused(signed_deb, mpm):
    """One that comes or one of the way back, of the signed version."""
    signed_deb.offers()
    signed_deb.run("cd /srv/repo && dpkg-deb -R *-mpm-" + mpm + "_*.deb t && "
                   "echo >t/usr/more && dpkg-deb -b t . && rm -r t")
    refused(signed_deb, "Failed to fetch")
    # Nor is it taken where it lies in apt's cache.
    signed_deb.run("mv /srv/repo/*-mpm-" + mpm + "_*.deb "
                   "/var/cache/apt/archives/")
    refused(signed_deb, "Failed to fetch")
    signed_deb.run("rm /var/cache/apt/archives/*.deb")


def test_a_repository_that_apt_does_not_trust_is_refused(signed_deb):
    """Only the admin's [trusted=yes] says otherwise (test_ea4_deb.py)."""
    insecure = "-o Acquire::AllowInsecureRepositories=1"
    signed_deb.offers(options="signed-by=/srv/none.gpg",
                      apt_options=insecure)
    refused(signed_deb, "could not be authenticated")
