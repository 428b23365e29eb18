"""The facts of the distribution's own server agree with httpd's own word."""

import json
import re

import pytest

from fixtures import debian_tree
from dumped import BUILD, dump

ENV = ". /etc/apache2/envvars; mkdir -p $APACHE_RUN_DIR; "


def _lines(text, pattern):
    return re.findall(pattern, text, re.M)


def _packages(sb, files):
    """What dpkg says: file -> (package, version)."""
    known = {}
    for file in files:
        name = sb.run(["dpkg", "-S", file]).stdout.split(":")[0]
        version = sb.run(["dpkg-query", "-Wf", "${Version}", name]).stdout
        known[file] = (name, version)
    return known


def test_modules_files_and_paths_are_what_httpd_says(debian):
    """-M, DUMP_INCLUDES, DUMP_RUN_CFG and -V against the gathered facts."""
    sb = debian("prefork", ["php8.2", "ssl", "rewrite", "cgi", "mpm_itk"])
    facts = dump(sandbox=sb)
    said = sb.run(ENV + "apache2 -t -D DUMP_MODULES -D DUMP_INCLUDES "
                        "-D DUMP_RUN_CFG; apache2 -V; apache2 -l").stdout
    assert [m["id"] for m in facts["modules"]] == _lines(
        said, r"^ (\w+) \((?:static|shared)\)$")
    assert facts["files"] == _lines(said, r"^ +\((?:\*|\d+)\) (/.*)$")
    assert facts["httpd"]["static_modules"] == _lines(said, r"^  (\w+\.c)$")
    for key, pattern in (("version", r"Apache/(\S+)"),
                         ("vendor", r"Apache/\S+ \((.*)\)"),
                         ("mmn", r"Magic Number: (\S+)"),
                         ("server_root", r'^ServerRoot: "(.*)"'),
                         ("pid_file", r'^PidFile: "(.*)"'),
                         ("error_log", r'^Main ErrorLog: "(.*)"'),
                         ("user", r'^User: name="(.*)"'),
                         ("group", r'^Group: name="(.*)"')):
        assert facts["httpd"][key] == _lines(said, pattern)[0], key
    assert facts["httpd"]["test_ok"] and facts["httpd"]["tested"]
    assert facts["mpm"]["configured"] == "itk"
    assert facts["layout"]["id"] == "debian"
    assert facts["layout"]["mechanism"] == "links"


def test_packages_are_what_dpkg_says(debian):
    """Owner and version of every module and MPM, PHP's thread safety."""
    sb = debian("prefork", ["php8.2", "mpm_itk"])
    facts = dump(sandbox=sb)
    modules = [m for m in facts["modules"] if m["so"]]
    known = _packages(sb, {m["so"] for m in modules})
    for m in modules:
        assert (m["package"], m["package_version"]) == known[m["so"]]
    known = _packages(sb, {m["file"] for m in facts["installed"]})
    for m in facts["installed"]:
        assert (m["package"], m["version"]) == known[m["file"]]
        assert m["verified"]
    assert sorted(m["mpm"] for m in facts["installed"]) == [
        "event", "itk", "prefork", "worker"]
    php = [m for m in facts["modules"] if m["id"] == "php_module"][0]
    nts = b",NTS" in sb.path(php["so"]).read_bytes()
    assert php["threads"] == ("unsafe" if nts else "safe")


def test_a_changed_mpm_is_pending_until_the_server_is_started_again(debian):
    """Running is read from the process, configured from the files."""
    sb = debian("prefork")
    assert dump(sandbox=sb)["mpm"]["running"] is None
    pid = debian_tree.start(sb)
    facts = dump(sandbox=sb)
    assert facts["mpm"]["running"] == "prefork"
    assert facts["mpm"]["running_pid"] == pid
    assert not facts["mpm"]["pending"]
    assert "mod_mpm_prefork.so" in facts["mpm"]["evidence"]
    sb.run("a2dismod -q mpm_prefork && a2enmod -q mpm_event")
    facts = dump(sandbox=sb)
    assert (facts["mpm"]["configured"], facts["mpm"]["running"]) == (
        "event", "prefork")
    assert facts["mpm"]["pending"]
    sb.run(["rm", "/run/apache2/apache2.pid"])      # found without it too
    assert dump(sandbox=sb)["mpm"]["running_pid"] == pid
    sb.run(["kill", str(pid)])
    sb.wait(f"[ ! -d /proc/{pid} ]")
    facts = dump(sandbox=sb)
    assert facts["mpm"]["running"] is None and not facts["mpm"]["pending"]


