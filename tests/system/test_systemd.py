"""The main job on a booted Debian, installed with apt, run by systemd."""

PHP = "<?php echo 6 * 7;"


def test_a_switch_with_php_to_fpm_and_back_under_systemd(installed):
    """prefork + mod_php is refused event, goes with php=fpm, comes back by
    rollback; the unit stays clean and a reload right after is harmless."""
    m = installed()
    m.write("/var/www/html/six.php", PHP)
    assert m.get("http://127.0.0.1/six.php") == (200, "42")
    assert m.mpm_answers("prefork")

    code, answer = m.tool("switch", "event", check=False)
    assert code == 3
    assert answer["ok"] is False and answer["problem"]
    assert m.mpm_answers("prefork")

    _, answer = m.tool("switch", "event", "--with", "php=fpm")
    data = answer["data"]
    assert data["changed"] and data["verified"]
    assert data["outage_ms"] >= 0
    assert m.mpm_answers("event")
    assert m.get("http://127.0.0.1/six.php") == (200, "42")

    # What logrotate does every day.
    m.run(["logrotate", "-f", "/etc/logrotate.d/apache2"])
    assert m.active() == "active"
    assert m.mpm_answers("event")

    m.tool("rollback")
    assert m.mpm_answers("prefork")
    assert m.get("http://127.0.0.1/six.php") == (200, "42")
    assert m.run(["systemctl", "show", "-p", "NRestarts", "--value",
                  "apache2"]).stdout.strip() == "0"
    failed = m.run(["systemctl", "--failed", "--no-legend"]).stdout
    assert failed.strip() == ""


def test_a_switch_that_fails_at_start_brings_the_old_server_back(installed):
    """A start that fails for a reason no check can see (the unit itself
    refuses) ends with exit code 4 and the old MPM answering."""
    m = installed()
    m.write("/usr/local/sbin/only-prefork",
            "#!/bin/sh\n[ ! -e /etc/apache2/mods-enabled/mpm_event.load ]\n",
            0o755)
    m.write("/etc/systemd/system/apache2.service.d/guard.conf",
            "[Service]\nExecStartPre=/usr/local/sbin/only-prefork\n")
    m.run(["systemctl", "daemon-reload"])
    before = m.run(["sh", "-c", "cd /etc/apache2 && find . -type f | sort | "
                    "xargs sha256sum; find . -type l -printf '%p %l\\n' | "
                    "sort"]).stdout
    code, answer = m.tool("switch", "event", "--with", "php=fpm",
                          check=False)
    assert code == 4, answer
    assert answer["data"]["rolled_back"] is True
    assert m.active() == "active"
    assert m.mpm_answers("prefork")
    after = m.run(["sh", "-c", "cd /etc/apache2 && find . -type f | sort | "
                   "xargs sha256sum; find . -type l -printf '%p %l\\n' | "
                   "sort"]).stdout
    assert after == before


def test_a_stopped_server_stays_stopped(installed):
    m = installed()
    m.run(["systemctl", "stop", "apache2"])
    _, answer = m.tool("switch", "event", "--with", "php=fpm")
    assert answer["data"]["changed"]
    assert m.active() == "inactive"
    m.run(["systemctl", "start", "apache2"])
    assert m.mpm_answers("event")


def test_what_a_restart_left_behind_is_no_other_server(installed):
    """After `systemctl restart` an old main process of the same unit may
    still be leaving; it is neither restarted nor warned of."""
    m = installed()
    m.run(["systemctl", "restart", "apache2"])
    _, answer = m.tool("switch", "event", "--with", "php=fpm")
    assert not [f for f in answer["data"]["findings"]
                if f["problem"].startswith("shared-with")]
    assert m.mpm_answers("event")
