"""Directives: arguments, contexts, merging; mpm-itk is the reference."""

import os

import pytest

import users
from roles import by_role

BOTH = pytest.mark.parametrize("kind", ["mpm_itk", "itkish"])


def _line(server, text):
    """Put TEXT at the end of the configuration; returns its line number."""
    server.add(text)
    return len(server.config().rstrip("\n").splitlines())


def _refused(server, text, *words):
    number = _line(server, text)
    done = server.configtest()
    assert done.returncode != 0, done.stdout
    for word in (f"line {number} of {server.root}/conf/httpd.conf:", *words):
        assert word in done.stdout, done.stdout


@BOTH
def test_a_configuration_of_mpm_itk_loads_unchanged(httpd, uid, accounts,
                                                    kind):
    """Every directive of mpm-itk as people write it, then a request."""
    server = httpd(kind, Include=os.devnull)
    a, b = accounts
    server.add(f"""
<IfModule mpm_{'itk' if kind == 'mpm_itk' else 'itkish'}_module>
    LimitUIDRange 1 4294967290
    LimitGIDRange 1 4294967290
    EnableCapabilities On
    MaxClientsVHost 50
</IfModule>""")
    one = server.vhost("one.test", a.pw_name,
                       extra="MaxClientsVHost 20\nNiceValue 5")
    two = server.vhost("two.test", b.pw_name,
                       extra="<IfModule !none_module>\nassignuserid "
                       f"{b.pw_name} {b.pw_name}\n</IfModule>")
    for host in (one, two):
        host.put("index.html", host.name)
    assert server.configtest().returncode == 0
    server.start()
    assert (one.get().text, two.get().text) == ("one.test", "two.test")


@BOTH
def test_a_vhost_inherits_the_main_servers_user(httpd, kind):
    """AssignUserID of the main server holds until a vhost says its own."""
    server = httpd(kind, ["php"])
    server.php_ini()
    outer, inner = users.numeric_uid(), users.numeric_uid()
    server.add(f"AssignUserID #{outer} #{outer}")
    heir = server.vhost("heir.test", extra="ServerAlias x.test")
    own = server.vhost("own.test", f"#{inner}")
    for host in (heir, own):
        host.put("id.php", "<?php echo posix_geteuid();", 0o644)
    server.start()
    assert heir.get("/id.php").text == str(outer)
    assert own.get("/id.php").text == str(inner)


@BOTH
def test_supplementary_groups_are_the_users(httpd, accounts, kind):
    """initgroups: the shared group of the account, nothing of the server."""
    server = httpd(kind, ["php"])
    server.php_ini()
    account = accounts[0]
    host = server.vhost("a.test", account.pw_name)
    host.put("id.php", "<?php echo implode(' ', posix_getgroups());")
    server.start()
    groups = set(map(int, host.get("/id.php").text.split()))
    assert groups == set(os.getgrouplist(account.pw_name, host.gid))
    assert len(groups) == 2


@BOTH
@pytest.mark.parametrize("text", ["AssignUserID onlyuser",
                                  "AssignUserID a b c", "AssignUserID",
                                  "LimitUIDRange 5", "EnableCapabilities 3",
                                  "MaxClientsVHost", "NiceValue 1 2"])
def test_wrong_numbers_of_arguments(httpd, kind, text):
    """Refused by httpd itself, with file and line."""
    _refused(httpd(kind), text, text.split()[0])


@BOTH
@pytest.mark.parametrize("name", ["LimitUIDRange 1000 2000",
                                  "LimitGIDRange 1000 2000",
                                  "EnableCapabilities On"])
def test_directives_for_the_main_server_only(httpd, kind, name):
    """Not in a virtual host."""
    server = httpd(kind)
    server.add(f"<VirtualHost *:{server.port}>\nServerName a.test\n{name}\n"
               "</VirtualHost>")
    done = server.configtest()
    assert done.returncode != 0
    assert "cannot occur within" in done.stdout


@BOTH
@pytest.mark.parametrize("line", ["AssignUserID #61001 #61001",
                                  "NiceValue 3", "MaxClientsVHost 3",
                                  "AssignUserIDExpr alice"])
def test_htaccess_may_not_set_them(httpd, uid, kind, line):
    """A user cannot choose a user: 500, and the log says where."""
    server = httpd(kind)
    host = server.vhost("a.test", uid())
    host.put("d/index.html", "never\n")
    host.put("d/.htaccess", line + "\n")
    server.start()
    server.log.expect(rf"{host.docroot}/d/.htaccess: {line.split()[0]} "
                      "(not allowed|cannot occur|is not allowed)")
    assert host.get("/d/index.html").status == 500


