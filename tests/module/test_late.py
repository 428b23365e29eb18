"""What a worker's modules get ready, and when: mod_proxy when a request needs
it, whichever way the request gets there."""

import pytest

import users
from roles import workers_of
from wait import wait_until

BACKENDS = 120
WAYS = ("/pass/x", "/rewritten/x", "/handler/x", "/included.shtml",
        "/error/none", "http://backend.test/x")


@pytest.fixture(scope="module")
def server(httpd_for_module):
    """A user's vhost that proxies in all ways, beside many that only pass;
    all backends are a vhost of the same server."""
    server = httpd_for_module("itkish", ["proxy", "proxy_http", "rewrite",
                                         "include"])
    user = f"#{users.numeric_uid()}"
    backend = f"http://127.0.0.1:{server.listen()}"
    behind = server.vhost(
        "backend.test", user, port=backend.rpartition(":")[2],
        extra=f"AliasMatch /x$ {server.root}/www/backend.test/x")
    behind.put("x", "from behind\n")
    host = server.vhost("own.test", user, extra=f"""
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
""")
    host.put("index.html", "static\n")
    host.put("handler/x", "in front\n")
    host.put("included.shtml", '<!--#include virtual="/pass/x" -->')
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
def test_every_way_to_a_backend_works_as_the_first(server, worker, way):
    """Nothing but a file came before this request."""
    assert server.get(way, "own.test").text == "from behind"
    assert worker.alive()


def test_other_hosts_backends_cost_only_workers_that_proxy(server, worker):
    """Of the pools of all these backends a worker has nothing until then."""
    before = worker.private_kib()
    assert before < 4 * BACKENDS
    assert server.get("/pass/x", "own.test").text == "from behind"
    assert worker.private_kib() > before + 8 * BACKENDS
