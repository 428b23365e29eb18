"""What a switch writes before it stops the server must not be read by it: a
reload in between (logrotate) would find two MPMs and end the server."""

import pathlib

import pytest

from fixtures import cache, httpd_builds
from fixtures.tool import EA_MPM, Tool

SHIM = pathlib.Path(EA_MPM).parents[1] / "tests/faultshim.so"
TOP = "/usr/local/apache2"
LOG = "/var/tmp/calls"
SWITCH = [EA_MPM, "switch", "event", "--no-rehearsal", "--quiet"]


def with_mpm_dir(sb, include):
    """A source build that keeps its MPM lines in a directory of their own,
    read by INCLUDE; started."""
    try:
        httpd_builds.shared().install(sb)
    except cache.Unavailable as e:
        pytest.skip(str(e))
    sb.run(f"cd {TOP}/conf && mkdir mpm.d && echo '# lines' >mpm.d/00.conf "
           "&& for m in prefork worker event; do echo \"#LoadModule "
           "mpm_${m}_module modules/mod_mpm_$m.so\"; done >>mpm.d/00.conf "
           "&& sed -i '/prefork/s/^#//' mpm.d/00.conf && "
           "sed -i 's/^Listen 80/Listen 127.0.0.1:8080/; "
           "s/^#ServerName.*/ServerName localhost/; "
           f"s|^.*LoadModule mpm_.*||; 1i {include}' httpd.conf")
    sb.run([f"{TOP}/bin/httpd", "-k", "start"])


def killed_at(sb, number):
    return sb.run(["env", f"LD_PRELOAD={SHIM}", f"FAULT_AT={number}",
                   "FAULT_HOW=kill", f"FAULT_LOG={LOG}"] + SWITCH,
                  check=False).returncode


def killed_before_the_stop(sb):
    """A switch that dies with all prepared and the server running."""
    for _ in range(2):          # the first one makes directories
        sb.run(["rm", "-f", LOG])
        assert killed_at(sb, 0) == 0
        sb.run([EA_MPM, "rollback", "--no-rehearsal"])
    calls = sb.read(LOG).splitlines()
    at = next(c.split()[0] for c in calls if c.endswith("renameat state"))
    assert killed_at(sb, at) == -9


def reload(sb):
    """Tell the server to reload; wait until it has, or has ended."""
    told = f"grep -cE 'resuming normal|AH00534' {TOP}/logs/error_log"
    before = sb.run(told).stdout.strip()
    sb.run([f"{TOP}/bin/httpd", "-k", "graceful"])
    sb.wait(f"[ $({told}) -gt {before} ]")


@pytest.mark.parametrize("include, beside", (
    ("Include conf/mpm.d/", False), ("Include conf/mpm.d/*.conf", True)))
def test_a_reload_between_preparing_and_the_stop_is_harmless(sandbox, include,
                                                             beside):
    """Also where an Include reads dot files: nothing is put there then."""
    sb = sandbox()
    with_mpm_dir(sb, include)
    killed_before_the_stop(sb)
    names = sb.run(["ls", "-A", f"{TOP}/conf/mpm.d"]).stdout.split()
    assert (len(names) > 1) == beside, names
    before = sb.run(["cat", f"{TOP}/conf/mpm.d/00.conf"]).stdout
    reload(sb)
    assert sb.get("http://127.0.0.1:8080/")[0] == 200
    assert Tool(sb)("show").data["mpm"]["running"] == "prefork"
    assert Tool(sb)("recover").rc == 0
    assert sb.run(["ls", "-A", f"{TOP}/conf/mpm.d"]).stdout == "00.conf\n"
    assert sb.run(["cat", f"{TOP}/conf/mpm.d/00.conf"]).stdout == before
    assert Tool(sb)("switch", "event").rc == 0
    assert Tool(sb)("show").data["mpm"]["running"] == "event"
    assert sb.run(["ls", "-A", f"{TOP}/conf/mpm.d"]).stdout == "00.conf\n"