def test_a_stale_pid_file_names_no_server(debian):
    """A pid of some other process, of none, and rubbish."""
    sb = debian()
    for text in ("1\n", "999999\n", "-5\n", "rubbish\n", ""):
        sb.write("/run/apache2/apache2.pid", text)
        facts = dump(sandbox=sb)
        assert facts["mpm"]["running_pid"] == 0
        assert not facts["service"]["running"]


def test_a_freshly_booted_machine_has_no_run_directory(debian):
    """That is no fault of the configuration, and nothing is made."""
    sb = debian()
    sb.run(["rm", "-rf", "/run/apache2", "/run/lock/apache2"])
    sb.run("sed -i 's/^#Mutex/Mutex/' /etc/apache2/apache2.conf")
    facts = dump(sandbox=sb)
    assert facts["httpd"]["test_ok"], facts["httpd"]["test_output"]
    assert not sb.path("/run/apache2").exists()


@pytest.mark.parametrize("what,change,configured,said", [
    ("no MPM", "rm mods-enabled/mpm_event.load", None, "No MPM loaded"),
    ("two MPMs", "ln -s ../mods-available/mpm_worker.load mods-enabled/",
     None, "More than one MPM loaded"),
    ("a missing file", "echo 'LoadModule x_module /nonexistent/mod_x.so' "
     ">mods-enabled/x.load", "event", "No such file"),
    ("a file of another name", "echo 'LoadModule wrong_module "
     "/usr/lib/apache2/modules/mod_cgi.so' >mods-enabled/x.load", "event",
     "wrong_module"),
    ("a directive that nobody knows", "echo Bogus >>apache2.conf", "event",
     "Bogus"),
    ("the same MPM twice", "cp mods-available/mpm_event.load "
     "mods-enabled/zz.load", "event", None),
    ("NTS PHP under event", "ln -s ../mods-available/php8.2.load "
     "mods-enabled/", "event", "threadsafe"),
])
def test_a_configuration_that_httpd_refuses(debian, what, change, configured,
                                            said):
    """still gives the right MPM, lines with their files, and httpd's own
    complaint."""
    sb = debian()
    sb.run("cd /etc/apache2 && " + change)
    facts = dump(sandbox=sb)
    assert facts["mpm"]["configured"] == configured, what
    assert facts["httpd"]["test_ok"] == (said is None)
    if said:
        assert said in facts["httpd"]["test_output"]
        assert "AH00558" not in facts["httpd"]["test_output"]
    lines = [file for _, file in facts["mpm"]["lines"]]
    assert all(file.startswith("/etc/apache2/mods-enabled/")
               for file in lines)
    modules = {m["id"]: m for m in facts["modules"]}
    if "missing" in what:
        assert modules["x_module"]["missing"]
    if "another name" in what:
        assert modules["wrong_module"]["mismatch"]


def test_envvars_is_run_like_apache2ctl_runs_it(debian):
    """Its commands, APACHE_ARGUMENTS and unexported variables."""
    sb = debian()
    sb.write("/etc/apache2/envvars", sb.read("/etc/apache2/envvars")
             + "export SITE=$(echo computed)\n"
               "APACHE_ARGUMENTS='-D FROM_ENVVARS'\nHIDDEN=1\n")
    sb.write("/etc/apache2/conf-enabled/x.conf",
             "Define PORT 8099\n<IfDefine FROM_ENVVARS>\n"
             "Listen 127.0.0.1:${PORT}\n</IfDefine>\n")
    facts = dump(sandbox=sb)
    assert facts["httpd"]["args"] == ["-D", "FROM_ENVVARS"]
    assert "SITE=computed" in facts["env"]
    assert not [e for e in facts["env"] if e.startswith("HIDDEN=")]
    assert {l["port"] for l in facts["listens"]} == {80, 8099}


def test_a_strangers_envvars_is_never_run(debian):
    """A file that others can write is read as data only."""
    sb = debian()
    sb.write("/etc/apache2/envvars", sb.read("/etc/apache2/envvars")
             + "touch /tmp/../var/tmp/was-run\n", mode=0o666)
    facts = dump(sandbox=sb)
    assert not sb.path("/var/tmp/was-run").exists()
    assert facts["httpd"]["pid_file"] == "/var/run/apache2/apache2.pid"
    assert facts["mpm"]["configured"] == "event"


