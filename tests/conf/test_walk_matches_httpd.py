"""What ea-mpm reads in a configuration is what httpd reads: the same files
in the same order, the same directives at the same lines, the same modules."""

import os
import random
import time

import pytest

from conftest import MODULES, WALK


def _mpm():
    return f"LoadModule mpm_event_module {MODULES}/mod_mpm_event.so\n"


def _macroless(entries, theirs):
    """Ours, with what httpd says comes from a macro marked as such: httpd
    counts a macro's lines by itself, we name the line to edit."""
    return [("macro", 0, t) if their[0] == "macro" else (f, n, t)
            for (f, n, t), their in zip(entries, theirs)] \
        + entries[len(theirs):]


def _paths(files):
    """Without the lines: after an Include inside an included file httpd
    prints that one's line for the outer pattern's other files too."""
    return [path for path, _ in files]


def _compare(server, defines=(), expect_ok=True):
    files, directives, sections, modules, rc, err = server.ask_httpd(defines)
    us = server.ask_us(defines)
    if rc != 0:
        # httpd stopped somewhere; up to there we saw the same.
        assert not expect_ok, err
        assert _paths(us[0])[:len(files)] == _paths(files)
        return rc, us
    assert _paths(us[0]) == _paths(files)
    assert _macroless(us[1], directives) == directives
    assert _macroless(us[2], sections) == sections
    assert us[3] == modules
    assert [n for n in us[4] if n[1] == "1"] == []
    return rc, us


def _write(server, text, **others):
    for name, content in others.items():
        path = server.root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    server.conf.write_bytes((server.prelude() + _mpm() + text).encode())


def test_conditions_and_defines(server):
    """Every kind of condition, nested, is decided as httpd decides it."""
    (server.root / "there").write_text("")
    _write(server, f"""
<IfModule mod_env.c>
AddDefaultCharset early
</IfModule>
LoadModule env_module {MODULES}/mod_env.so
<IfModule mod_env.c>
AddDefaultCharset env
<IfModule !env_module>
AddDefaultCharset no
</IfModule>
<IfVersion >= 2.4>
AddDefaultCharset v24
</IfVersion>
<IfVersion ~ ^2\\.[02]>
AddDefaultCharset v20
</IfVersion>
</IfModule>
<ifmodule EVENT.C>
AddDefaultCharset case-of-argument
</IFMODULE>
<IfModule event.c>
AddDefaultCharset source
</IfModule>
Define A one
<IfDefine A>
AddDefaultCharset "${{A}}" 
</IfDefine>
<IfDefine given>
AddDefaultCharset ${{a}}${{Unset}}${{HOME}}
</IfDefine>
UnDefine A
<IfDefine !A>
AddDefaultCharset ${{A}}
</IfDefine>
<IfFile there>
AddDefaultCharset file
</IfFile>
<IfFile !{server.root}/missing>
AddDefaultCharset nofile
</IfFile>
<IfDirective SetEnv>
AddDefaultCharset directive
</IfDirective>
<IfDirective ExpiresActive>
AddDefaultCharset no
</IfDirective>
<IfSection Directory>
AddDefaultCharset section
</IfSection>
<IfModule mod_so.c>
AddDefaultCharset static-not-closed
""")
    _compare(server, ["given"])


def test_lines(server):
    """Continuations, comments, blanks, CRLF and quotes."""
    _write(server, "# comment \\\nAddDefaultCharset hidden\n"
           "\t AddDefaultCharset \t a \\\n \t \n"
           "AddDefaultCharset b\\\r\nc\r\n"
           "\"AddDefaultCharset\" d\n"
           "adddefaultcharset 'e f'\n"
           "AddDefaultCharset \"g \\\" \\\\ h\"\n"
           "\\\nAddDefaultCharset i\n"
           "   \\\n   AddDefaultCharset j\n"
           "AddDefaultCharset last\\")
    _compare(server)


def test_includes(server):
    """Patterns, directories, links and order are httpd's."""
    for name in ("10-b", "2-a", "B", "a", "a-b", ".hidden", "z~"):
        path = server.root / "d" / f"{name}.conf"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"AddDefaultCharset {name}\n")
    for name in ("a", "a-b", "b.x"):
        path = server.root / "tree" / name / "x.conf"
        path.parent.mkdir(parents=True)
        path.write_text(f"AddDefaultCharset tree-{name}\n"
                        "IncludeOptional d/[aB].conf\n")
    (server.root / "tree" / "linked").symlink_to("a")
    (server.root / "link.conf").symlink_to("d/a.conf")
    _write(server, f"""
Include d/*.conf
Include d
IncludeOptional tree/*/x.conf
Include tree/a*/x.con?
Include {server.root}/./d//../link.conf
Include link.conf
IncludeOptional none/*.conf
IncludeOptional d/none*
IncludeOptional none.conf
Include "d/[ab].conf"
ServerRoot {server.root}/tree
Include a/x.conf
Include /dev/null
<IfModule nothing>
Include not-there.conf
</IfModule>
""")
    _compare(server)


