"""What httpd -t does not see and the rehearsal does. In every one of these
the live server is asked all the time and never fails to answer."""

import pytest

import stage
from fixtures.tool import Tool


def problems(data):
    return [f["problem"] for f in data["findings"]]


def test_event_with_mpm_itk_passes_the_test_and_fails_the_rehearsal(debian):
    """httpd -t says Syntax OK to a configuration that dies at start."""
    sb = debian("event")
    sb.run("cp /etc/apache2/mods-available/mpm_itk.load "
           "/etc/apache2/conf-available/itk.conf && ln -s ../conf-available/itk.conf "
           "/etc/apache2/conf-enabled/itk.conf")
    assert "Syntax OK" in sb.run(["apache2ctl", "configtest"]).stderr
    assert sb.run(["apache2ctl", "start"], check=False).returncode != 0
    done = Tool(sb)("rehearse")
    phases = {p["name"]: p["result"] for p in done.data["phases"]}
    assert phases["current: configtest"] == "ok"
    assert phases["current: start"] == "failed"
    assert "cannot use threaded MPMs" in done.data["why"]
    # Healthy under prefork, and event is asked for: the line is dealt with
    # or the rehearsal fails, and nobody notices either way.
    sb.run("a2dismod -q mpm_event && a2enmod -q mpm_prefork")
    stage.start(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "event")
    assert live.unharmed(), live.bad
    assert done.data["result"] in ("passed", "failed")


def test_a_module_that_only_a_real_start_refuses(debian):
    """The general form of it: configuration test passes, start fails."""
    sb = debian("prefork")
    stage.use_trap(sb, "<IfModule mpm_event_module>\n"
                   "    TrapConnect /run/nobody.sock\n</IfModule>")
    stage.start(sb)
    before = stage.digest(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb)("switch", "event")
    assert live.unharmed(), live.bad
    assert done.rc == 3
    assert done.data["rehearsal"]["result"] == "failed"
    assert problems(done.data["rehearsal"]) == ["start-failed"]
    assert "trap: no /run/nobody.sock" in done.detail
    phases = {p["name"]: p["result"] for p in
              done.data["rehearsal"]["phases"]}
    assert phases["event: configtest"] == "ok"
    assert phases["event: start"] == "failed"
    assert stage.digest(sb)[1:] == before[1:]


def test_php_source_that_would_be_published_is_refused(debian):
    """LoadModule php inside <IfModule prefork.c>, the handler outside: under
    event httpd answers 200 with the source text."""
    if stage.php_missing():
        pytest.skip(stage.php_missing())
    sb = debian("prefork")
    so = f"/usr/lib/apache2/modules/libphp{stage.php_version()}.so"
    sb.write("/etc/apache2/conf-available/zz-php.conf",
             "<IfModule prefork.c>\n"
             f"    LoadModule php_module {so}\n</IfModule>\n"
             "<FilesMatch \\.php$>\n"
             "    SetHandler application/x-httpd-php\n</FilesMatch>\n")
    sb.run(["a2enconf", "-q", "zz-php"])
    stage.add_site(sb, stage.vhost("leaky.test", "/srv/leaky"))
    sb.write("/srv/leaky/x.php", "<?php echo 6 * 7;")
    stage.start(sb)
    assert sb.get("http://127.0.0.1/x.php", "-H", "Host: leaky.test") == \
        (200, "42")
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "event")
    assert live.unharmed(), live.bad
    assert done.rc == 3 and done.problem == "php-source-leak"
    assert done.data["result"] == "failed"
    row = [v for v in done.data["vhosts"] if v["name"] == "leaky.test"][0]
    assert row["php"] == "source"
    finding = [f for f in done.data["findings"]
               if "leaky.test" in f["message"]][0]
    assert finding["file"].endswith("hosts.conf") and finding["line"] == 1


def test_http2_that_prefork_switches_off_is_told(debian):
    sb = debian("event", ["http2"])
    stage.start(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "prefork")
    assert live.unharmed(), live.bad
    assert "http2-inactive" in problems(done.data)
    assert any("AH10034" in line for line in done.data["log"])


def test_mod_php_that_threads_break_fails_the_configuration_test(debian):
    if stage.php_missing():
        pytest.skip(stage.php_missing())
    sb = debian("prefork")
    so = f"/usr/lib/apache2/modules/libphp{stage.php_version()}.so"
    sb.write("/etc/apache2/conf-available/zz-php.conf",
             f"LoadModule php_module {so}\n")
    sb.run(["a2enconf", "-q", "zz-php"])
    stage.start(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "event")
    assert live.unharmed(), live.bad
    assert done.rc == 3 and done.data["result"] == "failed"
    assert "threadsafe" in done.detail


