"""The conf tier: ea-mpm's own reading of a configuration against httpd's."""

import os
import pathlib
import shutil
import subprocess

import pytest

WALK = pathlib.Path(os.environ.get("BUILD", "build")) / "tests" / "walk"
HTTPD = shutil.which("apache2", path="/usr/sbin:/usr/bin") or shutil.which(
    "httpd", path="/usr/sbin:/usr/bin")
MODULES = next((d for d in ("/usr/lib/apache2/modules",
                            "/usr/lib64/httpd/modules",
                            "/usr/lib/httpd/modules")
                if os.path.isdir(d)), None)

# Carried out while httpd reads, so they are not in its tree.
READ = {"define", "undefine", "include", "includeoptional", "loadmodule",
        "serverroot", "defaultruntimedir", "use", "undefmacro"}


def _plain(name, args):
    """httpd prints the name as the module spells it, not as written."""
    return f"{name.lower()} {args}".strip()


class Server:
    """One configuration tree, asked of httpd and of ea-mpm."""

    def __init__(self, root):
        self.root = root
        self.conf = root / "httpd.conf"
        version = subprocess.run([HTTPD, "-v"], capture_output=True, text=True,
                                 check=True).stdout
        self.version = version.split("Apache/")[1].split()[0]
        listing = subprocess.run([HTTPD, "-l"], capture_output=True, text=True,
                                 check=True).stdout
        self.static = [line.strip() for line in listing.splitlines()[1:]]

    def prelude(self):
        return (f"ServerRoot {self.root}\nDefaultRuntimeDir {self.root}\n"
                f"PidFile {self.root}/pid\nErrorLog /dev/null\n"
                f"ServerName x\nListen 127.0.0.1:1\n"
                f"LoadModule info_module {MODULES}/mod_info.so\n"
                f"LoadModule macro_module {MODULES}/mod_macro.so\n")

    def ask_httpd(self, defines=(), options=()):
        """(files, directives, sections, modules, rc, stderr) by httpd."""
        argv = [HTTPD, "-t", "-f", str(self.conf), "-d", str(self.root)]
        for name in ["DUMP_INCLUDES", "DUMP_CONFIG", "DUMP_MODULES",
                     *defines]:
            argv += ["-D", name]
        argv += options
        done = subprocess.run(argv, capture_output=True, text=True,
                              errors="replace", timeout=60, check=False)
        files, directives, sections, modules = [], [], [], set()
        where, line = None, 0
        for text in done.stdout.splitlines():
            word = text.strip()
            if text.startswith("  (*) "):
                files.append((text[6:], 0))
            elif word.startswith("(") and where is None:
                number, path = word[1:].split(") ", 1)
                files.append((path, int(number)))
            elif word.startswith("# In file: "):
                where = word[11:]
            elif word.startswith("#") and word.endswith(":"):
                line = int(word[1:-1])
            elif word.endswith(("(static)", "(shared)")):
                if word.endswith("(shared)"):
                    modules.add(word.split()[0])
            elif word.startswith("</") or where is None:
                continue
            elif word and not word.startswith("Loaded Modules"):
                macro = where.startswith("macro ")
                entry = ("macro" if macro else where, 0 if macro else line,
                         _plain(*(word + " ").split(" ", 1)))
                (sections if word.startswith("<") else
                 directives).append(entry)
        return files, directives, sections, modules, done.returncode, \
            done.stderr

    def ask_us(self, defines=(), options=()):
        """The same, with notes instead of the return code."""
        argv = [str(WALK), "-d", str(self.root), "-v", self.version]
        for name in defines:
            argv += ["-D", name]
        for name in self.static:
            argv += ["-l", name]
        done = subprocess.run([*argv, *options, str(self.conf)], capture_output=True,
                              text=True, errors="replace", timeout=60,
                              check=True)
        files, directives, sections, modules, notes = [], [], [], set(), []
        for text in done.stdout.splitlines():
            kind, *rest = text.split("\t", 1)
            if kind == "file":
                path, line, _ = rest[0].split("\t")
                files.append((path, int(line)))
            elif kind == "directive":
                active, path, line, name, args = rest[0].split("\t", 4)
                if active == "1" and name.lower() not in READ:
                    directives.append((path, int(line),
                                       _plain(name, args)))
            elif kind == "section":
                active, condition, path, line, name, args = \
                    rest[0].split("\t", 5)
                if active == "1" and condition == "0":
                    sections.append((path, int(line),
                                     _plain("<" + name, args) + ">"))
            elif kind == "module":
                modules.add(rest[0])
            elif kind == "note":
                notes.append(rest[0].split("\t"))
        return files, directives, sections, modules, notes


@pytest.fixture
def server(tmp_path):
    if not HTTPD or not MODULES:
        pytest.skip("no httpd with modules on this machine")
    if not os.path.exists(f"{MODULES}/mod_info.so"):
        pytest.skip("httpd can print its tree only with mod_info")
    return Server(tmp_path)
