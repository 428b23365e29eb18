"""Init systems that a sandbox can stand in for: the server is started by
their own command, and their books are kept right."""

import servers
from fixtures.tool import Tool

# rc-service as OpenRC's: keeps a state of its own, refuses to start what it
# thinks is started.
RC_SERVICE = r"""#!/bin/sh
echo "$*" >>/run/rc.calls
state=/run/openrc/started/$1
case $2 in
start) [ ! -e $state ] || { echo "already started"; exit 0; }
       mkdir -p /run/openrc/started && touch $state
       exec apache2ctl start;;
stop)  echo "stop reads the configuration" >&2; exit 1;;
zap)   rm -f $state;;
status) [ -e $state ];;
esac
"""


def test_openrc_is_told_that_the_server_was_stopped(debian):
    """Its own stop checks the configuration first, so the main process gets
    the signal and OpenRC a zap; its start then really starts."""
    sb = debian("prefork")
    sb.write("/usr/sbin/rc-service", RC_SERVICE, 0o755)
    sb.run("mkdir -p /run/openrc/started /etc/runlevels/default && "
           "touch /run/openrc/softlevel")
    sb.run(["rc-service", "apache2", "start"])
    tool = Tool(sb)
    done = tool("switch", "event")
    assert done.rc == 0 and done.data["verified"] == "running", done
    assert servers.runs(sb, tool, "event")
    calls = sb.read("/run/rc.calls").split("\n")
    assert calls == ["apache2 start", "apache2 zap", "apache2 start", ""]
