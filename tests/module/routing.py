"""Virtual hosts of every kind, and the bytes that choose between them.

Topology adds the same vhosts to any server: each *role* is one address and
port with its own rules. A case is (name, role, chunks): bytes sent one after
the other on one connection. What generate() makes depends on the seed only.
"""

import os
import random
import select
import socket
import subprocess
import time
from concurrent import futures

A, B = "a.test", "b.test"
# What httpd says at level warn or worse to some of the bytes below: refused
# names, unknown methods, impossible paths, bad PROXY headers.
LOUD = r"AH1015[67]|\[core:error\]|\[remoteip:error\]"
PLAIN_ROLES = ("names", "strict", "unsafe", "registered", "limits", "single",
               "bare", "first_address", "second_address", "any_port")


def have_ipv6():
    """True where ::1 can be bound."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


class Topology:
    """Adds vhosts to SERVER; self.at[role] is where to connect.

    USERS, a function, gives the "#N" of a vhost's AssignUserID by its
    name."""

    def __init__(self, server, users=None, tls=True, proxy=True):
        self.server = server
        self.users = users
        self.at = {}
        self.certs = {}             # DER of a certificate -> vhost
        self._names()
        self._rules()
        self._addresses()
        if tls:
            self._tls()
        if proxy:
            self._proxy()
        server.add("KeepAlive Off\nHeader always set X-Vhost main\n"
                   f"DocumentRoot {self._docroot('main')}\n")

    def _role(self, role, address="127.0.0.1", protocol=""):
        port = self.server.listen(address, protocol)
        self.at[role] = (address, port)
        return port

    def _vhost(self, role, name, extra="", address="*", port=None):
        """NAME is the server name; the vhost calls itself role/name."""
        port = port or self.at[role][1]
        user = ""
        if self.users:
            uid = self.users(name)
            user = f"    AssignUserID {uid} {uid}\n"
        self.server.add(
            f"<VirtualHost {address}:{port}>\n"
            f"    ServerName {name}\n{user}"
            f"    Header always set X-Vhost {role}/{name}\n"
            f"    DocumentRoot {self._docroot(role, name)}\n"
            + "".join(f"    {line}\n" for line in extra.splitlines())
            + "</VirtualHost>\n")

    def _docroot(self, *names):
        """A folder whose index says whose it is: HTTP/0.9 has no header."""
        path = os.path.join(self.server.root, "www", *names)
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "index.html"), "w") as f:
            f.write("/".join(names) + "\n")
        return path

    def _names(self):
        """One address, many names."""
        self._role("names")
        self._vhost("names", A, "ServerAlias www.a.test *.wild.a.test\n")
        self._vhost("names", B, "ServerAlias b2.test *.b.test 127.0.0.1\n"
                    "ServerPath /bpath\n")
        self._vhost("names", "c.test", "ServerAlias exact.b.test ::1\n"
                    "ServerPath /bpath/c/\n")
        self._vhost("names", "d.test", "ServerAlias d?.test *dx* 12345\n")

    def _rules(self):
        """What the default vhost of an address says about malformed heads."""
        self._role("strict")
        self._vhost("strict", A, "StrictHostCheck On\n")
        self._vhost("strict", B, "ServerPath /bpath\n")
        self._role("unsafe")
        self._vhost("unsafe", A, "HttpProtocolOptions Unsafe LenientMethods "
                    "Allow0.9\n")
        self._vhost("unsafe", B, "ServerPath /bpath\n")
        self._role("registered")
        self._vhost("registered", A, "HttpProtocolOptions Strict "
                    "RegisteredMethods Require1.0\n")
        self._vhost("registered", B)
        self._role("limits")
        self._vhost("limits", A, "LimitRequestLine 100\n"
                    "LimitRequestFieldSize 120\nLimitRequestFields 5\n")
        self._vhost("limits", B)

        for role, seconds in (("patient", 0), ("hasty", 1)):
            self._role(role)
            self._vhost(role, A, "<IfModule reqtimeout_module>\n"
                        f"RequestReadTimeout header={seconds}\n"
                        "</IfModule>\n")
            self._vhost(role, B)

    def _addresses(self):
        """Who answers depends on the address or the port, too."""
        self._role("single")
        self._vhost("single", A)
        self._role("bare")                      # the main server answers
        port = self._role("first_address")
        self.server.listens.append(f"Listen 127.0.0.2:{port}")
        self.at["second_address"] = ("127.0.0.2", port)
        self._vhost("second_address", A, address="_default_", port=port)
        self._vhost("second_address", B, address="*", port=port)
        self._vhost("first_address", B, address="127.0.0.1", port=port)
        self._vhost("first_address", A, address="127.0.0.1", port=port)
        self._role("any_port", "127.0.0.5")
        self._vhost("any_port", A, address="127.0.0.5", port="*")
        self._vhost("any_port", B, address="127.0.0.5", port="*")
        if have_ipv6():
            port = self._role("v6", "::1")
            self._vhost("v6", A, address="[::1]", port=port)
            self._vhost("v6", B, address="[::1]", port=port)
            # One socket for both families: addresses of IPv4 are mapped.
            port = self._role("dual", "::")
            self.at["dual"] = ("127.0.0.1", port)
            self._vhost("dual", B, address="127.0.0.1", port=port)
            self._vhost("dual", A, address="127.0.0.1", port=port)
            self._vhost("dual_other", A, port=port)
            self._role("v6_wildcard", "::1")
            self._vhost("v6_wildcard", A)
            self._vhost("v6_wildcard", B)

    def _tls(self):
        for role in ("tls", "tls_proxy"):
            self._role(role, protocol="https")
            self._tls_vhost(role, A, "ServerAlias *.wild.a.test")
            self._tls_vhost(role, B, "ServerAlias b2.test *.b.test\n"
                            "ServerPath /")
            self._tls_vhost(role, "c.test", "ServerAlias exact.b.test")
        self._role("tls_single", protocol="https")
        self._tls_vhost("tls_single", A)
        self.server.add(f"SSLSessionCache shmcb:{self.server.root}"
                        "/logs/ssl_cache(512000)\n")

    def _tls_vhost(self, role, name, extra=""):
        directory = os.path.join(self.server.root, "conf")
        base = os.path.join(directory, f"{role}-{name}")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
             base + ".key", "-out", base + ".crt", "-days", "2", "-subj",
             f"/CN={name}/O={role}", "-addext",
             f"subjectAltName=DNS:{name},DNS:*.test", "-addext",
             "basicConstraints=critical,CA:FALSE"],
            check=True, capture_output=True)
        der = subprocess.run(["openssl", "x509", "-in", base + ".crt",
                              "-outform", "DER"], check=True,
                             capture_output=True).stdout
        self.certs[der] = name
        self._vhost(role, name, f"SSLEngine on\n"
                    f"SSLCertificateFile {base}.crt\n"
                    f"SSLCertificateKeyFile {base}.key\n" + extra)

    def _proxy(self):
        """127.0.0.3 is a client that speaks no PROXY protocol."""
        self._role("proxy")
        for name, extra in ((A, "RemoteIPProxyProtocol On\n"
                             "RemoteIPProxyProtocolExceptions 127.0.0.3\n"),
                            (B, "")):
            self._vhost("proxy", name, extra)
        if "tls_proxy" in self.at:
            # Any vhost of the address may say it for all of them.
            self._vhost("tls_proxy", "unused.test",
                        "SSLEngine off\nRemoteIPProxyProtocol On\n")


# ------------------------------------------------------------------- client

def exchange(address, chunks, delay=0.0, source=None, patience=0.03,
             hang_up=False):
    """Send CHUNKS; return (our port, every byte of the answer).

    When the server neither answers nor closes for PATIENCE seconds after the
    last byte, our side is closed for writing: it wanted more. HANG_UP closes
    it behind the first byte of an answer, too."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(30)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            sock.bind((source, 0))
        sock.connect(address)
        port = sock.getsockname()[1]
        try:
            for i, chunk in enumerate(chunks):
                if i and delay:
                    time.sleep(delay)
                sock.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        if not select.select([sock], [], [], patience)[0] or hang_up:
            _hang_up(sock)
        return port, _read_all(sock)


