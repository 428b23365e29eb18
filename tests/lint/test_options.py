"""Commands and options are the same in code, help, manual, completions and
README."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
EA_MPM = BUILD / "bin/ea-mpm"
COMPLETION = TOP / "tools/ea-mpm/completion"


@pytest.fixture(scope="module")
def table():
    """{command: {option}} and {option: value name or None}, from the code."""
    out = subprocess.run([EA_MPM, "help", "--json"], capture_output=True,
                         check=True, text=True)
    data = json.loads(out.stdout)["data"]
    everywhere = {o["name"] for o in data["options"] if o["everywhere"]}
    return ({c["name"]: set(c["options"]) | everywhere
             for c in data["commands"]},
            {o["name"]: o["value"] for o in data["options"]}, everywhere)


def test_help_names_every_command_and_option(table):
    commands, options, _ = table
    text = subprocess.run([EA_MPM, "help"], capture_output=True, check=True,
                          text=True).stdout
    for name in commands:
        assert re.search(rf"^  {name}\b", text, re.M), name
    for name, value in options.items():
        want = f"--{name} {value}" if value else f"--{name}"
        assert re.search(rf"^  {re.escape(want)}(\s|$)", text, re.M), want


def test_help_fits_80_columns(table):
    for name in [None, *table[0]]:
        words = [EA_MPM, "help"] + ([name] if name else [])
        text = subprocess.run(words, capture_output=True, check=True,
                              text=True).stdout
        wide = [line for line in text.splitlines() if len(line) > 80]
        assert not wide, wide


def test_help_of_a_command_lists_its_options_and_no_others(table):
    commands, options, _ = table
    for name, own in commands.items():
        if name == "help":
            continue        # of itself it is the overview
        text = subprocess.run([EA_MPM, name, "--help"], capture_output=True,
                              check=True, text=True).stdout
        listed = set(re.findall(r"^  --([a-z-]+)", text, re.M))
        assert listed == own, name


def test_manual_has_the_same(table):
    commands, options, everywhere = table
    text = (TOP / "docs/man/ea-mpm.8").read_text()
    assert set(re.findall(r"^\.It Cm (\S+)", text, re.M)) == set(commands)
    entries = dict(re.findall(
        r"^\.It Fl -([a-z-]+)(?: Ar (\S+))?\n", text, re.M))
    assert {k: v or None for k, v in entries.items()} == options
    # "( list , plan )" below an option names the commands that take it.
    for name in set(options) - everywhere:
        line = re.search(rf"^\.It Fl -{name}\b.*\n\.Cm \( (.*) \)$", text,
                         re.M)
        assert line, f"{name}: the manual does not say whose it is"
        takers = {c for c, own in commands.items() if name in own}
        assert set(line.group(1).split(" , ")) == takers, name


def test_manuals_are_valid():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    for path in sorted((TOP / "docs/man").glob("*.[1-9]")):
        out = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path],
                             capture_output=True, text=True)
        assert out.returncode == 0, out.stdout


def test_readme_names_every_command(table):
    text = (TOP / "README.md").read_text()
    for name in table[0]:
        assert re.search(rf"`(ea-mpm )?{name}\b", text), name


def test_documents_name_no_option_that_does_not_exist(table):
    for path in [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]:
        for line in path.read_text().splitlines():
            for call in re.findall(r"ea-mpm [a-z]+[^`#|]*", line):
                for name in re.findall(r"(?<=\s)--([a-z][a-z-]*)", call):
                    assert name in table[1], f"{path.name}: --{name}: {line}"


def complete(words):
    """What bash offers after WORDS (the last one may be begun)."""
    script = r"""
        source /usr/share/bash-completion/bash_completion
        source "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        _ea_mpm
        printf '%s\n' "${COMPREPLY[@]}"
    """
    out = subprocess.run(
        ["bash", "-c", script, "bash", str(COMPLETION / "bash"), *words],
        capture_output=True, text=True,
        env={**os.environ, "PATH": f"{EA_MPM.parent}:{os.environ['PATH']}"})
    return {w for w in out.stdout.split() if w}


def test_bash_offers_what_each_command_takes(table):
    if not os.path.exists("/usr/share/bash-completion/bash_completion"):
        pytest.skip("bash-completion is not installed")
    commands = table[0]
    assert complete(["ea-mpm", ""]) == set(commands)
    assert complete(["ea-mpm", "help", ""]) == set(commands)
    for name, own in commands.items():
        assert complete(["ea-mpm", name, "--"]) == {f"--{o}" for o in own}, \
            name
    for name in ("check", "plan", "rehearse", "switch"):
        assert complete(["ea-mpm", name, ""]) == {"prefork", "worker",
                                                  "event", "itk"}
    assert complete(["ea-mpm", "--root", "/", "switch", "e"]) == {"event"}
    assert complete(["ea-mpm", "switch", "--with", ""]) == {
        "php=fpm", "itk=itkish", "itk=mpm-itk", "packages"}


def test_fish_offers_what_each_command_takes(table):
    commands, options, everywhere = table
    text = (COMPLETION / "fish").read_text()
    got = set(re.findall(r"-n 'not __ea_mpm_command' -a (\S+)", text))
    assert got == set(commands)
    offered = {}
    for takers, name in re.findall(
            r"^complete -c ea-mpm (?:-n '__ea_mpm_is ([a-z ]+)' )?"
            r"-l ([a-z-]+)", text, re.M):
        offered[name] = set(takers.split()) or set(commands)
    want = {name: {c for c, own in commands.items() if name in own}
            for name in options}
    assert offered == want
    if shutil.which("fish"):
        subprocess.run(["fish", "-n", COMPLETION / "fish"], check=True)


def test_zsh_offers_what_each_command_takes(table):
    commands, options, everywhere = table
    text = (COMPLETION / "zsh").read_text()
    assert set(re.findall(r"^        '([a-z]+):", text, re.M)) == \
        set(commands)
    groups = {}
    for name in ("common", "changes", "rehearsal", "some"):
        body = re.search(rf"^    {name}=\((.*?)^    \)", text,
                         re.M | re.S).group(1)
        groups[name] = set(re.findall(r"--([a-z-]+)\[", body))
    assert groups["common"] == everywhere
    for names, body in re.findall(r"^    ([a-z|*]+)\) (_arguments.*?);;", text,
                                  re.M | re.S):
        got = set(re.findall(r"--([a-z-]+)\[", body))
        for group in re.findall(r"\$([a-z]+)", body):
            got |= groups[group]
        for name in names.split("|"):
            if name == "*":
                assert all(own == got for c, own in commands.items()
                           if f"    {c})" not in text
                           and c not in ("check", "plan"))
            else:
                assert got == commands[name], name
    if shutil.which("zsh"):
        subprocess.run(["zsh", "-n", COMPLETION / "zsh"], check=True)
