"""The tree keeps its own rules."""

import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def tracked():
    out = subprocess.run(["git", "ls-files", "-z"], cwd=TOP,
                         capture_output=True)
    if out.returncode != 0:
        pytest.skip("not a git tree")
    return [TOP / n for n in out.stdout.decode().split("\0")[:-1]]


def c_files():
    return [p for p in tracked() if p.suffix in (".c", ".h") and p.exists()]


def test_c_lines_fit_80_columns():
    wide = [f"{p.relative_to(TOP)}:{n}" for p in c_files()
            if p.relative_to(TOP).parts[0] != "tests"
            for n, line in enumerate(p.read_text().splitlines(), 1)
            if len(line) > 80]
    assert not wide, "\n".join(wide)


def test_no_tabs_or_trailing_blanks_in_c():
    wrong = [f"{p.relative_to(TOP)}:{n}" for p in c_files()
             for n, line in enumerate(p.read_text().splitlines(), 1)
             if "\t" in line or line != line.rstrip()]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_to_do():
    mark = re.compile(r"\b(TODO|FIXME|XXX)\b")
    wrong = []
    for path in tracked():
        if path.suffix in (".c", ".h", ".py", ".sh", ".mk", ".md") \
                and path != pathlib.Path(__file__).resolve() \
                and path.exists():
            for n, line in enumerate(path.read_text(
                    errors="replace").splitlines(), 1):
                if mark.search(line):
                    wrong.append(f"{path.relative_to(TOP)}:{n}: {line}")
    assert not wrong, "\n".join(wrong)


def test_version_stands_in_one_place():
    version = (TOP / "VERSION").read_text().strip()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    for path in c_files():
        assert f'"{version}"' not in path.read_text(), path


def test_links_in_documents_lead_somewhere():
    wrong = []
    for path in tracked():
        if path.suffix != ".md" or not path.exists():
            continue
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)",
                               path.read_text()):
            if "://" not in link and not (path.parent / link).exists():
                wrong.append(f"{path.relative_to(TOP)}: {link}")
    assert not wrong, "\n".join(wrong)


def test_every_tier_is_described():
    """In tests/README.md, with what it needs."""
    text = (TOP / "tests/README.md").read_text()
    tiers = {p.parent.name for p in (TOP / "tests").glob("*/test_*.py")}
    missing = {t for t in tiers if f"| `{t}/` |" not in text}
    assert not missing, sorted(missing)
