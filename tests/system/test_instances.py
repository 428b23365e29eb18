"""Several servers of one machine that share the files of the MPM: all are
restarted and verified, or everything is as it was."""

import shutil

import pytest

from fixtures import cache, hosts, laid_out

SETUP = "/usr/share/doc/apache2/examples/setup-instance"


def debian_instance(m, name, port, shared=True):
    """apache2@NAME as Debian's own script makes it; with SHARED its modules
    are the first server's."""
    m.run(["sh", SETUP, name])
    etc = f"/etc/apache2-{name}"
    m.write(f"{etc}/ports.conf", f"Listen {port}\n")
    m.run(f"sed -i 's/:80>/:{port}>/' {etc}/sites-available/*.conf")
    if shared:
        m.run(f"rm -r {etc}/mods-enabled && "
              f"ln -s ../apache2/mods-enabled {etc}/mods-enabled")
    m.run(["systemctl", "start", f"apache2@{name}"])
    assert m.get(f"http://127.0.0.1:{port}/")[0] == 200


def main_pid(m, unit):
    return m.run(["systemctl", "show", "-p", "MainPID", "--value",
                  unit]).stdout.strip()


def runs(m, instance, mpm):
    shown = m.tool("--instance", instance, "show")[1]["data"]["mpm"]
    return shown["running"] == mpm == shown["configured"] \
        and not shown["pending"]


def files(m):
    return m.run("cd / && find etc/apache2* var/lib/apache2 -type f -exec "
                 "sha256sum {} + -o -type l -printf '%p %l\\n' | sort").stdout


def without_php(m):
    m.run("cd /etc/apache2/mods-enabled && for m in php*.load; do "
          "a2dismod -q -f ${m%.load}; done; systemctl restart apache2")


@pytest.fixture
def shared(installed):
    m = installed()
    without_php(m)
    debian_instance(m, "shop", 8081)
    return m


def test_an_instance_that_shares_the_modules_is_switched_too(shared):
    """A new main process, the new MPM, and it answers; rollback as well. One
    with modules of its own is not touched."""
    m = shared
    debian_instance(m, "alone", 8082, shared=False)
    before = files(m)
    old = {u: main_pid(m, f"apache2@{u}") for u in ("shop", "alone")}
    _, answer = m.tool("switch", "event")
    told = {f["problem"] for f in answer["data"]["findings"]}
    assert "shared-with-unit" in told
    assert m.mpm_answers("event") and runs(m, "shop", "event")
    assert m.get("http://127.0.0.1:8081/")[0] == 200
    assert main_pid(m, "apache2@shop") != old["shop"]
    assert main_pid(m, "apache2@alone") == old["alone"]
    assert runs(m, "alone", "prefork")
    m.run(["systemctl", "reload", "apache2@shop", "apache2"])
    assert runs(m, "shop", "event") and m.mpm_answers("event")
    m.tool("rollback")
    assert files(m) == before
    assert m.mpm_answers("prefork") and runs(m, "shop", "prefork")


def test_an_instance_that_fails_takes_everything_back(shared):
    """Its own file is wrong under event only, which the check of the first
    server cannot see: both end as they were, running."""
    m = shared
    m.write("/etc/apache2-shop/conf-enabled/trap.conf",
            "<IfModule mpm_event_module>\nListen 192.0.2.1:81\n"
            "</IfModule>\n")
    before = files(m)
    code, answer = m.tool("switch", "event", check=False)
    assert code == 4 and answer["data"]["rolled_back"], answer
    assert "apache2@shop.service" in answer["detail"]
    assert files(m) == before
    assert m.mpm_answers("prefork") and runs(m, "shop", "prefork")
    assert m.get("http://127.0.0.1:8081/")[0] == 200
    assert m.active("apache2@shop") == "active"


def test_an_instance_that_runs_alone_follows_as_well(shared):
    """The first server is stopped, its instance runs on the same files."""
    m = shared
    m.run(["systemctl", "stop", "apache2"])
    m.tool("switch", "event")
    assert runs(m, "shop", "event")
    assert m.active("apache2") == "inactive"


def test_without_a_restart_it_is_said_what_to_type(shared):
    m = shared
    _, answer = m.tool("switch", "event", "--no-restart")
    assert "systemctl restart apache2@shop.service" \
        in answer["data"]["restart_with"]
    shown = m.tool("--instance", "shop", "show")[1]["data"]["mpm"]
    assert shown["pending"] and shown["running"] == "prefork"


