"""The rows of tools/ea-mpm/host/layouts.c, and how each is tried for real
(the trees of tests/hosts are tried in any case)."""

import json
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))
sys.path.insert(0, str(TOP / "tests/facts"))

from dumped import PROGRAM                                  # noqa: E402

_PLACES = "httpd built from source in these paths, switched while it runs"
REAL = {
    "ea4": "RPMs with its names, files and conflicts, "
           "by real dnf; DEBs made of them, by real apt",
    "alpine": _PLACES + ", by OpenRC and by its supervise-daemon",
    "arch": _PLACES,
    "bitnami": _PLACES + ", by a ctlscript.sh with a monitor",
    "bitnami-apache2": _PLACES,
    "debian": "the package installed by dpkg in a sandbox, and booted under "
              "systemd, with instances",
    "docker-httpd": _PLACES + "; as the first process of a PID namespace, "
                    "and under tini",
    "docker-php": "the package apache2 with apache2-foreground as the first "
                  "process of a PID namespace",
    "el": _PLACES + "; the packages by dnf; instances (httpd@NAME) on a "
          "booted machine",
    "freebsd": _PLACES + " (its files; the system is Linux)",
    "rhel6": "httpds built for these paths, a program an MPM, in a sandbox, "
             "and booted under sysvinit (2.4; 2.2 by its files alone)",
    "scl": _PLACES,
    "slackware": _PLACES + ", by rc.httpd",
    "source": _PLACES + "; with the MPM compiled in",
    "suse": "httpds built for these paths, a program an MPM, in a sandbox, "
            "and booted under systemd, with instances; RPMs of them, an MPM "
            "each, by real zypper",
    "void": _PLACES + ", by runit and by s6",
    "xampp": _PLACES + ", by a lampp command",
}


def rows():
    """The rows as the program has them."""
    done = subprocess.run([PROGRAM, "--layouts"], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)
