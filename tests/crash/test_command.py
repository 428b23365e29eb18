"""The command itself, over the distribution's server and a source build.

`ea-mpm switch` is killed at every call that changes a file, and every third
call is refused; then `ea-mpm recover` must leave the old or the new configuration, byte for
byte, which httpd takes. inside.py does it; two sandboxes share the calls.
"""

import json
import os
import pathlib

import pytest

import trees
from fixtures import cache, httpd_builds

TOOL = trees.BUILD / "bin/ea-mpm"
INSIDE = pathlib.Path(__file__).with_name("inside.py")
SHARES = 2


def breaking(sb, kind, target, share):
    return sb.popen(["/usr/bin/python3", "-B", INSIDE,
                     os.environ.get("EA_MPM", TOOL), trees.SHIM, kind,
                     target, str(share), str(SHARES)],
                    stdout=-1, stderr=-1, text=True)


def check(kind, runs):
    killed, refused, points = {}, {}, 0
    for run in runs:
        text, noise = run.communicate(timeout=500)
        assert text, noise
        out = json.loads(text)
        assert out["wrong"] is None, out["wrong"] + noise
        points = out["points"]
        for into, what in ((killed, "killed"), (refused, "refused")):
            for key, n in out[what].items():
                into[key] = into.get(key, 0) + n
    assert sum(killed.values()) == points > 40
    assert sum(refused.values()) == points // 3
    assert set(killed) == {"old", "new"}
    assert {"1", "4"} <= set(refused)
    print(f"{kind}: killed at {points} points and recovered: {killed}; "
          f"refused at {points // 3} of them, exit codes: {refused}")


def test_debians_links(debian):
    """mods-enabled, its .conf links, cgi, and the markers."""
    boxes = [debian("prefork", ["cgi"]) for _ in range(SHARES)]
    check("links", [breaking(sb, "links", "event", n)
                    for n, sb in enumerate(boxes)])


def test_loadmodule_lines_of_a_source_build(sandbox):
    """One httpd.conf with the three lines."""
    try:
        build = httpd_builds.shared()
    except cache.Unavailable as e:
        pytest.skip(str(e))
    boxes = [sandbox() for _ in range(SHARES)]
    for sb in boxes:
        build.install(sb)
        sb.run("sed -i 's/^Listen 80/Listen 127.0.0.1:8080/; "
               "s/^#ServerName.*/ServerName localhost/' "
               "/usr/local/apache2/conf/httpd.conf")
    check("lines", [breaking(sb, "lines", "prefork", n)
                    for n, sb in enumerate(boxes)])