def _hang_up(sock):
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _read_all(sock):
    """Everything until the server closes. When it pauses it may be waiting
    for a body (after 100 Continue): it will not get one."""
    data = []
    try:
        while True:
            if not select.select([sock], [], [], 0.2)[0]:
                _hang_up(sock)
            chunk = sock.recv(65536)
            if not chunk:
                break
            data.append(chunk)
    except ConnectionResetError:
        pass
    return b"".join(data)


def verdict(answer):
    """(status, vhost) of an answer; (None, text) of one without a head."""
    head = answer.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    words = head[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):
        return None, answer.decode("latin-1").strip()
    vhost = [line.split(b":", 1)[1].strip().decode() for line in head[1:]
             if line.lower().startswith(b"x-vhost:")]
    return int(words[1]), vhost[0] if vhost else None


# ------------------------------------------------------------------- corpus

def head(*lines, end="\r\n"):
    """A request head of LINES."""
    return (end.join(lines) + end + end).encode("latin-1")


def get(host=None, target="/", version="HTTP/1.1", *more):
    """A plain GET."""
    lines = [f"GET {target} {version}".rstrip()]
    if host is not None:
        lines.append(f"Host: {host}")
    return head(*lines, *more)


HOSTS = ("a.test", "b.test", "B.TEST", "b.test.", "b.test..", "b.test:80",
         "b.test:8080", "b.test:", "b.test:x", "b.test:99999", "www.a.test",
         "x.wild.a.test", "x.y.wild.a.test", "wild.a.test", "b2.test",
         "exact.b.test", "EXACT.b.Test", "c.test", "d.test", "d1.test",
         "xdxdx", "nobody.test", "127.0.0.1", "127.0.0.1:80", "127.1", "1.2.3",
         "12345", "0x7f.1", "[::1]", "[::1]:80", "[::1", "::1", "[::1%lo]",
         "", " ", "\tb.test", "b.test ", "b .test", "a.test, b.test", "*",
         "_default_", "b.test/", "/b.test", "..", ".b.test", "b..test",
         "b_x.test", "b-.test", "user@b.test", "b.test\x00", "b\xe9.test",
         "b.test#x", "x" * 300 + ".b.test")

