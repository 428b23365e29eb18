"""openSUSE's apache2 on RPMs and zypper, with a running server, to be
switched and disturbed: prefork is installed, the other MPMs are packages of
the repository."""

import pytest

from fixtures import cache, mpm_programs, rpms, tool
from rpm_gates import Gates


class Suse(Gates, rpms.ZypperSystem):
    """prefork, by APACHE_MPM; REPOSITORIES: the first has what is
    installed."""

    mpm = "prefork"

    def __init__(self, *repositories, mpms=("prefork",)):
        self.host = mpm_programs.SuseServer(self)
        super().__init__(*(repositories or [rpms.suse_repository()]),
                         packages=["apache2", *(f"apache2-{m}"
                                                for m in mpms)])
        try:
            self.host.choose(self.mpm)
        except BaseException:
            self.close()
            raise

    def _become_rpm(self):
        super()._become_rpm()
        self.host.clear()

    def start(self):
        self.host.start()

    def restart(self):
        """Stop it, to the last child, and start what is configured."""
        self.host.ctl("stop")
        self.wait("! grep -q ^httpd- /proc/[0-9]*/comm 2>/dev/null")
        self.start()

    def packages(self):
        return self.run("rpm -qa 'apache2*' | sort").stdout.split()

    def tree(self):
        """Every package, file (with mode, owner and time) and link."""
        places = ("etc/apache2 etc/sysconfig usr/lib64 usr/sbin/*apache2* "
                  "usr/sbin/httpd* usr/sbin/apachectl usr/share/apache2 srv")
        return self.run(
            f"rpm -qa | sort; cd / && find {places} "
            "\\( -type f -exec sha256sum {} + \\) -o "
            "\\( -type l -printf '%p -> %l\\n' \\) | sort; "
            "find etc/apache2 etc/sysconfig -type f -not -path "
            "'*/sysconfig.d/*' -printf '%p %m %u %g %T@\\n' | sort").stdout

    def whole(self):
        """What rpm says against its packages, but for configuration."""
        said = self.run("rpm -Va --nodeps --nomtime 'apache2*'; "
                        "rpm -Va --nofiles 'apache2*'", check=False).stdout
        return [line for line in said.splitlines() if "  c /" not in line]

    def left_behind(self, *more):
        """Names of ours, of zypper's or rpm's that nobody needs any more in
        the system's places, and MORE."""
        return self.run(
            ["find", "/etc", "/usr/lib64", "/usr/sbin", *more,
             *"( -name .ea-mpm* -o -name ea-mpm-packages* -o -name *;????????"
             " -o -name *.rpm -o -name *.rpmsave -o -name *.rpmnew"
             " -o -name zypp.* -not -name zypp.pid )".split()],
            check=False).stdout.split()

    def runs(self, mpm):
        """It answers, and runs and has configured MPM."""
        shown = tool_of(self)("show").data["mpm"]
        return self.host.answers() and (
            shown["running"], shown["configured"], shown["pending"]) \
            == (mpm, mpm, False)


def tool_of(system):
    return tool.Tool(system, "--timeout", "30")


def made(*repositories, **kw):
    try:
        return Suse(*repositories, **kw)
    except cache.Unavailable as e:
        pytest.skip(str(e))
