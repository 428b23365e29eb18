"""The command line, right and wrong."""

import json
import os
import subprocess

import pytest

from fixtures import tool

ea = tool.Tool()


@pytest.mark.parametrize("words, problem", [
    ((), "missing-command"),
    (("frobnicate",), "unknown-command"),
    (("switch",), "missing-argument"),
    (("switch", "event", "worker"), "extra-argument"),
    (("show", "--nonsense"), "unknown-option"),
    (("show", "-x"), "unknown-option"),
    (("show", "--force"), "option-not-here"),
    (("show", "--timeout", "soon"), "bad-value"),
    (("show", "--root", "/nonexistent"), "bad-value"),
    (("show", "--progress-fd", "77"), "bad-value"),
    (("switch", "event", "--no-rehearsal", "--require-rehearsal"),
     "bad-value"),
    (("switch", "quick"), "mpm-unknown"),
    (("help", "frobnicate"), "unknown-command"),
])
def test_bad_usage_is_one_json_object_and_exit_code_2(words, problem):
    """... wherever --json stands."""
    done = ea(*words)
    assert (done.rc, done.problem) == (2, problem), done
    last = ea.run(*words, "--json")
    if problem not in ("bad-value", "unknown-option") or "--" in words:
        assert json.loads(last.stdout)["problem"] == problem
    assert last.returncode == 2


def test_bad_usage_in_text_says_what_to_type():
    """On standard error, and nothing on standard output."""
    done = ea.run("swich", "event")
    assert done.returncode == 2 and done.stdout == ""
    assert "did you mean switch?" in done.stderr
    assert "Next: ea-mpm help" in done.stderr
    done = ea.run("show", "--jsn")
    assert "did you mean --json?" in done.stderr


@pytest.mark.parametrize("name", [
    "winnt", "mpm_winnt", "netware", "mpmt_os2", "perchild", "threadpool",
    "leader", "peruser", "metuxmpm"])
def test_legacy_mpms_are_known_and_explained(name):
    """Not just unknown: which system or time the MPM belongs to."""
    done = ea("check", name)
    assert done.rc in (2, 3) and done.problem != "mpm-unknown", done
    assert name.replace("mpm_", "") in done.detail.lower(), done


@pytest.mark.parametrize("name", ["Event", "mpm_event", "mpm_event_module",
                                  "EVENT"])
def test_targets_have_the_names_that_people_use(name):
    """No usage error, whatever then becomes of the command."""
    done = ea("check", name, "--root", "/var/empty"
              if os.path.isdir("/var/empty") else "/tmp")
    assert done.rc != 2, done


def test_version_and_help_need_no_server():
    version = (tool.TOP / "VERSION").read_text().strip()
    assert ea.text("version") == f"ea-mpm {version}\n"
    assert ea.text("--version") == f"ea-mpm {version}\n"
    assert ea("version").data == {"version": version}
    assert {c["name"] for c in ea("help").data["commands"]} >= {
        "show", "switch", "rollback"}
    assert ea("switch", "--help").json["command"] == "help"


def test_only_root_changes_the_real_system():
    """As another user: exit code 1, the reason, and sudo as what to type."""
    argv = [tool.EA_MPM, "switch", "event", "--json"]
    if os.geteuid() == 0:
        argv = ["setpriv", "--reuid=65534", "--regid=65534",
                "--clear-groups", *argv]
    done = tool.Answer(subprocess.run(argv, capture_output=True, text=True))
    assert (done.rc, done.problem) == (1, "not-root")
    assert "sudo ea-mpm switch event" in done.detail


def test_a_full_standard_output_is_an_error():
    """Who reads a truncated answer must not believe it."""
    with open("/dev/full", "w") as full:
        done = subprocess.run([tool.EA_MPM, "help", "--json"], stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "standard output" in done.stderr


def test_a_reader_that_goes_away_is_survived():
    """No death by SIGPIPE: a switch must not end half-way for `| head`."""
    done = subprocess.run(f"{tool.EA_MPM} help --json | true; "
                          "echo ${PIPESTATUS[0]}", shell=True,
                          executable="/bin/bash", capture_output=True,
                          text=True)
    assert done.stdout.strip() in ("0", "1")


def test_colours_are_for_terminals_only():
    """Not in a pipe, not with NO_COLOR; on a terminal yes."""
    assert "\033" not in ea.run("help").stdout

    def on_terminal(env):
        return subprocess.run(
            ["script", "-qec", f"{tool.EA_MPM} frobnicate", "/dev/null"],
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, "TERM": "xterm", **env}).stdout
    assert "\033[31m" in on_terminal({})
    assert "\033" not in on_terminal({"NO_COLOR": "1"})
    assert "\033" not in on_terminal({"TERM": "dumb"})
