"""File systems that cannot do what the tool likes best, or that are full."""

import pathlib

import pytest

import trees

DRIVER = trees.BUILD / "tests/crashdriver"


@pytest.fixture
def box(sandbox):
    """A sandbox with a place to mount things at, and the trees' maker."""
    sb = sandbox()
    sb.run("mkdir -p /var/tmp/t && mount -t tmpfs -o mode=755 t /var/tmp/t "
           "&& mkdir /var/tmp/t/root")
    sb.tree = "/var/tmp/t/root"
    return sb


def plant(sb, kind, where=None):
    sb.run(["/usr/bin/python3", "-c",
            "import sys; sys.path.insert(0, sys.argv[1]); import trees; "
            "getattr(trees, sys.argv[2])(sys.argv[3])",
            pathlib.Path(trees.__file__).parent, kind, where or sb.tree])


def drive(sb, kind, *argv, root=None):
    done = sb.run([DRIVER, kind, root or sb.tree, *argv], check=False)
    return done.returncode, done.stdout


def listing(sb, root=None):
    """All of the tree but the tool's own state, as text."""
    return sb.run(f"cd {root or sb.tree} && find . -path ./var/lib/ea-mpm "
                  "-prune -o -type d -printf '%p/ %m %u %g\\n' -o -printf "
                  "'%p %y %l %m %u %g %T@\\n' | sort; "
                  "find . -path ./var/lib/ea-mpm -prune -o -type f -print | "
                  "sort | xargs md5sum").stdout


def enabled(sb, root=None):
    return sb.run(f"ls {root or sb.tree}/etc/apache2/mods-enabled"
                  ).stdout.split()


NEW = ["cgid.load", "local.conf", "mpm_event.conf", "mpm_event.load"]


def inode(sb, path):
    return sb.run(["stat", "-c", "%i", path]).stdout


def test_links_on_an_overlay_change_step_by_step(box):
    """A directory of the image cannot be exchanged; the links change all
    the same, and come back."""
    plant(box, "links")
    box.run("cd /var/tmp/t; mkdir up work over; mount -t overlay -o "
            "lowerdir=root,upperdir=up,workdir=work,redirect_dir=off "
            "o over")
    root = "/var/tmp/t/over"
    before = listing(box, root)
    assert drive(box, "links", "switch", "event", root=root)[0] == 0
    assert enabled(box, root) == NEW
    assert drive(box, "links", "rollback", root=root)[0] == 0
    assert listing(box, root) == before


def test_links_change_in_one_exchange_where_that_is_possible(box):
    """Seen by the directory being another one afterwards."""
    plant(box, "links")
    where = f"{box.tree}/etc/apache2/mods-enabled"
    before = inode(box, where)
    assert drive(box, "links", "switch", "event")[0] == 0
    assert enabled(box) == NEW
    assert inode(box, where) != before


def test_a_mods_enabled_that_is_a_mount_point_changes_step_by_step(box):
    """A volume mounted there stays mounted."""
    plant(box, "links")
    where = f"{box.tree}/etc/apache2/mods-enabled"
    box.run(f"mkdir /var/tmp/t/volume; cp -a {where}/. /var/tmp/t/volume; "
            f"mount --bind /var/tmp/t/volume {where}")
    assert drive(box, "links", "switch", "event")[0] == 0
    assert enabled(box) == NEW
    box.run(["mountpoint", "-q", where])


def test_linked_configuration_directories_are_changed_where_they_are(box):
    """mods-enabled and the whole of /etc/apache2 may be links."""
    plant(box, "links")
    box.run(f"cd {box.tree}/etc && mkdir ../srv && mv apache2/mods-enabled "
            "../srv/enabled && mv apache2 ../srv/conf && "
            "ln -s ../srv/conf apache2 && cd ../srv/conf && "
            "ln -s /srv/enabled mods-enabled && "
            "for n in mpm_prefork.load mpm_prefork.conf cgi.load; do "
            "ln -sfn /srv/conf/mods-available/$n ../enabled/$n; done")
    before = listing(box)
    assert drive(box, "links", "switch", "event") == (0, "")
    there = box.run(f"cd {box.tree}/srv/enabled && ls; "
                    "readlink mpm_event.load; "
                    f"ls -d {box.tree}/etc/apache2/ ../conf/mods-enabled; "
                    "test -L ../conf/mods-enabled").stdout.split()
    assert there[:4] == NEW
    # Two levels up from /srv/enabled there is no mods-available.
    assert there[4] == "../conf/mods-available/mpm_event.load"
    assert drive(box, "links", "rollback")[0] == 0
    assert listing(box) == before


