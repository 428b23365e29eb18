"""EasyApache 4 where dnf is not what it is elsewhere: dnf 4 under the name
yum alone, yum 3 of EL 7, and dnf 5. The last two are in no distribution that
these tests run on: their places are taken by programs that tell such a
version and, as for what is asked of them, are dnf itself, which answers
repoquery alike."""

import pytest

import ea4_rpm
from ea4 import SWITCH, runs, same, serves_mod_php_again, tool_of

YUM3 = """#!/bin/sh
[ "$*" = --version ] && printf '3.4.3\\n  Installed: rpm-4.11.3-48\\n' && exit
touch /run/asked; exit 1
"""
DNF5 = """#!/bin/sh
case "$*" in
--version) printf 'dnf5 version 5.2.8.1\\nlibdnf5 version 5.2.8.1\\n';;
'-q repoquery'*) exec /usr/bin/dnf-3 "$@";;
*) touch /run/asked; exit 2;;
esac
"""


@pytest.fixture
def server():
    with ea4_rpm.made() as system:
        system.start()
        yield system


def become(system, name, text):
    """/usr/bin/NAME, and no other name of dnf."""
    system.run("rm /usr/bin/dnf")
    system.write(f"/usr/bin/{name}", text, 0o755)


def test_dnf_that_is_only_called_yum(server):
    server.run("mv /usr/bin/dnf-3 /usr/bin/yum && rm /usr/bin/dnf")
    before = server.tree()
    done = tool_of(server)(*SWITCH)
    assert done.ok, done
    assert runs(server, "event")
    server.run("rm -rf /etc/yum.repos.d/*")
    assert tool_of(server)("rollback").ok
    same(before, server.tree())
    serves_mod_php_again(server)


def by_hand(system, version):
    """The message of a switch, which changed nothing, as the commands for
    the way there and for the way back."""
    before = system.tree()
    done = tool_of(system)(*SWITCH)
    assert (done.rc, done.problem) == (3, "packages-by-hand"), done
    assert version in done.detail and "removes" not in done.detail
    same(before, system.tree())
    assert not system.path("/run/asked").exists()
    there, back = done.detail.split("\nand back")
    there, back = ([line for line in text.splitlines() if line[0] == " "]
                   for text in (there, back))
    text = tool_of(system).text("plan", *SWITCH[1:], expect=3)
    for line in there + back:
        assert f"{line}\n" in text     # in one piece, to be copied
    return [line.strip() for line in there], [line.strip() for line in back]


def follows(system, commands, dnf):
    """A person types them, DNF being the name of a real one."""
    system.run(f"ln -sf dnf-3 /usr/bin/{dnf}")
    for line in commands:
        if line.startswith("ea-mpm"):
            done = tool_of(system)(*line.split()[1:])
            assert done.ok and done.data["verified"] == "running", done
        else:
            system.run(f"yes | {{ {line}; }}", timeout=120)


def test_yum_3_is_told_what_to_do_by_hand(server):
    become(server, "yum", YUM3)
    done = tool_of(server)("plan", *SWITCH[1:])
    assert (done.rc, done.problem) == (3, "packages-unavailable"), done
    assert "yum install yum-utils" in done.detail
    server.write("/usr/bin/repoquery",
                 '#!/bin/sh\nexec /usr/bin/dnf-3 -q repoquery "$@"\n', 0o755)
    before = server.packages()
    there, back = by_hand(server, "yum 3.4.3")
    assert there[0].startswith("yumdownloader --destdir=/root/ea-mpm-prefork "
                               "ea-")
    follows(server, there[1:], "yum")
    assert runs(server, "event")
    follows(server, back, "yum")
    assert server.packages() == before
    assert runs(server, "prefork")


def test_dnf_5_is_told_what_to_do_by_hand(server):
    become(server, "dnf", DNF5)
    before = server.packages()
    there, back = by_hand(server, "dnf 5.2.8.1")
    assert there[0].startswith("dnf download --destdir=")
    follows(server, there[1:], "dnf")
    assert runs(server, "event")
    follows(server, back, "dnf")
    assert server.packages() == before
    assert runs(server, "prefork")


def test_what_goes_beside_the_mpm_is_named(server):
    become(server, "dnf", DNF5)
    done = tool_of(server)("check", "event")
    assert done.rc == 3
    assert "It also removes ea-php74-php" in done.data["findings"][0]["message"]
