"""Servers that were built from source, and binaries that are none."""

import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from fixtures import httpd_builds
from dumped import BUILD, dump

EA_MPM = BUILD / "bin/ea-mpm"


def _script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def test_a_source_build_is_a_loadmodule_layout(shared_httpd):
    """All three lines are seen, the running server is found, and a changed
    line is pending."""
    httpd = shared_httpd("worker")
    args = ("--httpd", httpd.httpd, "--conf", httpd.conf)
    facts = dump(*args)
    assert facts["layout"]["id"] == "source"
    assert facts["layout"]["mechanism"] == "loadmodule"
    assert facts["layout"]["mpm_file"] == str(httpd.conf)
    assert facts["mpm"]["configured"] == "worker"
    assert facts["mpm"]["lines"] == [["worker", str(httpd.conf)]]
    assert facts["httpd"]["test_ok"], facts["httpd"]["test_output"]
    assert facts["service"]["kind"] == "signal"
    assert sorted((m["mpm"], m["verified"]) for m in facts["installed"]) == [
        ("event", True), ("prefork", True), ("worker", True)]
    said = httpd.run("-M").stdout
    assert [m["id"] for m in facts["modules"]] == re.findall(
        r"(?m)^ (\w+) \((?:static|shared)\)$", said)
    pid = httpd.start()
    httpd.set_mpm("prefork")
    facts = dump(*args)
    assert (facts["mpm"]["running"], facts["mpm"]["running_pid"]) == (
        "worker", pid)
    assert facts["mpm"]["configured"] == "prefork"
    assert facts["mpm"]["pending"]


def test_two_servers_of_one_binary_are_not_confused(shared_httpd, tmp_path):
    """Each is found by its own configuration, even without a pid file."""
    httpd = shared_httpd("event")
    other = tmp_path / "other.conf"
    text = httpd.conf.read_text().replace(
        f"Listen 127.0.0.1:{httpd.port}", "Listen 127.0.0.1:1")
    other.write_text(text + f"PidFile {tmp_path}/other.pid\n")
    pid = httpd.start()
    assert dump("--httpd", httpd.httpd, "--conf",
                other)["mpm"]["running_pid"] == 0
    httpd.pid_file.rename(tmp_path / "kept")
    found = dump("--httpd", httpd.httpd, "--conf", httpd.conf)
    (tmp_path / "kept").rename(httpd.pid_file)
    assert found["mpm"]["running_pid"] == pid


def test_a_switch_refuses_to_strand_another_server(shared_httpd, tmp_path):
    """Two servers read the file with the MPM line: the one that would keep
    the old MPM is named by pid and configuration, until it is stopped."""
    httpd = shared_httpd("event")
    line = re.search(r"(?m)^LoadModule mpm_event_module .*$",
                     httpd.conf.read_text()).group(0)
    mpm = httpd.root / "conf/mpm.conf"
    mpm.write_text(line + "\n#" + line.replace("event", "worker") + "\n")
    text = re.sub(r"(?m)^#?LoadModule mpm_.*\n", "", httpd.conf.read_text())
    httpd.conf.write_text(text.replace("\nListen ",
                                       f"\nInclude {mpm}\nListen ", 1))
    other = tmp_path / "other.conf"
    port = httpd_builds.free_port()
    other.write_text(httpd.conf.read_text().replace(
        f"Listen 127.0.0.1:{httpd.port}", f"Listen 127.0.0.1:{port}")
        + f"PidFile {tmp_path}/other.pid\n")

    def findings():
        done = subprocess.run([EA_MPM, "--httpd", httpd.httpd, "--conf",
                               httpd.conf, "--json", "check", "worker"],
                              capture_output=True, text=True, timeout=60)
        found = json.loads(done.stdout)["data"]["findings"]
        return {f["problem"]: f for f in found}, done.returncode

    httpd.start()
    assert findings()[1] == 0
    subprocess.run([httpd.httpd, "-f", other, "-k", "start"], check=True)
    pid_file = tmp_path / "other.pid"
    httpd_builds.until(lambda: pid_file.exists() and pid_file.read_text(),
                       "the other server is up")
    pid = int(pid_file.read_text())
    try:
        found, code = findings()
        assert code == 3
        shared = found["shared-with-server"]
        assert shared["severity"] == "refuse"
        assert shared["file"] == str(mpm)
        assert f"process {pid} ({other})" in shared["message"]
    finally:
        os.kill(pid, 15)
    httpd_builds.until(lambda: not pathlib.Path(f"/proc/{pid}").exists(),
                       "the other server is down")
    assert findings()[1] == 0


def test_a_static_mpm_needs_a_rebuild(static_httpd):
    """The compiled-in MPM is the configured and the running one."""
    httpd = static_httpd()
    facts = dump("--httpd", httpd.httpd, "--conf", httpd.conf)
    assert facts["httpd"]["static_mpm"] == "prefork"
    assert facts["layout"]["mechanism"] == "rebuild"
    assert facts["mpm"]["configured"] == "prefork"
    assert [m["mpm"] for m in facts["installed"]] == ["prefork"]
    listed = re.findall(r"(?m)^  (\w+\.c)$", httpd.run("-l").stdout)
    assert facts["httpd"]["static_modules"] == listed
    pid = httpd.start()
    facts = dump("--httpd", httpd.httpd, "--conf", httpd.conf)
    assert (facts["mpm"]["running"], facts["mpm"]["running_pid"]) == (
        "prefork", pid)


