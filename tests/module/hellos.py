"""ClientHellos of every shape, byte by byte, and what a server made of them.

They offer TLS 1.2 only, so that the server's certificate comes back in the
clear: it says which vhost was chosen by the SNI.
"""

import ssl

from client import tls_context

SERVER_NAME, GROUPS, POINTS, SIGNATURES, ALPN = 0, 10, 11, 13, 16
PADDING, VERSIONS, KEY_SHARE, ECH = 21, 43, 51, 0xfe0d
GREASE = 0x2a2a
X25519, P256, X25519_MLKEM768 = 29, 23, 0x11ec


def u8(n):
    """One byte."""
    return n.to_bytes(1, "big")


def u16(n):
    """Two bytes."""
    return n.to_bytes(2, "big")


def vec8(data):
    """DATA behind one byte of length."""
    return u8(len(data)) + data


def vec16(data):
    """DATA behind two bytes of length."""
    return u16(len(data)) + data


def extension(kind, body):
    """One extension."""
    return u16(kind) + vec16(body)


def server_name(*names):
    """A server_name extension; a name may be (type, bytes)."""
    entries = b""
    for name in names:
        kind, raw = name if isinstance(name, tuple) else (0, name.encode())
        entries += u8(kind) + vec16(raw)
    return extension(SERVER_NAME, vec16(entries))


def usual():
    """What every client of our kind sends."""
    return [extension(GROUPS, vec16(u16(X25519) + u16(P256))),
            extension(POINTS, vec8(b"\0")),
            extension(SIGNATURES, vec16(u16(0x0403) + u16(0x0804))),
            extension(VERSIONS, vec8(u16(0x0303)))]


def hello(*extensions, session=b"", ciphers=(0xc02b, 0xc02c, 0xc02f),
          compression=b"\0", block=None):
    """A ClientHello handshake message."""
    body = (u16(0x0303) + bytes(range(32)) + vec8(session)
            + vec16(b"".join(u16(c) for c in ciphers)) + vec8(compression))
    if block is None:
        block = vec16(b"".join([*extensions, *usual()]))
    body += block
    return u8(1) + len(body).to_bytes(3, "big") + body


def records(message, *sizes, kind=22, version=0x0301):
    """MESSAGE in records of SIZES bytes, the last size again and again."""
    out, sizes = b"", list(sizes) or [16384]
    while message:
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        out += u8(kind) + u16(version) + vec16(message[:size])
        message = message[size:]
    return out


def named(name, *before, **kw):
    """The records of a hello that asks for NAME."""
    return records(hello(*before, server_name(name), **kw))


def cases():
    """(name, bytes, wanted): WANTED is the vhost, or None where the handshake
    must fail. For an address with a.test, b.test and c.test."""
    yield "a", named("a.test"), "a.test"
    yield "b", named("b.test"), "b.test"
    yield "upper case", named("B.TEST"), "b.test"
    yield "alias", named("b2.test"), "b.test"
    yield "wildcard", named("x.b.test"), "b.test"
    yield "earlier wildcard", named("exact.b.test"), "b.test"
    yield "trailing dot", named("b.test."), "a.test"
    yield "nobody", named("nobody.test"), "a.test"
    yield "an address", named("127.0.0.1"), "a.test"
    yield "255 bytes", named("x" * 248 + ".b.test"), "b.test"
    yield "256 bytes", named("x" * 249 + ".b.test"), None
    yield "no name", records(hello()), "a.test"
    yield "empty name", named(""), "a.test"
    yield "empty list", records(hello(extension(SERVER_NAME, u16(0)))), None
    yield "empty extension", records(hello(extension(SERVER_NAME, b""))), None
    yield "NUL in the name", records(hello(server_name(
        (0, b"b.test\0.x")))), None
    yield "two names", records(hello(server_name("b.test", "c.test"))), None
    yield "another type first", records(hello(server_name(
        (1, b"x"), "b.test"))), None
    yield "extension twice", records(hello(
        server_name("b.test"), server_name("c.test"))), None
    yield "list too long", records(hello(extension(
        SERVER_NAME, u16(99) + u8(0) + vec16(b"b.test")))), None
    yield "name too long", records(hello(extension(
        SERVER_NAME, vec16(u8(0) + u16(99) + b"b.test")))), None
    yield "bytes behind the name", records(hello(extension(
        SERVER_NAME, vec16(u8(0) + vec16(b"b.test")) + b"x"))), None
    yield "extension cut", records(hello(block=vec16(
        server_name("b.test")[:-1]))), None
    yield "no extensions", records(hello(block=b"")), None  # no common group
    yield "odd ciphers", records(hello(
        server_name("b.test"), ciphers=())), None
    yield "session id", named("b.test", session=bytes(32)), "b.test"
    yield "long session id", named("b.test", session=bytes(33)), None
    yield "no compression", named("b.test", compression=b""), None
    yield from _modern()
    yield from _framing()