@pytest.mark.parametrize("line, words", [
    ("AssignUserID nosuchuser www-data", ["nosuchuser"]),
    ("AssignUserID www-data nosuchgroup", ["nosuchgroup"]),
    ("AssignUserID #x #1000", ["#x"]),
    ("AssignUserID #99999999999 #1000", ["99999999999"]),
    ("AssignUserID #-1 #1000", ["-1"]),
    ("AssignUserID #4294967295 #1000", ["4294967295"]),
    ("AssignUserID root root", ["root"]),
    ("AssignUserID #0 #1000", ["0"]),
    ("AssignUserID #1000 #0", ["0"]),
    ("LimitUIDRange x 5", ["LimitUIDRange"]),
    ("LimitUIDRange 2000 1000", ["LimitUIDRange"]),
    ("LimitGIDRange -5 1000", ["LimitGIDRange"]),
    ("LimitGIDRange 1 many", ["LimitGIDRange"]),
    ("MaxClientsVHost many", ["MaxClientsVHost"]),
    ("NiceValue kind", ["NiceValue"]),
    ("ItkishMaxWorkers 0", ["ItkishMaxWorkers"]),
    ("ItkishMaxWorkers x", ["ItkishMaxWorkers"]),
    ("ItkishIdleTimeout soon", ["ItkishIdleTimeout"]),
    ("ItkishMinSpare -1", ["ItkishMinSpare"]),
    ("ItkishConnectionsPerWorker x", ["ItkishConnectionsPerWorker"]),
    ("ItkishQueueTimeout never", ["ItkishQueueTimeout"]),
])
def test_bad_values_are_refused_with_file_and_line(httpd, line, words):
    """No exit from inside a library: an error that says where and what."""
    _refused(httpd("itkish"), line, *words)


@pytest.mark.parametrize("line", [
    "ItkishMaxWorkers 64", "ItkishIdleTimeout 30", "ItkishMinSpare 0",
    "ItkishConnectionsPerWorker 1000", "ItkishQueueTimeout 5",
    "NiceValue -5", "MaxClientsVHost 0", "EnableCapabilities Off",
    "LimitUIDRange 1 9999999999999999", "ItkishQueueTimeout 250ms"])
def test_good_values_are_accepted(httpd, uid, line):
    """Each alone beside a vhost with a user."""
    server = httpd("itkish")
    server.vhost("a.test", uid())
    server.add(line)
    done = server.configtest()
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("directive", ["LimitUIDRange", "LimitGIDRange"])
def test_a_user_outside_the_range_is_refused(httpd, directive):
    """At configtest, not as an error 500 to visitors."""
    server = httpd("itkish")
    server.add(f"{directive} 1000 2000")
    server.vhost("a.test", "#5000")
    done = server.configtest()
    assert done.returncode != 0
    assert directive in done.stdout and "5000" in done.stdout


def test_root_needs_a_range_that_says_so(httpd):
    """Uid and gid 0 only where both ranges start with 0."""
    server = httpd("itkish")
    server.vhost("a.test", "#0").put("index.html", "root\n")
    assert server.configtest().returncode != 0
    server.add("LimitUIDRange 0 100000")
    assert server.configtest().returncode != 0
    server.add("LimitGIDRange 0 100000")
    assert server.configtest().returncode == 0


def test_ranges_leave_the_children_alone(httpd):
    """Ranges that exclude User do not turn the children into root."""
    server = httpd("itkish")
    server.add("LimitUIDRange 5000 6000\nLimitGIDRange 5000 6000")
    host = server.vhost("a.test", "#5001")
    host.put("index.html", "a\n")
    server.start()
    assert host.get().text == "a"
    roles = by_role(server)
    assert len(roles["child"]) >= 2
    assert all(p.uid not in (0, host.uid) for p in roles["child"])


@pytest.mark.parametrize("kind_of_section", ["Directory", "Location"])
def test_a_user_in_a_section_is_refused_clearly(httpd, uid, kind_of_section):
    """Until it works it is an error with file and line, never ignored."""
    server = httpd("itkish")
    server.vhost("a.test", uid())
    server.add(f"<{kind_of_section} />\nAssignUserID #5001 #5001\n"
               f"</{kind_of_section}>")
    number = len(server.config().splitlines()) - 1
    done = server.configtest()
    assert done.returncode != 0
    assert f"line {number} of " in done.stdout
    assert "AssignUserID" in done.stdout


@pytest.mark.parametrize("line", ["AssignUserIDExpr %{reqenv:WHO}",
                                  "AssignGroupIDExpr %{reqenv:WHO}"])
def test_expressions_are_refused_clearly(httpd, uid, line):
    """Parsed, and refused with file and line."""
    server = httpd("itkish")
    server.vhost("a.test", uid())
    _refused(server, line, line.split()[0])


def test_a_bad_expression_is_named(httpd):
    """A syntax error is reported as such."""
    _refused(httpd("itkish"), "AssignUserIDExpr %{nonsense", "AssignUserIDExpr")