TARGETS = ("/", "//", "//b.test/", "///x", "/bpath", "/bpath/", "/bpath/x",
           "/bpathx", "/bpath/c/", "/bpath/c/x", "/%62path", "*", "x",
           "http://b.test/", "HTTP://B.TEST/", "http://b.test:81/x?y",
           "http://b.test", "http://b.test./", "http://nobody.test/",
           "http://u:p@b.test/", "http://b.test/#f", "http:///x", "http:/x",
           "http://", "http://[::1]/", "http://[::1/", "https://b.test/",
           "ftp://b.test/", "b.test:80", "b.test", "/#f", "/?b", "/\xe9",
           "http://127.0.0.1/", "http://12345/", "http://b.test:x/",
           "http://b%2etest/", "/" + "x" * 120, "/" + "x" * 9000)

METHODS = ("GET", "HEAD", "POST", "OPTIONS", "CONNECT", "PUT", "TRACE",
           "get", "FOO", "G{T", "", "PRI")

VERSIONS = ("HTTP/1.1", "HTTP/1.0", "", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2",
            "http/1.1", "HTTP/1.10", "HTTP/1.", "HTTP /1.1", "HTTP/1.1 ",
            "HTTP/1.1 x", "FTP/1.0", "\tHTTP/1.1")

FIELDS = ("X: y", "X:", "X :y", ":y", "X", " folded", "\tfolded", " ", "\t",
          "X: \x01", "X: \xff", "X\xff: y", "Content-Length: 0",
          "Content-Length: 3", "Content-Length: x", "Content-Length: -1",
          "Content-Length: 1, 1", "Transfer-Encoding: chunked",
          "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, gzip",
          "Expect: 100-continue", "Expect: nonsense", "X: " + "y" * 115,
          "X: " + "y" * 9000, "Connection: upgrade", "Upgrade: h2c",
          "User-Agent: x (internal dummy connection)", "Host", "Host :b.test",
          "Host\t: b.test", "hOST: b.test", "X-Host: b.test", "X: a\rb",
          "X: a\x00b", "X: a\x0bb")