@pytest.mark.parametrize("kind", ("lines", "links"))
def test_a_read_only_file_system_is_refused_and_unchanged(box, kind):
    """With the reason in words."""
    plant(box, kind)
    before = listing(box)
    box.run("mount -o remount,ro /var/tmp/t")
    code, text = drive(box, kind, "switch", "event")
    assert code == 1 and "Read-only file system" in text
    assert listing(box) == before


@pytest.mark.parametrize("kind", ("lines", "links"))
def test_a_read_only_configuration_is_undone(box, kind):
    """The state can be written, the configuration cannot."""
    plant(box, kind)
    before = listing(box)
    box.run(f"mount --bind {box.tree}/etc {box.tree}/etc && "
            f"mount -o remount,bind,ro {box.tree}/etc")
    code, text = drive(box, kind, "switch", "event")
    assert code in (4, 5) and "Read-only file system" in text
    box.run(f"umount {box.tree}/etc")
    assert drive(box, kind, "recover")[0] == 0
    assert listing(box) == before
    assert drive(box, kind, "switch", "event")[0] == 0


@pytest.mark.parametrize("kind", ("lines", "links"))
def test_a_full_disk_loses_nothing(box, kind):
    """Whatever room is left: nothing is changed, or all of it, or it is taken
    back; that never needs more room than there was."""
    plant(box, kind)
    before = listing(box)
    codes = set()
    for pages in range(0, 30):
        box.run(f"mkdir /var/tmp/s; mount -t tmpfs -o nr_blocks={pages + 60} "
                f"s /var/tmp/s && cp -a {box.tree} /var/tmp/s/root && "
                "mount -o remount,nr_blocks=$(( $(df -k --output=used "
                f"/var/tmp/s | tail -1) / 4 + {pages} )) /var/tmp/s")
        root = "/var/tmp/s/root"
        code, text = drive(box, kind, "switch", "event", root=root)
        codes.add(code)
        if code in (1, 4):
            assert "No space left" in text
            assert listing(box, root) == before, (pages, text)
        box.run("mount -o remount,nr_blocks=200 /var/tmp/s")
        assert drive(box, kind, "recover", root=root)[0] == 0
        if code:
            assert listing(box, root) == before, (pages, code, text)
        box.run("umount /var/tmp/s; rmdir /var/tmp/s")
        if code == 0:
            break
    assert {0, 1} <= codes <= {0, 1, 4}
    print(kind, "pages free until it went through:", pages, codes)


def test_a_single_mounted_file_is_told_and_undone(box):
    """As containers mount one httpd.conf: it cannot be replaced."""
    plant(box, "lines")
    before = listing(box)
    where = f"{box.tree}/etc/httpd/conf/httpd.conf"
    box.run(f"cp -a {where} /var/tmp/t/one; mount --bind /var/tmp/t/one "
            f"{where}")
    code, text = drive(box, "lines", "switch", "event")
    assert code == 4 and "mount point of its own" in text
    box.run(["umount", where])
    assert listing(box) == before


def test_attributes_acls_and_labels_survive_a_switch_and_a_rollback(box):
    """POSIX ACLs of a file, of its directory, and those that the directory
    would give to new files."""
    plant(box, "lines")
    modules = f"{box.tree}/etc/httpd/conf.modules.d"
    if box.run(["which", "setfacl"], check=False).returncode != 0:
        pytest.skip("setfacl (package acl) is not installed")
    box.run(f"setfacl -m u:33:rw {modules}/01-prefork.conf; setfacl -m u:33:"
            f"rwx,d:g:33:r {modules}")
    acls = box.run(f"getfacl {modules} {modules}/*").stdout
    before = listing(box)
    assert drive(box, "lines", "switch", "event")[0] == 0
    assert box.run(f"getfacl {modules} {modules}/*").stdout == acls
    assert drive(box, "lines", "rollback")[0] == 0
    assert listing(box) == before
    assert box.run(f"getfacl {modules} {modules}/*").stdout == acls
