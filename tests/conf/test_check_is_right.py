"""What check says of a switch, and what httpd really does after it: each
fault is foretold at its place, and the same configuration is then given to
httpd by hand. Nothing that is called ready fails."""

import json
import os
import pathlib
import re

import pytest

TOOL = pathlib.Path(os.environ.get("BUILD", "build")) / "bin" / "ea-mpm"
PHP = "/usr/lib/apache2/modules/libphp8.2.so"
SOURCE = "<?php echo 6 * 7; /* secret */"

needs_php = pytest.mark.skipif(not os.path.exists(PHP),
                               reason="libapache2-mod-php8.2 is not installed")


def _check(sb, *args):
    done = sb.run([TOOL, "check", *args, "--json"], check=False)
    answer = json.loads(done.stdout)
    assert answer["data"], done.stdout + done.stderr
    return answer["data"]


def _find(data, problem):
    return next((f for f in data["findings"] if f["problem"] == problem), None)


def _swap(sb, mpm):
    """Change the MPM as a person would who thinks of nothing else."""
    sb.run(f"cd /etc/apache2/mods-enabled && rm -f mpm_* && "
           f"ln -s ../mods-available/mpm_{mpm}.* .")


def _test(sb):
    done = sb.run(["apache2ctl", "-t"], check=False)
    return done.returncode, done.stdout + done.stderr


def _get(sb, url):
    """Start the server, ask it, stop it."""
    sb.run(["apache2ctl", "start"])
    try:
        sb.wait("curl -so /dev/null http://127.0.0.1/")
        return sb.get(url)
    finally:
        sb.run(["apache2ctl", "stop"], check=False)
        sb.wait("! pgrep -x apache2 >/dev/null")    # stop does not wait


def _at(text):
    """file:line that httpd complains of."""
    line, path = re.search(r"Syntax error on line (\d+) of ([^:]+):",
                           text).groups()
    return path, int(line)


def test_what_is_ready_passes(debian):
    """Among the three MPMs a fresh installation goes everywhere."""
    sb = debian("event")
    for mpm in ("worker", "prefork"):
        assert _check(sb, mpm)["verdict"] == "ready"
        _swap(sb, mpm)
        assert _test(sb)[0] == 0
        assert _check(sb, mpm)["verdict"] == "current"


@needs_php
def test_php_without_threads(debian):
    """httpd gives the reason that check gave before."""
    sb = debian("prefork", ["php8.2"])
    finding = _find(_check(sb, "event"), "php-not-thread-safe")
    assert finding["file"] == "/etc/apache2/mods-enabled/php8.2.load"
    _swap(sb, "event")
    rc, text = _test(sb)
    assert rc != 0 and "threadsafe" in text


@pytest.mark.parametrize("have,target,directives", [
    ("prefork", "event", ["MaxSpareServers 9", "MinSpareServers 1",
                          "MaxRequestWorkers 4"]),
    ("event", "prefork", ["ThreadsPerChild 9", "ThreadLimit 64",
                          "MinSpareThreads 2", "MaxSpareThreads 9",
                          "AsyncRequestWorkerFactor 2", "StartServers 1"]),
    ("event", "worker", ["AsyncRequestWorkerFactor 2", "ThreadsPerChild 9"]),
])
def test_tuning_of_another_mpm(debian, have, target, directives):
    """Each directive is refused by check exactly if it is by httpd, at the
    same place; with the guard that check proposes both accept it."""
    sb = debian(have)
    where = "/etc/apache2/conf-enabled/tuning.conf"
    for directive in directives:
        sb.write(where, f"# tuning\n{directive}\n")
        data = _check(sb, target)
        finding = _find(data, "directive-of-other-mpm")
        _swap(sb, target)
        rc, text = _test(sb)
        assert (finding is not None) == (rc != 0), directive + text
        assert (data["verdict"] == "ready") == (rc == 0)
        if finding:
            assert (finding["file"], finding["line"]) == _at(text)
            guard = re.search(r"<IfModule [^>]*>",
                              finding["resolutions"][0]).group(0)
            sb.write(where, f"{guard}\n{directive}\n</IfModule>\n")
            assert _test(sb)[0] == 0
            _swap(sb, have)
            assert _test(sb)[0] == 0
            assert _check(sb, target)["verdict"] == "ready"
        _swap(sb, have)


