"""What modules get ready in children and workers, and when: mod_proxy when a
request needs it, whichever way the request gets there."""

import pytest

import users
from roles import by_role, workers_of
from wait import wait_until

BACKENDS = 120
WAYS = ("/pass/x", "/rewritten/x", "/handler/x", "/included.shtml",
        "/error/none", "http://backend.test/x")


def fill(host):
    """The files of a vhost that proxies, for everybody to read."""
    host.put("index.html", "static\n", 0o644)
    host.put("handler/x", "in front\n", 0o644)
    host.put("included.shtml", '<!--#include virtual="/pass/x" -->', 0o644)


@pytest.fixture(scope="module")
def server(httpd_for_module):
    """A user's vhost and one without a user that proxy in all ways, beside
    many that only pass; all backends are a vhost of the same server."""
    server = httpd_for_module("itkish", ["proxy", "proxy_http", "rewrite",
                                         "include"])
    user = f"#{users.numeric_uid()}"
    backend = f"http://127.0.0.1:{server.listen()}"
    behind = server.vhost(
        "backend.test", user, port=backend.rpartition(":")[2],
        extra=f"AliasMatch /x$ {server.root}/www/backend.test/x")
    behind.put("x", "from behind\n")
    for name, owner in (("own.test", user), ("plain.test", None)):
        fill(server.vhost(name, owner, extra=f"""
ProxyRequests On
ProxyRemote * {backend}
ProxyPass /pass/ {backend}/ disablereuse=on
RewriteEngine On
RewriteRule ^/rewritten/(.*)$ {backend}/$1 [P]
<Location /handler/>
    SetHandler "proxy:{backend}"
</Location>
<Location /error/>
    ErrorDocument 404 /pass/x
</Location>
Options +Includes
AddOutputFilter INCLUDES .shtml
"""))
    for n in range(BACKENDS):
        server.vhost(f"h{n}.test", extra=f"ProxyPass / {backend}/{n}/")
    return server.start()


@pytest.fixture
def worker(server):
    """The one worker there is: it is new, and has served a file only."""
    server.graceful()
    host = server.hosts["own.test"]
    wait_until(lambda: not workers_of(server, host), "the old workers gone")
    assert host.get("/index.html").text == "static"
    (worker,) = workers_of(server, host)
    return worker


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["own.test", "plain.test"])
def test_every_way_to_a_backend_works_as_the_first(server, worker, name, way):
    """No process has had more than a file to serve before this request."""
    assert server.get("/index.html", name).text == "static"
    assert server.get(way, name).text == "from behind"
    assert worker.alive()


def test_backends_cost_only_workers_that_proxy(server, worker):
    """Of the pools of all these backends a worker has nothing until then."""
    before = worker.private_kib()
    assert before < 4 * BACKENDS
    assert server.get("/pass/x", "own.test").text == "from behind"
    assert worker.private_kib() > before + 8 * BACKENDS


def test_backends_cost_only_children_that_proxy(server, worker):
    """Nor has a child that hands over what is proxied, or serves files."""
    def largest():
        return max(c.private_kib() for c in by_role(server)["child"])
    assert server.get("/index.html", "plain.test").text == "static"
    assert server.get("/pass/x", "own.test").text == "from behind"
    before = largest()
    assert before < 4 * BACKENDS
    assert server.get("/pass/x", "plain.test").text == "from behind"
    assert largest() > before + 8 * BACKENDS
    assert worker.alive()