def test_a_killed_switch_is_recovered_with_its_instances(shared):
    """Killed once the first server runs the new MPM and the instance does
    not yet."""
    m = shared
    m.write("/etc/systemd/system/apache2@shop.service.d/slow.conf",
            "[Service]\nExecStartPre=/bin/sh -c 'while [ -e /run/hold ]; do "
            "sleep 0.1; done'\nTimeoutStartSec=60\n")
    m.run("systemctl daemon-reload; touch /run/hold")
    tool = m.popen(["sh", "-c", "echo $$ >/run/tool.pid; "
                    "exec ea-mpm switch event --no-rehearsal"])
    m.run("until [ \"$(systemctl show -p ActiveState --value apache2@shop)\" "
          "= activating ]; do sleep 0.05; done", timeout=60)
    m.run("kill -KILL $(cat /run/tool.pid)")
    tool.wait(timeout=30)
    m.run("rm /run/hold")
    m.tool("recover")
    shown = m.show()["mpm"]
    assert shown["running"] == shown["configured"] and not shown["pending"]
    assert runs(m, "shop", shown["configured"])
    assert m.mpm_answers(shown["configured"])


UNIT = """[Unit]
After=network.target
[Service]
Type=simple
ExecStart=/usr/sbin/httpd -DFOREGROUND{args}
KillSignal=SIGTERM
KillMode=mixed
"""


def red_hat(m):
    """Red Hat's layout with a real httpd, and httpd@shop on conf/shop.conf,
    which reads the same conf.modules.d."""
    built = laid_out.builds()
    tree = hosts.HOSTS / "el9/tree"
    for path in ("etc/httpd",):
        shutil.copytree(tree / path, m.path(path), symlinks=True)
    shutil.copy(built / "httpd/el9/httpd", m.path("/usr/sbin/httpd"))
    modules = m.path("/usr/lib64/httpd/modules")
    shutil.copytree(built / "files/usr/local/apache2/modules", modules)
    m.run("cd /etc/httpd && rm -f modules logs run && "
          "ln -s /usr/lib64/httpd/modules modules && "
          "mkdir -p logs run && rm -rf conf.d/* && "
          "useradd -r apache && mkdir -p /var/www/html && "
          "touch /etc/mime.types")
    loads = "".join(
        f"LoadModule {n}_module modules/mod_{n}.so\n" for n in
        "authz_core authz_host alias dir mime log_config unixd".split())
    m.write("/etc/httpd/conf.modules.d/00-base.conf", loads)
    m.run("cd /etc/httpd/conf.modules.d && ls | grep -v -e 00-base.conf "
          "-e 00-mpm.conf | xargs -r rm -f")
    for name, port, args in (("httpd", 8090, ""),
                             ("shop", 8091, " -f conf/shop.conf")):
        m.write(f"/etc/httpd/conf/{name}.conf",
                "ServerRoot /etc/httpd\nServerName localhost\n"
                f"Listen {port}\nPidFile run/{name}.pid\n"
                "Include conf.modules.d/*.conf\nUser apache\nGroup apache\n"
                f"ErrorLog logs/{name}.log\nTypesConfig /dev/null\n"
                "DocumentRoot /var/www/html\n")
        unit = "httpd.service" if name == "httpd" else "httpd@.service"
        m.write(f"/etc/systemd/system/{unit}", UNIT.format(args=args))
    m.run("systemctl daemon-reload; systemctl start httpd httpd@shop")
    for port in (8090, 8091):
        m.run(f"until curl -s 127.0.0.1:{port}; do sleep 0.1; done",
              timeout=30)


def test_instances_of_red_hats_unit_share_their_modules(installed):
    m = installed()
    try:
        red_hat(m)
    except cache.Unavailable as e:
        pytest.skip(str(e))
    place = ["--httpd", "/usr/sbin/httpd"]
    shown = m.tool(*place, "show")[1]["data"]
    assert shown["layout"]["id"] == "el"
    home = shown["mpm"]["running"]
    target = "worker" if home != "worker" else "event"
    _, answer = m.tool(*place, "switch", target)
    for more in ([], ["--instance", "shop"]):
        mpm = m.tool(*place, *more, "show")[1]["data"]["mpm"]
        assert mpm["running"] == mpm["configured"] == target, (more, mpm)
    m.tool(*place, "rollback")
    for more in ([], ["--instance", "shop"]):
        mpm = m.tool(*place, *more, "show")[1]["data"]["mpm"]
        assert mpm["running"] == mpm["configured"] == home, (more, mpm)