def test_macros(server):
    """A macro becomes what mod_macro makes of it."""
    _write(server, """
<Macro Inner $a>
AddDefaultCharset $a
</Macro>
<Macro VHost $name %long @quoted $n>
<VirtualHost *:80>
# $name in a comment
ServerName $name
<IfModule mod_so.c>
AddDefaultCharset "%long $n"
</IfModule>
DocumentRoot @quoted
Use Inner $name$n
</VirtualHost>
</Macro>
Use vhost one.example x "/tmp" 1
USE VHost two.example "y z" /tmp 2
UndefMacro Inner
<Macro Inner>
AddDefaultCharset redefined
</Macro>
Use Inner
""")
    _compare(server)


def test_command_line(server):
    """-C lines are read before the main file and -c lines after it."""
    _write(server, "AddDefaultCharset ${V}\nInclude inc.conf\n",
           inc_DOT_conf="AddDefaultCharset included\n")
    options = ["-C", "Define V before", "-C", "AddDefaultCharset ${V}1",
               "-c", "AddDefaultCharset ${V}2"]
    theirs = server.ask_httpd(options=options)
    ours = server.ask_us(options=options)
    assert theirs[4] == 0, theirs[5]
    texts = [text for _, _, text in ours[1]]
    assert texts == [text for _, _, text in theirs[1]]
    assert texts[0].endswith("before1") and texts[-1].endswith("before2")
    assert _paths(ours[0]) == _paths(theirs[0])


def test_lines_of_plain_includes(server):
    """The line of the Include is known for every file."""
    _write(server, "Include a.conf\nInclude b.conf\n", a_DOT_conf="",
           b_DOT_conf="")
    assert server.ask_us()[0] == server.ask_httpd()[0]


@pytest.mark.parametrize("text", [
    "Include missing.conf\n",
    "Include d/*.none\n",
    "<Directory />\n",
    "</Directory>\n",
    "<IfModule nothing>\n",
    "<IfModule mod_so.c>\n<Directory />\n</IfModule>\n</Directory>\n",
    "<IfModule mod_so.c\n</IfModule>\n",
    "<IfModule nothing>\n<Directory />\n</IfModule>\n</Directory>\n",
    "Include httpd.conf\n",
    "ServerRoot /nowhere\n",
    "<IfVersion 2.x>\n</IfVersion>\n",
    "<IfModule>\n</IfModule>\n",
    "<IfModule mod_so.c>\n</IfModule> # no\n</IfModule>\n",
    "Use undefined\n",
    "<Macro A>\n",
])
def test_what_httpd_refuses_is_noted(server, text):
    """Where httpd stops while reading, a note says so, and says where."""
    _write(server, text, d__a_DOT_conf="")
    rc, us = _compare(server, expect_ok=False)
    assert rc != 0
    fatal = [n for n in us[4] if n[1] == "1"]
    assert fatal and int(fatal[0][3]) > 0


class Maker:
    """A random configuration that httpd mostly accepts."""

    MODULES = ["env", "headers", "expires", "dir", "alias", "actions",
               "unique_id", "status", "asis"]

    def __init__(self, seed, root):
        self.random = random.Random(seed)
        self.root = root
        self.count = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def name(self):
        return self.pick("A", "B", "Cc", "cC", "D_E")

    def module(self):
        name = self.pick(*self.MODULES, "so", "version", "none")
        return self.pick(f"mod_{name}.c", f"{name}_module", f"mod_{name}",
                         "event.c", "mpm_event_module", "prefork.c",
                         f"\"mod_{name}.c\"", f"!mod_{name}.c",
                         f"!{name}_module")

    def version(self):
        op = self.pick("", ">= ", "> ", "< ", "<= ", "!= ", "!< ", "== ",
                       "= ")
        pattern = self.pick("~ ^2\\.4", "!~ 7", "= /^2/", "!= /\\.5/")
        number = self.pick("2", "2.4", "2.4.50", "2.4.99", "2.5", "3.1")
        return self.pick(op + number, op + number, pattern)

    def condition(self):
        kind = self.pick("IfModule", "IfDefine", "IfVersion", "IfFile",
                         "IfDirective", "IfSection", "IFmodule")
        args = {
            "ifmodule": self.module,
            "ifdefine": lambda: self.pick("", "!") + self.name(),
            "ifversion": self.version,
            "iffile": lambda: self.pick("", "!") + self.pick(
                "httpd.conf", "none", "inc", "${A}"),
            "ifdirective": lambda: self.pick("", "!") + self.pick(
                "SetEnv", "Header", "Alias", "ServerName", "Nonsense"),
            "ifsection": lambda: self.pick("", "!") + self.pick(
                "Directory", "VirtualHost", "Proxy"),
        }[kind.lower()]()
        return kind, args

    def plain(self):
        self.count += 1
        word = self.pick("AddDefaultCharset", "ADDDEFAULTCHARSET",
                         "\"AddDefaultCharset\"", "AddDefaultCharset",
                         "AddDefault\\\nCharset")
        value = self.pick(f"c{self.count}", f"\"c {self.count}\"",
                          "x${A}y", "\\\n  c", "'${Cc} ${b}'", "${A}",
                          "${none}", "a\\\\b", "c\t")
        return word + self.pick(" ", "\t", "  ") + value

    def line(self, depth, inside):
        roll = self.random.random()
        if roll < 0.35:
            return self.plain()
        if roll < 0.50 and depth < 5:
            kind, args = self.condition()
            end = kind if self.random.random() < .5 else kind.lower()
            return (f"<{kind} {args}>\n{self.body(depth + 1, inside)}"
                    f"</{end}>")
        if roll < 0.57 and not inside:
            return (f"<Directory /d{self.count}>\n"
                    f"{self.body(depth + 1, True)}</Directory>")
        if roll < 0.63:
            return "Define " + self.name() + self.pick(
                "", " one", " \"two words\"", " ${B}x", " x\\\ny")
        if roll < 0.66:
            return "UnDefine " + self.name()
        if roll < 0.74 and not inside:
            name = self.pick(*self.MODULES)
            return f"LoadModule {name}_module {MODULES}/mod_{name}.so"
        if roll < 0.84:
            return self.pick("Include", "IncludeOptional", "include") + " " \
                + self.pick("inc/a.conf", "inc/*.conf", "inc", "inc/[ab]*",
                            "i*/b.conf", "inc/sub/*", f"{self.root}/inc/b.c*",
                            "\"inc/a.conf\"", "sub?/x")
        if roll < 0.92:
            return self.pick("#", "  # ", "##") + self.pick(
                "x", "<IfModule x>", "text \\\nmore", "${A}", "</x>")
        return self.pick("", "   ", "\t\\\n", "\\\n\\\n")

    def body(self, depth, inside, lines=6):
        eol = self.pick("\n", "\n", "\r\n")
        return "".join(self.pick("", "  ", "\t") + self.line(depth, inside)
                       + eol for _ in range(self.random.randrange(lines)))


