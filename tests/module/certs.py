"""A self-signed certificate, made once per test process."""

import os
import subprocess


def make_certificate(directory):
    """Write server.crt and server.key below DIRECTORY; return both paths."""
    crt, key = (os.path.join(directory, n) for n in ("server.crt",
                                                     "server.key"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", crt,
         "-days", "2", "-subj", "/CN=localhost",
         "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
         "subjectAltName=DNS:localhost,DNS:*.test"],
        check=True, capture_output=True)
    os.chmod(key, 0o600)
    return crt, key
