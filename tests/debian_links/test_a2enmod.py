"""What a switch leaves on Debian is what a2dismod and a2enmod leave."""

import os
import pathlib

import pytest

TOOL = os.environ.get("EA_MPM", str(
    pathlib.Path(os.environ.get("BUILD", "build")).resolve() / "bin/ea-mpm"))
MODULES = pathlib.Path("/usr/lib/apache2/modules")
PHP = sorted(p.name[3:-3] for p in MODULES.glob("libphp*.so"))


def traces(sb):
    """Every link and marker that tells which modules and confs are on."""
    return sb.run(
        "cd /etc/apache2 && find mods-enabled conf-enabled -printf "
        "'%p %y %l\\n' | sort; cd /var/lib/apache2 && find . -printf "
        "'%p %y %s %m %u\\n' | sort").stdout.splitlines()


def switch(sb, *argv):
    done = sb.run([TOOL, "switch", *argv, "--no-restart", "--no-rehearsal"],
                  check=False)
    assert done.returncode == 0, done.stdout + done.stderr


CASES = {
    "prefork to event": (
        "prefork", [], ["event"],
        ["a2dismod -q mpm_prefork", "a2enmod -q mpm_event"]),
    "event to worker": (
        "event", [], ["worker"],
        ["a2dismod -q mpm_event", "a2enmod -q mpm_worker"]),
    "cgi becomes cgid": (
        "prefork", ["cgi"], ["worker"],
        ["a2dismod -q cgi mpm_prefork", "a2enmod -q mpm_worker",
         "a2enmod -q cgi"]),
    "cgid becomes cgi": (
        "event", ["cgid"], ["prefork"],
        ["a2dismod -q cgid mpm_event", "a2enmod -q mpm_prefork",
         "a2enmod -q cgi"]),
    "without a module": (
        "event", ["http2"], ["prefork", "--without", "http2"],
        ["a2dismod -q http2 mpm_event", "a2enmod -q mpm_prefork"]),
    "itk is left": (
        "prefork", ["mpm_itk"], ["event"],
        ["a2dismod -q mpm_itk mpm_prefork", "a2enmod -q mpm_event"]),
    "php goes to fpm": (
        "prefork", ["PHP"], ["event", "--with", "php=fpm"],
        ["a2dismod -q PHP mpm_prefork", "a2enmod -q mpm_event",
         "a2enmod -q proxy proxy_fcgi setenvif", "a2enconf -q PHP-fpm"]),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_links_and_markers_are_those_of_a2enmod(debian, case):
    """Same links, same markers, and a2query agrees about them."""
    mpm, mods, request, commands = CASES[case]
    if "mpm_itk" in mods and not (MODULES / "mpm_itk.so").exists():
        pytest.skip("libapache2-mpm-itk is not installed")
    if "PHP" in mods and not PHP:
        pytest.skip("no libapache2-mod-php is installed")
    php = PHP[-1] if PHP else ""
    if "PHP" in mods and not pathlib.Path(
            f"/usr/sbin/php-fpm{php[3:]}").exists():
        pytest.skip(f"{php}-fpm is not installed")
    mods = [m.replace("PHP", php) for m in mods]
    ours, theirs = debian(mpm, mods), debian(mpm, mods)
    before = traces(ours)
    assert before == traces(theirs)
    switch(ours, *request)
    for command in commands:
        theirs.run(command.replace("PHP", php))
    assert traces(ours) == traces(theirs) != before
    for query in ("a2query -M", "a2query -m", "a2query -c"):
        assert sorted(ours.run(query).stdout.splitlines()) == \
            sorted(theirs.run(query).stdout.splitlines())
    # Both are configurations that the server takes.
    assert ours.run("apache2ctl configtest").returncode == 0


def test_an_instance_has_its_own_links_and_the_shared_markers(debian):
    """As a2enmod-NAME does it."""
    ours, theirs = debian("prefork"), debian("prefork")
    for sb in (ours, theirs):
        sb.run("cp -a /etc/apache2 /etc/apache2-two; for a in a2enmod "
               "a2dismod apache2ctl; do ln -s /usr/sbin/$a "
               "/usr/local/sbin/$a-two; done; mkdir /var/log/apache2-two")
    main = [line for line in traces(ours) if "-enabled" in line]
    switch(ours, "event", "--instance", "two")
    theirs.run("a2dismod-two -q mpm_prefork; a2enmod-two -q mpm_event")

    def instance(sb):
        return sb.run("cd /etc/apache2-two && find mods-enabled -printf "
                      "'%p %y %l\\n' | sort").stdout
    assert instance(ours) == instance(theirs)
    assert "mpm_event.load" in instance(ours)
    assert traces(ours) == traces(theirs)
    assert [line for line in traces(ours) if line in main] == main