def plain_cases():
    """(name, bytes) for any address with a.test first and b.test behind."""
    yield from _framing_cases()
    for host in HOSTS:
        yield f"host {host!r}", get(host)
        yield f"http/1.0 host {host!r}", get(host, version="HTTP/1.0")
    for target in TARGETS:
        for method in ("GET", "OPTIONS", "CONNECT"):
            yield (f"{method} {target[:40]!r}",
                   head(f"{method} {target} HTTP/1.1", "Host: a.test"))
        yield f"1.0 {target[:40]!r}", get(None, target, "HTTP/1.0")
        yield f"0.9 {target[:40]!r}", f"GET {target}\r\n".encode("latin-1")
    for method in METHODS:
        yield f"method {method!r}", head(f"{method} / HTTP/1.1",
                                         "Host: b.test")
    for version in VERSIONS:
        yield f"version {version!r}", get("b.test", "/", version)
    for field in FIELDS:
        yield f"before {field[:40]!r}", head("GET / HTTP/1.1", field,
                                             "Host: b.test")
        yield f"behind {field[:40]!r}", head("GET / HTTP/1.1", "Host: b.test",
                                             field)


def _framing_cases():
    """Everything about lines, and what comes twice or not at all."""
    good = get(B)
    yield "plain b", good
    yield "nothing", b""
    yield "only a newline", b"\r\n"
    for n in (1, 2, 10, 11, 12, 30):
        yield f"{n} blank lines first", b"\r\n" * n + good
        yield f"{n} bare blank lines first", b"\n" * n + good
    yield "bare LF", good.replace(b"\r\n", b"\n")
    yield "bare LF in the end", good[:-2] + b"\n"
    yield "bare CR", good.replace(b"\r\n", b"\r")
    yield "CR CR LF", good.replace(b"\r\n", b"\r\r\n")
    yield "no end", good[:-2]
    yield "half a line", b"GET / HT"
    yield "half a header", good[:-6]
    yield "two hosts", head("GET / HTTP/1.1", "Host: a.test", "Host: b.test")
    yield "two hosts the other way", head("GET / HTTP/1.1", "Host: b.test",
                                          "Host: a.test")
    yield "the same host twice", head("GET / HTTP/1.1", "Host: b.test",
                                      "Host: b.test")
    yield "folded host", head("GET / HTTP/1.1", "Host:", " b.test")
    yield "host folded in the middle", head("GET / HTTP/1.1", "Host: b",
                                            " .test")
    yield "host folded behind", head("GET / HTTP/1.1", "Host: b.test", " ",
                                     "X: y")
    yield "fold first", head("GET / HTTP/1.1", " Host: b.test")
    yield "no host", head("GET / HTTP/1.1", "X: y")
    yield "http/0.9", b"GET /\r\n"
    yield "http/0.9 with more behind", b"GET /bpath\r\nHost: b.test\r\n\r\n"
    yield "http/0.9 head", b"HEAD /bpath\r\n"
    yield "http/0.9 without newline", b"GET /bpath"
    yield "spaces around", head(" GET / HTTP/1.1", "Host: b.test")
    yield "two spaces", head("GET  /  HTTP/1.1", "Host: b.test")
    yield "tabs", head("GET\t/\tHTTP/1.1", "Host: b.test")
    yield "pipelined", good + get(A)
    yield "with a body", head("POST / HTTP/1.1", "Host: b.test",
                              "Content-Length: 5") + b"hello"
    yield "tls on a plain port", bytes.fromhex(
        "16030100c8010000c40303") + bytes(197)
    yield "h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "binary", bytes(range(256))
    yield "zeros", bytes(1000) + b"\r\n\r\n"
    yield "forged dummy", (b"OPTIONS * HTTP/1.0\r\nUser-Agent: x (internal "
                           b"dummy connection)\r\n\r\n" + good)
    yield "many fields", head("GET / HTTP/1.1", *["X: y"] * 99, "Host: b.test")
    yield "too many fields", head("GET / HTTP/1.1", *["X: y"] * 101,
                                  "Host: b.test")
    yield "24 KB before host", head(
        "GET / HTTP/1.1", *[f"X-{i}: {'y' * 990}" for i in range(24)],
        "Host: b.test")
    yield "merged fields too long", head(
        "GET / HTTP/1.1", "X: " + "y" * 5000, "X: " + "y" * 5000,
        "Host: b.test")


