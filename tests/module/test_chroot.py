"""ChrootDir: no process that serves requests stands outside of it."""

import os

import pytest


@pytest.mark.parametrize("kind", ["prefork", "itkish"])
def test_every_vhost_is_served_from_inside_the_chroot(httpd, uid, kind):
    """With a user or without one: the file inside the jail, never the one of
    the same name outside."""
    server = httpd(kind)
    user = uid() if kind == "itkish" else None
    hosts = [server.vhost("alice.test", user), server.vhost("plain.test")]
    jail = os.path.join(server.root, "jail")
    for host in hosts:
        host.put("index.html", "outside\n", 0o644)
        inside = jail + host.docroot
        os.makedirs(inside)
        with open(os.path.join(inside, "index.html"), "w") as f:
            f.write("inside\n")
    server.add(f"ChrootDir {jail}")
    server.start()
    for host in hosts:
        assert host.get().text == "inside"
