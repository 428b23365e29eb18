"""Every known layout is recognised by what is there, below --root."""

import json
import pathlib
import subprocess

import pytest

from fixtures import hosts
from dumped import BUILD, dump
import layout_docs


def _has(found, wanted, path=""):
    """WANTED is contained in FOUND."""
    for key, value in wanted.items():
        if isinstance(value, dict):
            _has(found[key], value, f"{path}{key}.")
        else:
            assert found[key] == value, f"{path}{key}"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """tree(name): the host's tree with its binary, and its spec."""
    def make(name):
        root = tmp_path_factory.mktemp(name) / "root"
        return root, hosts.make(name, root)
    return make


@pytest.mark.parametrize("name", hosts.names())
def test_layout_and_mpm_are_found_out_from_files(tree, name):
    """Layout, mechanism, versions, MPM, installed MPMs, loaded modules."""
    root, spec = tree(name)
    found = dump("--root", root)
    assert "problem" not in found, found
    expect = dict(spec["expect"])
    installed, loaded = expect.pop("installed"), expect.pop("loaded")
    _has(found, expect)
    assert sorted(m["mpm"] for m in found["installed"]) == installed
    assert all(m["verified"] for m in found["installed"])
    modules = {m["id"]: m for m in found["modules"]}
    assert set(loaded) <= set(modules)
    assert not set(spec.get("not_loaded", [])) & set(modules)
    assert not [m["so"] for m in modules.values()
                if m["missing"] or m["mismatch"]]
    if "args" in spec:
        assert found["httpd"]["args"] == spec["args"]
    if "lines" in spec:
        assert found["mpm"]["lines"] == spec["lines"]
    assert found["service"]["kind"] == "none"
    assert not found["httpd"]["tested"]


@pytest.mark.parametrize("name", [n for n in hosts.names()
                                  if "instance" in hosts.spec(n)])
def test_an_instance_is_addressed_by_name(tree, name):
    """--instance NAME reads that instance's files with its options."""
    root, spec = tree(name)
    instance = spec["instance"]
    found = dump("--root", root, "--instance", instance["name"])
    assert found["httpd"]["config_file"] == instance["config_file"]
    assert found["httpd"]["args"] == instance["args"]
    if "configured" in instance:
        assert found["mpm"]["configured"] == instance["configured"]
    if "pid_file" in instance:
        assert found["httpd"]["pid_file"] == instance["pid_file"]
    by_conf = dump("--root", root, "--conf", instance["config_file"])
    assert by_conf["layout"]["id"] == found["layout"]["id"]
    assert by_conf["mpm"]["configured"] == found["mpm"]["configured"]


def test_php_of_a_tree_is_told_thread_unsafe(tree):
    """By the file's own symbols, without running anything."""
    root, _ = tree("debian12")
    modules = {m["id"]: m for m in dump("--root", root)["modules"]}
    assert modules["php_module"]["threads"] == "unsafe"
    assert modules["php_module"]["source"] == "mod_php.c"


def test_a_tree_without_httpd_says_so(tmp_path):
    """An empty root is a clear failure."""
    found = dump("--root", tmp_path)
    assert found["problem"] == "httpd-missing"
    assert "--httpd" in found["hint"]


def test_a_root_that_is_no_directory(tmp_path):
    """Named in the message."""
    found = dump("--root", tmp_path / "nothing")
    assert found["problem"] == "root-unusable"
    assert str(tmp_path / "nothing") in found["detail"]


def test_links_do_not_lead_out_of_the_root(tree):
    """An absolute link inside the root is absolute inside it."""
    root, _ = tree("el9")
    real = root / "etc/httpd/conf/httpd.conf"
    real.rename(root / "etc/httpd/main.conf")
    real.symlink_to("/etc/httpd/main.conf")
    assert dump("--root", root)["mpm"]["configured"] == "prefork"


def test_docs_layouts_md_is_what_the_table_says():
    """Written anew by tests/facts/layout_docs.py after a change."""
    page = pathlib.Path(__file__).parent.parent.parent / "docs/layouts.md"
    assert page.read_text() == layout_docs.render()


def test_every_layout_has_a_tree():
    """A row without a tree in tests/hosts is a row that nobody tried."""
    seen = {hosts.spec(name)["expect"]["layout"]["id"]
            for name in hosts.names()}
    rows = {line.split("**")[1] for line in layout_docs.render().splitlines()
            if line.startswith("| **")}
    assert rows - seen == set()


@pytest.mark.parametrize("name,advice", [
    ("gentoo", 'APACHE2_MPMS="event" into /etc/portage/make.conf'),
    ("source-static", "./configure --with-mpm=event && make"),
    ("freebsd-static", "the option MPM_EVENT"),
    ("slackware-static", "configure --with-mpm=event"),
    ("ea4", "ea-apache24-mod_mpm_event"),
])
def test_a_layout_without_a_mechanism_is_refused_by_name(tree, name, advice):
    """with what to type there, and nothing changes."""
    root, _ = tree(name)
    done = subprocess.run([BUILD / "bin/ea-mpm", "--root", root, "--json",
                           "switch", "event"], capture_output=True, text=True,
                          timeout=60)
    answer = json.loads(done.stdout)
    assert done.returncode == 3 and not answer["ok"]
    assert answer["problem"] in ("packages-unavailable", "static-mpm")
    assert advice in answer["detail"]
    assert not (root / "var/lib/ea-mpm/journal").exists()