def test_virtual_hosts_and_ports(debian):
    """Names, addresses, TLS, document roots, file and line."""
    sb = debian(mods=["ssl"])
    sb.run(["rm", "/etc/apache2/sites-enabled/000-default.conf"])
    sb.write("/etc/apache2/ports.conf",
             "Listen 127.0.0.1:80\nListen [::1]:8443 https\n"
             "Listen 127.0.0.1:443\n")
    sb.write("/etc/apache2/sites-enabled/a.conf", """\
<VirtualHost 127.0.0.1:80 [::1]:8443>
    ServerName http://a.example:80
    DocumentRoot "/var/www/with space"
    <Directory /var/www>
        Require all granted
    </Directory>
</VirtualHost>
<VirtualHost _default_:443>
    ServerName b.example
    SSLEngine on
    DocumentRoot html
</VirtualHost>
<IfDefine NEVER>
<VirtualHost *:81>
    ServerName never.example
</VirtualHost>
</IfDefine>
""")
    facts = dump(sandbox=sb)
    assert [(l["address"], l["port"], l["protocol"])
            for l in facts["listens"]] == [
        ("127.0.0.1", 80, "http"), ("[::1]", 8443, "https"),
        ("127.0.0.1", 443, "https")]
    assert facts["vhosts"][0]["main"]
    assert [(v["name"], v["address"], v["port"], v["tls"],
             v["document_root"], v["line"])
            for v in facts["vhosts"][1:]] == [
        ("a.example", "127.0.0.1", 80, False, "/var/www/with space", 1),
        ("b.example", "*", 443, True, "/etc/apache2/html", 8)]


def test_deep_reads_htaccess_files(debian):
    """Directives that die with a module are found, guarded ones are not."""
    sb = debian()
    sb.write("/var/www/html/.htaccess", "RewriteEngine On\n"
             "php_value memory_limit \\\n   64M\n")
    sb.write("/var/www/html/a/b/.htaccess", "<IfModule mod_php.c>\n"
             "php_flag display_errors on\n</IfModule>\r\n"
             "  AddHandler cgi-script .cgi  \r\n# php_value x 1\n")
    sb.run("ln -s / /var/www/html/a/loop; mkdir /var/www/html/odd; "
           "mkfifo /var/www/html/odd/.htaccess")
    facts = dump("--deep", sandbox=sb)
    found = [(h["name"], h["args"].split(), h["file"], h["line"])
             for h in facts["htaccess"]]
    assert sorted(found) == [
        ("AddHandler", ["cgi-script", ".cgi"],
         "/var/www/html/a/b/.htaccess", 4),
        ("php_value", ["memory_limit", "64M"], "/var/www/html/.htaccess", 2)]
    assert dump(sandbox=sb)["htaccess"] == []


def test_the_service_is_told_by_what_runs_the_machine(debian):
    """apache2ctl without an init, the unit where systemd is booted."""
    sb = debian()
    assert dump(sandbox=sb)["service"]["kind"] == "ctl"
    sb.run(["mkdir", "-p", "/run/systemd/system"])
    service = dump(sandbox=sb)["service"]
    assert (service["kind"], service["unit"]) == ("systemd",
                                                  "apache2.service")
    sb.run(["rmdir", "/run/systemd/system"])
    sb.run(["mkdir", "/run/openrc"])
    sb.write("/etc/init.d/apache2", "#!/sbin/openrc-run\n")
    service = dump(sandbox=sb)["service"]
    assert (service["kind"], service["unit"]) == ("openrc", "apache2")


def test_what_apt_could_install_is_listed_on_request(debian):
    """An MPM that is not installed, with the candidate's version."""
    sb = debian()
    assert dump("--available", sandbox=sb)["available"] == []
    sb.run(["rm", "/usr/lib/apache2/modules/mpm_itk.so"])
    policy = sb.run(["apt-cache", "policy", "libapache2-mpm-itk"]).stdout
    candidate = re.search(r"Candidate: (\S+)", policy)
    assert dump("--available", sandbox=sb)["available"] == [
        {"mpm": "itk", "package": "libapache2-mpm-itk",
         "version": candidate.group(1)}]


