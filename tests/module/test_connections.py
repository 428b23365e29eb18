"""Connections of every shape: whoever answers is the user of that vhost."""

import hashlib
import random
import socket

import pytest

import users
from client import Closed

REFUSED = (400, 421, 503)


@pytest.fixture(scope="module", params=["mpm_itk", "itkish"])
def server(request, httpd_for_module):
    """Two vhosts with a user and one without, plain, TLS and IPv6."""
    server = httpd_for_module(request.param, ["php", "ssl", "socache_shmcb"],
                              KeepAliveTimeout=10)
    server.php_ini()
    server.tls_port = server.listen(protocol="https")
    server.v6_port = server.listen("::1")
    server.add("SSLSessionCache shmcb:run/ssl(512000)")
    for name in ("alice", "bob", "plain"):
        user = f"#{users.numeric_uid()}" if name != "plain" else None
        host = server.vhost(f"{name}.test", user)
        host.put("index.html", f"{name}\n")
        host.put("id.php", "<?php echo posix_geteuid(), ' ', "
                 "$_SERVER['SERVER_NAME'];")
        host.put("echo.php", "<?php echo posix_geteuid(), ' ', "
                 "md5(file_get_contents('php://input'));")
        crt, key = server.certificate()
        assign = f"AssignUserID {user} {user}" if user else ""
        for port in (server.tls_port, server.v6_port):
            tls = (f"SSLEngine on\nSSLCertificateFile {crt}\n"
                   f"SSLCertificateKeyFile {key}\n"
                   if port == server.tls_port else "")
            server.add(f"<VirtualHost *:{port}>\nServerName {name}.test\n"
                       f"DocumentRoot {host.docroot}\n{assign}\n{tls}"
                       "</VirtualHost>\n")
    server.start()
    server.ids = {f"{n}.test": server.hosts[f"{n}.test"].uid
                  for n in ("alice", "bob", "plain")}
    return server


def _right(server, reply, host):
    """The answer is either a refusal or exactly the host's own."""
    if reply.status in REFUSED:
        return False
    assert reply.status == 200
    assert reply.text.split() == [str(server.ids[host]), host]
    return True


def _log_may_say(server):
    server.log.expect(r"itkmpm|itkish|Couldn't set uid|AH02032|"
                      "most likely due to", required=False)


def test_keep_alive_serves_many_requests(server):
    """One connection, one user, many requests; the ids never change."""
    with server.connect() as c:
        for _ in range(30):
            assert _right(server, c.ask("/id.php", "alice.test"),
                          "alice.test")


@pytest.mark.parametrize("first", ["alice.test", "bob.test", "plain.test"])
@pytest.mark.parametrize("then", ["alice.test", "bob.test", "plain.test"])
def test_keep_alive_to_another_user_is_never_served_wrongly(server, first,
                                                            then):
    """A second request for another vhost: its own user, or no answer."""
    _log_may_say(server)
    with server.connect() as c:
        assert _right(server, c.ask("/id.php", first), first)
        try:
            served = _right(server, c.ask("/id.php", then), then)
        except Closed:
            served = False
    if first == then:
        assert served


def test_pipelined_requests_of_several_users(server):
    """Requests sent at once are answered in order, each by its own user."""
    _log_may_say(server)
    for order in (["alice", "bob"], ["bob", "plain", "alice"],
                  ["plain", "alice", "plain"], ["alice"] * 5):
        with server.connect() as c:
            c.send(b"".join(
                f"GET /id.php HTTP/1.1\r\nHost: {n}.test\r\n\r\n".encode()
                for n in order))
            answered = 0
            for name in order:
                try:
                    reply = c.reply()
                except Closed:
                    break
                answered += _right(server, reply, f"{name}.test")
            assert answered >= 1
            if len(set(order)) == 1:
                assert answered == len(order)


def test_a_random_mixture_never_crosses_users(server):
    """400 requests over kept connections to random hosts."""
    _log_may_say(server)
    rng = random.Random(7)
    served = 0
    for _ in range(60):
        with server.connect(sni=None) as c:
            for _ in range(rng.randint(1, 12)):
                host = rng.choice(list(server.ids))
                try:
                    served += _right(server, c.ask("/id.php", host), host)
                except Closed:
                    break
    assert served >= 60


def test_a_body_arrives_whole(server):
    """A POST of 300 KB reaches the script of the right user, byte for byte."""

    body = random.Random(1).randbytes(300_000)
    reply = server.get("/echo.php", "bob.test", method="POST", body=body)
    assert reply.text == (f"{server.ids['bob.test']} "
                          f"{hashlib.md5(body).hexdigest()}")


