"""What the module refuses at configtest and at start, and what it says."""

import os
import re
import shutil
import subprocess

import pytest

import env

ADVICE = "ea-mpm switch itk"


def _needs(reason):
    if reason:
        pytest.skip(reason)


def _sentences(output, word):
    return [line for line in output.splitlines() if word in line]


@pytest.mark.parametrize("order", ["after", "before"])
@pytest.mark.parametrize("mpm", ["event", "worker"])
def test_any_other_mpm_is_refused_by_name(httpd, uid, mpm, order):
    """configtest and start fail with one sentence: what is loaded, what to
    type."""
    _needs(env.missing("itkish", [f"mpm_{mpm}"]))
    server = httpd("itkish", mpm=mpm)
    server.load_first = order == "before"
    server.vhost("alice.test", uid())
    done = server.configtest()
    assert done.returncode != 0
    said = _sentences(done.stdout, ADVICE)
    assert len(said) == 1 and mpm in said[0].lower()
    assert ADVICE in server.start_fails()


@pytest.mark.parametrize("mpm", ["event", "worker"])
def test_another_mpm_is_refused_without_any_user(httpd, mpm):
    """Loading alone is enough: nobody runs it by accident."""
    _needs(env.missing("itkish", [f"mpm_{mpm}"]))
    done = httpd("itkish", mpm=mpm).configtest()
    assert done.returncode != 0 and ADVICE in done.stdout


@pytest.mark.parametrize("order", ["after", "before"])
def test_beside_mpm_itk_it_is_refused(httpd, uid, order):
    """Both at once never start; the message names the other module."""
    _needs(env.missing("mpm_itk"))
    server = httpd("itkish", ["mpm_itk"])
    server.load_first = order == "before"
    # No directive: both modules define the same ones.
    done = server.configtest()
    assert done.returncode != 0
    assert "mpm_itk" in done.stdout.replace("mpm_itkish", "")


def test_prefork_in_any_order_is_accepted(httpd, uid):
    """LoadModule order does not matter."""
    server = httpd("itkish")
    server.load_first = True
    alice = server.vhost("alice.test", uid())
    alice.put("index.html", "alice\n")
    assert server.configtest().returncode == 0
    server.start()
    assert alice.get().text == "alice"


def test_no_user_configured_changes_nothing(httpd):
    """Loaded without an identity: no process more than stock prefork."""
    server = httpd("itkish")
    host = server.vhost("plain.test")
    host.put("index.html", "plain\n", 0o644)
    server.start()
    assert host.get().text == "plain"
    parent = server.pid
    for process in server.processes():
        assert process.pid == parent or process.ppid == parent
        assert process.pid == parent or process.uid == host.uid


def _unprivileged(server):
    nobody = 65534
    for path, dirs, files in os.walk(server.root):
        for name in [path, *(os.path.join(path, n) for n in dirs + files)]:
            os.chown(name, nobody, nobody)
    return ["setpriv", f"--reuid={nobody}", f"--regid={nobody}",
            "--clear-groups"]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv")
def test_without_root_configtest_warns_and_start_refuses(httpd, uid,
                                                         monkeypatch):
    """A server that may not change users never serves a vhost with a user."""
    server = httpd("itkish")
    host = server.vhost("alice.test", uid())
    host.put("index.html", "alice\n", 0o644)
    # A copy: others may not reach the build folder (a home directory).
    monkeypatch.setenv("ITKISH_MODULE",
                       shutil.copy(env.itkish_module(), server.root))
    server.write_config()
    server.wrapper = _unprivileged(server)
    done = server.configtest()
    assert done.returncode == 0, done.stdout
    assert "root" in done.stdout
    assert "root" in server.start_fails()


@pytest.mark.parametrize("mechanism", ["flock:run", "sysvsem"])
def test_mutexes_that_other_users_cannot_take(httpd, uid, mechanism):
    """flock and sysvsem are refused or warned about by name."""
    server = httpd("itkish", ["ssl", "socache_shmcb"])
    server.vhost("alice.test", uid(), tls=True)
    server.add(f"Mutex {mechanism} default\n"
               "SSLSessionCache shmcb:run/ssl(512000)")
    word = mechanism.split(":")[0]
    server._spawn()
    try:
        def decided():
            return server.process.poll() is not None \
                or server.log.count("resuming normal")
        env.wait_until(decided, "started or refused", 20)
        assert _sentences(server.said(), word), server.said()
    finally:
        env.LIVE.append(server)
        server.log.expect(word, required=False)
        server.log.expect("AH00016|AH00020", required=False)
        server.stop()


def test_the_last_mutex_line_is_the_one_that_counts(httpd, uid):
    """A mechanism that a later line replaces is not held against it, one
    that is left for another mutex is."""
    server = httpd("itkish", ["ssl", "socache_shmcb"])
    server.vhost("alice.test", uid())
    server.add("Mutex sysvsem\nMutex posixsem")
    assert server.configtest().returncode == 0, server.said()
    server.add("Mutex sysvsem ssl-cache mpm-accept")
    done = server.configtest()
    assert done.returncode != 0
    assert _sentences(done.stdout, "sysvsem")


def test_a_core_dump_directory_is_warned_about(httpd, uid):
    """Core dumps of workers would hold TLS keys."""
    server = httpd("itkish")
    server.vhost("alice.test", uid())
    server.add(f"CoreDumpDirectory {server.root}/run")
    done = server.configtest()
    assert done.returncode == 0 and "CoreDumpDirectory" in done.stdout
    server.log.expect("itk-core-dumps")
    server.start()


def _no_suexec():
    built = subprocess.run([env.httpd_binary(), "-V"], capture_output=True,
                           text=True).stdout
    program = re.search(r'SUEXEC_BIN="(.*)"', built)
    if program is None or not os.path.exists(program.group(1)):
        return "needs the suexec program that httpd was built for"
    return None


def test_suexec_beside_a_user_is_warned_about(httpd, uid):
    """suEXEC refuses any caller but User."""
    _needs(env.missing("itkish", ["suexec"]) or _no_suexec())
    server = httpd("itkish", ["suexec"])
    user = uid()
    server.vhost("alice.test", user, extra=f"SuexecUserGroup {user} {user}")
    done = server.configtest()
    assert done.returncode == 0 and "itk-suexec" in done.stdout
    server.log.expect("itk-suexec")
    server.start()
