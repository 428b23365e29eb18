"""The main job, whole: a server is shown, refused, switched, switched back
and rolled back, and answers all along."""

import glob
import re
import time

import pytest

from fixtures import cache, httpd_builds, tool

PHP = sorted(re.search(r"libphp(.*)\.so", so).group(1)
             for so in glob.glob("/usr/lib/apache2/modules/libphp*.so"))


def wait_for(what, seconds=15):
    """Poll WHAT until it is true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def verdicts(done):
    return {t["mpm"]: t["verdict"] for t in done.data["targets"]}


class Site:
    """The server as its visitors see it."""

    def __init__(self, sb, port=80):
        self.sb, self.url = sb, f"http://127.0.0.1:{port}"

    def static(self):
        return self.sb.get(f"{self.url}/static.txt") == (200, "static\n")

    def php(self):
        """What PHP says of how it runs, "" where it does not."""
        status, body = self.sb.get(f"{self.url}/sapi.php")
        assert "<?php" not in body, "the source of a script was answered"
        return body if status == 200 else ""


@pytest.fixture
def debian_with_php(debian):
    """A running Debian Apache under prefork with mod_php; php-fpm runs."""
    if not PHP:
        pytest.skip("libapache2-mod-php is not installed")
    sb = debian("prefork", [f"php{PHP[-1]}"])
    sb.write("/var/www/html/static.txt", "static\n")
    sb.write("/var/www/html/sapi.php", "<?php echo php_sapi_name();\n")
    sb.run(f"mkdir -p /run/php; command -v php-fpm{PHP[-1]} || exit 0; "
           f"php-fpm{PHP[-1]}")
    sb.run(["apache2ctl", "start"])
    site = Site(sb)
    wait_for(site.static)
    return sb, tool.Tool(sb), site


def test_debian_with_mod_php_goes_to_event_with_php_fpm_and_back(
        debian_with_php):
    """Shown, refused with the reason, switched with --with php=fpm, switched
    back, rolled back; /etc/apache2 ends as it was in the middle."""
    sb, ea, site = debian_with_php
    if not sb.run(f"command -v php-fpm{PHP[-1]}", check=False).stdout:
        pytest.skip("php-fpm is not installed")
    tree = ("cd /; find etc/apache2 var/lib/apache2 -printf '%p %y %m %l\\n' "
            "| sort; find etc/apache2 -type f -exec sha256sum {} + | sort")

    done = ea("show")
    assert done.data["mpm"]["configured"] == "prefork"
    assert done.data["mpm"]["running"] == "prefork"
    assert done.data["mpm"]["pending"] is False
    assert verdicts(done)["prefork"] == "current"
    assert verdicts(done)["event"] == "needs-changes"
    php = [m for m in done.data["modules"] if m["id"] == "php_module"]
    assert php and php[0]["thread_safe"] is False

    before = sb.run(tree).stdout
    pid = done.data["mpm"]["running_pid"]
    done = ea("switch", "event")
    assert done.rc == 3 and not done.data["changed"], done
    assert f"php{PHP[-1]}.load" in done.detail
    assert "ea-mpm switch event --with php=fpm" in done.detail
    assert sb.run(tree).stdout == before
    assert ea("show").data["mpm"]["running_pid"] == pid
    assert site.php() == "apache2handler"

    done = ea("switch", "event", "--with", "php=fpm")
    assert done.ok and done.data["changed"], done
    assert (done.data["from"], done.data["to"]) == ("prefork", "event")
    assert done.data["verified"] == "running"
    assert done.data["outage_ms"] >= 0
    assert done.data["rehearsal"]["result"] == "passed", \
        done.data["rehearsal"]
    shown = ea("show").data["mpm"]
    assert (shown["configured"], shown["running"]) == ("event", "event")
    assert shown["running_pid"] != pid and not shown["pending"]
    assert site.static() and site.php() == "fpm-fcgi"
    event = sb.run(tree).stdout
    assert sb.run(["a2query", "-M"]).stdout.split() == ["event"]

    done = ea("switch", "prefork")
    assert done.ok, done
    assert ea("show").data["mpm"]["running"] == "prefork"
    assert site.static() and site.php()

    done = ea("rollback")
    assert done.ok and done.data["changed"], done
    assert ea("show").data["mpm"]["running"] == "event"
    assert site.static() and site.php() == "fpm-fcgi"
    assert sb.run(tree).stdout == event

    states = [(s["from"], s["to"], s["state"])
              for s in ea("history").data["switches"]]
    assert states[-1] == ("prefork", "event", "committed")
    assert len(states) == 3


def test_a_switch_that_fails_ends_with_the_server_as_it_was(debian_with_php):
    """A module that only event cannot live with: found by the start, not by
    `httpd -t`. Exit code 4, same files, and the old server answers."""
    sb, ea, site = debian_with_php
    sb.run(["a2dismod", "-q", f"php{PHP[-1]}"])
    sb.run(["apache2ctl", "graceful"])
    wait_for(site.static)
    # Only the real start sees this: a log directory that goes away with the
    # old server cannot be there for the new one.
    sb.write("/usr/local/bin/refuse-event", """#!/bin/sh