def proxy_cases():
    """(name, bytes) for an address that expects PROXY headers."""
    v1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"
    v2 = bytes.fromhex("0d0a0d0a000d0a515549540a")
    addresses = bytes([192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x67, 0, 80])
    good = get(B)
    yield "v1", v1 + good
    yield "v1 and 0.9", v1 + b"GET /\r\n"
    yield "v1 v6", b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n" + good
    yield "v1 unknown", b"PROXY UNKNOWN\r\n" + good
    yield "v1 unknown with more", b"PROXY UNKNOWN x y z\r\n" + good
    yield "v1 bare LF", v1[:-2] + b"\n" + good
    yield "v1 line break inside", (b"PROXY TCP4 192.0.2.1\n192.0.2.2 1 2\r\n"
                                   + good)
    yield "v1 too long", b"PROXY TCP4 " + b"1" * 100 + b"\r\n" + good
    yield "v1 at the limit", (b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n" + good)
    yield "v1 twice", v1 + v1 + good
    yield "v1 alone", v1
    yield "v1 then garbage", v1 + b"\x16\x03\x01nonsense\r\n\r\n"
    yield "v2", v2 + b"\x21\x11\x00\x0c" + addresses + good
    yield "v2 with TLV", (v2 + b"\x21\x11\x00\x10" + addresses
                          + b"\x04\x00\x01x" + good)
    yield "v2 local", v2 + b"\x20\x00\x00\x00" + good
    yield "v2 unix", v2 + b"\x21\x31\x00\xd8" + bytes(216) + good
    yield "v2 v6", v2 + b"\x21\x21\x00\x24" + bytes(36) + good
    yield "v2 long", v2 + b"\x21\x11\x01\x00" + bytes(256) + good
    yield "v2 huge", v2 + b"\x21\x11\xff\xff" + bytes(65535) + good
    yield "v2 wrong version", v2 + b"\x31\x11\x00\x0c" + addresses + good
    yield "v2 cut", v2 + b"\x21\x11\x00"
    yield "no header", good
    yield "newlines like v2", b"\r\n\r\n" + good
    yield "blank lines behind v1", v1 + b"\r\n\r\n" + good
    yield "nothing", b""


def corpus(topology):
    """Every hand-written case that the server of TOPOLOGY can run."""
    for role in PLAIN_ROLES + ("v6", "v6_wildcard", "dual"):
        if role in topology.at:
            for name, data in plain_cases():
                yield name, role, [data]
    if "proxy" in topology.at:
        for name, data in proxy_cases():
            yield name, "proxy", [data]


# ------------------------------------------------------------------- fuzzer

class Generator:
    """Heads by grammar and by accident; the same SEED makes the same ones."""

    def __init__(self, seed, roles=PLAIN_ROLES):
        self.random = random.Random(seed)
        self.roles = roles

    def _one(self, usual, unusual, odds=0.25):
        return self.random.choice(
            unusual if self.random.random() < odds else usual)

    def _fields(self):
        r = self.random
        fields = []
        for _ in range(r.choice((0, 1, 2, 3, 5, 8, 30))):
            fields.append(self._one(("X: y", "Accept: */*"), FIELDS, 0.2))
        hosts = r.choice((0, 1, 1, 1, 1, 1, 2))
        for _ in range(hosts):
            host = self._one(("a.test", "b.test", "c.test"), HOSTS, 0.4)
            name = self._one(("Host",), ("host", "HOST", "Host ", "\tHost"),
                             0.1)
            fields.insert(r.randrange(len(fields) + 1),
                          f"{name}:{r.choice(('', ' ', '  ', chr(9)))}{host}")
        if r.random() < 0.03:
            fields.insert(0, "X: " + "y" * r.randrange(9000))
        return fields

    def _head(self):
        r = self.random
        end = self._one(("\r\n",), ("\n", "\r", "\r\r\n", "\n\r"), 0.05)
        line = " ".join(filter(None, (
            self._one(("GET", "POST"), METHODS),
            self._one(("/", "/bpath/x"), TARGETS, 0.3),
            self._one(("HTTP/1.1", "HTTP/1.0"), VERSIONS, 0.15))))
        text = end * self._one((0,), (1, 2, 10, 11, 12), 0.1)
        text += end.join([line, *self._fields()]) + end
        if r.random() < 0.97:
            text += end
        return text.encode("latin-1")

    def _plain_head(self):
        """What the router may answer from memory, or just not."""
        r = self.random
        host = r.choice(("a.test", "B.test", "b2.test", "x.b.test", "c.test",
                         "exact.b.test", "nobody.test", "d1.test", "localhost",
                         "b.1test", "b..test", "1.2.3.4"))
        fields = [f"Host: {host}{r.choice(('', '', ':80', ':8080', ':0'))}"]
        for _ in range(r.choice((0, 1, 4, 5, 20))):
            fields.insert(r.randrange(len(fields) + 1), self._one(
                ("X: y", "Content-Length: 0", "Accept: " + "z" * 60), FIELDS,
                0.05))
        target = r.choice(("/", "/bpath/", "/x?y=z#"[:r.choice((5, 6, 7))],
                           "/" + "x" * r.choice((70, 90))))
        return head(f"{r.choice(('GET', 'HEAD', 'POST'))} {target} "
                    f"HTTP/1.{r.choice('01')}", *fields)

    def _mutate(self, data):
        r = self.random
        data = bytearray(data)
        for _ in range(r.choice((0, 0, 0, 0, 1, 1, 2, 5))):
            at = r.randrange(len(data) + 1)
            kind = r.randrange(4)
            if kind == 0:
                data[at:at + 1] = bytes([r.randrange(256)])
            elif kind == 1:
                data[at:at] = r.choice((b"\r\n", b"\n", b"\r", b" ", b"\0",
                                        b":", b"\t", b"Host: b.test\r\n"))
            elif kind == 2:
                del data[at:at + r.randrange(1, 6)]
            else:
                del data[at:]
        return bytes(data)

    def _split(self, data):
        r = self.random
        if len(data) < 2 or r.random() < 0.7:
            return [data]
        cuts = sorted(r.sample(range(1, len(data)),
                               min(len(data) - 1, r.randrange(1, 4))))
        return [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)])]

    def case(self):
        """The next (name, role, chunks)."""
        role = self.random.choice(self.roles)
        if self.random.random() < 0.3:
            data = self._plain_head()
        else:
            data = self._mutate(self._head())
        if role.startswith("proxy") and self.random.random() < 0.9:
            data = self._mutate(
                b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n") + data
        return "generated", role, self._split(data)


def fuzz(seconds, seed, roles, judge, threads=1):
    """Run JUDGE on generated cases for SECONDS; returns how many. Thread i
    has the generator of SEED + i."""
    end = time.monotonic() + seconds
    tried = [0] * threads

    def run(i):
        generator = Generator(seed + i, roles)
        while time.monotonic() < end:
            judge(generator.case())
            tried[i] += 1
    with futures.ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(run, i) for i in range(threads)]:
            done.result()
    return sum(tried)


def fuzz_seconds():
    """The time box: $ITK_FUZZ_SECONDS, or short."""
    return float(os.environ.get("ITK_FUZZ_SECONDS", "10"))


def fuzz_seed():
    """$ITK_FUZZ_SEED, or a new one each time."""
    return int(os.environ.get("ITK_FUZZ_SEED", time.time_ns() % 10**9))
