"""docs/problems.md has every problem id of the code, and no other."""

import json
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOL = TOP / "tools/ea-mpm"

# Words of that shape in the code that are not problems.
OTHER = {
    # options and their like
    "progress-fd", "dry-run", "no-restart", "no-rehearsal", "allow-socket",
    "require-rehearsal", "ask-root",
    # programs, packages, layouts, directories
    "ea-mpm", "apache2-bin", "apache2-mpm-event", "bitnami-apache2",
    "docker-httpd", "docker-php", "httpd-itk", "libapache2-mpm-itk",
    "php-fpm", "php8-fpm", "rc-service", "www-data", "conf-available",
    "conf-enabled", "mods-available", "mods-enabled", "sysrq-trigger",
    "apt-cache", "ea-apache24-mod-mpm-event", "ea-apache24-mod-mpm-itk",
    "ea-apache24-mod-mpm-prefork", "ea-apache24-mod-mpm-worker",
    "libapache2-mod-mpm-itkish",
    "apt-get", "apt-mark", "dpkg-deb", "dnf-3",
    # states of dpkg
    "config-files", "half-installed", "not-installed",
    # words of systemctl
    "reset-failed", "is-active",
    # elements of zypper's XML
    "install-summary", "to-remove",
    # values of JSON fields
    "control-command", "not-probed", "needs-changes", "not-asked",
    # supervisors and what tells them; an option
    "docker-init", "dumb-init", "podman-init", "s6-supervise", "s6-svc",
    "supervise-daemo", "end-container",
    # a handler of httpd
    "default-handler",
}
# Problems of one word.
PLAIN = {"internal", "interrupted"}

LITERAL = re.compile(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)"')


def in_code():
    ids = set()
    for path in TOOL.rglob("*.c"):
        text = path.read_text()
        ids |= set(LITERAL.findall(text))
        ids |= {w for w in PLAIN if f'"{w}"' in text}
    return ids - OTHER


def in_rules():
    ids = set()

    def walk(value):
        if isinstance(value, dict):
            ids.update(value[k] for k in ("problem", "leak")
                       if isinstance(value.get(k), str))
            for v in value.values():
                walk(v)
        elif isinstance(value, list):
            for v in value:
                walk(v)
    for path in (TOOL / "rules.d").glob("*.json"):
        walk(json.loads(path.read_text()))
    return ids


def documented():
    text = (TOP / "docs/problems.md").read_text()
    rows = "\n".join(re.findall(r"(?m)^\| (`.*?) \|", text))
    notes = re.search(r"(?s)Notes of the configuration walk.*?\n\n",
                      text).group(0)
    return set(re.findall(r"`([a-z0-9-]+)`", rows + notes))


def test_every_problem_of_the_code_is_documented():
    missing = (in_code() | in_rules()) - documented()
    assert not missing, f"not in docs/problems.md: {sorted(missing)}"


def test_every_documented_problem_exists():
    gone = documented() - in_code() - in_rules()
    assert not gone, f"in docs/problems.md only: {sorted(gone)}"


def test_nothing_is_both_a_problem_and_none():
    assert not OTHER & documented()
