"""What a worker does with connections that it has answered."""

import time

from roles import workers_of
from wait import wait_until

GET = b"GET /pid.php HTTP/1.1\r\nHost: alice.test\r\nConnection: close\r\n\r\n"


def _server(httpd, uid, **tuning):
    server = httpd("itkish", ["php"], **tuning)
    server.php_ini()
    server.add("ItkishMaxWorkers 1")
    alice = server.vhost("alice.test", uid(), extra="LimitRequestBody 1000")
    alice.put("pid.php", "<?php echo getmypid();")
    alice.put("index.html", "alice")
    server.start()
    return server, alice


def _sockets(process):
    return [fd for fd, what in process.fds().items()
            if what.startswith("socket:")]


def test_clients_that_do_not_close_do_not_keep_the_worker(httpd, uid):
    """Twenty of them, one worker: a wait for each would take 40 seconds."""
    server, alice = _server(httpd, uid)
    kept, pids = [], set()
    began = time.monotonic()
    for _ in range(8):
        c = server.connect()
        c.send(GET)
        pids.add(c.reply().text)
        kept.append(c)
    assert time.monotonic() - began < 4
    for _ in range(12):
        c = server.connect()
        c.send(GET)
        pids.add(c.reply().text)
        c.close()
    assert len(pids) == 1
    worker, = workers_of(server, alice)
    wait_until(lambda: len(_sockets(worker)) <= 1, "the worker has closed all "
               "that its clients did not")
    for c in kept:
        assert c.rest() == b""
        c.close()


def test_an_answer_survives_a_body_that_nobody_wants(httpd, uid):
    """413 before the body was sent; the client sends all of it, then reads."""
    server, _ = _server(httpd, uid)
    for _ in range(5):
        with server.connect() as c:
            c.send(b"POST /pid.php HTTP/1.1\r\nHost: alice.test\r\n"
                   b"Content-Length: 400000\r\n\r\n")
            for _ in range(40):
                c.send(b"x" * 10000)
            assert c.reply().status == 413


def test_an_answer_survives_what_comes_after_the_request(httpd, uid):
    """A client sends more than it said, when the answer is there already."""
    server, alice = _server(httpd, uid)
    for _ in range(5):
        with server.connect() as c:
            c.send(GET.replace(b"pid.php", b""))
            wait_until(lambda: alice.get().status == 200, "the worker went on")
            c.send(b"and one more thing\r\n")
            assert c.reply().text == "alice"
