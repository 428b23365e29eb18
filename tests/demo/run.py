#!/usr/bin/env python3
"""A tour: the MPM shown, refused, switched, switched back and rolled back on
a throwaway server, then two virtual hosts that answer as two users.

Everything happens in namespaces over copies of this machine's directories
(tests/fixtures/sandbox.py); a digest of /etc before and after says that the
machine's own stayed as it was. Needs root.
"""

import glob
import hashlib
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fixtures import debian_tree                        # noqa: E402
from fixtures.cache import Unavailable                  # noqa: E402
from fixtures.sandbox import Sandbox                    # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD", HERE.parents[1] / "build"))
EA_MPM = BUILD / "bin/ea-mpm"


def digest(top="/etc"):
    """One number for every name, mode, owner and byte below TOP."""
    sha = hashlib.sha256()
    for path in sorted(pathlib.Path(top).rglob("*")):
        st = path.lstat()
        sha.update(f"{path} {st.st_mode} {st.st_uid} {st.st_gid}\n".encode(
            errors="surrogateescape"))
        if path.is_symlink():
            sha.update(os.fsencode(os.readlink(path)))
        elif path.is_file():
            sha.update(path.read_bytes())
    return sha.hexdigest()


class Tour:
    """Types commands into a sandbox and shows what they print."""

    def __init__(self, sb):
        self.sb = sb

    def say(self, text):
        print(f"\n# {text}", flush=True)

    def type(self, command, expect=0):
        """Run COMMAND as typed; its exit code must be EXPECT."""
        print(f"\n$ {command}", flush=True)
        done = self.sb.run(
            command, check=False, timeout=180,
            env={"PATH": f"{EA_MPM.parent}:/usr/local/sbin:/usr/local/bin:"
                         "/usr/sbin:/usr/bin:/sbin:/bin"})
        print(done.stdout + done.stderr, end="", flush=True)
        if done.returncode:
            print(f"[exit code {done.returncode}]")
        if done.returncode != expect:
            sys.exit(f"demo: exit code {done.returncode}, expected {expect}")
        return done.stdout

    def wait(self, url):
        self.sb.run(f"for i in $(seq 200); do curl -so /dev/null {url} && "
                    "exit 0; sleep 0.05; done; exit 1")


def debian_with_php():
    """The distribution's Apache as its mod_php package leaves it: prefork."""
    php = [re.search(r"libphp(.*)\.so", so).group(1)
           for so in glob.glob("/usr/lib/apache2/modules/libphp*.so")]
    sb = debian_tree.debian("prefork", [f"php{php[0]}"] if php else [])
    sb.write("/var/www/html/hello.php",
             "<?php echo 'PHP by ', php_sapi_name(), \"\\n\";\n")
    if php:
        sb.run(f"mkdir -p /run/php && php-fpm{php[0]}", check=False)
    return sb, "apache2ctl start", bool(php)


def tour(sb, start, php):
    t = Tour(sb)
    t.say("A server as the distribution installs it.")
    t.type(start)
    t.wait("http://127.0.0.1/")
    t.type("ea-mpm show")
    if php:
        t.type("curl -s http://127.0.0.1/hello.php")
        t.say("event is refused, and the reason told; nothing is touched.")
        t.type("ea-mpm check event", expect=3)
        t.type("ea-mpm switch event", expect=3)
        t.say("With PHP moved to php-fpm it goes: first only what would be "
              "done, then for real.")
        t.type("ea-mpm plan event --with php=fpm")
        t.type("ea-mpm switch event --with php=fpm")
        t.type("curl -s http://127.0.0.1/hello.php")
    else:
        t.type("ea-mpm check event")
        t.type("ea-mpm plan event")
        t.type("ea-mpm switch event")
    t.type("ea-mpm show")
    t.say("Back to prefork, and that undone, too.")
    t.type("ea-mpm switch prefork")
    t.type("ea-mpm rollback")
    t.type("ea-mpm history")
    return t


def main():
    if os.geteuid() != 0:
        sys.exit("demo: needs root, for the namespaces of its throwaway "
                 "server: sudo make demo")
    before = digest()
    try:
        if pathlib.Path("/usr/bin/dpkg").exists():
            made = debian_with_php()
        else:
            made = Sandbox(), "httpd -k start", False
    except Unavailable as e:
        sys.exit(f"demo: {e}")
    with made[0]:
        tour(*made)
    print("\n# mod_mpm_itkish: each virtual host under its own user.\n",
          flush=True)
    rc = subprocess.run([HERE / "itkish.sh"],
                        env={**os.environ, "BUILD": str(BUILD)}).returncode
    if rc not in (0, 77):
        sys.exit(f"demo: the module's part failed ({rc})")
    after = digest()
    print(f"\n# This machine's /etc before and after:\n{before}\n{after}")
    if before != after:
        sys.exit("demo: /etc changed")
    print("# Unchanged.")


if __name__ == "__main__":
    main()