@needs_php
def test_directives_of_a_module_that_goes(debian):
    """The first line that httpd stops at is the one that check names."""
    sb = debian("prefork", ["php8.2"])
    sb.write("/etc/apache2/sites-enabled/x.conf",
             "<VirtualHost *:80>\nServerName x\n"
             "<IfModule mod_php.c>\nphp_value memory_limit 1M\n</IfModule>\n"
             "php_admin_value open_basedir /srv\n</VirtualHost>\n")
    finding = _find(_check(sb, "event", "--without", "php8.2"),
                    "directive-without-module")
    sb.run(["a2dismod", "-q", "php8.2"])
    _swap(sb, "event")
    rc, text = _test(sb)
    assert rc != 0
    assert (finding["file"], finding["line"]) == _at(text)


@needs_php
def test_source_when_the_mapping_outlives_php(debian):
    """EL7's way: LoadModule guarded, mapping not. httpd -t is content, and
    the source is on the net."""
    sb = debian("prefork", ["php8.2"])
    sb.run("cd /etc/apache2/mods-enabled && sed 's/^LoadModule.*/"
           "<IfModule prefork.c>\\n&\\n<\\/IfModule>/' "
           "../mods-available/php8.2.load >x && rm php8.2.load && "
           "mv x php8.2.load")
    sb.write("/var/www/html/x.php", SOURCE)
    assert _get(sb, "http://127.0.0.1/x.php") == (200, "42")
    data = _check(sb, "event")
    finding = _find(data, "php-source-leak")
    assert finding["severity"] == "refuse"
    assert finding["file"] == "/etc/apache2/mods-enabled/php8.2.conf"
    assert data["verdict"] in ("needs-changes", "refused")
    _swap(sb, "event")
    assert _test(sb)[0] == 0
    assert _get(sb, "http://127.0.0.1/x.php") == (200, SOURCE)


@needs_php
def test_source_when_the_mapping_goes_with_php(debian):
    """Debian's way: the mapping stands in the module's own .conf."""
    sb = debian("prefork", ["php8.2"])
    sb.write("/var/www/html/x.php", SOURCE)
    args = ("event", "--without", "php8.2")
    assert _find(_check(sb, *args), "php-source-leak")["severity"] == "refuse"
    # Denied, as check proposes, it is ready; and so it is for real.
    sb.write("/etc/apache2/conf-enabled/no-php.conf",
             '<FilesMatch "\\.php$">\nRequire all denied\n</FilesMatch>\n')
    assert _check(sb, *args)["verdict"] == "ready"
    sb.run(["a2dismod", "-q", "php8.2"])
    _swap(sb, "event")
    assert _get(sb, "http://127.0.0.1/x.php")[0] == 403
    sb.run(["rm", "/etc/apache2/conf-enabled/no-php.conf"])
    assert _get(sb, "http://127.0.0.1/x.php") == (200, SOURCE)


@needs_php
def test_a_leftover_type_is_harmless_where_fpm_takes_the_files(debian):
    """SetHandler counts more than AddType: no false alarm."""
    sb = debian("prefork", ["php8.2", "proxy_fcgi"])
    sb.write("/var/www/html/x.php", SOURCE)
    sb.write("/etc/apache2/conf-enabled/fpm.conf",
             "AddType application/x-httpd-php .php\n"
             '<FilesMatch ".+\\.ph(?:ar|p|tml)$">\n'
             'SetHandler "proxy:unix:/run/none.sock|fcgi://localhost"\n'
             "</FilesMatch>\n")
    data = _check(sb, "event", "--without", "php8.2")
    assert data["verdict"] == "ready" and not data["findings"]
    sb.run(["a2dismod", "-q", "php8.2"])
    _swap(sb, "event")
    status, body = _get(sb, "http://127.0.0.1/x.php")
    assert status == 503 and "secret" not in body


def test_cgi_scripts_leak_without_their_module(debian):
    """The same for any handler: a script's source is sent."""
    sb = debian("prefork", ["cgi"])
    sb.write("/etc/apache2/conf-enabled/cgi.conf",
             "AddHandler cgi-script .cgi\n"
             "<Directory /var/www/html>\nOptions +ExecCGI\n</Directory>\n")
    sb.write("/var/www/html/x.cgi", "#!/bin/sh\n# secret\n", mode=0o755)
    finding = _find(_check(sb, "prefork", "--without", "cgi"),
                    "script-source-leak")
    assert finding["file"] == "/etc/apache2/conf-enabled/cgi.conf"
    sb.run(["a2dismod", "-q", "cgi"])
    status, body = _get(sb, "http://127.0.0.1/x.cgi")
    assert status == 200 and "secret" in body


