"""A plain event-socket client for the tests: independent of dialer.esl, whose word it checks.

One connection, one lock; events are handed over by the reading greenlet with the instant of
their arrival. `wake_every_s` sends the newline that makes the switch deliver at once.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

import gevent
from gevent import socket
from gevent.event import AsyncResult, Event
from gevent.lock import RLock

TIMEOUT_S = 10.0

Headers = dict[str, str]
OnEvent = Callable[[dict[str, Any], float], None]


class WireError(Exception):
    """The switch refused or went away."""


class Wire:
    """Connected and authenticated when made."""

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        on_event: OnEvent | None = None,
        *,
        user: str = "",
    ) -> None:
        self._on_event = on_event
        self.awake = Event()  # cleared: who waits for nothing need not be woken
        self.awake.set()
        self._waiting: deque[AsyncResult[str]] = deque()
        self._writing = RLock()
        self._sock = socket.create_connection((host, port), timeout=TIMEOUT_S)
        self._sock.settimeout(None)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._sock.makefile("rb")
        self._greeted: AsyncResult[str] = AsyncResult()
        self._waiting.append(self._greeted)
        self._greenlets: list[gevent.Greenlet[..., None]] = [gevent.spawn(self._read)]
        try:
            self._log_in(user, password)
        except BaseException:
            self.close()
            raise

    def _log_in(self, user: str, password: str) -> None:
        self._greeted.get(timeout=TIMEOUT_S)
        if user:  # its long reply may be cut short: the next one ends it
            answer, behind = (
                self.begin(f"userauth {user}:{password}"),
                self.begin("api version"),
            )
            accepted = not str(answer.get(timeout=TIMEOUT_S)).startswith("-ERR")
            if self._waiting and not behind.ready():
                self._waiting.clear()
        else:
            accepted = self.ask(f"auth {password}").startswith("+OK")
        if not accepted:
            raise WireError("wrong password")

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        gevent.killall(self._greenlets)
        self._file.close()
        self._sock.close()

    # ------------------------------------------------------------------ commands

    def ask(self, command: str) -> str:
        """The answer's text, without blanks around it."""
        answer = self.begin(command).get(timeout=TIMEOUT_S)
        assert answer is not None
        return answer.strip()

    def begin(self, command: str) -> AsyncResult[str]:
        """Send it; the answer comes later."""
        answer: AsyncResult[str] = AsyncResult()
        with self._writing:
            self._waiting.append(answer)
            self._sock.sendall(f"{command}\n\n".encode())
        return answer

    def api(self, command: str) -> str:
        return self.ask(f"api {command}")

    def subscribe(self, names: str, *, wake_every_s: float | None = None) -> None:
        self.ask(f"event json {names}")
        if wake_every_s is not None:
            self._greenlets.append(gevent.spawn(self._wake, wake_every_s))

    def _wake(self, every_s: float) -> None:
        while True:
            self.awake.wait()
            with self._writing:
                self._sock.sendall(b"\n")
            gevent.sleep(every_s)

    # ------------------------------------------------------------------ reading

    def _read(self) -> None:
        try:
            while frame := self._frame():
                self._take(*frame)
        finally:
            while self._waiting:
                self._waiting.popleft().set_exception(WireError("the switch went away"))

    def _frame(self) -> tuple[Headers, bytes] | None:
        headers: Headers = {}
        while True:
            line = self._file.readline()
            if not line:
                return None
            if line == b"\n":
                if headers:
                    break
                continue
            name, _, value = line.decode(errors="replace").partition(":")
            headers.setdefault(name, value.strip())
        return headers, self._file.read(int(headers.get("Content-Length", "0")))

    def _take(self, headers: Headers, body: bytes) -> None:
        kind = headers.get("Content-Type")
        if kind == "text/event-json":
            arrived_s = time.monotonic()
            if self._on_event is not None:
                self._on_event(json.loads(body.decode(errors="replace")), arrived_s)
        elif kind in ("command/reply", "api/response", "auth/request"):
            text = body.decode(errors="replace") or headers.get("Reply-Text", "")
            self._waiting.popleft().set(text)
