"""`make demo` works, and README.md shows what it prints."""

import os
import re
import subprocess

import pytest

from fixtures import accounts, tool


def plain(line):
    """A line without what differs from run to run: times, ids, versions."""
    return re.sub(r"[0-9]+(\.[0-9]+)*|\bm?s\b", "N", line).rstrip()


@pytest.fixture(scope="module")
def demo():
    """What the demo prints."""
    if os.geteuid() != 0:
        pytest.skip("the demo needs root for its namespaces")
    with accounts.unchanged():
        done = subprocess.run(
            ["/usr/bin/python3", tool.TOP / "tests/demo/run.py"], text=True,
            capture_output=True, timeout=300, start_new_session=True,
            env={**os.environ, "BUILD": str(tool.BUILD)})
    if done.returncode != 0 and "demo: no " in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


def test_the_demo_leaves_the_machines_etc_alone(demo):
    """It says so itself, by a digest."""
    assert demo.rstrip().endswith("# Unchanged.")


def test_the_readme_shows_what_the_demo_prints(demo):
    """Line by line, but for numbers."""
    if "--with php=fpm" not in demo:
        pytest.skip("no mod_php here, so the demo is another one")
    readme = (tool.TOP / "README.md").read_text()
    transcript = re.search(r"(?s)<!-- transcript.*?```\n(.*?)```", readme)
    printed = {plain(line) for line in demo.splitlines()}
    stale = [line for line in transcript.group(1).splitlines()
             if plain(line) not in printed]
    assert not stale, "\n".join(stale)
