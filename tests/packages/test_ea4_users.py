"""EasyApache 4's modules that serve each vhost under a user of its own live
with prefork only: to and from them for real, and only with consent."""

import pytest

import ea4_rpm
from ea4 import CONF, SWITCH, runs, same, serves_mod_php_again, tool_of
from test_rpm import SPEC4, ours_for_ea4

EA = "ea-apache24"
HTTPD_CONF = "/etc/apache2/conf/httpd.conf"


def of_alice(system, directives):
    """The vhost alice.example with DIRECTIVES."""
    system.write(HTTPD_CONF, system.read(HTTPD_CONF).replace(
        "DocumentRoot /var/www/html\n</VirtualHost>",
        f"DocumentRoot /var/www/html\n{directives}\n</VirtualHost>"))


def names(system):
    return {p.rsplit("-", 2)[0] for p in system.packages()}


def test_from_ruid2_to_event_and_back():
    with ea4_rpm.made(f"{EA}-mod_ruid2",
                      offers=lambda: [ea4_rpm.extra()]) as system:
        of_alice(system, "<IfModule ruid2_module>\nRMode config\n"
                 "RUidGid nobody nogroup\n</IfModule>")
        system.start()
        before = system.tree()
        ea = tool_of(system)
        done = ea(*SWITCH)
        assert (done.rc, done.problem) == (3, "packages-need-consent"), done
        assert f"{EA}-mod_ruid2" in done.detail
        assert "ea-mpm switch event --without php --without mod_ruid2" \
            in ea.text(*SWITCH, expect=3)
        same(before, system.tree())
        assert runs(system, "prefork")

        done = ea(*SWITCH, "--without", "mod_ruid2")
        assert done.ok, done
        assert runs(system, "event")
        assert names(system) == {EA, f"{EA}-mod_mpm_event", f"{EA}-mod_cgid"}
        assert system.run(["httpd", "-M"]).stdout.count("ruid2") == 0
        assert ea("rollback").ok
        same(before, system.tree())
        serves_mod_php_again(system)
        assert "ruid2_module" in system.run(["httpd", "-M"]).stdout


def test_ruid2s_directives_outside_of_an_ifmodule_are_found_first():
    with ea4_rpm.made(f"{EA}-mod_ruid2",
                      offers=lambda: [ea4_rpm.extra()]) as system:
        of_alice(system, "RMode config\nRUidGid nobody nogroup")
        system.start()
        before = system.tree()
        done = tool_of(system)(*SWITCH, "--without", "mod_ruid2")
        assert done.rc == 3, done
        assert "RMode" in done.detail and HTTPD_CONF in done.detail
        same(before, system.tree())
        assert runs(system, "prefork")


@pytest.fixture
def itkish():
    with ea4_rpm.made(offers=lambda: [ours_for_ea4()]) as system:
        system.run("useradd -M alice && install -d -o alice -m 711 "
                   "/srv/alice && echo hers >/srv/alice/index.html && "
                   "chown alice /srv/alice/index.html && "
                   "chmod 600 /srv/alice/index.html")
        system.write(HTTPD_CONF, system.read(HTTPD_CONF) + """
<IfModule mpm_itkish_module>
    Define itk
</IfModule>
<IfModule mpm_itk_module>
    Define itk
</IfModule>
<VirtualHost 127.0.0.1:80>
    ServerName hers.example
    DocumentRoot /srv/alice
    <Directory /srv/alice>
        Require all granted
    </Directory>
    <IfDefine itk>
        AssignUserID alice alice
    </IfDefine>
</VirtualHost>
""")
        system.start()
        yield system


def hers(system):
    """The status of a page that only alice may read."""
    return system.get("http://127.0.0.1/", "-H", "Host: hers.example")[0]


def test_to_our_module_and_to_mpm_itk_and_back(itkish):
    """prefork with vhosts' own users: one transaction each, served as alice
    under either module."""
    system, ea = itkish, tool_of(itkish)
    assert ea(*SWITCH).ok
    assert hers(system) == 403
    done = ea("switch", "itk", "--with", "itk=itkish")
    assert done.ok, done
    assert names(system) == {EA, f"{EA}-mod_mpm_prefork", f"{EA}-mod_cgi",
                             SPEC4}
    assert runs(system, "itk")
    assert hers(system) == 200
    with_itkish = system.tree()

    done = ea("switch", "itk", "--with", "itk=mpm-itk")
    assert done.ok, done
    assert f"{EA}-mod_mpm_itk" in names(system)
    assert SPEC4 not in names(system)
    assert hers(system) == 200
    assert ea("rollback").ok
    same(with_itkish, system.tree())
    assert hers(system) == 200

    # Without alice's user there is no page of hers: that is told, and where
    # it may be, the module goes with its package.
    done = ea("switch", "event")
    assert (done.rc, done.problem) == (3, "vhost-breaks"), done
    assert "hers.example" in done.detail
    same(with_itkish, system.tree())
    system.run("chmod 644 /srv/alice/index.html")
    done = ea("switch", "event")
    assert done.ok, done
    assert names(system) == {EA, f"{EA}-mod_mpm_event", f"{EA}-mod_cgid"}
    assert not system.path(f"{CONF}900-mpm_itkish.conf").exists()
