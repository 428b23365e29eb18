"""Children that outlive their main process hold the ports: the way back has
to end them, and nobody else's."""

import servers
from fixtures.tool import Tool

# A log program of the server itself: under event it kills the process that
# started it as soon as that has a child.
KILLER = r"""#!/bin/sh
[ ! -e /etc/apache2/mods-enabled/mpm_event.load ] && exec cat >/dev/null
while [ -e /proc/$PPID ]; do
    read -r children </proc/$PPID/task/$PPID/children
    for child in $children; do
        name=; read -r name </proc/$child/comm
        [ "$name" = apache2 ] || continue
        %s
        kill -9 $PPID
        echo $child >>/run/left-behind
        exec cat >/dev/null
    done
done 2>/dev/null
exec cat >/dev/null
"""

OTHER = """ServerRoot /etc/apache2
ServerName other.test
PidFile /run/other.pid
ErrorLog /var/log/other.log
Listen 127.0.0.1:8081
User www-data
Group www-data
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
StartServers 2
DocumentRoot /var/www/html
"""


# The main process that has its children and its pid file, no earlier.
RUNNING = ('read -r main </run/apache2/apache2.pid; '
           '[ "$main" = $PPID ] || continue')
# httpd starts its log programs before it detaches too: the child is then the
# main process to be, which holds the ports and has written no pid file.
STARTING = "kill -STOP $child"


# Asked by every request to its site, so that a verification takes longer
# than it takes to kill a server.
SLOW = """#!/bin/sh
while read -r key; do
    sleep 1
    echo NULL
done
"""
SLOW_SITE = """RewriteEngine on
RewriteMap slow prg:/usr/local/bin/slow
RewriteRule . - [E=slow:${slow:x}]
"""


def killed_under_event(sb, before=RUNNING, timeout="10"):
    """Switch to a server whose main process is killed at once."""
    sb.write("/usr/local/bin/killer", KILLER % before, 0o755)
    sb.write("/etc/apache2/conf-enabled/killer.conf",
             'CustomLog "|/usr/local/bin/killer" combined\n')
    sb.write("/usr/local/bin/slow", SLOW, 0o755)
    servers.add_site(sb, servers.vhost("slow.test", "/var/www/html",
                                       more=SLOW_SITE))
    servers.start(sb)
    files = servers.tree(sb)
    done = Tool(sb, "--timeout", timeout)("switch", "event",
                                          "--no-rehearsal")
    assert sb.read("/run/left-behind"), "nobody was killed"
    assert done.rc == 4 and done.data["rolled_back"], done
    assert done.data["verified"] == "running"
    assert servers.tree(sb) == files
    assert servers.runs(sb, Tool(sb), "prefork")


def test_what_a_killed_server_leaves_does_not_stop_the_way_back(debian):
    """Its children hold the ports, and event's do not heed SIGTERM."""
    sb = debian("prefork", ["rewrite"])
    killed_under_event(sb)
    for pid in sb.read("/run/left-behind").split():
        sb.wait(f"! grep -q '^State:.[^ZX]' /proc/{pid}/status 2>/dev/null")


def test_a_server_stuck_in_its_start_does_not_stop_the_way_back(debian):
    """It has no pid file yet, and does not heed SIGTERM."""
    killed_under_event(debian("prefork", ["rewrite"]), STARTING, "3")


def test_what_another_killed_server_left_is_not_touched(debian):
    """The same program with a file of its own: its children go on."""
    sb = debian("prefork", ["rewrite"])
    sb.write("/etc/apache2/other.conf", OTHER)
    sb.run(["/usr/sbin/apache2", "-f", "/etc/apache2/other.conf"])
    sb.wait("curl -so /dev/null http://127.0.0.1:8081/")
    main = int(sb.read("/run/other.pid"))
    orphans = sb.read(f"/proc/{main}/task/{main}/children").split()
    sb.run(["kill", "-9", str(main)])
    sb.wait(f"! grep -q '^State:.[^ZX]' /proc/{main}/status 2>/dev/null")
    killed_under_event(sb)
    for pid in orphans:
        sb.run(["test", "-e", f"/proc/{pid}"])
    assert sb.get("http://127.0.0.1:8081/")[0] != 0
