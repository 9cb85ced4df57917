# SPDX-License-Identifier: Apache-2.0
"""Writes down what the server asks of PostgreSQL, exactly: statements, types, parameters, and what shares a round trip.

A proxy on a Unix socket between the two that reads the client's side of the protocol (version 3). The limit that
limit.py measures is made of these recordings, so it can never be a different or an older statement than the server's.
"""
import os
import socket
import struct
import threading
from dataclasses import dataclass

TYPES = {16: "boolean", 20: "bigint", 23: "integer", 25: "text", 114: "json", 1009: "text[]", 1043: "text",
         1082: "date", 1184: "timestamptz", 2950: "uuid", 2951: "uuid[]", 3802: "jsonb"}


@dataclass(frozen=True)
class Call:
    """One execution of a statement: its text, the declared types ('' = left to PostgreSQL) and the values."""
    sql: str
    types: tuple
    values: tuple


class Session:
    """Reads the frontend messages of one connection and hands over a list of calls at each Sync."""

    def __init__(self, on_sync):
        self.on_sync = on_sync
        self.buffer = b""
        self.is_started = False
        self.statements = {}
        self.bound = None
        self.calls = []

    def feed(self, data):
        self.buffer += data
        while True:
            message = self._next()
            if message is None:
                return
            kind, body = message
            handler = getattr(self, f"_{kind.decode()}", None) if kind else None
            if handler:
                handler(body)

    def _next(self):
        head = 1 if self.is_started else 0
        if len(self.buffer) < head + 4:
            return None
        length = struct.unpack_from("!i", self.buffer, head)[0]
        if len(self.buffer) < head + length:
            return None
        kind, body = self.buffer[:head], self.buffer[head + 4:head + length]
        self.buffer = self.buffer[head + length:]
        self.is_started = True
        return kind, body

    def _P(self, body):
        name, sql, rest = body.split(b"\0", 2)
        count = struct.unpack_from("!h", rest)[0]
        oids = struct.unpack_from(f"!{count}I", rest, 2)
        self.statements[name] = (sql.decode(), tuple(TYPES.get(oid, "") for oid in oids))

    def _B(self, body):
        _, name, rest = body.split(b"\0", 2)
        formats = struct.unpack_from("!h", rest)[0]
        at = 2 + 2 * formats
        count = struct.unpack_from("!h", rest, at)[0]
        at += 2
        values = []
        for _ in range(count):
            size = struct.unpack_from("!i", rest, at)[0]
            at += 4
            values.append(None if size < 0 else rest[at:at + size].decode())
            at += max(size, 0)
        sql, types = self.statements[name]
        self.bound = Call(sql, types, tuple(values))

    def _E(self, _):
        self.calls.append(self.bound)

    def _S(self, _):
        if self.calls:
            self.on_sync(self.calls)
        self.calls = []


class Recorder:
    """Listens where libpq looks for a server on `port` in `folder` and passes everything on to `target`."""

    def __init__(self, folder, port, target):
        self.target = target
        self.trips = []
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        path = os.path.join(folder, f".s.PGSQL.{port}")
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self):
        """The round trips since the last call."""
        with self.lock:
            taken, self.trips = self.trips, []
        return taken

    def close(self):
        self.listener.close()

    def _keep(self, calls):
        with self.lock:
            self.trips.append(tuple(calls))

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            session = Session(self._keep)
            threading.Thread(target=self._pump, args=(client, server, session.feed), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, None), daemon=True).start()

    @staticmethod
    def _pump(source, sink, reader):
        try:
            while data := source.recv(65536):
                if reader:
                    reader(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
