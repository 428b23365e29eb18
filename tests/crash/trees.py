"""Small configuration trees, and what they are compared by."""

import hashlib
import os
import pathlib
import shutil
import stat

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
SHIM = BUILD / "tests/faultshim.so"
STATE = "var/lib/ea-mpm"


def snapshot(root, times=True):
    """{path: all that must come back} of a tree without the tool's own
    state. Directories count by mode and owner; what they hold counts by
    itself."""
    out = {}
    root = str(root)
    for here, dirs, files in os.walk(root):
        if here == root + "/var/lib" and "ea-mpm" in dirs:
            dirs.remove("ea-mpm")
        for name in dirs + files:
            path = f"{here}/{name}"
            st = os.lstat(path)
            what = [stat.S_IFMT(st.st_mode), st.st_uid, st.st_gid]
            if stat.S_ISLNK(st.st_mode):
                what.append(os.readlink(path))
            else:
                what.append(st.st_mode)
                what += [(n, os.getxattr(path, n))
                         for n in sorted(os.listxattr(path))]
            if stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    what.append(hashlib.sha256(f.read()).hexdigest())
            if times and not stat.S_ISDIR(st.st_mode):
                what.append(st.st_mtime_ns)
            out[path[len(root):]] = tuple(what)
    return out


def untimed(snap):
    """The same without times: what a switch makes is new."""
    return {path: what[:-1] if stat.S_IFMT(what[0]) != stat.S_IFDIR else what
            for path, what in snap.items()}


def write(root, path, text="", mode=0o644):
    where = pathlib.Path(root) / path.lstrip("/")
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_text(text)
    where.chmod(mode)
    return where


def links(root):
    """Debian's: links, their .conf, a cgi that follows, markers of the
    maintainer scripts; odd modes, owners, attributes and times."""
    etc = "etc/apache2"
    write(root, f"{etc}/apache2.conf",
          "IncludeOptional mods-enabled/*.load\n"
          "IncludeOptional mods-enabled/*.conf\n")
    for mpm in ("prefork", "worker", "event"):
        so = f"/usr/lib/apache2/modules/mod_mpm_{mpm}.so"
        write(root, so)
        write(root, f"{etc}/mods-available/mpm_{mpm}.load",
              f"LoadModule mpm_{mpm}_module {so}\n")
        write(root, f"{etc}/mods-available/mpm_{mpm}.conf", "# tuning\n")
    for name in ("cgi", "cgid"):
        write(root, f"{etc}/mods-available/{name}.load",
              f"LoadModule {name}_module /usr/lib/mod_{name}.so\n")
    enabled = pathlib.Path(root) / etc / "mods-enabled"
    enabled.mkdir()
    for name in ("mpm_prefork.load", "mpm_prefork.conf", "cgi.load"):
        (enabled / name).symlink_to(f"../mods-available/{name}")
        os.utime(enabled / name, ns=(10**18, 10**18 + 12345),
                 follow_symlinks=False)
    write(root, f"{etc}/mods-enabled/local.conf", "# a file of the admin\n",
          0o640)
    write(root, "var/lib/apache2/module/enabled_by_maint/mpm_prefork")
    write(root, "var/lib/apache2/module/enabled_by_maint/cgi")
    _age(root)


def lines(root):
    """EL's: one file with the three lines, one live elsewhere, CRLF and no
    final newline; odd modes, owners, attributes and times."""
    etc = "etc/httpd"
    write(root, "var/lib/rpm/Packages")
    modules = pathlib.Path(root) / etc / "modules"
    for mpm in ("prefork", "worker", "event"):
        write(root, f"{etc}/modules/mod_mpm_{mpm}.so")
    assert modules.is_dir()
    line = "LoadModule mpm_{0}_module modules/mod_mpm_{0}.so\r\n".format
    write(root, f"{etc}/conf.modules.d/00-mpm.conf",
          "# choose one\r\n#" + line("event") + "\r\n#" + line("worker")
          + "# end", 0o600)
    # Two files in one directory: they are exchanged together.
    write(root, f"{etc}/conf.modules.d/01-prefork.conf",
          line("prefork") + "# local", 0o604)
    write(root, f"{etc}/conf.modules.d/02-kept.conf", "# kept\n")
    write(root, f"{etc}/conf/httpd.conf",
          "Include conf.modules.d/*.conf\n"
          "<IfModule !mpm_prefork_module>\n"
          + line("worker").replace("\r", "") + "</IfModule>\n")
    _age(root)


def _age(root):
    """Times long ago, so that a new one is seen; owners that only root can
    give; an attribute where the file system has them."""
    for n, path in enumerate(sorted(pathlib.Path(root).rglob("*"))):
        if path.is_symlink() or path.is_dir():
            continue
        if os.geteuid() == 0:
            os.chown(path, 1000 + n, 2000 + n)
        try:
            os.setxattr(path, "user.note", b"\0keep\xff")
        except OSError:
            pass
        os.utime(path, ns=(10**18, 10**18 + n))


def copy(src, dst):
    """DST becomes SRC again, to the last bit."""
    if dst.exists():
        shutil.rmtree(dst)
    os.mkdir(dst)
    _copy_into(str(src), str(dst))


def _copy_into(src, dst):
    for entry in os.scandir(src):
        to = f"{dst}/{entry.name}"
        st = entry.stat(follow_symlinks=False)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), to)
        elif entry.is_dir():
            os.mkdir(to)
            _copy_into(entry.path, to)
            shutil.copystat(entry.path, to)
        else:
            shutil.copy2(entry.path, to)
        if os.geteuid() == 0:
            os.chown(to, st.st_uid, st.st_gid, follow_symlinks=False)
        os.utime(to, ns=(st.st_atime_ns, st.st_mtime_ns),
                 follow_symlinks=False)
