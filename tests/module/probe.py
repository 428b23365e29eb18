"""Stock httpd with the module's router beside it (helpers/mod_router_probe.c):
for each connection, what the router said and what httpd did."""

import collections
import glob
import os
import subprocess

import env
import helpers_build
from wait import wait_until

MODULE = os.path.join(env.TOP, "modules/mod_mpm_itkish")
SOURCES = ("mod_mpm_itkish_router.c", "mod_mpm_itkish_head.c",
           "mod_mpm_itkish_speaks.c", "mod_mpm_itkish_memo.c",
           "mod_mpm_itkish_patience.c",
           "itk_clienthello.c", "itk_head.c", "itk_plain.c",
           "itk_peek.c", "itk_proxyproto.c")

Answer = collections.namedtuple("Answer", "kind routed served status why")


def build(directory, *flags):
    """Compile the probe with the router's sources; the path of the .so."""
    target = os.path.join(directory, "mod_router_probe.so")
    cflags = subprocess.run(
        ["pkg-config", "--cflags", "apr-1", "apr-util-1"], check=True,
        capture_output=True, text=True).stdout.split()
    return helpers_build.build(
        "mod_router_probe.c", target, "-O2", "-shared", "-fPIC", "-I", MODULE,
        "-I", env._apxs("INCLUDEDIR"), *cflags, *flags,
        *[os.path.join(MODULE, source) for source in SOURCES])


class Probe:
    """Loads the probe into SERVER (before it starts) and reads its answers."""

    def __init__(self, server, *flags, timeout=None):
        self.path = os.path.join(server.root, "logs/router")
        self.read_to = 0
        self.waiting = {}
        server.add(f"LoadModule router_probe_module "
                   f"{build(server.root, *flags)}\n"
                   f"RouterProbeFile {self.path}\n")
        if timeout:
            server.add(f"RouterProbeTimeout {int(timeout * 1000)}\n")

    def _read(self):
        with open(self.path, "rb") as f:
            f.seek(self.read_to)
            data = f.read()
        data = data[:data.rfind(b"\n") + 1]
        self.read_to += len(data)
        for line in data.decode().splitlines():
            port, kind, routed, served, status, why = line.split(" ", 5)
            self.waiting[int(port)] = Answer(kind, routed, served,
                                             int(status), why)

    def answer(self, port):
        """What became of the connection from our PORT, once it has ended."""
        def there():
            self._read()
            return port in self.waiting
        wait_until(there, f"the answer for port {port}", 30, 0.0005)
        return self.waiting.pop(port)


def available():
    """Why the probe cannot be built here, or None."""
    if helpers_build.compiler() is None:
        return "needs a C compiler"
    if not glob.glob(os.path.join(env._apxs("INCLUDEDIR") or "/nonexistent",
                                  "httpd.h")):
        return "needs httpd's headers (apxs)"
    return None


def sanitizer():
    """The libasan that a server must preload for an instrumented module, or
    None."""
    done = subprocess.run([helpers_build.compiler(),
                           "-print-file-name=libasan.so"],
                          capture_output=True, text=True)
    path = os.path.realpath(done.stdout.strip())
    return path if os.path.isabs(done.stdout.strip()) and os.path.exists(path) \
        else None
