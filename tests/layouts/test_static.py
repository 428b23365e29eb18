"""An httpd with its MPM compiled in, as built from source: refused with the
line that builds it with another, and what would break then."""

import shlex

import pytest

import tally
from fixtures import cache, httpd_builds
from fixtures.tool import Tool

CONF = "/usr/local/apache2/conf/httpd.conf"
URL = "http://127.0.0.1/"


@pytest.fixture
def static(sandbox):
    """A sandbox with a real static prefork in /usr/local/apache2."""
    sb = sandbox()
    try:
        build = httpd_builds.static("prefork")
    except cache.Unavailable as e:
        pytest.skip(str(e))
    build.install(sb)
    sb.build = build
    sb.write(CONF, sb.read(CONF).replace("#ServerName www", "ServerName www"))
    sb.run(["/usr/local/apache2/bin/apachectl", "start"])
    sb.wait(f"curl -sf {URL}")
    return sb


def configure_line(answer):
    """The words of the command that the refusal prints."""
    line = answer.detail.split("for all): ", 1)[1].split("\n")[0]
    command, _, rest = line.partition(" && make && make install")
    assert rest.strip() in ("", "."), rest
    return shlex.split(command)


def test_the_refusal_prints_the_configure_line_of_this_build(static, tallied):
    """Every word of build/config.nice, with the MPM exchanged."""
    count, tool = tallied("source"), Tool(static)
    nice = static.read("/usr/local/apache2/build/config.nice")
    for target in ("event", "worker"):
        with count.trying(tally.REFUSE, "static-mpm"):
            answer = tool("switch", target)
            assert answer.rc == 3 and answer.problem == "static-mpm", answer
            words = configure_line(answer)
            assert f"--with-mpm={target}" in words
            assert not [w for w in words if w == "--with-mpm=prefork"]
            want = [w.strip() for w in shlex.split(nice, comments=True)]
            want = want[want.index("./configure"):want.index("$@")]
            assert [w.replace("=prefork", f"={target}") for w in want] \
                == words[words.index("./configure"):]


def test_what_would_break_after_the_rebuild_is_told_now(static):
    """Directives, CGI and modules of the future, as text and as JSON."""
    static.write(CONF, static.read(CONF) + "MaxSpareServers 5\n"
                 "<IfModule mpm_event_module>\nMaxRequestWorkers 64\n"
                 "Bogus on\n</IfModule>\n"
                 "LoadModule cgi_module modules/mod_cgi.so\n")
    tool = Tool(static)
    answer = tool("check", "event")
    found = [f["problem"] for f in answer.data["findings"]]
    assert found[0] == "static-mpm", found
    assert "directive-of-other-mpm" in found and "cgi-on-threads" in found
    text = tool.text("switch", "event", expect=3)
    assert "static-mpm" in text and "MaxSpareServers" in text
    # Nothing of it is said of the MPM that is there.
    assert not [f for f in tool("check", "prefork").data["findings"]
                if f["severity"] == "refuse"]


def test_a_line_that_loads_an_mpm_again_is_taken_out(static):
    """Even the same one gives "More than one MPM loaded" there."""
    shared = httpd_builds.shared()
    static.run(["cp", f"{shared.files}/usr/local/apache2/modules/"
                "mod_mpm_prefork.so", "/usr/local/apache2/modules/"])
    static.write(CONF, "LoadModule mpm_prefork_module "
                 "modules/mod_mpm_prefork.so\n" + static.read(CONF))
    httpd = "/usr/local/apache2/bin/httpd"
    broken = static.run([httpd, "-t"], check=False)
    assert "More than one MPM" in broken.stderr
    done = Tool(static)("switch", "prefork", "--no-restart")
    assert done.rc == 0 and done.data["changed"], done
    assert static.run([httpd, "-t"], check=False).returncode == 0


def test_itk_is_only_a_line_on_a_static_prefork(static, tallied):
    """A module beside the compiled-in MPM, switched while it runs."""
    so = "/usr/lib/apache2/modules/mpm_itk.so"
    if static.run(["test", "-e", so], check=False).returncode:
        pytest.skip("libapache2-mpm-itk is not installed")
    static.run(["cp", so, "/usr/local/apache2/modules/mod_mpm_itk.so"])
    tool, count = Tool(static), tallied("source")
    before = static.run(["sha256sum", CONF]).stdout
    with count.trying(tally.LIVE, "itk"):
        done = tool("switch", "itk")
        assert done.rc == 0 and done.data["verified"] == "running", done
        shown = tool("show").data["mpm"]
        assert shown["running"] == "itk" == shown["configured"]
    with count.trying(tally.BACK, "itk"):
        assert tool("rollback").rc == 0
        assert tool("show").data["mpm"]["running"] == "prefork"
        assert static.run(["sha256sum", CONF]).stdout == before
