"""A plain HTTP/1.x client on sockets: says exactly what it is told to say."""

import http.client
import io
import socket
import ssl


class Reply:
    """One parsed response."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers      # http.client.HTTPMessage
        self.body = body            # bytes

    @property
    def text(self):
        """The body as text, without the blanks around it."""
        return self.body.decode(errors="replace").strip()

    def __repr__(self):
        return f"<{self.status} {self.body[:60]!r}>"


class Closed(Exception):
    """The server closed the connection instead of answering."""


class Connection:
    """One connection; TLS when SNI is given (False: TLS without a name)."""

    def __init__(self, address, sni=None, timeout=20.0, source=None):
        self.sock = socket.create_connection(address, timeout,
                                             source_address=source)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sni is not None:
            self.sock = tls_context().wrap_socket(
                self.sock, server_hostname=sni or None)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Close both ends of our side."""
        self.file.close()
        self.sock.close()

    def send(self, data):
        """Send bytes as they are."""
        self.sock.sendall(data)

    def request(self, path="/", host="localhost", method="GET", headers=(),
                body=b"", version="HTTP/1.1", close=False):
        """Send one request without waiting for its answer."""
        lines = [f"{method} {path} {version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        if close:
            lines.append("Connection: close")
        lines += [f"{name}: {value}" for name, value in dict(headers).items()]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def reply(self, method="GET"):
        """Read the next response; Closed when there is none."""
        parser = http.client.HTTPResponse(_Kept(self.file), method=method)
        try:
            parser.begin()
            body = parser.read()
        except (http.client.BadStatusLine, ConnectionResetError,
                ssl.SSLError) as e:
            raise Closed(repr(e)) from None
        return Reply(parser.status, parser.headers, body)

    def ask(self, path="/", host="localhost", **kw):
        """One request and its answer; the connection stays open."""
        self.request(path, host, **kw)
        return self.reply(kw.get("method", "GET"))

    def rest(self):
        """Everything until the server closes."""
        try:
            return self.file.read()
        except (ConnectionResetError, ssl.SSLError):
            return b""


class _Kept(io.RawIOBase):
    """Gives http.client a socket whose file it cannot close."""

    def __init__(self, file):
        super().__init__()
        self._file = file

    def makefile(self, *_args, **_kw):
        return _NoClose(self._file)


class _NoClose:
    def __init__(self, file):
        self._file = file

    def __getattr__(self, name):
        return getattr(self._file, name)

    def close(self):
        """Leave the connection open for the next response."""

    def flush(self):
        """http.client calls it; nothing to do."""


def tls_context():
    """A client that trusts anything: the tests look at ids, not at chains."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
