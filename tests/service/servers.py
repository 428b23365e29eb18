"""What the tests of this tier look at: files and the running server."""

import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "rehearse"))

import stage  # noqa: E402  (the same servers as the rehearsal's tests)

Prober, start, use_trap = stage.Prober, stage.start, stage.use_trap
add_site, vhost = stage.add_site, stage.vhost


def tree(sb):
    """Every byte, link and mark that a switch may touch."""
    return sb.run("cd / && find etc/apache2 var/lib/apache2 "
                  "\\( -type f -exec sha256sum {} + \\) -o "
                  "\\( -type l -printf '%p -> %l\\n' \\) | sort").stdout


def main_pid(sb):
    return int(sb.read("/run/apache2/apache2.pid"))


def answers(sb):
    return sb.get("http://127.0.0.1/")[0] == 200


def runs(sb, tool, mpm):
    """The server answers, runs MPM, and its files say MPM too."""
    shown = tool("show").data["mpm"]
    return answers(sb) and shown["running"] == mpm \
        and shown["configured"] == mpm and not shown["pending"]
