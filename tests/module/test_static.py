"""The module in an httpd whose MPM is compiled in, built from source."""

import os
import subprocess

import pytest

import env
from fixtures import httpd_builds
from fixtures.cache import Unavailable


@pytest.fixture
def static(httpd, monkeypatch, tmp_path):
    """static(mpm): a server of this tier on such an httpd."""
    def make(mpm):
        try:
            build = httpd_builds.static(mpm)
        except Unavailable as e:
            pytest.skip(str(e))
        place = str(build.files) + build.prefix
        monkeypatch.setenv("HTTPD", f"{place}/bin/httpd")
        monkeypatch.setenv("HTTPD_MODULES", f"{place}/modules")
        server = httpd("itkish")
        server.mpm = "none"             # no LoadModule line for one
        return server
    return make


def test_a_static_prefork_is_as_good_as_a_shared_one(static, uid):
    """It is accepted, and two users are served."""
    server = static("prefork")
    hosts = [server.vhost(f"{name}.test", uid()) for name in ("a", "b")]
    for host in hosts:
        host.put("index.html", host.name)
    assert server.configtest().returncode == 0
    server.start()
    for host in hosts:
        assert host.get().text == host.name
    server.graceful()
    assert hosts[0].get().text == hosts[0].name


def test_another_static_mpm_is_refused_by_name(httpd):
    """One sentence: what is compiled in, what to type."""
    try:
        build = httpd_builds.Build("bare-worker", [
            "--with-mpm=worker", "--enable-modules=none"])
    except Unavailable as e:
        pytest.skip(str(e))
    server = httpd("itkish")
    path = os.path.join(server.root, "conf/httpd.conf")
    with open(path, "w") as f:
        f.write(f"ServerRoot {server.root}\nListen 127.0.0.1:{server.port}\n"
                f"LoadModule mpm_itkish_module {env.itkish_module()}\n")
    done = subprocess.run(
        [f"{build.files}{build.prefix}/bin/httpd", "-t", "-f", path],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode != 0
    said = [x for x in done.stdout.splitlines() if "ea-mpm switch itk" in x]
    assert len(said) == 1 and "worker" in said[0], done.stdout