def test_a_head_that_comes_byte_by_byte(server):
    """The Host line may arrive in single bytes."""
    for name in ("alice.test", "bob.test"):
        with server.connect() as c:
            for byte in (f"GET /id.php HTTP/1.1\r\nX: {'y' * 20}\r\n"
                         f"Host: {name}\r\nConnection: close\r\n\r\n"):
                c.send(byte.encode())
            assert _right(server, c.reply(), name)


def test_a_long_head_before_the_host_line(server):
    """24 KB of headers before Host."""
    for name in ("alice.test", "bob.test", "plain.test"):
        lines = "".join(f"X-{n}: {'z' * 500}\r\n" for n in range(48))
        with server.connect() as c:
            c.send(f"GET /id.php HTTP/1.1\r\n{lines}Host: {name}\r\n"
                   "Connection: close\r\n\r\n".encode())
            assert _right(server, c.reply(), name)


def test_tls_with_a_name(server):
    """SNI picks the user before a byte is decrypted."""
    for name in server.ids:
        with server.connect(server.tls_port, sni=name) as c:
            for _ in range(3):
                assert _right(server, c.ask("/id.php", name), name)


def test_tls_without_a_name_is_never_served_wrongly(server):
    """No SNI: the right user, or no answer."""
    _log_may_say(server)
    for name in server.ids:
        try:
            with server.connect(server.tls_port, sni=False) as c:
                _right(server, c.ask("/id.php", name), name)
        except (Closed, OSError):
            assert server.kind == "itkish"


@pytest.mark.parametrize("sni", ["alice.test", "bob.test", "plain.test",
                                 "unknown.test"])
def test_tls_name_and_host_differ(server, sni):
    """SNI says one vhost, Host another: the right user, or no answer."""
    _log_may_say(server)
    for name in server.ids:
        try:
            with server.connect(server.tls_port, sni=sni) as c:
                served = _right(server, c.ask("/id.php", name), name)
                if name == sni:
                    assert served
                if server.kind == "itkish" and name != sni \
                        and sni != "unknown.test":
                    assert not served
        except (Closed, OSError):
            assert name != sni


def test_plain_http_on_the_tls_port(server):
    """httpd's own answer, and the server goes on."""
    server.log.expect("speaking plain HTTP|itkish", required=False)
    assert b"400" in server.raw(b"GET / HTTP/1.1\r\nHost: bob.test\r\n\r\n",
                                server.tls_port)[:40]
    assert server.get("/", "bob.test").text == "bob"


def test_ipv6(server):
    """A connection to ::1 is served by the vhost's user."""
    for name in server.ids:
        assert _right(server, server.get("/id.php", name, server.v6_port,
                                         address="::1"), name)


def test_clients_that_leave(server):
    """Connections closed at every stage cost nothing and block nobody."""
    head = b"GET /id.php HTTP/1.1\r\nHost: alice.test\r\n\r\n"
    for cut in (0, 1, 4, 20, len(head) - 1, len(head)):
        for reset in (False, True):
            c = server.connect()
            c.send(head[:cut])
            if reset:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  b"\1\0\0\0\0\0\0\0")
            c.close()
    assert _right(server, server.get("/id.php", "alice.test"), "alice.test")


@pytest.mark.parametrize("kind", ["mpm_itk", "itkish"])
def test_vhosts_of_one_user_share_connections(httpd, uid, kind):
    """Keep-alive from one to the other goes on, plain and TLS."""
    server = httpd(kind, ["ssl", "socache_shmcb"])
    server.tls_port = server.listen(protocol="https")
    server.add("SSLSessionCache shmcb:run/ssl(512000)")
    user = uid()
    crt, key = server.certificate()
    for name in ("one.test", "two.test"):
        host = server.vhost(name, user)
        host.put("index.html", name)
        server.add(f"<VirtualHost *:{server.tls_port}>\nServerName {name}\n"
                   f"DocumentRoot {host.docroot}\nAssignUserID {user} {user}"
                   f"\nSSLEngine on\nSSLCertificateFile {crt}\n"
                   f"SSLCertificateKeyFile {key}\n</VirtualHost>")
    server.vhost("other.test", uid())
    server.start()
    for port, sni in ((server.port, None), (server.tls_port, "one.test")):
        with server.connect(port, sni=sni) as c:
            for name in ("one.test", "two.test", "one.test"):
                assert c.ask("/", name).text == name
    with server.connect(server.tls_port, sni=False) as c:
        assert c.ask("/", "two.test").text == "two.test"
