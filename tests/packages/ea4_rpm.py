"""EasyApache 4 on RPMs with a running server, to be switched and disturbed."""

import pathlib
import subprocess
import tempfile

import pytest

from ea4 import CONF, PREFORK, Server
from fixtures import cache, rpms
from rpm_gates import Gates


RUID2 = """Name: ea-apache24-mod_ruid2
Version: 0.9.8
Release: 1
Summary: mod_ruid2
License: Apache-2.0
AutoReqProv: no
Requires: ea-apache24-mpm = forked
Provides: ea-apache24-exec_code_asuser
Conflicts: ea-apache24-mod_suexec
Conflicts: ea-apache24-mod_mpm_itk
Conflicts: ea-apache24-mod_fcgid
%description
Built for tests.
%install
cp -a %{tree}/. %{buildroot}/
%files
/usr/lib64/apache2/modules/mod_ruid2.so
%config(noreplace) /etc/apache2/conf.modules.d/ruid2.conf
"""

# The directives of mod_ruid2, in a module of that name.
MODULE = """#include "httpd.h"
#include "http_config.h"
static const char *any(cmd_parms *c, void *d, const char *a, const char *b)
{ (void)c; (void)d; (void)a; (void)b; return NULL; }
static const command_rec cmds[] = {
    AP_INIT_TAKE12("RMode", any, NULL, RSRC_CONF | ACCESS_CONF, "mode"),
    AP_INIT_TAKE2("RUidGid", any, NULL, RSRC_CONF | ACCESS_CONF, "user"),
    {0}
};
module AP_MODULE_DECLARE_DATA ruid2_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, cmds, NULL };
"""

# Its script waits: rpm holds its lock until /run/go is there.
SLOW = """Name: slow
Version: 1
Release: 1
Summary: A package whose script takes long
License: Apache-2.0
BuildArch: noarch
%description
Built for tests.
%install
%files
%post
touch /run/waiting
while [ ! -e /run/go ]; do sleep 0.05; done
"""


def _ruid2(out):
    build = rpms.ea4_build()
    source = out / "mod_ruid2.c"
    source.write_text(MODULE)
    so = out / "usr/lib64/apache2/modules/mod_ruid2.so"
    so.parent.mkdir(parents=True)
    flags = subprocess.run(["apr-1-config", "--includes", "--cppflags"],
                           check=True, capture_output=True, text=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", so, source, "-I",
                    build.files / "usr/include/apache2",
                    *flags.stdout.split()], check=True)
    source.unlink()
    conf = out / CONF[1:] / "ruid2.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text("LoadModule ruid2_module modules/mod_ruid2.so\n")


def extra():
    """mod_ruid2 and a slow package."""
    with tempfile.TemporaryDirectory() as tmp:
        specs = []
        for name, text in (("ruid2", RUID2), ("slow", SLOW)):
            specs.append(pathlib.Path(tmp, f"{name}.spec"))
            specs[-1].write_text(text)
        return rpms.repository("ea4-extra", rpms.digest(__file__), specs,
                               _ruid2)


class Ea4(Gates, Server, rpms.RpmSystem):
    """prefork with mod_cgi and PHP as a module; its MPM's file edited."""

    def __init__(self, *more, offers=()):
        super().__init__(rpms.ea4_repository(), *offers, packages=[
            "ea-apache24", "ea-apache24-mod_mpm_prefork", "ea-php74-php"])
        try:
            if more:
                self.install(*more)
            self._furnish()
            self.run(f"sed -i 's/^Mutex.*/Mutex sysvsem/' {PREFORK}; "
                     f"echo '# ours' >>{PREFORK}; chmod 640 {PREFORK}; "
                     f"touch -d 2020-02-02 {PREFORK}")
        except BaseException:
            self.close()
            raise

    def packages(self):
        return self.run("rpm -qa 'ea-*' | sort").stdout.split()

    def tree(self):
        """Every package with its mark, every file (with mode, owner and
        time) and link."""
        return self.run(
            "rpm -qa 'ea-*' | sort; cd / && find etc/apache2 etc/cpanel "
            "etc/sysconfig usr/lib64/apache2 "
            "\\( -type f -exec sha256sum {} + \\) -o "
            "\\( -type l -printf '%p -> %l\\n' \\) | sort; "
            "find etc/apache2 usr/lib64/apache2 -type f "
            "-printf '%p %m %u %g %T@\\n' | sort").stdout \
            + "".join(f"{name}: {reason}\n"
                      for name, reason in sorted(self.reasons().items()))

    def reasons(self):
        """{package: what dnf has it for}; under whatever name dnf goes."""
        listing = self.run(["/usr/bin/python3", "-c", "import sys; "
                            "from dnf.cli.main import user_main; "
                            "user_main(sys.argv[1:], exit_code=True)",
                            "-q", "--releasever=9", "--disablerepo=*",
                            "repoquery", "--installed", "--qf",
                            "%{name} %{reason}"]).stdout
        return dict(line.split() for line in listing.splitlines()
                    if line.startswith("ea-"))

    def whole(self):
        """What rpm says against its packages, but for configuration."""
        said = self.run("rpm -Va --nodeps 'ea-*'; rpm -Va --nofiles 'ea-*'",
                        check=False).stdout
        return [line for line in said.splitlines() if "  c /" not in line]


def made(*more, kind=Ea4, offers=lambda: ()):
    """With the packages MORE, of the further repositories that OFFERS()
    makes."""
    try:
        return kind(*more, offers=offers())
    except cache.Unavailable as e:
        pytest.skip(str(e))


def left_behind(system):
    """Names of ours, of dnf's or rpm's that nobody needs any more."""
    return system.run(
        "find /etc /usr/lib64/apache2 /var/tmp "
        "\\( -name '.ea-mpm*' -o -name '*;????????' -o -name '*.rpm' "
        "-o -name '*.rpmsave' -o -name '*.rpmnew' \\) "
        "2>/dev/null", check=False).stdout.split()

