"""Servers of every shape can be rehearsed: all of these are healthy, and the
rehearsal has to say so for every vhost."""

import time

import pytest

import stage
from fixtures import cache, httpd_builds, sandbox as sandboxes
from fixtures.tool import Tool

CERTIFICATE = ("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "
               "/CN=t.test -keyout /etc/ssl/private/t.key "
               "-out /etc/ssl/certs/t.pem 2>/dev/null")
TLS = ("    SSLEngine on\n    SSLCertificateFile /etc/ssl/certs/t.pem\n"
       "    SSLCertificateKeyFile /etc/ssl/private/t.key\n")


def rows(data):
    return {v["name"]: v for v in data["vhosts"]}


def test_tls_ipv6_own_addresses_piped_logs_and_own_mounts(debian):
    """mod_ssl with a session cache, SNI, a vhost that demands a client
    certificate, Listen on privileged ports, IPv6 and an address that only
    the real machine has, piped logs, SysV mutexes, mod_status, cgid, a
    document root on a mount of its own."""
    sb = debian("prefork", ["ssl", "status", "cgid", "info", "headers"])
    sb.run(CERTIFICATE)
    sb.run("ip addr add 192.0.2.7/32 dev lo")
    sb.write("/etc/apache2/ports.conf",
             "Listen 80\nListen [::1]:8081\nListen 443\n"
             "Listen 192.0.2.7:8082\nMutex sysvsem\n"
             "SSLSessionCache shmcb:/run/apache2/cache(512000)\n")
    pipe = ('    CustomLog "|/usr/bin/rotatelogs /var/log/apache2/{0}.%Y '
            '86400" combined\n    ErrorLog "|/usr/bin/rotatelogs '
            '/var/log/apache2/{0}e.%Y 86400"\n')
    text = "".join([
        stage.vhost("plain.test", "/srv/plain", more=pipe.format("plain")),
        stage.vhost("own.test", "/srv/own"),
        stage.vhost("tls.test", "/srv/plain", 443, TLS),
        stage.vhost("cc.test", "/srv/plain", 443, TLS
                    + "    SSLVerifyClient require\n    SSLVerifyDepth 1\n"
                    "    SSLCACertificateFile /etc/ssl/certs/t.pem\n"),
        stage.vhost("six.test", "/srv/plain").replace("*:80", "[::1]:8081"),
        stage.vhost("ip.test", "/srv/plain").replace("*:80",
                                                     "192.0.2.7:8082")])
    sb.run("mkdir -p /srv/plain /srv/own && mount -t tmpfs own /srv/own")
    sb.write("/srv/own/index.html", "own")
    stage.add_site(sb, text)
    stage.start(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "event")
    assert live.unharmed(), live.bad
    assert done.rc == 0 and done.data["result"] == "passed", done
    seen = rows(done.data)
    for name in ("plain.test", "own.test", "tls.test", "six.test",
                 "ip.test"):
        assert (seen[name]["before"], seen[name]["after"]) == (200, 200), name
    assert seen["tls.test"]["tls"] is True
    # Nobody can have its certificate; it is as silent before as after.
    assert seen["cc.test"]["before"] == seen["cc.test"]["after"]
    assert done.data["asked"] == done.data["of"] == 7
    switched = Tool(sb)("switch", "event")
    assert switched.rc == 0 and switched.data["verified"] == "running"


def test_php_under_mod_php_and_php_fpm_is_run_before_and_after(debian):
    """Both runs print the computed token; the fpm of the second is started
    inside, with the pool's own configuration."""
    if stage.php_missing():
        pytest.skip(stage.php_missing())
    sb = debian("prefork")
    version = stage.php_version()
    sb.run(["a2enmod", "-q", f"php{version}"])
    stage.add_site(sb, "".join(stage.vhost(f"p{i}.test", f"/srv/p{i}")
                               for i in range(3)))
    sb.run("mkdir -p /srv/p0 /srv/p1 /srv/p2")
    sb.write("/srv/p1/index.php", "<?php file_put_contents('/srv/ran', 'x');")
    stage.start(sb)
    began = time.monotonic()
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "event", "--with", "php=fpm")
    took = time.monotonic() - began
    assert live.unharmed(), live.bad
    assert done.rc == 0 and done.data["result"] == "passed", done
    for i in range(3):
        row = rows(done.data)[f"p{i}.test"]
        assert row["php"] == "ok" and row["after"] == 200
    # No application code: index.php was not asked.
    assert sb.run("test -e /srv/ran", check=False).returncode != 0
    assert took < 10        # 3 s is what the bench shows on an idle machine
    # Nobody listens on the real socket, so the real switch is refused.
    refused = Tool(sb)("switch", "event", "--with", "php=fpm")
    assert refused.rc == 3 and refused.problem == "php-fpm-not-running"
    sb.run(f"mkdir -p /run/php && php-fpm{version} -D")
    switched = Tool(sb)("switch", "event", "--with", "php=fpm")
    assert switched.rc == 0, switched
    sb.write("/srv/p0/x.php", "<?php echo 6 * 7;")
    assert sb.get("http://127.0.0.1/x.php", "-H", "Host: p0.test") == \
        (200, "42")


