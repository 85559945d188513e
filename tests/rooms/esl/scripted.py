"""A switch that does what a test says, on a real socket: replies, silence, broken frames, EOF.

It is no simulation (that is dialer.sim): it speaks the wire and has a few default answers. Each
command is handed to `answer`; what that returns is written as it is. NOTHING keeps silent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from gevent import socket
from gevent.lock import BoundedSemaphore
from gevent.queue import Queue
from gevent.server import StreamServer

SAMPLES = Path(__file__).parents[2] / "samples" / "esl"
PASSWORD = "long random password"
NOTHING = b""
CORE = "c25b5505-d1df-475a-81e6-874afd097114"
VERSION = "FreeSWITCH Version 1.11.2-release+git~20260809T162310Z~3f13ad1 (git 3f13ad1)"


def reply(text: str) -> bytes:
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


def response(text: str) -> bytes:
    body = text.encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body


def event(headers: dict[str, object] | bytes) -> bytes:
    body = headers if isinstance(headers, bytes) else json.dumps(headers).encode()
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n" % len(body) + body


def port_of(server: StreamServer) -> int:
    assert server.server_port is not None
    return server.server_port


class ScriptedSwitch:
    """`answer(command, connection)` -> bytes for the wire; None: the default answer."""

    def __init__(
        self,
        answer: Callable[[str, Connection], bytes | None] = lambda command, wire: None,
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.commands: Queue[str] = Queue()  # all but auth and the ticks' own
        self.connections: list[Connection] = []
        self.connected: Queue[Connection] = Queue()
        self.core_uuid = CORE
        self.version = VERSION
        self.ticks_flow = True
        self.greets = True
        self._server = StreamServer(("127.0.0.1", port), self._serve)

    def __enter__(self) -> ScriptedSwitch:
        self._server.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._server.stop(timeout=0)
        for connection in list(self.connections):
            connection.cut()

    @property
    def port(self) -> int:
        return port_of(self._server)

    def tell_all(self, headers: dict[str, object]) -> None:
        """An event to whoever subscribed."""
        for connection in self.connections:
            if connection.subscribed:
                connection.write(event(headers))

    def _serve(self, sock: socket.socket, address: object) -> None:
        connection = Connection(sock)
        self.connections.append(connection)
        try:
            if self.greets:
                connection.write(b"Content-Type: auth/request\n\n")
            self.connected.put(connection)
            for command in connection.commands():
                answer = self.answer(command, connection)
                connection.write(
                    self._default(command, connection) if answer is None else answer
                )
        except OSError:
            connection.broken = True  # cut by the test or by the client
        finally:
            self.connections.remove(connection)
            connection.cut()

    def _default(self, command: str, connection: Connection) -> bytes:
        if command.startswith("auth "):
            good = command == f"auth {PASSWORD}"
            return reply("+OK accepted") if good else reply("-ERR invalid")
        if command.startswith("event json "):
            connection.subscribed = True
            return reply("+OK event listener enabled json")
        if command.startswith("sendevent CUSTOM\n"):
            return self._tick(command)
        if command == "api version":
            return response(self.version)
        if command == "api global_getvar core_uuid":
            return response(self.core_uuid)
        if command == "api uuid_exists 00000000-0000-4000-8000-000000000000":
            return response("false")
        self.commands.put(command)
        if command.startswith("bgapi "):
            job = command.partition("\nJob-UUID: ")[2]
            return reply(f"+OK Job-UUID: {job}")
        return response("+OK\n")

    def _tick(self, command: str) -> bytes:
        headers: dict[str, object] = {"Event-Name": "CUSTOM"}
        for line in command.split("\n")[1:]:
            name, _, value = line.partition(": ")
            headers[name] = value
        if self.ticks_flow:
            self.tell_all(headers)
        return reply("+OK 00000000-0000-4000-8000-000000000009")


class Connection:
    """One accepted client."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._writing = BoundedSemaphore(1)
        self.subscribed = False
        self.broken = False
        self.newlines = 0  # bare ones, between commands

    def write(self, data: bytes) -> None:
        with self._writing:  # frames of two greenlets must not mix
            self._sock.sendall(data)

    def commands(self) -> Iterator[str]:
        """Until EOF. Bare newlines between commands are counted and skipped."""
        buffer = b""
        while data := self._sock.recv(65536):
            buffer += data
            while True:
                stripped = buffer.lstrip(b"\n")
                self.newlines += len(buffer) - len(stripped)
                buffer = stripped
                head, blank, rest = buffer.partition(b"\n\n")
                if not blank:
                    break
                buffer = rest
                yield head.decode()

    def cut(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
