"""The manual and the module name the same directives."""

import glob
import os
import re

from env import TOP

SOURCES = os.path.join(TOP, "modules/mod_mpm_itkish/*.c")
MANUAL = os.path.join(TOP, "docs/mod_mpm_itkish.md")
FIELDS = ("Description", "Syntax", "Default", "Context")


def directives_in_source():
    """Names in the command table of the module."""
    found = set()
    for path in glob.glob(SOURCES):
        with open(path) as f:
            found |= set(re.findall(
                r'(?:AP_INIT_\w+|GLOBAL_INT)\(\s*"<?([A-Za-z]+)"',
                f.read()))
    return found


def directives_in_manual():
    """{name: its section} of the manual's reference."""
    with open(MANUAL) as f:
        parts = re.split(r"^### (\w+)\n", f.read(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def test_every_directive_is_documented_and_the_other_way_round():
    """Both lists are equal, and there is something in them."""
    in_source = directives_in_source()
    assert len(in_source) >= 10
    assert set(directives_in_manual()) == in_source


def test_every_directive_says_what_httpds_manual_would():
    """Description, Syntax, Default and Context of each."""
    for name, text in directives_in_manual().items():
        for field in FIELDS:
            assert re.search(rf"^\| {field} \| \S", text, re.M), (name, field)
        assert f"`{name} " in text.split("| Syntax |")[1].split("\n")[0]


def test_every_log_id_is_documented():
    """Ids that start log lines are explained in the manual."""
    ids = set()
    for path in glob.glob(SOURCES):
        with open(path) as f:
            ids |= set(re.findall(r'"(itk-[a-z-]+)[":]', f.read()))
    ids.discard("itk-none")         # no refusal, never logged
    with open(MANUAL) as f:
        manual = f.read()
    assert ids
    missing = sorted(i for i in ids if f"`{i}`" not in manual)
    assert missing == []
    named = set(re.findall(r"`(itk-[a-z-]+)`", manual))
    assert sorted(named - ids) == []
