"""The server of the tests of restarts and of killed processes."""

import users
from roles import by_role

MAY_SAY = r"\bitk-[a-z-]+|exit signal|AH00052"
WAIT = ("<?php while (!file_exists(__DIR__ . '/go')) { usleep(5000); "
        "clearstatcache(); } echo 'went';")


def add_hosts(server):
    """The vhosts of most tests here."""
    for name in ("alice.test", "bob.test", "plain.test"):
        user = f"#{users.numeric_uid()}" if name != "plain.test" else None
        host = server.vhost(name, user)
        host.put("index.html", name)
        host.put("wait.php", WAIT)


def settled(server):
    """Nobody of an earlier generation is left."""
    roles = by_role(server)
    return len(roles.get("spawner", ())) == 1 \
        and len(roles.get("broker", ())) == 1
