"""Builds the C helpers of the tests, once per test process."""

import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Wshadow",
         "-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror"]


def compiler():
    """The C compiler, or None."""
    return shutil.which(os.environ.get("CC") or "cc") or shutil.which("gcc")


def build(source, target, *flags):
    """Compile helpers/SOURCE to TARGET."""
    subprocess.run([compiler(), *FLAGS, *flags, "-o", target,
                    os.path.join(HERE, "helpers", source)], check=True)
    os.chmod(target, 0o755)
    return target
