"""Runs in a sandbox: switch generated configurations and ask httpd.

    inside.py TOOL SEED COUNT

Every configuration loads one MPM, none, or two, in all the ways that people
and distributions write it. After `ea-mpm switch` httpd itself says what is
loaded. Prints one JSON object; the first wrong answer ends it.
"""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

PREFIX = pathlib.Path("/usr/local/apache2")
CONF = PREFIX / "conf"
HTTPD = PREFIX / "bin/httpd"
MPMS = ("prefork", "worker", "event")


def spell(rng, mpm, active):
    """A LoadModule line in one of many spellings."""
    name = rng.choice(["LoadModule", "LoadModule", "loadmodule",
                       "LOADMODULE"])
    path = rng.choice([f"modules/mod_mpm_{mpm}.so",
                       f'"modules/mod_mpm_{mpm}.so"',
                       f"{PREFIX}/modules/mod_mpm_{mpm}.so"])
    gap = rng.choice([" ", "  ", "\t"])
    joint = rng.choice([gap, gap, gap, " \\\n    "]) if active else gap
    line = f"{name}{gap}mpm_{mpm}_module{joint}{path}"
    if active:
        return rng.choice(["", "  ", "\t"]) + line
    return rng.choice(["", "  "]) + rng.choice(["#", "# ", "##", "#\t"]) \
        + line


def wrap(rng, line, holds):
    """A condition around it that holds, or one that does not."""
    if holds:
        head = rng.choice(["<IfModule !nothing_module>", "<IfDefine !NO>",
                           "<IfModule mod_so.c>", "<IfVersion >= 2.4>"])
    else:
        head = rng.choice(["<IfModule nothing.c>", "<IfDefine NO>",
                           "<IfVersion < 2.2>"])
    return f"{head}\n{line}\n</{head[1:].split()[0]}>"


GUARDS = [
    "<IfModule mpm_prefork_module>\nMaxSpareServers 9\n</IfModule>",
    "<IfModule prefork.c>\nMinSpareServers 3\n</IfModule>",
    "<IfModule mpm_event_module>\nThreadsPerChild 20\n</IfModule>",
    "<IfModule worker.c>\nMinSpareThreads 20\n</IfModule>",
    "<IfModule !mpm_prefork_module>\nThreadLimit 64\n</IfModule>",
]


def generate(rng):
    """{file: text} of a configuration, and how many MPMs it loads."""
    loads = rng.choice([1, 1, 1, 1, 1, 1, 0, 2])
    active = rng.sample(MPMS, loads)
    first, extra = [], []
    for mpm in active:
        line = spell(rng, mpm, True)
        if rng.random() < 0.3:
            line = wrap(rng, line, True)
        rng.choice([first, first, extra]).append(line)
    for mpm in MPMS:
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            line = spell(rng, mpm, False)
            if rng.random() < 0.2:
                line = wrap(rng, line, rng.random() < 0.5)
            rng.choice([first, extra]).append(line)
        if mpm not in active and rng.random() < 0.2:
            first.append(wrap(rng, spell(rng, mpm, True), False))
    if rng.random() < 0.2 and "prefork" in active:
        first.append("<IfModule !mpm_prefork_module>\n"
                     + spell(rng, "worker", True) + "\n</IfModule>")
    rng.shuffle(extra)
    if rng.random() < 0.5:
        rng.shuffle(first)
    include = rng.choice(["Include conf/extra.d/*.conf",
                          "IncludeOptional conf/extra.d/mpm.conf",
                          f"Include {CONF}/extra.d"])
    place = rng.choice(["before", "between", "after"])
    guards = rng.sample(GUARDS, rng.randint(0, 3))
    lines = [f"ServerRoot {PREFIX}", "ServerName localhost",
             "Listen 127.0.0.1:8080",
             "LoadModule unixd_module modules/mod_unixd.so",
             "LoadModule authz_core_module modules/mod_authz_core.so",
             "LoadModule version_module modules/mod_version.so"]
    lines += [include] if place == "before" else []
    lines += first[:len(first) // 2]
    lines += [include] if place == "between" else []
    lines += first[len(first) // 2:]
    lines += guards
    lines += [include] if place == "after" else []
    end = rng.choice(["\n", "\n", "\r\n"])
    text = "\n".join(lines) + rng.choice(["\n", ""])
    extra = "\n".join(extra) + rng.choice(["\n", "", "\n\n"])
    return {"httpd.conf": text.replace("\n", end),
            "extra.d/mpm.conf": extra.replace("\n", end)}


def write(files):
    shutil.rmtree(CONF / "extra.d", ignore_errors=True)
    (CONF / "extra.d").mkdir(parents=True)
    for name, text in files.items():
        (CONF / name).write_bytes(text.encode())


def read(files):
    assert sorted(p.name for p in (CONF / "extra.d").iterdir()) == \
        ["mpm.conf"]
    return {name: (CONF / name).read_bytes().decode() for name in files}


def loaded():
    """(MPMs that httpd loads, its complaint)."""
    done = subprocess.run([HTTPD, "-t", "-D", "DUMP_MODULES"],
                          capture_output=True, text=True)
    return set(re.findall(r"mpm_(\w+)_module", done.stdout)), done.stderr


def tool(path, *argv):
    done = subprocess.run([path, *argv, "--json"], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    return json.loads(done.stdout)


def without_mpm_lines(text):
    return [line for line in re.sub(r"\\\r?\n", " ", text).splitlines()
            if not re.search(r"(?i)loadmodule\s+mpm_", line)]


def one(path, rng, seen):
    files = generate(rng)
    write(files)
    before, _ = loaded()
    target = rng.choice(MPMS)
    out = tool(path, "switch", target, "--no-restart", "--no-rehearsal")
    what = json.dumps({"files": files, "target": target, "answer": out},
                      indent=1)
    if not out["ok"]:
        seen[out["problem"]] = seen.get(out["problem"], 0) + 1
        assert read(files) == files, "refused and changed: " + what
        # A guard that is read before the MPM may kill a directive: that is
        # for the checks to say. Nothing else is a reason.
        assert out["problem"] in ("directive-of-other-mpm",
                                  "config-test-failed"), what
        return
    if not out["data"]["changed"]:
        seen["nothing to do"] = seen.get("nothing to do", 0) + 1
        assert read(files) == files, what
        # A configuration that is broken by something else stays so.
        assert before in ({target}, set()), what
        return
    now, complaint = loaded()
    after = read(files)
    assert now == {target}, f"httpd loads {now} ({complaint}): {what}" \
        + "\n" + after["httpd.conf"] + "\n--\n" + after["extra.d/mpm.conf"]
    for name in files:
        assert without_mpm_lines(after[name]) == \
            without_mpm_lines(files[name]), what
    seen["switched"] = seen.get("switched", 0) + 1
    out = tool(path, "rollback", "--no-restart", "--no-rehearsal")
    if before:
        assert out["ok"], out
        assert read(files) == files, "not rolled back: " + what
    else:                       # it was broken, and nobody goes back to that
        assert out["problem"] == "config-test-failed", out
        assert read(files) == after, what
        seen["mended"] = seen.get("mended", 0) + 1


def main(path, seed, count):
    rng, seen, wrong = random.Random(int(seed)), {}, None
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    try:
        for _ in range(int(count)):
            shutil.rmtree("/var/lib/ea-mpm", ignore_errors=True)
            one(path, rng, seen)
    except AssertionError as e:
        wrong = str(e)
    print(json.dumps({"seen": seen, "wrong": wrong}))


main(*sys.argv[1:])
