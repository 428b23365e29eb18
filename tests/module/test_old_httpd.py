"""The module as httpd 2.4.37 would have it compiled, the oldest it is for.

Its headers are not at hand, so those of the server at hand play them: their
module magic number is set back, which takes every fallback, and each name
that their change list dates later may not be used. What a function that is
older than that looked like in 2.4.37 they cannot tell.
"""

import glob
import os
import re
import shlex
import shutil
import subprocess

import pytest

import env

OLDEST = 83             # 20120211.83: httpd 2.4.37
SOURCES = os.path.join(env.TOP, "modules/mod_mpm_itkish")
# Fields, which the change list names among other words.
FIELDS = {"outgoing"}


def _ask(*argv):
    return shlex.split(subprocess.run(argv, capture_output=True, text=True,
                                      check=True).stdout)


def _headers():
    tool = os.environ.get("APXS") or shutil.which("apxs") \
        or shutil.which("apxs2")
    if not tool or not shutil.which("pkg-config"):
        pytest.skip("needs apxs and pkg-config")
    return _ask(tool, "-q", "INCLUDEDIR")[0]


def _younger(headers):
    """The functions and macros that came after OLDEST."""
    with open(os.path.join(headers, "ap_mmn.h")) as f:
        entries = re.split(r"\n \* 20120211\.", f.read())
    names = {True: set(), False: set()}
    for entry in entries[1:]:
        number, _, text = entry.partition(" ")
        text = text.split("*/")[0]
        names[int(number) > OLDEST].update(
            re.findall(r"\bap_\w*[a-z0-9](?=\(\))|\bAP_[A-Z_]+\b", text))
    return (names[True] - names[False]) | FIELDS


def _shim(headers, path):
    """A header to be read first: the number, and the names it forbids."""
    wanted = set()
    for source in glob.glob(SOURCES + "/mod_mpm_itkish*.[ch]"):
        with open(source) as f:
            wanted.update(re.findall(r'^#include [<"]([\w.]+)[>"]', f.read(),
                                     re.M))
    ours = {os.path.basename(p) for p in glob.glob(SOURCES + "/*.h")}
    lines = [f"#include <{name}>" for name in ["httpd.h", *sorted(wanted)]
             if name not in ours and os.path.exists(
                 os.path.join(headers, name))]
    # What the headers themselves need is read by now.
    lines += ["#undef MODULE_MAGIC_NUMBER_MINOR",
              f"#define MODULE_MAGIC_NUMBER_MINOR {OLDEST}",
              "#undef AP_HAS_THREAD_LOCAL"]
    lines += [f"#undef {name}\n#pragma GCC poison {name}" for name in
              sorted(_younger(headers))]
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


def _compile(source, headers, *options):
    flags = _ask("pkg-config", "--cflags", "apr-1", "apr-util-1", "libcap",
                 "libseccomp")
    return subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-Wall",
         "-Wextra", "-Werror", "-fsyntax-only", "-I" + SOURCES,
         "-isystem", headers, *flags, '-DITK_VERSION="0"', *options, source],
        capture_output=True, text=True)


def test_every_file_compiles_without_what_came_after_2_4_37(tmp_path):
    """Nothing younger is used, and what stands in for it is right C."""
    headers = _headers()
    shim = str(tmp_path / "oldest.h")
    _shim(headers, shim)
    # The others, itk_*.c, know nothing of httpd.
    files = sorted(glob.glob(SOURCES + "/mod_mpm_itkish*.c"))
    assert len(files) > 10
    for source in files:
        done = _compile(source, headers, "-include", shim)
        assert done.returncode == 0, done.stderr


def test_a_younger_function_is_found(tmp_path):
    """The check above sees one that is used without looking at the number."""
    headers = _headers()
    shim = str(tmp_path / "oldest.h")
    _shim(headers, shim)
    source = tmp_path / "young.c"
    source.write_text('#include "http_protocol.h"\n'
                      "int f(request_rec *r);\n"
                      "int f(request_rec *r)\n"
                      "{\n    return ap_parse_request_line(r);\n}\n")
    done = _compile(str(source), headers, "-include", shim)
    assert "ap_parse_request_line" in done.stderr