[ ! -e /etc/apache2/mods-enabled/mpm_event.load ] && exec cat >/dev/null
kill -9 $PPID
""", 0o755)
    sb.write("/etc/apache2/conf-enabled/pipe.conf",
             'CustomLog "|/usr/local/bin/refuse-event" combined\n')
    sb.run(["apache2ctl", "graceful"])
    wait_for(site.static)
    tree = "cd /etc/apache2; find . -printf '%p %y %l\\n' | sort"
    before = sb.run(tree).stdout
    done = ea("switch", "event", "--no-rehearsal", "--timeout", "10")
    assert done.rc == 4 and done.data["rolled_back"], done
    assert sb.run(tree).stdout == before
    wait_for(site.static)
    assert ea("show").data["mpm"]["running"] == "prefork"


def test_files_only_leaves_a_pending_change_that_show_calls_out(
        debian_with_php):
    """--no-restart: the server keeps running, show warns, and switching back
    is possible without a restart."""
    sb, ea, site = debian_with_php
    sb.run(["a2dismod", "-q", f"php{PHP[-1]}"])
    done = ea("switch", "event", "--no-restart")
    assert done.ok and done.data["outage_ms"] is None, done
    shown = ea("show").data["mpm"]
    assert shown["pending"] and shown["running"] == "prefork"
    assert "Pending" in ea.text("show")
    done = ea("switch", "prefork", "--no-restart")
    assert done.ok and not ea("show").data["mpm"]["pending"], done
    assert site.static()


def test_a_stopped_server_stays_stopped(debian_with_php):
    """Verified by a config test."""
    sb, ea, site = debian_with_php
    sb.run(["a2dismod", "-q", f"php{PHP[-1]}"])
    sb.run(["apache2ctl", "stop"])
    wait_for(lambda: ea("show").data["mpm"]["running_pid"] is None)
    done = ea("switch", "worker")
    assert done.ok and done.data["verified"] == "configtest", done
    shown = ea("show").data["mpm"]
    assert shown["configured"] == "worker" and shown["running"] is None


_SOURCE_CONF = """
ServerName localhost
LoadModule php_module {so}
<IfModule php_module>
    <FilesMatch "\\.php$">
        SetHandler application/x-httpd-php
    </FilesMatch>
</IfModule>
<IfModule !php_module>
    <FilesMatch "\\.php$">
        SetHandler "proxy:unix:/run/php/php{version}-fpm.sock|fcgi://localhost"
    </FilesMatch>