def _modern():
    """What browsers put in today."""
    grease = extension(GREASE, b"")
    yield "grease", named("b.test", grease, extension(0x3a3a, b"\0")), "b.test"
    yield "grease in ciphers", named("b.test", ciphers=(
        GREASE, 0xc02b, 0xc02f)), "b.test"
    pq = extension(KEY_SHARE, vec16(
        u16(GREASE) + vec16(b"\0")
        + u16(X25519_MLKEM768) + vec16(bytes(1216))
        + u16(X25519) + vec16(bytes(32))))
    yield "post-quantum key share", named("b.test", pq), "b.test"
    ech = extension(ECH, u8(0) + u16(1) + u16(1) + u8(7)
                    + vec16(bytes(32)) + vec16(bytes(240)))
    yield "ECH", named("b.test", grease, ech, pq), "b.test"
    yield "alpn", named("b.test", extension(
        ALPN, vec16(vec8(b"h2") + vec8(b"http/1.1")))), "b.test"
    yield "padding", named("b.test", extension(PADDING, bytes(4000))), "b.test"
    yield "30 KB of extensions", named("b.test", *[
        extension(0x5000 + i, bytes(1000)) for i in range(30)]), "b.test"


def _framing():
    """How it may be cut into records, and what is no hello."""
    message = hello(server_name("b.test"))
    for sizes in ((1,), (2,), (3, 1), (4,), (5, 100), (40, 1, 200), (64,)):
        yield f"records of {sizes}", records(message, *sizes), "b.test"
    half = records(message[:50])
    rest = records(message[50:])
    yield "empty record first", records(b"", 1) + u8(22) + u16(0x301) + u16(0) \
        + half + rest, "b.test"
    yield "alert inside", half + b"\x15\x03\x01\0\2\1\x5a" + rest, None
    yield "data inside", half + b"\x17\x03\x01\0\2xx" + rest, None
    yield "record version 3.3", records(message, version=0x0303), "b.test"
    yield "record version 3.0", records(message, version=0x0300), "b.test"
    yield "record version 2.0", records(message, version=0x0200), None
    yield "close_notify first", b"\x15\x03\x01\0\2\1\0" + half + rest, None
    yield "fatal alert first", b"\x15\x03\x01\0\2\2\x28" + half + rest, None
    yield "ccs first", b"\x14\x03\x03\0\1\1" + half + rest, None
    yield "not a hello", records(b"\2" + message[1:]), None
    yield "huge record", b"\x16\x03\x01\xff\xff" + message, None
    yield "huge message", records(b"\1\xff\xff\xff" + message[4:]), None


def certificate_in(answer, certs):
    """Which of CERTS (DER -> vhost) a TLS 1.2 server sent, or None."""
    plain, at = b"", 0
    while len(answer) - at >= 5:
        size = int.from_bytes(answer[at + 3:at + 5], "big")
        if answer[at] == 22:
            plain += answer[at + 5:at + 5 + size]
        at += 5 + size
    return next((vhost for der, vhost in certs.items() if der in plain), None)


class Talk:
    """A TLS client over SOCK whose ClientHello is sent as RESHAPE says: it
    gets the record OpenSSL made and returns chunks of bytes."""

    def __init__(self, sock, sni, reshape):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = tls_context().wrap_bio(self.incoming, self.outgoing,
                                          server_hostname=sni)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        for chunk in reshape(self.outgoing.read()):
            sock.sendall(chunk)
        self._until(self.tls.do_handshake)
        self.certificate = self.tls.getpeercert(binary_form=True)

    def _until(self, act, *args):
        while True:
            try:
                result = act(*args)
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self.sock.recv(65536)
                if not data:
                    raise EOFError("closed in the handshake") from None
                self.incoming.write(data)

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.sock.sendall(data)

    def ask(self, data):
        """Send a request; the first bytes of the answer."""
        self._until(self.tls.write, data)
        return self._until(self.tls.read, 65536)
