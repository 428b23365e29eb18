"""Shell scripts are clean."""

import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def scripts():
    """Every file of the tree that starts as a shell script."""
    out = subprocess.run(["git", "ls-files", "-z"], cwd=TOP,
                         capture_output=True)
    if out.returncode == 0:
        names = out.stdout.decode().split("\0")[:-1]
    else:
        names = [str(p.relative_to(TOP)) for p in TOP.rglob("*")
                 if "build" not in p.parts]
    for name in names:
        if name.startswith("tests/hosts/"):
            continue        # other systems' own
        path = TOP / name
        if path.is_file() and not path.is_symlink():
            with open(path, "rb") as f:
                head = f.read(40)
            if head.startswith((b"#!/bin/sh", b"#!/bin/bash",
                                b"#!/usr/bin/env bash")):
                yield name


def test_shellcheck_has_no_complaint():
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    names = sorted(scripts())
    assert names
    out = subprocess.run(["shellcheck", "-S", "warning", *names], cwd=TOP,
                         capture_output=True, text=True)
    assert out.returncode == 0, out.stdout + out.stderr


def test_maintainer_scripts_run_with_errexit():
    for name in scripts():
        if name.startswith("debian/") and "/tests/" not in name:
            text = (TOP / name).read_text()
            assert "set -e" in text or "#!/bin/sh -e" in text, name
