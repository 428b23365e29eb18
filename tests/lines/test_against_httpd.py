"""Generated configurations are switched, and httpd says what it loads."""

import json
import os
import pathlib

import pytest

from fixtures import cache, httpd_builds

TOOL = pathlib.Path(os.environ.get("BUILD", "build")).resolve() / "bin/ea-mpm"
INSIDE = pathlib.Path(__file__).with_name("inside.py")


@pytest.mark.parametrize("seed", (1, 2))
def test_any_way_of_writing_an_mpm_is_switched_as_httpd_reads_it(sandbox,
                                                                 seed):
    """Commented, conditional, continued, quoted, twice, none, elsewhere;
    every line that is not the MPM's stays, and rollback gives all back."""
    try:
        build = httpd_builds.shared()
    except cache.Unavailable as e:
        pytest.skip(str(e))
    sb = sandbox()
    build.install(sb)
    count = int(os.environ.get("LINES_COUNT", "40"))
    done = sb.run(["/usr/bin/python3", "-B", INSIDE, TOOL, seed, count],
                  timeout=500)
    out = json.loads(done.stdout)
    assert out["wrong"] is None, out["wrong"]
    assert out["seen"]["switched"] > count / 3
    print(out["seen"])
