"""check on trees of other systems: the verdict for each target, and the
finding that a person there must hear of."""

import json
import os
import pathlib
import subprocess

import pytest

from fixtures import hosts

TOOL = pathlib.Path(os.environ.get("BUILD", "build")) / "bin" / "ea-mpm"
TARGETS = ("prefork", "worker", "event", "itk")

VERDICTS = {
    "alpine": ("current", "ready", "ready", "impossible"),
    "arch": ("ready", "ready", "current", "impossible"),
    "debian12": ("current", "refused", "refused", "impossible"),
    "ea4": ("current", "impossible", "impossible", "impossible"),
    "el7": ("current", "refused", "refused", "impossible"),
    "el8": ("ready", "ready", "current", "impossible"),
    "el9": ("current", "ready", "ready", "ready"),
    "fedora": ("ready", "ready", "ready", "current"),
    "freebsd": ("ready", "ready", "ready", "impossible"),
    "gentoo": ("impossible", "current", "impossible", "impossible"),
    "source": ("ready", "current", "ready", "impossible"),
    "source-static": ("current", "impossible", "impossible", "impossible"),
    "rhel6": ("ready", "current", "ready", "impossible"),
    "suse": ("current", "refused", "impossible", "impossible"),
}

# (host, target): (problem, severity, file, line)
FINDINGS = {
    ("el7", "event"): ("php-source-leak", "refuse",
                       "/etc/httpd/conf.d/php.conf", 2),
    ("debian12", "event"): ("php-fpm-missing", "refuse", None, None),
    ("freebsd", "event"): (
        "mpm-two-loaded", "info",
        "/usr/local/etc/apache24/modules.d/000_mpm_prefork_fallback.conf", 1),
    ("ea4", "event"): ("packages-unavailable", "refuse", None, None),
    ("suse", "worker"): ("php-source-leak", "refuse",
                         "/etc/apache2/conf.d/mod_php8.conf", 3),
    ("suse", "event"): ("mpm-not-installed", "refuse", None, None),
    ("rhel6", "event"): ("mpm-experimental", "warn", None, None),
    ("gentoo", "event"): ("static-mpm", "refuse", None, None),
    ("source", "itk"): ("mpm-not-installed", "refuse", None, None),
}


@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_every_target_gets_its_verdict(name, tmp_path):
    """As there is nothing of that system here, only its files count."""
    root = tmp_path / "root"
    hosts.make(name, root)
    verdicts = []
    for target in TARGETS:
        done = subprocess.run([TOOL, "check", target, "--root", root,
                               "--json"], capture_output=True, text=True,
                              check=False)
        data = json.loads(done.stdout)["data"]
        verdicts.append(data["verdict"])
        assert (done.returncode == 0) == (data["verdict"] in
                                          ("current", "ready"))
        wanted = FINDINGS.get((name, target))
        found = [(f["problem"], f["severity"], f["file"], f["line"])
                 for f in data["findings"]]
        assert not wanted or wanted in found, found
    assert tuple(verdicts) == VERDICTS[name]