def _random_tree(server, seed):
    maker = Maker(seed, server.root)
    inc = server.root / "inc"
    (inc / "sub").mkdir(parents=True, exist_ok=True)
    for name in ("a.conf", "b.conf", "sub/c.conf", "sub/d"):
        # Leaves, so that nothing includes itself.
        text = "".join(line + "\n"
                       for line in maker.body(0, True, 8).splitlines()
                       if "nclude" not in line)
        (inc / name).write_text(text)
    _write(server, maker.body(0, False, 30))
    return [maker.name()]


def test_random_configurations(server):
    """Hundreds of generated configurations, each read the same by both.
    CONF_RANDOM_SECONDS bounds the time, CONF_RANDOM_SEED repeats a run."""
    deadline = time.monotonic() + float(
        os.environ.get("CONF_RANDOM_SECONDS", "12"))
    seed = int(os.environ.get("CONF_RANDOM_SEED", random.randrange(10**9)))
    accepted = tried = 0
    while time.monotonic() < deadline or tried < 20:
        defines = _random_tree(server, seed)
        try:
            rc, _ = _compare(server, defines, expect_ok=False)
        except AssertionError as e:
            raise AssertionError(
                f"CONF_RANDOM_SEED={seed} -D {defines[0]}\n"
                f"{server.conf.read_text()}\n{e}") from e
        accepted += rc == 0
        tried += 1
        seed += 1
        if "CONF_RANDOM_SEED" in os.environ:
            break
    print(f"{tried} configurations, {accepted} accepted by httpd")
    assert tried < 20 or accepted * 10 > tried


def test_the_distributions_own_configuration(debian):
    """Debian's files, links, envvars and PHP: the same files in the same
    order and the same modules, under each MPM."""
    sb = debian("prefork", ["ssl", "rewrite", "proxy_fcgi", "macro", "info"])
    sb.run(["a2ensite", "-q", "default-ssl"])
    for mpm in ("prefork", "event"):
        sb.run("cd /etc/apache2/mods-enabled && rm -f mpm_* && "
               f"ln -s ../mods-available/mpm_{mpm}.* .")
        theirs = sb.run(["apache2ctl", "-t", "-D", "DUMP_INCLUDES", "-D",
                         "DUMP_MODULES"]).stdout.splitlines()
        statics = sb.run(["apache2", "-l"]).stdout.split()[3:]
        argv = [str(WALK), "-d", "/etc/apache2", "-v", "2.4.58"]
        for source in statics:
            argv += ["-l", source]
        ours = sb.run(". /etc/apache2/envvars && exec " + " ".join(argv)
                      + " /etc/apache2/apache2.conf").stdout.splitlines()
        assert [line.split("\t")[1] for line in ours
                if line.startswith("file\t")] == [
            line.split(") ", 1)[1] for line in theirs
            if line.lstrip().startswith("(")]
        assert {line.split("\t")[1] for line in ours
                if line.startswith("module\t")} == {
            line.split()[0] for line in theirs if "(shared)" in line}
        assert not [line for line in ours if line.startswith("note\t")]