def test_a_directive_that_only_prefork_knows_fails_with_its_place(debian):
    sb = debian("prefork")
    sb.write("/etc/apache2/conf-available/tuning.conf",
             "# mine\nMaxSpareServers 7\n")
    sb.run(["a2enconf", "-q", "tuning"])
    stage.start(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "event")
    assert live.unharmed(), live.bad
    assert done.rc == 3
    assert "MaxSpareServers" in done.detail
    assert "line 2 of /etc/apache2/conf-enabled/tuning.conf" in done.detail


def test_a_start_that_hangs_ends_in_time(debian):
    sb = debian("prefork")
    stage.use_trap(sb, "TrapHang threaded")
    stage.start(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb, "--timeout", "4")("rehearse", "event")
    assert live.unharmed(), live.bad
    assert done.rc == 3 and done.data["result"] == "failed"
    assert problems(done.data) == ["start-timeout"]
    assert "mod_trap" not in sb.run("cat /proc/[0-9]*/maps | grep -c event "
                                    "|| true").stdout


def test_children_that_crash_after_the_start_are_seen(debian):
    sb = debian("prefork")
    stage.use_trap(sb, "TrapCrash threaded")
    stage.start(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb, "--timeout", "8")("switch", "event")
    assert live.unharmed(), live.bad
    assert done.rc == 3
    rehearsal = done.data["rehearsal"]
    assert rehearsal["result"] == "failed"
    assert any("exit signal" in line for line in rehearsal["log"]) \
        or "exit signal" in done.detail, rehearsal


def test_a_htaccess_that_dies_is_found_with_deep(debian):
    """php_value in a .htaccess: no fault at start, 500 at every request."""
    if stage.php_missing():
        pytest.skip(stage.php_missing())
    sb = debian("prefork")
    mod = f"php{stage.php_version()}"
    sb.run(["a2enmod", "-q", mod])
    stage.add_site(sb, stage.vhost("deep.test", "/srv/deep"))
    sb.write("/srv/deep/shop/.htaccess", "Options -Indexes\n"
             "php_value memory_limit 64M\n")
    sb.write("/srv/deep/index.html", "hello")
    stage.start(sb)
    with stage.Prober(sb) as live:
        done = Tool(sb)("rehearse", "event", "--without", mod, "--deep")
    assert live.unharmed(), live.bad
    assert done.rc == 3
    dies = [f for f in done.data["findings"]
            if f["problem"] == "htaccess-breaks"]
    assert len(dies) == 1, done.data["findings"]
    assert dies[0]["file"] == "/srv/deep/shop/.htaccess"
    assert "/shop/" in dies[0]["message"] and "500" in dies[0]["message"]


def test_a_server_that_is_broken_already_is_inconclusive(debian):
    """A start that needs something the stage does not have says nothing
    about the switch: the current configuration fails there as well."""
    sb = debian("prefork")
    stage.use_trap(sb, "TrapConnect /run/needed.sock")
    listener = sb.popen(["/usr/bin/python3", "-c",
                         "import socket, time\n"
                         "s = socket.socket(socket.AF_UNIX)\n"
                         "s.bind('/run/needed.sock'); s.listen(50)\n"
                         "print('up', flush=True)\n"
                         "time.sleep(300)"], stdout=-1, text=True)
    try:
        assert listener.stdout.readline() == "up\n"
        stage.start(sb)
        done = Tool(sb)("rehearse", "event")
        assert done.rc == 1 and done.data["result"] == "inconclusive"
        assert "needed.sock" in done.detail
        refused = Tool(sb)("switch", "event", "--require-rehearsal")
        assert refused.rc == 3
        assert refused.problem == "rehearsal-inconclusive"
        # Let in by name it is reached, and the rehearsal can be held.
        allowed = Tool(sb)("rehearse", "event", "--allow-socket",
                           "/run/needed.sock")
        assert allowed.rc == 0 and allowed.data["result"] == "passed"
        # Without it the switch still works: verified on the real server.
        switched = Tool(sb)("switch", "event")
        assert switched.rc == 0, switched
        assert switched.data["rehearsal"]["result"] == "inconclusive"
        assert switched.data["verified"] == "running"
    finally:
        listener.kill()
        listener.wait()