def test_a_php_fpm_that_cannot_be_started_is_not_probed(debian):
    """The pool is nobody's here: reported, not counted as a fault."""
    sb = debian("event", ["proxy", "proxy_fcgi"])
    stage.add_site(sb, stage.vhost("far.test", "/srv/far", more=(
        '<FilesMatch "\\.php$">\n'
        '    SetHandler "proxy:unix:/run/elsewhere.sock|fcgi://localhost"\n'
        '</FilesMatch>')))
    sb.run("mkdir -p /srv/far")
    stage.start(sb)
    done = Tool(sb)("rehearse", "worker")
    assert done.rc == 0 and done.data["result"] == "passed", done
    assert rows(done.data)["far.test"]["php"] == "not-probed"


def test_what_a_front_page_says_is_asked_for_only_on_demand(debian):
    sb = debian("prefork", ["cgid"])
    stage.add_site(sb, stage.vhost("cgi.test", "/srv/cgi", more=(
        "<Directory /srv/cgi>\n    Options +ExecCGI\n"
        "    AddHandler cgi-script .cgi\n    DirectoryIndex index.cgi\n"
        "</Directory>")))
    sb.write("/srv/cgi/index.cgi", "#!/bin/sh\necho ran >>/run/count\n"
             "printf 'Content-Type: text/plain\\n\\nhello\\n'\n", 0o755)
    stage.start(sb)
    done = Tool(sb)("rehearse", "event")
    assert done.rc == 0, done
    asked = Tool(sb)("rehearse", "event", "--ask-root")
    assert asked.rc == 0, asked
    assert sb.run("test -e /run/count", check=False).returncode != 0


def test_a_thousand_vhosts_are_all_asked(debian):
    """Each with log files of its own: more files than a shell may open."""
    sb = debian("prefork")
    logs = ("    CustomLog /var/log/apache2/v{0}.log common\n"
            "    ErrorLog /var/log/apache2/v{0}.err\n")
    stage.add_site(sb, "".join(stage.vhost(f"v{i}.test", f"/srv/v{i}",
                                           more=logs.format(i))
                               for i in range(1000)))
    sb.run("for i in $(seq 0 999); do mkdir -p /srv/v$i; done")
    stage.start(sb)
    began = time.monotonic()
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "event")
    took = time.monotonic() - began
    assert live.unharmed(), live.bad
    assert done.rc == 0 and done.data["result"] == "passed", done
    assert done.data["asked"] == done.data["of"] == 1001
    assert all(v["after"] == 200 for v in done.data["vhosts"])
    assert took < 60        # 15 s is what the bench shows on an idle machine


@pytest.fixture
def source():
    """The project's own build of httpd, all MPMs shared, in a sandbox."""
    opened = []

    def make(conf=""):
        try:
            build = httpd_builds.shared()
            opened.append(sandboxes.Sandbox())
        except cache.Unavailable as e:
            pytest.skip(str(e))
        sb = opened[-1]
        # The sandbox shares /usr/local with nobody: an overlay takes it.
        build.install(sb)
        name = build.prefix + "/conf/httpd.conf"
        sb.write(name, sb.read(name) + "ServerName localhost\n" + conf)
        return sb, build.prefix
    yield make
    for sb in opened:
        sb.close()


def test_a_source_build_is_rehearsed_and_switched(source):
    """LoadModule lines, apachectl, ServerRoot below /usr/local."""
    sb, prefix = source()
    sb.run([prefix + "/bin/apachectl", "start"])
    tool = Tool(sb, "--httpd", prefix + "/bin/httpd")
    with stage.Prober(sb) as live:
        done = tool("rehearse", "prefork")
    assert live.unharmed(), live.bad
    assert done.rc == 0 and done.data["result"] == "passed", done
    done = tool("switch", "worker")
    assert done.rc == 0 and done.data["verified"] == "running", done
    assert done.data["rehearsal"]["result"] == "passed"
    assert sb.get("http://127.0.0.1/")[0] == 200


def test_the_traps_are_seen_on_a_source_build_too(source):
    """A directive only event knows, and a fault only a start shows."""
    sb, prefix = source("AsyncRequestWorkerFactor 3\n")
    sb.run([prefix + "/bin/apachectl", "start"])
    tool = Tool(sb, "--httpd", prefix + "/bin/httpd")
    with stage.Prober(sb) as live:
        done = tool("rehearse", "prefork")
    assert live.unharmed(), live.bad
    assert done.rc == 3 and "AsyncRequestWorkerFactor" in done.detail
    assert "httpd.conf" in done.detail
    name = prefix + "/conf/httpd.conf"
    sb.write(name, sb.read(name).replace(
        "AsyncRequestWorkerFactor 3\n",
        "<IfModule mpm_worker_module>\n    ErrorLog /nonexistent/dir/log\n"
        "</IfModule>\n"))
    with stage.Prober(sb) as live:
        done = tool("rehearse", "worker")
    assert live.unharmed(), live.bad
    assert done.rc == 3 and done.data["result"] == "failed", done
    assert "/nonexistent/dir" in done.detail
