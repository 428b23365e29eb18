"""What a real server gets answered, in JSON and text."""

import pytest

from fixtures import tool


@pytest.fixture(scope="module")
def server(debian_for_module):
    """A stopped Debian Apache under prefork."""
    return tool.Tool(debian_for_module("prefork"))


def test_every_command_keeps_its_schema(server):
    """The Tool class checks it; here every command answers once."""
    for words in (("show",), ("show", "--deep"), ("list",),
                  ("list", "--available"), ("check", "event"),
                  ("check", "prefork"), ("check", "itk"), ("plan", "worker"),
                  ("plan", "itk"), ("switch", "event", "--dry-run"),
                  ("rollback",), ("recover",), ("history",), ("rules",),
                  ("version",), ("help",), ("help", "switch"),
                  ("rehearse",), ("rehearse", "event")):
        done = server(*words)
        assert done.json["command"] == words[0], done


def test_show_tells_the_same_in_text(server):
    data = server("show").data
    text = server.text("show")
    assert text.startswith("Apache 2.")
    assert "configured for prefork and not running" in text
    for place in data["mpm"]["configured_all"]:
        assert f"{place['file']}:{place['line']}" in text
    for target in data["targets"]:
        assert target["mpm"] in text and target["verdict"] in text


def test_a_plan_is_what_a_dry_run_says(server):
    """Same steps; nothing is changed by either."""
    plan = server("plan", "event").data
    dry = server("switch", "event", "--dry-run").data
    assert plan["steps"] == dry["steps"] and plan["steps"]
    assert dry["changed"] is False and dry["dry_run"] is True
    assert server("show").data["mpm"]["configured"] == "prefork"
    text = server.text("switch", "event", "--dry-run")
    assert "Nothing was changed (--dry-run)." in text
    for step in plan["steps"]:
        assert step["path"] in text


def test_being_there_already_is_a_success_that_changes_nothing(server):
    done = server("switch", "prefork")
    assert done.ok and done.data["changed"] is False
    assert done.data["id"] is None and done.data["steps"] == []
    assert "Nothing to do" in server.text("switch", "prefork")


def test_progress_goes_to_its_descriptor_as_json_lines(server):
    """Not to standard output, and standard error stays empty with
    --quiet."""
    done = server.sb.run(
        f"{tool.EA_MPM} rehearse event --json --quiet --progress-fd 3 "
        "3>/tmp/progress.$$ >/dev/null; echo $?; "
        "cat /tmp/progress.$$; rm /tmp/progress.$$", check=False)
    lines = done.stdout.splitlines()[1:]
    import json
    for line in lines:
        event = json.loads(line)
        assert event["event"] in ("phase", "count", "note")
        assert event["elapsed_ms"] >= 0
    assert done.stderr == ""


def test_text_fits_80_columns(server):
    """Except paths and words that are longer themselves."""
    for words, rc in ((("show",), 0), (("check", "event"), 0),
                      (("list",), 0), (("rules",), 0), (("history",), 0)):
        for line in server.text(*words, expect=rc).splitlines():
            assert len(line) <= 80 or "/" in line, line
