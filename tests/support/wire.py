# SPDX-License-Identifier: Apache-2.0
"""HTTP by hand: sends any bytes over one TCP connection and reads the answers, without the help of a client library."""
import json
import socket
from types import SimpleNamespace

HOST = "Host: t\r\n"
JSON = "Content-Type: application/json\r\n"
ID = "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11"


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __getitem__(self, name):
        """The value of a header field that must be there at most once."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} is there {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        if self["Content-Type"] != "application/problem+json":
            return None
        assert self.json["status"] == self.status
        return self.json["code"]

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:300]!r}>"


class Wire:
    """One TCP connection; reads answers one after the other."""

    def __init__(self, server, timeout_s=20):
        self.socket = socket.create_connection((server.host, server.port), timeout=timeout_s)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def _more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.buffer += piece
        return bool(piece)

    def answer(self, to_head=False):
        """The next answer, None when the connection ended before one began."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                assert not self.buffer, f"half an answer: {self.buffer!r}"
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        status = int(lines[0].split(" ")[1])
        length = next((int(v) for k, v in fields if k.lower() == "content-length"), 0)
        if to_head or status in (204, 304) or status < 200:
            length = 0
        while len(self.buffer) < length:
            assert self._more(), "the body was cut"
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, fields, body)

    def is_closed(self):
        """True when the server ends the connection, False when it leaves it open for a moment."""
        self.socket.settimeout(0.5)
        try:
            return not self._more()
        except TimeoutError:
            return False


def ask(server, method, target, fields="", body=b""):
    """One request on a connection of its own."""
    if isinstance(body, str):
        body = body.encode()
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    with Wire(server) as wire:
        wire.send(f"{method} {target} HTTP/1.1\r\n{HOST}{fields}{length}\r\n".encode("latin-1") + body)
        return wire.answer(to_head=method == "HEAD")


def admin(server, target, fields=""):
    """A GET of the admin port."""
    with Wire(SimpleNamespace(host=server.host, port=server.admin_port)) as wire:
        wire.send(f"GET {target} HTTP/1.1\r\n{HOST}{fields}\r\n")
        return wire.answer()


def samples(server):
    """What /metrics says, by name and labels."""
    page = admin(server, "/metrics").body.decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line[:1] != "#"}