</IfModule>
"""


@pytest.fixture
def source_build(sandbox):
    """httpd built with --enable-mpms-shared=all, running prefork with
    mod_php; everything in one httpd.conf."""
    if not PHP:
        pytest.skip("libapache2-mod-php is not installed")
    try:
        build = httpd_builds.shared()
    except cache.Unavailable as e:
        pytest.skip(str(e))
    sb = sandbox()
    prefix = build.install(sb)
    conf = f"{prefix}/conf/httpd.conf"
    text = sb.read(conf)
    text = re.sub(r"(?m)^(LoadModule mpm_event_module )", r"#\1", text)
    text = re.sub(r"(?m)^#(LoadModule mpm_prefork_module )", r"\1", text)
    text = re.sub(r"(?m)^Listen 80$", "Listen 127.0.0.1:80", text)
    # The way administrators have it: CRLF line ends survive a switch.
    text += _SOURCE_CONF.format(version=PHP[-1],
                                so=f"/usr/lib/apache2/modules/libphp"
                                   f"{PHP[-1]}.so").replace("\n", "\r\n")
    sb.path(conf).write_bytes(text.encode())
    sb.write(f"{prefix}/htdocs/static.txt", "static\n")
    sb.write(f"{prefix}/htdocs/sapi.php", "<?php echo php_sapi_name();\n")
    # daemon, the build's user, must reach the pool's socket
    sb.run(f"mkdir -p /run/php; command -v php-fpm{PHP[-1]} || exit 0; "
           f"sed -i 's/^listen.group = .*/listen.group = daemon/' "
           f"/etc/php/{PHP[-1]}/fpm/pool.d/www.conf; php-fpm{PHP[-1]}")
    sb.run([f"{prefix}/bin/apachectl", "start"])
    site = Site(sb)
    wait_for(site.static)
    return sb, tool.Tool(sb), site, conf


def test_a_source_build_does_the_same_by_its_loadmodule_lines(source_build):
    """Shown, refused, switched, back, rolled back; every byte of httpd.conf
    that is not an MPM's or mod_php's line stays."""
    sb, ea, site, conf = source_build
    if not sb.run(f"command -v php-fpm{PHP[-1]}", check=False).stdout:
        pytest.skip("php-fpm is not installed")
    original = sb.path(conf).read_bytes()
    shown = ea("show")
    assert shown.data["layout"]["mechanism"] == "loadmodule", shown.data
    assert shown.data["mpm"]["configured"] == "prefork"
    assert shown.data["mpm"]["running"] == "prefork"
    assert shown.data["mpm"]["configured_all"][0]["file"] == conf

    done = ea("switch", "event")
    assert done.rc == 3, done
    assert conf in done.detail and "--with php=fpm" in done.detail
    assert sb.path(conf).read_bytes() == original
    assert site.php() == "apache2handler"

    done = ea("switch", "event", "--with", "php=fpm")
    assert done.ok and done.data["verified"] == "running", done
    event = sb.path(conf).read_bytes()
    old, new = original.split(b"\n"), event.split(b"\n")
    changed = [(a, b) for a, b in zip(old, new) if a != b]
    assert len(old) == len(new)
    assert sorted(a.strip(b"#\r").split()[1] for a, b in changed) == [
        b"mpm_event_module", b"mpm_prefork_module", b"php_module"] or \
        b"proxy" in b"".join(a for a, b in changed)
    assert all(a.strip(b"#") == b.strip(b"#") for a, b in changed), changed
    assert ea("show").data["mpm"]["running"] == "event"
    assert site.static() and site.php() == "fpm-fcgi"

    done = ea("switch", "prefork")
    assert done.ok, done
    assert ea("show").data["mpm"]["running"] == "prefork"
    assert site.static()
    done = ea("rollback")
    assert done.ok, done
    assert sb.path(conf).read_bytes() == event
    assert ea("show").data["mpm"]["running"] == "event"
    assert site.static() and site.php() == "fpm-fcgi"
