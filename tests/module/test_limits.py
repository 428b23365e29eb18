"""MaxClientsVHost and NiceValue."""

import os
import threading

import pytest

from wait import wait_until

WAIT = ("<?php touch(__DIR__ . '/in' . $_GET['n']); "
        "while (!file_exists(__DIR__ . '/go')) { usleep(5000); "
        "clearstatcache(); } echo 'went';")


def hold(server, host, count, first=0):
    """COUNT connections whose scripts run, numbered from FIRST."""
    held = []
    for n in range(first, first + count):
        c = server.connect()
        c.request(f"/wait.php?n={n}", host.name, close=True)
        held.append(c)
        wait_until(lambda n=n: os.path.exists(host.path(f"in{n}")),
                   "the script runs")
    return held


@pytest.mark.parametrize("extended", ["On", "Off"])
def test_the_limit_is_exact(httpd, uid, extended):
    """Three of four clients are let in, ExtendedStatus or not."""
    server = httpd("itkish", ["php"], ExtendedStatus=extended)
    server.php_ini()
    alice = server.vhost("alice.test", uid(), extra="MaxClientsVHost 3")
    bob = server.vhost("bob.test", uid())
    for host in (alice, bob):
        host.put("wait.php", WAIT)
        host.put("index.html", host.name)
    server.start()
    for round_ in range(3):
        held = hold(server, alice, 3, 3 * round_)
        server.log.expect("MaxClientsVhost reached for alice.test, refusing "
                          "client")
        for _ in range(3):
            assert alice.get().status == 503
        assert bob.get().text == bob.name
        alice.put("go", "")
        for c in held:
            assert c.reply().text == "went"
            c.close()
        os.unlink(alice.path("go"))
        wait_until(lambda: alice.get().status == 200, "room again")
        server.log.problems()


def test_an_idle_keep_alive_connection_counts(httpd, uid):
    """As with mpm-itk; closing it makes room."""
    server = httpd("itkish")
    alice = server.vhost("alice.test", uid(), extra="MaxClientsVHost 1")
    alice.put("index.html", alice.name)
    server.start()
    with server.connect() as c:
        assert c.ask("/", alice.name).status == 200
        server.log.expect("MaxClientsVhost reached for alice.test")
        assert alice.get().status == 503
        assert c.ask("/", alice.name).status == 200
    wait_until(lambda: alice.get().status == 200, "room again")


def test_killed_workers_leave_no_count_behind(httpd, uid):
    """A limit of two holds after six workers were killed."""
    server = httpd("itkish", ["php"])
    server.php_ini()
    alice = server.vhost("alice.test", uid(), extra="MaxClientsVHost 2")
    alice.put("wait.php", WAIT)
    alice.put("index.html", alice.name)
    alice.put("die.php", "<?php posix_kill(getmypid(), 9);")
    server.start()
    server.log.expect(r"itk-|died|signal", required=False)
    for _ in range(6):
        assert server.raw(b"GET /die.php HTTP/1.1\r\nHost: alice.test\r\n"
                          b"Connection: close\r\n\r\n") == b""
    assert alice.get().status == 200
    held = hold(server, alice, 2)
    server.log.expect("MaxClientsVhost reached", required=False)
    wait_until(lambda: alice.get().status == 503, "the limit holds")
    alice.put("go", "")
    for c in held:
        assert c.reply().text == "went"
        c.close()


@pytest.mark.parametrize("kind", ["mpm_itk", "itkish"])
def test_the_nice_value_is_the_vhosts(httpd, uid, kind):
    """Positive, negative and none; a script sees it."""
    if kind == "itkish" and not _may_be_nicer():
        pytest.skip("needs CAP_SYS_NICE")
    server = httpd(kind, ["php"])
    server.php_ini(extensions=("posix", "ffi"))
    server.add("")
    for name, extra in (("slow", "NiceValue 7"), ("fast", "NiceValue -3"),
                        ("none", "")):
        host = server.vhost(f"{name}.test", uid(), extra=extra)
        host.put("nice.php", "<?php echo FFI::cdef('int getpriority(int, "
                 "unsigned);')->getpriority(0, 0);")
    server.start()
    for name, nice in (("slow", 7), ("fast", -3), ("none", 0)):
        assert server.get("/nice.php", f"{name}.test").text == str(nice)


def _may_be_nicer():
    before = os.getpriority(os.PRIO_PROCESS, 0)
    answer = []

    def attempt():
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -1)
            answer.append(True)
        except OSError:
            answer.append(False)
    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return answer[0] and os.getpriority(os.PRIO_PROCESS, 0) == before


def test_the_main_servers_limit_holds_for_vhosts_without_one(httpd, uid):
    """Inherited by a vhost with a user and by one without; 0 lifts it."""
    server = httpd("itkish")
    server.add("MaxClientsVHost 1")
    hosts = [server.vhost("alice.test", uid(), extra="NiceValue 3"),
             server.vhost("plain.test"),
             server.vhost("free.test", uid(), extra="MaxClientsVHost 0")]
    for host in hosts:
        host.put("index.html", host.name)
    server.start()
    for host in hosts:
        limited = host.name != "free.test"
        with server.connect() as c:
            assert c.ask("/", host.name).status == 200
            if limited:
                server.log.expect(f"MaxClientsVhost reached for {host.name}")
            assert host.get().status == (503 if limited else 200)
        wait_until(lambda h=host: h.get().status == 200, "room again")


def test_a_nice_value_without_a_user(httpd, uid):
    """The vhost runs as User, with its own priority, in its own workers."""
    server = httpd("itkish", ["php"])
    server.php_ini()
    for name, extra in (("slow", "NiceValue 9"), ("plain", "")):
        host = server.vhost(f"{name}.test", extra=extra)
        host.put("nice.php", "<?php echo posix_geteuid(), ' ', FFI::cdef('int "
                 "getpriority(int, unsigned);')->getpriority(0, 0);")
    server.vhost("alice.test", uid())
    server.start()
    www = server.hosts["plain.test"].uid
    assert server.get("/nice.php", "slow.test").text == f"{www} 9"
    assert server.get("/nice.php", "plain.test").text == f"{www} 0"
