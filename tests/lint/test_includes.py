"""Who may include whom."""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOL = TOP / "tools/ea-mpm"
MODULE = TOP / "modules/mod_mpm_itkish"

# A room may include its own headers and those of rooms before it; rooms of
# one line know nothing of each other.
ROOMS = [{"base"}, {"conf", "package"}, {"host"}, {"plan"}, {"check"},
         {"change", "service"}, {"rehearse"}, {"switch"}, {"cmd", "out"}]
RANK = {room: i for i, rooms in enumerate(ROOMS) for room in rooms}
# These two are one line and may see each other: commands fill reports, and
# help renders commands.
TWINS = {"cmd", "out"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def includes(path):
    return [name for _, name in INCLUDE.findall(path.read_text())]


def sources(top, pattern="*.[ch]"):
    return sorted(top.rglob(pattern))


def test_rooms_include_only_rooms_below_them():
    wrong = []
    for path in sources(TOOL):
        room = path.relative_to(TOOL).parts[0]
        if room == "main.c":
            continue
        assert room in RANK, f"{room}: give the room its place in {__file__}"
        for name in includes(path):
            other = name.split("/")[0]
            if other not in RANK or other == room or "/" not in name:
                continue
            if {room, other} <= TWINS:
                continue
            if RANK[other] >= RANK[room]:
                wrong.append(f"{path.relative_to(TOP)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_own_headers_are_named_with_their_room():
    wrong = []
    for path in sources(TOOL):
        own = {p.name for p in path.parent.glob("*.h")}
        for kind, name in INCLUDE.findall(path.read_text()):
            if kind == '"' and "/" not in name and name in own:
                wrong.append(f'{path.relative_to(TOP)}: "{name}"')
    assert not wrong, "\n".join(wrong)


def test_jansson_stays_behind_its_fence():
    users = [str(p.relative_to(TOOL)) for p in sources(TOOL)
             if "jansson.h" in includes(p)]
    assert users in ([], ["base/json.c"])


def test_engines_never_print():
    """Only out/ and main.c write to standard output or standard error."""
    prints = re.compile(r"\b(printf|puts|putchar|perror)\s*\(|"
                        r"\b(fprintf|fputs|fputc|fwrite|vfprintf)\s*\([^;]*"
                        r"\b(stdout|stderr)\b")
    wrong = []
    for path in sources(TOOL, "*.c"):
        room = path.relative_to(TOOL).parts[0]
        if room in ("out", "main.c"):
            continue
        for n, line in enumerate(path.read_text().splitlines(), 1):
            if prints.search(line) and "lint: prints" not in line:
                wrong.append(f"{path.relative_to(TOP)}:{n}: {line.strip()}")
    assert not wrong, "\n".join(wrong)


def test_plain_parts_of_the_module_know_nothing_of_httpd():
    """itk_*.c link into a unit test: no httpd header, no httpd-side one."""
    httpd = re.compile(r"^(httpd|http_\w+|ap_\w+|util_\w+|scoreboard|mpm_\w+|"
                       r"mod_\w+|unixd)\.h$")
    wrong = [f"{path.relative_to(TOP)} includes {name}"
             for path in sources(MODULE, "itk_*.[ch]")
             for name in includes(path) if httpd.match(name)]
    assert not wrong, "\n".join(wrong)


def test_header_guards_are_the_file_name():
    wrong = []
    for top in (TOOL, MODULE):
        for path in sources(top, "*.h"):
            guard = re.sub(r"\W", "_", path.name).upper()
            found = re.search(r"^#ifndef (\w+)\n#define \1$",
                              path.read_text(), re.M)
            if not found or found.group(1) not in (guard, "EM_" + guard):
                wrong.append(f"{path.relative_to(TOP)}: want {guard}")
    assert not wrong, "\n".join(wrong)
