"""A switch on a running server: it answers under the new MPM, or exactly as
it did before, whatever happens on the way."""

import os
import random
import signal
import subprocess
import time

import pytest

import servers
from fixtures.tool import EA_MPM, Tool

ROUNDS = int(os.environ.get("EA_MPM_INTERRUPTS", "8"))


def test_the_server_answers_under_the_new_mpm_and_the_outage_is_told(debian):
    sb = debian("prefork")
    tool = Tool(sb)
    servers.start(sb)
    old = servers.main_pid(sb)
    done = tool("switch", "event")
    assert done.rc == 0, done
    assert done.data["changed"] and done.data["verified"] == "running"
    assert 0 < done.data["outage_ms"] < 20000
    assert servers.main_pid(sb) != old
    assert servers.runs(sb, tool, "event")
    again = tool("switch", "event")
    assert again.rc == 0 and again.data["changed"] is False
    assert again.data["outage_ms"] is None


def test_a_start_that_fails_is_undone_and_the_old_server_runs(debian):
    """Without the rehearsal, which would have seen it."""
    sb = debian("prefork")
    tool = Tool(sb)
    servers.use_trap(sb, "<IfModule mpm_event_module>\n"
                     "    TrapConnect /run/nobody.sock\n</IfModule>")
    servers.start(sb)
    before = servers.tree(sb)
    done = tool("switch", "event", "--no-rehearsal")
    assert done.rc == 4 and done.problem == "start-failed"
    assert "trap: no /run/nobody.sock" in done.detail
    assert "Every file is as it was" in done.detail
    assert done.data["rolled_back"] and not done.data["changed"]
    assert done.data["verified"] == "running"
    assert done.data["outage_ms"] > 0
    assert servers.tree(sb) == before
    assert servers.runs(sb, tool, "prefork")


def test_a_server_that_comes_up_sick_is_undone(debian):
    """It starts, its port accepts, and nobody answers: only asking tells."""
    sb = debian("prefork")
    tool = Tool(sb, "--timeout", "10")
    servers.use_trap(sb, "TrapCrash threaded")
    servers.start(sb)
    before = servers.tree(sb)
    done = tool("switch", "event", "--no-rehearsal")
    assert done.rc == 4, done
    assert done.problem in ("vhost-answers-differ", "log-fatal")
    assert servers.tree(sb) == before
    assert servers.runs(sb, tool, "prefork")


def test_a_vhost_that_answers_500_after_the_switch_is_undone(debian):
    sb = debian("prefork")
    tool = Tool(sb)
    servers.add_site(sb, servers.vhost("shop.test", "/srv/shop"))
    sb.write("/srv/shop/index.html", "hello")
    sb.write("/srv/shop/.htaccess", "<IfModule mpm_event_module>\n"
             "    NoSuchDirective on\n</IfModule>\n")
    servers.start(sb)
    before = servers.tree(sb)
    done = tool("switch", "event", "--no-rehearsal")
    assert done.rc == 4 and done.problem == "vhost-answers-differ"
    assert "shop.test" in done.detail and "500" in done.detail
    assert servers.tree(sb) == before
    assert servers.runs(sb, tool, "prefork")


def test_a_stopped_server_stays_stopped(debian):
    sb = debian("prefork")
    tool = Tool(sb)
    done = tool("switch", "event")
    assert done.rc == 0 and done.data["changed"], done
    assert done.data["verified"] == "configtest"
    assert done.data["outage_ms"] is None
    assert sb.run("cat /proc/[0-9]*/comm | grep -c apache2 || true") \
        .stdout.strip() == "0"
    servers.start(sb)
    assert servers.runs(sb, tool, "event")


def test_a_stopped_server_whose_new_configuration_is_refused_is_undone(
        debian):
    sb = debian("prefork")
    sb.write("/etc/apache2/conf-available/tuning.conf",
             "<IfModule mpm_event_module>\n    Nonsense on\n</IfModule>\n")
    sb.run(["a2enconf", "-q", "tuning"])
    before = servers.tree(sb)
    done = Tool(sb)("switch", "event", "--no-rehearsal")
    assert done.rc == 4 and done.problem == "config-test-failed"
    assert "Nonsense" in done.detail
    assert servers.tree(sb) == before


def test_without_a_restart_the_change_is_pending_and_told(debian):
    sb = debian("prefork")
    tool = Tool(sb)
    servers.start(sb)
    old = servers.main_pid(sb)
    done = tool("switch", "event", "--no-restart")
    assert done.rc == 0 and done.data["changed"], done
    assert done.data["verified"] == "configtest"
    assert servers.main_pid(sb) == old
    shown = tool("show").data["mpm"]
    assert (shown["configured"], shown["running"]) == ("event", "prefork")
    assert shown["pending"]
    # And asked for again, the pending change is made to run.
    done = tool("switch", "event")
    assert done.rc == 0 and done.data["verified"] == "running", done
    assert servers.runs(sb, tool, "event")