@needs_php
def test_htaccess_answers_500_without_the_module(debian):
    """With --deep it is told, with file and line; httpd -t never does."""
    sb = debian("prefork", ["php8.2"])
    sb.write("/etc/apache2/conf-enabled/x.conf",
             "<Directory /var/www/html>\nAllowOverride All\n</Directory>\n"
             '<FilesMatch "\\.php$">\nRequire all denied\n</FilesMatch>\n')
    sb.write("/var/www/html/shop/.htaccess",
             "# settings\nphp_value memory_limit 1G\n")
    sb.write("/var/www/html/shop/index.html", "shop")
    args = ("event", "--without", "php8.2")
    assert _check(sb, *args)["verdict"] == "ready"
    finding = _find(_check(sb, *args, "--deep"), "htaccess-directive-dies")
    assert finding["file"] == "/var/www/html/shop/.htaccess"
    assert finding["line"] == 2
    sb.run(["a2dismod", "-q", "php8.2"])
    _swap(sb, "event")
    assert _test(sb)[0] == 0
    assert _get(sb, "http://127.0.0.1/shop/index.html")[0] == 500


def test_http2_is_off_on_prefork(debian):
    """A warning, as httpd's own in its log."""
    sb = debian("event", ["http2"])
    data = _check(sb, "prefork")
    assert data["verdict"] == "ready"
    assert _find(data, "http2-off-on-prefork")["severity"] == "warn"
    _swap(sb, "prefork")
    _get(sb, "http://127.0.0.1/")
    assert "AH10034" in sb.read("/var/log/apache2/error.log")


def test_a_broken_configuration_is_judged(debian):
    """Two MPMs and a missing include: told, not tripped over."""
    sb = debian("event")
    sb.run("cd /etc/apache2/mods-enabled && "
           "ln -s ../mods-available/mpm_worker.load .")
    data = _check(sb, "event")
    assert data["verdict"] == "ready"
    assert _find(data, "mpm-two-loaded")["severity"] == "info"
    sb.write("/etc/apache2/conf-enabled/x.conf", "\nInclude missing.conf\n")
    data = _check(sb, "event")
    assert data["verdict"] == "refused"
    finding = _find(data, "config-broken")
    assert (finding["file"], finding["line"]) == (
        "/etc/apache2/conf-enabled/x.conf", 2)


def test_users_of_virtual_hosts_are_not_lost_in_silence(debian):
    """AssignUserID stands against leaving itk, and httpd agrees. Guarded it
    would pass, with every site as one user: so the message says that."""
    if not os.path.exists("/etc/apache2/mods-available/mpm_itk.load") \
            and not os.path.exists("/usr/lib/apache2/modules/mpm_itk.so"):
        pytest.skip("libapache2-mpm-itk is not installed")
    sb = debian("prefork")
    if sb.run(["a2enmod", "-q", "mpm_itk"], check=False).returncode != 0:
        pytest.skip("libapache2-mpm-itk is not installed")
    sb.write("/etc/apache2/sites-enabled/x.conf",
             "".join(f"<VirtualHost *:80>\nServerName s{i}\n"
                     "AssignUserID www-data www-data\n</VirtualHost>\n"
                     for i in range(50)))
    assert _check(sb, "itk")["verdict"] == "current"
    for target in ("event", "prefork"):
        data = _check(sb, target)
        assert data["verdict"] == "refused"
        finding = _find(data, "directive-without-module")
        assert "as the server's user" in finding["message"]
        assert "47 other places" in finding["message"]
        sb.run(["a2dismod", "-q", "mpm_itk"])
        _swap(sb, target)
        rc, text = _test(sb)
        assert rc != 0
        assert (finding["file"], finding["line"]) == _at(text)
        _swap(sb, "prefork")
        sb.run(["a2enmod", "-q", "mpm_itk"])


def test_rubbish_of_any_size_is_survived(debian):
    """A line of 100 MB, a FIFO, bytes of all kinds: noted, with the rest of
    the answer right."""
    sb = debian("event")
    sb.run("head -c 100000000 /dev/zero | tr '\\0' a >/etc/apache2/big.conf; "
           "mkfifo /etc/apache2/fifo.conf; "
           "head -c 100000 /dev/urandom >/etc/apache2/random.conf")
    sb.write("/etc/apache2/conf-enabled/x.conf", "\n".join(
        f"IncludeOptional {name}.con[f]" for name in ("big", "fifo", "random")))
    data = _check(sb, "worker")
    places = {(f["file"], f["line"]) for f in data["findings"]
              if f["problem"] == "config-broken"}
    assert ("/etc/apache2/conf-enabled/x.conf", 2) in places
    assert _find(data, "file-too-large")["line"] == 1
    assert not _find(data, "mpm-none-loaded")