def test_a_second_instance_has_its_own_facts(debian):
    """/etc/apache2-NAME with its MPM, directories and process."""
    sb = debian()
    sb.run("sh /usr/share/doc/apache2/examples/setup-instance shop "
           ">/dev/null 2>&1 || cp -a /etc/apache2 /etc/apache2-shop")
    sb.run("mkdir -p /var/log/apache2-shop; cd /etc/apache2-shop && "
           "rm mods-enabled/mpm_*; ln -s ../mods-available/mpm_worker.load "
           "../mods-available/mpm_worker.conf mods-enabled/; "
           "echo Listen 127.0.0.1:8081 >ports.conf")
    facts = dump("--instance", "shop", sandbox=sb)
    assert facts["mpm"]["configured"] == "worker"
    assert facts["httpd"]["args"] == ["-d", "/etc/apache2-shop"]
    assert facts["httpd"]["pid_file"] == (
        "/var/run/apache2-shop/apache2.pid")
    assert dump(sandbox=sb)["mpm"]["configured"] == "event"
    pid = debian_tree.start(sb)
    sb.run(["env", "APACHE_CONFDIR=/etc/apache2-shop", "apache2ctl",
            "start"])
    sb.wait("[ -s /run/apache2-shop/apache2.pid ]")
    other = int(sb.read("/run/apache2-shop/apache2.pid"))
    facts = dump("--instance", "shop", sandbox=sb)
    assert (facts["mpm"]["running"], facts["mpm"]["running_pid"]) == (
        "worker", other)
    sb.run("rm /run/apache2*/apache2.pid")          # by the command line
    assert dump("--instance", "shop", sandbox=sb)["mpm"]["running_pid"] \
        == other
    assert dump(sandbox=sb)["mpm"]["running_pid"] == pid


def test_a_second_server_on_the_same_links_refuses_the_switch(debian):
    """apache2 -f other.conf shares mods-enabled; an instance does not."""
    sb = debian()
    sb.run(". /etc/apache2/envvars; mkdir -p $APACHE_RUN_DIR; "
           "sed 's,^PidFile.*,PidFile /run/other.pid,; "
           "s,^Include ports.conf,Listen 127.0.0.1:8082,' "
           "/etc/apache2/apache2.conf >/etc/apache2/other.conf; "
           "apache2 -f /etc/apache2/other.conf -k start")
    sb.wait("[ -s /run/other.pid ]")
    pid = sb.read("/run/other.pid").strip()
    ea_mpm = [BUILD / "bin/ea-mpm", "--json", "check", "worker"]
    answer = json.loads(sb.run(ea_mpm, check=False).stdout)
    shared = [f for f in answer["data"]["findings"]
              if f["problem"] == "shared-with-server"]
    assert len(shared) == 1
    assert f"process {pid} (/etc/apache2/other.conf)" in shared[0]["message"]
    sb.run(["kill", pid])
    sb.wait(f"[ ! -d /proc/{pid} ]")
    answer = json.loads(sb.run(ea_mpm, check=False).stdout)
    assert not [f for f in answer["data"]["findings"]
                if f["problem"].startswith("shared-with")]


def test_an_instance_that_is_not_there(debian):
    """is told with the file that it would have; a path is no name."""
    sb = debian()
    found = dump("--instance", "nope", sandbox=sb)
    assert found["problem"] == "instance-unknown"
    assert "/etc/apache2-nope/apache2.conf" in found["detail"]
    found = dump("--instance", "../../tmp", sandbox=sb)
    assert found["problem"] == "instance-unknown"


def test_an_ordinary_user_sees_what_may_be_seen(debian):
    """No root: the files are read, the process's insides are not."""
    sb = debian()
    debian_tree.start(sb)
    facts = dump(sandbox=_As(sb, "nobody"))
    assert facts["mpm"]["configured"] == "event"
    assert facts["mpm"]["running"] is None
    assert facts["mpm"]["running_pid"] != 0
    assert "not root" in facts["mpm"]["evidence"]
    sb.run("cd /etc/apache2; echo secret >conf-enabled/k.conf; "
           "chmod 600 conf-enabled/k.conf")
    facts = dump(sandbox=_As(sb, "nobody"))
    assert facts["mpm"]["configured"] == "event"
    assert "without the rights of root" in facts["httpd"]["test_output"]


class _As:
    """A sandbox whose commands run as another user."""

    def __init__(self, sandbox, user):
        self.sandbox, self.user = sandbox, user

    def run(self, argv, **kw):
        return self.sandbox.run(["setpriv", f"--reuid={self.user}",
                                 "--regid=nogroup", "--clear-groups",
                                 *argv], **kw)


def test_children_that_outlive_their_server_are_no_server(debian):
    """What a killed main process leaves behind counts neither as the running
    server nor as another one that shares the files."""
    sb = debian("prefork")
    sb.run(ENV + "apache2 -k start")
    pid = dump(sandbox=sb)["mpm"]["running_pid"]
    children = sb.run(["pgrep", "-P", str(pid)]).stdout.split()
    assert children
    sb.run(["kill", "-STOP", *children])
    sb.run(["kill", "-KILL", str(pid)])
    facts = dump(sandbox=sb)
    left = sb.run(["pgrep", "-x", "apache2"]).stdout.split()
    assert set(children) <= set(left)
    assert facts["mpm"]["running_pid"] == 0
    assert facts["others"] == []