def test_a_server_that_could_not_come_back_is_not_stopped(debian):
    """Its files are broken already: once stopped it would stay down."""
    sb = debian("prefork")
    servers.start(sb)
    old = servers.main_pid(sb)
    sb.write("/etc/apache2/conf-enabled/broken.conf", "Nonsense on\n")
    before = servers.tree(sb)
    done = Tool(sb)("switch", "event", "--no-rehearsal")
    assert done.rc == 3, done
    assert "Nonsense" in done.detail
    assert servers.main_pid(sb) == old and servers.answers(sb)
    assert servers.tree(sb) == before
    done = Tool(sb)("switch", "event")
    assert done.rc == 3
    assert servers.main_pid(sb) == old and servers.answers(sb)


def test_a_main_process_that_does_not_end_is_killed(debian):
    """Stopped by SIGSTOP it cannot follow SIGTERM; its children hold the
    ports."""
    sb = debian("prefork")
    tool = Tool(sb, "--timeout", "5")
    servers.start(sb)
    old = servers.main_pid(sb)
    sb.run(["kill", "-STOP", str(old)])
    done = tool("switch", "event")
    assert done.rc == 0, done
    assert servers.runs(sb, tool, "event")
    assert sb.run(["test", "-e", f"/proc/{old}"], check=False).returncode


def _inner(process):
    """The tool behind nsenter; None when it has ended."""
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    try:
        with open(path) as f:
            pids = f.read().split()
    except OSError:
        return None
    return int(pids[0]) if pids else None


def _interrupt(sb, args, number, times=1):
    """Run the tool and send it NUMBER at a random moment; its exit code."""
    process = sb.popen([EA_MPM, "--json", *args], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True)
    time.sleep(random.random() * 0.6)
    for _ in range(times):
        pid = _inner(process)
        if pid:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
    process.communicate(timeout=120)
    return process.returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_anywhere_it_ends_as_before_or_finished(debian, number):
    """Twice ^C does not hurt more than once."""
    sb = debian("prefork")
    tool = Tool(sb)
    servers.start(sb)
    mpm, codes = "prefork", []
    for i in range(ROUNDS // 2):
        target = {"prefork": "event", "event": "prefork"}[mpm]
        before = servers.tree(sb)
        code = _interrupt(sb, ["switch", target], number, times=1 + i % 2)
        codes.append(code)
        # Before it begins anything a signal simply ends it.
        assert code in (0, 1, 4, -number), code
        mpm = target if code == 0 else mpm
        assert servers.runs(sb, tool, mpm), (code, tool.text("show"))
        assert code == 0 or servers.tree(sb) == before
    assert tool("recover").data["changed"] is False


def test_killed_anywhere_recover_brings_the_old_or_the_new(debian):
    """SIGKILL at a random moment, then recover: the server answers under
    what its files say, and every byte is that of before or of after."""
    sb = debian("prefork")
    tool = Tool(sb)
    servers.start(sb)
    trees = {"prefork": servers.tree(sb)}
    assert tool("switch", "event").rc == 0
    trees["event"] = servers.tree(sb)
    assert tool("switch", "prefork").rc == 0
    trees["prefork"] = servers.tree(sb)
    mpm = "prefork"
    for _ in range(ROUNDS):
        target = {"prefork": "event", "event": "prefork"}[mpm]
        _interrupt(sb, ["switch", target], signal.SIGKILL)
        done = tool("recover")
        assert done.rc == 0, done
        mpm = tool("show").data["mpm"]["configured"]
        assert mpm in trees
        assert servers.runs(sb, tool, mpm), tool.text("show")
        assert servers.tree(sb) == trees[mpm]
        assert tool("recover").data["changed"] is False


def test_a_port_that_goes_with_its_module_is_not_missed(debian):
    """Listen 443 inside <IfModule ssl_module>, and the module is switched
    off on demand: the new server is well without that port. The rehearsal
    says what is lost and refuses; --no-rehearsal insists."""
    sb = debian("prefork", ["ssl"])
    tool = Tool(sb)
    sb.write("/etc/apache2/ports.conf", "Listen 80\n<IfModule ssl_module>\n"
             "    Listen 443\n</IfModule>\n")
    servers.start(sb)
    done = tool("switch", "event", "--without", "ssl", "--no-rehearsal")
    assert done.rc == 0 and done.data["verified"] == "running", done
    assert servers.runs(sb, tool, "event")