def test_a_static_mpm_and_a_line_are_two(static_httpd):
    """httpd refuses even the same MPM again; so the answer is: several."""
    httpd = static_httpd()
    httpd.conf.write_text("LoadModule mpm_event_module modules/none.so\n"
                          + httpd.conf.read_text())
    facts = dump("--httpd", httpd.httpd, "--conf", httpd.conf)
    assert facts["mpm"]["configured"] is None
    assert not facts["httpd"]["test_ok"]


def test_a_wrapper_script_is_asked_instead_of_read(shared_httpd, tmp_path):
    """-V and -l of a script tell what a binary's bytes tell."""
    httpd = shared_httpd("event")
    direct = dump("--httpd", httpd.httpd, "--conf", httpd.conf)
    wrapper = _script(tmp_path / "httpd", f'exec {httpd.httpd} "$@"\n')
    asked = dump("--httpd", wrapper, "--conf", httpd.conf)
    for key in ("version", "vendor", "mmn", "server_root", "config_file",
                "static_modules", "test_ok", "pid_file"):
        assert asked["httpd"][key] == direct["httpd"][key], key
    assert [m["id"] for m in asked["modules"]] == [
        m["id"] for m in direct["modules"]]


def _alive(marker):
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True,
                          text=True)
    return [line for line in done.stdout.splitlines() if marker in line]


def test_an_httpd_that_hangs_is_killed_with_all_it_started(shared_httpd,
                                                           tmp_path):
    """First where it never answers, then where only the test hangs."""
    httpd = shared_httpd("event")
    nap = f"9{os.getpid()}"
    hang = _script(tmp_path / "hang", f"sleep {nap} & sleep {nap}\n")
    begun = time.monotonic()
    found = dump("--httpd", hang, "--conf", httpd.conf, "--timeout", "4")
    assert found["problem"] == "httpd-timeout"
    assert str(hang) in found["detail"] and "killed" in found["detail"]
    slow = _script(tmp_path / "slow",
                   f'for a; do [ "$a" = -t ] && {{ sleep {nap} & sleep {nap}; '
                   f'}}; done\nexec {httpd.httpd} "$@"\n')
    found = dump("--httpd", slow, "--conf", httpd.conf, "--timeout", "4")
    assert time.monotonic() - begun < 60
    assert found["mpm"]["configured"] == "event"
    assert not found["httpd"]["test_ok"]
    assert "killed" in found["httpd"]["test_output"]
    assert not _alive(f"sleep {nap}")


@pytest.mark.parametrize("name,text,problem", [
    ("nothing", "exit 0\n", "httpd-unusable"),
    ("rubbish", "echo hello; head -c 3000 /dev/urandom\n", "httpd-unusable"),
    ("complains", "echo no such option >&2; exit 64\n", "httpd-unusable"),
    ("half", 'case $1 in -V) echo "Server version: Apache/2.4.1 (X)"; '
     'echo " -D HTTPD_ROOT=\\"/r\\"";; esac\n', "httpd-unusable"),
    ("no file", 'case $1 in -V) echo "Server version: Apache/2.4.1 (X)"; '
     'echo " -D HTTPD_ROOT=\\"/r\\"";; -l) echo Compiled in modules:; '
     'echo "  core.c";; esac\n', "httpd-unusable"),
    ("dies", "kill -SEGV $$\n", "httpd-unusable"),
])
def test_a_program_that_is_no_httpd(tmp_path, name, text, problem):
    """is named, with what it said."""
    program = _script(tmp_path / name, text)
    found = dump("--httpd", program)
    assert found["problem"] == problem
    assert str(program) in found["detail"]


def test_other_programs_are_looked_at_and_never_run(tmp_path):
    """An ELF program that is no httpd is refused by its bytes; files that
    are missing or cannot be run say so."""
    found = dump("--httpd", "/bin/ls")
    assert found["problem"] == "httpd-unusable"
    assert "not an Apache httpd" in found["detail"]
    assert dump("--httpd", tmp_path / "none")["problem"] == "httpd-missing"
    assert dump("--httpd", tmp_path)["problem"] == "httpd-unusable"
    plain = tmp_path / "plain"
    plain.write_text("not a program\n")
    found = dump("--httpd", plain)
    assert found["problem"] == "httpd-unusable"
    assert "ermission" in found["detail"]


def test_a_missing_configuration_is_named(shared_httpd, tmp_path):
    """With the path that was looked for."""
    httpd = shared_httpd()
    found = dump("--httpd", httpd.httpd, "--conf", tmp_path / "no.conf")
    assert str(tmp_path / "no.conf") in found["detail"]
    assert "problem" in found


def test_relative_paths_begin_where_the_user_stands(shared_httpd):
    """--httpd and --conf as typed in a shell."""
    httpd = shared_httpd("prefork")
    found = dump("--httpd", "bin/httpd", "--conf", "conf/httpd.conf",
                 cwd=httpd.root)
    assert found["mpm"]["configured"] == "prefork"
    assert pathlib.Path(found["httpd"]["binary"]).is_absolute()
