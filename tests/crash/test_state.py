"""The state directory in all conditions, as a person meets it."""

import json

import pytest

import trees
from fixtures.tool import install

TOOL = trees.BUILD / "bin/ea-mpm"
FILES = ["switch", "event", "--no-restart", "--no-rehearsal"]
LISTING = ("cd /etc/apache2 && find . -printf '%p %y %l %T@ %i\\n' | sort; "
           "find /var/lib/apache2 -printf '%p %T@\\n' | sort")


def tool(sb, *argv, env=None):
    """(exit code, the JSON object)."""
    done = sb.run([TOOL, *argv, "--json"], check=False, env=env)
    assert done.stdout, done.stderr
    out = json.loads(done.stdout)
    assert out["ok"] == (done.returncode == 0)
    return done.returncode, out


def broken(sb, argv, **faults):
    """Run the tool with faults (env sets them: nsenter is not meant)."""
    return sb.run(["env", f"LD_PRELOAD={trees.SHIM}",
                   *(f"FAULT_{k}={v}" for k, v in faults.items()),
                   TOOL, *argv], check=False)


def interrupted(sb):
    """A switch that was killed with everything changed; its journal."""
    sb.run("chmod 700 /var/lib/ea-mpm")     # the same calls both times
    broken(sb, FILES, AT=0, LOG="/var/tmp/calls")
    calls = sb.read("/var/tmp/calls").splitlines()
    # The last state that it reaches is "committed": not quite.
    at = [c.split()[0] for c in calls if c.endswith("renameat state")][-1]
    sb.run([TOOL, "rollback", "--no-restart", "--no-rehearsal"])
    sb.run("find /var/lib/ea-mpm -mindepth 1 -delete")
    assert broken(sb, FILES, AT=at, HOW="kill").returncode == -9
    return sb.run("ls -d /var/lib/ea-mpm/journal/2*").stdout.strip()


def test_a_held_lock_is_told_with_its_holder(debian):
    """Exit 6, pid and command; released with the process."""
    sb = debian("prefork")
    sb.run([TOOL, "recover"])
    holder = sb.popen(
        ["/usr/bin/python3", "-c",
         "import fcntl, json, os, struct, sys\n"
         "f = open('/var/lib/ea-mpm/lock', 'r+')\n"
         "fcntl.fcntl(f, 37, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, "
         "0))\n"
         "start = open('/proc/self/stat').read().rsplit(')')[1].split()[19]\n"
         "json.dump({'pid': os.getpid(), 'start': int(start), 'command': "
         "'a long switch', 'since': 'today'}, f)\n"
         "f.flush()\nprint(os.getpid(), flush=True)\nsys.stdin.read()"],
        stdin=-1, stdout=-1, text=True)
    pid = holder.stdout.readline().strip()
    before = sb.run(LISTING).stdout
    for argv in (FILES, ["recover"], ["rollback"]):
        code, out = tool(sb, *argv)
        assert (code, out["problem"]) == (6, "lock-held"), out
        assert f"pid {pid}" in out["detail"]
        assert "a long switch" in out["detail"]
    assert sb.run(LISTING).stdout == before
    assert tool(sb, "show")[0] == 0         # reading never waits
    holder.communicate("")
    assert tool(sb, *FILES)[0] == 0


@pytest.mark.parametrize("damage", (
    "truncate -s 10 intent.json", "rm intent.json", "echo x >>intent.json",
    "printf '[]' >intent.json", "echo 0 >sum", "echo whatever >state",
    "truncate -s 0 state", "rm -r before after; mkdir before after"))
def test_a_damaged_journal_changes_nothing_and_says_what_to_do(debian,
                                                               damage):
    """Exit 5; the hint leads out of it."""
    sb = debian("prefork")
    journal = interrupted(sb)
    # Only files are in before/ and after/: make one that must be there.
    if damage.startswith("rm -r"):
        assert sb.run(f"ls {journal}/before {journal}/after").stdout
    sb.run(f"cd {journal} && {damage}")
    before = sb.run(LISTING).stdout
    for argv in (["recover"], FILES):
        code, out = tool(sb, *argv)
        assert (code, out["problem"]) == (5, "journal-corrupt"), out
        assert journal in out["detail"]
        assert sb.run(LISTING).stdout == before
    assert "Traceback" not in json.dumps(out)
    text = sb.run([TOOL, "recover"], check=False).stderr
    hint = next(line for line in text.splitlines() if "mv " in line)
    sb.run(hint.split("Next: ")[-1])
    assert tool(sb, "recover")[0] == 0


def test_an_interrupted_switch_is_told_and_undone_by_the_next(debian):
    """show says so; the next switch starts from the state before it."""
    sb = debian("prefork")
    interrupted(sb)
    assert sb.run(["a2query", "-M"]).stdout.strip() == "event"
    assert "recover" in sb.run([TOOL, "show"]).stdout
    code, out = tool(sb, "switch", "worker", *FILES[2:])
    assert code == 0 and out["data"]["from"] == "prefork", out
    assert sb.run(["a2query", "-M"]).stdout.strip() == "worker"
    history = json.loads(sb.run([TOOL, "history", "--json"]).stdout)
    assert "undone" in json.dumps(history)


def test_an_edit_after_the_kill_is_never_overwritten(debian):
    """recover says which file, leaves all as it is, and the hint closes."""
    sb = debian("prefork")
    interrupted(sb)
    sb.run("rm /etc/apache2/mods-enabled/mpm_event.load; echo '# mine' "
           ">/etc/apache2/mods-enabled/mpm_event.load")
    before = sb.run(LISTING).stdout
    code, out = tool(sb, "recover")
    assert (code, out["problem"]) == (5, "changed-since-switch"), out
    assert "mods-enabled/mpm_event.load" in out["detail"]
    assert sb.run(LISTING).stdout == before


def test_a_state_directory_of_somebody_else_is_not_trusted(debian):
    """A journal is obeyed as root: it must be root's."""
    sb = debian("prefork")
    sb.run("mkdir -p /var/lib/ea-mpm; chown 33 /var/lib/ea-mpm/. ; "
           "chmod 777 /var/lib/ea-mpm")
    code, out = tool(sb, *FILES)
    assert (code, out["problem"]) == (1, "state-dir-unsafe"), out


def test_who_may_not_write_is_told_and_changes_nothing(debian):
    """Without root: exit 1 with the reason; show works all the same."""
    sb = debian("prefork")
    before = sb.run(LISTING).stdout
    user = ["setpriv", "--reuid=33", "--regid=33", "--clear-groups",
            install(sb)]
    done = sb.run([*user, *FILES, "--json"], check=False)
    out = json.loads(done.stdout)
    assert done.returncode == 1 and out["problem"], out
    assert sb.run(LISTING).stdout == before
    assert sb.run([*user, "show", "--json"]).returncode == 0
