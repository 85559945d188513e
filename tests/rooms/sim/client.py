"""A small event-socket client of the tests' own, so that our link's mistakes can't hide the
switch's: it frames by Content-Length, sends text as it is and keeps every event in order.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event

EVERYTHING = (
    "event json CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER "
    "CHANNEL_PARK CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY "
    "BACKGROUND_JOB SHUTDOWN PLAYBACK_STOP RECORD_START RECORD_STOP DTMF "
    "CUSTOM dialer::ready sofia::gateway_state dialer::tick"
)


class Client:
    """`replies` and `events` in the order of arrival; `frames` says how they were mixed."""

    def __init__(self, port: int, password: str = "simulated-switch") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.events: list[dict[str, Any]] = []
        self.replies: list[tuple[dict[str, str], str]] = []
        self.frames: list[str] = []
        self.closed = False
        self._taken = 0
        self._changed = Event()
        self._reader = gevent.spawn(self._read)
        self.greeting = self.reply()
        self.authorised = self.command(f"auth {password}")

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode() + b"\n\n")

    def command(self, text: str) -> str:
        """A command's Reply-Text, or an api's body."""
        self.send(text)
        headers, body = self.reply()
        return body if headers["Content-Type"] == "api/response" else headers["Reply-Text"]

    def api(self, text: str) -> str:
        return self.command(f"api {text}")

    def reply(self) -> tuple[dict[str, str], str]:
        self.until(lambda: len(self.replies) > self._taken)
        self._taken += 1
        return self.replies[self._taken - 1]

    def until(self, condition: Callable[[], object], within_s: float = 10.0) -> None:
        """Wait for something to arrive; fails loudly when it does not come."""
        with gevent.Timeout(within_s, AssertionError(f"did not come; have {self.names()}")):
            while not condition():
                self._changed.wait()
                self._changed.clear()

    def event(self, name: str, uuid: str | None = None, since: int = 0) -> dict[str, Any]:
        """The first event of that name (and channel), waited for."""

        def find() -> dict[str, Any] | None:
            for event in self.events[since:]:
                mine = uuid is None or event.get("Unique-ID", event.get("Job-UUID")) == uuid
                if name in (event["Event-Name"], event.get("Event-Subclass")) and mine:
                    return event
            return None

        self.until(find)
        found = find()
        assert found is not None
        return found

    def names(self, since: int = 0) -> list[str]:
        return [one.get("Event-Subclass") or one["Event-Name"] for one in self.events[since:]]

    def close(self) -> None:
        self._reader.kill()
        self.socket.close()

    def _read(self) -> None:
        buffer = b""
        while True:
            end = buffer.find(b"\n\n")
            headers = dict(
                line.split(": ", 1)
                for line in buffer[: max(end, 0)].decode().split("\n")
                if line
            )
            length = int(headers.get("Content-Length", "0"))
            if end < 0 or len(buffer) < end + 2 + length:
                data = self._receive()
                if not data:
                    break
                buffer += data
                continue
            self._take(headers, buffer[end + 2 : end + 2 + length])
            buffer = buffer[end + 2 + length :]
        self.closed = True
        self._changed.set()

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except OSError:
            return b""

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        text = body.decode("utf-8", "surrogateescape")
        self.frames.append(headers["Content-Type"])
        if headers["Content-Type"] == "text/event-json":
            self.events.append(json.loads(text))
        elif headers["Content-Type"] != "text/disconnect-notice":
            self.replies.append((headers, text))
        self._changed.set()
