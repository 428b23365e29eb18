"""The whole module under ASan and UBSan in a real server: what the unit tests
cannot reach, as it needs httpd and its processes."""

import os
import subprocess

import pytest

import env
import probe
import routing
import users


@pytest.fixture(scope="module")
def sanitized():
    """The path of an instrumented module; $ITKISH_MODULE names it."""
    if probe.sanitizer() is None:
        pytest.skip("needs the compiler's libasan")
    if env.missing("prefork"):
        pytest.skip(env.missing("prefork"))
    build = os.path.join(os.environ.get("BUILD")
                         or os.path.join(env.TOP, "build"), "san")
    target = os.path.join(build, "modules/mod_mpm_itkish.so")
    done = subprocess.run(["make", "-s", "SAN=1", f"BUILD={build}", target],
                          cwd=env.TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def test_no_process_of_the_module_touches_foreign_memory(httpd, sanitized,
                                                         monkeypatch):
    """Requests of every kind on four connections at once, through restarts:
    a finding ends its process, and the log shows it."""
    monkeypatch.setenv("ITKISH_MODULE", sanitized)
    server = httpd("itkish", ("ssl", "remoteip", "socache_shmcb",
                              "reqtimeout"), MaxRequestWorkers=40)
    server.env = {"LD_PRELOAD": probe.sanitizer(),
                  "ASAN_OPTIONS": "detect_leaks=0",
                  "UBSAN_OPTIONS": "print_stacktrace=1"}
    server.add("ItkishMaxWorkers 6\n")      # so that workers come and go
    known = {}
    topology = routing.Topology(server, lambda name: "#%d" % known.setdefault(
        name, users.numeric_uid()))
    server.start()
    seed = routing.fuzz_seed()
    answered = 0

    def judge(case):
        nonlocal answered
        _, reply = routing.exchange(topology.at[case[1]], case[2],
                                    patience=0.02)
        answered += bool(reply)
    tried = 0
    for _ in range(3):
        tried += routing.fuzz(routing.fuzz_seconds() / 4, seed + tried,
                              routing.PLAIN_ROLES + ("proxy",), judge, 4)
        server.graceful()
    print(f"ITK_FUZZ_SEED={seed}: {tried} inputs, {answered} answered")
    server.stop()
    said = server.said()
    assert "Sanitizer" not in said and "runtime error" not in said, \
        said[-5000:]
    server.log.expect(routing.LOUD, required=False)
    assert answered > tried / 2
    assert not server.log.problems()
